"""A session: one link between two nodes, from the first byte to the last, without a socket or a clock.

Decides what may be said when, and what has to be answered; how long the other
side may take is `patience`'s. What is asked of whom, and what is done with what
comes, is `gossip`'s; this holds each side to its word: nothing is taken that was
not asked for (docs/spec/session.md).

Whoever drives it sends what `outgoing` gives, gives what comes to `receive`,
looks at `events` after each, and calls `tick` when `timer` has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import TypeAlias

from ledger.evidence import Evidence
from ledger.log import Head, LogKey

from . import questions
from .addresses import (
    Addresses,
    decode_addresses,
    decode_addresses_wanted,
    encode_addresses,
    encode_addresses_wanted,
)
from .blobs import BlobWant, decode_blob_want, decode_chunk, decode_no_blob, encode_blob_want
from .channel import Channel
from .errors import LeftOff, MessageError, Misbehaved, ProtocolError, SessionError, TooMuch
from .events import (
    AddressesTold,
    AddressesWanted,
    Answered,
    BlobCame,
    BlobEnded,
    Came,
    Compared,
    Ended,
    Event,
    HeadsWanted,
    Opened,
    Satisfied,
    Shown,
    StateTold,
)
from .frames import Kind, Message
from .handshake import Handshake, Identity, Met, Role
from .lending import Borrowing, Lending
from .limits import HASHED_AT_ONCE, MAX_REASON_CHARACTERS, MAX_WANTS, STATE_BYTES
from .messages import decode_evidence, decode_heads, decode_runs, encode_evidence, encode_heads
from .pace import Paces, Thing
from .patience import Patience
from .questions import Ask, Farewell, Want
from .reconcile import Reconciler
from .roster import Roster
from .wanting import Owed, Wanted


class State(Enum):
    """How far a session is."""

    MEETING = "meeting"
    COMPARING = "comparing"
    OPEN = "open"
    ENDED = "ended"


Snapshot: TypeAlias = Callable[[LogKey], tuple[Roster, Roster | None]]
"""The roster to compare with a log's, and the one remembered that both had last."""


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
        self._wanted = Wanted()
        self._owed = Owed()
        self._borrowing = Borrowing()
        self._lending = Lending(now)
        self._asked: Ask | None = None
        self.question: Ask | None = None
        """what the other side asks about a tree and has not been told; give it to `answer`"""
        self.paces = Paces()
        """what the other side may still say and cause"""
        self._patience = Patience(now)

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
        """When `tick` is to be called next, None if nothing is waited for."""
        if self.state is State.ENDED or not self._waits:
            return None
        return self._patience.ends(meeting=self.state is State.MEETING)

    @property
    def _waits(self) -> bool:
        begins = self.state in (State.MEETING, State.COMPARING)
        return begins or bool(self._wanted or self._borrowing) or self._asked is not None

    def _expect(self) -> None:
        """Something is about to be asked for."""
        if not self._waits:
            self._patience.asked()

    def tick(self, now: float) -> None:
        """Give the other side up if it has owed something for too long."""
        self._patience.tell(now)
        if self.timer is not None and now >= self.timer:
            self._fail(LeftOff("The other side has not answered for too long."))

    def receive(self, data: bytes, now: float) -> None:
        """Take what has come: one message of the transport."""
        if self.is_over:
            return
        self._patience.tell(now)
        try:
            if self._channel is None:
                self._meet(data)
            else:
                for message in self._channel.receive(data):
                    self._take(message)
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
                self.paces.take(Thing.REFUSALS, count, self._patience.told)
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
        self._expect()
        for start in range(0, len(wants), MAX_WANTS):
            self._put(Kind.WANT, questions.encode_wants(wants[start : start + MAX_WANTS]))
        self._wanted.want(wants)

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
        self._expect()
        self._asked = ask
        self._put(Kind.ASK, questions.encode_ask(ask))

    def answer(self, hashes: Sequence[bytes]) -> None:
        """Answer the other side's question about a tree; nothing, if that is not held."""
        self.question = None
        self._put(Kind.HASHES, questions.encode_hashes(hashes))

    def to_serve(self, limit: int) -> list[Want]:
        """The next things that the other side wants, at most `limit`; `serve` answers them in this order."""
        return self._owed.take(limit)

    def serve(self, frames: Iterable[bytes], rest: Sequence[Want] = ()) -> None:
        """Send what was wanted: frames of messages of runs and of what is absent, as `serving` makes them.

        `rest` is what of it has not been answered: it is the next to be served.
        """
        self._owed.put_back(rest)
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
        self._expect()
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

    def _meet(self, data: bytes) -> None:
        self._outgoing += self._handshake.receive(data)
        met = self._handshake.met
        if met is None:
            return
        self.met = met
        self._channel = Channel(met.keys)
        self.state = State.COMPARING
        self._patience.heard()
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

    def _take(self, message: Message) -> None:
        if self.is_over:
            return
        body, now = message.body, self._patience.told
        self.paces.take(Thing.MESSAGES, 1, now)
        if message.kind not in (Kind.RUNS, Kind.BLOB):  # those are bounded by what was asked for
            self.paces.take(Thing.BYTES, len(body), now)
        match message.kind:
            case Kind.RECONCILE:
                if self._reconciler is None:
                    raise Misbehaved("The other side compares what has been compared.")
                self._patience.heard()
                self._say_turn(self._reconciler.receive(body))
            case Kind.WANT:
                wants = questions.decode_wants(body)
                self.paces.take(Thing.WANTS, len(wants), now)
                self._events += [HeadsWanted(LogKey(want.log)) for want in wants if want.is_for_heads]
                self._owed.want(want for want in wants if not want.is_for_heads)
            case Kind.RUNS:
                runs = decode_runs(body)
                self._patience.heard()
                satisfied = self._wanted.take(runs)
                self._events.append(Came(tuple(runs)))
                self._events += [Satisfied(want, absent=False) for want in satisfied]
            case Kind.ABSENT:
                missed = self._wanted.miss(questions.decode_absent(body))
                self._patience.heard()
                self._events.append(Satisfied(missed, absent=True))
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
                self._patience.heard()
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
                self._patience.heard()
                want = self._borrowing.take(chunk)
                self._events.append(BlobCame(want, chunk))
                if chunk.is_last:
                    self._events.append(BlobEnded(want, absent=False))
            case Kind.NO_BLOB:
                self._patience.heard()
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
