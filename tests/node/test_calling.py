"""Calling: running nodes over loopback of which one can be called by everybody, and says so."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, web
from aiohttp.abc import AbstractResolver, ResolveResult

from ledger.log import LogKey
from ledger.signing import SigningKey
from node.calling import Calling
from node.hearsay import Changes
from node.limits import (
    CHANGES_AN_HOUR,
    HOUR_SECONDS,
    MAX_CALLED,
    MAX_OUTDONE,
    TRIES_UNPROVED,
    TRIES_UNREACHABLE,
)
from node.links import Links
from node.meeting import Source
from node.places import GuardedResolver, callable_places, may_call
from node.storage import Storage
from protocol.addresses import PURPOSE, Addresses, Place, sign_addresses
from protocol.spreading import Spreading

from ..support.histories import key_of
from ..support.hosts import eventually
from ..support.nodes import NodeProcess, free_ports
from .conftest import Found, Secretary
from .test_company import peers_of, titles
from .test_links import tell

NETWORK = "ensayo"


# Stories ----------------------------------------------------------------------------------------

Start = Callable[..., NodeProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the node of a home, which knows the addresses of some others."""
    with ExitStack() as stack:

        def started(who: Secretary, *peers: NodeProcess) -> NodeProcess:
            told = [("--peer", f"127.0.0.1:{peer.told['peer_port']}") for peer in peers]
            return stack.enter_context(NodeProcess(who.home, *(part for pair in told for part in pair)))

        yield started


def willing(who: Secretary) -> int:
    """Have the node of a home say where it can be called; the port."""
    port = free_ports(1)[0]
    (who.home / "config.toml").write_text(f'peer-port = {port}\npublic-addresses = ["127.0.0.1:{port}"]\n')
    return port


def called(who: Secretary, port: int) -> NodeProcess:
    return NodeProcess(who.home, "--peer-port", str(port))


def know_each_other(*homes: Secretary) -> None:
    for one, other in itertools.pairwise(homes):
        one.tell(other)
        other.tell(one)
        one.run("recognise", other.name)
        other.run("recognise", one.name)


def names_of(node: NodeProcess) -> set[str]:
    return {peer["name"] for peer in peers_of(node)}


def known_to(node: NodeProcess) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = node.api("/api/1/status").json["parts"]["gossip"]["facts"]["known"]
    return known


def test_a_node_that_can_be_called_is_learned_of_and_reached_when_others_are_gone(
    found: Found, start: Start
) -> None:
    """Dos knows Alto, Alto knows Centro, which can be called; then Alto is switched off."""
    alto, centro, dos = found("Alto"), found("Centro"), found("Dos")
    know_each_other(centro, alto, dos)
    port = willing(centro)
    with called(centro, port) as middle:
        first = start(alto, middle)
        last = start(dos, first)
        eventually(lambda: "Centro" in names_of(last), "the last has called whom it was told of")
        first.stop()
        centro.run("offer", "Maíz")
        dos.run("offer", "Yuca")
        eventually(lambda: titles(dos) == titles(centro) == {"Maíz", "Yuca"}, "they hold the same")
        last.stop()
        last = start(dos)
        eventually(lambda: names_of(last) == {"Centro"}, "it remembers where, also when it starts anew")
    last.stop()


def test_two_nodes_that_know_of_a_third_alone_meet_through_it(found: Found, start: Start) -> None:
    alto, centro, dos = found("Alto"), found("Centro"), found("Dos")
    know_each_other(alto, centro, dos)
    port = willing(centro)
    with called(centro, port) as middle:
        first, last = start(alto, middle), start(dos, middle)
        alto.run("offer", "Maíz")
        dos.run("offer", "Yuca")
        eventually(
            lambda: titles(alto) == titles(dos) == {"Maíz", "Yuca"}, "what each signs reaches the other"
        )
        assert names_of(first) == names_of(last) == {"Centro"}, "neither can be called, and nobody says so"


def test_a_log_that_nobody_here_recognises_has_nobody_call_anywhere(found: Found, start: Start) -> None:
    alto, centro = found("Alto"), found("Centro")
    port = willing(centro)
    with called(centro, port) as middle:
        first = start(alto, middle)
        eventually(lambda: names_of(first) == {"Centro"}, "they are linked")
        first.stop()
        again = start(alto)
        assert known_to(again) == []


# Where may be called ----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["192.0.2.7", "10.1.2.3", "100.64.0.1", "2001:db8::5", "fd00::1"])
def test_addresses_of_the_internet_and_of_networks_of_ones_own_may_be_called(host: str) -> None:
    assert may_call(host, "comunas")


