"""Who speaks for a commune: the assembly's keys, not the machine's."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import authority
from ledger.authority import Chain, authority_chain, commune_of, satisfied
from ledger.records import Authority, AuthorityChange, CommuneId, Signed, Succession, signed_body, to_payload
from ledger.signing import SigningKey
from tests.support.communes import (
    NETWORK,
    Writer,
    authority_of,
    found,
    key_of,
    recovery_of,
    signatures_of,
    signed,
    stated_in,
    succeed,
    succession_of,
)

WATER, FOOD, RADIO = (key_of(f"council of {name}") for name in ("water", "food", "the radio"))


def chain_of(founder: Writer, *others: Writer, rng: Random | None = None) -> Chain:
    """The chain of the founder's commune, from what these writers wrote."""
    stated = stated_in(founder, *others)
    if rng is not None:
        rng.shuffle(stated)
    charter = next(one for one in stated if CommuneId(one.id) == founder.commune)
    changes = [one for one in stated if isinstance(one.record, AuthorityChange)]
    return authority_chain(charter, changes, founder.network)


def in_force(chain: Chain) -> Authority:
    """The authority in force, which there has to be."""
    assert chain.in_force is not None
    return chain.in_force.authority


def codes(chain: Chain) -> list[str]:
    """Why records were refused."""
    return sorted(item.code for item in chain.refused)


# One after the other ------------------------------------------------------------------------------


def test_a_commune_starts_with_the_recovery_key_of_its_charter() -> None:
    montes = found("Los Montes")
    chain = chain_of(montes)
    assert in_force(chain).keys == (recovery_of("Los Montes").public_key,)
    assert chain.refused == ()
    assert montes.log not in in_force(chain).keys


def test_the_recovery_key_hands_over_to_the_councils() -> None:
    montes = found("Los Montes")
    entry = montes.replace_authority(WATER, FOOD, RADIO, threshold=2)
    chain = chain_of(montes)
    assert in_force(chain) == authority_of(WATER, FOOD, RADIO, threshold=2)
    assert chain.link_of(entry) is chain.in_force
    founding = chain.link_of(montes.commune)
    assert founding is not None
    assert chain.replacements(founding) == (chain.in_force,)


def test_two_of_three_councils_replace_the_third() -> None:
    montes = found("Los Montes", WATER, FOOD, RADIO, threshold=2)
    montes.replace_authority(WATER, FOOD, signers=[FOOD, WATER])
    assert in_force(chain_of(montes)) == authority_of(WATER, FOOD)


@pytest.mark.parametrize(
    "signers",
    [[], [WATER], [WATER, WATER], [WATER, key_of("a stranger")], [key_of("one stranger"), key_of("another")]],
)
def test_less_than_two_of_three_councils_replace_nothing(signers: list[SigningKey]) -> None:
    montes = found("Los Montes", WATER, FOOD, RADIO, threshold=2)
    montes.replace_authority(key_of("the coup"), signers=signers)
    chain = chain_of(montes)
    assert in_force(chain) == authority_of(WATER, FOOD, RADIO, threshold=2)
    assert codes(chain) == ["authority-unsigned"]


def test_the_key_of_the_log_has_no_say_in_the_authority() -> None:
    montes = found("Los Montes")
    montes.replace_authority(key_of("whoever holds the laptop"), signers=[montes.key])
    assert codes(chain_of(montes)) == ["authority-unsigned"]


def test_a_replaced_authority_replaces_nothing_that_came_after_it() -> None:
    montes = found("Los Montes")
    montes.replace_authority(WATER)
    montes.replace_authority(key_of("an old friend"), signers=[recovery_of("Los Montes")])
    chain = chain_of(montes)
    assert in_force(chain) == authority_of(WATER)
    assert codes(chain) == ["authority-unsigned"]


# Signatures ---------------------------------------------------------------------------------------


def test_a_signature_is_for_one_network_one_kind_and_one_record() -> None:
    montes = found("Los Montes")
    change = AuthorityChange(
        at=1,
        authority=authority_of(WATER),
        commune=montes.commune,
        log=montes.log,
        previous=(montes.commune,),
    )
    recovery = recovery_of("Los Montes")
    council = authority_of(recovery)
    good = signatures_of(change, [recovery])
    body = signed_body(to_payload(signed(change, recovery)), NETWORK)
    assert satisfied(council, good, body)
    assert not satisfied(council, signatures_of(change, [recovery], network="otra"), body)
    assert not satisfied(council, good, body + b" ")
    opening = succession_of(montes, key_of("a new laptop").public_key, [montes])
    assert not satisfied(council, opening.signatures, body)


