"""Backup and restore: a home in a file under a password, and a home out of it.

Decides what a backup holds (everything held of all logs, and nothing secret: no
key of a log is ever in it) and how a home begins again: with a new key, a new
log, and a succession signed with the recovery words, so that no restore can
fork a log. The container is `sealed`'s, its content a bundle
(docs/spec/backup.md); signatures of several keys are gathered by `requests`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final, cast

import msgspec

from ledger.author import Author
from ledger.commune import Commune
from ledger.errors import StoreError
from ledger.log import EntryId, Hash, LogKey
from ledger.records import CommuneId, Seal, Succession
from ledger.signing import SigningKey
from ledger.store.reading import Reader
from ledger.store.writing import Store

from . import clock, keys
from .blobs import Blobs
from .bundles import Progress, import_bundle, write_bundle
from .errors import ExportFailed, HomeError, InputError
from .home import Home
from .outgoing import outgoing
from .petnames import Written, keep_pet_names, read_pet_names, written_of
from .reopening import keep_request, open_log
from .requests import Request, request_for, sign_request
from .sealed import OpeningReader, SealingWriter, check_password

if TYPE_CHECKING:
    from .intake import ImportReport
    from .service import Service

MAX_LABEL_BYTES: Final = 524_288
"""bytes of the label that a backup begins with; with all pet names that there may be it has 400,000."""

_LENGTH: Final = struct.Struct(">I")


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a backup says of itself: whose it is, what of its own log it holds; and pet names, `called`."""

    commune: Hash
    log: Hash
    made: int
    name: Annotated[str, msgspec.Meta(max_length=200)]
    network: Annotated[str, msgspec.Meta(max_length=32)]
    size: int
    called: Written = {}


@dataclass(frozen=True, slots=True)
class Restored:
    """A home that is back: its commune and new log. `request`: what others still have to sign first."""

    label: Label
    log: LogKey
    succession: EntryId | None
    request: Request | None
    report: ImportReport


def write_backup(service: Service, path: Path, password: str, progress: Progress) -> Label:
    """Write everything held into an encrypted file; what stood at `path` is replaced once all is on disk.

    Raises InputError (the password), ExportFailed, StoreError; HomeError where pet names cannot be read.
    """
    check_password(password)
    reader = service.reader
    try:
        with outgoing(path, 0o600) as file, reader.snapshot():
            label = _label(service)
            sealing = SealingWriter(file, password)
            encoded = msgspec.msgpack.encode(label)
            sealing.write(_LENGTH.pack(len(encoded)) + encoded)
            # Photos of others come back from them; one's own may be held by nobody else.
            lend = Blobs(Home(reader.path.parent).blobs).open_own
            write_bundle(reader, cast(BinaryIO, sealing), None, progress, lend=lend)
            sealing.finish()
    except OSError as error:
        raise ExportFailed(
            "The backup {path} cannot be written ({reason}): free some space or choose another folder.",
            path=path,
            reason=error.strerror,
        ) from error
    return label


def _label(service: Service) -> Label:
    reader = service.reader
    head = reader.newest_head(service.log)
    return Label(
        commune=service.commune,
        log=service.log,
        made=clock.now(),
        name=reader.commune(service.commune).name,
        network=reader.network,
        size=0 if head is None else head.size,
        called=written_of(read_pet_names(Home(reader.path.parent))),
    )


def read_label(reader: OpeningReader) -> Label:
    """Read what a backup says of itself, and leave the reader at its bundle. Raises InputError."""
    beginning = reader.read(_LENGTH.size)
    if len(beginning) == _LENGTH.size and (length := _LENGTH.unpack(beginning)[0]) <= MAX_LABEL_BYTES:
        try:
            return msgspec.msgpack.decode(reader.read(length), type=Label)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            pass
    raise InputError("This backup was made by a version of Trueque that this one does not know.")


def check_password_of(path: Path, password: str) -> None:
    """Whether a password opens a backup. Raises InputError, OSError."""
    with path.open("rb") as file:
        label_in(file, password)


def label_in(file: BinaryIO, password: str) -> Label:
    """What a backup says of itself, if the password opens it. Raises InputError, OSError."""
    file.seek(0)
    return read_label(OpeningReader(file, password))


