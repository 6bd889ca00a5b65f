"""Upkeep: making the views of a ledger anew.

Decides nothing about their content, only that the home is held meanwhile, and
that this works also where the views are in such a state that nobody could sign.
Where a running node holds the home, it is the one that does it.
"""

from __future__ import annotations

from contextlib import ExitStack

from ledger.store.reading import Reader
from ledger.store.writing import Progress, Store

from . import remote, running
from .home import Home


def rebuild(home: Home, progress: Progress) -> int:
    """Make all views of a home's ledger again; returns how many entries were read.

    Raises HomeError, StoreError.
    """
    home.read_key()
    home.check_unsigned()
    with ExitStack() as held:
        node = running.lock(home, held)
        if node is not None:
            return remote.rebuild(remote.Line(home, node), progress)
        with Reader(home.ledger) as reader:
            network = reader.network
        with Store(home.ledger, network) as store:
            return store.rebuild(progress)
