"""Check evidence of a fork with nothing but the standard library and PyNaCl.

    python check_evidence.py NETWORK FILE

Written from docs/spec/evidence.md, apart from the program: it imports none of
it, so that a mistake would have to be made twice. Exit status 0 and a sentence
that names the log and the cut; or 1 and what is wrong.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey


class NotProvedError(Exception):
    """The file proves nothing."""


def read(data: bytes) -> Any:
    """The value of MessagePack bytes: arrays, binary, text and integers, each in its shortest form."""
    value, end = _value(data, 0)
    need(end == len(data), "there are bytes after the evidence")
    return value


def _value(data: bytes, at: int) -> tuple[Any, int]:
    first = _take(data, at, 1)[0]
    at += 1
    if first < 0x80:
        return first, at
    if 0x90 <= first < 0xA0:
        return _array(data, at, first & 0x0F)
    if 0xA0 <= first < 0xC0:
        return _take(data, at, first & 0x1F).decode("ascii"), at + (first & 0x1F)
    # type byte: (bytes of the number that follows, smallest value that needs as many, what it counts)
    long_forms = {
        0xC4: (1, 0, "bin"),
        0xC5: (2, 1 << 8, "bin"),
        0xCC: (1, 1 << 7, "int"),
        0xCD: (2, 1 << 8, "int"),
        0xCE: (4, 1 << 16, "int"),
        0xCF: (8, 1 << 32, "int"),
        0xD9: (1, 1 << 5, "str"),
        0xDC: (2, 1 << 4, "array"),
    }
    need(first in long_forms, f"a byte {first:#04x} has no place in evidence")
    width, least, what = long_forms[first]
    number = int.from_bytes(_take(data, at, width), "big")
    at += width
    need(number >= least, "a header is longer than needed")
    if what == "int":
        return number, at
    if what == "array":
        return _array(data, at, number)
    content = _take(data, at, number)
    return content if what == "bin" else content.decode("ascii"), at + number


def _array(data: bytes, at: int, count: int) -> tuple[list[Any], int]:
    values = []
    for _ in range(count):
        value, at = _value(data, at)
        values.append(value)
    return values, at


def _take(data: bytes, at: int, count: int) -> bytes:
    need(at + count <= len(data), "the evidence is cut short")
    return data[at : at + count]


def need(holds: bool, otherwise: str) -> None:
    """Stop with a reason unless something holds."""
    if not holds:
        raise NotProvedError(otherwise)


def are_bytes(count: int, *values: object) -> bool:
    """Whether all values are binary of this length."""
    return all(isinstance(value, bytes) and len(value) == count for value in values)


def check_signature(head: list[Any], network: str) -> None:
    """Check that the log's key signed the head's text."""
    log, size, root, signature, extensions = head
    lines = [f"trueque/{network}/{log.hex()}", str(size), b64encode(root).decode(), *extensions]
    try:
        VerifyKey(log).verify("".join(line + "\n" for line in lines).encode(), signature)
    except BadSignatureError:
        raise NotProvedError(f"the head of size {size} is not signed by its log") from None


def climb(index: int, size: int, leaf: bytes, proof: list[bytes]) -> tuple[bytes, list[bytes]]:
    """The root that a proof leads to (recursively, as RFC 6962 defines a path), and its left siblings."""
    if size == 1:
        need(not proof, "a proof is too long")
        return leaf, []
    need(bool(proof), "a proof is too short")
    half = 1
    while half * 2 < size:
        half *= 2
    *below, sibling = proof
    if index < half:
        node, left = climb(index, half, leaf, below)
        return sha256(b"\x01" + node + sibling).digest(), left
    node, left = climb(index - half, size - half, leaf, below)
    return sha256(b"\x01" + sibling + node).digest(), [sibling, *left]


def check(data: bytes, network: str) -> tuple[str, int]:
    """The log that forked, as hex digits, and the cut. Raises NotProvedError."""
    try:
        index, *branches = read(data)
        (first, second) = branches
        before = []
        for (log, size, root, signature, extensions), leaf, proof in branches:
            need(are_bytes(32, log, root, leaf, *proof) and are_bytes(64, signature), "a length is wrong")
            need(isinstance(index, int) and isinstance(size, int) and index < size, "an index is not covered")
            need(all(isinstance(line, str) and line.isprintable() for line in extensions), "a line is bad")
            top, left = climb(index, size, leaf, proof)
            need(top == root, f"the proof does not lead to the root of the head of size {size}")
            before.append(left)
            check_signature([log, size, root, signature, extensions], network)
        (head1, leaf1, _), (head2, leaf2, _) = first, second
        need(head1[0] == head2[0], "the heads are of two logs")
        need((head1[1], head1[2]) < (head2[1], head2[2]), "the heads are not in order")
        need(leaf1 != leaf2, "the entries are the same")
        need(before[0] == before[1], "the branches differ already before that index")
    except (TypeError, ValueError, RecursionError, AttributeError) as error:
        raise NotProvedError(f"it is not evidence ({error})") from None
    return head1[0].hex(), index


def main() -> int:
    """Check the file that the command line names."""
    network, name = sys.argv[1:]
    try:
        log, cut = check(Path(name).read_bytes(), network)
    except NotProvedError as error:
        sys.stdout.write(f"Proves nothing: {error}.\n")
        return 1
    sys.stdout.write(f"Log {log} forked: two different entries have index {cut}.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
