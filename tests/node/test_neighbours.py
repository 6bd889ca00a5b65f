"""Which nodes are announced: what is told of it, and how much of a flood."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_interface

from node.hints import Announcement, Seen, write_text
from node.interfaces import Interface
from node.limits import (
    DOUBT_SECONDS,
    GOODBYE_SECONDS,
    HINTS_AT_ONCE,
    HINTS_PER_SECOND,
    MAX_HINTS,
    MAX_HINTS_AT_PLACE,
)
from node.neighbours import Event, Found, Lost, Neighbours

WIFI = Interface(3, "wlan0", (ip_interface("10.0.0.20/8"), ip_interface("fe80::20/64")))
CABLE = Interface(2, "eth0", (ip_interface("fe80::21/64"),))
OWN_HOST = "trueque-0123456789abcdef"


def seen(number: int, network: str = "comunas", port: int = 7471) -> Seen:
    log = number.to_bytes(8, "big")
    text = write_text(Announcement(network, log, (1,), f"Comuna {number}"))
    address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
    return Seen(f"trueque-{log.hex()}", f"trueque-{number:016x}", port, text, (address,))


def names(events: list[Event]) -> list[tuple[type[Event], str]]:
    return [(type(event), event.hint.name) for event in events]


def neighbours() -> Neighbours:
    return Neighbours("comunas", OWN_HOST)


def test_a_node_is_told_of_once() -> None:
    around = neighbours()
    assert names(around.saw(seen(1), (WIFI,), 0.0)) == [(Found, "Comuna 1")]
    assert around.saw(seen(1), (WIFI,), 1.0) == []
    assert [hint.name for hint in around.hints] == ["Comuna 1"]


def test_a_node_is_told_of_again_when_it_moves() -> None:
    around = neighbours()
    around.saw(seen(1), (WIFI,), 0.0)
    moved = replace(seen(1), addresses=("10.9.9.9", "10.0.0.1"))
    [event] = around.saw(moved, (WIFI,), 1.0)
    assert event.hint.addresses == ("10.9.9.9", "10.0.0.1")
    assert len(around.hints) == 1


def test_names_differ_by_more_than_case() -> None:
    around = neighbours()
    around.saw(seen(10), (WIFI,), 0.0)
    assert around.saw(replace(seen(10), instance=seen(10).instance.upper()), (WIFI,), 0.0) == []


def test_what_this_node_announces_itself_is_ignored() -> None:
    around = neighbours()
    assert around.saw(replace(seen(1), host=OWN_HOST.upper()), (WIFI,), 0.0) == []
    assert around.hints == ()


def test_a_copy_of_this_node_on_another_computer_is_told_of() -> None:
    """The same log's key twice is what an operator has to know of."""
    around = neighbours()
    assert names(around.saw(replace(seen(1), host="trueque-ffff"), (WIFI,), 0.0)) == [(Found, "Comuna 1")]


def test_nodes_of_other_networks_and_junk_are_counted_and_not_told() -> None:
    around = neighbours()
    assert around.saw(seen(1, network="ensayo"), (WIFI,), 0.0) == []
    assert around.saw(replace(seen(2), text=b"\xff\x00junk"), (WIFI,), 0.0) == []
    assert (around.hints, around.refused) == ((), 2)


def test_junk_under_a_known_name_takes_nothing_away() -> None:
    around = neighbours()
    around.saw(seen(1), (WIFI,), 0.0)
    assert around.saw(replace(seen(1), text=b""), (WIFI,), 1.0) == []
    assert [hint.name for hint in around.hints] == ["Comuna 1"]


def test_a_goodbye_is_believed_after_a_while() -> None:
    around = neighbours()
    around.saw(seen(1), (WIFI,), 0.0)
    around.gone(seen(1).instance, 10.0)
    assert around.sweep(10.0 + GOODBYE_SECONDS - 0.1) == []
    assert names(around.sweep(10.0 + GOODBYE_SECONDS)) == [(Lost, "Comuna 1")]
    assert around.hints == ()


