"""The entrance: who comes in from the local network, by a password and the session that it begins.

Decides how a password is kept (argon2id, 64 MiB, which a small Raspberry Pi can
spare once at a time), how long a session lasts, and that all of them end when
the password changes. A session is known by the hash of its secret, kept in
`access`, so that a restart logs nobody out and a stolen file opens nothing. How
long somebody waits who guesses is `attempts`'; what is shown is the pages'.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
import unicodedata
from collections.abc import Callable
from typing import Final

import msgspec

from ledger.errors import LedgerError

from . import clock, journal
from .access import Access, read_access, write_access
from .attempts import Attempts
from .errors import ComeLater, HomeError, InputError
from .home import Home
from .limits import (
    MAX_ENTERING,
    MAX_PASSWORD_CHARACTERS,
    MAX_SESSIONS,
    MIN_LAN_PASSWORD_CHARACTERS,
    SESSION_SECONDS,
)

MAX_SECRET: Final = 64
"""characters of a session's secret at the most; ours have 43."""


class Entrance:
    """Who may come in. Belongs to the event loop's thread; hashing and writing have others."""

    def __init__(self, home: Home, now: Callable[[], int] = clock.now) -> None:
        self._home = home
        self._now = now
        self._access = read_access(home)
        self._attempts = Attempts()
        self._hashing = asyncio.Lock()
        self._writing = asyncio.Lock()
        self._entering = 0

    @property
    def is_guarded(self) -> bool:
        """Whether a password is set."""
        return self._access.password is not None

    @property
    def is_wanted(self) -> bool:
        """Whether the local network is to be listened to, by what was chosen on the pages."""
        return self._access.lan

    @property
    def sessions(self) -> int:
        """How many sessions have not ended."""
        return sum(until > self._now() for until in self._access.sessions.values())

    async def _keep(self, change: Callable[[Access], Access]) -> None:
        """Remember a change. Raises HomeError; then nothing is changed."""
        async with self._writing:
            changed = change(self._access)
            await asyncio.to_thread(write_access, self._home, changed)
            self._access = changed

    # The password and the switch ----------------------------------------------------------------

    async def set_password(self, password: str) -> None:
        """Set the password, and end all sessions. Raises InputError, HomeError."""
        check_lan_password(password)
        async with self._hashing:
            hashed = await asyncio.to_thread(_hash, password)
        await self._keep(lambda access: msgspec.structs.replace(access, password=hashed, sessions={}))
        journal.tell("password_set")

    async def remove_password(self) -> None:
        """Have none, and so nobody come in; all sessions end. Raises HomeError."""
        await self._keep(lambda access: Access())
        journal.tell("password_removed")

    async def switch(self, *, lan: bool) -> None:
        """Listen to the local network, or no longer. Raises InputError without a password, HomeError."""
        if lan and not self.is_guarded:
            raise no_password()
        await self._keep(lambda access: msgspec.structs.replace(access, lan=lan))

    # Coming in and leaving ----------------------------------------------------------------------

    async def enter(self, host: str, password: str) -> str:
        """Begin a session, and return its secret. Raises InputError, ComeLater, HomeError."""
        wait = self._attempts.begin(host, time.monotonic())
        if wait > 0:
            raise _later(wait)
        if self._entering >= MAX_ENTERING:
            raise ComeLater("Too many people are logging in at once: try again in a moment.")
        self._entering += 1
        try:
            async with self._hashing:
                hashed = self._access.password
                is_right = hashed is not None and await asyncio.to_thread(_is_right, hashed, password)
        finally:
            self._entering -= 1
        if not is_right or self._access.password != hashed:
            journal.tell("password_wrong", level="warning", host=host)
            raise InputError("That is not the password: type it again.")
        self._attempts.passed(host)
        secret = secrets.token_urlsafe(32)
        until = self._now() + SESSION_SECONDS * 1_000
        try:
            await self._keep(lambda access: self._with(access, secret, until, hashed))
        except HomeError as error:
            raise InputError("Logging in does not work now: {reason}", reason=error) from error
        journal.tell("entered", host=host)
        return secret

    def _with(self, access: Access, secret: str, until: int, hashed: str | None) -> Access:
        if access.password != hashed:
            raise InputError("That is not the password: type it again.")  # it was changed meanwhile
        live = {key: end for key, end in access.sessions.items() if end > self._now()}
        kept = sorted(live.items(), key=lambda item: item[1])[-(MAX_SESSIONS - 1) :]
        return msgspec.structs.replace(access, sessions={**dict(kept), _mark(secret): until})

    def knows(self, secret: str) -> bool:
        """Whether a session has been begun with this secret and has not ended."""
        if not 0 < len(secret) <= MAX_SECRET:
            return False
        until = self._access.sessions.get(_mark(secret))
        return until is not None and self._now() < until and self.is_guarded

    async def leave(self, secret: str) -> None:
        """End a session. Raises HomeError."""
        mark = _mark(secret)
        await self._keep(
            lambda access: msgspec.structs.replace(
                access, sessions={key: end for key, end in access.sessions.items() if key != mark}
            )
        )

    async def end_all(self) -> None:
        """End all sessions. Raises HomeError."""
        await self._keep(lambda access: msgspec.structs.replace(access, sessions={}))
        journal.tell("sessions_ended")


