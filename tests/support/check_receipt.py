"""Check the signatures and proofs in a receipt with nothing but the standard library, PyNaCl and msgpack.

    python check_receipt.py FILE

Written from docs/spec/receipt.md, apart from the program: it imports none of
it, so that a mistake would have to be made twice. It checks that the key of
every log signed a head over the entries given, and that the proposal names the
communes whose logs these are; it does not work out what the exchange comes to.
Exit status 0 and a line for every entry; or 1 and what is wrong.
"""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgpack
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

BEGINNING = bytes.fromhex("89 52 45 43 49 42 4f 0d 0a 1a 0a 01")


class NotProvedError(Exception):
    """The receipt proves nothing."""


@dataclass(frozen=True)
class Proved:
    """An entry that a log's key signed: the log, its commune where a charter opens it, index, id, content."""

    log: bytes
    commune: bytes | None
    index: int
    id: bytes
    record: dict[str, Any]


def need(holds: bool, otherwise: str) -> None:
    """Stop with a reason unless something holds."""
    if not holds:
        raise NotProvedError(otherwise)


def entry_id(log: bytes, index: int, payload: bytes) -> bytes:
    """The leaf hash of an entry."""
    return sha256(b"\x00" + log + index.to_bytes(8, "big") + payload).digest()


def root_of(start: int, end: int, leaves: dict[int, bytes], proof: Iterator[bytes]) -> bytes:
    """The hash of a subtree, as the page defines the multi-proof: from left to right, by recursion."""
    if not any(start <= index < end for index in leaves):
        found = next(proof, None)
        need(found is not None, "a proof has too few hashes")
        assert found is not None
        return found
    if end - start == 1:
        return leaves[start]
    half = 1
    while half * 2 < end - start:
        half *= 2
    left = root_of(start, start + half, leaves, proof)
    return sha256(b"\x01" + left + root_of(start + half, end, leaves, proof)).digest()


def check_head(network: str, log: bytes, size: int, root: bytes, signature: bytes, lines: list[str]) -> None:
    """Check that the log's key signed the head's text."""
    text = [f"trueque/{network}/{log.hex()}", str(size), b64encode(root).decode(), *lines]
    try:
        VerifyKey(log).verify("".join(line + "\n" for line in text).encode(), signature)
    except BadSignatureError:
        raise NotProvedError(f"the entries of the log {log.hex()[:12]} are not what its key signed") from None


def check_excerpt(network: str, excerpt: list[Any]) -> Iterator[Proved]:
    """The entries of one log, all under its head."""
    log, size, signature, lines, opening, indexes, items, proof = excerpt
    need(len(indexes) == len(items) and indexes == sorted(set(indexes)), "the indexes do not ascend")
    need(indexes[0] >= 0 and indexes[-1] < size, "an index is not below the size of the head")
    leaves: dict[int, bytes] = {}
    for index, item in zip(indexes, items, strict=True):
        leaves[index] = entry_id(log, index, item) if isinstance(item, bytes) else item[0]
    hashes = iter(proof)
    root = root_of(0, size, leaves, hashes)
    need(next(hashes, None) is None, "a proof has too many hashes")
    check_head(network, log, size, root, signature, lines)
    first = items[0] if opening is None else opening
    kind = msgpack.unpackb(first)["kind"]
    need(kind in ("charter", "succession"), "the first entry of a log does not say whose it is")
    commune = entry_id(log, 0, first) if kind == "charter" else None
    for index, item in zip(indexes, items, strict=True):
        if isinstance(item, bytes):
            yield Proved(log, commune, index, leaves[index], msgpack.unpackb(item))


def check(data: bytes) -> list[Proved]:
    """Every entry that is proved. Raises NotProvedError."""
    need(data.startswith(BEGINNING), "it is not a receipt of version 1")
    try:
        network, exchange, excerpts, statements, evidence = msgpack.unpackb(data[len(BEGINNING) :])
        need(isinstance(statements, list) and isinstance(evidence, list), "its end is not in its form")
        proved = [entry for excerpt in excerpts for entry in check_excerpt(network, excerpt)]
        proposals = [entry for entry in proved if entry.id == exchange]
        need(len(proposals) == 1, "the proposal is not there")
        parties = proposals[0].record["parties"]
        for entry in proved:
            need(entry.commune is None or entry.commune in parties, "a log is of no party")
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, AttributeError) as error:
        raise NotProvedError(f"it is not a receipt ({error})") from None
    return proved


def main() -> int:
    """Check the file that the command line names."""
    (name,) = sys.argv[1:]
    try:
        proved = check(Path(name).read_bytes())
    except NotProvedError as error:
        sys.stdout.write(f"Proves nothing: {error}.\n")
        return 1
    for entry in proved:
        whose = "of a later log" if entry.commune is None else f"of the commune {entry.commune.hex()}"
        sys.stdout.write(f"{entry.log.hex()} {entry.index}: {entry.record['kind']}, {whose}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
