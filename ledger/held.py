"""What is held, as the rules ask for it: branches, stretches of them, heads seen, standings.

Decides nothing: it names what the rules about standing need from whoever holds
entries, heads and evidence. The store and the history in memory both provide
it, so that the rules know of neither, and both give the same answer.

A log has one branch, or several once it is forked. Each is held as a stretch of
its own that parts from another branch, and has a number, by which the holder
calls it. No answer of any rule may depend on which branch came first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol

from .log import LogKey
from .records import CommuneId

PLACE_BITS: Final = 32
"""bits of an entry's index within its place; the bits above number the branch."""

INDEX_MASK: Final = (1 << PLACE_BITS) - 1


def place_of(branch: int, index: int) -> int:
    """One number for where an entry is held: the branch's local number, then the index."""
    return branch << PLACE_BITS | index


class Standing(NamedTuple):
    """What a branch of a log is to the exchange.

    `ordinal` is its log's place among its commune's logs. Entries below
    `limit` count (None: all do); `contested` says that the log itself is, by
    successions that contradict each other.
    """

    commune: CommuneId
    ordinal: int
    limit: int | None
    contested: bool


class Sight(NamedTuple):
    """A head in the `seen` of some entry: where that entry is, and what the head states."""

    place: int
    size: int
    root: bytes


class Part(NamedTuple):
    """A stretch of a branch: entries of `branch` below `end`."""

    branch: int
    end: int


class Numbered(Protocol):
    """A branch as its holder numbers it; the number means nothing to anybody else."""

    @property
    def number(self) -> int:
        """What the holder calls the branch."""


class Holdings(Protocol):
    """What the rules ask of whoever holds entries, heads and evidence."""

    def log_of(self, branch: int) -> LogKey:
        """The log that a branch belongs to."""

    def branches_of(self, log: bytes) -> Sequence[Numbered]:
        """All branches of a log that are held."""

    def lineage(self, branch: int, end: int) -> Sequence[Part]:
        """The stretches that make up the first `end` entries of a branch, its own last."""

    def cut(self, log: LogKey) -> int | None:
        """The first index at which the log's branches differ, by the evidence held."""

    def root_at(self, branch: int, size: int) -> bytes | None:
        """The root of a branch's first `size` entries, None if it is not that long."""

    def standing(self, branch: int) -> Standing | None:
        """What the branch is to the exchange, None while its commune is not known."""

    def predecessors(self, branch: int) -> Sequence[Part]:
        """The stretches of older logs that the branch's log continues, up to their seals."""

    def sights(self, parts: Sequence[Part], log: LogKey, above: int) -> Iterable[Sight]:
        """Validly signed heads of `log` of size beyond `above`, seen by entries in `parts`."""

    def is_witnessed(self, place: int) -> bool:
        """Whether an entry past its limit counts nevertheless."""


class Vouchers(Protocol):
    """What finding witnesses needs beyond `Holdings`."""

    def limited(self) -> Iterable[int]:
        """The branches of logs that have a limit, whether or not they hold entries beyond it."""

    def beyond(self, branch: int, limit: int) -> Iterable[tuple[int, bytes]]:
        """Place and entry id of every entry of a branch (its lineage too) from `limit` on."""

    def naming(self, entry: bytes) -> Iterable[int]:
        """Places of records that name an entry by its id."""

    def all_sights(self, log: LogKey, above: int) -> Iterable[Sight]:
        """Validly signed heads of `log` of size beyond `above` in the `seen` of any entry."""
