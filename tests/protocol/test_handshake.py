"""The handshake: who is believed, in which session, and what ends it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.signing import SigningKey
from protocol.channel import Channel
from protocol.errors import HandshakeError, NoCommonVersion, NoiseError, OwnLog, SessionError, WrongIdentity
from protocol.handshake import Handshake, Identity, Role
from tests.support.handshake_vectors import (
    INITIATOR,
    MESSAGE,
    RESPONDER,
    both,
    handshake_vectors,
    refused,
    seed,
    side,
)
from tests.support.log_vectors import NETWORK
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load, page


def said(identity: Identity, **fields: Any) -> Handshake:
    return side(Role.RESPONDER, identity=identity, **fields)


def talk(initiator: Handshake, responder: Handshake) -> None:
    """Let two sides speak until one has nothing to say."""
    waiting = initiator.begin()
    reader, writer = responder, initiator
    while waiting:
        answers = [answer for message in waiting for answer in reader.receive(message)]
        waiting, reader, writer = answers, writer, reader


# Vectors and page -------------------------------------------------------------------------------


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("handshake", handshake_vectors())


def test_what_is_to_be_refused_is_refused() -> None:
    for reason, message in load("handshake")["refused"].items():
        initiator = side(Role.INITIATOR)
        initiator.begin()
        with pytest.raises(SessionError):
            initiator.receive(bytes.fromhex(message))
        assert initiator.met is None, reason


def test_the_page_is_of_the_vectors() -> None:
    assert assert_page_is_from_vectors("handshake") > 10
    assert str([len(message) for message in both()[2]]) in re.sub(r"`", "", page("handshake"))


# Who is believed --------------------------------------------------------------------------------


def test_each_side_knows_the_log_of_the_other() -> None:
    initiator, responder, messages = both()
    assert initiator.met is not None
    assert responder.met is not None
    assert (initiator.met.peer, responder.met.peer) == (RESPONDER.public_key, INITIATOR.public_key)
    assert initiator.met.keys.hash == responder.met.keys.hash
    assert sum(map(len, messages)) <= 400


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("the signature is of the other role", WrongIdentity),
        ("the signature is of another Noise key", WrongIdentity),
        ("the signature is of another handshake", WrongIdentity),
        ("the signature is for another purpose", WrongIdentity),
        ("the log is not that of the key", WrongIdentity),
        ("the log is the reader's own", OwnLog),
        ("no version in common", NoCommonVersion),
        ("versions not ascending", NoiseError),
        ("a key that hides nothing", NoiseError),
    ],
)
def test_a_side_that_is_refused_is_told_why(reason: str, error: type[SessionError]) -> None:
    initiator = side(Role.INITIATOR)
    initiator.begin()
    with pytest.raises(error) as raised:
        initiator.receive(refused()[reason])
    assert re.fullmatch(r"[a-z-]+", raised.value.code)
    with pytest.raises(HandshakeError):
        initiator.receive(both()[2][1])


def test_who_names_a_log_of_others_is_not_believed() -> None:
    """Neither can one who stands between two sides pass on what they say of themselves."""
    victim = SigningKey(seed(7))
    liar = Identity(INITIATOR.public_key, victim.sign, NETWORK)  # type: ignore[arg-type]
    responder = side(Role.RESPONDER)
    with pytest.raises(WrongIdentity):
        talk(side(Role.INITIATOR, identity=liar), responder)
    assert responder.met is None


def test_what_was_said_in_one_session_is_worth_nothing_in_another() -> None:
    replayed = both()[2]
    responder = side(Role.RESPONDER, ephemeral=seed(8))
    responder.receive(replayed[0])
    with pytest.raises(NoiseError):
        responder.receive(replayed[2])


def test_networks_do_not_meet() -> None:
    with pytest.raises(NoiseError):
        talk(side(Role.INITIATOR), said(Identity.of(RESPONDER, "ensayo")))


def test_the_highest_version_that_both_speak_is_spoken() -> None:
    theirs = Identity(RESPONDER.public_key, Identity.of(RESPONDER, NETWORK).sign, NETWORK, (1, 2, 5))  # type: ignore[arg-type]
    mine = Identity(INITIATOR.public_key, Identity.of(INITIATOR, NETWORK).sign, NETWORK, (1, 2, 4))  # type: ignore[arg-type]
    initiator, responder = side(Role.INITIATOR, identity=mine), said(theirs)
    talk(initiator, responder)
    assert initiator.met is not None
    assert responder.met is not None
    assert initiator.met.version == responder.met.version == 2


def test_an_older_side_is_told_of_its_age() -> None:
    newer = Identity(RESPONDER.public_key, Identity.of(RESPONDER, NETWORK).sign, NETWORK, (2,))  # type: ignore[arg-type]
    with pytest.raises(NoCommonVersion, match="speaks version 2 of the protocol and this one 1"):
        talk(side(Role.INITIATOR), said(newer))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_flipped_bit_goes_unnoticed(number: int) -> None:
    messages = both()[2]
    for bit in range(0, 8 * len(messages[number]), 5):
        initiator, responder = side(Role.INITIATOR), side(Role.RESPONDER)
        changed = bytearray(messages[number])
        changed[bit // 8] ^= 1 << bit % 8
        initiator.begin()
        try:
            answer = responder.receive(bytes(changed) if number == 0 else messages[0])[0]
            third = initiator.receive(bytes(changed) if number == 1 else answer)[0]
            responder.receive(bytes(changed) if number == 2 else third)
        except NoiseError:
            continue
        # X25519 does not look at the last bit of a key (RFC 7748, section 5); the hash of what was said does.
        pytest.fail(f"bit {bit} of message {number}")


@given(st.lists(st.binary(max_size=300), max_size=4), st.sampled_from(Role))
def test_junk_raises_the_declared_errors_alone(messages: list[bytes], role: Role) -> None:
    handshake = side(role)
    handshake.begin()
    for message in messages:
        try:
            handshake.receive(message)
        except (SessionError, HandshakeError):
            assert handshake.met is None


def test_the_first_message_says_nothing() -> None:
    """What it says could be read by anybody, and would be answered for a replay."""
    with pytest.raises(NoiseError):
        side(Role.RESPONDER).receive(side(Role.INITIATOR).begin()[0] + b"x")


# The channel ------------------------------------------------------------------------------------


def test_the_first_words_of_each_side_are_those_of_the_vectors() -> None:
    vectors = load("handshake")
    initiator, responder, _ = both()
    assert initiator.met is not None
    assert responder.met is not None
    ends = Channel(initiator.met.keys), Channel(responder.met.keys)
    for number, words in enumerate(vectors["said"]):
        (message,) = ends[1 - number % 2].receive(bytes.fromhex(words))
        assert (message.kind, message.body) == MESSAGE
