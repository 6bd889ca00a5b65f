"""Leaves: what branches share is held once, and each is as if it stood alone."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from ledger.leaves import ROOT_STRIDE, Leaves
from ledger.log import LogKey
from ledger.standing import Part

LOG = LogKey(bytes(32))


def leaves_of(tag: str, count: int) -> list[bytes]:
    return [sha256(f"{tag} {number}".encode()).digest() for number in range(count)]


@dataclass
class Twin:
    """The same as plain lists: every branch holds all its leaves."""

    held: Leaves
    whole: list[list[bytes]]

    def part(self, base: int, at: int, more: list[bytes]) -> None:
        number = len(self.whole)
        self.held.open_branch(number, LOG, Part(base, at))
        self.held.branches[number].grow(more)
        self.whole.append([*self.whole[base][:at], *more])


def begun(count: int) -> Twin:
    held, leaves = Leaves(), leaves_of("first", count)
    held.open_branch(0, LOG)
    held.branches[0].grow(leaves)
    return Twin(held, [leaves])


@given(st.data())
def test_every_branch_of_a_tree_of_forks_is_as_if_it_stood_alone(data: st.DataObject) -> None:
    twin = begun(data.draw(st.integers(1, 12)))
    for number in range(data.draw(st.integers(0, 6))):
        base = data.draw(st.integers(0, len(twin.whole) - 1))
        at = data.draw(st.integers(0, len(twin.whole[base])))
        twin.part(base, at, leaves_of(f"branch {number}", data.draw(st.integers(1, 5))))
    for number, leaves in enumerate(twin.whole):
        assert twin.held.branches[number].size == len(leaves)
        for size in range(len(leaves) + 1):
            assert twin.held.root_at(number, size) == merkle.root(leaves[:size])
        assert twin.held.root_at(number, len(leaves) + 1) is None
        assert [twin.held.leaf_at(number, index) for index in range(len(leaves) + 1)] == [*leaves, None]
        stretches: list[bytes] = []
        for part in twin.held.lineage(number, len(leaves)):
            own = twin.held.branches[part.branch]
            stretches += own.own(own.first, part.end)
        assert stretches == leaves


def test_roots_far_from_what_is_remembered_are_the_same() -> None:
    twin = begun(3 * ROOT_STRIDE + 7)
    twin.part(0, 2 * ROOT_STRIDE + 3, leaves_of("other", ROOT_STRIDE + 9))
    for number, leaves in enumerate(twin.whole):
        for size in (len(leaves), 1, ROOT_STRIDE - 1, ROOT_STRIDE, 2 * ROOT_STRIDE + 1, len(leaves) - 1):
            assert twin.held.root_at(number, size) == merkle.root(leaves[:size])


def test_a_log_held_from_a_later_index_on_has_roots_where_its_beginning_is_known() -> None:
    leaves = leaves_of("some", 20)
    for before, known in ((merkle.extend_range(0, (), leaves[:7]), True), ((), False)):
        held = Leaves()
        held.open_branch(0, LOG, start=7, before=before)
        held.branches[0].grow(leaves[7:])
        assert held.root_at(0, 6) is None
        assert held.root_at(0, 15) == (merkle.root(leaves[:15]) if known else None)
        assert len(dict(held.roots(0))) == (13 if known else 0)


def test_from_where_leaves_are_in_doubt_there_are_no_roots() -> None:
    twin = begun(9)
    twin.held.doubt(0, 5)
    twin.held.doubt(0, 7)
    assert twin.held.root_at(0, 5) == merkle.root(twin.whole[0][:5])
    assert twin.held.root_at(0, 6) is None


def test_the_lowest_cut_of_a_log_is_the_one_that_holds() -> None:
    held = Leaves()
    assert held.cut(LOG) is None
    for cut in (7, 4, 9):
        held.add_cut(LOG, cut)
    assert held.cut(LOG) == 4
