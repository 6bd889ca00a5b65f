"""The pages: a commune's exchange in a browser, rendered by the node itself.

Every page works without script: forms are posted, links are followed; script
only spares waiting. Whatever stays for ever is shown once more before it is
signed, in one place (`confirming`), whichever page it comes from.

- `assets`: style, script and marks, vendored, sent once and kept by the browser.
- `site`: the frame of every page: templates, language, headers, errors as pages.
- `sayings`: what pages say in place of sentences that name a command.
- `entry`: what the local network gets to see before and after the password.
- `nearby`: whether phones there are let in, with which password, and at which addresses.
- `visits`: whose browser it is, and that a form was made here and is sent once.
- `forms`: what was typed into a form, as values of records or as sentences at the field.
- `confirming`: the last look at a record before it is signed, and the signing.
- `standing`: how things stand when it is looked at, and when it is signed.
- `welcome`: first run: founding a commune, with its recovery words on paper.
- `restoring`: first run: bringing one back from its backup.
- `board`: offers and needs of all communes, and one of them.
- `posters`: the board on paper, for a wall.
- `posting`: an offer or need: post, change, renew, withdraw.
- `drafts`: forms that were filled and not signed yet.
- `exchanges`: exchanges, one exchange, and every step in it.
- `proposing`: the form of a proposal, from a listing or from nothing, and of a counter-offer.
- `papers`: what is printed of an exchange: delivery notes, minutes, receipts.
- `receipts`: checking a receipt that somebody brings.
- `history`: all that a commune has recorded, in words.
- `charts`: exchanges over time, and who exchanges with whom.
- `drawings`: numbers as pictures.
- `entries`: one entry as it is, with its proof.
- `auditing`: the audit, run from its page.
- `statements`: what came in and went out in a period.
- `accounts`: what is owed and who owes.
- `neighbours`: whose ledgers are held, who is linked, whom this commune recognises.
- `addresses`: nodes that are called at addresses which somebody here gave.
- `naming`: one of them, and the name by which people here call it.
- `diagnosis`: why two nodes may not see each other.
- `bundles`: ledgers on a stick, written and taken in.
- `notices`: what others have done, until somebody has looked at it.
- `preferences`: language, profile, phones, backups, versions, and a text for those who help.
- `copies`: a backup, as a file.
- `status`: how this node is.
- `rings`: the same among more than two.
- `live`: telling open pages that something has come.
"""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from . import (
    accounts,
    addresses,
    assets,
    auditing,
    board,
    bundles,
    charts,
    confirming,
    copies,
    diagnosis,
    drafts,
    entries,
    entry,
    exchanges,
    history,
    live,
    naming,
    nearby,
    neighbours,
    notices,
    papers,
    posters,
    posting,
    preferences,
    proposing,
    receipts,
    restoring,
    rings,
    site,
    statements,
    status,
    welcome,
)
from .visits import visiting

TABLES: Final = (
    assets,
    site,
    entry,
    nearby,
    restoring,
    welcome,
    board,
    posters,
    posting,
    proposing,
    rings,
    papers,
    receipts,
    exchanges,
    confirming,
    drafts,
    statements,
    accounts,
    charts,
    history,
    entries,
    auditing,
    neighbours,
    addresses,
    naming,
    diagnosis,
    bundles,
    notices,
    preferences,
    copies,
    status,
    live,
)
"""The modules with routes; those of fixed addresses come before those that begin like them."""

MIDDLEWARES: Final[tuple[Middleware, ...]] = (site.speaking, visiting)

MIDDLEWARES_OVER_LAN: Final[tuple[Middleware, ...]] = (*MIDDLEWARES, entry.guarding)
"""The same for the listener that the local network reaches."""


def begin(app: web.Application, port: int) -> None:
    """Add the pages to the people's listener; `port` is where that is heard."""
    site.begin(app, port)
    app[restoring.RESTORING] = restoring.Restoring()
    app[live.LISTENING] = live.Listening()
    app[bundles.IMPORTS] = bundles.Imports()
    app.on_shutdown.append(live.hang_up)
    app.on_shutdown.append(auditing.let_go)
    app.on_shutdown.append(bundles.let_go)
    for module in TABLES:
        app.add_routes(module.ROUTES)
