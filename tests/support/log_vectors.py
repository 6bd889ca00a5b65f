"""Vectors for logs and evidence, from fixed keys: `python -m tests.support.log_vectors` writes them anew.

A second implementation can be checked against tests/vectors/log.json and
evidence.json; tests/ledger/test_log_vectors.py checks that they come out the
same, byte for byte. Binary is given as hex digits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from ledger import merkle
from ledger.evidence import Evidence, Proven, build_evidence, encode_evidence, prove_entry
from ledger.log import Erased, Head, Run, entry_id
from ledger.signing import SigningKey
from tests.support.histories import Author, erased, numbered

FOLDER = Path(__file__).resolve().parents[1] / "vectors"
NETWORK = "comunas"
SEED = bytes(range(32))


def author_of(seed: bytes) -> Author:
    """An author with the key pair of a seed, on the network of the vectors."""
    return Author("vectors", SigningKey(seed), NETWORK)


def log_vectors() -> dict[str, Any]:
    """A log of six entries in three runs; the same runs in other shapes; and what is refused."""
    author = author_of(SEED)
    batches = [[b"Maizal"], [b"100 kg", "yuca fría".encode(), b"\x00"], [b"cine", b"jornada"]]
    for batch in batches:
        author.write(*batch)
    log = author.state.log
    first, second, third = author.runs
    whole = author.run_between(0, third.head)
    late = author.run_between(4, third.head, with_before=True)
    extended = signed(author, msgspec.structs.replace(third.head, extensions=("comarca 7",)))
    return {
        "network": NETWORK,
        "seed": SEED.hex(),
        "log": log.hex(),
        "entries": [
            {
                "index": index,
                "payload": payload.hex(),
                "leaf_data": (log + index.to_bytes(8, "big") + payload).hex(),
                "entry_id": entry_id(log, index, payload).hex(),
            }
            for index, payload in enumerate(author.payloads)
        ],
        "runs": [
            {
                "wire": wire(run),
                "start": run.start,
                "head": head_vector(run.head),
                "compact_range_after": [one.hex() for one in range_of(author, run.head.size)],
            }
            for run in author.runs
        ],
        "head_with_extension_line": head_vector(extended),
        "erased": {
            "comment": "the second run with the payload of index 2 erased; the state after it is the same",
            "wire": wire(erased(second, 2)),
        },
        "from_an_index_on": {
            "comment": "a log opened at index 4: entries 4 and 5 above the compact range of the first 4",
            "wire": wire(late),
        },
        "whole": {"comment": "all six entries under the last head", "wire": wire(whole)},
        "refused": [
            {"comment": comment, "after_size": size, "wire": wire(run)}
            for comment, size, run in (
                ("one payload changed", 1, Run(second.head, 1, (b"900 kg", *second.items[1:]))),
                ("two entries swapped", 1, Run(second.head, 1, second.items[::-1])),
                ("one entry left out", 1, Run(second.head, 1, second.items[:-1])),
                ("a run that does not begin where the log ends", 1, third),
                ("the leaf hash of another entry", 1, Run(second.head, 1, false_leaf(author, second))),
                ("the signature of another head", 1, with_signature(second, first.head)),
                ("signed for the network ensayo", 1, for_another_network(author, second)),
            )
        ],
    }


def evidence_vectors() -> dict[str, Any]:
    """Evidence of forks of several shapes, and what is no evidence."""
    shapes = {
        "at the first entry, heads of one size": (0, 1, 1),
        "after 1 entry": (1, 1, 2),
        "after 5 entries, trees of 8 and 14": (5, 3, 9),
        "after 1024 entries": (1024, 1, 700),
    }
    proved = []
    for comment, (shared, tail, other_tail) in shapes.items():
        evidence = fork(shared, tail, other_tail)
        proved.append(
            {
                "comment": comment,
                "evidence": encode_evidence(evidence).hex(),
                "log": evidence.log.hex(),
                "cut": evidence.cut,
                "leaves": [evidence.first.leaf.hex(), evidence.second.leaf.hex()],
                "heads": [evidence.first.head.to_note(NETWORK), evidence.second.head.to_note(NETWORK)],
            }
        )
    real = fork(5, 3, 9)
    right = encode_evidence(real)
    refused = {
        "the two halves in the wrong order": encode_evidence(Evidence(5, real.second, real.first)),
        "an index past the cut": encode_evidence(later(5, 3, 9)),
        "one half twice": encode_evidence(Evidence(5, real.first, real.first)),
        "another index": encode_evidence(msgspec.structs.replace(real, index=4)),
        "a proof with a hash too many": encode_evidence(
            Evidence(5, replace(real.first, proof=(*real.first.proof, b"\0" * 32)), real.second)
        ),
        "the signature of the other head": encode_evidence(
            Evidence(5, real.first, replace(real.second, head=with_signature_of(real.second, real.first)))
        ),
        "a longer spelling of the same": b"\xdc\x00\x03" + right[1:],
        "cut short": right[:-1],
        "a byte too many": right + b"\x00",
    }
    return {
        "network": NETWORK,
        "seed": SEED.hex(),
        "proved": proved,
        "refused": [{"comment": comment, "evidence": data.hex()} for comment, data in refused.items()],
    }


def fork(shared: int, tail: int, other_tail: int) -> Evidence:
    """Evidence that the log of the vectors goes on in two ways after `shared` entries."""
    halves = []
    for author in branches(shared, tail, other_tail):
        before = range_of(author, shared)
        halves.append(prove_entry(author.runs[-1].head, shared, before, author.leaves[shared:]))
    return build_evidence(shared, halves[0], halves[1], NETWORK)


def later(shared: int, tail: int, other_tail: int) -> Evidence:
    """Two different entries after the cut, which say nothing of where the branches part."""
    index = shared + 1
    halves = [
        Proven(
            author.runs[-1].head, author.leaves[index], tuple(merkle.inclusion_proof(author.leaves, index))
        )
        for author in branches(shared, tail, other_tail)
    ]
    return Evidence(index, halves[0], halves[1])


def branches(shared: int, tail: int, other_tail: int) -> tuple[Author, Author]:
    """The writers of two branches; the one with the smaller head comes first."""
    one = author_of(SEED)
    if shared:
        one.write(*numbered("shared", shared))
    other = one.twin()
    one.write(*numbered("one", tail))
    other.write(*numbered("other", other_tail))
    return one, other


def range_of(author: Author, size: int) -> merkle.CompactRange:
    """The compact range of an author's first entries."""
    return merkle.extend_range(0, (), author.leaves[:size])


