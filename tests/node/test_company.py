"""Company: running nodes over loopback that were told of each other, in good company and in bad."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ledger.log import LogKey
from ledger.records import Authority, Charter, Offer, to_payload
from ledger.store.reading import Reader
from ledger.store.writing import Store

from ..support.histories import Author
from ..support.hosts import eventually
from ..support.nodes import NodeProcess, free_ports
from .conftest import Found, Secretary

Start = Callable[..., NodeProcess]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start the node of a home, given the running nodes whose addresses it is told."""
    with ExitStack() as stack:

        def started(
            who: Secretary, *peers: NodeProcess, options: tuple[str, ...] = (), state: Path | None = None
        ) -> NodeProcess:
            told = [f"127.0.0.1:{peer.told['peer_port']}" for peer in peers]
            addresses = [part for address in told for part in ("--peer", address)]
            elsewhere = {} if state is None else {"XDG_STATE_HOME": str(state)}
            node = NodeProcess(who.home, *addresses, *options, environment=elsewhere)
            return stack.enter_context(node)

        yield started


def peers_of(node: NodeProcess) -> list[dict[str, Any]]:
    """The nodes that a node is linked with."""
    peers: list[dict[str, Any]] = node.api("/api/1/status").json["parts"]["gossip"]["facts"]["peers"]
    return peers


def situation_of(node: NodeProcess) -> str:
    situation: str = node.api("/api/1/status").json["situation"]
    return situation


def sizes(who: Secretary) -> dict[bytes, tuple[int, bytes]]:
    """How far a home holds every log."""
    with Reader(who.home / "ledger.sqlite") as reader:
        return {branch.log: (branch.size, branch.root) for branch in reader.branches()}


def equal(*homes: Secretary) -> Callable[[], bool]:
    return lambda: all(sizes(home) == sizes(homes[0]) for home in homes)


def titles(who: Secretary) -> set[str]:
    return {row["title"] for row in who.json("listings")}


def know_each_other(montes: Secretary, valle: Secretary) -> None:
    montes.run("recognise", "El Valle")
    valle.run("recognise", "Los Montes")


