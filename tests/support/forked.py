"""The command `trueque` in a process that is forked from one which has read the node's modules.

Such a process differs from one that was started anew in nothing that a node can
tell: it has a number, an environment, an output and signals of its own, and no
thread or open file of the tests. The process that it is forked from has run
nothing of the node's; multiprocessing(3) calls it the fork server.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TextIO

MODULES = ("node.app", "node.cli.running", "node.company", "node.photos")
"""What a node reads before it can be asked anything."""

_SERVER = multiprocessing.get_context("forkserver")


class Forked:
    """A running command, as far as `subprocess.Popen` would be asked about it."""

    def __init__(self, arguments: tuple[str, ...], environment: Mapping[str, str], errors: TextIO) -> None:
        _SERVER.set_forkserver_preload(list(MODULES))
        heard, said = _SERVER.Pipe(duplex=False)
        written = Connection(os.dup(errors.fileno()), readable=False)
        self._process = _SERVER.Process(
            target=_become, args=(arguments, dict(environment), Path.cwd(), said, written)
        )
        with said, written:
            self._process.start()
        with heard:
            self.stdout: TextIO = os.fdopen(os.dup(heard.fileno()), encoding="utf-8")

    @property
    def pid(self) -> int:
        """Its number."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """How it ended, None if it runs."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int:
        """How it ended, once it has. Raises TimeoutExpired."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("trueque", timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def _become(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    folder: Path,
    output: Connection,
    errors: Connection,
) -> None:
    """Be the command, in the process that was forked for it."""
    for connection, stream in ((output, 1), (errors, 2)):
        os.dup2(connection.fileno(), stream)
        connection.close()
    # As Python opens them for what it starts: those of the server were made for other files.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # open until the process ends
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    from node.cli import main

    sys.argv = ["trueque", *arguments]
    main()
