"""The Merkle tree of a log: hashes, roots, proofs, and the compact range.

Decides what a tree of leaf hashes hashes to (RFC 6962, section 2.1) and what
proves that a leaf stands in it or that one tree is the beginning of another
(RFC 9162, sections 2.1.3 and 2.1.4). What a leaf hashes is `log`'s to say; who
signs a root is `note`'s and `log`'s.

Hashes are 32 bytes of SHA-256. Trees are built level by level: neighbours are
hashed in pairs, and a last node without a neighbour moves up unchanged, which
gives the same tree as the recursive definition of the RFC.

The functions that verify take whatever bytes and numbers came from outside
and say False to all that is not a proof. Those that build raise ValueError on
arguments that make no sense, which is always a mistake of the caller.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeAlias

from .limits import HASH_BYTES

CompactRange: TypeAlias = tuple[bytes, ...]
"""The roots of the full subtrees on a tree's right edge, largest first.

A tree of `size` leaves has as many as `size` has bits set; the lowest bit is
the last. It is all that one needs to keep in order to extend the tree.
"""

EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256 of the byte 0x00 and `data` (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of 0x01, `left` and `right` (RFC 6962, section 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def _level_above(nodes: Sequence[bytes]) -> list[bytes]:
    """The level above these nodes of one level. `node_hash` is written out: most time is spent here."""
    pairs = zip(nodes[::2], nodes[1::2], strict=False)  # a last node without a neighbour is left out
    above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(nodes) & 1:
        above.append(nodes[-1])
    return above


# Roots -----------------------------------------------------------------------------------------------


def extend_range(size: int, compact: CompactRange, leaves: Sequence[bytes]) -> CompactRange:
    """The compact range of a tree of `size` leaves after `leaves` (leaf hashes) are appended to it.

    Hashes about once a leaf, and once a level besides. Raises ValueError if
    `compact` cannot belong to a tree of `size` leaves or a leaf is not 32 bytes.
    """
    _check_range(size, compact)
    if not set(map(len, leaves)) <= {HASH_BYTES}:
        raise ValueError(f"a leaf hash is not {HASH_BYTES} bytes long")
    standing = list(compact)
    edge: list[bytes] = []  # the new right edge, smallest subtree first
    nodes = list(leaves)  # full subtrees of one level, next to each other
    position = size  # of the first of them, counted in subtrees of that level
    while nodes:
        if position & 1:  # it is a right child: its left sibling is the smallest subtree that stands
            nodes.insert(0, standing.pop())
        if len(nodes) & 1:
            edge.append(nodes.pop())
        nodes = _level_above(nodes)
        position >>= 1
    return (*standing, *reversed(edge))


def range_root(size: int, compact: CompactRange) -> bytes:
    """The root of the tree of `size` leaves that has this compact range.

    Raises ValueError if `compact` cannot belong to a tree of `size` leaves.
    """
    _check_range(size, compact)
    if not compact:
        return EMPTY_ROOT
    *larger, node = compact
    for left in reversed(larger):
        node = node_hash(left, node)
    return node


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The root of the tree with these leaf hashes: MTH of RFC 6962, section 2.1."""
    return range_root(len(leaf_hashes), extend_range(0, (), leaf_hashes))


def subtree_hash(leaf_hashes: Sequence[bytes], start: int, end: int) -> bytes:
    """The root over `leaf_hashes[start:end]`, which is a node of the tree with these leaf hashes.

    It is one where `start` is a multiple of a power of two that is not less
    than `end - start`, and the subtree is either full (its size is that power)
    or ends at the right edge. Raises ValueError for any other range.
    """
    size = end - start
    if not 0 <= start < end <= len(leaf_hashes):
        raise ValueError(f"no leaves {start} to {end} in a tree of {len(leaf_hashes)}")
    span = 1 << (size - 1).bit_length()  # the smallest power of two that is not less than size
    if start % span or (size != span and end != len(leaf_hashes)):
        raise ValueError(f"leaves {start} to {end} are no subtree of a tree of {len(leaf_hashes)}")
    return root(leaf_hashes[start:end])


def _check_range(size: int, compact: CompactRange) -> None:
    if size < 0 or len(compact) != size.bit_count():
        raise ValueError(f"{len(compact)} hashes are no compact range of a tree of {size}")