def test_two_nodes_of_which_one_knows_the_others_address_hold_the_same(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    know_each_other(montes, valle)
    montes.run("offer", "Maíz")
    first = start(montes)
    second = start(valle, first)
    eventually(equal(montes, valle), "they hold the same")
    montes.run("offer", "Yuca")
    valle.run("need", "Clavos")
    eventually(equal(montes, valle), "they hold the same again")
    assert titles(montes) == titles(valle) == {"Maíz", "Yuca", "Clavos"}
    assert first.stop() == second.stop() == 0


def test_an_address_that_nobody_has_costs_nothing_but_attempts(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    know_each_other(montes, valle)
    nobody = f"127.0.0.1:{free_ports(1)[0]}"
    first = start(montes, options=("--peer", nobody, "--peer", "nobody.invalid:8784"))
    second = start(valle, first, options=("--peer", nobody))
    eventually(equal(montes, valle), "they hold the same")
    assert len(peers_of(first)) == len(peers_of(second)) == 1
    assert first.stop() == second.stop() == 0


def test_nodes_that_are_told_of_each_other_and_of_themselves_keep_one_link(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    know_each_other(montes, valle)
    (port,) = free_ports(1)
    options = ("--peer", f"127.0.0.1:{port}", "--peer", f"localhost:{port}")
    first = start(montes, options=("--peer-port", str(port), *options))
    second = start(valle, first, options=options)
    eventually(equal(montes, valle), "they hold the same")
    time.sleep(2)  # for the addresses that are left
    eventually(lambda: [peer["name"] for peer in peers_of(first)] == ["El Valle"], "one link, at the first")
    eventually(lambda: [peer["name"] for peer in peers_of(second)] == ["Los Montes"], "one, at the second")


def test_a_neighbour_that_is_not_recognised_is_shown_by_name_and_taken_in_once_it_is(
    found: Found, start: Start
) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.run("offer", "Maíz")
    valle.run("offer", "Clavos")
    first = start(montes)
    second = start(valle, first)

    def is_named(node: NodeProcess, name: str) -> Callable[[], bool]:
        return lambda: [peer["name"] for peer in peers_of(node)] == [name]

    eventually(is_named(first, "El Valle"), "the second is shown by its name")
    eventually(is_named(second, "Los Montes"), "the first is shown by its name")
    assert titles(montes) == {"Maíz"}
    assert titles(valle) == {"Clavos"}
    assert len(sizes(montes)) == len(sizes(valle)) == 1

    montes.run("recognise", peers_of(first)[0]["commune"])
    eventually(lambda: titles(montes) == {"Maíz", "Clavos"}, "the second is taken in")
    assert titles(valle) == {"Clavos"}, "a recognition obliges one side alone"
    valle.run("recognise", peers_of(second)[0]["commune"])
    eventually(equal(montes, valle), "they hold the same")


def kill_and_compare(montes: Secretary, valle: Secretary, start: Start, kills: int) -> None:
    """Kill the node that is taking something in, at any time; what the two hold is the same in the end."""
    drawn = random.Random(kills)
    know_each_other(montes, valle)
    first = start(montes)
    for number in range(kills):
        montes.run("offer", f"Maíz {number}")
        second = start(valle, first)
        if number % 2:
            montes.run("need", f"Clavos {number}")
        time.sleep(drawn.uniform(0, 0.3))
        second.stop(signal.SIGKILL)
    start(valle, first)
    eventually(equal(montes, valle), "they hold the same")
    assert titles(montes) == titles(valle)
    for who in (montes, valle):
        who.run("audit")


def test_a_node_that_is_killed_while_it_takes_something_in_goes_on_where_it_was(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    kill_and_compare(montes, valle, start, 3)


LONG = 12_000
"""entries of a log whose sync takes a second or two"""


def long_log(holder: Secretary) -> LogKey:
    """The log of a commune that has posted very much, in the home of one that recognises it."""
    name, key = "La Larga", Author("long").key
    authority = Authority(keys=(key.public_key,), threshold=1)
    payloads = [to_payload(Charter(at=1, authority=authority, name=name, network="ensayo"))]
    payloads += [
        to_payload(Offer(at=number, category="food-grain", title=f"Maíz {number}"))
        for number in range(1, LONG)
    ]
    author = Author("long", network="ensayo")
    with Store(holder.home / "ledger.sqlite", "ensayo") as store:
        for at in range(0, LONG, 400):
            store.ingest(author.write(*payloads[at : at + 400]))
    holder.run("recognise", name)
    return author.state.log


def held(who: Secretary, log: LogKey) -> int:
    size, _ = sizes(who).get(log, (0, b""))
    return size


def wait_for_entries(who: Secretary, log: LogKey, wanted: int) -> None:
    """Look without a pause, so that not much more has come when they are there."""
    end = time.monotonic() + 60
    with Reader(who.home / "ledger.sqlite") as reader:
        while not any(branch.size >= wanted for branch in reader.branches(log)):
            assert time.monotonic() < end, f"{wanted} entries have not come"
            time.sleep(0.002)


def kill_amid_a_long_log(montes: Secretary, valle: Secretary, start: Start, kills: int) -> None:
    """Kill either side once so much of a long log has come, for ever other amounts; then compare.

    Whenever all of it has come, the receiver is put back to before anything of it had.
    """
    drawn = random.Random(kills)
    know_each_other(montes, valle)
    log = long_log(montes)
    before = valle.home.with_name("before")
    shutil.copytree(valle.home, before)
    port = ("--peer-port", str(free_ports(1)[0]))
    giver = start(montes, options=port)
    taker = start(valle, giver)
    amid = 0
    for number in range(kills):
        if held(valle, log) == LONG:
            assert taker.stop() == 0
            shutil.rmtree(valle.home)
            shutil.copytree(before, valle.home)
            taker = start(valle, giver)
        wanted = drawn.randrange(held(valle, log), LONG) + 1
        wait_for_entries(valle, log, wanted)
        if number % 2:
            taker.kill()
        else:
            giver.kill()
        amid += held(valle, log) < LONG
        if number % 2:
            taker = start(valle, giver)
        else:
            giver = start(montes, options=port)
    eventually(equal(montes, valle), "they hold the same")
    print(f"{kills} kills, {amid} of them amid a sync")
    assert amid
    for who in (montes, valle):
        assert who.json("audit")["findings"] == []


def test_either_side_may_be_killed_amid_a_log_of_thousands_of_entries(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    kill_amid_a_long_log(montes, valle, start, 4)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_two_hundred_kills_leave_nothing_wrong(montes: Secretary, valle: Secretary, start: Start) -> None:
    kill_amid_a_long_log(montes, valle, start, 200)


def copied_to_another_computer(montes: Secretary) -> tuple[Secretary, Path]:
    """A copy of a home, and the state directory of its computer, which knows nothing of what was signed."""
    copy = Secretary(montes.name, montes.home.with_name("copy"))
    shutil.copytree(montes.home, copy.home)
    return copy, montes.home.with_name("state-of-the-copy")


def test_a_copied_home_is_told_before_it_signs_anything_and_the_original_goes_on(
    montes: Secretary, valle: Secretary, start: Start
) -> None:
    know_each_other(montes, valle)
    copy, elsewhere = copied_to_another_computer(montes)
    middle = start(valle)
    original = start(montes, middle)
    eventually(equal(montes, valle), "the neighbour holds what the original does")
    montes.run("offer", "Maíz")
    eventually(equal(montes, valle), "the neighbour holds what was signed")
    copied = start(copy, middle, state=elsewhere)
    eventually(lambda: situation_of(copied) != "ready", "the copy is told")
    refused = copy.refused("offer", "Yuca")
    assert "trueque restore" in refused
    montes.run("offer", "Sal")
    assert situation_of(original) == "ready", "nothing was signed by anybody else"


def test_two_copies_that_have_both_signed_are_both_told(
    montes: Secretary, valle: Secretary, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_each_other(montes, valle)
    copy, elsewhere = copied_to_another_computer(montes)
    montes.run("offer", "Maíz")
    with monkeypatch.context() as patched:
        patched.setenv("XDG_STATE_HOME", str(elsewhere))
        copy.run("offer", "Yuca")
    middle = start(valle)
    nodes = [start(montes, middle), start(copy, middle, state=elsewhere)]
    for node in nodes:
        eventually(lambda node=node: situation_of(node) == "forked", "the fork is told")  # type: ignore[misc]
    for who in (montes, copy):
        assert "trueque restore" in who.refused("offer", "Sal")