def test_a_bad_signature_beside_a_good_one_of_the_same_key_does_no_harm() -> None:
    """Whoever relays a record could add one, and must not be able to spoil it by that."""
    montes = found("Los Montes")
    recovery = recovery_of("Los Montes")
    change = AuthorityChange(
        at=1,
        authority=authority_of(WATER),
        commune=montes.commune,
        log=montes.log,
        previous=(montes.commune,),
    )
    (good,) = signatures_of(change, [recovery])
    (bad,) = signatures_of(change, [recovery], network="otra")
    body = signed_body(to_payload(signed(change, recovery)), NETWORK)
    assert satisfied(authority_of(recovery), (bad, good, bad), body)


def test_what_is_remembered_of_signatures_is_bounded_and_changes_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(authority, "MAX_CACHED_SIGNATURES", 2)
    monkeypatch.setattr(authority, "_checked", {})
    keys = [key_of(f"council {number}") for number in range(5)]
    message = b"what is signed"
    good = [Signed(key.public_key, key.sign(message)) for key in keys]
    bad = [Signed(key.public_key, key.sign(b"something else")) for key in keys]
    for _ in range(2):
        assert satisfied(authority_of(*keys, threshold=5), good, message)
        assert not satisfied(authority_of(*keys), bad, message)
        assert len(authority._checked) <= 2


# Copies -------------------------------------------------------------------------------------------


def test_an_authority_record_copied_into_another_log_says_nothing() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.replace_authority(WATER)
    copied = valle.quote(montes.payloads[-1])
    chain = chain_of(montes, valle)
    assert in_force(chain) == authority_of(WATER)
    assert [(item.id, item.code) for item in chain.refused] == [(copied, "authority-copied")]
    assert chain.link_of(copied) is None


def test_an_authority_record_that_only_a_copy_is_left_of_is_not_in_force() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.replace_authority(WATER)
    valle.quote(montes.payloads.pop())
    montes.leaves.pop()
    assert in_force(chain_of(montes, valle)) == authority_of(recovery_of("Los Montes"))


def test_an_authority_record_replayed_in_its_log_is_the_same_link() -> None:
    montes = found("Los Montes")
    first = montes.replace_authority(WATER)
    again = montes.quote(montes.payloads[-1])
    chain = chain_of(montes)
    assert len(chain.links) == 2
    assert chain.in_force is not None
    assert chain.in_force.ids == {first, again}
    assert chain.link_of(first) is chain.link_of(again)
    assert chain.refused == ()


def test_an_authority_record_replayed_after_it_was_replaced_does_not_come_back() -> None:
    """Else whoever was voted out could return with a record that is in everybody's hands."""
    montes = found("Los Montes")
    montes.replace_authority(WATER)
    replayed = montes.payloads[-1]
    montes.replace_authority(FOOD)
    montes.quote(replayed)
    assert in_force(chain_of(montes)) == authority_of(FOOD)


def test_a_record_may_replace_a_copy_by_its_own_id() -> None:
    montes = found("Los Montes")
    montes.replace_authority(WATER)
    copy = montes.quote(montes.payloads[-1])
    montes.replace_authority(FOOD, previous=[copy])
    assert in_force(chain_of(montes)) == authority_of(FOOD)


def test_a_copy_without_enough_signatures_takes_nothing_away() -> None:
    montes = found("Los Montes", WATER, FOOD, threshold=2)
    change = AuthorityChange(
        at=1,
        authority=authority_of(RADIO),
        commune=montes.commune,
        log=montes.log,
        previous=(montes.commune,),
    )
    bare = montes.quote(to_payload(signed(change, WATER)))
    whole = montes.quote(to_payload(signed(change, WATER, FOOD)))
    chain = chain_of(montes)
    assert in_force(chain) == authority_of(RADIO)
    assert chain.link_of(bare) is None
    assert chain.link_of(whole) is chain.in_force


# What does not belong -----------------------------------------------------------------------------


def test_an_authority_record_for_another_commune_is_refused() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    valle.replace_authority(WATER)
    chain = chain_of(montes, valle)
    assert in_force(chain) == authority_of(recovery_of("Los Montes"))
    assert codes(chain) == ["authority-of-another"]
    assert [commune_of(one) for one in stated_in(valle)] == [valle.commune, valle.commune]
    assert commune_of(stated_in(valle)[1]) == CommuneId(valle.commune)


def test_an_authority_record_that_replaces_something_unknown_waits_for_it() -> None:
    montes = found("Los Montes")
    hidden = montes.twin()
    unknown = hidden.replace_authority(WATER)
    montes.replace_authority(FOOD, previous=[unknown], signers=[WATER])
    assert codes(chain_of(montes)) == ["authority-of-nothing"]
    assert in_force(chain_of(montes, hidden)) == authority_of(FOOD)


def test_an_authority_record_waits_for_all_that_it_replaces() -> None:
    """Whichever of the two is found first: one is the charter itself, the other follows later."""
    montes = found("Los Montes")
    copy = montes.twin()
    later = copy.replace_authority(WATER)
    recovery = recovery_of("Los Montes")
    montes.replace_authority(FOOD, previous=[montes.commune, later], signers=[recovery, WATER])
    assert codes(chain_of(montes)) == ["authority-of-nothing"]
    assert in_force(chain_of(montes, copy)) == authority_of(FOOD)