def restore(
    home: Home,
    path: Path,
    password: str,
    recovery: SigningKey | None,
    progress: Progress,
    now: Callable[[], int] = clock.now,
) -> Restored:
    """Make a home out of a backup, with a new log that continues the commune's old ones.

    With a recovery key that alone is the commune's authority the home is ready
    at once; else `request` is what its authority has to sign, kept in the home
    for `reopening.finish_restore`. Raises InputError, HomeError, StoreError, ImportStopped;
    a restore that stopped halfway is begun again by the same command.
    """
    try:
        with path.open("rb") as file:
            return restore_from(home, file, password, recovery, progress, now)
    except OSError as error:
        raise InputError(
            "The backup {path} cannot be read ({reason}): check the file and its permissions.",
            path=path,
            reason=error.strerror,
        ) from error


def restore_from(
    home: Home,
    file: BinaryIO,
    password: str,
    recovery: SigningKey | None,
    progress: Progress,
    now: Callable[[], int] = clock.now,
) -> Restored:
    """As `restore`, from an open file. Raises OSError too."""
    opening = OpeningReader(file, password)
    label = read_label(opening)
    home.check_unsigned()
    home.make()
    _check_unsigned_in(home)
    with home.locked(), Store(home.ledger, label.network) as store, Reader(home.ledger) as reader:
        _check_unused(home, store)
        report = import_bundle(
            store,
            reader,
            cast(BinaryIO, opening),
            author=None,
            progress=progress,
            blobs=Blobs.of(home),
            own=CommuneId(label.commune),
        )
        keep_pet_names(home, label.called)
        return _continue(home, store, reader, label, report, recovery, now)


def _check_unsigned_in(home: Home) -> None:
    """Refuse a home that has signed something, before it is asked for: a node may be running in it."""
    if not home.exists:
        return
    with suppress(StoreError), Reader(home.ledger) as reader:
        if reader.branches(home.read_key().public_key):
            raise _is_used(home)


def _is_used(home: Home) -> HomeError:
    return HomeError(
        "There is a commune in {path} already: choose another folder with --home.", path=home.path
    )


def _check_unused(home: Home, store: Store) -> None:
    """Refuse a home that has signed something; a key alone is left by a restore that was cut short."""
    if home.key_file.exists() and store.own_log(LogKey(home.read_key().public_key)).head is not None:
        raise _is_used(home)


def _continue(
    home: Home,
    store: Store,
    reader: Reader,
    label: Label,
    report: ImportReport,
    recovery: SigningKey | None,
    now: Callable[[], int],
) -> Restored:
    commune = reader.formed(CommuneId(label.commune))
    if commune.chain.in_force is None:
        raise HomeError(
            "The authority of {name} was replaced in two ways that contradict each other: its keys must "
            "first agree on one with `trueque authority replace`, on a computer that still writes for it.",
            name=label.name,
        )
    key = home.read_key() if home.key_file.exists() else keys.new_key()
    request = _request(reader, commune, LogKey(key.public_key), now())
    if recovery is not None:
        request = sign_request(request, recovery)
    # Only now: with a key a node that runs here takes the home for one that is to be opened.
    if not request.is_complete:
        keep_request(home, request)
    if not home.key_file.exists():
        home.write_key(key)
    if not request.is_complete:
        return Restored(label, LogKey(key.public_key), None, request, report)
    author = Author(store, key, home.anchors(LogKey(key.public_key)))
    return Restored(label, author.log, open_log(author, request), None, report)


def seals_of(reader: Reader, commune: Commune) -> tuple[Seal, ...]:
    """Where the logs that nothing continues yet end, as far as held; of a forked one, its longest branch."""
    seals = []
    for log in commune.open_logs:
        branches = [branch for branch in reader.branches(log) if branch.commune == commune.id]
        longest = max(branches, key=lambda branch: (branch.size, branch.root))
        seals.append(Seal(log, longest.size, longest.root))
    return tuple(sorted(seals, key=lambda seal: seal.log))


def _request(reader: Reader, commune: Commune, log: LogKey, now: int) -> Request:
    link = commune.chain.in_force
    assert link is not None
    record = Succession(
        at=now,
        authority=min(link.ids),
        commune=commune.id,
        log=log,
        previous=seals_of(reader, commune),
        reason="restore",
    )
    return request_for(record, reader.network, commune.charter.payload, commune.charter.log, [link.authority])
