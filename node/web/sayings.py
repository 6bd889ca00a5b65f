"""Sayings: what pages say in place of sentences that name a command.

Errors and findings are written once, for the command line, and tell a person
which command to give next. On pages the same is done on a page: this table has
the page's sentence for each of them, with a link where one leads on, written as
`[words](/address)`. All text goes through it where it is translated, so that no
page has to think of it. Sentences about what no page does keep their command.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

from ledger.sentences import N_

_LINK: Final = re.compile(r"\[([^\]]+)\]\((/[a-z/]*)\)")

SAYINGS: Final[Mapping[str, str]] = {
    "A quantity needs a unit: kg, l, piece, hour, ... `trueque listings --units` shows all.": N_(
        "A quantity needs a unit: choose one."
    ),
    "All that was agreed is recorded already: give --quantity if there was more.": N_(
        "All that was agreed is recorded already: say how much if there was more."
    ),
    "Entries of this commune that stand after its old log ended or forked, and on which no other "
    "commune relied, so that they do not count: {count}. `trueque log` shows them; record anew what "
    "the commune itself wrote there and still holds.": N_(
        "Entries of this commune that stand after its old log ended or forked, and on which no other "
        "commune relied, so that they do not count: {count}. [The history](/history) has them; record "
        "anew what the commune itself wrote there and still holds."
    ),
    "Held back, because others have introduced more than their share of {logs} logs and {limit} "
    "MB: {names}. `trueque recognise` those that you want, or raise introduced-logs or "
    "introduced-megabytes in config.toml.": N_(
        "Held back, because others have introduced more than their share of {logs} logs and {limit} "
        "MB: {names}. [Recognise](/neighbours) those that you want, or raise introduced-logs or "
        "introduced-megabytes in config.toml."
    ),
    "Held back: all that one commune introduces may be {logs} logs and {limit} MB, and this "
    "would be more. `trueque recognise` this commune, or raise introduced-logs or "
    "introduced-megabytes in config.toml.": N_(
        "Held back: all that one commune introduces may be {logs} logs and {limit} MB, and this "
        "would be more. [Recognise](/neighbours) this commune, or raise introduced-logs or "
        "introduced-megabytes in config.toml."
    ),
    "Logs that neighbours show and that are not taken in, because nobody here has asked for "
    "them: {count}. To take one in, `trueque recognise` its commune.": N_(
        "Logs that neighbours show and that are not taken in, because nobody here has asked for "
        "them: {count}. To take one in, [recognise](/neighbours) its commune."
    ),
    "More than one transfer may be meant: give --transfer with one of {choices}.": N_(
        "More than one transfer may be meant: choose one of {choices}."
    ),
    "Name the other commune with --to; with more than one, use --file.": N_("Choose the other commune."),
    "No commune called '{text}' is known here: `trueque communes` lists them.": N_(
        "No commune called '{text}' is known here: [these are](/neighbours)."
    ),
    "No quantity was agreed, so this one needs its unit: give --unit as well.": N_(
        "No quantity was agreed, so this one needs its unit: choose it as well."
    ),
    "Nodes that it is linked with now: {count}. `trueque peers` shows them.": N_(
        "Nodes that it is linked with now: {count}. [They are here](/neighbours)."
    ),
    "Nothing is left of the listing «{title}»: say how much with --give or --take.": N_(
        "Nothing is left of the listing «{title}»: say how much."
    ),
    "Other nodes get nothing of what they ask for, since it cannot be read here: {reason} "
    "`trueque audit` looks at everything that is held.": N_(
        "Other nodes get nothing of what they ask for, since it cannot be read here: {reason} [The "
        "audit](/audit) looks at everything that is held."
    ),
    "Say what changes: --name, --place, --about or --contact.": N_("Say what changes: fill in a field."),
    "That is this commune itself: name another one with --to.": N_(
        "That is this commune itself: choose another one."
    ),
    "The commune {commune} is not known here: `trueque communes` lists those that are.": N_(
        "The commune {commune} is not known here: [these are](/neighbours)."
    ),
    "The content of {id}, of {name}, was erased here ({reason}), so what it proposed is not "
    "known any more. These records still name it: {ids}. `trueque log` shows them.": N_(
        "The content of {id}, of {name}, was erased here ({reason}), so what it proposed is not "
        "known any more. These records still name it: {ids}. They stand in [the history](/history)."
    ),
    "The listing «{title}» is of a third commune: name it with --to.": N_(
        "The listing «{title}» is of a third commune: choose that one."
    ),
    "The local network is let in only with a password: set one on the page of settings, or with "
    "`trueque password`.": N_("The local network is let in only with a password: [set one](/settings/lan)."),
    "The proposal is empty: say with --give, --take or --listing what it is about.": N_(
        "The proposal is empty: say what it is about."
    ),
    "There is no category '{text}'. Did you mean: {names}? `trueque listings --categories` shows all.": N_(
        "There is no category '{text}'. Did you mean: {names}?"
    ),
    "There is no category '{text}': `trueque listings --categories` shows them, and 'other' is one.": N_(
        "There is no category '{text}': choose one of those there are."
    ),
    "There is no unit '{text}'. Did you mean: {names}? `trueque listings --units` shows all.": N_(
        "There is no unit '{text}'. Did you mean: {names}?"
    ),
    "There is no unit '{text}': `trueque listings --units` shows those there are.": N_(
        "There is no unit '{text}': choose one of those there are."
    ),
    "This commune is not recognised here: `trueque recognise` it, or import everything with --all.": N_(
        "This commune is not recognised here: [recognise it](/neighbours), or take in everything."
    ),
    "This file is not a bundle: bundles are written by `trueque export --bundle`.": N_(
        "This file is not a bundle: another node writes one [on this page](/bundles)."
    ),
    "This home's log does not belong to a commune yet: finish `trueque restore` with the "
    "signatures that it asked for.": N_(
        "This home's log does not belong to a commune yet: [add the signatures](/welcome/signatures) "
        "that are still needed."
    ),
    "This is not a backup of Trueque: choose the file that `trueque backup` wrote.": N_(
        "This is not a backup of Trueque: choose a file that was written as a backup."
    ),
    "{id} is not an exchange that is held here: `trueque exchanges` shows those.": N_(
        "{id} is not an exchange that is held here: [these are](/exchanges)."
    ),
    "{id} is not an offer or need that is held here: `trueque listings` shows those.": N_(
        "{id} is not an offer or need that is held here: [the board](/) shows those."
    ),
    "{name}: its log was continued in two ways; see `trueque audit`.": N_(
        "{name}: its log was continued in two ways; see [the audit](/audit)."
    ),
}
"""The sentence of a page by that of the command line."""


def with_links(sentence: str) -> Markup:
    """A translated sentence of this table as HTML; `Markup.format` escapes what comes into its fields."""
    return Markup(_LINK.sub(r'<a href="\2">\1</a>', str(escape(sentence))))  # noqa: S704  # escaped just before