@pytest.mark.parametrize(
    "host",
    ["169.254.1.1", "fe80::1", "fe80::1%eth0", "224.0.0.251", "ff02::fb", "0.0.0.0", "::", "240.0.0.1",
     "255.255.255.255", "::ffff:169.254.1.1", "montes.example", ""],
)  # fmt: skip
def test_others_may_not(host: str) -> None:
    assert not may_call(host, "comunas")
    assert not may_call(host, NETWORK)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_this_computer_may_be_called_in_trials_alone(host: str) -> None:
    assert may_call(host, NETWORK)
    assert not may_call(host, "comunas")


def said(name: str, *places: Place, number: int = 1) -> Addresses:
    key = key_of(name)
    return sign_addresses(
        LogKey(key.public_key), number, places, lambda text: key.sign_in_context(PURPOSE, NETWORK, text)
    )


def test_ports_of_other_services_are_not_called() -> None:
    ports = (22, 25, 80, 443, 993, 1_024, 8_784)
    told = said("Montes", *(Place("192.0.2.7", port) for port in ports[:4]))
    assert [place.port for place in callable_places(told, NETWORK)] == [80, 443]
    told = said("Montes", *(Place("montes.example", port) for port in ports[4:]), Place("169.254.1.1", 8_784))
    assert [place.port for place in callable_places(told, NETWORK)] == [1_024, 8_784]


