"""One commune of the soak: its home, node, clock and disk, and somebody who posts and deals all the time.

Whatever the node acknowledged is noted; what it refused counts by the class of
the refusal; a question that nobody answered was one that may or may not have
been heard, as for people.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

from ..support.memory import peak
from ..support.nodes import START, Answer, NodeProcess
from ..support.shared import CHECKOUT
from .clocked import FILE, Clock
from .wires import Wire

NETWORK: Final = "soak"
STOP_SECONDS: Final = 5.0
"""seconds within which a node has to be gone that was told to stop"""
START_SECONDS: Final = 60.0
"""seconds within which a node has to listen, on a machine that does ten things at once"""
_GOODS: Final = (
    ("Maíz blanco", "food-grain", "kg"),
    ("Yuca recién sacada", "food-tubers", "kg"),
    ("Jornada de trabajo", "farm-work", "jornada"),
    ("Clavos", "tools", "kg"),
)


@dataclass
class Told:
    """What a commune's node has answered to whoever posts."""

    acknowledged: dict[str, str] = field(default_factory=dict)
    """ids of entries that were signed, and of which kind they are"""
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    broken: list[str] = field(default_factory=list)
    """answers that no node may give"""


class Commune:
    """A commune's home and all that goes on in it; one thread posts, another decides how the node fares."""

    def __init__(self, name: str, folder: Path, peer_port: int, seed: int) -> None:
        self.name = name
        self.home = folder / "home"
        self.id = ""
        """the commune's, once it is founded"""
        self.told = Told()
        self.joined = False
        self.most_memory = 0.0
        self.wires: list[Wire] = []
        self.clock = Clock(folder / "clock")
        self._words = folder / "words"
        self._folder = folder
        self._peer_port = peer_port
        self._random = Random(seed)
        self._node: NodeProcess | None = None
        self._over = threading.Event()
        self._poster = threading.Thread(target=self._post_for_ever, name=f"{name} posts")

    # --- its node --------------------------------------------------------------------------------

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the home."""
        return subprocess.run(
            [sys.executable, "-c", START, "--language", "en", *arguments, "--home", str(self.home)],
            cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    def found(self) -> None:
        """Open the commune's log."""
        made = self.command("init", "--name", self.name, "--network", NETWORK, "--yes",
                            "--recovery-out", str(self._words))  # fmt: skip
        if made.returncode != 0:
            raise RuntimeError(f"{self.name} could not be founded: {made.stderr}")
        (self.home / "config.toml").write_text("hops = 8\n")
        rows = json.loads(self.command("communes", "--json").stdout)
        self.id = next(row["id"] for row in rows if row["kind"] == "own")

    def recognise(self, other: str) -> None:
        """Say so publicly, by the id."""
        said = self.command("recognise", other)
        if said.returncode != 0:
            raise RuntimeError(f"{self.name} could not recognise {other}: {said.stderr}")

    @property
    def runs(self) -> bool:
        """Whether its node does."""
        return self._node is not None and self._node.process.poll() is None

    def start(self) -> None:
        """Start the node; RuntimeError if it does not come up."""
        peers = [each for wire in self.wires for each in ("--peer", f"127.0.0.1:{wire.port}")]
        self._node = NodeProcess(
            self.home, "--peer-port", str(self._peer_port), "--log-json", *peers,
            start="from tests.soak.clocked import main; main()",
            environment={"PYTHONPATH": str(CHECKOUT), FILE: str(self._folder / "clock")},
        )  # fmt: skip
        if not self._node.started:
            status = self._node.process.wait(START_SECONDS)
            raise RuntimeError(f"the node of {self.name} did not start: status {status}; see its journal")

    def leave(self) -> float:
        """Stop the node, and say how many seconds that took; RuntimeError if it does not end well."""
        node = self._measured()
        before = time.monotonic()
        status = node.stop()
        if status != 0:
            raise RuntimeError(f"the node of {self.name} ended with status {status}")
        return time.monotonic() - before

    def kill(self) -> None:
        """End the node as a power cut would."""
        self._measured().kill()

    def _measured(self) -> NodeProcess:
        assert self._node is not None
        if self.runs:
            self.most_memory = max(self.most_memory, peak(self._node.process.pid))
        return self._node

    def ask(self, path: str, value: Any = None) -> Answer | None:
        """A question to its API; None if nobody answers."""
        node = self._node
        if node is None or not self.runs:
            return None
        try:
            return node.api(path, value)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return None  # it was killed meanwhile, or starts and has written no token yet

    # --- who posts -------------------------------------------------------------------------------

    def begin(self) -> None:
        """Post and deal from now on."""
        self.joined = True
        self._poster.start()

    def end(self) -> None:
        """Post no more."""
        self._over.set()
        if self._poster.ident is not None:
            self._poster.join()

    def _post_for_ever(self) -> None:
        while not self._over.wait(self._random.expovariate(1.0)):
            try:
                self._act()
            except (KeyError, TypeError, ValueError) as fault:
                self.told.broken.append(f"not to be understood: {fault!r}")

    def _act(self) -> None:
        """One thing that a secretary does: most of it is dealing, where there is something to do."""
        choice = self._random.random()
        if choice < 0.6 and self._deal():
            return
        if choice < 0.8:
            self._propose()
        else:
            self._post()

    def _post(self) -> None:
        title, category, unit = self._random.choice(_GOODS)
        self._sign(
            "listing",
            "/api/1/listings",
            kind=self._random.choice(["offer", "need"]),
            title=f"{title} de {self.name}",
            category=category,
            quantity=str(self._random.randrange(1, 500)),
            unit=unit,
        )

    def _propose(self) -> None:
        others = [row for row in self._rows("/api/1/communes?limit=50") if row["kind"] != "own"]
        if not others:
            return
        things = [
            {"title": title, "quantity": str(self._random.randrange(1, 50)), "unit": unit}
            for title, _, unit in self._random.sample(_GOODS, 2)
        ]
        to = self._random.choice(others)["id"]
        self._sign("proposal", "/api/1/exchanges", to=to, gives=things[:1], takes=things[1:])

    def _deal(self) -> bool:
        """Take one step that some exchange waits for; whether there was one."""
        waiting = [
            (row["id"], step)
            for row in self._rows("/api/1/exchanges?waiting=true&limit=50")
            for step in row["waiting_for"]
            if step["commune"] == self.id and step["kind"] in ("accept", "deliver", "receive")
        ]
        if not waiting:
            return False
        exchange, step = self._random.choice(waiting)
        kind = step["kind"]
        if kind == "accept" and self._random.random() < 0.2:
            kind = "decline"
        given = {} if step["transfer"] is None else {"transfer": step["transfer"]}
        self._sign(kind, f"/api/1/exchanges/{exchange}/{kind}", **given)
        return True

    def _rows(self, path: str) -> Sequence[dict[str, Any]]:
        answer = self.ask(path)
        if answer is None or answer.status != 200:
            return ()
        rows: Sequence[dict[str, Any]] = answer.json["items"]
        return rows

    def _sign(self, kind: str, path: str, /, **body: Any) -> None:
        answer = self.ask(path, body)
        if answer is None:
            self.told.unanswered += 1
        elif answer.status == 201:
            self.told.acknowledged[answer.json["id"]] = kind
        elif answer.status in (404, 409, 503):
            self.told.refused[answer.json["template"]] += 1
        else:
            self.told.broken.append(f"{path}: {answer.status} {answer.body[:200]!r}")
