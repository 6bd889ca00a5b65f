"""Addresses of other nodes that people give: kept, refused, called, and told of."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import NotFound
from node import adapters, language, wording
from node.addressbook import Addressbook
from node.addresses import Address
from node.errors import InputError
from node.home import Home
from node.limits import MAX_GIVEN_ADDRESSES
from node.settings import Settings
from node.shapes.nodes import GivenAddress

from ..support.nodes import NodeProcess
from .conftest import Secretary
from .test_app import until


@pytest.fixture
def home(montes: Secretary) -> Home:
    return Home(montes.home)


def book(home: Home, **settings: Any) -> Addressbook:
    return Addressbook(home, Settings(**settings))


# Kept -------------------------------------------------------------------------------------------


def test_what_was_given_stays_until_it_is_removed(home: Home) -> None:
    first = book(home, peers=("cerro.example:1",))
    first.add("Valle.example")
    first.add("[2001:db8::5]:9000")
    assert (home.addresses_file.stat().st_mode & 0o777) == 0o600
    (home.storage).unlink(missing_ok=True)  # what may be lost without harm
    again = book(home, peers=("cerro.example:1", "valle.example"))
    assert again.all == (
        Address("cerro.example", 1), Address("valle.example", 8784), Address("2001:db8::5", 9000)
    )  # fmt: skip
    again.remove("[2001:DB8:0::5]:9000")
    again.remove("valle.example")
    assert book(home).all == ()


def test_what_cannot_be_given_or_removed_is_told(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    found = book(home, peers=("cerro.example:1",), peer_port=9000)
    for text in ("127.0.0.1:9000", "127.8.0.1:9000", "[::1]:9000", "localhost:9000"):
        with pytest.raises(InputError, match="this node itself"):
            found.add(text)
    own = [str(each.ip) for interface in adapters.read() for each in interface.addresses]
    for host in own[:2]:
        with pytest.raises(InputError, match="this node itself"):
            found.add(str(Address(host, 9000)))
    assert not home.addresses_file.exists()
    found.add("127.0.0.1:9001")  # another node on this computer
    with pytest.raises(InputError, match="there already"):
        found.add("127.0.0.1:9001")
    with pytest.raises(InputError, match="there already"):
        found.add("CERRO.example:1")
    with pytest.raises(InputError, match="peers in config"):
        found.remove("cerro.example:1")
    with pytest.raises(NotFound, match="not among"):
        found.remove("nadie.example")
    for number in range(MAX_GIVEN_ADDRESSES - 1):
        found.add(f"n{number}.example")
    with pytest.raises(InputError, match="32 addresses already"):
        found.add("late.example")


@pytest.mark.parametrize(
    ("data", "left"),
    [
        (b"\xff", 0),
        (b"[", 0),
        (b"[" * 50_000, 0),
        (b'{"addresses": 3}', 0),
        (b'{"addresses": ["montes.example:1", "no address", "<b>"]}', 1),
        (json.dumps({"addresses": [f"n{n}.example" for n in range(100)]}).encode(), MAX_GIVEN_ADDRESSES),
    ],
)
def test_a_file_that_is_none_costs_no_more_than_itself(home: Home, data: bytes, left: int) -> None:
    home.addresses_file.write_bytes(data)
    assert len(book(home).all) == left


# By a command -----------------------------------------------------------------------------------


def test_a_command_gives_and_removes_where_no_node_runs(montes: Secretary) -> None:
    (told,) = montes.json("peers", "--add", "valle.example")
    assert (told["address"], told["source"], told["state"]) == ("valle.example:8784", "here", "idle")
    (montes.home / "config.toml").write_text('peers = ["cerro.example"]\n')
    assert [row["source"] for row in montes.json("peers", "--given")] == ["settings", "here"]
    assert "called once the node runs" in montes.run("peers", "--given").stdout
    assert "there already" in montes.refused("peers", "--add", "valle.example:8784")
    assert "ya está" in montes.refused("peers", "--add", "valle.example:8784", speaks="es")
    assert "HOST:PORT" in montes.refused("peers", "--add", "")
    assert "one of --add" in montes.refused("peers", "--add", "a", "--given")
    assert len(montes.json("peers", "--remove", "valle.example")) == 1
    nowhere = Secretary("Nada", montes.home.with_name("nada"))
    assert "There is no commune" in nowhere.refused("peers", "--add", "valle.example")


# In a running node ------------------------------------------------------------------------------


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port at which nothing listens, and which nobody else gets."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def given(montes: Secretary) -> dict[str, Any]:
    (row,) = montes.json("peers", "--given")
    found: dict[str, Any] = row
    return found


def test_a_neighbour_is_added_while_the_node_runs_and_after_a_restart(
    montes: Secretary, valle: Secretary, nobody: int
) -> None:
    with NodeProcess(valle.home) as other:
        address = f"127.0.0.1:{other.told['peer_port']}"
        with NodeProcess(montes.home) as node:
            own = f"127.0.0.1:{node.told['peer_port']}"
            assert "this node itself" in montes.refused("peers", "--add", own)
            assert node.api("/api/1/addresses", {"address": f"localhost:{nobody}"}).status == 201
            until(lambda: given(montes)["failures"])
            assert (given(montes)["why"], given(montes)["met"]) == ("closed", None)
            assert "never reached: the computer is there" in " ".join(
                montes.run("peers", "--given").stdout.split()
            )
            removed = node.api("/api/1/addresses/remove", {"address": f"localhost:{nobody}"})
            assert (removed.status, removed.json) == (200, {"items": []})
            assert montes.json("peers", "--add", address)[0]["state"] in ("new", "linked")
            until(lambda: given(montes)["state"] == "linked")
            assert given(montes)["name"] == "El Valle"
        with NodeProcess(montes.home) as node:
            until(lambda: given(montes)["state"] == "linked")
            other.stop()
            until(lambda: given(montes)["state"] == "waiting")
            assert given(montes)["met"] is not None
            assert "last reached" in montes.run("peers", "--given").stdout


def test_an_address_that_is_removed_ends_the_link(montes: Secretary, valle: Secretary) -> None:
    with NodeProcess(valle.home) as other, NodeProcess(montes.home) as node:
        address = f"127.0.0.1:{other.told['peer_port']}"
        node.api("/api/1/addresses", {"address": address})
        until(lambda: given(montes)["state"] == "linked")
        node.api("/api/1/addresses/remove", {"address": address})
        until(lambda: not [row for row in montes.json("peers") if row["state"] == "linked"])
        node.api("/api/1/addresses", {"address": address})
        until(lambda: given(montes)["state"] == "linked")


def test_what_is_no_node_is_told_in_words(montes: Secretary) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def story() -> None:
        server = await asyncio.start_server(greet, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            with await asyncio.to_thread(NodeProcess, montes.home, "--peer", f"127.0.0.1:{port}"):
                await asyncio.to_thread(until, lambda: given(montes)["failures"])
                assert (given(montes)["why"], given(montes)["source"]) == ("unproved", "settings")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"state": "linked", "seconds": 3, "met": 0}, "linked now"),
        ({"state": "own", "why": "own", "failures": 1}, "never reached: it is this node itself"),
        ({"state": "new"}, "never reached yet; it is being called"),
        (
            {"state": "waiting", "why": "nameless", "failures": 3, "again": 7},
            "never reached: nothing is known of that name in this network; called again in 7 s",
        ),
        ({"state": "resting", "met": 0}, "last reached 1970-01-01"),
    ],
)
def test_how_it_stands_is_said_in_words(row: dict[str, Any], said: str) -> None:
    language.use("en")
    assert wording.given_state(GivenAddress(address="a:1", source="here", **row)).startswith(said)
