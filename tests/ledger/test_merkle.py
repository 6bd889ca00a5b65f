"""The tree, its proofs and the compact range, against RFC 6962 and a naive twin."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from tests.support.shared import shared_path
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates

SIZES = range(1, 301)
SAMPLED = (1, 2, 3, 5, 8, 13, 64, 100, 255, 300)
LEAVES = [merkle.leaf_hash(b"entry %d" % index) for index in range(SIZES[-1])]


# The naive twin: the definitions of RFC 6962, section 2.1, word for word, over LEAVES ----------------


def _split(size: int) -> int:
    """The largest power of two smaller than size."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


@cache
def _mth(start: int, end: int) -> bytes:
    """MTH(D[start:end])."""
    size = end - start
    if size == 0:
        return sha256(b"").digest()
    if size == 1:
        return LEAVES[start]
    k = _split(size)
    return sha256(b"\x01" + _mth(start, start + k) + _mth(start + k, end)).digest()


def _path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(index, D[start:end])."""
    size = end - start
    if size == 1:
        return []
    k = _split(size)
    if index < k:
        return [*_path(index, start, start + k), _mth(start + k, end)]
    return [*_path(index - k, start + k, end), _mth(start, start + k)]


def _subproof(size1: int, start: int, end: int, is_whole: bool) -> list[bytes]:
    """SUBPROOF(size1, D[start:end], is_whole)."""
    size = end - start
    if size1 == size:
        return [] if is_whole else [_mth(start, end)]
    k = _split(size)
    if size1 <= k:
        return [*_subproof(size1, start, start + k, is_whole), _mth(start + k, end)]
    return [*_subproof(size1 - k, start + k, end, False), _mth(start, start + k)]


def _compact(size: int) -> merkle.CompactRange:
    """The roots of the full subtrees on the right edge, from the binary digits of size."""
    hashes, start = [], 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            hashes.append(_mth(start, start + (1 << level)))
            start += 1 << level
    return tuple(hashes)


# Vectors of others -----------------------------------------------------------------------------------


def _decoded(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or []]


def _cases(name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(shared_path(f"vectors/merkle/{name}.json").read_text())
    return cases


def test_inclusion_proofs_of_transparency_dev_are_judged_as_they_say() -> None:
    cases = _cases("inclusion")
    assert len(cases) == 98
    for case in cases:
        accepted = merkle.verify_inclusion(
            b64decode(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            _decoded(case["proof"]),
            b64decode(case["root"]),
        )
        assert accepted is not case["wantErr"], case["name"]


def test_consistency_proofs_of_transparency_dev_are_judged_as_they_say() -> None:
    cases = _cases("consistency")
    assert len(cases) == 98
    for case in cases:
        root1, root2 = b64decode(case["root1"]), b64decode(case["root2"])
        accepted = merkle.verify_consistency(
            case["size1"], case["size2"], _decoded(case["proof"]), root1, root2
        )
        # One case of theirs has 12 bytes of placeholder for a root, which is no hash here.
        expected = not case["wantErr"] and len(root1) == 32
        assert accepted is expected, case["name"]


def test_the_tree_of_rfc_6962_hashes_as_published() -> None:
    vectors = json.loads(shared_path("vectors/merkle/rfc6962_tree.json").read_text())
    leaves = [merkle.leaf_hash(bytes.fromhex(text)) for text in vectors["leaf_inputs_hex"]]
    for size, expected in enumerate(vectors["root_by_size_hex"]):
        assert merkle.root(leaves[:size]).hex() == expected
    for level, hashes in enumerate(vectors["node_hashes_hex"]):
        for position, expected in enumerate(hashes):
            start = position << level
            assert merkle.subtree_hash(leaves, start, start + (1 << level)).hex() == expected
    for case in vectors["hasher"]:
        match case["op"]:
            case "empty_root":
                found = merkle.root([])
            case "leaf":
                found = merkle.leaf_hash(bytes.fromhex(case["data_hex"]))
            case "node":
                found = merkle.node_hash(bytes.fromhex(case["left_hex"]), bytes.fromhex(case["right_hex"]))
            case operation:
                pytest.fail(f"an operation that is not known: {operation}")
        assert found.hex() == case["want"]


# Roots and the compact range -------------------------------------------------------------------------


def test_the_root_of_every_size_is_that_of_the_naive_tree() -> None:
    for size in (0, *SIZES):
        assert merkle.root(LEAVES[:size]) == _mth(0, size)
        assert merkle.range_root(size, _compact(size)) == _mth(0, size)
        assert merkle.extend_range(0, (), LEAVES[:size]) == _compact(size)


def test_a_range_extended_in_any_two_steps_is_the_range_of_all() -> None:
    for first in range(80):
        for second in range(first, 160):
            assert merkle.extend_range(first, _compact(first), LEAVES[first:second]) == _compact(second)


@given(st.lists(st.integers(0, 60), max_size=12))
def test_a_range_extended_by_any_splitting_has_the_naive_root(counts: list[int]) -> None:
    size = 0
    compact: merkle.CompactRange = ()
    for count in counts:
        leaves = LEAVES[size : size + count]
        compact = merkle.extend_range(size, compact, leaves)
        size += len(leaves)
        assert compact == _compact(size)
        assert merkle.range_root(size, compact) == _mth(0, size)


def test_extending_leaves_what_was_given_unchanged() -> None:
    leaves, compact = LEAVES[5:9], _compact(5)
    merkle.extend_range(5, compact, leaves)
    assert leaves == LEAVES[5:9]


@pytest.mark.parametrize(("size", "count"), [(0, 1), (1, 0), (3, 1), (3, 3), (8, 3), (-1, 0), (-1, 1)])
def test_a_range_that_does_not_fit_its_size_is_a_mistake(size: int, count: int) -> None:
    compact = tuple(LEAVES[:count])
    with pytest.raises(ValueError, match="no compact range"):
        merkle.extend_range(size, compact, LEAVES[:1])
    with pytest.raises(ValueError, match="no compact range"):
        merkle.range_root(size, compact)


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_leaf_hash_of_another_length_is_a_mistake(leaf: bytes) -> None:
    """Sixty-four bytes in place of a leaf hash could pass for two nodes."""
    with pytest.raises(ValueError, match="32 bytes"):
        merkle.extend_range(1, _compact(1), [LEAVES[1], leaf])


def test_a_subtree_hashes_as_the_node_of_the_naive_tree_and_other_ranges_are_none() -> None:
    for size in range(1, 41):
        nodes = _nodes(0, size)
        for start in range(-1, size + 2):
            for end in range(-1, size + 2):
                if (start, end) in nodes:
                    assert merkle.subtree_hash(LEAVES[:size], start, end) == _mth(start, end)
                else:
                    with pytest.raises(ValueError, match="leaves"):
                        merkle.subtree_hash(LEAVES[:size], start, end)


def _nodes(start: int, end: int) -> set[tuple[int, int]]:
    """The ranges of leaves that the recursive definition gives a node of its own."""
    if end - start == 1:
        return {(start, end)}
    middle = start + _split(end - start)
    return {(start, end)} | _nodes(start, middle) | _nodes(middle, end)


# Proofs ----------------------------------------------------------------------------------------------


@pytest.fixture
def each_level_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All proofs of one tree hash the same levels: here each is hashed once, by the real function."""
    real = merkle._level_above

    @cache
    def known(nodes: tuple[bytes, ...]) -> tuple[bytes, ...]:
        return tuple(real(nodes))

    monkeypatch.setattr(merkle, "_level_above", lambda nodes: list(known(tuple(nodes))))


