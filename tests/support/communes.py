"""Communes that write logs, for stories: a working fake of everybody who signs.

    montes = found("Los Montes")                      # charter at entry 0, one recovery key
    valle = found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)))
    valle.say(Accept, exchange=trade, seen=[montes])  # `seen` takes writers (their newest head) or heads
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    history = history_of(montes, valle)               # read and decided
    history.exchange(trade).state

A `Writer` is one installation: one key, one log. `twin` gives a second holder
of the same key, as a copied disk or a backup of the key would: what both write
from then on is a fork, and `history_of(montes, twin)` finds branches and cuts
by itself. `succeed` opens the next log of a commune, `replace_authority` writes
an authority record; both sign with `signers`, by default those that the writer
knows to be in force. `quote` writes any payload, junk included.

`history_of(..., rng=random.Random(7))` reads the same entries in another order,
into branches with other numbers; `told(history)` is all that must be equal
then. Every key comes from a name, every time from a counter: nothing is random.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import msgspec

from ledger import merkle, standing
from ledger.authority import Stated
from ledger.commune import Commune, form_commune
from ledger.exchange import Exchange
from ledger.history import History
from ledger.log import EntryId, Head, LogKey, Run, entry_id, head_body
from ledger.records import (
    Authority,
    AuthorityChange,
    Charter,
    CommuneId,
    Propose,
    Quantity,
    Seal,
    Signed,
    Succession,
    Transfer,
    parse,
    signed_body,
    to_payload,
)
from ledger.signing import SigningKey
from ledger.standing import INDEX_MASK, PLACE_BITS, Part

NETWORK = "ensayo"


def key_of(name: str) -> SigningKey:
    """A key pair that is always the same for one name."""
    return SigningKey(merkle.leaf_hash(name.encode()))


def authority_of(*keys: SigningKey, threshold: int = 1) -> Authority:
    """An authority of `threshold` among these keys."""
    return Authority(keys=tuple(sorted(key.public_key for key in keys)), threshold=threshold)


def signatures_of(record: Any, signers: Iterable[SigningKey], network: str = NETWORK) -> tuple[Signed, ...]:
    """The signatures that these keys would put into a record, whatever it holds already."""
    body = signed_body(msgspec.msgpack.encode(record), network)
    return tuple(Signed(key.public_key, key.sign(body)) for key in signers)


def signed(record: Any, *signers: SigningKey, network: str = NETWORK) -> Any:
    """The record with the signatures of these keys in place of its own."""
    return msgspec.structs.replace(record, signatures=signatures_of(record, signers, network))


def kg(number: int) -> Quantity:
    """So many kilograms."""
    return Quantity(number, 0, "kg")


@dataclass
class Writer:
    """One log as the installation that writes it has it.

    `commune`, `authority` (entry id of the charter or authority record) and
    `signers` are what this writer takes to be in force.
    """

    name: str
    key: SigningKey
    commune: CommuneId
    authority: EntryId
    signers: tuple[SigningKey, ...]
    network: str = NETWORK
    payloads: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    clock: int = 1_000

    # The log ------------------------------------------------------------------------------------

    @property
    def log(self) -> LogKey:
        """The key that names the log."""
        return LogKey(self.key.public_key)

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.payloads)

    @property
    def head(self) -> Head:
        """The newest head."""
        return self.head_at(self.size)

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` entries."""
        return merkle.root(self.leaves[:size])

    def head_at(self, size: int) -> Head:
        """The head of any size, signed."""
        root = self.root_at(size)
        return Head(self.log, size, root, self.key.sign(head_body(self.log, size, root, self.network)))

    def id_of(self, index: int) -> EntryId:
        """The id of an entry; -1 is the newest."""
        return EntryId(self.leaves[index])

    def seal(self, size: int | None = None) -> Seal:
        """The log up to a size (all of it by default), as a succession names it."""
        size = self.size if size is None else size
        return Seal(self.log, size, self.root_at(size))

    def run(self, start: int = 0, size: int | None = None) -> Run:
        """The entries from `start` up to a size as one run under one head."""
        size = self.size if size is None else size
        return Run(self.head_at(size), start, tuple(self.payloads[start:size]))

    def twin(self, size: int | None = None) -> Writer:
        """A second holder of the same key, with the log up to a size: a copied disk, an old backup."""
        other = copy.copy(self)
        other.payloads = self.payloads[:size]
        other.leaves = self.leaves[:size]
        return other

    # Writing ------------------------------------------------------------------------------------

    def quote(self, payload: bytes) -> EntryId:
        """Append any payload."""
        entry = entry_id(self.log, self.size, payload)
        self.payloads.append(payload)
        self.leaves.append(entry)
        return entry

    def say(self, kind: type[Any], *, seen: Sequence[Writer | Head] = (), **fields: Any) -> EntryId:
        """Append a record; `at` is the next second unless given."""
        self.clock += 1_000
        fields.setdefault("at", self.clock)
        return self.quote(to_payload(kind(seen=heads_of(*seen), **fields)))

    def propose(
        self,
        *transfers: tuple[Writer, Writer, str, Quantity | None],
        seen: Sequence[Writer | Head] = (),
        **fields: Any,
    ) -> EntryId:
        """Propose transfers (giver, receiver, title, quantity) between all who give or receive."""
        parties = sorted({side.commune for giver, receiver, *_ in transfers for side in (giver, receiver)})
        legs = tuple(
            Transfer(
                giver=parties.index(giver.commune),
                receiver=parties.index(receiver.commune),
                title=title,
                quantity=quantity,
            )
            for giver, receiver, title, quantity in transfers
        )
        return self.say(Propose, parties=tuple(parties), transfers=legs, seen=seen, **fields)

    def replace_authority(
        self,
        *keys: SigningKey,
        threshold: int = 1,
        previous: Sequence[bytes] | None = None,
        signers: Sequence[SigningKey] | None = None,
        **fields: Any,
    ) -> EntryId:
        """Append an authority record: `keys` replace `previous`, and are in force for this writer."""
        self.clock += 1_000
        record = AuthorityChange(
            at=self.clock,
            authority=authority_of(*keys, threshold=threshold),
            commune=self.commune,
            log=fields.pop("log", self.log),
            previous=tuple(sorted(previous or [self.authority])),
            **fields,
        )
        signers = self.signers if signers is None else signers
        entry = self.quote(to_payload(signed(record, *signers, network=self.network)))
        self.authority, self.signers = entry, keys[:threshold]
        return entry


