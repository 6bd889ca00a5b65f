"""The fuzzer: throws junk at a node in every state of a session and at every reader, and sees what comes.

Whatever is raised that was not declared is a fault of the program, and ends the
run with what led to it. So does anything stored that nobody signed, a frame
that takes far longer than the longest honest message, and memory that grows.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from protocol.events import Ended
from protocol.frames import Kind, to_frames
from protocol.handshake import Handshake, Role
from protocol.limits import MAX_BATCH_ENTRIES
from protocol.messages import decode_runs, encode_run, join_runs

from ..support.histories import Author, numbered
from ..support.memory import held, peak
from .junk import Junk
from .readers import Reader, readers, samples_for
from .victim import Logs, Talk, acquaint, heard_in, holding

LIVES: Final = (*(8,) * 499, 4_000)
"""junk frames that a node is thrown before it is made anew: a young one still wants much, an old one
remembers all that it was told"""

SWEPT: Final = 200
"""frames between two looks through memory for what is in use no more: not to be taken for a frame's time"""

WARM: Final = 50_000
"""frames after which memory must not grow any more: until then what is bounded fills"""

MOST_GROWTH: Final = 32
"""MB that it may grow all the same: an allocator keeps what it got"""

MOST_MEMORY: Final = 200
"""MB that all of it may take at any time"""

MOST_TIMES: Final = 30
"""times as long as the longest honest message that a frame may take; a message of it may come to several"""

SHOWN: Final = 5
"""of the frames that took longest, how many are shown"""

MOST_OF_TALK: Final = 40
"""junk frames in one session, if it survives so many"""


class Fault(AssertionError):
    """What the fuzzer has found."""


