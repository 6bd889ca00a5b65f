"""What has to be so when a soak is over; each broken promise is a sentence.

Everything is read from the homes as they lie on the disk, by commands that know
nothing of the soak.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from ledger.store.reading import Reader

from .commune import Commune

Held = frozenset[tuple[bytes, int, bytes]]
"""of each branch held: its log, its size, its root"""

EVEN_SECONDS: Final = 300.0
"""seconds that a network may take to be even again once all is well; back-off may be minutes long by then"""
MOST_MEMORY: Final = 200.0
"""MB that a node may take at most"""
USUAL: Final = frozenset({"sides-disagree", "over-delivered", "over-committed", "dispute-open"})
"""warnings of the audit that honest people bring about by what they say"""


def held_in(home: Path) -> Held:
    """What a ledger holds."""
    with Reader(home / "ledger.sqlite") as reader:
        return frozenset((bytes(each.log), each.size, bytes(each.root)) for each in reader.branches())


def become_even(communes: Sequence[Commune], told: Callable[[int], None]) -> float | None:
    """Wait until all hold the same; how many seconds that took, or None if they never do.

    `told` hears how many of them hold what the first one holds.
    """
    begun = time.monotonic()
    while time.monotonic() < begun + EVEN_SECONDS:
        all_held = [held_in(commune.home) for commune in communes]
        alike = all_held.count(all_held[0])
        told(alike)
        if alike == len(communes):
            return time.monotonic() - begun
        time.sleep(0.5)
    return None


def broken(communes: Sequence[Commune], told: Callable[[int], None]) -> Iterator[str]:
    """Every promise that was broken; no node may run any more. `told` hears how many homes were looked at."""
    first = communes[0]
    acknowledged = {entry for commune in communes for entry in commune.told.acknowledged}
    copies = {}
    for number, commune in enumerate(communes):
        told(number)
        yield from _answers(commune)
        yield from _journal(commune)
        with Reader(commune.home / "ledger.sqlite") as reader:
            entries = {row.id.hex() for branch in reader.branches() for row in reader.entries(branch.number)}
            accused = [evidence.log.hex() for evidence in reader.evidence()]
        if lost := acknowledged - entries:
            yield f"{commune.name} lacks {len(lost)} acknowledged entries, of them {min(lost)}"
        if accused:
            yield f"{commune.name} holds evidence against honest logs: {accused}"
        yield from _audited(commune)
        copies[commune.name] = exported(commune)
        if copies[commune.name] != copies[first.name]:
            yield f"{commune.name} tells another story of the same entries than {first.name}"
        rebuilt = commune.command("rebuild")
        if rebuilt.returncode != 0 or exported(commune) != copies[commune.name]:
            yield f"{commune.name} tells another story once its views are built anew: {rebuilt.stderr}"


def exported(commune: Commune) -> str:
    """Offers, needs and exchanges as a home tells them: homes that hold the same say it byte for byte."""
    done = commune.command("export", "--format", "valueflows", "--all")
    return done.stdout if done.returncode == 0 else f"{commune.name}: {done.stderr}"


def _answers(commune: Commune) -> Iterator[str]:
    for answer in commune.told.broken:
        yield f"{commune.name} answered what no node may answer: {answer}"
    if commune.most_memory > MOST_MEMORY:
        yield f"the node of {commune.name} took {commune.most_memory:.0f} MB"


def _journal(commune: Commune) -> Iterator[str]:
    for line in commune.home.with_name("home.journal").read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            # A kill may cut a line; a traceback is one that no kill explains.
            if "Traceback" in line:
                yield f"the node of {commune.name} wrote a traceback: see its journal"
            continue
        if event.get("event") == "fault":
            yield f"the node of {commune.name} had a fault: {line}"


def _audited(commune: Commune) -> Iterator[str]:
    done = commune.command("audit", "--json")
    if done.returncode not in (0, 1):
        yield f"the audit of {commune.name} failed: {done.stderr}"
        return
    for finding in json.loads(done.stdout)["findings"]:
        if finding["severity"] == "info" or finding["code"] in USUAL:
            continue
        yield f"the audit of {commune.name} found {finding['code']}: {finding['sentence']}"
