"""Excerpts: some entries of some logs, each proved by a head, and what the rules make of them alone.

Decides whether entries stand in the logs that they are said to stand in, and
whether each log belongs to a commune; then answers the rules as a store does,
of these entries and nothing else (`held.Holdings`). Which entries are needed
to judge an exchange is `grounds`', what is said about the result `receipt`'s.

An excerpt does not state the root of its head: the root follows from the
entries and the multi-proof, and the signature says whether it is the one that
was signed. Charters, successions and authority records need no proof of where
they stand: they count by their ids and signatures (docs/spec/receipt.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Annotated

import msgspec

from . import standing
from .authority import Stated, commune_of
from .commune import Commune, form_commune
from .dealings import Dealings, Found
from .errors import EvidenceError, ReceiptError
from .evidence import Evidence, check_evidence
from .exchange import Exchange
from .held import INDEX_MASK, PLACE_BITS, Part, Sight, Standing, place_of
from .limits import MAX_EXTENSIONS, MAX_RECEIPT_ENTRIES, MAX_RECEIPT_HASHES
from .log import EntryId, Erased, ExtensionLine, Hash, Head, Index, LogKey, Payload, Signature, Size, entry_id
from .multiproof import PartialTree
from .records import (
    AuthorityChange,
    Charter,
    CommuneId,
    Malformed,
    Record,
    Succession,
    Uninterpreted,
    parse,
    subjects,
)


class Excerpt(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Some entries of a log under one head; on the wire an array of eight.

    `indexes` ascend, and `items` are the entries there: payloads, or a leaf
    hash alone where only the root that follows from it is needed. `proof` is
    their multi-proof under the head, whose root is not stated. `opening` is the
    payload of entry 0, nil if that is among `items`.
    """

    log: Hash
    size: Size
    signature: Signature
    extensions: Annotated[tuple[ExtensionLine, ...], msgspec.Meta(max_length=MAX_EXTENSIONS)]
    opening: Payload | None
    indexes: Annotated[tuple[Index, ...], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_ENTRIES)]
    items: Annotated[tuple[Payload | Erased, ...], msgspec.Meta(min_length=1, max_length=MAX_RECEIPT_ENTRIES)]
    proof: Annotated[tuple[Hash, ...], msgspec.Meta(max_length=MAX_RECEIPT_HASHES)]


