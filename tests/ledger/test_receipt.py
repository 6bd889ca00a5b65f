"""Receipts: what each kind of exchange shows of itself, and everything that is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import limits
from ledger.errors import ReceiptError
from ledger.exchange import Form, State
from ledger.receipt import (
    FOUND,
    MAGIC,
    UNPROVEN,
    Receipt,
    Verified,
    decode_receipt,
    encode_receipt,
    verify_receipt,
)
from ledger.records import (
    Accept,
    Cancel,
    Charter,
    Decline,
    Deliver,
    Dispute,
    Offer,
    Profile,
    Receive,
    Settle,
    Withdraw,
    to_payload,
)

from ..support.communes import NETWORK, Writer, authority_of, found, key_of, kg, succeed
from ..support.networks import proof_of_fork
from ..support.receipts import Taken, barter, excerpt_of, opening_of, receipt_of, short

changed: Callable[..., Any] = msgspec.structs.replace


@pytest.fixture
def montes() -> Writer:
    return found("Los Montes", place="Lara")


@pytest.fixture
def valle() -> Writer:
    return found("El Valle")


@pytest.fixture
def costa() -> Writer:
    return found("La Costa")


def shown(receipt: Receipt) -> Verified:
    return verify_receipt(encode_receipt(receipt))


def refusal(receipt: Receipt | bytes) -> str:
    with pytest.raises(ReceiptError) as caught:
        verify_receipt(receipt if isinstance(receipt, bytes) else encode_receipt(receipt))
    return str(caught.value)


# What is shown ----------------------------------------------------------------------------------


def test_a_barter_names_both_sides_and_everything_that_was_said(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    seen = shown(receipt_of(trade, montes, valle))
    assert seen.network == NETWORK
    assert {(party.id, party.name, party.place) for party in seen.parties} == {
        (montes.commune, "Los Montes", "Lara"),
        (valle.commune, "El Valle", None),
    }
    assert [party.id for party in seen.parties] == list(seen.exchange.proposal.parties)
    assert (seen.exchange.id, seen.exchange.state, seen.exchange.form) == (
        trade,
        State.FULFILLED,
        Form.BARTER,
    )
    assert [(leg.transfer.title, leg.agreed, leg.given, leg.got) for leg in seen.exchange.legs] == [
        ("Maíz blanco", 100_000_000, 100_000_000, 100_000_000),
        ("Clavos", 20_000_000, 20_000_000, 20_000_000),
    ]
    said = [(step.record.kind, step.commune, step.log, step.index, step.refused) for step in seen.said]
    assert said[0] == ("propose", montes.commune, montes.log, 1, None)
    assert sorted(said[1:]) == sorted(
        [
            ("accept", valle.commune, valle.log, 1, None),
            ("deliver", montes.commune, montes.log, 2, None),
            ("receive", valle.commune, valle.log, 2, None),
            ("deliver", valle.commune, valle.log, 3, None),
            ("receive", montes.commune, montes.log, 3, None),
        ]
    )
    assert {(log.log, log.commune, log.size) for log in seen.logs} == {
        (montes.log, montes.commune, 4),
        (valle.log, valle.commune, 4),
    }
    assert seen.found == ()


def test_other_entries_may_be_left_out_and_stay_out_of_sight(montes: Writer, valle: Writer) -> None:
    for number in range(30):
        montes.say(Offer, title=f"Yuca {number}", category="food-tubers")
        valle.say(Offer, title=f"Cine {number}", category="culture-film")
    trade = barter(montes, valle)
    for _ in range(40):
        montes.say(Offer, title="Cambur", category="food-plantain")
    receipt = receipt_of(trade, short(montes, 31, 32, 33), short(valle, 31, 32, 33))
    assert shown(receipt).exchange == shown(receipt_of(trade, montes, valle)).exchange
    data = encode_receipt(receipt)
    assert b"Yuca" not in data
    assert b"Cambur" not in data


def test_a_head_of_any_size_over_the_entries_will_do(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    before = short(montes, 1, 2, 3, size=4)
    montes.say(Offer, title="Yuca", category="food-tubers")
    assert (
        shown(receipt_of(trade, before, valle)).exchange == shown(receipt_of(trade, montes, valle)).exchange
    )


def test_a_gift_is_shown_as_one(montes: Writer, valle: Writer) -> None:
    gift = montes.propose((montes, valle, "Una tarde de cine", None))
    valle.say(Accept, exchange=gift, seen=[montes])
    montes.say(Deliver, exchange=gift, transfer=0, seen=[valle])
    valle.say(Receive, exchange=gift, transfer=0, seen=[montes])
    seen = shown(receipt_of(gift, montes, valle))
    assert (seen.exchange.form, seen.exchange.state, seen.found) == (Form.GIFT, State.FULFILLED, ())


def test_a_ring_shows_all_its_sides(montes: Writer, valle: Writer, costa: Writer) -> None:
    ring = montes.propose(
        (montes, valle, "Maíz", kg(10)), (valle, costa, "Clavos", kg(5)), (costa, montes, "Sal", kg(3))
    )
    valle.say(Accept, exchange=ring, seen=[montes])
    costa.say(Accept, exchange=ring, seen=[montes])
    for giver, receiver, transfer, amount in (
        (montes, valle, 0, 10), (valle, costa, 1, 5), (costa, montes, 2, 3)
    ):  # fmt: skip
        others = [writer for writer in (montes, valle, costa) if writer is not giver]
        giver.say(Deliver, exchange=ring, transfer=transfer, quantity=kg(amount), seen=others)
        others = [writer for writer in (montes, valle, costa) if writer is not receiver]
        receiver.say(Receive, exchange=ring, transfer=transfer, quantity=kg(amount), seen=others)
    seen = shown(receipt_of(ring, montes, valle, costa))
    assert (seen.exchange.form, seen.exchange.state, seen.found) == (Form.RING, State.FULFILLED, ())
    assert {party.name for party in seen.parties} == {"Los Montes", "El Valle", "La Costa"}


def test_half_a_delivery_is_shown_as_half(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(60), seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(50), condition="damaged", seen=[montes])
    seen = shown(receipt_of(trade, montes, valle))
    (leg,) = seen.exchange.legs
    assert (seen.exchange.state, leg.given, leg.got) == (State.AGREED, 60_000_000, 50_000_000)
    assert seen.found == ("not-fulfilled", "sides-differ", "damaged")


def test_a_dispute_is_shown_while_it_stands_and_how_it_ended(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    dispute = valle.say(Dispute, exchange=trade, transfer=0, note="Mojado", seen=[montes])
    seen = shown(receipt_of(trade, montes, valle))
    assert (seen.exchange.state, seen.exchange.disputed, seen.found) == (
        State.FULFILLED,
        True,
        ("disputed",),
    )
    montes.say(Settle, dispute=dispute, outcome="closed", seen=[valle])
    valle.say(Settle, dispute=dispute, outcome="closed", seen=[montes])
    seen = shown(receipt_of(trade, montes, valle))
    assert (seen.exchange.disputed, seen.found) == (False, ())
    assert [step.record.kind for step in seen.said].count("settle") == 2


def test_a_counter_offer_shows_what_it_replaced_and_stands_for_itself(montes: Writer, valle: Writer) -> None:
    first = montes.propose((montes, valle, "Maíz", kg(100)))
    second = valle.propose(
        (montes, valle, "Maíz", kg(100)), (valle, montes, "Clavos", kg(5)), replaces=first, seen=[montes]
    )
    montes.say(Accept, exchange=second, seen=[valle])
    seen = shown(receipt_of(first, montes, valle))
    assert (seen.exchange.state, seen.exchange.replaced_by) == (State.REPLACED, second)
    assert [step.id for step in seen.said] == [first, second]
    seen = shown(receipt_of(second, montes, valle))
    assert (seen.exchange.state, seen.exchange.proposer) == (State.AGREED, valle.commune)
    assert seen.found == ("not-fulfilled",)


def test_a_refusal_a_withdrawal_and_a_cancellation_are_shown(montes: Writer, valle: Writer) -> None:
    declined = montes.propose((montes, valle, "Maíz", kg(1)))
    withdrawn = montes.propose((montes, valle, "Maíz", kg(2)))
    cancelled = montes.propose((montes, valle, "Maíz", kg(3)))
    valle.say(Decline, exchange=declined, seen=[montes])
    valle.say(Accept, exchange=cancelled)
    montes.say(Withdraw, target=withdrawn, seen=[valle])
    montes.say(Cancel, exchange=cancelled)
    valle.say(Cancel, exchange=cancelled, seen=[montes])
    for exchange, state in (
        (declined, State.DECLINED), (withdrawn, State.WITHDRAWN), (cancelled, State.CANCELLED)
    ):  # fmt: skip
        seen = shown(receipt_of(exchange, montes, valle))
        assert (seen.exchange.state, seen.found) == (state, ("not-fulfilled",))


def test_a_step_that_the_rules_refuse_is_shown_with_the_reason(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    valle.say(Decline, exchange=trade, seen=[montes])
    valle.say(Accept, exchange=trade)
    seen = shown(receipt_of(trade, montes, valle))
    assert [(step.record.kind, step.refused) for step in seen.said] == [
        ("propose", None),
        ("decline", None),
        ("accept", "answered-already"),
    ]


def test_what_a_newer_version_said_about_it_is_not_passed_over(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    newer = msgspec.msgpack.encode({"at": 9_000, "exchange": trade, "kind": "guarantee"})
    valle.quote(newer)
    assert shown(receipt_of(trade, montes, valle)).found == ("newer",)


def test_steps_before_and_after_a_succession_are_those_of_one_commune(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz blanco", kg(100)), (valle, montes, "Clavos", kg(20)))
    valle.say(Accept, exchange=trade, seen=[montes])
    valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20))
    montes.say(Receive, exchange=trade, transfer=1, quantity=kg(20), seen=[valle])
    new = succeed(montes, "Los Montes: log 2")
    new.say(Deliver, exchange=trade, transfer=0, quantity=kg(100))
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(100), seen=[new, montes])
    seen = shown(receipt_of(trade, montes, new, valle))
    assert (seen.exchange.state, seen.exchange.refused, seen.found) == (State.FULFILLED, (), ())
    assert {step.log for step in seen.said if step.commune == montes.commune} == {montes.log, new.log}
    # What the old log had seen the new one has: the receipt has to bring the entry in which it had.
    without = shown(receipt_of(trade, short(montes, 1), new, valle))
    assert [one.code for one in without.exchange.refused] == ["not-agreed"]


def test_a_log_opened_under_a_replaced_authority_is_shown_with_its_chain(
    montes: Writer, valle: Writer
) -> None:
    trade = barter(montes, valle)
    councils = [key_of(f"council {number}") for number in range(3)]
    montes.replace_authority(*councils, threshold=2)
    new = succeed(montes, "Los Montes: log 2")
    new.say(Dispute, exchange=trade, seen=[valle])
    whole = receipt_of(trade, short(montes, 1, 2, 3), new, valle, statements=[opening_of(montes, 4)])
    assert shown(whole).found == ("disputed",)
    # Without the authority record nothing shows that the new log is of this commune.
    assert "to which commune" in refusal(receipt_of(trade, short(montes, 1, 2, 3), new, valle))


def test_the_newest_name_is_shown_if_its_profile_is_there(montes: Writer, valle: Writer) -> None:
    montes.say(Profile, name="Los Montes Altos", place="Lara, Crespo")
    trade = barter(montes, valle)
    names = {party.name for party in shown(receipt_of(trade, montes, valle)).parties}
    assert names == {"Los Montes Altos", "El Valle"}
    names = {party.name for party in shown(receipt_of(trade, short(montes, 2, 3, 4), valle)).parties}
    assert names == {"Los Montes", "El Valle"}


def test_a_party_that_never_said_anything_is_named_if_its_charter_is_there(
    montes: Writer, valle: Writer
) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    silent = {party.id: party.name for party in shown(receipt_of(trade, montes)).parties}
    assert silent == {montes.commune: "Los Montes", valle.commune: None}
    receipt = receipt_of(trade, montes, statements=[opening_of(valle)])
    assert {party.name for party in shown(receipt).parties} == {"Los Montes", "El Valle"}


# Forks and seals --------------------------------------------------------------------------------


def test_a_debtor_who_forks_is_shown_as_owing_and_contested(montes: Writer, valle: Writer) -> None:
    """Past the cut an acceptance counts since the other side had seen it; evidence says where the cut is."""
    trade = montes.propose((montes, valle, "Maíz", kg(100)), (valle, montes, "Clavos", kg(20)))
    lie = valle.twin()
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    lie.say(Decline, exchange=trade, seen=[montes])
    evidence = proof_of_fork(valle, lie)
    assert evidence is not None
    seen = shown(receipt_of(trade, montes, valle, evidence=[evidence]))
    assert (seen.exchange.state, seen.exchange.contested) == (State.AGREED, True)
    assert seen.found == ("not-fulfilled", "contested", "sides-differ")
    # Without the evidence it could be taken for an exchange without a flaw: that is what UNPROVEN warns of.
    assert shown(receipt_of(trade, montes, valle)).exchange.contested is False
    # With both branches there, the answer is the same.
    both = shown(receipt_of(trade, montes, valle, lie, evidence=[evidence]))
    assert (both.exchange.state, both.exchange.contested) == (State.AGREED, True)


def test_a_third_commune_vouches_if_its_own_log_proves_whose_it_is(
    montes: Writer, valle: Writer, costa: Writer
) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    lie = valle.twin()
    valle.say(Accept, exchange=trade, seen=[montes])
    lie.say(Offer, title="Nada", category="other")
    costa.say(Offer, title="Sal", category="other", seen=[valle])
    evidence = proof_of_fork(valle, lie)
    assert evidence is not None
    vouched = receipt_of(trade, montes, valle, short(costa, 0, 1), evidence=[evidence])
    assert shown(vouched).exchange.state is State.AGREED
    assert shown(receipt_of(trade, montes, valle, evidence=[evidence])).exchange.state is State.PROPOSED
    # Anybody could write a charter around somebody else's key.
    loose = receipt_of(trade, montes, valle, short(costa, 1), evidence=[evidence])
    assert "to whom a log of others" in refusal(loose)


def test_a_step_past_the_seal_of_its_log_is_contested(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    new = succeed(valle, "El Valle: log 2")
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    receipt = receipt_of(trade, montes, valle, statements=[opening_of(new)])
    assert (shown(receipt).exchange.state, shown(receipt).exchange.contested) == (State.AGREED, True)


# What is refused --------------------------------------------------------------------------------


def test_every_flipped_byte_is_refused(montes: Writer, valle: Writer) -> None:
    """Not one byte may be changed, of those that no signature covers either."""
    gift = montes.propose((montes, valle, "Cine", None))
    valle.say(Accept, exchange=gift, seen=[montes])
    costa = found("La Costa")
    montes.say(Offer, title="Yuca", category="food-tubers", seen=[costa])
    receipt = receipt_of(gift, short(montes, 1, blind=[2]), valle)
    data = encode_receipt(receipt)
    claims = verify_receipt(data)
    for place in range(len(data)):
        for flip in (1 << place % 8, 0xFF):
            broken = data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]
            with pytest.raises(ReceiptError):
                verify_receipt(broken)
    assert verify_receipt(data) == claims


def test_every_flipped_byte_of_what_says_whose_logs_are_is_refused(montes: Writer, valle: Writer) -> None:
    """Charters, successions and authority records stand there without a proof, and need none."""
    gift = montes.propose((montes, valle, "Cine", None))
    montes.replace_authority(key_of("council"))
    new = succeed(montes, "Los Montes: log 2")
    new.say(Withdraw, target=gift)
    receipt = receipt_of(gift, short(montes, 1), new, statements=[opening_of(montes, 2), opening_of(valle)])
    data = encode_receipt(receipt)
    claims = verify_receipt(data)
    assert claims.exchange.state is State.WITHDRAWN
    starts = [data.index(statement.payload) for statement in receipt.statements]
    starts += [data.index(one.opening) for one in receipt.excerpts if one.opening is not None]
    ends = [start + len(payload) for start, payload in zip(
        starts,
        [one.payload for one in receipt.statements]
        + [one.opening for one in receipt.excerpts if one.opening is not None],
        strict=True,
    )]  # fmt: skip
    for start, end in zip(starts, ends, strict=True):
        for place in range(start, end):
            broken = data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
            with pytest.raises(ReceiptError):
                verify_receipt(broken)


def test_a_receipt_cut_short_anywhere_is_refused(montes: Writer, valle: Writer) -> None:
    data = encode_receipt(receipt_of(barter(montes, valle), montes, valle))
    for end in range(len(data)):
        with pytest.raises(ReceiptError):
            verify_receipt(data[:end])
    with pytest.raises(ReceiptError):
        verify_receipt(data + b"\x00")


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_junk_is_refused(junk: bytes) -> None:
    for data in (junk, MAGIC + junk, MAGIC + b"\x01" + junk):
        with pytest.raises(ReceiptError):
            verify_receipt(data)


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    assert "at most 524288 bytes" in refusal(MAGIC + bytes(limits.MAX_RECEIPT_BYTES))


def test_a_newer_version_is_told_as_one(montes: Writer, valle: Writer) -> None:
    data = encode_receipt(receipt_of(barter(montes, valle), montes, valle))
    assert "newer version" in refusal(data.replace(MAGIC + b"\x01", MAGIC + b"\x02"))


def test_more_entries_than_are_weighed_are_refused(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(1)))
    for _ in range(limits.MAX_RECEIPT_ENTRIES // 2):
        for writer in (montes, valle):
            writer.quote(to_payload(Decline(at=1, exchange=trade)))
    assert f"at most {limits.MAX_RECEIPT_ENTRIES} entries" in refusal(receipt_of(trade, montes, valle))


def test_a_receipt_of_another_network_is_refused(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    assert "signed for the network comunas" in refusal(receipt_of(trade, montes, valle, network="comunas"))
    # Nor does a log of this network speak for a commune that was founded for another.
    stranger = found("El Valle", network="comunas", log="El Valle: log 9")
    stranger.network = NETWORK
    trade = barter(montes, stranger)
    assert "to which commune" in refusal(receipt_of(trade, montes, stranger))


def test_a_longer_spelling_is_refused(montes: Writer, valle: Writer) -> None:
    data = encode_receipt(receipt_of(barter(montes, valle), montes, valle))
    longer = data.replace(b"\x95\xa6ensayo", b"\xdc\x00\x05\xa6ensayo")
    assert longer != data
    assert "shortest encoding" in refusal(longer)


def test_parts_out_of_order_or_given_twice_are_refused(montes: Writer, valle: Writer) -> None:
    receipt = receipt_of(barter(montes, valle), montes, valle)
    one, other = receipt.excerpts
    for excerpts in ((other, one), (one, one, other)):
        assert "in their order" in refusal(changed(receipt, excerpts=excerpts))
    statements = (opening_of(montes), opening_of(montes))
    assert "in their order" in refusal(changed(receipt, statements=statements))


def test_what_the_heads_do_not_prove_is_refused(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    receipt = receipt_of(trade, montes, valle)
    mine = excerpt_of(montes)
    others = [one for one in receipt.excerpts if one.log != montes.log]

    def with_mine(**fields: Any) -> Receipt:
        excerpts = [*others, changed(mine, **fields)]
        whole: Receipt = changed(receipt, excerpts=tuple(sorted(excerpts, key=lambda one: one.log)))
        return whole

    assert shown(with_mine()) == shown(receipt)
    proof = excerpt_of(short(montes, 2, 3))
    less = montes.payloads[2].replace(b"kg", b"mg")
    wrongs: dict[str, dict[str, Any]] = {
        "another unit": {"items": (mine.items[0], less, mine.items[2])},
        "swapped": {"items": (mine.items[1], mine.items[0], mine.items[2])},
        "moved": {"indexes": (1, 2, 4), "size": 5},
        "not under the head": {"indexes": (1, 2, 4)},
        "descending": {"indexes": (1, 3, 2)},
        "the proof of fewer": {"proof": proof.proof},
        "too few places": {"indexes": (1, 2)},
        "another size": {"size": 5},
        "the signature of a former head": {"signature": montes.head_at(3).signature},
        "a line that was not signed": {"extensions": ("sello",)},
        "no opening": {"opening": None},
        "another record as its opening": {"opening": mine.items[0]},
        "junk": {"items": (b"\x00", *mine.items[1:])},
        "another log": {"log": key_of("nobody").public_key},
    }  # fmt: skip
    for what, fields in wrongs.items():
        assert refusal(with_mine(**fields)), what


def test_a_blind_first_entry_shows_nothing(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    assert "first entry" in refusal(receipt_of(trade, short(montes, 1, 2, 3, blind=[0]), valle))


def test_a_charter_around_the_key_of_others_makes_no_step_theirs(montes: Writer, valle: Writer) -> None:
    """Anybody can write a charter that names somebody else's log; the parties do not name its id."""
    trade = barter(montes, valle)
    false = to_payload(
        Charter(at=1, authority=authority_of(key_of("thief")), name="Los Ladrones", network=NETWORK)
    )
    taken = Taken(montes, (1, 2, 3), montes.size, opening=false)
    assert "does not hold the proposal" in refusal(receipt_of(trade, taken, valle))
    taken = Taken(valle, (1, 2, 3), valle.size, opening=false)
    assert "to whom a log of others" in refusal(receipt_of(trade, montes, taken))


