"""At which addresses phones find the pages."""

from __future__ import annotations

from ipaddress import ip_interface

import pytest

from node import reach
from node.interfaces import Interface
from node.reach import likely, way_out
from node.whence import local_name

ROUTES = """\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	0102A8C0	0003	0	0	100	00000000	0	0	0
eth0	0002A8C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
"""


def interface(index: int, name: str, *addresses: str) -> Interface:
    return Interface(index, name, tuple(map(ip_interface, addresses)))


DOCKER = interface(1, "docker0", "172.17.0.1/16")
ETHERNET = interface(2, "eth0", "192.168.2.5/24", "fe80::1/64", "fd00::5/64")
RADIO = interface(3, "wlan0", "192.168.1.5/24")


def test_the_way_out_of_the_house_comes_first_and_containers_last() -> None:
    found = likely((DOCKER, ETHERNET, RADIO), "wlan0")
    assert found == ("192.168.1.5", local_name(), "192.168.2.5", "172.17.0.1", "[fd00::5]")
    assert likely((DOCKER, ETHERNET, RADIO), None)[0] == "192.168.2.5"


def test_without_a_network_there_is_no_address() -> None:
    assert likely((), None) == ()
    assert likely((interface(2, "eth0", "fe80::1/64"),), "eth0") == ()


def test_the_default_route_of_the_smallest_metric_is_the_way_out() -> None:
    assert way_out(ROUTES) == "eth0"
    assert way_out(ROUTES.replace("100", "700", 1)) == "wlan0"


@pytest.mark.parametrize("junk", ["", "\n", "x\ny z", "a\nb 00000000 c d e f x 00000000", ROUTES[:90]])
def test_a_table_that_says_nothing_has_no_way_out(junk: str) -> None:
    assert way_out(junk) is None


def test_a_system_that_does_not_answer_has_no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(loopback: bool = False) -> None:
        raise OSError

    monkeypatch.setattr("node.adapters.read", failing)
    assert reach.addresses(8783) == ()
