"""systemd: telling whoever supervises the node how it is, and the unit that has it supervised.

Decides what is told and how often, after sd_notify(3): a datagram of lines to
the socket that `NOTIFY_SOCKET` names. Where there is none, nothing happens.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

UNIT: Final = """\
[Unit]
Description=Trueque: exchange between communes
Documentation=man:systemd.service(5)
# Neither network nor clock is waited for: the node starts without them.

[Service]
Type=notify
NotifyAccess=main
ExecStart={command}
Restart=on-failure
RestartSec=5
# A refusal (a port in use, a home that is damaged) ends with 2, and waiting does not mend it.
RestartPreventExitStatus=2
TimeoutStopSec=10
WatchdogSec=60
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""


class Supervisor:
    """Whoever started the node and wants to hear of it; belongs to the event loop's thread."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog = _watchdog(environment) if self._address else None
        """Seconds between two signs of life that are wanted at most, None if none are."""

    def ready(self, status: str) -> None:
        """The listeners are up."""
        self._tell("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        """What `systemctl status` shows."""
        self._tell(f"STATUS={status}")

    def stopping(self) -> None:
        """The node was told to stop."""
        self._tell("STOPPING=1")

    async def keep_alive(self) -> None:
        """Give signs of life for as long as the event loop turns; half as far apart as they may be."""
        while self.watchdog is not None:
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)

    def _tell(self, *lines: str) -> None:
        if not self._address:
            return
        # One that has gone is no reason to stop.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), self._address)


def _address(path: str) -> bytes:
    """The socket's address; `@` stands for the zero byte of an abstract one, others are not sent to."""
    if path.startswith("@"):
        return b"\0" + os.fsencode(path[1:])
    return os.fsencode(path) if path.startswith("/") else b""


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """After sd_watchdog_enabled(3): microseconds, and for which process they are meant."""
    microseconds, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not microseconds.isdigit() or int(microseconds) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(microseconds) / 1e6


def unit(program: Path, home: Path) -> str:
    """A unit for `systemctl --user` that runs the node of a home."""
    return UNIT.format(command=f"{_quoted(program)} run --home {_quoted(home)}")


def _quoted(path: Path) -> str:
    """A path as a command line of a unit has it: systemd.service(5), systemd.unit(5)."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"'
