"""Who speaks for a commune: the chain of charter and authority records.

Decides which authority records count, which authority is in force, and
whether signatures satisfy one. The chain counts by its own `previous` and
signatures alone, whatever is sealed or forked; which logs belong to the
commune is `commune`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from . import signing
from .limits import MAX_CACHED_SIGNATURES
from .log import EntryId, LogKey
from .records import Authority, AuthorityChange, Charter, CommuneId, Signed, Succession, signed_body


@dataclass(frozen=True, slots=True)
class Stated:
    """A record about a commune itself, and where it stands.

    `payload` is kept beside the record because signatures cover its bytes.
    """

    id: EntryId
    log: LogKey
    index: int
    payload: bytes
    record: Charter | AuthorityChange | Succession


@dataclass(frozen=True, slots=True)
class Link:
    """One authority in the chain.

    Copies of one authority record within its log are one link: `key` is the
    hash of what its signatures cover, `ids` the entry ids of all copies.
    """

    key: bytes
    ids: frozenset[EntryId]
    log: LogKey
    authority: Authority
    previous: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that the rules give no effect, with the reason as a stable code."""

    id: EntryId
    code: str


@dataclass(frozen=True, slots=True)
class Chain:
    """All links that count, by key, and what follows from them.

    `keys` are those of the links that entry ids stand for, `replaced_by` those
    of the links that replace one. `tips` are the links that nothing replaces:
    one means that it is in force, several that the authority is frozen until a
    record names them all.
    """

    links: Mapping[bytes, Link]
    keys: Mapping[bytes, bytes]
    replaced_by: Mapping[bytes, frozenset[bytes]]
    tips: tuple[Link, ...]
    refused: tuple[Refused, ...]

    @property
    def in_force(self) -> Link | None:
        """The one authority in force, or None while replacements contradict each other."""
        return self.tips[0] if len(self.tips) == 1 else None

    def link_of(self, entry: bytes) -> Link | None:
        """The link that a record means by this entry id."""
        key = self.keys.get(entry)
        return None if key is None else self.links[key]

    def replacements(self, link: Link) -> tuple[Link, ...]:
        """The links that replace this one, by key; more than one freezes it."""
        return tuple(self.links[key] for key in sorted(self.replaced_by.get(link.key, ())))

    def later(self, link: Link) -> frozenset[bytes]:
        """The keys of all links that replace this one, directly or not."""
        found: set[bytes] = set()
        waiting = [link.key]
        while waiting:
            more = self.replaced_by.get(waiting.pop(), frozenset()) - found
            found |= more
            waiting += more
        return frozenset(found)


_checked: dict[bytes, bool] = {}
"""What came of signatures checked, by the hash of key, signature and message: communes are formed often."""


def _is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    name = sha256(key + signature + message).digest()
    known = _checked.get(name)
    if known is None:
        if len(_checked) >= MAX_CACHED_SIGNATURES:
            _checked.clear()
        known = _checked[name] = signing.verify(key, message, signature)
    return known


def satisfied(authority: Authority, signatures: Sequence[Signed], message: bytes) -> bool:
    """Whether at least `threshold` distinct keys of the authority signed the message."""
    signers = {
        signed.key
        for signed in signatures
        if signed.key in authority.keys and _is_signed(signed.key, message, signed.signature)
    }
    return len(signers) >= authority.threshold


def authority_chain(charter: Stated, changes: Iterable[Stated], network: str) -> Chain:
    """Build the chain of a commune from its charter and all authority records that name it.

    A pure function of the set of `changes`: the smallest set of links that
    holds the charter's and every record signed to the satisfaction of links in it.
    """
    assert isinstance(charter.record, Charter)
    first = Link(charter.id, frozenset({charter.id}), charter.log, charter.record.authority, frozenset())
    building = _Building({first.key: first}, {charter.id: first.key}, network)
    naming: dict[bytes, list[Stated]] = {}
    for stated in {stated.id: stated for stated in changes}.values():
        record = stated.record
        assert isinstance(record, AuthorityChange)
        if record.log != stated.log:
            building.refused[stated.id] = "authority-copied"
        elif record.commune != charter.id:
            building.refused[stated.id] = "authority-of-another"
        else:
            building.refused[stated.id] = "authority-of-nothing"  # until all that it replaces is known
            for previous in record.previous:
                naming.setdefault(previous, []).append(stated)
    fresh: list[bytes] = [charter.id]
    for known in fresh:
        fresh += [stated.id for stated in naming.get(known, ()) if building.add(stated)]
    links = building.links
    replaced_by: dict[bytes, set[bytes]] = {}
    for link in links.values():
        for replaced in link.previous:
            replaced_by.setdefault(replaced, set()).add(link.key)
    return Chain(
        links,
        building.keys,
        {key: frozenset(others) for key, others in replaced_by.items()},
        tuple(links[key] for key in sorted(links.keys() - replaced_by.keys())),
        tuple(Refused(EntryId(entry), code) for entry, code in sorted(building.refused.items())),
    )


@dataclass(slots=True)
class _Building:
    """A chain while it is built: its links, the link that each entry id stands for, what is refused."""

    links: dict[bytes, Link]
    keys: dict[bytes, bytes]
    network: str
    refused: dict[bytes, str] = field(default_factory=dict)

    def add(self, stated: Stated) -> bool:
        """Add a record as a link, or as a copy of one, if all that it replaces is known and satisfied."""
        record = stated.record
        assert isinstance(record, AuthorityChange)
        if stated.id in self.keys or any(previous not in self.keys for previous in record.previous):
            return False
        previous = frozenset(self.keys[entry] for entry in record.previous)
        message = signed_body(stated.payload, self.network)
        if not all(satisfied(self.links[key].authority, record.signatures, message) for key in previous):
            self.refused[stated.id] = "authority-unsigned"
            return False
        key = sha256(message).digest()
        known = self.links.get(key)
        ids = (known.ids if known else frozenset()) | {stated.id}
        self.links[key] = Link(key, ids, stated.log, record.authority, previous)
        self.keys[stated.id] = key
        del self.refused[stated.id]
        return True


def commune_of(stated: Stated) -> CommuneId:
    """The commune that a record about a commune names."""
    if isinstance(stated.record, Charter):
        return CommuneId(stated.id)
    return CommuneId(stated.record.commune)
