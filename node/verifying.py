"""Verifying: the receipt that is in a file, a sheet or photos of one, and what it shows.

Decides where a receipt is looked for in what somebody gives, and what stands in
words above its codes; for the command and the pages alike. What a receipt
proves is `ledger.receipt`'s, what a picture of it says `codes`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.errors import ReceiptError
from ledger.paper import from_paper
from ledger.parts import find_parts, join_parts
from ledger.receipt import MAGIC, Verified, verify_receipt
from ledger.store.reading import EntryRow

from . import codes, telling, wording
from .errors import InputError
from .language import gettext as _
from .language import ngettext
from .overview import Names, Said
from .visible import safe

INDENT: Final = "\u00a0"
"""A blank that neither a browser nor the breaking of lines takes away."""


def receipt_in(files: Sequence[tuple[str, bytes]]) -> bytes:
    """The receipt in a file, or the one whose codes are in these files, each with its name.

    Raises ReceiptError, InputError.
    """
    parts: list[str] = []
    for name, data in files:
        if data.startswith(MAGIC):
            if len(files) > 1:
                raise InputError("Give one receipt at a time; only codes may be in several files.")
            return data
        found = find_parts(data.decode("utf-8", "replace"))
        if not found and codes.is_image(data):
            found = [part for text in codes.read_image(data) for part in find_parts(text)]
        if not found:
            raise InputError("{path} is no receipt, and holds no code of one.", path=name)
        parts += found
    return from_paper(join_parts(parts))


def verified(data: bytes) -> Verified:
    """What a receipt shows. Raises InputError if it proves nothing."""
    try:
        return verify_receipt(data)
    except ReceiptError as error:
        raise InputError(
            "This receipt proves nothing. {reason} It was damaged or changed on its way, or made wrongly: "
            "ask a party of the exchange for a new one.",
            reason=error,
        ) from error


class PartyNames(Names):
    """What the parties of a receipt call themselves; the beginning of its id if a name is not in it."""

    def __init__(self, seen: Verified) -> None:
        self._names = {party.id: party.name for party in seen.parties if party.name is not None}


def said_of(seen: Verified) -> list[Said]:
    """The steps of a receipt as those of a ledger are shown."""
    return [
        Said(
            EntryRow(each.log, 0, each.index, each.id, each.payload),
            each.commune,
            True,
            each.contested,
            each.refused,
        )
        for each in seen.said
    ]


def sheet_lines(seen: Verified, count: int, now: int) -> list[str]:
    """What stands above the codes, for people."""
    names = PartyNames(seen)
    row = seen.exchange
    day = wording.day_of(row.proposal.at)
    lines = [
        _("Receipt of an exchange of {day}: {communes}").format(
            day=day, communes=", ".join(names[party] for party in row.proposal.parties)
        ),
        _("State: {state}").format(state=telling.state_of(row, now)),
        _("Exchange {id}, network {network}").format(id=row.id.hex(), network=seen.network),
        ngettext(
            "What proves it is in the code below. Scan it, and give its text to trueque verify.",
            "What proves it is in {count} codes. Scan all of them, and give their text to trueque verify.",
            count,
        ).format(count=count),
        # Last, since a sheet cuts off what there is no room for.
        *(f"{INDENT * indent}{text}" for indent, text in telling.leg_lines(row, names)),
    ]
    return [safe(line) for line in lines]
