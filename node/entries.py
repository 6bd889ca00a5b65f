"""Entries: one as it is, with what anybody needs to check it with other tools.

Decides what is given of an entry, its proof and the head over it, for the
command and the pages alike (docs/reference/json.md, "Entry as it is").
"""

from __future__ import annotations

from typing import Any

from ledger import encoding
from ledger.errors import EncodingError
from ledger.records import Malformed, Uninterpreted
from ledger.store.reading import EntryRow, Reader


def state_of(row: EntryRow) -> str:
    """What is held of an entry: `record`, `uninterpreted`, `malformed` or `erased`."""
    match row.record:
        case None:
            return "erased"
        case Uninterpreted():
            return "uninterpreted"
        case Malformed():
            return "malformed"
    return "record"


def as_it_is(row: EntryRow, reader: Reader) -> dict[str, Any]:
    """An entry with its payload, inclusion proof and head, in the form of JSON."""
    proven = reader.proof(row.branch, row.index)
    value: Any = None
    if row.payload is not None:
        try:
            value = readable(encoding.decode(row.payload))
        except EncodingError:
            value = None
    return {
        "id": row.id.hex(),
        "log": row.log.hex(),
        "index": row.index,
        "state": state_of(row),
        "record": value,
        "payload": None if row.payload is None else row.payload.hex(),
        "proof": [step.hex() for step in proven.proof],
        "head": proven.head.to_note(reader.network),
    }


def readable(value: Any) -> Any:
    """A decoded payload as JSON can hold it: bytes in hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: readable(item) for key, item in value.items()}
    return [readable(item) for item in value] if isinstance(value, list) else value