@pytest.mark.usefixtures("each_level_once")
def test_every_inclusion_proof_of_every_size_is_the_naive_one_and_verifies() -> None:
    for size in SIZES:
        leaves, root = LEAVES[:size], _mth(0, size)
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            assert proof == _path(index, 0, size)
            assert merkle.verify_inclusion(leaves[index], index, size, proof, root)
            assert tuple(merkle.left_siblings(index, size, proof)) == _compact(index)


@pytest.mark.usefixtures("each_level_once")
def test_every_consistency_proof_of_every_size_is_the_naive_one_and_verifies() -> None:
    for size2 in SIZES:
        leaves, root2 = LEAVES[:size2], _mth(0, size2)
        for size1 in range(1, size2 + 1):
            proof = merkle.consistency_proof(leaves, size1)
            assert proof == _subproof(size1, 0, size2, True)
            assert merkle.verify_consistency(size1, size2, proof, _mth(0, size1), root2)


def _with_each_bit_changed(hashes: list[bytes]) -> list[list[bytes]]:
    changed = []
    for place, value in enumerate(hashes):
        number = int.from_bytes(value, "big")
        for bit in range(256):
            other = (number ^ 1 << bit).to_bytes(32, "big")
            changed.append([*hashes[:place], other, *hashes[place + 1 :]])
    return changed


