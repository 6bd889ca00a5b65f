"""A session: one link between two nodes, from the first byte to the last, without a socket or a clock.

Decides what may be said when, what has to be answered, and when the other side
is given up. What is asked of whom, and what is done with what comes, is
`gossip`'s; this holds each side to its word: nothing is taken that was not
asked for (docs/spec/session.md).

Whoever drives it sends what `outgoing` gives, gives what comes to `receive`,
looks at `events` after each, and calls `tick` when `timer` has come.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from ledger.evidence import Evidence
from ledger.log import Head, LogKey, Run

from . import questions
from .addresses import (
    Addresses,
    decode_addresses,
    decode_addresses_wanted,
    encode_addresses,
    encode_addresses_wanted,
)
from .blobs import (
    BlobChunk,
    BlobWant,
    decode_blob_want,
    decode_chunk,
    decode_no_blob,
    encode_blob_want,
)
from .channel import Channel
from .errors import LeftOff, MessageError, Misbehaved, ProtocolError, SessionError, TooMuch
from .frames import Kind, Message
from .handshake import Handshake, Identity, Met, Role
from .lending import Borrowing, Lending
from .limits import (
    ANSWER_SECONDS,
    HASHED_AT_ONCE,
    MAX_OPEN_WANTS,
    MAX_REASON_CHARACTERS,
    MAX_WANTS,
    MEETING_SECONDS,
    STATE_BYTES,
)
from .messages import decode_evidence, decode_heads, decode_runs, encode_evidence, encode_heads
from .pace import Paces, Thing
from .questions import Ask, Farewell, Want
from .reconcile import Difference, Reconciler
from .roster import Roster


class State(Enum):
    """How far a session is."""

    MEETING = "meeting"
    COMPARING = "comparing"
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Opened:
    """The other side has proved which log it is."""

    peer: LogKey
    version: int


@dataclass(frozen=True, slots=True)
class Compared:
    """What the two sides hold differently is known; from now on each may ask for it."""

    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Came:
    """Runs that were wanted; not verified."""

    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Satisfied:
    """All has come of what was wanted, or the other side does not hold it (`absent`)."""

    want: Want
    absent: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """Heads and evidence that the other side shows; not verified."""

    heads: tuple[Head, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class HeadsWanted:
    """The other side asks for the newest heads of a log."""

    log: LogKey


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to the question about a tree; empty where the other side does not hold it."""

    ask: Ask
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StateTold:
    """The state that the other side's roster has now that it wants nothing more."""

    state: bytes


@dataclass(frozen=True, slots=True)
class BlobCame:
    """A piece of a blob that was wanted, the next one of it."""

    want: BlobWant
    chunk: BlobChunk


@dataclass(frozen=True, slots=True)
class BlobEnded:
    """All of a blob has come, and its bytes are its; or the other side does not give it (`absent`)."""

    want: BlobWant
    absent: bool


@dataclass(frozen=True, slots=True)
class AddressesTold:
    """Addresses of nodes that the other side tells; their signatures are not checked."""

    told: tuple[Addresses, ...]


@dataclass(frozen=True, slots=True)
class AddressesWanted:
    """The other side asks for addresses, at most so many."""

    count: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The session is over. `fault` is the other side's, None if there was none; `said` is its farewell."""

    fault: ProtocolError | None = None
    said: Farewell | None = None


Event: TypeAlias = (
    Opened
    | Compared
    | Came
    | Satisfied
    | Shown
    | HeadsWanted
    | Answered
    | StateTold
    | BlobCame
    | BlobEnded
    | AddressesTold
    | AddressesWanted
    | Ended
)
Snapshot: TypeAlias = Callable[[LogKey], tuple[Roster, Roster | None]]
"""The roster to compare with a log's, and the one remembered that both had last."""


@dataclass(slots=True)
class _Open:
    """Something wanted, and from where on it is missing."""

    want: Want
    at: int


