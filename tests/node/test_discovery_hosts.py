"""Nodes on hosts of their own find each other by multicast DNS, with nothing configured."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support.hosts import Host, Lan, Program, eventually


class Finder:
    """A program on a host that announces a node, and what it has found."""

    def __init__(self, host: Host, seed: int, network: str = "comunas") -> None:
        self.host = host
        self.seed = seed
        self.program: Program = host.start([sys.executable, "-m", "tests.support.finder", str(seed), network])

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.program.output.splitlines() if line.startswith('{"event"')]

    @property
    def addresses(self) -> dict[int, list[str]]:
        """The addresses of every node that is announced at this moment, by its seed."""
        found = {}
        for event in self.events:
            if event["event"] == "Found":
                found[bytes.fromhex(event["log"])[0]] = event["addresses"]
            elif event["event"] == "Lost":
                found.pop(bytes.fromhex(event["log"])[0], None)
        return found

    def finds(self, *others: Finder) -> None:
        """Waits until it has found those and nobody else, each at the address that it has now."""

        def holds() -> bool:
            assert self.program.is_running, self.program.output
            found = self.addresses
            return found.keys() == {other.seed for other in others} and all(
                other.host.address is None or other.host.address in found[other.seed] for other in others
            )

        eventually(holds, f"{self.host.name} finds {[other.host.name for other in others]}")


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    with Lan(tmp_path) as lan:
        yield lan


def find_each_other(*finders: Finder) -> None:
    for finder in finders:
        finder.finds(*(other for other in finders if other is not finder))


def test_three_nodes_with_nothing_configured_find_each_other_and_nobody_of_another_network(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    stranger = Finder(lan.host("ensayo"), 4, network="ensayo")
    sierra = Finder(lan.host("sierra"), 3)
    find_each_other(maizal, palmar, sierra)
    [event] = [event for event in maizal.events if event["event"] == "Found"][:1]
    assert event["name"] == f"Comuna {event['log'][-1]}"
    assert event["port"] == 7000 + int(event["log"][-1])

    assert palmar.program.stop() == 0
    maizal.finds(sierra)
    sierra.finds(maizal)
    assert stranger.addresses == {}


def test_a_network_that_comes_late_is_used_when_it_comes(lan: Lan) -> None:
    """As after a power cut: the node is up long before the Wi-Fi."""
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar", connected=False), 2)
    palmar.program.shows('"started"')
    maizal.program.shows("looking for other nodes")
    assert palmar.addresses == {}
    palmar.host.appear("10.77.0.50")
    find_each_other(maizal, palmar)


@pytest.mark.slow
def test_one_that_is_cut_off_comes_back_and_finds_who_came_meanwhile(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    find_each_other(maizal, palmar)
    palmar.host.unplug()
    palmar.program.shows("there is no network")
    sierra = Finder(lan.host("sierra"), 3)
    sierra.finds(maizal)
    palmar.host.plug_in()
    find_each_other(maizal, palmar, sierra)
    assert "Lost" not in {event["event"] for event in maizal.events}, "a cut is no goodbye"


@pytest.mark.slow
def test_after_a_cut_that_nobody_noticed_those_who_ask_find_each_other(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    find_each_other(maizal, palmar)
    palmar.host.cut_off()
    sierra = Finder(lan.host("sierra"), 3)
    sierra.finds(maizal)
    assert palmar.addresses.keys() == {1}
    palmar.host.reconnect()
    palmar.program.signal(signal.SIGUSR1)  # its sessions have ended, so the node asks again
    sierra.program.signal(signal.SIGUSR1)
    find_each_other(maizal, palmar, sierra)


@pytest.mark.slow
def test_one_that_changes_its_address_is_found_there_and_nowhere_else(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    find_each_other(maizal, palmar)
    former = palmar.host.address
    palmar.host.move("10.77.0.99")
    find_each_other(maizal, palmar)
    eventually(lambda: former not in maizal.addresses[2], "the former address is forgotten")
    assert palmar.program.is_running


@pytest.mark.slow
def test_an_interface_that_is_taken_out_and_put_back_is_used_again(lan: Lan) -> None:
    """With the same address: to zeroconf nothing has changed, to the system everything has."""
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    find_each_other(maizal, palmar)
    palmar.host.vanish()
    palmar.host.appear(palmar.host.address)
    sierra = Finder(lan.host("sierra"), 3)
    find_each_other(maizal, palmar, sierra)


@pytest.mark.slow
def test_nodes_without_version_4_find_each_other(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal", connected=False), 1)
    palmar = Finder(lan.host("palmar", connected=False), 2)
    for finder in (maizal, palmar):
        finder.host.appear(None)
    find_each_other(maizal, palmar)
    [address] = maizal.addresses[2]
    assert address.startswith("fe80::")
    assert address.endswith("%2")


@pytest.mark.slow
def test_a_copy_of_a_node_on_another_computer_is_found(lan: Lan) -> None:
    """The same log's key twice: the second is announced under another name, and the first is told."""
    maizal = Finder(lan.host("maizal"), 1)
    maizal.program.shows("looking for other nodes")
    palmar = Finder(lan.host("palmar"), 2)
    palmar.finds(maizal)
    copy = Finder(lan.host("copy"), 1)
    eventually(lambda: 1 in maizal.addresses, "the first hears of the second")
    eventually(lambda: 1 in copy.addresses, "the second hears of the first")
    names = {event["instance"] for event in palmar.events if event["event"] == "Found"}
    assert names == {"trueque-0101010101010101", "trueque-0101010101010101-2"}
    assert copy.addresses[1][0] == maizal.host.address


@pytest.mark.slow
def test_a_power_cut_is_no_goodbye_and_the_next_start_is_found(lan: Lan) -> None:
    maizal = Finder(lan.host("maizal"), 1)
    palmar = Finder(lan.host("palmar"), 2)
    find_each_other(maizal, palmar)
    palmar.program.kill()
    palmar.host.move("10.77.0.60")
    again = Finder(palmar.host, 2)
    find_each_other(maizal, again)


@pytest.mark.slow
def test_a_flood_of_spoofed_announcements_costs_little_and_ends(lan: Lan) -> None:
    """Thousands of nodes that are none: a real one is found all the same, if later."""
    maizal = Finder(lan.host("maizal"), 1)
    maizal.program.shows("looking for other nodes")
    flood = lan.host("flood").start([sys.executable, "-m", "tests.support.flood", "3000", "400"])
    eventually(lambda: len(maizal.events) > 64, "the flood is noticed")
    palmar = Finder(lan.host("palmar"), 2)
    eventually(lambda: not flood.is_running, "the flood ends", seconds=90)
    eventually(lambda: 2 in maizal.addresses, "the real one is found", seconds=90)
    told = [event for event in maizal.events if event["event"] in ("Found", "Lost")]
    assert len(told) < 1_500
    assert maizal.program.stop() == 0
    assert palmar.program.stop() == 0
