"""The door: no host takes all places, and the node keeps some for itself."""

from __future__ import annotations

import pytest

from node.door import Guest, is_here, refusal
from node.limits import (
    LIVE_LINKS,
    MAX_GUESTS,
    MAX_HALF_OPEN,
    MAX_HALF_OPEN_AT_HOST,
    MAX_LINKS,
    MAX_LINKS_AT_HOST,
)


def met(host: str, count: int = 1) -> list[Guest]:
    return [Guest(host, came=True, is_met=True)] * count


def knocking(host: str, count: int = 1) -> list[Guest]:
    return [Guest(host, came=True, is_met=False)] * count


def opened(count: int) -> list[Guest]:
    return [Guest("10.0.0.9", came=False, is_met=True)] * count


def ask(host: str, *guests: list[Guest], is_blamed: bool = False) -> str | None:
    there = [guest for each in guests for guest in each]
    return refusal(host, there, is_blamed=is_blamed)


def test_who_comes_alone_is_let_in() -> None:
    assert ask("10.0.0.1") is None
    assert ask("10.0.0.1", opened(LIVE_LINKS)) is None


def test_one_host_takes_some_places_and_no_more() -> None:
    assert ask("10.0.0.1", met("10.0.0.1", MAX_LINKS_AT_HOST - 1)) is None
    assert ask("10.0.0.1", met("10.0.0.1", MAX_LINKS_AT_HOST)) == "full-host"
    assert ask("10.0.0.2", met("10.0.0.1", MAX_LINKS_AT_HOST)) is None
    assert ask("10.0.0.9", opened(8)) is None, "what this node opened is not the host's doing"


def test_who_does_not_say_who_they_are_is_not_waited_for_twice() -> None:
    assert ask("10.0.0.1", knocking("10.0.0.1", MAX_HALF_OPEN_AT_HOST)) == "busy-host"
    assert ask("10.0.0.2", knocking("10.0.0.1", MAX_HALF_OPEN_AT_HOST)) is None
    assert ask("10.0.0.2", knocking("127.0.0.1", MAX_HALF_OPEN)) == "busy"
    assert ask("127.0.0.1", knocking("127.0.0.1", MAX_HALF_OPEN)) == "busy"


def test_places_are_kept_for_links_that_this_node_opens() -> None:
    everywhere = [guest for number in range(MAX_LINKS) for guest in met(f"10.0.1.{number}")]
    assert ask("10.0.0.2", everywhere[: MAX_GUESTS - 1]) is None
    assert ask("10.0.0.2", everywhere[:MAX_GUESTS]) == "full"
    assert ask("10.0.0.2", opened(MAX_LINKS)) == "full"


def test_a_host_that_is_blamed_waits_outside() -> None:
    assert ask("10.0.0.1", is_blamed=True) == "faults"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"])
def test_this_computer_may_have_many_and_is_never_blamed(host: str) -> None:
    assert is_here(host)
    assert ask(host, met(host, MAX_LINKS_AT_HOST + 3), is_blamed=True) is None
    assert ask(host, met(host, MAX_LINKS)) == "full"


@pytest.mark.parametrize("host", ["", "10.0.0.1", "fe80::1%eth0", "::ffff:10.0.0.1", "localhost", "junk"])
def test_others_are_others(host: str) -> None:
    assert not is_here(host)
