"""Access: what a computer remembers of who may come in from the local network, in `access.json` of the home.

Decides what is kept (whether the pages are heard there at all, the password as
argon2id makes it, the sessions by the hashes of their secrets), and that it is
on disk before anybody counts on it: a password that was changed stays so after a
power cut. A file of its own and not a table of `storage`, which may be lost
without harm. One that cannot be read counts as empty, which lets nobody in.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from .home import Home
from .kept import read_kept


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """Whether the local network is listened to, the hashed password, and when each session ends (ms)."""

    lan: bool = False
    password: Annotated[str, msgspec.Meta(pattern=r"\A\$argon2id\$[!-~]{20,200}\Z")] | None = None
    sessions: dict[str, int] = {}


def read_access(home: Home) -> Access:
    """What is remembered; nothing of a file that is missing, or cannot be read."""
    return read_kept(home.access_file, Access, "access_unreadable") or Access()


def write_access(home: Home, access: Access) -> None:
    """Remember it, durably, for the home's owner only. Raises HomeError."""
    home.write_private(home.access_file, msgspec.json.encode(access) + b"\n")
