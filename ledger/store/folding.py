"""Exchanges from the tables.

Decides nothing: what becomes a move is `dealings`', what follows from the moves
is `exchange`'s. The writer folds what new entries touch; readers fold what they
show, so that no second copy of an exchange has to be kept.
"""

from __future__ import annotations

from ..dealings import Dealings
from .holding import Holding


class Folding(Dealings):
    """Folds over one holding."""

    def __init__(self, holding: Holding) -> None:
        super().__init__(holding, holding.located, holding.about)