def test_an_authority_record_counts_in_whatever_log_it_was_written() -> None:
    """They count by their own chain, whatever is sealed or forked."""
    montes, elsewhere = found("Los Montes"), found("El Valle").twin()
    elsewhere.commune, elsewhere.authority, elsewhere.signers = (
        montes.commune,
        montes.authority,
        montes.signers,
    )
    elsewhere.replace_authority(WATER)
    assert in_force(chain_of(montes, elsewhere)) == authority_of(WATER)


# Two replacements ---------------------------------------------------------------------------------


def frozen() -> tuple[Writer, bytes, Writer, bytes]:
    """Los Montes replaced its recovery key twice: once on the laptop, once on a copy of it."""
    montes = found("Los Montes")
    copy = montes.twin()
    return montes, montes.replace_authority(WATER), copy, copy.replace_authority(FOOD)


def test_two_replacements_of_one_authority_freeze_it() -> None:
    montes, one, copy, other = frozen()
    chain = chain_of(montes, copy)
    assert chain.in_force is None
    assert {entry for tip in chain.tips for entry in tip.ids} == {one, other}
    assert chain.refused == ()


def test_a_third_that_names_both_and_satisfies_each_is_in_force() -> None:
    montes, one, copy, other = frozen()
    montes.replace_authority(RADIO, previous=[one, other], signers=[WATER, FOOD])
    assert in_force(chain_of(montes, copy)) == authority_of(RADIO)


@pytest.mark.parametrize("signers", [[WATER], [FOOD], [recovery_of("Los Montes")]])
def test_a_third_that_only_one_side_signed_ends_nothing(signers: list[SigningKey]) -> None:
    montes, one, copy, other = frozen()
    montes.replace_authority(RADIO, previous=[one, other], signers=signers)
    chain = chain_of(montes, copy)
    assert chain.in_force is None
    assert codes(chain) == ["authority-unsigned"]


def test_one_side_that_goes_on_alone_stays_one_side() -> None:
    montes, one, copy, other = frozen()
    later = montes.replace_authority(RADIO)
    assert chain_of(montes, copy).in_force is None
    montes.replace_authority(WATER, FOOD, previous=[later, other], signers=[RADIO, FOOD])
    chain = chain_of(montes, copy)
    assert in_force(chain) == authority_of(WATER, FOOD)
    founding, first = chain.link_of(montes.commune), chain.link_of(one)
    assert founding is not None
    assert first is not None
    assert len(chain.later(founding)) == 4
    assert chain.later(first) == {
        link.key for link in chain.links.values() if link.authority in (authority_of(RADIO), in_force(chain))
    }


def test_a_record_that_names_an_authority_and_its_replacement_needs_both() -> None:
    montes = found("Los Montes")
    one = montes.replace_authority(WATER)
    montes.replace_authority(FOOD, previous=[montes.commune, one], signers=[WATER])
    assert in_force(chain_of(montes)) == authority_of(WATER)
    montes.replace_authority(FOOD, previous=[montes.commune, one], signers=[WATER, recovery_of("Los Montes")])
    assert in_force(chain_of(montes)) == authority_of(FOOD)


# Any order ----------------------------------------------------------------------------------------


def tangled() -> list[Writer]:
    """Los Montes with a contest, copies, replays and refused records in three logs."""
    montes, one, copy, other = frozen()
    valle = found("El Valle")
    valle.quote(montes.payloads[-1])
    laptop = succeed(montes, "Los Montes: log 2")
    merged = laptop.replace_authority(WATER, FOOD, threshold=2, previous=[one, other], signers=[WATER, FOOD])
    laptop.quote(laptop.payloads[-1])
    copy.replace_authority(RADIO, previous=[merged], signers=[WATER, FOOD])
    montes.replace_authority(RADIO, previous=[merged], signers=[WATER])
    montes.replace_authority(RADIO, previous=[valle.id_of(-1)], signers=[WATER])
    assert any(isinstance(one.record, Succession) for one in stated_in(laptop))
    return [montes, copy, valle, laptop]


@given(st.randoms(use_true_random=False))
def test_records_in_any_order_make_the_same_chain(rng: Random) -> None:
    writers = tangled()
    assert chain_of(*writers, rng=rng) == chain_of(*writers)


def test_the_tangled_chain_ends_where_it_should() -> None:
    """So that the test of any order is one of something."""
    chain = chain_of(*tangled())
    assert in_force(chain) == authority_of(RADIO)
    assert codes(chain) == ["authority-copied", "authority-of-nothing", "authority-unsigned"]
    assert len(chain.links) == 5