@pytest.mark.parametrize("size", SAMPLED)
def test_every_changed_bit_of_an_inclusion_proof_is_refused(size: int) -> None:
    for index in {0, size // 2, size - 1}:
        for leaf, root, *proof in _with_each_bit_changed(
            [LEAVES[index], _mth(0, size), *_path(index, 0, size)]
        ):
            assert not merkle.verify_inclusion(leaf, index, size, proof, root)


@pytest.mark.parametrize("size2", SAMPLED)
def test_every_changed_bit_of_a_consistency_proof_is_refused(size2: int) -> None:
    for size1 in {1, (size2 + 1) // 2, size2}:
        for root1, root2, *proof in _with_each_bit_changed(
            [_mth(0, size1), _mth(0, size2), *_subproof(size1, 0, size2, True)]
        ):
            assert not merkle.verify_consistency(size1, size2, proof, root1, root2)


@pytest.mark.parametrize("size", SAMPLED)
def test_an_inclusion_proof_holds_for_its_own_index_and_length_alone(size: int) -> None:
    root = _mth(0, size)
    for index in range(size):
        proof = _path(index, 0, size)
        for other in {-1, index ^ 1, index + 1, size - 1 - index, size, index + 2**64} - {index}:
            assert not merkle.verify_inclusion(LEAVES[index], other, size, proof, root)
        for wrong in ([*proof, root], [*proof, b""], [root, *proof], [LEAVES[index], *proof]):
            assert not merkle.verify_inclusion(LEAVES[index], index, size, wrong, root)
            with pytest.raises(ValueError, match="no inclusion proof"):
                merkle.left_siblings(index, size, wrong)
        for place in range(len(proof)):
            shorter = proof[:place] + proof[place + 1 :]
            assert not merkle.verify_inclusion(LEAVES[index], index, size, shorter, root)
            with pytest.raises(ValueError, match="no inclusion proof"):
                merkle.left_siblings(index, size, shorter)


@pytest.mark.parametrize("size2", SAMPLED)
def test_a_consistency_proof_holds_for_its_own_length_alone(size2: int) -> None:
    root2 = _mth(0, size2)
    for size1 in range(1, size2 + 1):
        root1, proof = _mth(0, size1), _subproof(size1, 0, size2, True)
        for wrong in ([*proof, root2], [*proof, b""], [root1, *proof]):
            assert not merkle.verify_consistency(size1, size2, wrong, root1, root2)
        for place in range(len(proof)):
            shorter = proof[:place] + proof[place + 1 :]
            assert not merkle.verify_consistency(size1, size2, shorter, root1, root2)
        assert not merkle.verify_consistency(size2 + 1, size2, proof, root1, root2)


def test_nothing_is_proved_about_the_empty_tree() -> None:
    empty = _mth(0, 0)
    assert not merkle.verify_consistency(0, 0, [], empty, empty)
    assert not merkle.verify_consistency(0, 3, [], empty, _mth(0, 3))
    assert not merkle.verify_inclusion(empty, 0, 0, [], empty)
    assert merkle.verify_consistency(3, 3, [], _mth(0, 3), _mth(0, 3))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3), (3, 3), (300, 3)])
