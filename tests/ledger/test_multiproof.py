"""Multi-proofs: against a naive tree, and every wrong one refused."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle
from ledger.multiproof import PartialTree, gaps, prove


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


def naive(leaves: Sequence[bytes], wanted: frozenset[int], first: int = 0) -> list[bytes]:
    """The definition, by recursion over the leaves themselves."""
    if not wanted & set(range(first, first + len(leaves))):
        return [merkle.root(leaves)]
    if len(leaves) == 1:
        return []
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return naive(leaves[:half], wanted, first) + naive(leaves[half:], wanted, first + half)


def proof_of(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[bytes]:
    return prove(len(leaves), indexes, lambda start, end: merkle.subtree_hash(leaves, start, end))


def tree_of(
    leaves: Sequence[bytes], indexes: Sequence[int], proof: Sequence[bytes] | None = None
) -> PartialTree:
    tree = PartialTree(len(leaves), indexes, proof_of(leaves, indexes) if proof is None else proof)
    for index in indexes:
        tree.put(index, leaves[index])
    return tree


def test_every_set_of_leaves_of_small_trees_is_proved_as_by_definition() -> None:
    for size in range(1, 9):
        leaves = leaves_of(size)
        for count in range(1, size + 1):
            for indexes in itertools.combinations(range(size), count):
                proof = proof_of(leaves, indexes)
                assert proof == naive(leaves, frozenset(indexes))
                assert tree_of(leaves, indexes).root() == merkle.root(leaves)


@given(st.integers(1, 300), st.data())
@settings(max_examples=60)
def test_any_leaves_of_larger_trees_are_proved_as_by_definition(size: int, data: st.DataObject) -> None:
    indexes = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=8)))
    leaves = leaves_of(size)
    assert proof_of(leaves, indexes) == naive(leaves, frozenset(indexes))
    tree = tree_of(leaves, indexes)
    assert tree.root() == merkle.root(leaves)
    for smaller in range(size + 2):
        found = tree.root_at(smaller)
        assert found is None or found == merkle.root(leaves[:smaller])
    # A leaf and what stands left of it give the tree that ends before it, and the one that ends with it.
    for index in indexes:
        assert tree.root_at(index) == merkle.root(leaves[:index])
        assert tree.root_at(index + 1) == merkle.root(leaves[: index + 1])


def test_one_leaf_is_proved_by_the_hashes_of_its_inclusion_proof() -> None:
    for size in range(1, 70):
        leaves = leaves_of(size)
        for index in range(size):
            assert sorted(proof_of(leaves, [index])) == sorted(merkle.inclusion_proof(leaves, index))


def test_the_hashes_come_from_left_to_right_and_share_what_paths_share() -> None:
    assert list(gaps(16, [3, 5])) == [(0, 2), (2, 3), (4, 5), (6, 8), (8, 16)]
    assert list(gaps(11, [10])) == [(0, 8), (8, 10)]
    assert list(gaps(2**32, [0]))[-1] == (2**31, 2**32)


def test_a_proof_of_another_number_of_hashes_is_refused() -> None:
    leaves = leaves_of(13)
    proof = proof_of(leaves, [2, 9])
    for wrong in (proof[:-1], [*proof, proof[0]], []):
        with pytest.raises(ValueError, match="hashes"):
            PartialTree(13, [2, 9], wrong)


@pytest.mark.parametrize("indexes", [[], [13], [-1, 2], [2, 2], [9, 2]])
def test_leaves_that_the_tree_has_not_or_out_of_order_are_refused(indexes: list[int]) -> None:
    with pytest.raises(ValueError, match="leaves"):
        PartialTree(13, indexes, [])


def test_every_changed_bit_gives_another_root() -> None:
    leaves = leaves_of(11)
    indexes = [1, 2, 7]
    proof = proof_of(leaves, indexes)
    for place, bit in itertools.product(range(len(proof)), range(0, 256, 17)):
        changed = bytearray(proof[place])
        changed[bit // 8] ^= 1 << bit % 8
        wrong = [*proof[:place], bytes(changed), *proof[place + 1 :]]
        assert tree_of(leaves, indexes, wrong).root() != merkle.root(leaves)
    swapped = [proof[1], proof[0], *proof[2:]]
    assert tree_of(leaves, indexes, swapped).root() != merkle.root(leaves)


def test_what_depends_on_a_leaf_is_not_known_before_it_is_put_in() -> None:
    leaves = leaves_of(12)
    tree = PartialTree(12, [4, 9], proof_of(leaves, [4, 9]))
    assert tree.root() is None
    assert tree.root_at(4) == merkle.root(leaves[:4])
    assert tree.root_at(5) is None
    tree.put(4, leaves[4])
    assert tree.root_at(5) == merkle.root(leaves[:5])
    assert tree.root_at(9) == merkle.root(leaves[:9])
    assert tree.root() is None
    tree.put(9, leaves[9])
    assert tree.root() == merkle.root(leaves)


def test_a_tree_says_nothing_of_sizes_that_it_does_not_reach() -> None:
    leaves = leaves_of(6)
    tree = tree_of(leaves, [1])
    assert tree.root_at(0) == merkle.EMPTY_ROOT
    assert tree.root_at(7) is None
    assert tree.root_at(-1) is None
    assert tree.root_at(5) is None
