"""Bad input: whatever a neighbour sends that it may not ends its session alone, for a named reason.

The table in docs/explanation/bad-input.md names a test of each kind; that they exist is tested here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from ledger.log import LogKey
from protocol.channel import Channel
from protocol.errors import LeftOff, SessionError
from protocol.frames import COMPRESSED, CONTINUED, HEADER, Kind, to_frames
from protocol.handshake import Identity, Role
from protocol.limits import (
    ANSWER_SECONDS,
    MAX_FRAME_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_NOISE_BYTES,
    MEETING_SECONDS,
)
from protocol.messages import encode_heads, encode_run, join_runs
from protocol.session import Session, State

from ..support.histories import NETWORK, Author, numbered, written
from ..support.neighbours import Link, Neighbour, settle
from ..support.shared import CHECKOUT

PAGE = CHECKOUT / "docs" / "explanation" / "bad-input.md"


class Story:
    """A node with a friend, and with a neighbour whose words are in the hands of the test."""

    def __init__(self, folder: Path) -> None:
        self.victim, self.friend, self.liar = (
            Neighbour(folder / f"{name}.sqlite", Author(name).key, NETWORK)
            for name in ("victim", "friend", "liar")
        )
        self.friend.write(written("some", numbered("some", 3)).runs)
        self.victim.meet(self.friend)
        settle(self.victim, self.friend)
        self.before = self.held()

    def held(self) -> object:
        """All that the victim has stored."""
        with self.victim.reader.snapshot():
            branches = [(each.log, each.size, each.root) for each in self.victim.reader.branches()]
            return branches, self.victim.reader.evidence()

    def meet(self) -> tuple[Link, Channel]:
        """A session in which both have said that they want nothing: its end here, and what encrypts there."""
        link, mine = self.victim.meet(self.liar)
        settle(self.victim, self.liar)
        channel = mine.session._channel
        assert channel is not None
        assert link.session.state is State.OPEN
        return link, channel

    def hear(self, link: Link, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self.victim.receive(link.number, piece)

    def ends_alone(self, link: Link, code: str) -> None:
        """The session is over for that reason; nothing that is stored has changed, and the friend stays."""
        ((number, _, fault),) = self.victim.gossip.faults
        assert number == link.number
        assert link.session.is_over
        assert (fault.code if isinstance(fault, SessionError) else "malformed") == code
        assert self.held() == self.before
        self.friend.write(written("later", [b"y"]).runs)
        settle(self.victim, self.friend)
        assert self.victim.gossip.roster.state == self.friend.gossip.roster.state
        assert self.held() != self.before

    def close(self) -> None:
        for each in (self.victim, self.friend, self.liar):
            each.close()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    told = Story(tmp_path)
    yield told
    told.close()


# Encrypted messages ---------------------------------------------------------------------------------


def three(channel: Channel) -> list[bytes]:
    """Three encrypted messages that are in order."""
    pieces = []
    for _ in range(3):
        channel.put(0xF0, b"of a later version")
        pieces += channel.flush()
    return pieces


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda one, two, three: [bytes(200)], "not-authentic"),
        (lambda one, two, three: [one[:-1]], "not-authentic"),
        (lambda one, two, three: [one[:10]], "malformed"),
        (lambda one, two, three: [b""], "malformed"),
        (lambda one, two, three: [one + bytes(MAX_NOISE_BYTES)], "malformed"),
        (lambda one, two, three: [one[:-1] + bytes([one[-1] ^ 1])], "not-authentic"),
        (lambda one, two, three: [two, one], "not-authentic"),
        (lambda one, two, three: [one, three], "not-authentic"),
        (lambda one, two, three: [one, two, two], "not-authentic"),
    ],
    ids=["junk", "truncated", "short", "empty", "oversized", "changed", "reordered", "left-out", "replayed"],
)
def test_an_encrypted_message_that_is_not_the_next_ends_its_session_alone(
    story: Story, spoil: Callable[..., list[bytes]], code: str
) -> None:
    link, channel = story.meet()
    story.hear(link, spoil(*three(channel)))
    story.ends_alone(link, code)


# Frames ---------------------------------------------------------------------------------------------


def frame(kind: int, flags: int, piece: bytes, length: int | None = None) -> bytes:
    return HEADER.pack(kind, flags, len(piece) if length is None else length) + piece


WHOLE = zlib.compress(b"maiz" * 50)


@pytest.mark.parametrize(
    "frames",
    [
        [frame(Kind.HEADS, 0x04, b"x")],
        [frame(Kind.HEADS, 0, b"", 0)],
        [frame(Kind.HEADS, 0, b"x", MAX_FRAME_BYTES + 1)],
        [frame(Kind.HEADS, CONTINUED, b"x")],
        [frame(Kind.HEADS, CONTINUED, bytes(MAX_FRAME_BYTES)), frame(Kind.WANT, 0, b"x")],
        [frame(Kind.HEADS, CONTINUED, bytes(MAX_FRAME_BYTES))] * 5,
        [frame(Kind.RUNS, COMPRESSED, zlib.compress(bytes(200 * MAX_MESSAGE_BYTES)))],
        [frame(Kind.HEADS, COMPRESSED, WHOLE[:-3])],
        [frame(Kind.HEADS, COMPRESSED, WHOLE + b"x")],
        [frame(Kind.HEADS, 0, b"\x91" * 5_000)],
        [frame(Kind.HEADS, 0, b"\x91\xc0")],
        [frame(Kind.STATE, 0, bytes(15))],
    ],
    ids=[
        "flags", "nothing", "too-long", "cut-short", "mixed", "without-end", "exploding", "cut-deflate",
        "more-deflate", "nested", "no-head", "state",
    ],
)  # fmt: skip
def test_a_frame_or_message_that_is_none_ends_its_session_alone(story: Story, frames: list[bytes]) -> None:
    link, channel = story.meet()
    for each in frames:
        channel.put_frames([each])
        if not link.session.is_over:
            story.hear(link, channel.flush())
    story.ends_alone(link, "malformed")


def test_an_answer_that_comes_a_byte_at_a_time_is_given_up(story: Story) -> None:
    """Bytes keep coming, and nothing ever comes whole: that is no answer."""
    link, channel = story.meet()
    author = written("slow", numbered("slow", 3))
    channel.put(Kind.HEADS, encode_heads([author.runs[0].head]))
    story.hear(link, channel.flush())
    assert link.session.open_wants == 1
    (answer,) = to_frames(Kind.RUNS, join_runs([encode_run(author.runs[0])]))
    start = story.victim.now
    link.session.tick(start)
    for number, byte in enumerate(answer[:-1]):
        story.victim.now = start + number * ANSWER_SECONDS / 10
        channel.put_frames([bytes([byte])])
        if not link.session.is_over:
            story.hear(link, channel.flush())
            link.session.tick(story.victim.now)
    story.victim.gossip.look(link.number)
    ((_, _, fault),) = story.victim.gossip.faults
    assert isinstance(fault, LeftOff)
    story.ends_alone(link, "silent")


# Handshakes -----------------------------------------------------------------------------------------

LIAR, OTHER = Author("liar").key, Author("somebody else").key
TRUE = Identity.of(LIAR, NETWORK)
LOG = LogKey(LIAR.public_key)

IDENTITIES = {
    "network": (Identity.of(LIAR, "otra"), "not-understood"),
    "version": (Identity(LOG, TRUE.sign, NETWORK, (9,)), "version"),
    "key": (Identity(LogKey(OTHER.public_key), TRUE.sign, NETWORK), "identity"),
    "signature": (Identity(LOG, lambda _: bytes(64), NETWORK), "identity"),
    "purpose": (
        Identity(LOG, lambda text: LIAR.sign_in_context("mandate", NETWORK, text), NETWORK),
        "identity",
    ),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("what", IDENTITIES)
def test_a_handshake_with_something_wrong_ends_its_session_alone(story: Story, role: Role, what: str) -> None:
    """Whichever side begins; with the wrong network, version, key or signature, or one for something else."""
    identity, code = IDENTITIES[what]
    theirs = Role.RESPONDER if role is Role.INITIATOR else Role.INITIATOR
    liar = Session(theirs, identity, story.liar.gossip.snapshot, 0.0, static=b"1" * 32, ephemeral=b"2" * 32)
    link, other = (
        story.victim.meet(story.liar) if role is Role.INITIATOR else reversed(story.liar.meet(story.victim))
    )
    other.session.lost()
    for _ in range(3):
        for piece in link.session.outgoing():
            liar.receive(piece, 0.0)
        story.hear(link, liar.outgoing())
        if link.session.is_over or liar.is_over:
            break
    if not link.session.is_over:
        assert code in ("version", "not-understood")  # who found it out is the other one
        fault = liar.events()[-1].fault  # type: ignore[union-attr]
        assert isinstance(fault, SessionError)
        assert fault.code == code
    else:
        story.ends_alone(link, code)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "message", [b"", bytes(31), bytes(32), bytes(96), bytes(MAX_NOISE_BYTES + 1)], ids=len
)
def test_junk_for_a_handshake_ends_its_session_alone(story: Story, role: Role, message: bytes) -> None:
    ends = story.victim.meet(story.liar) if role is Role.INITIATOR else story.liar.meet(story.victim)
    link = ends[0] if role is Role.INITIATOR else ends[1]
    story.hear(link, [message])
    ((_, _, fault),) = story.victim.gossip.faults
    assert isinstance(fault, SessionError)
    story.ends_alone(link, fault.code)
    assert fault.code in ("malformed", "not-understood", "weak-key")


def test_a_handshake_that_stops_is_given_up(story: Story) -> None:
    link, _ = story.victim.meet(story.liar)
    link.session.tick(story.victim.now + MEETING_SECONDS)
    story.victim.gossip.look(link.number)
    story.ends_alone(link, "silent")


# The table ------------------------------------------------------------------------------------------


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/\S+\.py)::(test_\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) >= 20
    for path, name in named:
        assert f"def {name}(" in (CHECKOUT / path).read_text(encoding="utf-8"), f"{path}::{name}"
