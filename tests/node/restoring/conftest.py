"""Three communes that trade over loopback, each on a computer of its own; Los Montes has bad luck.

    net.start_neighbours()               # El Valle and El Río, linked with each other
    net.start(net["Los Montes"], *net.honest)
    net.owe()                            # Los Montes has got nails, and owes El Valle 100 kg of maize

A computer is a home and, outside it, the folder in which the platform keeps the
second anchor; whoever copies a disk copies both.
"""

from __future__ import annotations

import html
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ledger.store.reading import Reader
from node.home import Home

from ...support.hosts import eventually
from ...support.nodes import NodeProcess
from ..conftest import Found, Secretary

PASSWORD = "una clave larga"


def computer(name: str, folder: Path) -> Secretary:
    """Somebody at a computer whose files are all in one folder."""
    return Secretary(name, folder / "home", {"XDG_STATE_HOME": str(folder / "state")})


def folder_of(who: Secretary) -> Path:
    """Where all files of a computer are."""
    return who.home.parent


def copied(who: Secretary, name: str, *, anchors: bool = True) -> Secretary:
    """A copy of somebody's disk in another computer; of the home alone, if the outer anchor stays behind."""
    folder = folder_of(who).with_name(name)
    shutil.copytree(who.home, folder / "home")
    for left in ("node.json", "lock", "node.lock"):
        (folder / "home" / left).unlink(missing_ok=True)
    if anchors:
        shutil.copytree(folder_of(who) / "state", folder / "state")
    return computer(who.name, folder)


def sizes(who: Secretary) -> dict[tuple[bytes, bytes], int]:
    """How far a home holds each branch of each log."""
    with Reader(who.home / "ledger.sqlite") as reader:
        return {(branch.log, branch.root): branch.size for branch in reader.branches()}


def log_of(who: Secretary) -> bytes:
    """The log that a home writes."""
    return Home(who.home).read_key().public_key


def signed(who: Secretary, log: bytes) -> list[int]:
    """How far a home holds the branches of one log."""
    with Reader(who.home / "ledger.sqlite") as reader:
        return sorted(branch.size for branch in reader.branches(log))


def titles(who: Secretary) -> set[str]:
    """What is offered, by the ledger that somebody holds."""
    return {row["title"] for row in who.json("listings")}


def words_of(who: Secretary) -> str:
    """The paper with a commune's recovery words, which is not in the computer."""
    return str(folder_of(who).with_suffix(".words"))


def password_in(net: Net) -> str:
    """The file with the password of all backups here."""
    path = net.folder / "password"
    path.write_text(f"{PASSWORD}\n", encoding="utf-8")
    return str(path)


def backup_of(net: Net, who: Secretary, name: str = "respaldo") -> str:
    """A backup, made now."""
    path = str(net.folder / name)
    who.run("backup", path, "--password-file", password_in(net))
    return path


def restored(net: Net, who: Secretary, name: str, backup: str | None = None) -> Secretary:
    """A commune brought back on a new computer, from a backup or from one that is made now."""
    new = computer(who.name, net.folder / name)
    file = backup or backup_of(net, who)
    new.run("restore", file, "--password-file", password_in(net), "--words", words_of(who))
    return new


@dataclass
class Net:
    """Computers with homes, and the nodes that run in them."""

    folder: Path
    running: ExitStack
    people: dict[str, Secretary] = field(default_factory=dict)
    nodes: dict[Path, NodeProcess] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Secretary:
        return self.people[name]

    @property
    def honest(self) -> list[Secretary]:
        """The neighbours, whose computers nothing happens to."""
        return [self["El Valle"], self["El Río"]]

    def node(self, who: Secretary) -> NodeProcess:
        """The node that runs, or ran last, in somebody's home."""
        return self.nodes[who.home]

    def start(self, who: Secretary, *neighbours: Secretary) -> NodeProcess:
        """Start somebody's node, which is told where those of neighbours are."""
        ports = [self.node(other).told["peer_port"] for other in neighbours]
        told = [part for port in ports for part in ("--peer", f"127.0.0.1:{port}")]
        node = NodeProcess(who.home, *told, environment=who.environment)
        self.nodes[who.home] = self.running.enter_context(node)
        assert node.started, node.journal.read_text()
        return node

    def start_neighbours(self) -> None:
        """Start the nodes of El Valle and El Río, linked with each other."""
        valle, rio = self.honest
        self.start(valle)
        self.start(rio, valle)

    def debts(self, who: Secretary, of: str = "Los Montes") -> list[dict[str, Any]]:
        """What a commune owes by the ledger that somebody holds, as the running node says it."""
        answer = self.node(who).api(
            f"/api/1/accounts?commune={self[of].commune if of in self.people else of}"
        )
        assert answer.status == 200, answer.body
        rows: list[dict[str, Any]] = answer.json["items"]
        return rows

    def owes_maize(self, who: Secretary) -> bool:
        """Whether Los Montes owes 100 kg of maize, by the ledger that somebody holds."""
        return any(row["owes"]["quantity"] == "100" and row["unit"] == "kg" for row in self.debts(who))

    def situation(self, who: Secretary) -> str:
        """Whether a running node may sign."""
        told: str = self.node(who).api("/api/1/status").json["situation"]
        return told

    def agree(self, *whose: Secretary) -> None:
        """Wait until homes hold the same."""
        eventually(lambda: all(sizes(who) == sizes(whose[0]) for who in whose), "they hold the same")

    def says(self, who: Secretary, told: Mapping[str, Sequence[str]]) -> None:
        """Whether the command `status` and the pages say something, in each language with all its parts."""
        for language, parts in told.items():
            status = " ".join(who.run("status", speaks=language).stdout.split())
            answer = self.node(who).ask("/neighbours", headers={"Accept-Language": language})
            page = " ".join(html.unescape(answer.body.decode()).split())
            assert answer.status == 200, page
            for part in parts:
                assert part in status, (language, status)
                assert part in page, (language, page)

    def owe(self) -> str:
        """Los Montes gets nails, and owes 100 kg of maize for them; the exchange, once all know of it."""
        montes, valle = self["Los Montes"], self["El Valle"]
        exchange = valle.sign(
            "propose", "--to", "Los Montes", "--give", "Clavos;5;kg", "--take", "Maíz;100;kg"
        )
        self.agree(valle, montes)
        montes.sign("accept", exchange)
        self.agree(valle, montes)
        valle.sign("deliver", exchange)
        self.agree(valle, montes)
        montes.sign("receive", exchange)
        self.agree(montes, *(self.honest))
        return exchange


@pytest.fixture
def net(places: Path, found: Found) -> Iterator[Net]:
    """The three, each recognising the others; no node runs yet."""
    with ExitStack() as running:
        made = Net(places, running)
        for name in ("Los Montes", "El Valle", "El Río"):
            made.people[name] = computer(name, places / name.lower().replace(" ", "-"))
            who = made.people[name]
            folder_of(who).mkdir()
            words = folder_of(who).with_suffix(".words")
            who.run("init", "--name", name, "--network", "ensayo", "--yes", "--recovery-out", str(words))
        everybody = list(made.people.values())
        for who in everybody:
            who.tell(*(other for other in everybody if other is not who))
        for who in everybody:
            for other in everybody:
                if other is not who:
                    who.run("recognise", other.name)
        for who in everybody:
            who.tell(*(other for other in everybody if other is not who))
        yield made