@dataclass
class Found:
    """What came of a run."""

    frames: int = 0
    sessions: int = 0
    handshakes: int = 0
    read: int = 0
    kinds: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    worst: list[tuple[float, str]] = field(default_factory=list)
    unit: float = 0.0
    memory: list[float] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As it is printed."""
        return {
            "frames": self.frames,
            "sessions": self.sessions,
            "handshakes": self.handshakes,
            "read": self.read,
            "faults": dict(self.faults.most_common()),
            "kinds": len(self.kinds),
            "worst_ms": [(round(1_000 * seconds, 1), what) for seconds, what in self.worst],
            "longest_honest_ms": round(1_000 * self.unit, 2),
            "memory_mb": [round(each, 1) for each in self.memory[:: max(len(self.memory) // 10, 1)]],
            "peak_mb": round(peak(), 1),
        }


class Fuzzer:
    """Throws junk, all of which follows from the seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.logs = Logs()
        self.heard = heard_in(self.logs)
        self.junk = Junk(self.random, self.heard)
        self.found = Found(unit=_longest_honest())
        self._readers = readers()
        said = [body for bodies in self.heard.values() for body in bodies]
        self._samples = {reader.name: samples_for(reader, said) for reader in self._readers}
        self._last = b""
        self._be_born()
        gc.collect()
        gc.freeze()  # the samples are many, and stay

    def run(self, frames: int) -> Found:
        """Throw so many junk frames, and as many pieces of junk at the readers."""
        found = self.found
        reborn, measured, swept = 0, WARM, 0
        while found.frames < frames:
            if found.frames >= swept:
                gc.collect()
                gc.disable()
                swept = found.frames + SWEPT
            if found.frames >= reborn:
                self._look_back()
                self._be_born()
                reborn = found.frames + self.random.choice(LIVES)
            if self.random.random() < 0.03:
                self._knock()
            else:
                self._talk(min(MOST_OF_TALK, frames - found.frames))
            while found.read < found.frames:
                self._read()
            if found.frames >= measured:
                found.memory.append(held())
                measured = found.frames + max(frames // 50, 1)
        gc.enable()
        found.memory.append(held())
        self._look_back()
        self._judge()
        return found

    # One life of a node -----------------------------------------------------------------------------

    def _be_born(self) -> None:
        self.victim, self.peer = self.logs.victim_node(), self.logs.peer_node()
        self._signed = self.victim.memory.entries() | self.peer.memory.entries()

    def _look_back(self) -> None:
        """Whether anything is held now that nobody signed, or anybody accused who did not fork."""
        self.found.faults.update(type(fault).__name__ for fault in self.victim.faults)
        memory = self.victim.memory
        if not memory.entries() <= self._signed:
            raise Fault("something was stored that nobody signed")
        if not memory.forks().keys() <= self.logs.forked:
            raise Fault("somebody is accused who did not fork")
        if self.victim.gossip._links:
            raise Fault("sessions that are over are remembered")

    # Sessions ---------------------------------------------------------------------------------------

    def _talk(self, most: int) -> None:
        """A session in which some goes in good order, and then less and less does."""
        self.found.sessions += 1
        random = self.random
        ends = [self.victim, self.peer]
        random.shuffle(ends)
        if random.random() < 0.1:
            self.victim.look_for_photos()
        talks = acquaint(*ends)
        victim, peer = talks if ends[0] is self.victim else reversed(talks)
        waiting: list[bytes] = []
        honest = random.choice((0, 0, 1, 2, 3, 5, 8, 13, 21))
        for _ in range(honest):
            self._hear(victim, peer, waiting)
            if not waiting or victim.is_over:
                break
            frame = waiting.pop(0)
            with self._watched(frame):
                victim.tell(frame)
        thrown = 0
        while thrown < most and not victim.is_over:
            self._hear(victim, peer, waiting)
            frames = self._next(waiting)
            for frame in frames:
                self._throw(victim, frame)
            thrown += len(frames)
            if random.random() < 0.02:
                victim.session.tick(random.choice((0.0, 1.0, 59.0, 61.0, 1e9)))
                victim.go_on()
        victim.said()
        victim.leave()
        peer.leave()

    def _hear(self, victim: Talk, peer: Talk, waiting: list[bytes]) -> None:
        """Let the neighbour hear what the victim says, and collect what it has to say."""
        for frame in victim.said():
            with self._watched(frame):
                peer.tell(frame)
        waiting += peer.said()

    def _next(self, waiting: list[bytes]) -> list[bytes]:
        """What is said next: something that would be right but is not, or junk."""
        random = self.random
        if waiting and random.random() < 0.6:
            at = random.choice((0, 0, random.randrange(len(waiting))))
            frame = waiting[at] if random.random() < 0.1 else waiting.pop(at)
            return [frame] if random.random() < 0.3 else self.junk.spoilt(frame)
        return self.junk.frames()

    def _throw(self, victim: Talk, frame: bytes) -> None:
        if victim.is_over or not frame:
            return
        self.found.frames += 1
        self.found.kinds[frame[0]] += 1
        pieces = victim.sealed(frame)
        if self.random.random() < 0.02:
            pieces = [self._spoilt(pieces)]
        self._last = pieces[-1]
        with self._timed(frame):
            for piece in pieces:
                victim.take(piece)
                victim.session.timer  # noqa: B018  # it is asked for after everything

    def _spoilt(self, pieces: list[bytes]) -> bytes:
        """A piece that was not encrypted for this place, or at all."""
        match self.random.randrange(6):
            case 0:
                return self._last
            case 1:
                return pieces[-1][: self.random.randrange(len(pieces[-1]) + 1)]
            case 2:
                return self.random.randbytes(
                    self.random.choice((0, 1, 15, 16, 17, 500, 65_535, 65_536, 70_000))
                )
            case 3:
                return b""
            case _:
                return self.junk.changed(pieces[-1])

    def _knock(self) -> None:
        """A handshake in which one message is junk."""
        random = self.random
        self.found.handshakes += 1
        role = random.choice(list(Role))
        theirs = Role.RESPONDER if role is Role.INITIATOR else Role.INITIATOR
        session = self.victim.session(role)
        peer = Handshake(
            theirs, self.peer.identity, static=random.randbytes(32), ephemeral=random.randbytes(32)
        )
        waiting = peer.begin()
        for message in session.outgoing():
            waiting += peer.receive(message)
        if theirs is Role.INITIATOR and random.random() < 0.5:
            session.receive(waiting[0], 0.0)
            waiting = [message for said in session.outgoing() for message in peer.receive(said)]
        for message in waiting:
            for junk in (
                self.junk.changed(message),
                random.randbytes(random.choice((0, 5, 32, 48, 96, 300))),
            ):
                self.found.frames += 1
                with self._timed(junk):
                    session.receive(junk, 0.0)
                    session.outgoing()
        self.found.faults.update(
            type(event.fault).__name__
            for event in session.events()
            if isinstance(event, Ended) and event.fault is not None
        )

    # Readers ----------------------------------------------------------------------------------------

    def _read(self) -> None:
        """Have one reader read something that it may not take."""
        reader = self._readers[self.found.read % len(self._readers)]
        self.found.read += 1
        samples = self._samples[reader.name]
        if samples and self.random.random() < 0.7:
            data = self.junk.changed(self.random.choice(samples))
        else:
            _, data = self.junk.message()
        with self._watched(data, reader):
            reader.takes(data)

    # Judging ----------------------------------------------------------------------------------------

    @contextmanager
    def _watched(self, data: bytes, reader: Reader | None = None) -> Iterator[None]:
        """Whatever is raised meanwhile was not declared."""
        try:
            yield
        except Exception as error:
            where = reader.name if reader else "a session"
            raise Fault(
                f"{where} raised {error!r} at frame {self.found.frames}: {data[:200].hex()}"
            ) from error

    @contextmanager
    def _timed(self, data: bytes) -> Iterator[None]:
        """How long a frame takes of this thread's computing, whatever else the machine does."""
        begun = time.thread_time()
        with self._watched(data):
            yield
        seconds, worst = time.thread_time() - begun, self.found.worst
        if len(worst) < SHOWN or seconds > worst[-1][0]:
            worst[:] = sorted([*worst, (seconds, f"{data[:12].hex()} ({len(data)} bytes)")], reverse=True)[
                :SHOWN
            ]

    def _judge(self) -> None:
        found = self.found
        times = found.worst[0][0] / found.unit
        if times > MOST_TIMES:
            raise Fault(f"a frame took {times:.0f} times as long as the longest honest one")
        first, most = found.memory[0], max(*found.memory, peak())
        if most > MOST_MEMORY or found.memory[-1] - first > MOST_GROWTH:
            raise Fault(f"memory: {first:.1f} MB, at the end {found.memory[-1]:.1f}, at most {most:.1f}")
        missing = {int(kind) for kind in Kind} - found.kinds.keys()
        if missing:
            raise Fault(f"kinds that were not thrown: {sorted(missing)}")


def _longest_honest() -> float:
    """Seconds of computing that the longest message takes which is made in good order, until it is stored."""
    author = Author("long")
    runs = [author.write(*numbered(f"{batch}", 1_000)) for batch in range(MAX_BATCH_ENTRIES // 1_000)]
    body = join_runs([encode_run(run) for run in runs])
    assert list(to_frames(Kind.RUNS, body))
    begun = time.thread_time()
    assert holding(decode_runs(body), author).size(runs[0].log)
    return time.thread_time() - begun
