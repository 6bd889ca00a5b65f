"""Neighbours: nodes with ledgers of their own that gossip over links made of lists, at one instant.

What the node does with sockets and threads happens here one after the other, by
the same classes; so a story of many nodes is told in a test without waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path

from ledger.log import LogKey, Run
from ledger.signing import SigningKey
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.admission import Admission
from node.blobs import Blobs
from node.deeds import Doer
from node.holdings import Holdings, Shelf
from node.lending import Lender
from protocol.deeds import LinkId, Prove, See, Take
from protocol.gossip import Gossip
from protocol.handshake import Identity, Role
from protocol.serving import frames_for, frames_of_blob, hashes_for
from protocol.session import Session

_numbers = count(1)


@dataclass
class Link:
    """One end of a link: its session, the neighbour at the other end, and the bytes that went out."""

    number: LinkId
    session: Session
    other: Neighbour
    back: LinkId
    sent: int = 0


@dataclass
class Neighbour:
    """A node: a store, and its part in gossip."""

    path: Path
    key: SigningKey
    network: str
    links: dict[LinkId, Link] = field(default_factory=dict)
    now: float = 0.0
    came: int = 0
    """entries that came in runs, known ones included"""

    def __post_init__(self) -> None:
        self.store = Store(self.path, self.network)
        self.reader = Reader(self.path)
        self.log = LogKey(self.key.public_key)
        self.shelf = Shelf(self.reader)
        self.blobs = Blobs(self.path.with_suffix(".blobs"), 100_000_000)
        self.lender = Lender(self.reader, self.blobs, self.log)
        self.doer = Doer(self.store, None, lambda: Admission(self.reader, None, lambda: None))
        with self.reader.snapshot():
            self.gossip = Gossip(Holdings(self.reader, self.log))

    def close(self) -> None:
        """Close the ledger."""
        self.reader.close()
        self.store.close()

    def write(self, runs: Iterable[Run]) -> None:
        """Store runs that came otherwise than by gossip."""
        for run in runs:
            self.store.ingest(run)
            with self.reader.snapshot():
                self.gossip.refresh([run.log])

    def meet(self, other: Neighbour) -> tuple[Link, Link]:
        """Open a session with another node."""
        ends = []
        for node, role in ((self, Role.INITIATOR), (other, Role.RESPONDER)):
            number = LinkId(next(_numbers))
            secrets = [sha256(f"{number} {kind}".encode()).digest() for kind in ("static", "ephemeral")]
            session = Session(
                role, Identity.of(node.key, node.network), node.gossip.snapshot, node.now,
                static=secrets[0], ephemeral=secrets[1],
            )  # fmt: skip
            link = Link(number, session, other if node is self else self, number)
            node.links[number] = link
            node.gossip.add(number, session)
            ends.append(link)
        ends[0].back, ends[1].back = ends[1].number, ends[0].number
        return ends[0], ends[1]

    def part(self, link: Link) -> None:
        """Lose a link, at both ends."""
        for node, number in ((self, link.number), (link.other, link.back)):
            end = node.links.pop(number, None)
            if end is not None:
                end.session.lost()
                with node.reader.snapshot():
                    node.gossip.look(number)

    def work(self) -> bool:
        """Do what there is to do, and carry what is to be sent; whether there was anything."""
        busy = self._do()
        for link in list(self.links.values()):
            if (ask := link.session.question) is not None:
                with self.reader.snapshot():
                    link.session.answer(hashes_for(ask, self.shelf))
            wants = link.session.to_serve(64)
            if wants:
                with self.reader.snapshot():
                    link.session.serve(*frames_for(wants, self.shelf))
            self._lend(link)
            pieces = link.session.outgoing()
            busy = busy or bool(pieces)
            for piece in pieces:
                link.sent += len(piece)
                link.other.receive(link.back, piece)
            if link.session.is_over:
                self.part(link)
        return busy

    def _lend(self, link: Link) -> None:
        """Send all that is wanted of blobs, as far as the quota goes."""
        while (want := link.session.blob_to_lend()) is not None:
            if link.session.lending_pause(self.now):
                return
            for frames in frames_of_blob(want, self.lender.lend(want)):
                link.session.lend(frames, self.now)
            link.session.lent()

    def receive(self, number: LinkId, data: bytes) -> None:
        """Take a piece from a link."""
        if number in self.links:
            self.links[number].session.receive(data, self.now)
            with self.reader.snapshot():
                self.gossip.look(number)

    def _do(self) -> bool:
        deeds = self.gossip.deeds()
        for deed in deeds:
            match deed:
                case Take():
                    self.came += sum(len(run.items) for run in deed.runs)
                    (outcomes,) = self.doer.take([deed])
                    with self.reader.snapshot():
                        self.gossip.done(deed, outcomes)
                case Prove():
                    outcome = self.doer.prove(deed)
                    with self.reader.snapshot():
                        self.gossip.done(deed, [outcome])
                case See():
                    if not self.doer.see(deed):
                        self.gossip.forged(deed)
        return bool(deeds)


def settle(*nodes: Neighbour) -> None:
    """Let nodes work until none has anything to do."""
    busy = True
    while busy:
        busy = False
        for node in nodes:
            busy = node.work() or busy
