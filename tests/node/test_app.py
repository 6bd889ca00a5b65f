"""The node process: how it starts, stops, is killed and starts again; and what commands say of it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web

from node import app, running
from node.home import Home
from node.parts import Part, PartState, Place, Told
from node.running import Running
from node.settings import Settings

from ..support.nodes import START, NodeProcess
from .conftest import Found, Secretary


def until(true: Callable[[], bool]) -> None:
    """Wait for something that another process is about to do."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.05)


def refused(home: Path, *options: str, prefix: Sequence[str] = ()) -> str:
    """The one sentence with which a node does not start."""
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", START, "run", "--home", str(home), "--no-discovery", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    return ended.stderr.splitlines()[-1]


# Starting and stopping --------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_when_it_is_told_to_and_leaves_no_trace(montes: Secretary, number: int) -> None:
    with NodeProcess(montes.home, "--log-json") as node:
        file = montes.home / "node.json"
        assert file.stat().st_mode & 0o777 == 0o600
        assert json.loads(file.read_bytes())["people"] == node.told["people_port"]
        assert node.stop(number) == 0
        assert [each["event"] for each in node.happenings()][-2:] == ["stopping", "stopped"]
        assert not file.exists()
    assert montes.json("status")["process"] is None
    montes.run("offer", "Algo")


