"""Running: how a home tells that a node runs in it, and where that node can be reached.

    node.lock    held by the node for as long as it runs, also while there is no commune yet
    node.json    its process, its ports and the token of its API, for its owner only

Decides that the lock alone says whether a node runs: what a node that was
killed has left behind in `node.json` is recognised by it. What is asked over
the ports is `api`'s; who asks for a command, `remote`.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Annotated, Final

import msgspec

from .errors import HomeError, HomeInUse
from .home import Home
from .limits import STARTING_SECONDS

_PAUSE: Final = 0.05
"""seconds between two looks at something that another process is about to do."""

_GLANCE: Final = 1.0
"""seconds for which the lock may be held by somebody who only looks whether a node holds it."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Running(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """A running node: its process, the ports of its two listeners, the token of its API, since when (ms).

    `lan`: whether the pages were heard on the local network too when it had started.
    """

    pid: int
    people: Port
    peers: Port
    token: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    since: int
    lan: bool = False


@contextmanager
def presence(home: Home) -> Iterator[None]:
    """Be the node of a home. Raises HomeInUse if another process is, HomeError if nothing can be written."""
    try:
        descriptor = os.open(home.node_lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HomeError(
            "The folder {path} cannot be written ({reason}): check its permissions and the disk.",
            path=home.path,
            reason=error.strerror,
        ) from error
    try:
        _take(descriptor, home)
        withdraw(home)  # a node that was killed could not
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, home: Home) -> None:
    until = time.monotonic() + _GLANCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError:
            if time.monotonic() > until:
                raise HomeInUse(
                    "A node is running in {path} already: `trueque status` tells about it. Stop that one "
                    "first, or choose another folder with --home.",
                    path=home.path,
                ) from None
        time.sleep(_PAUSE)


def is_running(home: Home) -> bool:
    """Whether a node runs in a home, whatever it does there."""
    try:
        descriptor = os.open(home.node_lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(descriptor)


def announce(home: Home, node: Running) -> None:
    """Write down where the node can be reached, durably. Raises HomeError."""
    home.write_private(home.node_file, msgspec.json.encode(node) + b"\n")


def withdraw(home: Home) -> None:
    """Remove what `announce` wrote; by the node that did, before it lets go of its lock."""
    with suppress(OSError):
        home.node_file.unlink(missing_ok=True)


def find(home: Home) -> Running | None:
    """The node that runs in a home, None if none does; one that is about to start is waited for.

    Raises HomeError if a node runs and does not say where.
    """
    until = time.monotonic() + STARTING_SECONDS
    while is_running(home):
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            found = msgspec.json.decode(home.node_file.read_bytes(), type=Running)
            if _is_alive(found.pid):
                return found
        if time.monotonic() > until:
            raise HomeError(
                "A node runs in {path} and does not say where it can be reached: stop it and start it again.",
                path=home.path,
            )
        time.sleep(_PAUSE)
    return None


def _is_alive(pid: int) -> bool:
    """Whether there is such a process: one that was killed may have left the file behind."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's
    return True


def lock(home: Home, held: ExitStack) -> Running | None:
    """Lock a home for as long as `held`; where a running node has it locked, that node instead.

    Raises HomeInUse if another program holds it.
    """
    try:
        held.enter_context(home.locked())
    except HomeInUse:
        node = find(home)
        if node is None:
            raise
        return node
    return None
