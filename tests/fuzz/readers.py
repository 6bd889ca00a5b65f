"""Readers: everything that reads bytes of others, with the one error that it declares.

Those of the protocol are found by their names, so that one that is added is
among them: functions `decode_...` and `read_...` of bytes, or of packed bytes.
"""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ledger import encoding, evidence, note, receipt, records
from ledger.errors import EncodingError, EvidenceError, NoteError, ReceiptError
from node import hints
from node.errors import AnnouncementRefused
from protocol import frames
from protocol.bundle import MAGIC, BundleReader
from protocol.compact import Unpacker
from protocol.errors import BundleError, FrameError, MessageError, ReconcileError

from ..support.vectors import FOLDER
from .junk import modules

_HEX = re.compile(r'"((?:[0-9a-f]{2}){1,10000})"')


class Reader(NamedTuple):
    """What reads bytes, and what it may raise."""

    name: str
    read: Callable[[bytes], Any]
    error: type[Exception] | tuple[type[Exception], ...]

    def takes(self, data: bytes) -> bool:
        """Whether it reads some bytes, rather than refusing them as it declares."""
        try:
            self.read(data)
        except self.error:
            return False
        return True


def samples_for(reader: Reader, heard: Iterable[bytes]) -> list[bytes]:
    """What a reader takes, of all bytes in the project's vectors and of those given."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.json"))]
    pool = {bytes.fromhex(one) for text in texts for one in _HEX.findall(text)} | set(heard)
    return sorted(filter(reader.takes, pool))


def readers() -> list[Reader]:
    """All readers there are."""
    return [*_of_the_protocol(), *_OTHERS]


def _of_the_protocol() -> list[Reader]:
    found = []
    for module in modules():
        for name, read in inspect.getmembers(module, inspect.isfunction):
            if read.__module__ != module.__name__ or not name.startswith(("decode_", "read_")):
                continue
            first, *rest = [parameter.annotation for parameter in inspect.signature(read).parameters.values()]
            called = f"{module.__name__}.{name}"
            if first == "bytes" and not rest and read is not frames.read_header:
                found.append(Reader(called, read, MessageError))
            elif first == "Unpacker":
                found.append(Reader(called, _packed(read, rest), ReconcileError))
    return found


def _packed(read: Callable[..., Any], rest: list[str]) -> Callable[[bytes], Any]:
    """A reader of packed bytes as one of bytes; what else it is given is drawn from them."""
    given: dict[str, Callable[[bytes], Any]] = {
        "Path": lambda data: tuple(byte & 15 for byte in data[:3]),
        "int": len,
    }

    def unpack(data: bytes) -> Any:
        found = read(Unpacker(data), *(given[kind](data) for kind in rest))
        return list(found) if inspect.isgenerator(found) else found

    return unpack


def _path_in(data: bytes) -> tuple[int, ...]:
    return tuple(byte & 15 for byte in data[:3])


def _frame(data: bytes) -> None:
    header = frames.read_header(data[: frames.HEADER.size].ljust(frames.HEADER.size, b"\x00"))
    frames.Joiner().take(header, data[frames.HEADER.size :])


def _bundle(data: bytes) -> None:
    list(BundleReader(io.BytesIO(MAGIC + b"\x01\x06ensayo" + data)))


def _receipt(data: bytes) -> None:
    receipt.verify_receipt(receipt.MAGIC + bytes([receipt.VERSION]) + data)


_OTHERS = [
    Reader("protocol.frames", _frame, FrameError),
    Reader("protocol.bundle.BundleReader", _bundle, BundleError),
    Reader("ledger.encoding.decode", encoding.decode, EncodingError),
    Reader("ledger.records.parse", records.parse, ()),
    Reader("ledger.records.reread", records.reread, ()),
    Reader("ledger.evidence.decode_evidence", evidence.decode_evidence, EvidenceError),
    Reader("ledger.receipt.verify_receipt", _receipt, ReceiptError),
    Reader("ledger.note.open_note", lambda data: note.open_note(data, []), NoteError),
    Reader("node.hints.read_text", hints.read_text, AnnouncementRefused),
]
