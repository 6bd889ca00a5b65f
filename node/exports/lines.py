"""Lines: every record that is held as one line of JSON, for programs.

Decides what a line says. Also of what this version cannot interpret, and of
what was erased: a reader is told that something stands there.
"""

from __future__ import annotations

from typing import Any, BinaryIO, Final

import msgspec

from ledger import encoding
from ledger.errors import EncodingError
from ledger.records import CommuneId
from ledger.store.reading import EntryRow

from .. import overview
from ..entries import readable, state_of
from ..shapes import hex_of
from .chosen import Walk

SIGN: Final = b'{"network":"'
"""How each line begins, by which a file of them is known."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """An entry: where it stands, whether it counts, and what it says, as docs/spec/records.md has it."""

    network: str
    id: str
    commune: str | None
    commune_name: str | None
    log: str
    branch: int
    index: int
    state: str
    kind: str | None
    counts: bool
    contested: bool
    at: int | None
    record: Any


def write_lines(walk: Walk, file: BinaryIO) -> int:
    """Write every chosen record as a line; how many there were."""
    encoder = msgspec.json.Encoder()
    names = overview.Names(walk.service.reader)
    count = 0
    for row, commune in walk.records():
        file.write(encoder.encode(_line(row, commune, walk, names)) + b"\n")
        count += 1
    return count


def _line(row: EntryRow, commune: CommuneId | None, walk: Walk, names: overview.Names) -> Line:
    reader, record = walk.service.reader, row.record
    counts, contested = reader.weight(row)
    return Line(
        network=reader.network,
        id=row.id.hex(),
        commune=hex_of(commune),
        commune_name=None if commune is None else names[commune],
        log=row.log.hex(),
        branch=row.branch,
        index=row.index,
        state=state_of(row),
        kind=getattr(record, "kind", None),
        counts=counts,
        contested=contested,
        at=getattr(record, "at", None),
        record=_value(row.payload),
    )


def _value(payload: bytes | None) -> Any:
    """What a payload says, None where it is gone or cannot be read."""
    if payload is None:
        return None
    try:
        return readable(encoding.decode(payload))
    except EncodingError:
        return None