def test_a_node_that_starts_again_is_never_lost() -> None:
    around = neighbours()
    around.saw(seen(1), (WIFI,), 0.0)
    around.gone(seen(1).instance, 10.0)
    assert not around.is_settled(seen(1).instance)
    assert around.saw(seen(1), (WIFI,), 12.0) == []
    assert around.is_settled(seen(1).instance)
    assert around.sweep(100.0) == []


def test_goodbyes_of_strangers_change_nothing() -> None:
    around = neighbours()
    around.gone("nobody", 0.0)
    assert around.sweep(100.0) == []


def test_on_another_network_those_who_do_not_answer_are_lost() -> None:
    around = neighbours()
    around.saw(seen(1), (WIFI,), 0.0)
    around.saw(seen(2), (WIFI,), 0.0)
    around.doubt(50.0)
    around.saw(seen(2), (WIFI,), 51.0)
    assert around.sweep(50.0 + DOUBT_SECONDS - 0.1) == []
    assert names(around.sweep(50.0 + DOUBT_SECONDS)) == [(Lost, "Comuna 1")]


def test_link_local_addresses_end_with_their_interface() -> None:
    around = neighbours()
    around.saw(replace(seen(1), addresses=("10.0.0.1", "fe80::1%2")), (CABLE, WIFI), 0.0)
    around.saw(replace(seen(2), addresses=("fe80::2%2",)), (CABLE, WIFI), 0.0)
    around.saw(replace(seen(3), addresses=("fe80::3%3",)), (CABLE, WIFI), 0.0)
    [event] = around.leave((WIFI,), 1.0)
    assert (event.hint.name, event.hint.addresses) == ("Comuna 1", ("10.0.0.1",))
    assert names(around.sweep(1.0)) == [(Lost, "Comuna 2")]
    assert [hint.name for hint in around.hints] == ["Comuna 1", "Comuna 3"]


def test_a_flood_is_told_at_a_bounded_rate() -> None:
    around = neighbours()
    told = 0
    for number in range(5_000):
        told += len(around.saw(seen(number), (WIFI,), 1.0 + number / 1_000))  # a thousand a second, for five
    assert HINTS_AT_ONCE <= told <= HINTS_AT_ONCE + 5 * HINTS_PER_SECOND + 1
    assert around.missed == 5_000 - told


def test_a_flood_that_lasts_is_remembered_up_to_a_bound() -> None:
    around = neighbours()
    for number in range(1_000):
        around.saw(seen(number), (WIFI,), float(number))
        assert len(around.hints) <= MAX_HINTS
    assert len(around.hints) == MAX_HINTS


def test_no_flood_pushes_out_who_has_proved_to_be_real() -> None:
    around = neighbours()
    around.saw(seen(0), (WIFI,), 0.0)
    around.prove(seen(0).instance)
    lost = [
        event.hint.name
        for number in range(1, 1_000)
        for event in around.saw(seen(number), (WIFI,), float(number))
        if isinstance(event, Lost)
    ]
    assert lost == [f"Comuna {number}" for number in range(1, 1_000 - MAX_HINTS + 1)]
    assert around.hints[0].name == "Comuna 0"


def test_a_further_real_node_finds_room_where_all_are_real() -> None:
    around = neighbours()
    for number in range(MAX_HINTS):
        around.saw(seen(number), (WIFI,), float(number))
        around.prove(seen(number).instance)
    assert names(around.saw(seen(999), (WIFI,), 999.0)) == [(Lost, "Comuna 0"), (Found, "Comuna 999")]


def test_one_place_has_few_names() -> None:
    around = neighbours()
    same = [replace(seen(number), addresses=("10.0.0.1",)) for number in range(20)]
    told = [len(around.saw(one, (WIFI,), 0.0)) for one in same]
    assert sum(told) == MAX_HINTS_AT_PLACE
    other_port = replace(seen(50, port=7472), addresses=("10.0.0.1",))
    assert names(around.saw(other_port, (WIFI,), 0.0)) == [(Found, "Comuna 50")]