def test_requests_that_never_end_do_not_keep_it(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node, ExitStack() as links:
        for beginning in ("", "GET / HTTP/1.1\r\n", _unfinished(node)):
            link = links.enter_context(socket.create_connection(("127.0.0.1", node.told["people_port"])))
            link.sendall(beginning.encode())
        assert node.ask("/healthz").status == 200
        assert node.stop() == 0


def _unfinished(node: NodeProcess) -> str:
    return (
        "POST /api/1/bundles HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {node.token}\r\nContent-Length: 9999999\r\n\r\nbeginning"
    )


def test_a_node_that_was_killed_is_known_to_be_gone(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        montes.run("offer", "Antes")
        old = node.token
        node.kill()
        assert (montes.home / "node.json").exists()
        assert montes.json("status")["process"] is None
        montes.run("offer", "Entretanto")
        with NodeProcess(montes.home) as next_one:
            assert next_one.token != old
            assert montes.json("status")["process"]["pid"] == next_one.process.pid
            montes.run("offer", "Después")
            assert len(montes.json("listings")) == 3
            assert montes.json("audit")["findings"] == []
            assert next_one.stop() == 0


def test_killed_again_and_again_it_loses_nothing_that_it_acknowledged(montes: Secretary) -> None:
    """Each is killed while commands sign through it."""
    signed: set[str] = set()
    for turn in range(4):
        with NodeProcess(montes.home) as node:
            writers = [
                subprocess.Popen(
                    [sys.executable, "-c", START, "offer", f"Cosa {turn}-{number}", "--json"],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "TRUEQUE_HOME": str(montes.home)},
                )
                for number in range(3)
            ]
            first, _ = writers[0].communicate(timeout=60)
            node.kill()
            answers = [first, *(writer.communicate(timeout=60)[0] for writer in writers[1:])]
            signed |= {json.loads(answer)["id"] for answer in answers if answer}
    assert len(signed) >= 4
    assert signed <= {row["id"] for row in montes.json("log")}
    audit = montes.json("audit")
    assert audit["findings"] == []


def test_a_second_node_in_one_home_is_refused(montes: Secretary) -> None:
    with NodeProcess(montes.home) as node:
        said = refused(montes.home, "--people-port", "0", "--peer-port", "0")
        assert f"A node is running in {montes.home} already" in said
        assert node.ask("/healthz").status == 200
        assert montes.json("status")["process"]["pid"] == node.process.pid


@pytest.mark.parametrize("setting", ["people-port", "peer-port"])
def test_a_port_that_is_in_use_is_told(montes: Secretary, setting: str) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        ports = {"people-port": "0", "peer-port": "0", setting: str(taken.getsockname()[1])}
        said = refused(montes.home, *(part for name, port in ports.items() for part in (f"--{name}", port)))
    assert f"Port {ports[setting]} cannot be listened at (Address already in use)" in said
    assert f"--{setting}" in said
    montes.run("offer", "Algo")


def test_what_is_said_of_settings_comes_before_anything_else(montes: Secretary) -> None:
    (montes.home / "config.toml").write_text("discovery = 'no'\n")
    assert "line 1 behind discovery than true or false" in refused(montes.home)


def test_the_command_line_wins_over_the_file(montes: Secretary) -> None:
    (montes.home / "config.toml").write_text("people-port = 1\nlog-json = true\n")
    with NodeProcess(montes.home) as node:
        assert node.started
        assert node.happenings()[-1]["event"] == "started"


def test_a_home_that_is_damaged_is_refused(montes: Secretary) -> None:
    ledger = montes.home / "ledger.sqlite"
    ledger.write_bytes(b"x" * ledger.stat().st_size)
    assert "is damaged" in refused(montes.home, "--people-port", "0", "--peer-port", "0")
    assert not (montes.home / "node.json").exists()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv, which takes root's powers, is missing")
def test_a_home_that_cannot_be_written_is_refused(montes: Secretary) -> None:
    powerless = (
        ("setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--") if os.getuid() == 0 else ()
    )
    montes.home.chmod(0o555)
    try:
        said = refused(montes.home, "--people-port", "0", "--peer-port", "0", prefix=powerless)
    finally:
        montes.home.chmod(0o755)
    assert f"The folder {montes.home} cannot be written (Permission denied)" in said


# Without a commune ------------------------------------------------------------------------------


def test_without_a_commune_it_says_how_to_create_one_and_then_goes_on(places: Path) -> None:
    home = places / "nueva"
    with NodeProcess(home) as node:
        page = node.ask("/welcome", headers={"Accept-Language": "es"}).body.decode()
        assert "/welcome/new" in page
        assert "/welcome/restore" in page
        health = node.ask("/healthz")
        assert (health.status, health.json["status"]) == (503, "waiting")
        assert node.api("/api/1/records", {"payload": "80"}).status == 400
        assert node.api("/api/1/erasures", {"id": "00" * 32, "reason": "x"}).json["error"] == "HomeError"
        assert b'trueque_signing{trueque_signing="none"} 1.0' in node.ask("/metrics").body
        montes = Secretary("Los Montes", home)
        assert montes.json("status")["state"] == "empty"
        assert "waits for a commune" in montes.run("status").stdout
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", node.told["peer_port"]))
        montes.run("init", "--name", "Los Montes", "--yes", "--recovery-out", str(places / "words"))
        montes.run("offer", "Algo")
        until(lambda: montes.json("status")["process"]["peer_port"] == node.told["peer_port"])
        assert node.ask("/healthz").status == 200
        montes.run("offer", "Algo más")
        assert len(montes.json("listings")) == 2
        assert node.stop() == 0


def test_a_home_that_another_program_holds_is_waited_for(montes: Secretary) -> None:
    home = Home(montes.home)
    with ExitStack() as held:
        held.enter_context(home.locked())
        with NodeProcess(montes.home) as node:
            assert node.ask("/healthz").json == {"status": "waiting", "home": "in-use", "situation": None}
            assert "waits until another program" in montes.run("status").stdout
            assert "Another program is using" in montes.refused("offer", "Algo")
            held.close()
            until(lambda: node.ask("/healthz").status == 200)
            montes.run("offer", "Algo")
            assert node.stop() == 0


def test_it_stops_as_well_while_it_waits(places: Path) -> None:
    with NodeProcess(places / "nueva") as node:
        assert node.stop() == 0
    assert sorted(path.name for path in (places / "nueva").iterdir()) == ["node.lock"]


# What commands say ------------------------------------------------------------------------------


def test_a_node_that_does_not_answer_is_told(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.remote.ANSWER_SECONDS", 0.3)
    with NodeProcess(montes.home) as node:
        node.process.send_signal(signal.SIGSTOP)
        for command in (("offer", "Algo"), ("rebuild",)):
            said = montes.refused(*command)
            assert f"(process {node.process.pid}) does not answer" in said
        assert len(montes.json("log")) == 1
        node.process.send_signal(signal.SIGCONT)
        montes.run("offer", "Algo")


def test_a_node_that_dies_before_it_answered_is_told(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    from node import remote

    with NodeProcess(montes.home) as node:
        asked = remote.RemoteService.record

        def kill_first(self: Any, record: Any, about: Any = None) -> Any:
            node.process.send_signal(signal.SIGSTOP)
            threading.Timer(0.3, node.process.kill).start()
            return asked(self, record, about)

        monkeypatch.setattr(remote.RemoteService, "record", kill_first)
        said = montes.refused("offer", "Algo")
        assert "did not answer: `trueque log` shows whether something was signed" in said


def test_where_no_node_runs_status_tells_it(montes: Secretary, places: Path) -> None:
    told = montes.run("status").stdout
    assert "It is not running" in told
    assert "This computer may sign." in told
    assert "Este equipo puede firmar." in montes.run("status", speaks="es").stdout
    nowhere = Secretary("Nada", places / "nada")
    assert nowhere.json("status")["state"] == "empty"
    assert "trueque init" in nowhere.run("status").stdout
    assert not (places / "nada").exists()


def test_status_tells_whether_phones_are_let_in(montes: Secretary) -> None:
    """Where no node runs, what will be once one does; with one, see the tests of the entrance."""
    closed = {"open": False, "addresses": []}
    lan = {"wanted": False, "password": False, "ruled": False, "trouble": None, **closed}
    assert montes.json("status")["lan"] == lan
    assert "not let in; no password is set" in montes.run("status").stdout
    (montes.home / "config.toml").write_text("lan = true\n")
    assert montes.json("status")["lan"]["trouble"]["error"] == "InputError"
    assert "only with a password" in montes.run("status").stdout
    file = montes.home.with_name("password")
    file.write_text("una clave larga")
    montes.run("password", "--password-file", str(file))
    lan |= {"wanted": True, "password": True, "ruled": True}
    assert montes.json("status")["lan"] == lan
    assert "as soon as the node runs" in montes.run("status").stdout
    assert "podrán entrar, con la contraseña" in montes.run("status", speaks="es").stdout
    (montes.home / "config.toml").write_text("lan = perhaps\n")
    assert montes.json("status")["lan"] is None


def test_status_tells_why_nothing_is_signed(montes: Secretary) -> None:
    older = (montes.home / "ledger.sqlite").read_bytes()
    montes.run("offer", "Algo")
    for path in montes.home.glob("ledger.sqlite-*"):
        path.unlink()
    (montes.home / "ledger.sqlite").write_bytes(older)
    with NodeProcess(montes.home) as node:
        assert montes.json("status")["situation"] == "behind"
        assert node.ask("/healthz").json == {"status": "ok", "home": "open", "situation": "behind"}
        served = montes.refused("offer", "Otra")
        assert b'trueque_signing{trueque_signing="behind"} 1.0' in node.ask("/metrics").body
        node.stop()
    assert montes.json("status")["situation"] == "behind"
    assert montes.refused("offer", "Otra") == served


def test_status_tells_of_a_clock_that_cannot_be_right(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.clock.now", lambda: 1_000)
    assert montes.json("status")["clock"]["doubt"] == "early"
    assert "set this computer's date" in montes.run("status").stdout


def test_status_tells_of_a_ledger_that_cannot_be_read(montes: Secretary) -> None:
    (montes.home / "ledger.sqlite").write_bytes(b"x" * 8_192)
    state = montes.json("status")
    assert state["state"] == "trouble"
    assert "is damaged" in montes.run("status").stdout


# Parts ------------------------------------------------------------------------------------------


class Parrot(Part):
    """A part that does everything a part may."""

    name = "parrot"

    def __init__(self, *, slow: bool = False) -> None:
        self.calls: list[str] = []
        self._slow = slow

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get("/gossip/1", self._answer)]

    def people_routes(self) -> Sequence[web.AbstractRouteDef]:
        return [web.get("/api/1/parrot", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(text="parrot")

    async def start(self, place: Place) -> None:
        held = await place.custody.ask(lambda service: len(service.reader.branches()))
        self.calls.append(f"start with {held}")

    async def stop(self) -> None:
        self.calls.append("stop")
        if self._slow:
            await asyncio.sleep(3_600)

    async def before_first_signature(self) -> None:
        self.calls.append("before first")
        if self._slow:
            await asyncio.sleep(3_600)

    def written(self) -> None:
        self.calls.append("written")

    def state(self) -> PartState:
        return PartState({"calls": len(self.calls)}, [Told("There is no commune in {path}.", {"path": "x"})])


@pytest.mark.parametrize("slow", [False, True])
def test_a_part_has_its_share_in_the_node(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    monkeypatch.setattr("node.ensemble.ASKING_SECONDS", 0.1)
    monkeypatch.setattr("node.ensemble.PART_SECONDS", 0.1)
    parrot = Parrot(slow=slow)

    async def story() -> dict[str, Any]:
        stop, started = asyncio.Event(), asyncio.get_running_loop().create_future()
        settings = Settings(people_port=0, peer_port=0, discovery=False)
        serving = asyncio.create_task(
            app.serve(Home(montes.home), settings, [parrot], started.set_result, stop)
        )
        node: Running = await started
        allowed = {"Authorization": f"Bearer {node.token}"}
        async with ClientSession() as client:
            async with client.get(f"http://127.0.0.1:{node.peers}/gossip/1") as answer:
                assert await answer.text() == "parrot"
                assert "Server" not in answer.headers  # neighbours learn nothing of the software
            async with client.get(f"http://127.0.0.1:{node.people}/gossip/1") as answer:
                assert answer.status == 404
            async with client.get(f"http://127.0.0.1:{node.people}/api/1/parrot") as answer:
                assert answer.status == 401
            async with client.get(f"http://127.0.0.1:{node.people}/api/1/status", headers=allowed) as answer:
                state: dict[str, Any] = await answer.json()
            for title in ("Algo", "Otra"):
                await asyncio.to_thread(montes.run, "offer", title)
            assert "There is no commune in x." in (await asyncio.to_thread(montes.run, "status")).stdout
        stop.set()
        await serving
        return state

    state = asyncio.run(story())
    assert state["parts"]["parrot"]["facts"] == {"calls": 1}
    assert parrot.calls == ["start with 1", "before first", "written", "written", "stop"]
    assert not running.is_running(Home(montes.home))


def test_nothing_heavy_is_imported_for_help() -> None:
    asked = "import sys, node.cli; node.cli.trueque.main(['--help'], standalone_mode=False); "
    asked += "print(sorted({'aiohttp', 'asyncio', 'prometheus_client', 'zeroconf'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_two_homes_do_not_hear_of_each_other_unless_told_to(found: Found) -> None:
    """What `--no-discovery` promises."""
    montes, valle = found("Los Montes"), found("El Valle")
    with NodeProcess(montes.home), NodeProcess(valle.home):
        assert len(montes.json("communes")) == len(valle.json("communes")) == 1


BUSY = """
import time
from pathlib import Path
from aiohttp import web
from node import app, journal
from node.home import Home
from node.parts import Part
from node.settings import Settings

class Busy(Part):
    name = "busy"

    def people_routes(self):
        return [web.get("/busy", self._work)]

    async def start(self, place):
        self._custody = place.custody

    async def _work(self, request):
        await self._custody.do(lambda service: (print("busy", flush=True), time.sleep(600)))

journal.begin("info", as_json=False)
home = Home(Path(sys.argv[1]))
app.run(home, Settings(people_port=0, peer_port=0), [Busy()], lambda node: print(node.people, flush=True))
"""


def test_what_takes_long_does_not_keep_it(montes: Secretary) -> None:
    """Whoever stops a node is promised an end; what is under way is then as if it had not begun."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import sys\n{BUSY}", str(montes.home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as node:
        assert node.stdout is not None
        port = int(node.stdout.readline())
        with socket.create_connection(("127.0.0.1", port)) as link:
            link.sendall(b"GET /busy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert node.stdout.readline() == "busy\n"
            node.terminate()
            _, said = node.communicate(timeout=60)
    assert node.returncode == 0
    assert "event=stopped unfinished=yes" in said
    assert not (montes.home / "node.json").exists()
    montes.run("offer", "Algo")


def may_mount() -> bool:
    """Whether this account may have mounts of its own."""
    tried = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(
    shutil.which("unshare") is None or not may_mount(), reason="mounts of one's own are needed"
)
def test_a_full_disk_is_told_and_what_was_signed_stays(places: Path) -> None:
    """A disk of three megabytes, filled through a node; nothing that it acknowledged is lost."""
    disk = places / "disk"
    disk.mkdir()
    story = """
import json, sys, time
from pathlib import Path
from tests.node.conftest import Secretary
from tests.support.nodes import NodeProcess

montes = Secretary("Los Montes", Path(sys.argv[1]) / "home")
montes.run("init", "--name", "Los Montes", "--yes", "--recovery-out", str(montes.home.parent / "words"))
signed = []
with NodeProcess(montes.home) as node:
    from click.testing import CliRunner
    from node.cli import trueque

    while len(signed) < 3_000:
        asked = ["offer", "Algo", "--note", "x" * 2_000, "--json", "--home", str(montes.home)]
        result = CliRunner().invoke(trueque, asked)
        if result.exit_code:
            break
        signed.append(json.loads(result.stdout)["id"])
    assert result.exit_code == 2 and result.stdout == "", result.output
    print(result.stderr.splitlines()[-1])
    health = node.ask("/healthz")
    (montes.home.parent / "ballast").unlink()
    end = time.monotonic() + 60
    while CliRunner().invoke(trueque, asked).exit_code and time.monotonic() < end:
        time.sleep(0.5)
    asked = ["offer", "Con el nodo que se recuperó", "--json", "--home", str(montes.home)]
    signed.append(json.loads(CliRunner().invoke(trueque, asked).stdout)["id"])
    assert node.ask("/healthz").status == 200
    assert node.stop() == 0
held = {row["id"] for row in montes.json("log")}
assert signed and set(signed) <= held
assert montes.json("audit")["findings"] == []
montes.run("offer", "Otra cosa")
print(health.status)
"""
    ended = subprocess.run(
        [
            "unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=3m none "$1" && '
            'head -c 1000000 /dev/zero > "$1/ballast" && exec "$2" -c "$3" "$1"',
            "sh", str(disk), sys.executable, story,
        ],
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    sentence, status = ended.stdout.splitlines()
    assert "is full" in sentence or "No space left" in sentence
    assert status == "503"
