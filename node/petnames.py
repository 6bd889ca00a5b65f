"""Pet names: what people here call other communes, beside what those call themselves.

Decides where these names are kept (`names.json` of the home, and in its backups:
they are people's own, and no ledger has them), which of them are refused since
two communes would be taken for one, and which commune a name means. What a
commune calls itself stays what counts between communes: files for others, papers
for both sides and records have that alone.
"""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Final

import msgspec

from ledger.errors import NotFound
from ledger.records import CommuneId
from ledger.store.reading import Reader

from . import journal, keys, language
from .errors import HomeError, InputError
from .home import Home
from .limits import MAX_PET_NAME_CHARACTERS, MAX_PET_NAMES
from .looks import skeleton
from .overview import Names
from .wishes import line_of

Written = dict[
    Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")],
    Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PET_NAME_CHARACTERS)],
]
"""Pet names by the ids of communes in hex, as files hold them."""

SHOWN_WORDS: Final = 2
"""words of its id beside a commune that calls itself as people here call another; its page has all six."""


class _File(msgspec.Struct, frozen=True):
    names: Written = {}


# Kept -------------------------------------------------------------------------------------------


def read_pet_names(home: Home) -> dict[CommuneId, str]:
    """What people here call communes. Raises HomeError on a file that cannot be read: it is not replaced."""
    try:
        written = msgspec.json.decode(home.names_file.read_bytes(), type=_File).names
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HomeError(
            "The file {path} with your names for other communes cannot be read: mend it, or take it away.",
            path=home.names_file,
        ) from error
    return {CommuneId(bytes.fromhex(commune)): name for commune, name in written.items()}


def pet_names_at(reader: Reader) -> dict[CommuneId, str]:
    """The same beside a ledger, to show it: none where the file cannot be read, which the journal says."""
    home = Home(reader.path.parent)
    try:
        return read_pet_names(home)
    except HomeError:
        journal.tell("names_unreadable", level="warning", path=home.names_file)
        return {}


def written_of(names: Mapping[CommuneId, str]) -> Written:
    """Pet names as files hold them."""
    return {commune.hex(): name for commune, name in sorted(names.items())}


def keep_pet_names(home: Home, written: Written) -> None:
    """Keep those of a backup, in a home that has none. Raises HomeError."""
    if written and not home.names_file.exists():
        _write(home, written)


def _write(home: Home, written: Written) -> None:
    home.write_private(home.names_file, msgspec.json.format(msgspec.json.encode(_File(written))) + b"\n")


@contextmanager
def _changing(home: Home) -> Iterator[None]:
    """One after another: a command may change them while the node runs."""
    descriptor = os.open(home.path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# Given ------------------------------------------------------------------------------------------


def pet_name_of(text: str, commune: CommuneId, reader: Reader, own: CommuneId | None) -> str:
    """A typed pet name for a commune. Raises InputError on one that cannot be, HomeError."""
    name = line_of(text, "name")
    assert name is not None
    if not name.isprintable():
        raise InputError("The name has characters that cannot be seen: type it anew.")
    if len(name) > MAX_PET_NAME_CHARACTERS:
        raise InputError(
            "This has {count} characters; {limit} are allowed: shorten it.",
            count=len(name),
            limit=MAX_PET_NAME_CHARACTERS,
        )
    if commune == own:
        raise InputError("That is your own commune: how it is called is said in its profile.")
    given = read_pet_names(Home(reader.path.parent))
    for other, called in given.items():
        if other != commune and skeleton(called) == skeleton(name):
            raise InputError(
                "'{called}' is what you call {name} already: choose another name.",
                called=called,
                name=Names(reader)[other],
            )
    return name


def namesakes(name: str, commune: CommuneId, reader: Reader) -> list[CommuneId]:
    """Other communes that call themselves as a pet name, or so that it looks the same."""
    return [row.id for row in reader.communes() if row.id != commune and skeleton(row.name) == skeleton(name)]


def give_pet_name(name: str | None, commune: CommuneId, reader: Reader, own: CommuneId | None) -> None:
    """Call a commune so from now on, or with None as it calls itself. Raises InputError, HomeError."""
    home = Home(reader.path.parent)
    with _changing(home):
        given = read_pet_names(home)
        if name is None:
            given.pop(commune, None)
        else:
            given[commune] = pet_name_of(name, commune, reader, own)
            if len(given) > MAX_PET_NAMES:
                raise InputError(
                    "You call {count} communes by names of your own already: remove one first.",
                    count=MAX_PET_NAMES,
                )
        _write(home, written_of(given))


# Shown ------------------------------------------------------------------------------------------


class OwnNames(Names):
    """The names by which people here know communes, looked up once: their own, else the public ones."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self.called: Mapping[CommuneId, str] = pet_names_at(reader)
        self._taken = {skeleton(name): commune for commune, name in self.called.items()}
        self._alike = Counter(skeleton(name) for name in self._names.values())

    def __getitem__(self, commune: bytes) -> str:
        """What people here call it, else what it calls itself: with words if another one is called so too."""
        identity = CommuneId(commune)
        if identity in self.called:
            return self.called[identity]
        name = super().__getitem__(commune)
        look = skeleton(name)
        if self._alike[look] > 1 or self._taken.get(look, identity) != identity:
            words = keys.fingerprint_words(commune, language.current()).split()[:SHOWN_WORDS]
            return f"{name} ({' '.join(words)} …)"
        return name

    def public(self, commune: bytes) -> str:
        """What it calls itself."""
        return super().__getitem__(commune)

    def both(self, commune: bytes) -> str:
        """What people here call it, and what it calls itself."""
        name, public = self[commune], self.public(commune)
        return name if CommuneId(commune) not in self.called or name == public else f"{name} ({public})"

    def listed(self) -> list[tuple[CommuneId, str]]:
        """All communes that are known, with both names, to choose one."""
        found = [(commune, self.both(commune)) for commune in self._names]
        return sorted(found, key=lambda row: (row[1].casefold(), row[0]))

    @property
    def in_full(self) -> Names:
        """The same names with the public ones beside them: for paper, and where one is chosen."""
        return _InFull(self)


class _InFull(Names):
    def __init__(self, names: OwnNames) -> None:
        self._own = names

    def __getitem__(self, commune: bytes) -> str:
        return self._own.both(commune)


def find_commune(reader: Reader, text: str) -> CommuneId:
    """The commune that a person means: by the name that people here give it, its own name, or its id.

    Raises NotFound.
    """
    sought = text.strip().casefold()
    meant = [commune for commune, called in pet_names_at(reader).items() if called.casefold() == sought]
    if not meant:
        return reader.find_commune(text)
    if any(row.id != meant[0] and row.name.casefold() == sought for row in reader.communes()):
        raise NotFound(
            "You call one commune '{text}', and another calls itself so: give the id of the one you mean.",
            text=text,
        )
    return meant[0]
