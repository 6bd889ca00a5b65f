"""Neighbours of whom it is noted what gossip says to them, and who answer nothing by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from ledger.evidence import Evidence
from ledger.log import Head, LogKey
from protocol.neighbour import Neighbour
from protocol.questions import Ask, Want
from protocol.session import Session


@dataclass
class Notes:
    """A session as gossip sees it that only notes what is said in it."""

    wants: list[Want] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    is_over: bool = False

    def want(self, wants: Sequence[Want]) -> None:
        """Note what is wanted."""
        self.wants += wants

    def announce(self, heads: Sequence[Head]) -> None:
        """Note heads that are shown."""
        self.heads += heads

    def show(self, evidence: Evidence) -> None:
        """Note evidence that is shown."""
        self.evidence.append(evidence)

    def tell_state(self, state: bytes) -> None:
        """Note the state of the roster."""
        self.states.append(state)

    def ask(self, ask: Ask) -> None:
        """Note a question about a tree."""
        self.asks.append(ask)


def noted(name: bytes = b"") -> tuple[Neighbour, Notes]:
    """A neighbour whose roster has been compared, and the notes of what is said to it."""
    notes = Notes()
    return Neighbour(cast(Session, notes), LogKey(name.ljust(32)), compared=True), notes
