"""The handshake: who is believed, in which session, and what ends it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import LocalError
from ledger.signing import SigningKey
from protocol.errors import (
    HandshakeError,
    IllFormed,
    NoCommonVersion,
    NoiseError,
    NotUnderstood,
    ProtocolError,
    SessionError,
    WeakKey,
    WrongIdentity,
)
from protocol.handshake import Handshake, Identity, Role
from protocol.limits import MAX_NOISE_BYTES
from tests.support.handshake_vectors import (
    INITIATOR,
    KEYS,
    MESSAGE,
    RESPONDER,
    both,
    channels,
    forged,
    handshake_vectors,
    reader_of,
    refused,
    refused_pieces,
    seed,
    side,
)
from tests.support.log_vectors import NETWORK
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load, page

REFUSED = [(one["message"], one["comment"], one["error"], bytes.fromhex(one["bytes"])) for one in refused()]


def said(identity: Identity, **fields: Any) -> Handshake:
    return side(Role.RESPONDER, identity=identity, **fields)


def speaking(role: Role, *versions: int) -> Handshake:
    """A side that speaks these versions."""
    identity = Identity.of(KEYS[role], NETWORK)
    return side(role, identity=Identity(identity.log, identity.sign, NETWORK, versions))


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


def test_the_errors_are_those_of_the_vectors() -> None:
    """The file says by what name each message is refused; the tests below hold the code against it."""
    committed = [(one["message"], one["comment"], one["error"]) for one in load("handshake")["refused"]]
    assert committed == [one[:3] for one in REFUSED]


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [(number, error, message) for number, _, error, message in REFUSED],
    ids=[f"{number}: {comment}" for number, comment, _, _ in REFUSED],
)
def test_what_is_to_be_refused_is_refused_and_ends_the_handshake(
    number: int, error: str, message: bytes
) -> None:
    reader = reader_of(number)
    with pytest.raises(SessionError) as raised:
        reader.receive(message)
    assert type(raised.value).__name__ == error
    assert re.fullmatch(r"[a-z-]{1,32}", raised.value.code)
    assert reader.met is None
    with pytest.raises(HandshakeError):
        reader.receive(both()[2][number - 1])
    assert reader.met is None


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


def test_what_one_session_shows_is_worth_nothing_to_who_passes_it_on() -> None:
    """Somebody meets a commune and passes its hello off as their own to another (identity misbinding)."""
    shown: list[bytes] = []
    honest = Identity.of(INITIATOR, NETWORK)

    def keep(text: bytes) -> bytes:
        shown.append(honest.sign(text))
        return shown[-1]

    talk(side(Role.INITIATOR, identity=Identity(honest.log, keep, NETWORK)), side(Role.RESPONDER))
    liar = Identity(honest.log, lambda _: shown[0], NETWORK)
    victim = side(Role.RESPONDER, identity=Identity.of(SigningKey(seed(7)), NETWORK))
    with pytest.raises(WrongIdentity):
        talk(side(Role.INITIATOR, identity=liar, static=seed(9), ephemeral=seed(10)), victim)
    assert victim.met is None


def test_networks_do_not_meet_and_the_reason_is_not_guessed() -> None:
    with pytest.raises(NotUnderstood, match=r"another network .* cannot be told apart"):
        talk(side(Role.INITIATOR), said(Identity.of(RESPONDER, "ensayo")))


@pytest.mark.parametrize(
    ("mine", "theirs", "spoken"),
    [((1,), (1,), 1), ((1, 2, 4), (1, 2, 5), 2), ((1, 3), (3, 65_535), 3), (tuple(range(1, 17)), (7, 8), 8)],
)
def test_the_highest_version_that_both_speak_is_spoken(
    mine: tuple[int, ...], theirs: tuple[int, ...], spoken: int
) -> None:
    initiator, responder = speaking(Role.INITIATOR, *mine), speaking(Role.RESPONDER, *theirs)
    talk(initiator, responder)
    assert initiator.met is not None
    assert responder.met is not None
    assert initiator.met.version == responder.met.version == spoken


def test_an_older_side_is_told_of_its_age() -> None:
    with pytest.raises(NoCommonVersion, match="speaks version 2 of the protocol and this one 1"):
        talk(side(Role.INITIATOR), speaking(Role.RESPONDER, 2))


def test_an_initiator_says_who_it_is_only_to_who_has_proved_a_log_and_speaks_its_version() -> None:
    signed: list[bytes] = []
    mine = Identity.of(INITIATOR, NETWORK)

    def sign(text: bytes) -> bytes:
        signed.append(text)
        return mine.sign(text)

    for number, _, _, message in REFUSED:
        if number == 2:
            initiator = side(Role.INITIATOR, identity=Identity(mine.log, sign, NETWORK))
            initiator.begin()
            with pytest.raises(SessionError):
                initiator.receive(message)
    assert signed == []


def test_further_things_that_are_not_known_are_passed_over() -> None:
    """A later version can say more before both know which version they speak."""
    initiator = reader_of(2)
    assert len(initiator.receive(bytes.fromhex(load("handshake")["with_further_things"]))) == 1
    assert initiator.met is not None
    assert initiator.met.version == 1
    largest = tuple((number, bytes(40)) for number in range(1, 9))
    assert reader_of(2).receive(forged(Role.RESPONDER, further=largest))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_flipped_bit_goes_unnoticed(number: int) -> None:
    """X25519 does not look at the last bit of a key (RFC 7748, section 5); the hash of what was said does."""
    message = both()[2][number - 1]
    for bit in range(8 * len(message)):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        if number > 1:
            with pytest.raises((NotUnderstood, WeakKey)):
                reader_of(number).receive(bytes(changed))
            continue
        (answer,) = side(Role.RESPONDER).receive(bytes(changed))
        with pytest.raises(NotUnderstood):
            reader_of(2).receive(answer)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_message_cut_short_or_made_longer_is_refused(number: int) -> None:
    message = both()[2][number - 1]
    for length in range(len(message)):
        with pytest.raises((NotUnderstood, IllFormed)):
            reader_of(number).receive(message[:length])
    for more in (b"\x00", message, bytes(MAX_NOISE_BYTES - len(message)), bytes(MAX_NOISE_BYTES)):
        with pytest.raises((NotUnderstood, IllFormed)):
            reader_of(number).receive(message + more)


# Whose turn it is -------------------------------------------------------------------------------

MOVES = ("begin", "1", "2", "3")
ALLOWED = {
    (Role.INITIATOR, 0): {"begin"},
    (Role.INITIATOR, 1): {"2"},
    (Role.INITIATOR, 2): set(),
    (Role.RESPONDER, 0): {"1"},
    (Role.RESPONDER, 1): {"3"},
    (Role.RESPONDER, 2): set(),
}
"""What a side can do after how many steps, and nothing else; a responder just has nothing to begin with."""


def stepped(role: Role, steps: int) -> Handshake:
    """A side after 0, 1 or 2 steps of its own."""
    handshake = side(role)
    for step in range(steps):
        (move,) = ALLOWED[role, step]
        moved(handshake, move)
    return handshake


def moved(handshake: Handshake, move: str) -> list[bytes]:
    return handshake.begin() if move == "begin" else handshake.receive(both()[2][int(move) - 1])


@pytest.mark.parametrize(("role", "steps"), ALLOWED)
@pytest.mark.parametrize("move", MOVES)
def test_nothing_can_be_done_out_of_turn(role: Role, steps: int, move: str) -> None:
    handshake = stepped(role, steps)
    if move in ALLOWED[role, steps]:
        moved(handshake, move)
        assert (handshake.met is not None) == (steps == 1)
    elif (role, move) == (Role.RESPONDER, "begin"):
        assert handshake.begin() == []
    elif move != "begin" and steps < 2 and (role, steps) != (Role.INITIATOR, 0):
        with pytest.raises(SessionError):  # a message where one is awaited, but the wrong one
            moved(handshake, move)
        assert handshake.met is None
    else:
        met = handshake.met
        with pytest.raises(HandshakeError):
            moved(handshake, move)
        assert handshake.met is met
        if steps == 0:  # it has changed nothing
            moved(handshake, "begin")


@pytest.mark.parametrize("role", Role)
def test_a_side_that_cannot_sign_does_not_go_on(role: Role) -> None:
    def refuse(_: bytes) -> bytes:
        raise LocalError("The key is gone.")

    handshake = side(role, identity=Identity(Identity.of(KEYS[role], NETWORK).log, refuse, NETWORK))
    handshake.begin()
    message = both()[2][1 if role is Role.INITIATOR else 0]
    with pytest.raises(LocalError):
        handshake.receive(message)
    for again in both()[2]:
        with pytest.raises(HandshakeError):
            handshake.receive(again)
    assert handshake.met is None


@pytest.mark.parametrize("name", ["static", "ephemeral"])
@pytest.mark.parametrize("size", [0, 31, 33])
def test_private_keys_have_32_bytes(name: str, size: int) -> None:
    with pytest.raises(HandshakeError):
        side(Role.INITIATOR, **{name: bytes(size)})


# Junk -------------------------------------------------------------------------------------------


@given(st.lists(st.binary(max_size=300), max_size=4), st.sampled_from(Role))
def test_junk_raises_the_declared_errors_alone(messages: list[bytes], role: Role) -> None:
    handshake = side(role)
    handshake.begin()
    for message in messages:
        try:
            handshake.receive(message)
        except (SessionError, HandshakeError):
            assert handshake.met is None


@given(st.binary(max_size=600), st.sampled_from(Role))
def test_junk_where_a_hello_is_expected_raises_the_declared_errors_alone(payload: bytes, role: Role) -> None:
    reader = reader_of(2 if role is Role.RESPONDER else 3)
    with pytest.raises(IllFormed):
        reader.receive(forged(role, payload))
    assert reader.met is None


# The channel ------------------------------------------------------------------------------------


def test_the_first_words_of_each_side_are_those_of_the_vectors() -> None:
    ends = channels()
    for number, words in enumerate(load("handshake")["said"]):
        (message,) = ends[1 - number % 2].receive(bytes.fromhex(words))
        assert (message.kind, message.body) == MESSAGE


@pytest.mark.parametrize("vector", refused_pieces(), ids=lambda one: str(one["comment"]))
def test_the_pieces_that_are_refused_are(vector: dict[str, str]) -> None:
    _, responder = channels()
    with pytest.raises(ProtocolError) as raised:
        list(responder.receive(bytes.fromhex(vector["piece"])))
    assert type(raised.value).__name__ == vector["error"]
    assert responder.has_ended


def test_a_second_implementation_makes_the_messages_of_the_vectors() -> None:
    """Given the payloads alone, a Noise of others comes to the same bytes, in the handshake and after it."""
    from noise.connection import Keypair, NoiseConnection

    vectors = load("handshake")
    sides = []
    for role in Role:
        other = NoiseConnection.from_name(b"Noise_XX_25519_ChaChaPoly_BLAKE2b")
        (other.set_as_initiator if role is Role.INITIATOR else other.set_as_responder)()
        other.set_prologue(bytes.fromhex(vectors["prologue"]))
        for keypair in (Keypair.STATIC, Keypair.EPHEMERAL):
            private = bytes.fromhex(vectors[role][keypair.name.lower()])
            other.set_keypair_from_private_bytes(keypair, private)
        with pytest.warns(UserWarning, match="ephemeral keypairs"):  # given, which is for tests alone
            other.start_handshake()
        sides.append(other)
    for number, (payload, message) in enumerate(zip(vectors["payloads"], vectors["messages"], strict=True)):
        writer, reader = sides[number % 2], sides[1 - number % 2]
        assert bytes(writer.write_message(bytes.fromhex(payload))).hex() == message
        assert bytes(reader.read_message(bytes.fromhex(message))).hex() == payload
    assert sides[0].get_handshake_hash().hex() == vectors["handshake_hash"]
    for number, words in enumerate(vectors["said"]):
        assert bytes(sides[number % 2].encrypt(bytes.fromhex(vectors["frame"]))).hex() == words
