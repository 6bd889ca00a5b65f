"""The pinned corpus as each of the three takes it: the same entries, in the same runs.

Trueque takes its own runs. Hypercore takes their payloads, byte for byte.
Scuttlebutt can carry nothing but JSON: it takes texts of which the content of a
message has, as JSON, as many bytes as the payload, its own words first.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from ledger.log import Run

from ..corpus import NETWORK
from ..gossip import many_logs
from ..work import prepare, runs_in, write_runs

_WORDS: Final = re.compile(r"[^\W_][\w ,.;:-]{3,}")
_AROUND: Final = len('{"type":"entry","text":""}')


@dataclass(frozen=True, slots=True)
class Corpora:
    """The files of a corpus; `beside` are the logs that Trueque's refers to, None where there are none."""

    ours: Path
    beside: Path | None
    hypercore: Path
    ssb: Path
    entries: int
    payload_bytes: float
    """of an entry, on average"""


def long_log(folder: Path, entries: int) -> Corpora:
    """One log of so many entries; at least 100."""
    folder.mkdir(parents=True)
    prepare(folder, entries)
    return _written(folder, "main", folder / "partners")


def short_logs(folder: Path, logs: int) -> Corpora:
    """So many logs of 20 entries."""
    folder.mkdir(parents=True)
    write_runs(folder / "main", many_logs(logs, NETWORK))
    return _written(folder, "main", None)


def payload_text(payload: bytes) -> str:
    """A text that makes the content of a message as long as the payload, from the payload's own words.

    What is left is filled with hexadecimal digits, which depend on the payload.
    """
    size = max(1, len(payload) - _AROUND)
    words = " ".join(_WORDS.findall(payload.decode(errors="ignore")))
    text = words.encode()[:size].decode(errors="ignore")
    missing = size - len(text.encode())
    filling = sha256(payload).hexdigest() * (missing // 64 + 1)
    return text + filling[:missing]


def payload_base64(payload: bytes) -> str:
    """A payload as lines of JSON carry it."""
    return b64encode(payload).decode()


def _written(folder: Path, name: str, beside: Path | None) -> Corpora:
    ours, hypercore, ssb = folder / name, folder / "hypercore.jsonl", folder / "ssb.jsonl"
    entries = size = 0
    with hypercore.open("w", encoding="utf-8") as blocks, ssb.open("w", encoding="utf-8") as messages:
        for log, payloads in _numbered(runs_in(ours)):
            entries += len(payloads)
            size += sum(map(len, payloads))
            blocks.write(_line(log, map(payload_base64, payloads)))
            messages.write(_line(log, map(payload_text, payloads)))
    return Corpora(ours, beside, hypercore, ssb, entries, size / entries)


def _line(log: int, entries: Iterable[str]) -> str:
    return json.dumps({"log": log, "entries": list(entries)}) + "\n"


def _numbered(runs: Iterable[Run]) -> Iterator[tuple[int, list[bytes]]]:
    """The payloads of runs, with the number of their log, which counts as logs first appear."""
    numbers: dict[bytes, int] = {}
    for run in runs:
        payloads = [item for item in run.items if isinstance(item, bytes)]
        yield numbers.setdefault(run.log, len(numbers)), payloads
