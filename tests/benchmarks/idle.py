"""A node at rest with many neighbours: what it takes of the computer, and what it says to each of them.

    python -m tests.benchmarks.idle FOLDER [--neighbours 20] [--live 20] [--seconds 60]

All are nodes of their own, in processes of their own, over loopback, that hold
the same small ledger and recognise each other. Between the one that is measured
and the others lies a plain TCP relay that counts every byte in both directions,
those of TCP and IP themselves aside.
Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner

from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.cli import trueque

from ..support.memory import held, peak
from ..support.nodes import NodeProcess, free_ports
from .gossip import Relay

NETWORK: Final = "ensayo"
SETTLE_SECONDS: Final = 30.0
"""seconds after the last link was made, for all that follows from it"""

_TICKS: Final = os.sysconf("SC_CLK_TCK")


def _say(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(trueque, [*arguments, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def homes_in(folder: Path, count: int) -> list[Path]:
    """The homes of communes that know and recognise each other, each with a few listings."""
    homes = [folder / f"home-{number}" for number in range(count)]
    if homes[-1].exists():
        return homes
    for number, home in enumerate(homes):
        words = folder / f"{home.name}.words"
        _say(
            home,
            "init",
            "--name",
            f"Comuna {number}",
            "--network",
            NETWORK,
            "--yes",
            "--recovery-out",
            str(words),
        )
        for listing in range(3):
            _say(home, "offer", f"Maíz {listing} de {number}")
    _carry(homes)
    for number, home in enumerate(homes):
        for other in (homes[0],) if number else homes[1:]:
            _say(home, "recognise", f"Comuna {homes.index(other)}")
    _carry(homes)
    return homes


def _carry(homes: list[Path]) -> None:
    """Carry all that any of them holds to all of them."""
    runs = []
    for home in homes:
        with Reader(home / "ledger.sqlite") as reader:
            runs += [run for branch in reader.branches() for run in reader.runs(branch.number)]
    for home in homes:
        with Store(home / "ledger.sqlite", NETWORK) as store:
            for _ in store.ingest_all(runs):
                pass


def _computed(process: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _linked(node: NodeProcess) -> int:
    return len(node.api("/api/1/status").json["parts"]["gossip"]["facts"]["peers"])


async def _measured(homes: list[Path], live: int, seconds: float) -> dict[str, Any]:
    (homes[0] / "config.toml").write_text(f"live-links = {live}\n", encoding="utf-8")
    (port,) = free_ports(1)
    relay = Relay(port)
    through = await relay.start()
    with ExitStack() as stack:
        middle = stack.enter_context(NodeProcess(homes[0], "--peer-port", str(port)))
        for home in homes[1:]:
            address = f"127.0.0.1:{through}"
            stack.enter_context(await asyncio.to_thread(NodeProcess, home, "--peer", address))
        wanted, end = min(live, len(homes) - 1), time.monotonic() + 300
        while await asyncio.to_thread(_linked, middle) < wanted and time.monotonic() < end:
            await asyncio.sleep(1)
        await asyncio.sleep(SETTLE_SECONDS)
        process = middle.process.pid
        computed, said, begun = _computed(process), relay.bytes, time.perf_counter()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - begun
        found = {
            "neighbours": len(homes) - 1,
            "live": live,
            "core_percent": 100 * (_computed(process) - computed) / took,
            "bytes_a_minute": (relay.bytes - said) / (took / 60) / (len(homes) - 1),
            "memory": held(process),
            "most_memory": peak(process),
        }
        found["linked"] = await asyncio.to_thread(_linked, middle)
    await asyncio.sleep(0.5)  # for the relay to see that they are gone
    return found


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.idle", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--neighbours", type=int, default=20)
    parser.add_argument("--live", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = str(given.folder / name.lower())  # the nodes' too: nothing elsewhere is touched
    homes = homes_in(given.folder, given.neighbours + 1)
    print(json.dumps(asyncio.run(_measured(homes, given.live, given.seconds))))


if __name__ == "__main__":
    main()
