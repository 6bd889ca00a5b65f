"""Let communes live under bad weather for a while, and check every promise in the end.

    python -m tests.soak FOLDER --minutes 20 --nodes 10 --seed 1

Prints what happened and what was found as one JSON object; exit status 1 if a
promise was broken. `FOLDER` must not exist; homes and journals stay there to be
looked at. Where this user may not mount, no disk is filled, and it says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any, Final

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ..support.nodes import free_ports
from .commune import Commune
from .promises import become_even, broken
from .weather import Weather
from .wires import Wires

_MOUNTS: Final = "TRUEQUE_SOAK_MOUNTS"
"""set in the process whose mounts are its own, and go with it"""
_DISKS: Final = 3
"""communes that live on a small disk of their own"""
_DISK_SIZE: Final = "96m"
_NAMES: Final = (
    "El Valle", "Los Montes", "La Ceiba", "Río Claro", "Las Trincheras", "El Tocuyo", "Caño Amarillo",
    "La Guadalupana", "Altos de Lídice", "El Maizal", "Monte Carmelo", "Sanare",
)  # fmt: skip


class Soak:
    """One run: who takes part, and how they are joined."""

    def __init__(self, folder: Path, nodes: int, seed: int, disks: bool) -> None:
        self.random = Random(seed)
        self.wires = Wires()
        self.communes = []
        ports = free_ports(nodes)
        for number, port in enumerate(ports):
            place = folder / f"{number:02}"
            place.mkdir(parents=True)
            if disks and number < _DISKS:
                subprocess.run(
                    ["mount", "-t", "tmpfs", "-o", f"size={_DISK_SIZE}", "none", place], check=True
                )
            name = f"{_NAMES[number % len(_NAMES)]} {number}"
            self.communes.append(Commune(name, place, port, self.random.getrandbits(32)))
        self.disks = self.communes[:_DISKS] if disks else []
        self.between = {
            (one, other): self.wires.lay(ports[other])
            for one in range(nodes)
            for other in sorted({(one + 1) % nodes, (one + 3) % nodes} - {one})
        }
        for (one, _), wire in self.between.items():
            self.communes[one].wires.append(wire)

    def join(self, commune: Commune) -> None:
        """Found a commune, and have it and one that is there already recognise each other."""
        commune.found()
        present = [each for each in self.communes if each.joined]
        if present:
            new = commune.id
            for _ in range(60):
                gate = self.random.choice(present)
                try:
                    gate.recognise(new)
                    commune.recognise(gate.id)
                    break
                except (RuntimeError, ValueError):
                    time.sleep(1)  # its disk is full, or it does not run and somebody else starts it
            else:
                raise RuntimeError(f"nobody could recognise {commune.name}")
        commune.start()
        commune.begin()

    def close(self) -> None:
        """Leave nothing running."""
        for commune in self.communes:
            commune.end()
        for commune in self.communes:
            if commune.runs:
                commune.kill()
            commune.clock.close()
        for commune in self.disks:
            # What lies on a disk of its own is gone with this process: a copy stays to be looked at.
            place = commune.home.parent
            shutil.copytree(place, place.with_name(f"{place.name}-kept"))
        self.wires.close()


def run(folder: Path, minutes: float, nodes: int, seed: int, disks: bool) -> dict[str, Any]:
    """Let it all happen; what came of it."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), transient=True)
    soak = Soak(folder, nodes, seed, disks)
    try:
        with bar:
            for commune in soak.communes[: max(2, nodes * 2 // 3)]:
                soak.join(commune)
            weather = Weather(soak.communes, soak.between, soak.random, soak.join, soak.disks)
            living = bar.add_task("living", total=minutes * 60)
            weather.blow(minutes * 60, lambda seconds: bar.update(living, completed=seconds))
            weather.clear()
            for commune in soak.communes:
                commune.end()
            evening = bar.add_task("becoming even", total=nodes)
            even = become_even(soak.communes, lambda alike: bar.update(evening, completed=alike))
            for commune in soak.communes:
                weather.slowest_stop = max(weather.slowest_stop, commune.leave())
            checking = bar.add_task("checking", total=nodes)
            found = list(weather.faults)
            if even is None:
                found.append("the communes never came to hold the same")
            found += broken(soak.communes, lambda done: bar.update(checking, completed=done))
    finally:
        soak.close()
    told = [commune.told for commune in soak.communes]
    return {
        "seed": seed,
        "minutes": minutes,
        "nodes": nodes,
        "disks_filled": disks,
        "happened": dict(weather.happened),
        "acknowledged": dict(sum((Counter(each.acknowledged.values()) for each in told), Counter())),
        "refused": dict(sum((each.refused for each in told), Counter())),
        "unanswered": sum(each.unanswered for each in told),
        "even_after_seconds": None if even is None else round(even, 1),
        "slowest_stop_seconds": round(weather.slowest_stop, 2),
        "most_memory_mb": round(max(commune.most_memory for commune in soak.communes), 1),
        "broken": found,
    }


def main() -> int:
    """Run as the arguments say; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("folder", type=Path, help="must not exist")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.folder.exists():
        parser.error(f"{given.folder} exists already: name a folder that does not")
    if given.nodes < 4:
        parser.error("at least 4 nodes")
    own = [sys.executable, "-m", "tests.soak", *sys.argv[1:]]
    may = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    if may and _MOUNTS not in os.environ:
        os.execvpe("unshare", ["unshare", "--mount", *own], {**os.environ, _MOUNTS: "1"})
    if not may:
        print("This user may not mount: no disk will be full.", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what is told to end leaves nothing running
    given.folder.mkdir(parents=True)
    found = run(given.folder, given.minutes, given.nodes, given.seed, may)
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 1 if found["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
