"""Running nodes for tests: processes of their own, on free ports of this computer."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .forked import Forked

START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from node.cli import main; sys.argv[0] = 'trueque'; main()"
)
"""What a process runs to be the command `trueque`. Tests that run in the background ignore these signals, and
whatever they start would too."""

READ_AT_START = ("LANG", "LC_", "LD_", "PYTHON")
"""How variables begin that Python, or what loads it, reads before any module of the node."""


def free_ports(count: int) -> list[int]:
    """Ports of this computer at which nobody listens now, each another one."""
    with ExitStack() as taken:
        sockets = [taken.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


@dataclass
class Answer:
    """What a node answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class NodeProcess:
    """A node in a process of its own, from `start` until `stop` or `kill`."""

    def __init__(
        self,
        home: Path,
        *options: str,
        discovery: bool = False,
        environment: Mapping[str, str] | None = None,
        start: str = START,
    ) -> None:
        """`start` is what the process runs.

        What starts as the command does is forked from a process that has its modules: reading them takes
        longer than most tests do with the node. Where the start itself or Python's own settings are
        another's, Python is started.
        """
        self.home = home
        self.journal = home.with_name(f"{home.name}.journal")
        arguments = ("run", "--home", str(home), "--people-port", "0", "--peer-port", "0", "--json")
        alone = () if discovery else ("--no-discovery",)
        around = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[str] | Forked
        with self.journal.open("a") as journal:
            if start is START and not any(name.startswith(READ_AT_START) for name in environment or {}):
                self.process = Forked((*arguments, *alone, *options), around, journal)
            else:
                self.process = subprocess.Popen(
                    [sys.executable, "-c", start, *arguments, *alone, *options],
                    stdout=subprocess.PIPE,
                    stderr=journal,
                    text=True,
                    env=around,
                )
        self.told = self._read_told()

    def _read_told(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line
            if line == "}\n":
                found: dict[str, Any] = json.loads(text)
                return found
        return {}

    @property
    def started(self) -> bool:
        """Whether it said that it listens."""
        return bool(self.told)

    @property
    def token(self) -> str:
        """The token of its API."""
        token: str = json.loads((self.home / "node.json").read_bytes())["token"]
        return token

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request without anything that is not said here."""
        connection = http.client.HTTPConnection("127.0.0.1", self.told["people_port"], timeout=30)
        try:
            connection.putrequest(method, path, skip_host="Host" in (headers or {}))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def api(self, path: str, value: Any = None) -> Answer:
        """A question to the API, or a write if there is a value."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if value is None:
            return self.ask(path, headers=headers)
        return self.ask(path, "POST", json.dumps(value).encode(), headers)

    def happenings(self) -> list[dict[str, str]]:
        """What its journal says, if it was started with --log-json."""
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Have it end, and return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def kill(self) -> None:
        """End it as a power cut would."""
        self.stop(signal.SIGKILL)

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()
        elif self.process.stdout is not None:
            self.process.stdout.close()
