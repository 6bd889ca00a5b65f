"""The paper form: the same receipt, byte for byte, and small enough in the worst place of a log."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import limits
from ledger.errors import ReceiptError
from ledger.exchange import State
from ledger.log import EntryId
from ledger.multiproof import gaps
from ledger.paper import VERSION, from_paper, to_paper
from ledger.receipt import encode_receipt, verify_receipt
from ledger.records import Accept, Offer, Withdraw
from ledger.shorthand import FIRST_ID, ROOT, deflate, inflate

from ..support.communes import Writer, found, key_of, kg, succeed
from ..support.networks import proof_of_fork
from ..support.receipts import Taken, barter, long_barter, opening_of, receipt_of, short

LOG_SIZE = 16_384
SPREAD = 256
MAX_PAPER_BYTES = 3_000


@pytest.fixture
def montes() -> Writer:
    return found("Los Montes")


@pytest.fixture
def valle() -> Writer:
    return found("El Valle")


def refusal(paper: bytes) -> str:
    with pytest.raises(ReceiptError) as caught:
        verify_receipt(from_paper(paper))
    return str(caught.value)


# The same receipt -------------------------------------------------------------------------------


def test_a_receipt_comes_back_byte_for_byte(montes: Writer, valle: Writer) -> None:
    data = encode_receipt(receipt_of(barter(montes, valle), montes, valle))
    paper = to_paper(data)
    assert from_paper(paper) == data
    assert len(paper) < 0.7 * len(data)


def test_everything_that_a_receipt_can_hold_comes_back(montes: Writer, valle: Writer) -> None:
    """Two logs of one commune, both branches of a fork, evidence, an authority record, leaf hashes alone."""
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    lie = valle.twin()
    valle.say(Accept, exchange=trade, seen=[montes])
    lie.say(Offer, title="Nada", category="other")
    montes.replace_authority(*(key_of(f"council {number}") for number in range(5)), threshold=3)
    new = succeed(montes, "Los Montes: log 2", reason="El disco se dañó")
    newer = {"at": 9_000, "exchange": trade, "kind": "guarantee", "least": -7, "much": -(2**40), "none": None}
    valle.quote(msgspec.msgpack.encode(newer))
    new.say(Withdraw, target=trade, seen=[valle.head, lie.head])
    evidence = proof_of_fork(valle, lie)
    assert evidence is not None
    receipt = receipt_of(
        trade, short(montes, 1, blind=[2]), new, valle, short(lie, blind=[1]),
        statements=[opening_of(montes, 2)], evidence=[evidence],
    )  # fmt: skip
    data = encode_receipt(receipt)
    assert from_paper(to_paper(data)) == data
    assert verify_receipt(data).found == ("not-fulfilled", "contested", "newer")


def test_a_root_that_follows_from_the_proof_is_not_sent(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    data = encode_receipt(receipt_of(trade, montes, valle))
    for writer in (montes, valle):
        for size in (2, 3, 4):
            assert writer.root_at(size) not in to_paper(data)
    assert montes.root_at(2) in data


def test_what_is_no_receipt_has_no_paper_form(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    with pytest.raises(ReceiptError):
        to_paper(b"minga")
    with pytest.raises(ReceiptError):
        to_paper(encode_receipt(receipt_of(EntryId(bytes(32)), montes, valle)))
    valle.quote(b"\xc1")
    with pytest.raises(ReceiptError):
        to_paper(encode_receipt(receipt_of(trade, montes, valle)))


# Its size ---------------------------------------------------------------------------------------


def long_receipt(mine: Sequence[int], theirs: Sequence[int], rng: Random, *, lavish: bool = False) -> bytes:
    """The receipt of a barter whose steps stand at these indexes, each log under its one head of 16,384."""
    trade, a, b = long_barter(mine, theirs, rng, LOG_SIZE, lavish=lavish)
    taken = Taken(a, tuple(mine), LOG_SIZE), Taken(b, tuple(theirs), LOG_SIZE)
    return encode_receipt(receipt_of(trade, *taken, network="comunas"))


WORST = ((8_055, 8_092, 8_202), (4_001, 4_040, 4_225))
"""Three places within 256 whose multi-proof in a tree of 16,384 is as long as it can be: 32 hashes."""


def hashes(indexes: Sequence[int]) -> int:
    return sum(1 for _ in gaps(LOG_SIZE, indexes))


def test_the_worst_alignment_is_as_bad_as_it_is_said_to_be() -> None:
    """Where a stretch of 256 straddles the middle, almost nothing is shared: 32 hashes, 25 on average."""
    rng = Random(7)
    assert [hashes(indexes) for indexes in WORST] == [32, 30]
    counts = []
    for number in range(6_000):
        middle = rng.choice((2_048, 4_096, 6_144, 8_192, 12_288, rng.randrange(SPREAD, LOG_SIZE - SPREAD)))
        start = middle - rng.randrange(SPREAD) if number % 2 else rng.randrange(1, LOG_SIZE - SPREAD)
        counts.append(hashes(sorted(rng.sample(range(start, start + SPREAD), 3))))
    assert max(counts) <= 32


@pytest.mark.parametrize("place", WORST)
def test_a_fulfilled_barter_fits_in_two_codes_wherever_it_stands(place: tuple[int, int, int]) -> None:
    """Both logs at their worst, 16,384 entries under one head each: still not more than 3,000 bytes."""
    rng = Random(5)
    data = long_receipt(place, place, rng)
    seen = verify_receipt(data)
    assert (seen.exchange.state, seen.found) == (State.FULFILLED, ())
    paper = to_paper(data)
    assert from_paper(paper) == data
    assert len(paper) <= MAX_PAPER_BYTES
    assert -(-len(paper) // limits.MAX_CODE_BYTES) <= 2


def test_a_barter_in_an_ordinary_place_leaves_room_for_roles_and_listings() -> None:
    rng = Random(11)
    for _ in range(4):
        mine, theirs = (
            sorted(rng.sample(range(start, start + SPREAD), 3))
            for start in (rng.randrange(1, LOG_SIZE - SPREAD) for _ in range(2))
        )
        assert len(to_paper(long_receipt(mine, theirs, rng, lavish=True))) <= MAX_PAPER_BYTES - 100


# What is refused --------------------------------------------------------------------------------


def test_every_flipped_byte_of_the_paper_is_refused_or_changes_nothing(montes: Writer, valle: Writer) -> None:
    gift = montes.propose((montes, valle, "Cine", None))
    valle.say(Accept, exchange=gift, seen=[montes])
    data = encode_receipt(receipt_of(gift, short(montes, 1), valle))
    paper = to_paper(data)
    same = 0
    for place in range(len(paper)):
        broken = paper[:place] + bytes([paper[place] ^ 1 << place % 8]) + paper[place + 1 :]
        try:
            again = from_paper(broken)
            verify_receipt(again)
        except ReceiptError:
            continue
        assert again == data
        same += 1
    assert same <= 8  # the same text can be deflated in more than one way


def test_paper_cut_short_or_with_more_at_its_end_is_refused(montes: Writer, valle: Writer) -> None:
    gift = montes.propose((montes, valle, "Cine", None))
    paper = to_paper(encode_receipt(receipt_of(gift, montes, statements=[opening_of(valle)])))
    for end in range(len(paper)):
        assert refusal(paper[:end])
    assert refusal(paper + b"\x00")


def test_a_newer_version_is_told_as_one() -> None:
    assert "newer version" in refusal(b"\x02" + bytes(100))
    assert "newer version" in refusal(b"")


def test_text_that_explodes_is_refused_before_it_does() -> None:
    bomb = deflate(bytes(50_000_000))
    assert len(bomb) < 65_536
    with pytest.raises(ValueError, match="does not end"):
        inflate(bomb)
    assert "damaged" in refusal(bytes([VERSION]) + len(bomb).to_bytes(2, "big") + bomb)


def test_a_tree_that_explodes_is_refused_before_it_does() -> None:
    """A few bytes could ask for more hashes than there are bytes."""
    text = ["comunas", 0, [[0, 2**32, [], False, [1], []]] * 64, [], [], [0], [{}]]
    deflated = deflate(msgspec.msgpack.encode(text))
    with pytest.raises(ReceiptError, match="scan all of them again") as refused:
        from_paper(bytes([VERSION]) + len(deflated).to_bytes(2, "big") + deflated + bytes(200))
    assert "cut short" in str(refused.value.__cause__)


def test_roots_asked_for_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few bytes ask every tree of a log for a root: those of one sheet could take minutes to be told."""
    size, trees = 2**32 - 1, 8
    place = size - 3
    proof = bytes(32 * sum(1 for _ in gaps(size, (place,))))
    outlines = [[0, size, [], True, [place], []]] * (trees - 1) + [[0, size, [], True, [place], [0]]]
    raw = bytes(32) + (bytes(64) + proof) * (trees - 1) + bytes(64) + bytes(32) + proof
    slots = 2 * trees - 1

    def asking(times: int) -> bytes:
        payloads = [[FIRST_ID, size - 2, ROOT] * times, *([{}] * (slots - 1))]
        text = ["comunas", 0, outlines, [], [], list(range(slots)), payloads]
        deflated = deflate(msgspec.msgpack.encode(text))
        return bytes([VERSION]) + len(deflated).to_bytes(2, "big") + deflated + raw

    monkeypatch.setattr("ledger.shorthand.MAX_ROOTS_TRIED", 10 * trees)
    assert "too many heads" not in refusal(asking(10))
    assert "too many heads" in refusal(asking(11))