def test_a_leaf_that_a_tree_does_not_have_is_not_proved(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_proof(LEAVES[:size], index)
    with pytest.raises(ValueError, match="no inclusion proof"):
        merkle.left_siblings(index, size, [])


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 3), (4, 3), (-1, 3)])
def test_a_beginning_that_a_tree_does_not_have_is_not_proved(size1: int, size2: int) -> None:
    with pytest.raises(ValueError, match="no first"):
        merkle.consistency_proof(LEAVES[:size2], size1)


_hash = st.binary(max_size=40) | st.sampled_from(LEAVES[:8])
_number = st.integers(-2, 12) | st.integers()


@given(_hash, _number, _number, st.lists(_hash, max_size=6), _hash)
def test_junk_is_no_inclusion_proof(
    leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes
) -> None:
    expected = index == 0 and size == 1 and not proof and leaf == root and len(root) == 32
    assert merkle.verify_inclusion(leaf, index, size, proof, root) is expected


@given(_number, _number, st.lists(_hash, max_size=6), _hash, _hash)
def test_junk_is_no_consistency_proof(
    size1: int, size2: int, proof: list[bytes], root1: bytes, root2: bytes
) -> None:
    expected = 1 <= size1 == size2 and not proof and root1 == root2 and len(root1) == 32
    assert merkle.verify_consistency(size1, size2, proof, root1, root2) is expected


# Our own vectors -------------------------------------------------------------------------------------


def _hex(hashes: list[bytes] | merkle.CompactRange) -> list[str]:
    return [value.hex() for value in hashes]


def _own_vectors() -> dict[str, Any]:
    data = [
        b"Maizal",
        b"100 kg",
        b"yuca",
        b"cafe",
        b"",
        b"\x00",
        *(b"leaf %d" % index for index in range(6, 21)),
    ]
    leaves = [merkle.leaf_hash(item) for item in data]
    trees = []
    for size in (0, *range(1, 10), 16, 21):
        compact = merkle.extend_range(0, (), leaves[:size])
        trees.append(
            {"size": size, "root": merkle.range_root(size, compact).hex(), "compact_range": _hex(compact)}
        )
    inclusion = []
    for size in (1, 2, 3, 5, 7, 8, 21):
        for index in sorted({0, size // 2, size - 1}):
            proof = merkle.inclusion_proof(leaves[:size], index)
            left = merkle.left_siblings(index, size, proof)
            inclusion.append(
                {"size": size, "index": index, "proof": _hex(proof), "left_siblings": _hex(left)}
            )
    consistency = [
        {"size1": size1, "size2": size2, "proof": _hex(merkle.consistency_proof(leaves[:size2], size1))}
        for size1, size2 in (
            (1, 1),
            (1, 2),
            (2, 3),
            (3, 7),
            (4, 7),
            (6, 8),
            (7, 8),
            (8, 21),
            (13, 21),
            (20, 21),
        )
    ]
    return {
        "about": "The tree of docs/spec/merkle.md, made by tests/ledger/test_merkle.py; bytes in hex",
        "leaf_data": [item.hex() for item in data],
        "leaf_hashes": _hex(leaves),
        "trees": trees,
        "nodes_of_five": [
            {"start": start, "end": end, "hash": merkle.subtree_hash(leaves[:5], start, end).hex()}
            for start, end in sorted(_nodes(0, 5))
        ],
        "inclusion": inclusion,
        "consistency": consistency,
    }


def test_our_own_vectors_regenerate_byte_for_byte() -> None:
    assert_regenerates("merkle", _own_vectors())


def test_the_page_of_the_specification_shows_the_vectors() -> None:
    assert assert_page_is_from_vectors("merkle") >= 10