def test_an_exchange_whose_proposal_is_not_there_is_refused(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    assert "does not hold the proposal" in refusal(receipt_of(trade, short(montes, 2), valle))
    assert "does not hold the proposal" in refusal(receipt_of(valle.id_of(1), montes, valle))


def test_what_has_no_purpose_is_refused(montes: Writer, valle: Writer, costa: Writer) -> None:
    """A reader could take it for a part of what is proved."""
    trade = barter(montes, valle)
    new = succeed(costa, "La Costa: log 2")
    lie = costa.twin(1)
    lie.say(Offer, title="Nada", category="other")
    costa.say(Offer, title="Sal", category="other")
    evidence = proof_of_fork(costa, lie)
    assert evidence is not None
    for statements, proofs, reason in (
        ([opening_of(costa)], [], "charter of a commune that has no part"),
        ([opening_of(new)], [], "whose charter is missing"),
        ([], [evidence], "a log that has no part"),
    ):
        receipt = receipt_of(trade, montes, valle, statements=statements, evidence=proofs)
        assert reason in refusal(receipt)


def test_evidence_that_proves_no_fork_is_refused(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    lie = valle.twin(1)
    lie.say(Offer, title="Nada", category="other")
    evidence = proof_of_fork(valle, lie)
    assert evidence is not None
    receipt = receipt_of(trade, montes, valle, evidence=[changed(evidence, index=evidence.index + 1)])
    assert "Evidence of a fork" in refusal(receipt)


def test_a_step_signed_by_nobody_entitled_is_no_step(montes: Writer, valle: Writer, costa: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    costa.say(Accept, exchange=trade, seen=[montes])
    seen = shown(receipt_of(trade, montes, short(costa, 0, 1), statements=[opening_of(valle)]))
    assert seen.exchange.state is State.PROPOSED
    assert [step.record.kind for step in seen.said] == ["propose"]


def test_an_acceptance_counts_only_if_it_is_shown_that_it_had_seen_the_proposal(
    montes: Writer, valle: Writer
) -> None:
    """What a writer had seen may stand in an earlier entry; a receipt has to bring it."""
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    valle.say(Offer, title="Clavos", category="metal", seen=[montes])
    valle.say(Accept, exchange=trade)
    assert shown(receipt_of(trade, montes, valle)).exchange.state is State.AGREED
    without = shown(receipt_of(trade, montes, short(valle, 2)))
    assert (without.exchange.state, [one.code for one in without.exchange.refused]) == (
        State.PROPOSED,
        ["unseen"],
    )


def test_a_head_seen_that_nobody_signed_shows_nothing(montes: Writer, valle: Writer) -> None:
    trade = montes.propose((montes, valle, "Maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[changed(montes.head, signature=bytes(64))])
    assert shown(receipt_of(trade, montes, valle)).exchange.state is State.PROPOSED


def test_what_is_left_out_shows_nowhere_and_the_answer_says_so(montes: Writer, valle: Writer) -> None:
    """The one lie that a receipt cannot help: docs/spec/receipt.md lists what can be left out."""
    trade = barter(montes, valle)
    valle.say(Dispute, exchange=trade, seen=[montes])
    silent = shown(receipt_of(trade, montes, short(valle, 1, 2, 3)))
    assert silent.found == ()
    assert {log.size for log in silent.logs} == {4, 5}
    assert "dispute" in UNPROVEN["left-out"]


def test_every_sentence_about_a_receipt_is_one() -> None:
    for sentence in (*UNPROVEN.values(), *FOUND.values()):
        assert re.fullmatch(r"[A-Z].*\.", sentence)


def test_verifying_does_not_depend_on_what_was_verified_before(montes: Writer, valle: Writer) -> None:
    trade = barter(montes, valle)
    data = encode_receipt(receipt_of(trade, montes, valle))
    assert [verify_receipt(data) for _ in range(2)] == [verify_receipt(data)] * 2
    assert decode_receipt(data) == receipt_of(trade, montes, valle)
