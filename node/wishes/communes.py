"""Whom a commune recognises, how it presents itself, what it explains of its records: as asked for."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from ledger.records import CommuneId, Correct, Profile, Recognise, Unrecognise
from ledger.store.reading import Reader

from .. import wording
from ..errors import InputError
from ..petnames import find_commune
from ..service import Service
from . import Meant, Remark, Wish, about, line_of, text_of

_WHOLE_ID: Final = re.compile(r"[0-9a-fA-F]{64}")


def commune_meant(text: str, reader: Reader) -> tuple[CommuneId, str]:
    """A commune and what to call it; by its whole id also one that is not known here yet."""
    if _WHOLE_ID.fullmatch(text.strip()):
        commune = CommuneId(bytes.fromhex(text.strip()))
        known = [row.name for row in reader.communes() if row.id == commune]
        return commune, known[0] if known else wording.short(commune)
    commune = find_commune(reader, text)
    return commune, reader.commune(commune).name


def recognition(
    kind: Literal["recognise", "unrecognise"], commune: CommuneId, given: Remark, now: int
) -> Meant:
    """Recognising a commune, or no longer."""
    note, by = text_of(given.note, "note"), line_of(given.by, "by")
    return Meant(
        (Recognise if kind == "recognise" else Unrecognise)(at=now, by=by, commune=commune, note=note)
    )


class Presentation(Wish, frozen=True, kw_only=True):
    """How this commune presents itself; what is not given stays, and an empty text removes what was there."""

    name: Annotated[str | None, about("what it is called")] = None
    place: Annotated[str | None, about("where it is")] = None
    about: Annotated[str | None, about("what others should know about it")] = None
    contact: Annotated[str | None, about("office and role to turn to")] = None


def check_presentation(given: Presentation) -> None:
    """Refuse one that says nothing."""
    if {given.name, given.place, given.about, given.contact} == {None}:
        raise InputError("Say what changes: --name, --place, --about or --contact.")


def presentation(given: Presentation, service: Service, now: int) -> Meant:
    """The profile of this commune, of what is given and what it says so far."""
    check_presentation(given)
    row = service.reader.commune(service.commune)
    former = (row.name, row.place, row.about, row.contact)
    name = line_of(given.name, "name") or row.name
    place = row.place if given.place is None else line_of(given.place.strip() or None, "place")
    about = row.about if given.about is None else text_of(given.about.strip() or None, "about")
    contact = row.contact if given.contact is None else text_of(given.contact.strip() or None, "contact")
    if (name, place, about, contact) == former:
        raise InputError("That is what the profile says already: there is nothing to change.")
    by = line_of(given.by, "by")
    return Meant(Profile(about=about, at=now, by=by, contact=contact, name=name, place=place))


class Explanation(Wish, frozen=True, kw_only=True):
    """An explanation of a record of one's own."""

    note: Annotated[str, about("the explanation")]


def explanation(target: str, given: Explanation, service: Service, now: int) -> Meant:
    """An explanation beside a record, by its id or the beginning of it."""
    entry = service.reader.find(target)
    note = text_of(given.note, "note")
    assert note is not None
    return Meant(Correct(at=now, by=line_of(given.by, "by"), note=note, target=entry))