# Proofs ----------------------------------------------------------------------------------------------


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings on the way from leaf `index` to the root, from the bottom up.

    PATH of RFC 6962, section 2.1.1. Hashes the whole tree once. Raises
    ValueError if there is no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise ValueError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    return _path(leaf_hashes, index)


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int) -> list[bytes]:
    """What proves that the first `size1` leaves are the beginning of the tree with these leaf hashes.

    PROOF of RFC 6962, section 2.1.2; empty where `size1` is the whole tree.
    Hashes the whole tree once. Raises ValueError if `size1` is 0 (nothing can
    be proved about the empty tree) or more than there are leaves.
    """
    if not 1 <= size1 <= len(leaf_hashes):
        raise ValueError(f"no first {size1} leaves in a tree of {len(leaf_hashes)}")
    if size1 == len(leaf_hashes):
        return []
    # The proof is the path of the last full subtree of the smaller tree, preceded by that subtree
    # unless it is the whole of the smaller tree, whose root the verifier has.
    nodes = leaf_hashes
    index = size1 - 1
    while index & 1:
        nodes = _level_above(nodes)
        index >>= 1
    path = _path(nodes, index)
    return path if index == 0 else [nodes[index], *path]


def _path(nodes: Sequence[bytes], index: int) -> list[bytes]:
    """The siblings on the way from node `index` of one level to the root, from the bottom up."""
    path = []
    while len(nodes) > 1:
        sibling = index ^ 1
        if sibling < len(nodes):  # else the node is alone and moves up
            path.append(nodes[sibling])
        nodes = _level_above(nodes)
        index >>= 1
    return path


def _turns(index: int, last: int) -> list[bool]:
    """For each sibling on the way up from node `index` of a level whose last is `last`: is it to the left?"""
    turns = []
    while last:
        if index & 1:
            turns.append(True)
        elif index < last:
            turns.append(False)
        index >>= 1
        last >>= 1
    return turns


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether `proof` shows that leaf `index` of the tree of `size` leaves under `root` is `leaf_hash`.

    RFC 9162, section 2.1.3.2. False, never an error, for any other bytes and numbers.
    """
    if not (0 <= index < size and _are_hashes(leaf_hash, root, *proof)):
        return False
    turns = _turns(index, size - 1)
    if len(turns) != len(proof):
        return False
    node = leaf_hash
    for is_left, sibling in zip(turns, proof, strict=True):
        node = node_hash(sibling, node) if is_left else node_hash(node, sibling)
    return node == root


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> bool:
    """Whether `proof` shows that the tree (`size1`, `root1`) is the beginning of the tree (`size2`, `root2`).

    RFC 9162, section 2.1.4.2; beyond it, equal sizes are consistent where the
    roots are equal and the proof is empty. False, never an error, for any
    other bytes and numbers, and for `size1` 0, of which nothing can be proved.
    """
    if not (1 <= size1 <= size2 and _are_hashes(root1, root2, *proof)):
        return False
    if size1 == size2:
        return not proof and root1 == root2
    if not proof:
        return False
    index, last = size1 - 1, size2 - 1
    while index & 1:  # up to the last full subtree of the smaller tree
        index >>= 1
        last >>= 1
    start, *siblings = (root1, *proof) if index == 0 else proof
    turns = _turns(index, last)
    if len(turns) != len(siblings):
        return False
    node1 = node2 = start
    for is_left, sibling in zip(turns, siblings, strict=True):
        if is_left:
            node1 = node_hash(sibling, node1)
            node2 = node_hash(sibling, node2)
        else:
            node2 = node_hash(node2, sibling)
    return node1 == root1 and node2 == root2


def left_siblings(index: int, size: int, proof: Sequence[bytes]) -> list[bytes]:
    """The hashes of an inclusion proof that lie to the left of its leaf, largest subtree first.

    They are the compact range of the first `index` leaves: two proofs of one
    index agree in them exactly where the leaves before it are the same. Holds
    of a proof that `verify_inclusion` has accepted; raises ValueError if
    `proof` has not the length of one.
    """
    turns = _turns(index, size - 1) if 0 <= index < size else None
    if turns is None or len(turns) != len(proof):
        raise ValueError(f"{len(proof)} hashes are no inclusion proof of leaf {index} in a tree of {size}")
    return [sibling for is_left, sibling in zip(turns, proof, strict=True) if is_left][::-1]


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
