"""Parts of logs: some entries of several branches, without reading those that are passed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from ledger.store.reading import BranchInfo, Reader
from node.shapes.entries import first_of, rows_of


@dataclass(frozen=True)
class Branch:
    """A branch of which only what is asked for here is there."""

    number: int
    start: int
    first: int
    size: int


@dataclass
class Counting:
    """A reader whose entries are pairs of branch and index, and which counts those that it gives."""

    given: int = 0

    def entries(self, branch: int, start: int = 0, end: int | None = None) -> Iterator[tuple[int, int]]:
        assert end is not None
        for index in range(start, end):
            self.given += 1
            yield branch, index


@st.composite
def branches(draw: st.DrawFn) -> list[Branch]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        size = draw(st.integers(1, 8))
        first = draw(st.integers(0, size))
        found.append(Branch(number, draw(st.integers(0, first)), first, size))
    return found


@given(branches(), st.integers(0, 12), st.integers(0, 40))
def test_a_part_is_what_stands_there_and_nothing_else_is_read(
    held: list[Branch], limit: int, offset: int
) -> None:
    reader = Counting()
    every = [
        (branch.number, index)
        for branch in held
        for index in range(first_of(cast(BranchInfo, branch)), branch.size)
    ]
    found: list[tuple[Any, Any]] = list(
        rows_of(cast(list[BranchInfo], held), cast(Reader, reader), limit=limit, offset=offset)
    )
    assert [row for row, _ in found] == every[offset : offset + limit]
    assert all(row[0] == branch.number for row, branch in found)
    assert reader.given == len(found)
