"""From where somebody connects, and by which names, by the connection alone."""

from __future__ import annotations

import socket
from ipaddress import ip_interface
from typing import Any, cast

import pytest
from aiohttp import web

from node import whence
from node.interfaces import Interface, Interfaces


class Connection:
    """A request as far as it is looked at: the two addresses of its connection."""

    def __init__(self, peer: str | None, own: str = "192.168.1.5") -> None:
        self.transport = None if peer is None else self
        self._ends = {"peername": (peer, 50_000), "sockname": (own, 8_783)}

    def get_extra_info(self, name: str) -> Any:
        return self._ends[name]


def request(peer: str | None, own: str = "192.168.1.5") -> web.Request:
    return cast(web.Request, Connection(peer, own))


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home with one network, which has addresses of the open internet too."""
    addresses = tuple(map(ip_interface, ("192.168.1.5/24", "2001:db8:1::5/64")))

    def read(loopback: bool = False) -> Interfaces:
        return (Interface(2, "eth0", addresses),)

    monkeypatch.setattr("node.adapters.read", read)


@pytest.mark.parametrize(
    ("peer", "here", "near"),
    [
        ("127.0.0.1", True, True),
        ("127.8.8.8", True, True),
        ("::1", True, True),
        ("::ffff:127.0.0.1", True, True),
        ("192.168.1.77", False, True),
        ("::ffff:192.168.1.77", False, True),
        ("10.9.8.7", False, True),
        ("172.31.0.1", False, True),
        ("100.64.1.1", False, True),
        ("fe80::1%eth0", False, True),
        ("fd12::1", False, True),
        ("2001:db8:1::77", False, True),
        ("2001:db8:2::77", False, False),
        ("8.8.8.8", False, False),
        ("::ffff:8.8.8.8", False, False),
        ("172.32.0.1", False, False),
        ("0.0.0.0", False, False),
        ("", False, False),
        ("no address", False, False),
        (None, False, False),
    ],
)
def test_who_is_here_and_who_is_near(peer: str | None, here: bool, near: bool) -> None:
    assert whence.is_from_here(request(peer)) is here
    assert whence.is_from_near(request(peer)) is near


def test_where_the_system_does_not_answer_only_local_networks_are_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(loopback: bool = False) -> Interfaces:
        raise OSError

    monkeypatch.setattr("node.adapters.read", failing)
    assert whence.is_from_near(request("192.168.1.77"))
    assert not whence.is_from_near(request("2001:db8:1::77"))


@pytest.mark.parametrize(
    ("own", "name", "reached"),
    [
        ("192.168.1.5", "192.168.1.5", True),
        ("::ffff:192.168.1.5", "192.168.1.5", True),
        ("192.168.1.5", "192.168.1.6", False),
        ("192.168.1.5", "192.168.1.5.evil.example", False),
        ("192.168.1.5", "3232235781", False),
        ("192.168.1.5", "0xc0a80105", False),
        ("192.168.1.5", "localhost", False),
        ("192.168.1.5", "", False),
        ("fd00::5", "[fd00::5]", True),
        ("fd00::5", "[FD00:0::5]", True),
        ("fd00::5", "[fd00::6]", False),
        ("fe80::5%eth0", "[fe80::5]", True),
    ],
)
def test_a_name_is_the_address_at_which_the_connection_came_in_or_none(
    own: str, name: str, reached: bool
) -> None:
    assert whence.is_reached_at(request("192.168.1.77", own), name) is reached


def test_the_local_name_is_the_computers_first_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Portatil.casa.example")
    assert whence.local_name() == "portatil.local"