def check_lan_password(password: str) -> None:
    """Refuse a password that is too short, or too long to be one. Raises InputError."""
    if len(password) < MIN_LAN_PASSWORD_CHARACTERS:
        raise InputError(
            "The password is too short: at least {least} characters are needed, and it has {count}. Several "
            "words are easy to remember.",
            count=len(password),
            least=MIN_LAN_PASSWORD_CHARACTERS,
        )
    if len(password) > MAX_PASSWORD_CHARACTERS:
        raise InputError(
            "This has {count} characters; {limit} are allowed: shorten it.",
            count=len(password),
            limit=MAX_PASSWORD_CHARACTERS,
        )


def set_at_rest(home: Home, password: str | None) -> None:
    """Set the password of a home in which no node runs, or remove it. Raises InputError, HomeError."""
    if password is None:
        write_access(home, Access())
        return
    check_lan_password(password)
    kept = read_access(home)
    write_access(home, msgspec.structs.replace(kept, password=_hash(password), sessions={}))


def no_password() -> LedgerError:
    """Why the local network is not listened to while there is no password."""
    return InputError(
        "The local network is let in only with a password: set one on the page of settings, or with "
        "`trueque password`."
    )


def _later(wait: float) -> ComeLater:
    seconds = int(wait) + 1
    if seconds < 120:
        error = ComeLater(
            "The password was wrong too often: wait {count} seconds, then try again.", count=max(seconds, 2)
        )
    else:
        error = ComeLater(
            "The password was wrong too often: wait {count} minutes, then try again.",
            count=-(-seconds // 60),
        )
    error.wait = wait
    return error


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _bytes(password: str) -> bytes:
    """A password as it is hashed: the same letters are the same bytes, on every keyboard."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _hash(password: str) -> str:
    from nacl import pwhash

    hashed: bytes = pwhash.argon2id.str(
        _bytes(password),
        opslimit=pwhash.argon2id.OPSLIMIT_INTERACTIVE,
        memlimit=pwhash.argon2id.MEMLIMIT_INTERACTIVE,
    )
    return hashed.rstrip(b"\0").decode("ascii")


def _is_right(hashed: str, password: str) -> bool:
    from nacl import pwhash
    from nacl.exceptions import CryptoError

    if len(password) > MAX_PASSWORD_CHARACTERS:
        return False
    try:
        return bool(pwhash.verify(hashed.encode("ascii"), _bytes(password)))
    except (CryptoError, ValueError):
        return False
