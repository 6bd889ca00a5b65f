"""Which network interfaces are used, and what it means that they changed."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from node import adapters
from node.interfaces import Change, Damper, Interface, Interfaces, announced, arrange, compare, speakers
from node.limits import MAX_ANNOUNCED_ADDRESSES, MAX_INTERFACES, MAX_SETTLE_SECONDS, SETTLE_SECONDS


def interface(index: int, *addresses: str) -> Interface:
    return Interface(index, f"if{index}", tuple(ip_interface(address) for address in addresses))


WIFI = interface(3, "192.168.7.20/24", "fd00::20/64", "fe80::20/64")
CABLE = interface(2, "10.0.0.9/8", "fe80::9/64")


def test_one_address_of_each_version_speaks_and_of_version_6_the_link_local_one() -> None:
    assert speakers((interface(2, "10.0.0.9/8", "10.0.0.10/8"), WIFI)) == [
        "10.0.0.9",
        "192.168.7.20",
        "fe80::20",
    ]


def test_an_address_of_several_interfaces_is_told_by_their_indexes() -> None:
    """A virtual interface has its parent's hardware address, and so the same link-local one."""
    assert speakers((interface(2, "fe80::9/64"), interface(4, "fe80::9/64"), interface(5, "fe80::5/64"))) == [
        2,
        4,
        "fe80::5",
    ]


def test_the_loopback_of_version_6_does_not_speak() -> None:
    assert speakers((interface(1, "127.0.0.1/8", "::1/128"),)) == ["127.0.0.1"]


def test_what_is_announced_begins_with_version_4_and_ends_with_link_local_addresses() -> None:
    assert announced((CABLE, WIFI)) == ("10.0.0.9", "192.168.7.20", "fd00::20", "fe80::9", "fe80::20")


def test_interfaces_and_addresses_are_bounded() -> None:
    many = arrange([interface(n, f"10.0.{n}.1/24") for n in range(200, 0, -1)])
    assert [it.index for it in many] == list(range(1, MAX_INTERFACES + 1))
    assert len(announced(many)) == MAX_ANNOUNCED_ADDRESSES


def test_an_interface_without_addresses_is_none() -> None:
    assert arrange([interface(4), WIFI]) == (WIFI,)


MOVED = interface(3, "192.168.7.77/24", "fd00::20/64", "fe80::20/64")
PUT_BACK = interface(9, "192.168.7.20/24", "fe80::20/64")


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ((), (), Change.NONE),
        ((WIFI,), (WIFI,), Change.NONE),
        ((), (WIFI,), Change.ANEW),
        ((WIFI,), (), Change.CLOSE),
        ((WIFI,), (CABLE, WIFI), Change.ADJUST),
        ((CABLE, WIFI), (WIFI,), Change.ADJUST),
        ((WIFI,), (MOVED,), Change.ADJUST),
        ((WIFI,), (CABLE,), Change.ANEW),
        ((interface(3, "192.168.7.20/24"),), (interface(3, "10.9.9.9/8"),), Change.ANEW),
        ((WIFI,), (PUT_BACK,), Change.ANEW),
        ((CABLE, WIFI), (CABLE, PUT_BACK), Change.ANEW),
    ],
)
def test_a_change_adjusts_or_begins_anew(old: Interfaces, new: Interfaces, change: Change) -> None:
    assert compare(old, new) is change


def test_a_first_network_counts_at_once_and_so_does_one_after_none() -> None:
    damper = Damper()
    assert damper.look((WIFI,), 100.0) == (WIFI,)
    damper.look((), 101.0)
    assert damper.look((), 101.0 + SETTLE_SECONDS) == ()
    assert damper.look((CABLE,), 110.0) == (CABLE,)


def test_a_change_counts_once_it_stays() -> None:
    damper = Damper()
    damper.look((WIFI,), 100.0)
    assert damper.look((CABLE,), 101.0) == (WIFI,)
    assert damper.look((CABLE,), 101.0 + SETTLE_SECONDS / 2) == (WIFI,)
    assert damper.look((CABLE,), 101.0 + SETTLE_SECONDS) == (CABLE,)


def test_what_comes_back_at_once_changes_nothing() -> None:
    damper = Damper()
    for now, found in enumerate([(WIFI,), (), (WIFI,), (), (WIFI,), ()]):
        assert damper.look(found, float(now)) == (WIFI,)


def test_interfaces_that_never_stay_count_in_the_end() -> None:
    damper = Damper()
    damper.look((WIFI,), 0.0)
    now = 1.0
    settled: Interfaces = (WIFI,)
    while settled == (WIFI,):
        now += SETTLE_SECONDS / 2
        settled = damper.look((interface(int(now * 100), "10.0.0.1/8"),), now)
        assert now <= 3 * MAX_SETTLE_SECONDS
    assert now >= MAX_SETTLE_SECONDS


def test_the_system_says_what_it_has() -> None:
    """Whatever that is on this computer: the loopback at least, where it is asked for."""
    everything = adapters.read(loopback=True)
    assert any(address.ip.is_loopback for it in everything for address in it.addresses)
    assert not any(address.ip.is_loopback for it in adapters.read() for address in it.addresses)
