"""The victim: a node in memory, sessions with it in every state, and what its neighbours say in good order.

Everything of a session is the real one, but for the handshake, which is passed
over where it is not what is tried: it takes a thousand times as long as a
frame. Keys are known on both sides, so junk comes encrypted as it should be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from hashlib import sha256
from io import BytesIO
from itertools import count
from typing import Final

from ledger.errors import RemoteError
from ledger.log import LogKey, Run
from protocol.addresses import PURPOSE, Place, sign_addresses
from protocol.blobs import BlobWant
from protocol.channel import PIECE_BYTES, Channel
from protocol.deeds import LinkId, Prove, Take
from protocol.frames import HEADER, Joiner, Message, read_header
from protocol.gossip import Gossip
from protocol.handshake import Identity, Met, Role
from protocol.noise import CipherState, Keys
from protocol.serving import frames_for, frames_of_blob, hashes_for
from protocol.session import Session
from protocol.spreading import Verdict

from ..simulation.memory import Memory
from ..support.histories import NETWORK, Author, Holder, numbered, written

PHOTOS: Final = {sha256(data).digest(): data for data in (b"a photo", bytes(range(256)) * 130)}
"""photos that a node lends, by their hash"""

_numbers = count(1)


class Logs:
    """Some logs, one of them forked: what the victim holds of them, and what a neighbour does."""

    def __init__(self) -> None:
        self.victim, self.peer = Author("the victim"), Author("the peer")
        grown = [
            written(f"grown {number}", *(numbered(f"{batch}", 3) for batch in range(6)))
            for number in range(6)
        ]
        forked = written("forked", numbered("before", 5))
        twin = forked.twin()
        known = written("forked long ago", numbered("before", 2))
        third = known.twin()
        for author in (forked, known):
            author.write(*numbered("one thing", 4))
        for author in (twin, third):
            author.write(*numbered("another", 4))
        held = [run for author in grown for run in author.runs[:3]]
        held += [*forked.runs, *known.runs, third.runs[-1], self.victim.write(b"mine")]
        others = [run for author in grown for run in author.runs]
        others += [*twin.runs, *known.runs, third.runs[-1], self.peer.write(b"theirs")]
        self._held, self._others = holding(held, self.victim), holding(others, self.peer)
        self.forked = {LogKey(author.key.public_key) for author in (forked, known)}

    def victim_node(self) -> Node:
        """The victim, as it is before anybody has said anything to it."""
        return Node(_copied(self._held), self.victim)

    def peer_node(self) -> Node:
        """Its neighbour, which holds more of some logs, less of others, and another branch of one."""
        return Node(_copied(self._others), self.peer)


def holding(runs: Sequence[Run], author: Author) -> Memory:
    """The ledger of an author, in which these runs were taken in."""
    memory = Memory(LogKey(author.key.public_key))
    for run in runs:
        memory.take(run)
    return memory


def _copied(memory: Memory) -> Memory:
    """A ledger that goes on apart from this one; nothing is verified again."""
    copied = copy(memory)
    copied._items, copied._evidence = dict(memory._items), dict(memory._evidence)
    copied._holders = {}
    for log, holder in memory._holders.items():
        branches = [copy(branch) for branch in holder.branches]
        for branch in branches:
            branch.hashes, branch.heads = list(branch.hashes), list(branch.heads)
            branch.__dict__["made"] = dict(branch.__dict__.get("made", {}))
        copied._holders[log] = Holder(branches, list(holder.evidence))
    return copied


class _Acquainted:
    """A handshake that has been: the other side is who it says."""

    def __init__(self, met: Met) -> None:
        self.met = met

    def receive(self, _: bytes) -> list[bytes]:
        return []


class _Open(Channel):
    """A channel that leaves what it sends unencrypted."""

    def flush(self) -> list[bytes]:
        frames, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return frames


class Talk:
    """A session with a node, after or instead of the handshake, and the key of what is said to the node."""

    def __init__(self, node: Node, session: Session, key: CipherState) -> None:
        self.node = node
        self.session = session
        self.number = LinkId(next(_numbers))
        self._key = key
        node.gossip.add(self.number, session)
        self.go_on()

    @property
    def is_over(self) -> bool:
        """Whether the node takes nothing more of it."""
        return self.session.is_over

    def sealed(self, stream: bytes) -> list[bytes]:
        """Some of the stream, encrypted as the other side would."""
        pieces = (stream[at : at + PIECE_BYTES] for at in range(0, len(stream), PIECE_BYTES))
        return [self._key.encrypt(piece) for piece in pieces]

    def tell(self, frame: bytes) -> None:
        """Say a frame to the node."""
        for piece in self.sealed(frame):
            self.take(piece)

    def take(self, piece: bytes, now: float = 0.0) -> None:
        """Let the node take an encrypted piece, and do all that follows."""
        self.session.receive(piece, now)
        self.go_on()

    def go_on(self) -> None:
        """Let the node do what there is to do."""
        self.node.look(self.number)
        if not self.is_over and (ask := self.session.question) is not None:
            self.session.answer(hashes_for(ask, self.node.memory))
        while not self.is_over and (wants := self.session.to_serve(64)):
            self.session.serve(*frames_for(wants, self.node.memory))
        while (want := self.session.blob_to_lend()) is not None:
            held = PHOTOS.get(want.digest)
            for frames in frames_of_blob(want, None if held is None else (len(held), BytesIO(held))):
                self.session.lend(frames, 0.0)
            self.session.lent()

    def said(self) -> list[bytes]:
        """The frames that the node says to the other side."""
        return self.session.outgoing()

    def leave(self) -> None:
        """Lose the connection."""
        self.session.lost()
        self.node.look(self.number)


class Node:
    """One node, and all that others say to it."""

    def __init__(self, memory: Memory, author: Author) -> None:
        self.memory = memory
        self._key = author.key
        self.gossip = Gossip(self.memory)
        self.identity = Identity.of(author.key, NETWORK)
        here = (Place(f"{author.name.rpartition(' ')[2]}.example", 8_784),)
        self.gossip.addresses.say(sign_addresses(self.log, 1, here, self._sign))
        self.faults: list[RemoteError] = []

    def _sign(self, text: bytes) -> bytes:
        return self._key.sign_in_context(PURPOSE, NETWORK, text)

    @property
    def log(self) -> LogKey:
        """The log that it writes."""
        return self.identity.log

    def look(self, number: LinkId) -> None:
        """Take what has happened in a session, and do what gossip wants to have done."""
        gossip = self.gossip
        gossip.look(number)
        while deeds := gossip.deeds():
            for deed in deeds:
                match deed:
                    case Take():
                        gossip.done(deed, [self.memory.take(run) for run in deed.runs])
                    case Prove():
                        gossip.done(deed, [self.memory.prove(deed.evidence)])
        self._judge_addresses()
        for want, data in gossip.blobs.found():
            assert data is None or sha256(data).digest() == want.digest, "a photo that is another"
        for _, _, fault in gossip.faults:
            assert isinstance(fault, RemoteError), f"a fault that is nobody's: {fault!r}"
            self.faults.append(fault)
        gossip.faults.clear()

    def _judge_addresses(self) -> None:
        for heard in self.gossip.addresses.to_judge():
            is_signed, is_held = heard.told.is_signed(NETWORK), self.memory.size(heard.told.key) > 0
            verdict = Verdict.FORGED if not is_signed else Verdict.KNOWN if is_held else Verdict.LATER
            self.gossip.judged(heard, verdict)

    def look_for_photos(self) -> None:
        """Ask neighbours for photos, one of which nobody has."""
        for digest in (*PHOTOS, bytes(32)):
            self.gossip.blobs.want(BlobWant(digest, digest))

    def session(self, role: Role) -> Session:
        """A session that begins with a handshake."""
        secret = sha256(b"%d" % next(_numbers)).digest()
        return Session(
            role, self.identity, self.gossip.snapshot, 0.0, static=bytes(31) + b"1", ephemeral=secret
        )

    def acquainted(self, role: Role, peer: LogKey, keys: Keys, key: CipherState) -> Talk:
        """A session whose handshake is over."""
        session = self.session(role)
        session.outgoing()
        session._handshake = _Acquainted(Met(peer, 1, keys))  # type: ignore[assignment]
        session.receive(b"", 0.0)
        assert session._channel is not None
        session._channel.__class__ = _Open
        return Talk(self, session, key)


def acquaint(initiator: Node, responder: Node) -> tuple[Talk, Talk]:
    """A session between two nodes whose handshake is over; both ends."""
    one, other = (sha256(b"%d" % next(_numbers)).digest() for _ in range(2))
    first = initiator.acquainted(
        Role.INITIATOR,
        responder.log,
        Keys(CipherState(one), CipherState(other), bytes(64)),
        CipherState(other),
    )
    second = responder.acquainted(
        Role.RESPONDER, initiator.log, Keys(CipherState(other), CipherState(one), bytes(64)), CipherState(one)
    )
    return first, second


def messages_in(frames: Sequence[bytes]) -> list[Message]:
    """The messages that frames make up."""
    joiner = Joiner()
    found = (joiner.take(read_header(frame[: HEADER.size]), frame[HEADER.size :]) for frame in frames)
    return [message for message in found if message is not None]


def heard_in(logs: Logs) -> dict[int, list[bytes]]:
    """What two nodes say to each other in good order, by its kind."""
    heard: defaultdict[int, list[bytes]] = defaultdict(list)
    for swapped in (False, True):
        ends = logs.victim_node(), logs.peer_node()
        talks = acquaint(*(reversed(ends) if swapped else ends))
        for _ in range(2):
            for talk in talks:
                talk.node.look_for_photos()
            while frames := [talk.said() for talk in talks]:
                if not any(frames):
                    break
                for talk, said in zip(reversed(talks), frames, strict=True):
                    for message in messages_in(said):
                        heard[message.kind].append(message.body)
                    for frame in said:
                        talk.tell(frame)
            for talk in talks:  # and what they say when something is new
                talk.node.gossip.ask_about_own()
        for talk in talks:
            talk.session.end("done", "That was all.")
            for message in messages_in(talk.said()):
                heard[message.kind].append(message.body)
    return dict(heard)
