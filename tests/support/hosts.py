"""Several hosts on one computer: network namespaces, joined by a switch in one of their own.

    with Lan(tmp_path) as lan:
        maizal = lan.host("maizal")
        program = maizal.start([sys.executable, "-m", "node.cli", "run"])
        maizal.cut_off()
        ...

A namespace lives as long as a process in it; here that is a `cat` whose input
is a pipe from the test, and the programs of hosts die with it. However the tests
end, all is gone: nothing has a name outside, no packet leaves, and only processes
that were started here are ended, each by its id. No privileges are needed where
user namespaces are allowed; otherwise root.

The switch passes multicast like any cheap one. Hosts have an IPv4 address of
10.77.0.0/24 and the IPv6 link-local address that the system gives them. /sys
shows the interfaces of the outside, /proc those of the host.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from .shared import CHECKOUT

TRUEQUE = (sys.executable, "-c", "from node.cli import main; main()")
"""The command `trueque` of this checkout, for `Host.start` and `Host.run`."""

_NEEDED = ("ip", "unshare", "nsenter", "setpriv", "cat")


def eventually(holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Waits until something holds, and fails if it never does. The time is generous and asserts nothing."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not in {seconds:.0f} seconds: {what}"
        time.sleep(0.05)


class Namespace:
    """A network namespace, held by a process."""

    def __init__(self, command: Sequence[str], has_users: bool) -> None:
        self._holder = subprocess.Popen(
            [*command, "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the keyboard is for the tests
        )
        self._users = ["--user", "--preserve-credentials"] if has_users else []
        assert self._holder.stdin is not None
        assert self._holder.stdout is not None
        try:
            self._holder.stdin.write(b"here\n")
            self._holder.stdin.flush()
            self.is_there = self._holder.stdout.readline() == b"here\n"  # it runs, inside
        except BrokenPipeError:
            self.is_there = False

    @property
    def pid(self) -> int:
        return self._holder.pid

    def enter(self, command: Sequence[str]) -> list[str]:
        """The command that runs `command` inside; the process keeps its id."""
        return ["nsenter", "--target", str(self.pid), "--net", *self._users, "--", *command]

    def ip(self, arguments: str) -> None:
        """Runs `ip` inside."""
        done = subprocess.run(self.enter(["ip", *arguments.split()]), capture_output=True, text=True)
        assert done.returncode == 0, f"ip {arguments}: {done.stderr}"

    def close(self) -> str:
        """Ends the holder; what it had to say, if anything went wrong."""
        _, errors = self._holder.communicate()  # closes its input, upon which cat ends
        return errors.decode(errors="replace").strip()


class Program:
    """A program that runs in a host; its output goes to a file, which `output` reads."""

    def __init__(self, host: Host, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                host.namespace.enter(["setpriv", "--pdeathsig", "KILL", "--", *command]),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=CHECKOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def shows(self, text: str) -> None:
        """Waits until `text` stands in the output."""

        def holds() -> bool:
            assert text in self.output or self.is_running, f"it ended without {text!r}:\n{self.output}"
            return text in self.output

        eventually(holds, f"{text!r} in:\n{self.output}")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, seconds: float = 20.0) -> int:
        """Asks it to end and waits; killed if it does not. Returns its exit status."""
        if self.is_running:
            self._process.terminate()
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"it did not end when it was asked to:\n{self.output}") from None

    def kill(self) -> None:
        """As a power cut: no goodbye."""
        self._process.kill()
        self._process.wait()


class Host:
    """One computer on the LAN: a network namespace with `eth0`, and a home of its own."""

    def __init__(self, lan: Lan, name: str, number: int, address: str | None) -> None:
        self.name = name
        self.home = lan.folder / name
        self.home.mkdir()
        self.namespace = lan.namespace(name)
        self._lan = lan
        self._port = f"port{number}"
        self._programs: list[Program] = []
        self.address = address
        self.namespace.ip("link set dev lo up")
        if address is not None:
            self.appear(address)

    def appear(self, address: str | None) -> None:
        """The network interface comes into being, as that of a Wi-Fi stick that is put in.

        With no address it has IPv6 alone.
        """
        self.address = address
        self._lan.switch.ip(f"link add name {self._port} type veth peer name eth0 netns {self.namespace.pid}")
        self._lan.switch.ip(f"link set dev {self._port} master switch up")
        if address is not None:
            self.namespace.ip(f"address add {address}/24 brd + dev eth0")
        self.namespace.ip("link set dev eth0 up")

    def vanish(self) -> None:
        """The interface is taken out."""
        self._lan.switch.ip(f"link delete dev {self._port}")

    def move(self, address: str) -> None:
        """Another IPv4 address takes the place of the one it has."""
        self.namespace.ip(f"address delete {self.address}/24 dev eth0")
        self.namespace.ip(f"address add {address}/24 brd + dev eth0")
        self.address = address

    def cut_off(self) -> None:
        """Nothing passes any more and the host cannot tell: a cable breaks between two switches."""
        self._lan.switch.ip(f"link set dev {self._port} nomaster")

    def reconnect(self) -> None:
        """What was cut off is joined again."""
        self._lan.switch.ip(f"link set dev {self._port} master switch")

    def unplug(self) -> None:
        """The host's own cable is pulled out, and it knows."""
        self._lan.switch.ip(f"link set dev {self._port} down")

    def plug_in(self) -> None:
        self._lan.switch.ip(f"link set dev {self._port} up")

    @property
    def environment(self) -> dict[str, str]:
        """What programs of this host find around them: its own home, and this checkout."""
        kept = {key: os.environ[key] for key in ("PATH", "LANG", "TZ") if key in os.environ}
        own = {"HOME": str(self.home), "TMPDIR": str(self.home), "LANGUAGE": "en", "PYTHONUNBUFFERED": "1"}
        return kept | own | {"PYTHONPATH": str(CHECKOUT)}

    def start(self, command: Sequence[str], environment: dict[str, str] | None = None) -> Program:
        """Starts a program in this host; it is ended with the LAN at the latest."""
        log = self.home / f"output-{len(self._programs)}.txt"
        program = Program(self, command, self.environment | (environment or {}), log)
        self._programs.append(program)
        return program

    def run(self, command: Sequence[str], seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Runs a program in this host to its end."""
        return subprocess.run(
            self.namespace.enter(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=CHECKOUT,
            timeout=seconds,
        )

    def close(self) -> None:
        for program in self._programs:
            program.kill()


class Lan:
    """Hosts on one switch, as a context; `folder` gets a folder for each of them.

    Skips the test that asks for it, with a sentence, where the system does not
    allow network namespaces.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._rest = ExitStack()
        self._count = 0

    def __enter__(self) -> Self:
        missing = [name for name in _NEEDED if shutil.which(name) is None]
        if missing:
            pytest.skip(f"several hosts on one computer need the programs {', '.join(missing)}")
        ways: list[list[str]] = [["unshare", "--user", "--map-root-user", "--net", "--"]]
        if os.geteuid() == 0:
            ways.append(["unshare", "--net", "--"])
        for way in ways:
            self.switch = Namespace(way, has_users="--user" in way)
            self._has_users = "--user" in way
            try:
                assert self.switch.is_there
                self.switch.ip("link add name switch type bridge mcast_snooping 0")
                self.switch.ip("link set dev switch up")
            except AssertionError:
                reason = self.switch.close()
            else:
                self._rest.callback(self.switch.close)
                return self
        pytest.skip(f"the system allows no network namespaces with a bridge: {reason or 'no bridge'}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._rest.close()

    def namespace(self, name: str) -> Namespace:
        """A further namespace, beside the switch's."""
        made = Namespace(self.switch.enter(["unshare", "--net", "--"]), has_users=self._has_users)
        self._rest.callback(made.close)
        assert made.is_there, f"there is no namespace for {name}"
        return made

    def host(self, name: str, connected: bool = True) -> Host:
        """A host with the next address; with no network interface unless `connected`."""
        self._count += 1
        host = Host(self, name, self._count, f"10.77.0.{self._count}" if connected else None)
        self._rest.callback(host.close)
        return host