def heads_of(*seen: Writer | Head) -> tuple[Head, ...]:
    """The newest heads of writers, and heads as they are."""
    return tuple(item.head if isinstance(item, Writer) else item for item in seen)


def recovery_of(name: str) -> SigningKey:
    """The recovery key that a commune starts with."""
    return key_of(f"{name}: recovery words")


def found(
    name: str, *councils: SigningKey, threshold: int = 1, network: str = NETWORK, log: str = "", **fields: Any
) -> Writer:
    """Found a commune: a log whose entry 0 is its charter.

    Its authority is its recovery key, or `threshold` of the councils' keys.
    """
    keys = councils or (recovery_of(name),)
    key = key_of(log or f"{name}: log 1")
    writer = Writer(name, key, CommuneId(b""), EntryId(b""), keys[:threshold], network)
    authority = authority_of(*keys, threshold=threshold)
    writer.authority = writer.say(Charter, name=name, network=network, authority=authority, **fields)
    writer.commune = CommuneId(writer.authority)
    return writer


def succession_of(
    former: Writer,
    log: bytes,
    previous: Sequence[Writer | Seal],
    *,
    under: bytes | None = None,
    signers: Sequence[SigningKey] | None = None,
    **fields: Any,
) -> Succession:
    """The succession that opens `log` for the commune of `former`, signed."""
    seals = {
        seal.log: seal for item in previous for seal in [item.seal() if isinstance(item, Writer) else item]
    }
    record = Succession(
        at=former.clock + 1_000,
        authority=former.authority if under is None else under,
        commune=fields.pop("commune", former.commune),
        log=log,
        previous=tuple(seals[key] for key in sorted(seals)),
        **fields,
    )
    signers = former.signers if signers is None else signers
    opened: Succession = signed(record, *signers, network=former.network)
    return opened


def succeed(former: Writer, name: str, *previous: Writer | Seal, **options: Any) -> Writer:
    """Open the next log of a commune with a succession.

    It continues `previous`, by default `former` itself; `name` names the new
    key. Options are those of `succession_of`.
    """
    key = key_of(name)
    writer = Writer(former.name, key, former.commune, former.authority, former.signers, former.network)
    writer.clock = former.clock + 1_000
    writer.quote(to_payload(succession_of(former, key.public_key, previous or (former,), **options)))
    return writer


def stated_in(*writers: Writer) -> list[Stated]:
    """Every charter, authority record and succession that these writers wrote or quoted, each once."""
    found: dict[bytes, Stated] = {}
    for writer in writers:
        for index, payload in enumerate(writer.payloads):
            record = parse(payload)
            if isinstance(record, Charter | AuthorityChange | Succession):
                entry = writer.id_of(index)
                found[entry] = Stated(entry, writer.log, index, payload, record)
    return list(found.values())


def form(founder: Writer, *others: Writer, rng: Random | None = None) -> Commune:
    """The commune that `founder` founded, from what these writers wrote; `rng` chooses the order."""
    stated = stated_in(founder, *others)
    if rng is not None:
        rng.shuffle(stated)
    charter = next(one for one in stated if CommuneId(one.id) == founder.commune)
    return form_commune(
        charter,
        [one for one in stated if isinstance(one.record, AuthorityChange)],
        [one for one in stated if isinstance(one.record, Succession)],
        founder.network,
    )


# Reading ----------------------------------------------------------------------------------------


@dataclass
class _Planned:
    """One branch to be filled: where it parts from another one, and all leaves of its log so far."""

    number: int
    log: LogKey
    base: Part | None
    leaves: list[bytes]
    payloads: list[bytes | None]
    filled: int


