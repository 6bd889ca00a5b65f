"""Reopening: the new log of a restored home is opened once its succession has all signatures.

Decides where the request waits meanwhile, that signatures which came are kept,
and that the log is opened once. What is asked for is `backup`'s, how signatures
are gathered `requests`'. Where a running node holds the home it is the one that
does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.anchor import write_durably
from ledger.author import Author
from ledger.log import EntryId, LogKey, entry_id
from ledger.store.writing import Store

from . import remote, running
from .errors import HomeError, InputError
from .home import Home
from .requests import Request, encode_request, merge_requests, read_request

if TYPE_CHECKING:
    from .service import Service


def open_log(author: Author, request: Request) -> EntryId:
    """Sign the first entry of the new log. Raises InputError, SigningStopped, StoreError."""
    payload = request.signed_payload()
    author.append([payload])
    return entry_id(author.log, 0, payload)


def _pending(home: Home) -> Path:
    return home.path / "request.json"


def keep_request(home: Home, request: Request) -> None:
    """Keep a request in the home until it has its signatures. Raises HomeError."""
    try:
        write_durably(_pending(home), encode_request(request))
    except OSError as error:
        raise HomeError(
            "The request in {path} cannot be written ({reason}): check the disk.",
            path=home.path,
            reason=error.strerror,
        ) from error


def pending(home: Home) -> Request:
    """The request that waits in a home, with the signatures that came. Raises HomeError, InputError."""
    try:
        return read_request(_pending(home))
    except OSError as error:
        raise HomeError("No restore waits for signatures in {path}.", path=home.path) from error


def finish_restore(home: Home, signed: Sequence[Request]) -> EntryId | Request:
    """Open the new log of a restored home with the signatures that came back.

    Returns the succession's id, or the request with all signatures so far if
    some are missing still. Raises InputError, HomeError, StoreError.
    """
    request, key = _request_with(home, signed), home.read_key()
    with ExitStack() as held:
        node = running.lock(home, held)
        if node is not None:
            return remote.finish_restore(remote.Line(home, node), signed)
        if not request.is_complete:
            keep_request(home, request)
            return request
        with Store(home.ledger, request.network) as store:
            author = Author(store, key, home.anchors(LogKey(key.public_key)))
            return _finish(home, author, request)


def finish_here(service: Service, home: Home, signed: Sequence[Request]) -> EntryId | Request:
    """As `finish_restore`, in a home that is open already."""
    request = _request_with(home, signed)
    if not request.is_complete:
        keep_request(home, request)
        return request
    return _finish(home, service.author, request)


def _finish(home: Home, author: Author, request: Request) -> EntryId:
    if author.head is not None:
        raise HomeError("The log of {path} has been opened already.", path=home.path)
    opened = open_log(author, request)
    _pending(home).unlink(missing_ok=True)
    return opened


def _request_with(home: Home, signed: Sequence[Request]) -> Request:
    """The request that waits in a home, with the signatures that came back."""
    pending = _pending(home)
    if not pending.exists():
        raise HomeError("No restore waits for signatures in {path}.", path=home.path)
    request = merge_requests([read_request(pending), *signed])
    if request.record.log != home.read_key().public_key:
        raise InputError("The request was made by another home: use the file that this one wrote.")
    return request