class Statement(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A charter, succession or authority record that no excerpt holds; on the wire an array of three."""

    log: Hash
    index: Index
    payload: Payload


@dataclass(frozen=True, slots=True)
class Branch:
    """An excerpt that was found proved: its number, its head and the tree of which it knows a part."""

    number: int
    head: Head
    tree: PartialTree

    @property
    def log(self) -> LogKey:
        """The log that it is of."""
        return LogKey(self.head.log)


@dataclass(slots=True)
class _Filed:
    """The content of all excerpts, by place; `seen` are heads of a log in the entries of a branch."""

    payloads: dict[int, bytes] = field(default_factory=dict)
    records: dict[int, Record | Uninterpreted] = field(default_factory=dict)
    ids: dict[int, EntryId] = field(default_factory=dict)
    places: dict[bytes, list[int]] = field(default_factory=dict)
    about: dict[bytes, list[int]] = field(default_factory=dict)
    seen: dict[tuple[bytes, int], list[tuple[int, Head]]] = field(default_factory=dict)
    stated: dict[EntryId, Stated] = field(default_factory=dict)


class Excerpts:
    """Excerpts as holdings, once they are checked."""

    def __init__(
        self,
        network: str,
        excerpts: Sequence[Excerpt],
        statements: Iterable[Statement] = (),
        evidence: Iterable[Evidence] = (),
    ) -> None:
        """Check every tree, signature and record, and decide which logs are whose. Raises ReceiptError."""
        self.network = network
        self.branches: list[Branch] = []
        self.communes: dict[CommuneId, Commune] = {}
        self._filed = _Filed()
        self._openings: list[EntryId] = []
        self._sound: dict[Head, bool] = {}
        self._standing: dict[int, Standing] = {}
        self._predecessors: dict[int, Sequence[Part]] = {}
        self._witnessed: frozenset[int] = frozenset()
        for number, excerpt in enumerate(excerpts):
            self._open(number, excerpt)
        for statement in statements:
            self._state(statement.log, statement.index, statement.payload)
        self._cuts = self._check_evidence(evidence)
        self._decide()
        self._dealings = Dealings(
            self,
            lambda entry: self._found(self._filed.places.get(entry, ())),
            lambda entry: self._found(self._filed.about.get(entry, ())),
        )

    # Checking -----------------------------------------------------------------------------------

    def _open(self, number: int, excerpt: Excerpt) -> None:
        if len(excerpt.indexes) != len(excerpt.items) or (0 in excerpt.indexes) != (excerpt.opening is None):
            raise ReceiptError("The entries of a log and their places do not fit together.")
        try:
            tree = PartialTree(excerpt.size, excerpt.indexes, excerpt.proof)
        except ValueError as error:
            raise ReceiptError("The entries of a log are not proved: {reason}.", reason=error) from error
        for index, item in zip(excerpt.indexes, excerpt.items, strict=True):
            if isinstance(item, Erased):
                tree.put(index, item.leaf)
            else:
                tree.put(index, self._file(number, excerpt.log, index, item))
        root = tree.root()
        assert root is not None
        head = Head(excerpt.log, excerpt.size, root, excerpt.signature, excerpt.extensions)
        if not head.is_signed(self.network):
            raise ReceiptError(
                "The entries of the log {log} are not what its key signed for the network {network}.",
                log=head.log.hex()[:12],
                network=self.network,
            )
        self.branches.append(Branch(number, head, tree))
        if excerpt.opening is not None:
            self._openings.append(self._state(excerpt.log, 0, excerpt.opening))
        elif isinstance(excerpt.items[0], Erased):
            raise ReceiptError("The first entry of the log {log} is missing.", log=head.log.hex()[:12])
        else:
            self._openings.append(self._state(excerpt.log, 0, excerpt.items[0]))

    def _file(self, number: int, log: bytes, index: int, payload: bytes) -> EntryId:
        """Take in the record of an entry, which its head has to prove."""
        record = parse(payload)
        if isinstance(record, Malformed):
            raise ReceiptError("An entry is not a record: {reason}", reason=record.reason)
        filed, place, entry = self._filed, place_of(number, index), entry_id(log, index, payload)
        filed.payloads[place] = payload
        filed.records[place] = record
        filed.ids[place] = entry
        filed.places.setdefault(entry, []).append(place)
        for name in record.names if isinstance(record, Uninterpreted) else subjects(record):
            filed.about.setdefault(name, []).append(place)
        for head in record.seen:
            filed.seen.setdefault((head.log, number), []).append((index, head))
        if isinstance(record, AuthorityChange):
            self._state(log, index, payload)
        return entry

    def _state(self, log: bytes, index: int, payload: bytes) -> EntryId:
        """Take in a record about a commune, which counts by its id and signatures."""
        record = parse(payload)
        if not isinstance(record, Charter | Succession | AuthorityChange):
            raise ReceiptError("What should say whose a log is says something else.")
        stated = Stated(entry_id(log, index, payload), LogKey(log), index, payload, record)
        self._filed.stated[stated.id] = stated
        return stated.id

    def _check_evidence(self, evidence: Iterable[Evidence]) -> dict[LogKey, int]:
        cuts = {}
        for one in evidence:
            try:
                check_evidence(one, self.network)
            except EvidenceError as error:
                raise ReceiptError("Evidence of a fork in it is none: {reason}", reason=error) from error
            cuts[one.log] = one.cut
        return cuts

    # Deciding -----------------------------------------------------------------------------------

    def _decide(self) -> None:
        """Form the communes, give each excerpt its standing, and find what is vouched for."""
        self.communes = {commune.id: commune for commune in self._form()}
        for branch, opening in zip(self.branches, self._openings, strict=True):
            commune = self.communes.get(commune_of(self._filed.stated[opening]))
            found = None
            if commune is not None:
                found = standing.standing_on(self, commune, branch.number, opening)
            if found is None:
                raise ReceiptError(
                    "Nothing in it shows to which commune the log {log} belongs.", log=branch.log.hex()[:12]
                )
            self._standing[branch.number] = found
        self._witnessed = standing.witnessed(self, self)

    def _form(self) -> Iterator[Commune]:
        stated = self._filed.stated.values()
        for one in stated:
            if isinstance(one.record, Charter) and one.index == 0 and one.record.network == self.network:
                about = [
                    other for other in stated if other is not one and commune_of(other) == CommuneId(one.id)
                ]
                yield form_commune(
                    one,
                    (other for other in about if isinstance(other.record, AuthorityChange)),
                    (other for other in about if isinstance(other.record, Succession)),
                    self.network,
                )

    # Holdings, Vouchers -------------------------------------------------------------------------

    def log_of(self, branch: int) -> LogKey:
        return self.branches[branch].log

    def branches_of(self, log: bytes) -> Sequence[Branch]:
        return [branch for branch in self.branches if branch.log == log]

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        return (Part(branch, end),)

    def cut(self, log: LogKey) -> int | None:
        return self._cuts.get(log)

    def root_at(self, branch: int, size: int) -> bytes | None:
        return self.branches[branch].tree.root_at(size)

    def standing(self, branch: int) -> Standing | None:
        return self._standing.get(branch)

    def predecessors(self, branch: int) -> Sequence[Part]:
        if branch not in self._predecessors:
            commune = self.communes[self._standing[branch].commune]
            self._predecessors[branch] = standing.predecessors_on(
                self, commune, self._openings[branch], self._openings.__getitem__
            )
        return self._predecessors[branch]

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        for part in parts:
            for index, head in self._filed.seen.get((log, part.branch), ()):
                if index < part.end and head.size > above and self._is_sound(head):
                    yield Sight(place_of(part.branch, index), head.size, head.root)

    def _is_sound(self, head: Head) -> bool:
        if head not in self._sound:
            self._sound[head] = head.is_signed(self.network)
        return self._sound[head]

    def is_witnessed(self, place: int) -> bool:
        return place in self._witnessed

    def limited(self) -> Iterable[int]:
        return [number for number, state in self._standing.items() if state.limit is not None]

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        for place, entry in self._filed.ids.items():
            if place >> PLACE_BITS == branch and place & INDEX_MASK >= limit:
                yield place, entry

    def naming(self, entry: bytes) -> Iterable[int]:
        return self._filed.about.get(entry, ())

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        return self.sights([Part(branch.number, branch.head.size) for branch in self.branches], log, above)

    # Content ------------------------------------------------------------------------------------

    def commune_at(self, branch: int) -> CommuneId:
        """The commune whose log an excerpt is of."""
        return self._standing[branch].commune

    def stated_communes(self) -> set[CommuneId]:
        """The communes that any charter, succession or authority record names."""
        return {commune_of(stated) for stated in self._filed.stated.values()}

    def exchange(self, entry: EntryId) -> Exchange | None:
        """Fold the exchange that an entry opens, None if no proposal that counts has this id."""
        return self._dealings.exchange(entry)

    def entries(self) -> Iterator[Found]:
        """Place, id and record of every entry that was proved, by log and index."""
        return iter(self._found(self._filed.ids))

    def payload(self, place: int) -> bytes:
        """The payload of an entry that was proved."""
        return self._filed.payloads[place]

    def _found(self, places: Iterable[int]) -> list[Found]:
        return [(place, self._filed.ids[place], self._filed.records[place]) for place in places]


def are_ascending(values: Sequence[object]) -> bool:
    """Whether these stand in ascending order, none twice: one content has one form."""
    return all(one < other for one, other in pairwise(values))  # type: ignore[operator]