class Book(AbstractResolver):
    """Names that lead where a test says."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = hosts

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=each, port=port, family=socket.AF_INET, proto=0, flags=0)
            for each in self.hosts
        ]

    async def close(self) -> None:
        pass


def test_a_name_leads_nowhere_that_may_not_be_called() -> None:
    async def story() -> None:
        resolver = GuardedResolver("comunas", Book("127.0.0.1", "192.0.2.7", "169.254.169.254"))
        assert [each["host"] for each in await resolver.resolve("montes.example", 8784)] == ["192.0.2.7"]
        with pytest.raises(OSError, match="leads nowhere"):
            await GuardedResolver("comunas", Book("127.0.0.1")).resolve("montes.example", 8784)
        await resolver.close()

    tell(story)


def test_nobody_is_followed_to_another_address() -> None:
    async def story() -> None:
        asked: list[str] = []

        async def send_on(request: web.Request) -> web.Response:
            asked.append(request.path)
            return web.Response(status=302, headers={"Location": "/elsewhere"})

        app = web.Application()
        app.router.add_get("/{path:.*}", send_on)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with Links.client() as client:
            with pytest.raises(ClientError):
                await client.ws_connect(f"ws://127.0.0.1:{runner.addresses[0][1]}/gossip/1")
        await runner.cleanup()
        assert asked == ["/gossip/1"]

    tell(story)


# Who is called, and given up --------------------------------------------------------------------


@dataclass
class Meetings:
    """What calling asks of `meeting.Meetings`."""

    ways: dict[str, Callable[[], Sequence[tuple[str, int]]]] = field(default_factory=dict)

    def add(self, name: str, way: Callable[[], Sequence[tuple[str, int]]], *_: object) -> None:
        assert _[1] is Source.TOLD
        self.ways[name] = way

    def changed(self) -> None:
        self.ways = {name: way for name, way in self.ways.items() if way()}


class Desk:
    """A `Calling` with everything around it made by hand."""

    def __init__(self, folder: Path, own: str = "Own") -> None:
        self.key: SigningKey = key_of(own)
        self.own = LogKey(self.key.public_key)
        self.storage = Storage(folder / "node.sqlite")
        self.meetings = Meetings()
        self.spreading = Spreading(self.own)
        self.calling = Calling(
            self.own, NETWORK, self.spreading, self.meetings, self.storage.whereabouts,  # type: ignore[arg-type]
            lambda text: self.key.sign_in_context(PURPOSE, NETWORK, text), lambda: 1_000, lambda: None,
        )  # fmt: skip

    def learn(self, told: Addresses) -> str:
        """Have it learn of a node; the name under which that is met."""
        self.spreading.load([told])
        self.calling.learned([told])
        return f"log {told.log.hex()}"

    def is_called(self, name: str) -> bool:
        return name in self.meetings.ways and bool(self.meetings.ways[name]())


PLACE = Place("montes.example", 8784)


def test_whoever_turns_out_to_be_somebody_else_is_called_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        name = desk.learn(said("Montes", PLACE))
        assert desk.meetings.ways[name]() == [("montes.example", 8784)]
        desk.calling.tried(name, LogKey(bytes(32)), "")
        assert not desk.is_called(name)
        desk.learn(said("Montes", PLACE, number=2))
        assert desk.is_called(name), "its log has said something newer"

    tell(story)


def test_where_nobody_proves_anything_three_calls_are_enough(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        name, proved = desk.learn(said("Montes", PLACE)), desk.learn(said("Valle", PLACE))
        desk.calling.tried(proved, LogKey(key_of("Valle").public_key), "")
        for number in range(TRIES_UNPROVED):
            assert desk.is_called(name), number
            desk.calling.tried(name, None, "refused")
            desk.calling.tried(proved, None, "refused")
        assert not desk.is_called(name)
        assert desk.is_called(proved), "it was there once"

    tell(story)


def test_whoever_cannot_be_reached_is_left_alone_and_called_again_hours_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.calling.GIVEN_UP_SECONDS", 0.05)

    async def story() -> None:
        desk = Desk(tmp_path)
        name = desk.learn(said("Montes", PLACE))
        for number in range(TRIES_UNREACHABLE):
            assert desk.is_called(name), number
            desk.calling.tried(name, None, "unreachable")
        assert not desk.is_called(name)
        while not desk.is_called(name):
            await asyncio.sleep(0.01)
        desk.calling.close()
        assert not desk.is_called(name)

    tell(story)


def test_no_more_are_called_than_allowed_and_each_node_calls_others(tmp_path: Path) -> None:
    async def story() -> None:
        told = [said(f"log {number}", PLACE) for number in range(3 * MAX_CALLED)]
        called = []
        for own in ("one", "other"):
            (tmp_path / own).mkdir()
            desk = Desk(tmp_path / own, own)
            names = [desk.learn(each) for each in told]
            called.append({name for name in names if desk.is_called(name)})
        assert [len(each) for each in called] == [MAX_CALLED] * 2
        assert called[0] != called[1]

    tell(story)


def test_whoever_is_called_no_more_leaves_a_place_to_another(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        names = [desk.learn(said(f"log {number}", PLACE)) for number in range(MAX_CALLED + 3)]
        called = [name for name in names if desk.is_called(name)]
        for name in called[:3]:
            desk.calling.tried(name, LogKey(bytes(32)), "")
        assert [name for name in names if not desk.is_called(name)] == called[:3]
        desk.calling.tried(called[3], LogKey(bytes(32)), "")
        assert sum(map(desk.is_called, names)) == MAX_CALLED - 1, "nobody is called again without a new word"

    tell(story)


def test_what_is_said_and_known_outlasts_a_restart(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        await desk.calling.begin([PLACE])
        mine = desk.spreading.mine
        assert mine is not None
        assert (mine.places, mine.number) == ((PLACE,), 1_000)
        assert mine.is_signed(NETWORK)
        desk.learn(said("Montes", PLACE))
        again = Desk(tmp_path)
        await again.calling.begin([PLACE])
        assert again.spreading.mine == mine, "nothing new is signed for the same"
        assert list(again.meetings.ways) == [f"log {key_of('Montes').public_key.hex()}"]
        moved = Desk(tmp_path)
        await moved.calling.begin([])
        assert moved.spreading.mine is not None
        assert (moved.spreading.mine.places, moved.spreading.mine.number) == ((), 1_001)
        silent = Desk(tmp_path)
        await silent.calling.begin([])
        assert silent.spreading.mine == moved.spreading.mine

    tell(story)


def test_whoever_is_not_willing_any_more_is_called_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        name = desk.learn(said("Montes", PLACE))
        desk.learn(said("Montes", number=2))
        assert not desk.is_called(name)
        desk.learn(said("Montes", PLACE, number=3))
        assert desk.is_called(name)

    tell(story)


def test_nothing_is_said_by_whoever_is_not_willing(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        await desk.calling.begin([])
        assert desk.spreading.mine is None

    tell(story)


def test_what_this_home_has_forgotten_that_it_said_is_said_anew(tmp_path: Path) -> None:
    async def story() -> None:
        desk = Desk(tmp_path)
        await desk.calling.begin([])
        for number in range(MAX_OUTDONE + 3):
            desk.calling.outdone(said("Own", PLACE, number=5_000 + 10 * number))
        assert desk.spreading.mine is not None
        assert desk.spreading.mine.places == ()
        assert desk.spreading.mine.number == 5_000 + 10 * (MAX_OUTDONE - 1) + 1, "two copies end it some time"

    tell(story)


def test_nobody_leads_others_from_place_to_place() -> None:
    changes, log = Changes(), LogKey(bytes(32))
    assert [changes.may(log, float(number)) for number in range(CHANGES_AN_HOUR + 1)] == [True] * 4 + [False]
    assert changes.may(LogKey(bytes([1] * 32)), 5.0)
    assert not changes.may(log, HOUR_SECONDS - 1)
    assert changes.may(log, HOUR_SECONDS + 0.5)
    assert not changes.may(log, HOUR_SECONDS + 0.6), "an hour is any hour"
