"""A home: the folder in which one commune's node keeps what is its own.

    ledger.sqlite   everything held, of all logs
    node.sqlite     what the node remembers of others, lost without harm; in no backup
    log.key         the key of this installation's log; in no backup, readable by its owner only
    anchor          the last head signed here; a second one stands outside the home
    lock            held by the one process that may write
    node.lock       held by a running node, also while there is no commune yet
    config.toml     what the operator of the node has decided
    addresses.json  addresses of other nodes that people here gave
    blobs/          photos, by their SHA-256
    names.json      what people here call other communes; in backups too
    access.json     who may come in from the local network: the hashed password, sessions
    node.json       where a running node can be reached, and the token that it asks for

Decides where these files are, that one process at a time writes, and how the
key is stored. What is in the ledger is the ledger's.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs

from ledger.anchor import Anchors, make_folder_durably, write_durably
from ledger.log import LogKey
from ledger.signing import SigningKey
from ledger.store.database import is_begun

from .errors import HomeError, HomeInUse

KEY_BYTES: Final = 32
"""bytes of an Ed25519 seed."""


def default_home() -> Path:
    """The platform's data directory for this program, as `--home` has it by default."""
    return Path(platformdirs.user_data_dir("trueque", appauthor=False))


@dataclass(frozen=True, slots=True)
class Home:
    """The files of one home; none of them need exist."""

    path: Path

    @property
    def ledger(self) -> Path:
        """The database."""
        return self.path / "ledger.sqlite"

    @property
    def key_file(self) -> Path:
        """The secret key of this installation's log."""
        return self.path / "log.key"

    @property
    def anchor_file(self) -> Path:
        """The last head signed here, whatever the log."""
        return self.path / "anchor"

    @property
    def storage(self) -> Path:
        """What the running node remembers beside the ledger."""
        return self.path / "node.sqlite"

    @property
    def lock_file(self) -> Path:
        """Held while a process writes."""
        return self.path / "lock"

    @property
    def node_lock(self) -> Path:
        """Held by a running node."""
        return self.path / "node.lock"

    @property
    def node_file(self) -> Path:
        """Where a running node says how it can be reached."""
        return self.path / "node.json"

    @property
    def access_file(self) -> Path:
        """Who may come in from the local network."""
        return self.path / "access.json"

    @property
    def addresses_file(self) -> Path:
        """Where the addresses of other nodes stand that people here gave."""
        return self.path / "addresses.json"

    @property
    def names_file(self) -> Path:
        """What people here call other communes."""
        return self.path / "names.json"

    @property
    def settings_file(self) -> Path:
        """What the operator of the node has decided."""
        return self.path / "config.toml"

    @property
    def blobs(self) -> Path:
        """Photos."""
        return self.path / "blobs"

    @property
    def exists(self) -> bool:
        """Whether a commune's node lives here."""
        return self.key_file.exists() and is_begun(self.ledger)

    def anchors(self, log: LogKey) -> Anchors:
        """Where the last head signed is kept: here, and in the platform's state directory."""
        outside = Path(platformdirs.user_state_dir("trueque", appauthor=False)) / "anchors" / log.hex()
        return Anchors((self.anchor_file, outside))

    def check_unsigned(self) -> None:
        """Refuse a home that has signed and whose key or ledger is missing. Raises HomeError.

        An empty ledger instead would fork; to found another commune, or to
        restore one, beside what the lost key has signed would mix the two.
        """
        if not self.key_file.exists():
            if self.anchor_file.exists():
                raise HomeError(
                    "The key {path} is missing, and this computer has signed with it: put the file back, or "
                    "bring the commune back from a backup with `trueque restore` and another --home.",
                    path=self.key_file,
                )
            return
        if is_begun(self.ledger):
            return
        log = LogKey(self.read_key().public_key)
        if any(path.exists() for path in self.anchors(log).paths):
            raise HomeError(
                "The ledger {path} is missing, and this computer has signed in it: put the file back, or "
                "bring the commune back from a backup with `trueque restore` and another --home.",
                path=self.ledger,
            )

    def make(self) -> None:
        """Make the folder, for its owner only. Raises HomeError."""
        try:
            make_folder_durably(self.path, 0o700)
        except OSError as error:
            raise HomeError(
                "The folder {path} cannot be made ({reason}): choose another with --home.",
                path=self.path,
                reason=error.strerror,
            ) from error

    def read_key(self) -> SigningKey:
        """The key of this installation's log. Raises HomeError."""
        try:
            seed = bytes.fromhex(self.key_file.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            self.check_unsigned()
            raise HomeError(
                "There is no commune in {path}: create one with `trueque init`, or bring one back with "
                "`trueque restore`.",
                path=self.path,
            ) from None
        except OSError as error:
            raise HomeError(
                "The key {path} cannot be read ({reason}): check who owns the file.",
                path=self.key_file,
                reason=error.strerror,
            ) from error
        except ValueError:
            seed = b""
        if len(seed) != KEY_BYTES:
            raise HomeError(
                "The key {path} is damaged: make a new log from a backup with `trueque restore`.",
                path=self.key_file,
            )
        return SigningKey(seed)

    def write_key(self, key: SigningKey) -> None:
        """Store the key of a new log. Raises HomeError; never replaces a key that is there."""
        if self.key_file.exists():
            raise HomeError("There is a key in {path} already: it is never replaced.", path=self.path)
        try:
            write_durably(self.key_file, key.seed.hex().encode("ascii") + b"\n", mode=0o600)
        except OSError as error:
            raise HomeError(
                "The key {path} cannot be written ({reason}): check the disk and the folder's permissions.",
                path=self.key_file,
                reason=error.strerror,
            ) from error

    def write_private(self, path: Path, data: bytes) -> None:
        """Write a file of the home, durably, for its owner only. Raises HomeError."""
        try:
            write_durably(path, data, mode=0o600)
        except OSError as error:
            raise HomeError(
                "The file {path} cannot be written ({reason}): check the disk and the folder's permissions.",
                path=path,
                reason=error.strerror,
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home for writing. Raises HomeError at once if another process does."""
        try:
            descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeError(
                "The folder {path} cannot be written ({reason}): check its permissions and the disk.",
                path=self.path,
                reason=error.strerror,
            ) from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise HomeInUse(
                    "Another program is using {path}: wait until it has finished, or close it.",
                    path=self.path,
                ) from None
            yield
        finally:
            os.close(descriptor)
