"""Opening: a home is opened for a command, to read in it or to sign.

Decides that one process at a time writes: a command that signs holds the home
meanwhile, and where a running node holds it, the node does the writing. What
can be done in an open home is `service`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from ledger.log import LogKey
from ledger.store.reading import Reader

from . import clock
from .errors import HomeError
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
        with Reader(home.ledger) as reader:
            yield Service(reader, LogKey(key.public_key), None, None, now)
        return
    with ExitStack() as opened:
        from . import running

        node = running.lock(home, opened)
        if node is not None:
            from . import remote

            reader = opened.enter_context(Reader(home.ledger))
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
