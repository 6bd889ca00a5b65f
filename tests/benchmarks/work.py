"""One measured piece of work in a process of its own, on one core; prints a line of JSON.

    python -m tests.benchmarks.work store|views|audit|append FOLDER

`FOLDER` holds what `prepare` wrote: the runs of the pinned corpus, encoded, so
that the memory measured is the ledger's and not the corpus's. Rates are given
beside that of PyNaCl's Ed25519 verification in the same process, before and
after the work, since the machine may be shared and slow down at any time.
"""

from __future__ import annotations

import json
import os
import statistics
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from nacl.signing import SigningKey as NaclKey

from ledger.anchor import Anchors
from ledger.audit import audit
from ledger.author import Author
from ledger.log import Run
from ledger.records import Offer, Quantity, to_payload
from ledger.signing import SigningKey
from ledger.store.reading import Reader
from ledger.store.writing import Ingested, Store
from protocol.messages import decode_run, encode_run

from ..support.memory import peak
from .corpus import NETWORK, corpus

MESSAGE_BYTES: Final = 300
VERIFICATIONS: Final = 6_000
APPENDS: Final = 300
WARM_UP: Final = 150
"""appends before those measured: by then the write-ahead log no longer grows, as in a node that runs."""

_LENGTH: Final = struct.Struct(">I")


def prepare(folder: Path, entries: int) -> None:
    """Write the corpus into a folder."""
    made = corpus(entries)
    write_runs(folder / "partners", made.partner_runs)
    write_runs(folder / "main", made.main_runs)


def write_runs(path: Path, runs: Iterable[Run]) -> None:
    """Write runs into a file."""
    with path.open("wb") as file:
        for run in runs:
            encoded = encode_run(run)
            file.write(_LENGTH.pack(len(encoded)) + encoded)


def runs_in(path: Path) -> Iterator[Run]:
    """The runs that `write_runs` wrote."""
    with path.open("rb") as file:
        while length := file.read(_LENGTH.size):
            yield decode_run(file.read(_LENGTH.unpack(length)[0]))


def verifications() -> float:
    """PyNaCl's Ed25519 verifications of a 300-byte message a second."""
    key = NaclKey(bytes(32))
    signed = key.sign(bytes(MESSAGE_BYTES))
    start = time.perf_counter()
    for _ in range(VERIFICATIONS):
        key.verify_key.verify(signed)
    return VERIFICATIONS / (time.perf_counter() - start)


def timed(work: Callable[[], int]) -> dict[str, float]:
    """Do some work over entries; their rate, PyNaCl's, and the ratio of the two."""
    before = verifications()
    start = time.perf_counter()
    entries = work()
    seconds = time.perf_counter() - start
    rate = statistics.mean((before, verifications()))
    return {
        "entries": entries,
        "rate": entries / seconds,
        "verifications": rate,
        "ratio": entries / seconds / rate,
        "memory": peak(),
    }


def _taken(store: Store, path: Path) -> int:
    taken = 0
    for result in store.ingest_all(runs_in(path)):
        assert isinstance(result, Ingested)
        taken += result.new
    return taken


def store(folder: Path, *, views: bool) -> dict[str, float]:
    """Verify and store the main log, its partners' logs being there."""
    path = folder / f"{'views' if views else 'store'}-{os.getpid()}.sqlite"
    with Store(path, NETWORK, views=views) as held:
        _taken(held, folder / "partners")
        result = timed(lambda: _taken(held, folder / "main"))
    if views:
        path.replace(folder / "audited.sqlite")
    return result


def audited(folder: Path) -> dict[str, float]:
    """Audit the ledger that `views` left: the main log's entries and its partners'."""
    with Reader(folder / "audited.sqlite") as reader:
        return timed(lambda: audit(reader).checked.entries)


def append(folder: Path) -> dict[str, float]:
    """Append single entries, durably and with views, in turn with 4 KiB and fdatasync on the same disk."""
    key = SigningKey(bytes(range(32)))
    home = folder / f"append-{os.getpid()}"
    home.mkdir()
    plain = os.open(home / "plain", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    ours: list[float] = []
    theirs: list[float] = []
    from ledger.records import Authority, Charter

    with Store(home / "ledger.sqlite", NETWORK) as held:
        author = Author(held, key, Anchors([home / "anchor", home / "outside" / "anchor"]))
        authority = Authority(keys=(key.public_key,), threshold=1)
        author.append([to_payload(Charter(at=1, authority=authority, name="La Ceiba", network=NETWORK))])
        for number in range(WARM_UP + APPENDS):
            start = time.perf_counter()
            os.write(plain, bytes([number % 251]) * 4096)
            os.fdatasync(plain)
            theirs.append(time.perf_counter() - start)
            record = Offer(
                at=number, category="food-grain", title=f"Maíz {number}", quantity=Quantity(100, 0, "kg")
            )
            start = time.perf_counter()
            author.append([to_payload(record)])
            ours.append(time.perf_counter() - start)
    os.close(plain)
    mine, other = (statistics.median(times[WARM_UP:]) * 1000 for times in (ours, theirs))
    return {"ours_ms": mine, "plain_ms": other, "ratio": mine / other}


def main(arguments: Sequence[str]) -> None:
    """Do what the arguments say, on one core."""
    what, folder = arguments[0], Path(arguments[1])
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    works: dict[str, Callable[[], dict[str, float]]] = {
        "store": lambda: store(folder, views=False),
        "views": lambda: store(folder, views=True),
        "audit": lambda: audited(folder),
        "append": lambda: append(folder),
    }
    print(json.dumps(works[what]()))


if __name__ == "__main__":
    main(sys.argv[1:])