def history_of(*writers: Writer, rng: Random | None = None, erased: Iterable[bytes] = ()) -> History:
    """Read all that these writers wrote into one History, and decide.

    Twins share a branch up to where they differ; the evidence of that becomes
    a cut. With `rng`, the order of writers, the numbers of branches and how
    entries of different branches interleave are its choice. `erased` are the
    ids of entries whose payloads are gone.
    """
    history = History(writers[0].network if writers else NETWORK)
    fill(history, *writers, rng=rng, erased=erased)
    history.decide()
    return history


def fill(history: History, *writers: Writer, rng: Random | None = None, erased: Iterable[bytes] = ()) -> None:
    """Read what these writers wrote into an empty History without deciding."""
    gone = frozenset(erased)
    order = list(writers)
    numbers = list(range(len(order)))
    if rng is not None:
        rng.shuffle(order)
        numbers = rng.sample(range(3 * len(order)), len(order))
    planned: list[_Planned] = []
    cuts: list[tuple[LogKey, int]] = []
    for writer in order:
        cut = _plan(planned, numbers, writer, rng)
        if cut is not None:
            cuts.append((writer.log, cut))
    waiting = list(planned)
    while waiting or cuts:
        if cuts and (not waiting or (rng is not None and rng.random() < 0.2)):
            history.add_cut(*cuts.pop())
            continue
        ready = [branch for branch in waiting if _is_ready(branch, planned)]
        branch = rng.choice(ready) if rng is not None else ready[0]
        if branch.number not in history.branches:
            history.open_branch(branch.number, branch.log, branch.base)
        leaf = branch.leaves[branch.filled]
        payload = None if leaf in gone else branch.payloads[branch.filled]
        history.read(branch.number, leaf, payload)
        branch.filled += 1
        waiting = [branch for branch in waiting if branch.filled < len(branch.leaves)]


def _plan(planned: list[_Planned], numbers: list[int], writer: Writer, rng: Random | None) -> int | None:
    """Find room for a writer's entries; the index at which they part from those planned, if they do."""
    common, nearest = -1, None
    for branch in planned:
        if branch.log == writer.log:
            shared = _shared(branch.leaves, writer.leaves)
            if shared > common:
                common, nearest = shared, branch
    if nearest is None:
        planned.append(
            _Planned(numbers.pop(), writer.log, None, list(writer.leaves), list(writer.payloads), 0)
        )
        return None
    if common == len(writer.leaves):
        return None
    if common == len(nearest.leaves):
        nearest.leaves += writer.leaves[common:]
        nearest.payloads += writer.payloads[common:]
        return None
    base = Part(nearest.number, common)
    # A branch that shares nothing may be said to stand on an empty stretch, or on nothing.
    if common == 0 and (rng is None or rng.random() < 0.5):
        planned.append(
            _Planned(numbers.pop(), writer.log, None, list(writer.leaves), list(writer.payloads), 0)
        )
    else:
        planned.append(
            _Planned(
                numbers.pop(), writer.log, base, list(writer.leaves), list(writer.payloads), filled=common
            )
        )
    return common


def _is_ready(branch: _Planned, planned: Sequence[_Planned]) -> bool:
    """Whether the stretch that a branch stands on has been read."""
    if branch.base is None:
        return True
    base = next(other for other in planned if other.number == branch.base.branch)
    return base.filled >= branch.base.end


def _shared(one: Sequence[bytes], other: Sequence[bytes]) -> int:
    return next(
        (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


@dataclass(frozen=True)
class Told:
    """What a History says, in words that no order of arrival may change."""

    communes: dict[bytes, Commune]
    standings: dict[bytes, frozenset[tuple[bytes, int, int, bool, bool]]]
    exchanges: dict[bytes, Exchange]


def told(history: History) -> Told:
    """Communes and exchanges by id; for every entry commune, ordinal, index, whether it counts, contested."""
    standings: dict[bytes, set[tuple[bytes, int, int, bool, bool]]] = {}
    for place, entry in history.entry_ids.items():
        state = history.standing(place >> PLACE_BITS)
        if state is not None:
            standings.setdefault(entry, set()).add(
                (
                    state.commune,
                    state.ordinal,
                    place & INDEX_MASK,
                    standing.counts(history, place),
                    standing.is_contested(history, place),
                )
            )
    return Told(
        {commune.id: commune for commune in history.communes.values()},
        {entry: frozenset(states) for entry, states in standings.items()},
        {folded.id: folded for folded in history.exchanges()},
    )


def places_in(history: History, entry: bytes) -> list[int]:
    """Where an entry is held: in several places if branches hold equal leaves."""
    return [place for place, found in history.entry_ids.items() if found == entry]


def counting(history: History, writer: Writer) -> list[int]:
    """The indexes of a writer's entries that count."""
    wanted = set(writer.leaves)
    return sorted(
        {
            place & INDEX_MASK
            for place, entry in history.entry_ids.items()
            if entry in wanted and standing.counts(history, place)
        }
    )
