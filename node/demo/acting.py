"""Acting: a node of a demonstration, which does the acts of its commune as soon as it can.

Decides when an act is done: when all that it names is held in this node's own
ledger, where it came by gossip. How it is done is what commands and pages do as
well: the wish becomes a record, and the service signs it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from ledger.errors import LedgerError
from ledger.store.totals import totals

from .. import clock
from ..company import Company
from ..meeting import Source
from ..parts import Place
from ..service import Service
from ..settings import Settings
from .cues import Holding
from .story import Act, meant_by

if TYPE_CHECKING:
    from ..custody import Custody

_PAUSE: Final = 0.1
"""seconds in which what comes is gathered, so that several acts are signed and sent at once."""


@dataclass(slots=True)
class _Waiting:
    """An act that waits for so much that is not held yet, and its place among all acts of the node."""

    place: int
    act: Act
    missing: int


Done = Callable[[Mapping[str, bytes]], None]
Failed = Callable[[str, LedgerError], None]


class Actor(Company):
    """The company of a node in a demonstration, and what its commune does. Of the event loop's thread."""

    def __init__(self, name: str, settings: Settings, done: Done, failed: Failed) -> None:
        """`done` is told the ids of what was recorded, by the labels of the acts; `failed` of a refusal."""
        super().__init__(settings)
        self.member = name
        self._done, self._failed = done, failed
        self._wake = asyncio.Event()
        self._ids: dict[str, bytes] = {}
        self._waiting: dict[str, list[_Waiting]] = {}
        """by the label of each act or commune that they wait for"""
        self._expected_here: set[str] = set()
        """labels of what was recorded elsewhere and is waited for here"""
        self._able: list[_Waiting] = []
        self._settled: asyncio.Future[Holding] | None = None
        self._expected = 0
        self._most_links = 0
        self._acting: asyncio.Task[None] | None = None

    async def start(self, place: Place) -> None:
        await super().start(place)
        self._acting = asyncio.create_task(self._act_for_ever())

    async def stop(self) -> None:
        if self._acting is not None:
            self._acting.cancel()
            await asyncio.gather(self._acting, return_exceptions=True)
        await super().stop()

    def stored(self) -> None:
        super().stored()
        self._wake.set()

    def changed(self) -> None:
        super().changed()
        if self._links is not None:
            self._most_links = max(self._most_links, len(self._links.linked))

    @property
    def custody(self) -> Custody:
        """The open home."""
        return self._custody

    def meet(self, ports: Iterable[int]) -> None:
        """Stay linked with the nodes that listen at these ports of this computer."""
        assert self._meetings is not None
        for port in ports:
            way = [("127.0.0.1", port)]
            self._meetings.add(f"127.0.0.1:{port}", lambda way=way: way, None, Source.NAMED, 0)  # type: ignore[misc]

    def play(self, acts: Sequence[Act], ids: Mapping[str, bytes]) -> None:
        """Begin to do these acts, in this order where several can be done."""
        for place, act in enumerate(acts):
            waiting = _Waiting(place, act, len(act.needs))
            for label in act.needs:
                self._waiting.setdefault(label, []).append(waiting)
            if not act.needs:
                self._able.append(waiting)
        self.told(ids)

    def told(self, ids: Mapping[str, bytes]) -> None:
        """Others have done something."""
        self._ids.update(ids)
        if found := ids.keys() & self._waiting.keys():
            self._expected_here |= found
            self._wake.set()

    async def holding(self, entries: int) -> Holding:
        """What it holds, once that is so many entries, or `give_up` is called."""
        self._expected = entries
        self._settled = asyncio.get_running_loop().create_future()
        self._wake.set()
        return await self._settled

    async def give_up(self) -> None:
        """Wait no longer until so much is held."""
        found = await self._custody.ask(self._holding)
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(found)

    async def _act_for_ever(self) -> None:
        while True:
            await self._wake.wait()
            await asyncio.sleep(_PAUSE)
            self._wake.clear()
            try:
                await self._act()
                await self._look_whether_settled()
            except LedgerError as error:
                self._failed(self.member, error)
                return

    async def _act(self) -> None:
        expected = {label: self._ids[label] for label in self._expected_here}
        if expected:
            self._note(await self._custody.ask(lambda service: _held_of(expected, service)))
        if not self._able:
            return
        able, self._able = sorted(self._able, key=lambda one: one.place), []
        done = await self._custody.do(lambda service: self._do([one.act for one in able], service))
        self._ids.update(done)
        self._note(done)
        self.written()
        self._done(done)
        if self._able:
            self._wake.set()

    def _note(self, held: Iterable[str]) -> None:
        """These are held here now: what waited for the last of them can be done."""
        for label in held:
            self._expected_here.discard(label)
            for one in self._waiting.pop(label, ()):
                one.missing -= 1
                if not one.missing:
                    self._able.append(one)

    def _do(self, acts: Sequence[Act], service: Service) -> dict[str, bytes]:
        """On the thread that signs."""
        done: dict[str, bytes] = {}
        for act in acts:
            meant = meant_by(act, self._ids, service, clock.now())
            done[act.label] = service.record(meant.record, meant.about)
        return done

    async def _look_whether_settled(self) -> None:
        if self._settled is None or self._settled.done() or self._links is None:
            return
        found = await self._custody.ask(lambda service: totals(service.reader).entries)
        if found == self._expected:
            await self.give_up()

    def _holding(self, service: Service) -> Holding:
        assert self._links is not None
        reader = service.reader
        with reader.snapshot():
            heads = sorted((branch.log, branch.size, branch.root) for branch in reader.branches())
            exchanges = reader.exchanges()
        digest = sha256(b"".join(log + size.to_bytes(8, "big") + root for log, size, root in heads))
        return Holding(
            self.member,
            totals(reader).entries,
            len(exchanges),
            sum(exchange.state == "fulfilled" for exchange in exchanges),
            digest.hexdigest(),
            self._links.sent,
            self._links.received,
            self._most_links,
        )


def _held_of(expected: Mapping[str, bytes], service: Service) -> set[str]:
    """Which of these are held."""
    with service.reader.snapshot():
        places = service.reader.holding.places_of
        return {label for label, entry in expected.items() if places(entry)}