def head_vector(head: Head) -> dict[str, Any]:
    """A head in all its forms."""
    return {
        "size": head.size,
        "root": head.root.hex(),
        "signed_text": head.body(NETWORK).decode(),
        "signature": head.signature.hex(),
        "note": head.to_note(NETWORK),
        "wire": wire(head),
    }


def wire(value: Run | Head) -> str:
    """MessagePack as hex digits."""
    return msgspec.msgpack.encode(value).hex()


def replace(half: Proven, **fields: Any) -> Proven:
    """Half of some evidence with other fields."""
    return msgspec.structs.replace(half, **fields)


def signed(author: Author, head: Head, network: str = NETWORK) -> Head:
    """A head with the signature that the author would put under it."""
    return msgspec.structs.replace(head, signature=author.key.sign(head.body(network)))


def with_signature_of(half: Proven, other: Proven) -> Head:
    """The head of one half with the signature of the other."""
    return msgspec.structs.replace(half.head, signature=other.head.signature)


def with_signature(run: Run, other: Head) -> Run:
    """A run whose head has the signature of another one."""
    return msgspec.structs.replace(run, head=msgspec.structs.replace(run.head, signature=other.signature))


def for_another_network(author: Author, run: Run) -> Run:
    """A run whose head is signed for other use."""
    return msgspec.structs.replace(run, head=signed(author, run.head, "ensayo"))


def false_leaf(author: Author, run: Run) -> tuple[bytes | Erased, ...]:
    """A run's items, the first replaced by the leaf hash of the log's first entry."""
    return (Erased(author.leaves[0]), *run.items[1:])


def texts() -> dict[str, str]:
    """The contents of each file."""
    values = {"log.json": log_vectors(), "evidence.json": evidence_vectors()}
    return {name: json.dumps(value, indent=1, ensure_ascii=False) + "\n" for name, value in values.items()}


def main() -> None:
    """Write the files anew."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in texts().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