class Session:
    """One side of a session. Belongs to one task.

    `static` and `ephemeral` are 32 random bytes each (`handshake`). Nothing
    that the other side sends raises here: it ends the session with an event.
    """

    def __init__(
        self,
        role: Role,
        identity: Identity,
        snapshot: Snapshot,
        now: float,
        *,
        static: bytes,
        ephemeral: bytes,
    ) -> None:
        self.state = State.MEETING
        self.met: Met | None = None
        self.role = role
        self._handshake = Handshake(role, identity, static=static, ephemeral=ephemeral)
        self._snapshot = snapshot
        self._channel: Channel | None = None
        self._reconciler: Reconciler | None = None
        self._outgoing: list[bytes] = self._handshake.begin()
        self._events: list[Event] = []
        self._wanted: deque[_Open] = deque()
        self._serving: deque[Want] = deque()
        self._borrowing = Borrowing()
        self._lending = Lending(now)
        self._asked: Ask | None = None
        self.question: Ask | None = None
        """what the other side asks about a tree and has not been told; give it to `answer`"""
        self.paces = Paces()
        """what the other side may still say and cause"""
        self._told = now
        """the last time that it was told"""
        self._since: float | None = now
        """since when something is owed; None until the time is told again after it was asked for"""

    # Driving it ---------------------------------------------------------------------------------

    def outgoing(self) -> list[bytes]:
        """What is to be sent now, in this order."""
        sent, self._outgoing = self._outgoing, []
        if self._channel is not None:
            sent += self._channel.flush()
        return sent

    def events(self) -> list[Event]:
        """What has happened since the last time."""
        events, self._events = self._events, []
        return events

    @property
    def unsent(self) -> int:
        """Bytes that wait to be sent."""
        return 0 if self._channel is None else self._channel.waiting

    @property
    def is_over(self) -> bool:
        """Whether nothing is said or taken any more."""
        return self.state is State.ENDED

    @property
    def timer(self) -> float | None:
        """When `tick` is to be called next, None if nothing is waited for.

        That is at once where something has been asked for: how long a session was at rest
        before counts for nothing.
        """
        if self.state is State.ENDED or not self._waits:
            return None
        if self._since is None:
            return self._told
        return self._since + (MEETING_SECONDS if self.state is State.MEETING else ANSWER_SECONDS)

    @property
    def _waits(self) -> bool:
        begins = self.state in (State.MEETING, State.COMPARING)
        return begins or bool(self._wanted or self._borrowing) or self._asked is not None

    def tick(self, now: float) -> None:
        """Give the other side up if it has owed something for too long."""
        self._tell(now)
        if self.timer is not None and now >= self.timer:
            self._fail(LeftOff("The other side has not answered for too long."))

    def _tell(self, now: float) -> None:
        self._told = now
        if self._since is None:
            self._since = now

    def receive(self, data: bytes, now: float) -> None:
        """Take what has come: one message of the transport."""
        if self.is_over:
            return
        self._tell(now)
        try:
            if self._channel is None:
                self._meet(data, now)
            else:
                for message in self._channel.receive(data):
                    self._take(message, now)
        except ProtocolError as error:
            self._fail(error)

    def lost(self) -> None:
        """Take note that the transport is gone."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self._events.append(Ended())

    def end(self, code: str, sentence: str = "") -> None:
        """Say farewell; `code` is for programs, the sentence for whoever reads their logs."""
        if self.state is State.ENDED:
            return
        if self._channel is not None:
            farewell = Farewell(code, sentence[:MAX_REASON_CHARACTERS])
            self._channel.put(Kind.FAREWELL, questions.encode_farewell(farewell))
        self.state = State.ENDED
        self._events.append(Ended())

    def refuse(self, count: int) -> None:
        """Take note that runs of the other side were not taken in; too many of them end the session."""
        if self.state is not State.ENDED:
            try:
                self.paces.take(Thing.REFUSALS, count, self._told)
            except TooMuch as error:
                self._fail(error)

    def _fail(self, error: ProtocolError) -> None:
        code = error.code if isinstance(error, SessionError) else "malformed"
        self.end(code, str(error))
        self._events[-1] = Ended(error)

    # Saying -------------------------------------------------------------------------------------

    @property
    def open_wants(self) -> int:
        """How much that was wanted has not come."""
        return len(self._wanted)

    def want(self, wants: Sequence[Want]) -> None:
        """Ask for entries, or for heads; what is wanted comes in the order in which it was."""
        if not self._waits:
            self._since = None
        for start in range(0, len(wants), MAX_WANTS):
            self._put(Kind.WANT, questions.encode_wants(wants[start : start + MAX_WANTS]))
        self._wanted += [_Open(want, want.start) for want in wants if not want.is_for_heads]

    def announce(self, heads: Sequence[Head]) -> None:
        """Show heads of what is held here."""
        if heads:
            self._put(Kind.HEADS, encode_heads(heads))

    def show(self, evidence: Evidence) -> None:
        """Show evidence of a fork."""
        self._put(Kind.EVIDENCE, encode_evidence(evidence))

    def tell_state(self, state: bytes) -> None:
        """Tell the state of one's roster: nothing more is wanted of the other side."""
        self._put(Kind.STATE, state)

    def ask(self, ask: Ask) -> None:
        """Ask about a tree; one question at a time."""
        assert self._asked is None, "one question at a time"
        if not self._waits:
            self._since = None
        self._asked = ask
        self._put(Kind.ASK, questions.encode_ask(ask))

    def answer(self, hashes: Sequence[bytes]) -> None:
        """Answer the other side's question about a tree; nothing, if that is not held."""
        self.question = None
        self._put(Kind.HASHES, questions.encode_hashes(hashes))

    def to_serve(self, limit: int) -> list[Want]:
        """The next things that the other side wants, at most `limit`; `serve` answers them in this order."""
        return [self._serving.popleft() for _ in range(min(limit, len(self._serving)))]

    def serve(self, frames: Iterable[bytes], rest: Sequence[Want] = ()) -> None:
        """Send what was wanted: frames of messages of runs and of what is absent, as `serving` makes them.

        `rest` is what of it has not been answered: it is the next to be served.
        """
        self._serving.extendleft(reversed(rest))
        if self.state is not State.ENDED:
            assert self._channel is not None
            self._channel.put_frames(frames)

    def tell_addresses(self, told: Sequence[Addresses]) -> None:
        """Tell addresses of nodes, at most MAX_TOLD_ADDRESSES."""
        self._put(Kind.ADDRESSES, encode_addresses(told))

    def want_addresses(self, count: int) -> None:
        """Ask for addresses of nodes, at most so many; nobody has to answer."""
        self._put(Kind.WANT_ADDRESSES, encode_addresses_wanted(count))

    @property
    def open_blobs(self) -> int:
        """How many blobs that were wanted have not come."""
        return len(self._borrowing)

    def want_blob(self, want: BlobWant) -> None:
        """Ask for a blob; at most MAX_OPEN_BLOBS at once."""
        if self.state is State.ENDED:
            return
        if not self._waits:
            self._since = None
        self._borrowing.want(want)
        self._put(Kind.WANT_BLOB, encode_blob_want(want))

    def blob_to_lend(self) -> BlobWant | None:
        """What blob the other side wants now, None if none; `lend` answers it, `lent` says that it has."""
        return None if self.state is State.ENDED else self._lending.first

    def lending_pause(self, now: float) -> float:
        """How many seconds the other side has to wait for its next piece of a blob."""
        return self._lending.pause(now)

    def lend(self, frames: Sequence[bytes], now: float) -> None:
        """Send a piece of the answer, frames as `serving.frames_of_blob` makes them."""
        self._lending.spend(frames, now)
        self.serve(frames)

    def lent(self) -> None:
        """Take note that what `blob_to_lend` said has been answered to its end."""
        self._lending.answered()

    def _put(self, kind: Kind, body: bytes) -> None:
        if self.state is not State.ENDED:
            assert self._channel is not None, "nothing is said before the handshake is over"
            self._channel.put(kind, body)

    # Hearing ------------------------------------------------------------------------------------

    def _meet(self, data: bytes, now: float) -> None:
        self._outgoing += self._handshake.receive(data)
        met = self._handshake.met
        if met is None:
            return
        self.met = met
        self._channel = Channel(met.keys)
        self.state = State.COMPARING
        self._since = now
        self._events.append(Opened(met.peer, met.version))
        roster, remembered = self._snapshot(met.peer)
        first = self.role is Role.INITIATOR
        self._reconciler = Reconciler(roster, initiator=first, remembered=remembered)
        if first:
            self._say_turn(self._reconciler.begin())

    def _say_turn(self, bodies: Sequence[bytes]) -> None:
        assert self._reconciler is not None
        for body in bodies:
            self._put(Kind.RECONCILE, body)
        if self._reconciler.is_done:
            differences = tuple(self._reconciler.differences.values())
            self._reconciler = None
            self.state = State.OPEN
            self._events.append(Compared(differences))

    def _take(self, message: Message, now: float) -> None:
        if self.is_over:
            return
        body = message.body
        self.paces.take(Thing.MESSAGES, 1, now)
        if message.kind not in (Kind.RUNS, Kind.BLOB):  # those are bounded by what was asked for
            self.paces.take(Thing.BYTES, len(body), now)
        match message.kind:
            case Kind.RECONCILE:
                if self._reconciler is None:
                    raise Misbehaved("The other side compares what has been compared.")
                self._since = now
                self._say_turn(self._reconciler.receive(body))
            case Kind.WANT:
                self._take_wants(questions.decode_wants(body), now)
            case Kind.RUNS:
                self._take_runs(decode_runs(body), now)
            case Kind.ABSENT:
                self._take_absent(questions.decode_absent(body), now)
            case Kind.HEADS:
                heads = decode_heads(body)
                self.paces.take(Thing.HEADS, len(heads), now)
                self._events.append(Shown(heads=heads))
            case Kind.EVIDENCE:
                self.paces.take(Thing.EVIDENCE, 1, now)
                self._events.append(Shown(evidence=decode_evidence(body)))
            case Kind.ASK:
                if self.question is not None:
                    raise Misbehaved("The other side asks about a tree before the last answer has come.")
                self.paces.take(Thing.QUESTIONS, 1, now)
                ask = questions.decode_ask(body)
                self.paces.take(Thing.HASHED, min(ask.leaves, HASHED_AT_ONCE), now)
                self.question = ask
            case Kind.HASHES:
                asked, self._asked = self._asked, None
                if asked is None:
                    raise Misbehaved("The other side answers about a tree without being asked.")
                self._since = now
                self._events.append(Answered(asked, questions.decode_hashes(body)))
            case Kind.STATE:
                if len(body) != STATE_BYTES:
                    raise MessageError(
                        "A state has {size} bytes instead of {limit}.", size=len(body), limit=STATE_BYTES
                    )
                self._events.append(StateTold(body))
            case Kind.WANT_BLOB:
                self._lending.want(decode_blob_want(body))
            case Kind.BLOB:
                chunk = decode_chunk(body)
                self._since = now
                want = self._borrowing.take(chunk)
                self._events.append(BlobCame(want, chunk))
                if chunk.is_last:
                    self._events.append(BlobEnded(want, absent=False))
            case Kind.NO_BLOB:
                self._since = now
                self._events.append(BlobEnded(self._borrowing.miss(decode_no_blob(body)), absent=True))
            case Kind.ADDRESSES:
                told = decode_addresses(body)
                self.paces.take(Thing.ADDRESSES, len(told), now)
                self._events.append(AddressesTold(told))
            case Kind.WANT_ADDRESSES:
                self.paces.take(Thing.QUESTIONS, 1, now)
                self._events.append(AddressesWanted(decode_addresses_wanted(body)))
            case Kind.FAREWELL:
                said = questions.decode_farewell(body)
                self.state = State.ENDED
                self._events.append(Ended(said=said))
            case _:
                if not message.may_be_skipped:
                    raise Misbehaved(
                        "The other side said something that this version does not know: update it."
                    )

    def _take_wants(self, wants: Sequence[Want], now: float) -> None:
        self.paces.take(Thing.WANTS, len(wants), now)
        for want in wants:
            if want.is_for_heads:
                self._events.append(HeadsWanted(LogKey(want.log)))
            else:
                self._serving.append(want)
        if len(self._serving) > MAX_OPEN_WANTS:
            raise Misbehaved(
                "The other side wants more at once than the {limit} things allowed.", limit=MAX_OPEN_WANTS
            )

    def _take_runs(self, runs: Sequence[Run], now: float) -> None:
        self._since = now
        satisfied: list[Want] = []
        for run in runs:
            front = self._wanted[0] if self._wanted else None
            if front is None or run.head.log != front.want.log or not _goes_on(run, front):
                raise Misbehaved("The other side sends entries that were not asked for.")
            front.at = run.head.size
            if front.at >= front.want.end:
                if front.want.root and (front.at, run.head.root) != (front.want.end, front.want.root):
                    raise Misbehaved("The other side sends another branch than was asked for.")
                satisfied.append(front.want)
                self._wanted.popleft()
        self._events.append(Came(tuple(runs)))
        self._events += [Satisfied(want, absent=False) for want in satisfied]

    def _take_absent(self, log: LogKey, now: float) -> None:
        if not self._wanted or self._wanted[0].want.log != log:
            raise Misbehaved("The other side lacks what was not asked for.")
        self._since = now
        self._events.append(Satisfied(self._wanted.popleft().want, absent=True))


def _goes_on(run: Run, front: _Open) -> bool:
    """Whether a run is the next one of what is wanted; a log may be held from a later index on."""
    if run.start == front.at:
        return True
    return bool(run.before) and front.at == front.want.start == 0 and run.start < front.want.end
