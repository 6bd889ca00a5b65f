"""systemd: what is told to a supervisor, over a socket as it has one, and the unit."""

from __future__ import annotations

import asyncio
import configparser
import os
import shlex
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from node.systemd import Supervisor, unit

from ..support.nodes import NodeProcess
from .conftest import Secretary


@contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(address)
        heard.settimeout(20)
        yield heard


def read(heard: socket.socket) -> list[str]:
    return heard.recv(4_096).decode().splitlines()


def test_a_node_says_that_it_is_ready_lives_and_stops(montes: Secretary, places: Path) -> None:
    path = str(places / "notify")
    environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "200000"}
    with listening(path) as heard, NodeProcess(montes.home, environment=environment) as node:
        said = [read(heard) for _ in range(5)]
        assert [line for lines in said for line in lines if line.startswith("READY")] == ["READY=1"]
        status = next(line for lines in said for line in lines if line.startswith("STATUS="))
        assert "may sign" in status
        assert ["WATCHDOG=1"] in said
        assert node.stop() == 0
        while (last := read(heard)) != ["STOPPING=1"]:
            assert last == ["WATCHDOG=1"]


def test_without_a_supervisor_nothing_is_told() -> None:
    for environment in ({}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "relative"}, {"WATCHDOG_USEC": "1000"}):
        supervisor = Supervisor(environment)
        supervisor.ready("")
        assert supervisor.watchdog is None
        asyncio.run(supervisor.keep_alive())


def test_an_abstract_socket_is_found_too() -> None:
    name = f"trueque-test-{os.getpid()}"
    with listening(f"\0{name}") as heard:
        Supervisor({"NOTIFY_SOCKET": f"@{name}"}).status("two\nlines")
        assert read(heard) == ["STATUS=two lines"]


def test_a_supervisor_that_has_gone_is_no_reason_to_stop(tmp_path: Path) -> None:
    Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}).stopping()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 60.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(given: dict[str, str], seconds: float | None) -> None:
    assert Supervisor({"NOTIFY_SOCKET": "/run/x", **given}).watchdog == seconds


def test_signs_of_life_come_twice_as_often_as_they_have_to(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with listening(path) as heard:
        supervisor = Supervisor({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000"})

        async def live() -> None:
            with suppress(TimeoutError):
                await asyncio.wait_for(supervisor.keep_alive(), 0.1)

        asyncio.run(live())
        assert read(heard) == read(heard) == ["WATCHDOG=1"]


def test_the_unit_runs_the_node_of_the_home_that_printed_it(montes: Secretary) -> None:
    parsed = configparser.ConfigParser(interpolation=None, strict=True)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]  # as configparser's documentation has it
    parsed.read_string(montes.run("run", "--unit").stdout)
    service = parsed["Service"]
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) > 0
    program, *arguments = shlex.split(service["ExecStart"])
    assert Path(program).is_absolute()
    assert arguments == ["run", "--home", str(montes.home)]
    assert "network" not in parsed["Unit"].get("After", "")


def test_odd_paths_in_a_unit_are_quoted() -> None:
    text = unit(Path('/a "b"/trueque'), Path("/50% of $HOME\\x"))
    assert r'ExecStart="/a \"b\"/trueque" run --home "/50%% of $$HOME\\x"' in text
