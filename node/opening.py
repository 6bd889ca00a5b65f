"""Opening: a home is opened for a command, to read in it or to sign.

Decides that one process at a time writes: a command that signs holds the home
meanwhile, and where a running node holds it, the node does the writing. A ledger
that an older version wrote is brought up to this one, if nobody else has it open,
also by a command that only reads. What can be done in an open home is `service`'s.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ledger.errors import StoreError
from ledger.log import LogKey
from ledger.store.reading import Reader

from . import clock
from .errors import HomeError, HomeInUse
from .home import Home
from .service import Service


@contextmanager
def open_home(home: Home, *, writing: bool, now: Callable[[], int] = clock.now) -> Iterator[Service]:
    """Open a home. For writing it is locked, so that one process at a time signs.

    Where a running node holds it, that node does the writing. Raises HomeError
    if there is no commune in it or another program holds it, StoreError if the
    database cannot be used.
    """
    key = home.read_key()
    home.check_unsigned()
    if not home.exists:
        raise HomeError(
            "The founding of a commune in {path} was not finished: give `trueque init` again.", path=home.path
        )
    if not writing:
        with _reader(home) as reader:
            yield Service(reader, LogKey(key.public_key), None, None, now)
        return
    with ExitStack() as opened:
        from . import running

        node = running.lock(home, opened)
        if node is not None:
            from . import remote

            reader = opened.enter_context(_reader(home))
            yield remote.RemoteService(reader, LogKey(key.public_key), remote.Line(home, node), now)
            return
        from ledger.author import Author
        from ledger.store.writing import Store

        with Reader(home.ledger) as reader:
            network = reader.network
        store = opened.enter_context(Store(home.ledger, network))
        reader = opened.enter_context(Reader(home.ledger))
        author = Author(store, key, home.anchors(LogKey(key.public_key)))
        yield Service(reader, LogKey(key.public_key), store, author, now)


def _reader(home: Home) -> Reader:
    """A reader of the ledger as this version writes it. Raises HomeError, StoreError."""
    reader = Reader(home.ledger)
    try:
        outdated = reader.is_outdated
    except StoreError:
        reader.close()
        raise
    if not outdated:
        return reader
    reader.close()
    _bring_up(home)
    return Reader(home.ledger)


def _bring_up(home: Home) -> None:
    from ledger.store.database import bring_up

    try:
        with home.locked():
            bring_up(home.ledger)
    except HomeInUse:
        raise HomeError(
            "The ledger {path} was written by an older version of Trueque, and another program has it open: "
            "wait until it has finished; if it is a node, stop it and start it again with this version.",
            path=home.ledger,
        ) from None
    except (HomeError, StoreError) as error:
        if isinstance(error, StoreError) and os.access(home.ledger, os.W_OK):
            raise
        raise HomeError(
            "The ledger {path} was written by an older version of Trueque, and its folder cannot be written: "
            "check the folder's permissions, or start the node once as the user to whom it belongs.",
            path=home.ledger,
        ) from error
