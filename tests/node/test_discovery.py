"""What discovery does when interfaces and names come and go, with a network that the tests make up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_interface

import pytest

from node import adapters, discovery, interfaces, presence
from node.discovery import Discovery, Event, Found
from node.hints import Announcement, Seen, write_text
from node.interfaces import Interface, Interfaces
from node.limits import MAX_NAMES_ASKED, MAX_NAMES_WAITING

LOG = bytes(range(32))
WIFI = Interface(3, "wlan0", (ip_interface("10.0.0.20/8"),))
CABLE = Interface(2, "eth0", (ip_interface("10.0.0.9/8"),))


def seen(number: int) -> Seen:
    log = number.to_bytes(8, "big")
    text = write_text(Announcement("comunas", log, (1,), f"Comuna {number}"))
    return Seen(f"node-{number}", f"host-{number}", 7471, text, (f"10.0.{number >> 8}.{number & 255}",))


@dataclass
class Air:
    """A made-up network: which interfaces there are, what is announced, and what goes wrong."""

    interfaces: Interfaces = (WIFI,)
    announced: dict[str, Seen] = field(default_factory=dict)  # what zeroconf has of them at once
    answers: dict[str, Seen] = field(default_factory=dict)  # what it has once it asked
    troubles: list[Exception] = field(default_factory=list)  # raised one after the other
    flooded: bool = False
    done: list[str] = field(default_factory=list)
    heard: Callable[[str, bool], None] = lambda instance, there: None
    asking: int = 0
    most_asking: int = 0

    def read(self, loopback: bool) -> Interfaces:
        if self.troubles and isinstance(self.troubles[0], PermissionError):
            raise self.troubles.pop(0)
        return self.interfaces

    def does(self, what: str) -> None:
        if self.troubles:
            raise self.troubles.pop(0)
        self.done.append(what)

    async def has(self, done: str) -> None:
        await until(lambda: done in self.done)

    def appear(self, *numbers: int) -> None:
        for number in numbers:
            self.announced[f"node-{number}"] = seen(number)
            self.heard(f"node-{number}", True)


class Presence:
    """Stands in for node.presence.Presence on the network that `air` makes up."""

    air: Air

    def __init__(
        self, announcement: Announcement, host: str, port: int, heard: Callable[[str, bool], None]
    ) -> None:
        assert (announcement.log, port) == (LOG[:8], 7471)
        self.air.heard = heard

    @property
    def is_flooded(self) -> bool:
        return self.air.flooded

    async def open(self, interfaces: Interfaces) -> None:
        self.air.does("open " + " ".join(it.name for it in interfaces))
        for instance in self.air.announced:
            self.air.heard(instance, True)

    async def adjust(self, interfaces: Interfaces) -> None:
        self.air.does("adjust " + " ".join(it.name for it in interfaces))

    async def reconcile(self, interfaces: Interfaces) -> None:
        self.air.does("reconcile")

    async def ask(self) -> None:
        self.air.does("ask")

    def recall(self, instance: str) -> Seen | None:
        return self.air.announced.get(instance)

    async def inquire(self, instance: str) -> Seen | None:
        self.air.asking += 1
        self.air.most_asking = max(self.air.asking, self.air.most_asking)
        try:
            await asyncio.sleep(0)
            if instance.startswith("silent"):
                await asyncio.sleep(3600)
            if instance.startswith("broken"):
                raise ValueError("of zeroconf")
            return self.air.answers.get(instance)
        finally:
            self.air.asking -= 1

    async def close(self) -> None:
        self.air.done.append("close")


@pytest.fixture
def air(monkeypatch: pytest.MonkeyPatch) -> Air:
    """The same, with everything that takes seconds taking hundredths."""
    air = Air()
    monkeypatch.setattr(Presence, "air", air, raising=False)
    monkeypatch.setattr(presence, "Presence", Presence)
    monkeypatch.setattr(adapters, "read", air.read)
    for name in ("LOOK_SECONDS", "RETRY_SECONDS"):
        monkeypatch.setattr(discovery, name, 0.001)
    monkeypatch.setattr(interfaces, "SETTLE_SECONDS", 0.002)
    return air


def story(tell: Callable[[Discovery, list[Event]], Awaitable[None]]) -> list[Event]:
    """Runs what a test tells beside a discovery; returns what that told."""
    events: list[Event] = []

    async def run() -> None:
        seeking = Discovery(log=LOG, network="comunas", name="El Maizal", port=7471, tell=events.append)
        async with seeking:
            await tell(seeking, events)

    asyncio.run(run())
    return events


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.001)


def found(events: list[Event]) -> set[str]:
    return {event.hint.name for event in events if isinstance(event, Found)}


def test_it_starts_without_a_network_and_begins_when_there_is_one(air: Air) -> None:
    air.interfaces = ()

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await asyncio.sleep(0.02)
        assert air.done == []
        air.interfaces = (WIFI,)
        await air.has("open wlan0")
        assert seeking.interfaces == (WIFI,)
        air.appear(1)
        await until(lambda: found(events) == {"Comuna 1"})

    story(tell)
    assert air.done[-1] == "close"


def test_it_follows_interfaces(air: Air) -> None:
    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        for now, then in [
            ((CABLE, WIFI), "adjust eth0 wlan0"),
            ((CABLE,), "adjust eth0"),
            ((), "close"),
            ((WIFI,), "open wlan0"),
        ]:
            air.done.clear()
            air.interfaces = now
            await air.has(then)

    story(tell)


def test_after_a_change_it_asks_who_is_there(air: Air) -> None:
    """Zeroconf would wait for others to speak."""

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        air.interfaces = (CABLE, WIFI)
        await until(lambda: air.done[-2:] == ["adjust eth0 wlan0", "ask"])

    story(tell)


@pytest.mark.parametrize(
    "trouble", [OSError("no such device"), RuntimeError("of zeroconf"), PermissionError()]
)
def test_what_fails_is_tried_again(air: Air, trouble: Exception) -> None:
    air.troubles = [trouble, type(trouble)("again")]

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        air.appear(1)
        await until(lambda: found(events) == {"Comuna 1"})

    story(tell)
    assert air.troubles == []


def test_where_adjusting_fails_it_begins_anew(air: Air) -> None:
    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        air.troubles = [OSError("address in use")]
        air.interfaces = (CABLE, WIFI)
        await until(lambda: air.done == ["open wlan0", "close", "open eth0 wlan0"])

    story(tell)


def test_particulars_that_are_missing_are_asked_for(air: Air) -> None:
    air.answers["node-2"] = seen(2)

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        for instance in ("broken", "nobody", "node-2"):
            air.heard(instance, True)
        await until(lambda: found(events) == {"Comuna 2"})

    story(tell)


def test_names_that_never_answer_hold_up_nobody(air: Air) -> None:
    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        for number in range(10 * MAX_NAMES_WAITING):
            air.heard(f"silent-{number}", True)
        await until(lambda: air.asking == MAX_NAMES_ASKED)
        air.appear(1)
        await until(lambda: found(events) == {"Comuna 1"})

    story(tell)
    assert air.most_asking == MAX_NAMES_ASKED
    assert air.asking == 0, "all are ended when it stops"


def test_whoever_takes_hints_and_fails_stops_nothing(air: Air) -> None:
    told = []

    def tell(event: Event) -> None:
        told.append(event)
        raise KeyError("of the listener")

    async def run() -> None:
        async with Discovery(log=LOG, network="comunas", name="", port=7471, tell=tell):
            await air.has("open wlan0")
            air.appear(1, 2)
            await until(lambda: found(told) == {"Comuna 1", "Comuna 2"})

    asyncio.run(run())


def test_it_asks_again_when_somebody_wants_to_know(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "ASK_SOON_SECONDS", 0.0)

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        seeking.ask_again()
        await until(lambda: air.done == ["open wlan0", "ask"])
        await asyncio.sleep(0.02)
        assert air.done == ["open wlan0", "ask"], "once"

    story(tell)


def test_alone_it_asks_more_often_than_among_others(air: Air, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "ASK_ALONE_SECONDS", 0.0)

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await until(lambda: air.done.count("ask") > 3)
        air.appear(1)
        await until(lambda: found(events) == {"Comuna 1"})
        air.done.clear()
        await asyncio.sleep(0.02)
        assert air.done == []

    story(tell)


def test_after_a_flood_zeroconf_begins_with_an_empty_memory(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discovery, "RENEW_SECONDS", 0.0)

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        air.flooded = True
        await until(lambda: air.done.count("open wlan0") > 1)
        air.flooded = False

    story(tell)


def test_hints_are_what_is_announced_and_end_with_a_goodbye(
    air: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    from node import neighbours

    monkeypatch.setattr(neighbours, "GOODBYE_SECONDS", 0.01)

    async def tell(seeking: Discovery, events: list[Event]) -> None:
        await air.has("open wlan0")
        air.appear(1, 2)
        await until(lambda: len(seeking.hints) == 2)
        air.heard("node-1", False)
        await until(lambda: [hint.name for hint in seeking.hints] == ["Comuna 2"])

    events = story(tell)
    assert type(events[-1]).__name__ == "Lost"


def test_commands_that_start_no_node_do_not_load_zeroconf() -> None:
    """It takes as long to import as all else together."""
    code = (
        "import node.cli, node.discovery, sys; sys.exit('zeroconf' in sys.modules or 'ifaddr' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