def test_numbers_that_stand_for_nothing_are_refused() -> None:
    for payload in (
        -2,
        -3,
        -1,
        -4,
        -5,
        -400,
        {"a": [1, 2, -3]},
        msgspec.msgpack.Ext(0, b"\x00"),
        msgspec.msgpack.Ext(1, b""),
    ):
        for order in ([0], [1], [-1], [0, 0], []):
            text = ["comunas", 0, [[0, 2, [], False, [1], []]], [], [], order, [payload] * len(order)]
            deflated = deflate(msgspec.msgpack.encode(text))
            raw = key_of("nobody").public_key + bytes(64 + 32)
            assert refusal(bytes([VERSION]) + len(deflated).to_bytes(2, "big") + deflated + raw)


@given(st.binary(max_size=400))
@settings(max_examples=150)
def test_junk_is_refused(junk: bytes) -> None:
    deflated = deflate(junk)
    for paper in (
        junk,
        bytes([VERSION]) + junk,
        bytes([VERSION]) + len(deflated).to_bytes(2, "big") + deflated,
    ):
        with pytest.raises(ReceiptError):
            verify_receipt(from_paper(paper))


def test_what_was_deflated_without_the_dictionary_is_refused() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    plain = packer.compress(b"\x97\xa7comunas\x00") + packer.flush()
    assert inflate(plain) == b"\x97\xa7comunas\x00"  # no word of the dictionary is in it
    assert refusal(bytes([VERSION]) + len(plain).to_bytes(2, "big") + plain)
