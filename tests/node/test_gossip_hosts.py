"""Three hosts with nothing configured: what one posts is soon everywhere, whatever breaks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ..support.hosts import TRUEQUE, Host, Lan, Program, eventually

Record = Callable[[str, float], None]


class Commune:
    """A commune with a host of its own, and its node there."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.name = host.name
        self.node: Program | None = None
        self.say("init", "--name", host.name, "--yes", "--recovery-out", str(host.home / "words.txt"))

    def say(self, *arguments: str) -> str:
        """What a command prints on this host."""
        done = self.host.run([*TRUEQUE, *arguments])
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        return json.loads(self.say(*arguments, "--json"))

    def start(self) -> None:
        """Start the node; there is nothing to tell it."""
        self.node = self.host.start([*TRUEQUE, "run"])

    @property
    def neighbours(self) -> dict[str, str]:
        """The communes of the nodes that it is linked with, by the names that they give themselves."""
        parts = self.ask("status")["parts"]  # none as long as it is starting
        peers = parts["gossip"]["facts"]["peers"] if parts else []
        return {peer["name"]: peer["commune"] for peer in peers if peer["name"] and peer["commune"]}

    def recognise(self, *others: Commune) -> None:
        """Recognise those that are around, as somebody does who clicks on their names."""
        for other in others:
            eventually(lambda other=other: other.name in self.neighbours, f"{self.name} meets {other.name}")  # type: ignore[misc]
            self.say("recognise", self.neighbours[other.name])

    @property
    def titles(self) -> set[str]:
        """The titles of all listings that it knows."""
        return {row["title"] for row in self.ask("listings")}

    def shows(self, titles: set[str]) -> None:
        eventually(lambda: self.titles == titles, f"{self.name} shows {sorted(titles)}")


def found(lan: Lan, *names: str) -> list[Commune]:
    communes = [Commune(lan.host(name)) for name in names]
    for commune in communes:
        commune.say("offer", f"Maíz de {commune.name}")
    return communes


def others_of(commune: Commune, communes: list[Commune]) -> list[Commune]:
    return [other for other in communes if other is not commune]


def joined(lan: Lan) -> list[Commune]:
    """Three communes that run, recognise each other, and show each other's listings."""
    communes = found(lan, "maizal", "palmar", "sierra")
    for commune in communes:
        commune.start()
    for commune in communes:
        commune.recognise(*others_of(commune, communes))
    for commune in communes:
        commune.shows({f"Maíz de {commune.name}" for commune in communes})
    return communes


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    with Lan(tmp_path) as lan:
        yield lan


@pytest.fixture
def record(record_property: Callable[[str, object], None]) -> Record:
    """Keep how many seconds something took: it is shown with `-rP`, and asserted by nobody."""

    def recorded(what: str, seconds: float) -> None:
        record_property(what, round(seconds, 1))
        print(f"{what}: {seconds:.1f} s")

    return recorded


@pytest.mark.slow
def test_nodes_that_recognise_each_other_show_all_listings_soon_after_the_last_start(
    lan: Lan, record: Record
) -> None:
    """They know each other; the last of them is started, and asks nobody's leave."""
    communes = found(lan, "maizal", "palmar", "sierra")
    for commune in communes:
        commune.start()
    for commune in communes:
        commune.recognise(*others_of(commune, communes))
    last = communes[-1]
    titles = {f"Maíz de {commune.name}" for commune in communes}
    for commune in communes:
        commune.shows(titles)
    assert last.node is not None
    assert last.node.stop() == 0
    communes[0].say("offer", "Yuca")
    last.say("offer", "Sal")
    begun = time.monotonic()
    last.start()
    for commune in communes:
        commune.shows(titles | {"Yuca", "Sal"})
    record("from the last start until all listings are everywhere", time.monotonic() - begun)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [3, 25, 75])
def test_one_that_was_cut_off_has_what_was_posted_meanwhile_soon_after_its_return(
    lan: Lan, record: Record, seconds: int
) -> None:
    communes = joined(lan)
    *rest, palmar = communes
    before = palmar.titles
    palmar.host.cut_off()
    rest[0].say("offer", "Yuca")
    rest[1].shows(before | {"Yuca"})
    palmar.say("offer", "Sal")
    time.sleep(seconds)
    assert palmar.titles == before | {"Sal"}
    palmar.host.reconnect()
    begun = time.monotonic()
    for commune in communes:
        commune.shows(before | {"Yuca", "Sal"})
    record(f"from the return after {seconds} s until all listings are everywhere", time.monotonic() - begun)


@pytest.mark.slow
def test_one_whose_cable_was_out_has_what_was_posted_meanwhile(lan: Lan, record: Record) -> None:
    communes = joined(lan)
    *rest, palmar = communes
    before = palmar.titles
    palmar.host.unplug()
    rest[0].say("offer", "Yuca")
    rest[1].shows(before | {"Yuca"})
    time.sleep(10)
    palmar.host.plug_in()
    begun = time.monotonic()
    palmar.shows(before | {"Yuca"})
    record("from the cable's return until all listings are there", time.monotonic() - begun)


@pytest.mark.slow
def test_one_that_changes_its_address_is_found_again(lan: Lan, record: Record) -> None:
    communes = joined(lan)
    maizal, palmar, sierra = communes
    before = palmar.titles
    palmar.host.move("10.77.0.99")
    begun = time.monotonic()
    maizal.say("offer", "Yuca")
    palmar.say("offer", "Sal")
    for commune in communes:
        commune.shows(before | {"Yuca", "Sal"})
    record("from the change of address until all listings are everywhere", time.monotonic() - begun)
    assert sierra.node is not None
    assert sierra.node.is_running
