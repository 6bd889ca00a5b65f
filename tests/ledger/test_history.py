"""Whole stories: what becomes of exchanges when logs are continued, forked, restored and stolen."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import encoding, merkle
from ledger.exchange import Exchange, State
from ledger.history import History
from ledger.log import EntryId, Head
from ledger.records import (
    Accept,
    Charter,
    Decline,
    Deliver,
    Dispute,
    Malformed,
    Offer,
    Profile,
    Propose,
    Receive,
    Settle,
    Uninterpreted,
    Withdraw,
    to_payload,
)
from ledger.standing import Part
from tests.support.communes import (
    NETWORK,
    Told,
    Writer,
    authority_of,
    counting,
    fill,
    found,
    history_of,
    key_of,
    kg,
    recovery_of,
    succeed,
    succession_of,
    told,
)
from tests.support.plots import Debtor, invent

MAIZE, NAILS = 100 * 10**6, 20 * 10**6


def state_of(trade: EntryId, *writers: Writer) -> Exchange:
    """The exchange, from what these writers wrote."""
    folded = history_of(*writers).exchange(trade)
    assert folded is not None
    return folded


class Debt:
    """Los Montes owes El Valle 100 kg of maize: it accepted, and El Valle has delivered its nails."""

    def __init__(self, *, entries_before: int = 3) -> None:
        self.montes, self.valle = found("Los Montes"), found("El Valle")
        for number in range(1, entries_before):
            self.montes.say(Offer, title=f"maíz {number}", category="maize")
        self.trade = self.valle.propose(
            (self.montes, self.valle, "maíz", kg(100)), (self.valle, self.montes, "clavos", kg(20))
        )
        self.before = self.montes.size
        self.montes.say(Accept, exchange=self.trade, seen=[self.valle])
        self.valle.say(Deliver, exchange=self.trade, transfer=1, quantity=kg(20), seen=[self.montes])

    def assert_stands(self, *others: Writer, contested: bool | None = True) -> Exchange:
        """The debt is owed still, whatever these others wrote and in whatever order it came."""
        writers = [self.montes, self.valle, *others]
        folded = state_of(self.trade, *writers)
        assert folded.state is State.AGREED
        assert (folded.legs[0].due, folded.legs[1].given) == (MAIZE, NAILS)
        assert contested is None or folded.contested is contested
        for seed in range(4):
            assert history_of(*writers, rng=Random(seed)).exchange(self.trade) == folded
        return folded


# In good order ------------------------------------------------------------------------------------


def test_an_exchange_goes_on_in_the_log_of_a_new_laptop() -> None:
    debt = Debt()
    laptop = succeed(debt.montes, "laptop")
    laptop.say(Deliver, exchange=debt.trade, transfer=0, quantity=kg(100), seen=[debt.valle])
    laptop.say(Receive, exchange=debt.trade, transfer=1, quantity=kg(20))
    debt.valle.say(Receive, exchange=debt.trade, transfer=0, quantity=kg(100), seen=[laptop])
    folded = state_of(debt.trade, debt.montes, laptop, debt.valle)
    assert (folded.state, folded.contested, folded.refused) == (State.FULFILLED, False, ())


def test_two_logs_whose_contest_was_ended_are_one_history_again() -> None:
    """Two members restored the log; one delivered, the other one received."""
    debt = Debt()
    house, school = succeed(debt.montes, "house"), succeed(debt.montes, "school")
    house.say(Deliver, exchange=debt.trade, transfer=0, quantity=kg(100))
    school.say(Receive, exchange=debt.trade, transfer=1, quantity=kg(20))
    debt.valle.say(Receive, exchange=debt.trade, transfer=0, quantity=kg(100), seen=[house])
    folded = state_of(debt.trade, debt.montes, house, school, debt.valle)
    assert (folded.state, folded.contested) == (State.FULFILLED, True)
    joined = succeed(house, "joined", house, school)
    folded = state_of(debt.trade, debt.montes, house, school, joined, debt.valle)
    assert (folded.state, folded.contested) == (State.FULFILLED, False)


def test_what_was_lost_with_a_backup_too_old_is_found_again_and_sealed() -> None:
    debt = Debt()
    restored = succeed(debt.montes, "restored", debt.montes.seal(debt.before))
    debt.assert_stands(restored)
    complete = succeed(restored, "complete", restored, debt.montes.seal())
    debt.assert_stands(restored, complete, contested=False)


def test_a_promise_past_the_seal_that_nobody_has_seen_is_none() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = valle.propose((montes, valle, "maíz", kg(100)))
    restored = succeed(montes, "restored", montes.seal(1))
    montes.say(Accept, exchange=trade, seen=[valle])
    assert state_of(trade, montes, valle, restored).state is State.PROPOSED
    valle.say(Profile, name="El Valle", seen=[montes])
    assert state_of(trade, montes, valle, restored).state is State.AGREED


# A debtor's ways out ------------------------------------------------------------------------------


def test_a_debtor_who_forks_its_log_to_say_no_before_is_not_rid_of_the_debt() -> None:
    debt = Debt()
    copy = debt.montes.twin(debt.before)
    copy.say(Decline, exchange=debt.trade, seen=[debt.valle])
    debt.assert_stands(copy)


def test_a_debtor_who_restores_an_old_backup_to_say_no_is_not_rid_of_the_debt() -> None:
    debt = Debt()
    restored = succeed(debt.montes, "restored", debt.montes.seal(debt.before))
    restored.say(Decline, exchange=debt.trade, seen=[debt.valle])
    debt.assert_stands(restored)


def test_a_debtor_who_seals_the_branch_without_the_debt_is_not_rid_of_it() -> None:
    """The authority's word reaches beyond the cut, on the branch that it names; not against the partner."""
    debt = Debt()
    copy = debt.montes.twin(debt.before)
    copy.say(Decline, exchange=debt.trade)
    laptop = succeed(debt.montes, "laptop", copy.seal())
    assert counting(history_of(debt.montes, copy, laptop, debt.valle), copy) == list(range(copy.size))
    debt.assert_stands(copy, laptop)


def test_a_debtor_who_had_promised_in_its_own_proposal_is_not_rid_of_it() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    copy = montes.twin()
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    copy.say(Withdraw, target=trade)
    laptop = succeed(montes, "laptop", copy.seal())
    laptop.say(Withdraw, target=trade)
    folded = state_of(trade, montes, copy, laptop, valle)
    assert (folded.state, folded.legs[0].due, folded.contested) == (State.AGREED, MAIZE, True)


def test_a_debtor_who_said_no_in_a_second_log_and_joins_the_two_is_not_rid_of_the_debt() -> None:
    """Once joined both logs count for good; the order between them is only a convention."""
    for name in "abcdef":  # keys come out before and after the other log's
        debt = Debt()
        laptop = succeed(debt.montes, "laptop", debt.montes.seal(debt.before))
        laptop.say(Accept, exchange=debt.trade, seen=[debt.valle])
        debt.valle.say(Profile, name="El Valle", seen=[laptop])
        second = succeed(debt.montes, name, debt.montes.seal(debt.before))
        second.say(Decline, exchange=debt.trade, seen=[debt.valle])
        debt.assert_stands(laptop, second)
        joined = succeed(laptop, "joined", laptop, second)
        debt.assert_stands(laptop, second, joined)


def test_a_debtor_who_counter_offers_in_a_second_log_is_not_rid_of_the_debt() -> None:
    for name in "abcdef":
        debt = Debt()
        first = succeed(debt.montes, "first")
        second = succeed(debt.montes, name, debt.montes.seal(debt.before))
        second.propose((debt.montes, debt.valle, "maíz", kg(1)), replaces=debt.trade)
        joined = succeed(first, "joined", first, second, debt.montes.seal())
        debt.assert_stands(first, second, joined, contested=None)


def test_a_debtor_who_replaces_its_authority_elsewhere_is_not_rid_of_the_debt() -> None:
    """The succession of the log with the debt loses its authority; what was agreed there does not."""
    montes, valle = found("Los Montes"), found("El Valle")
    laptop = succeed(montes, "laptop")
    trade = valle.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)))
    laptop.say(Accept, exchange=trade, seen=[valle])
    valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20), seen=[laptop])
    second = succeed(montes, "second", montes)
    second.replace_authority(key_of("councils"))
    second.say(Decline, exchange=trade)
    history = history_of(montes, laptop, second, valle)
    assert history.communes[montes.commune].open_logs == (second.log,)
    folded = history.exchange(trade)
    assert folded is not None
    assert (folded.state, folded.legs[0].due, folded.contested) == (State.AGREED, MAIZE, True)


def test_a_debtor_who_writes_its_log_anew_from_entry_0_is_not_rid_of_the_debt() -> None:
    debt = Debt()
    anew = debt.montes.twin(0)
    anew.say(Charter, name="Los Otros", network=NETWORK, authority=authority_of(key_of("others")))
    debt.assert_stands(anew)
    nothing = debt.montes.twin(0)
    nothing.say(Offer, title="nada", category="maize")
    debt.assert_stands(anew, nothing)


def test_a_debtor_who_opens_its_log_twice_does_not_forget_what_it_had_seen() -> None:
    """The second succession continues less, so that the acceptance would have seen nothing."""
    for reason in "abcdef":  # so that the ids come out both ways
        montes, valle = found("Los Montes"), found("El Valle")
        trade = valle.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)))
        montes.say(Profile, name="Los Montes", seen=[valle])
        laptop = succeed(montes, "laptop")
        laptop.say(Accept, exchange=trade)
        valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20), seen=[laptop])
        again = laptop.twin(0)
        opening = succession_of(montes, laptop.log, [montes.seal(1)], reason=reason)
        again.quote(to_payload(opening))
        folded = state_of(trade, montes, laptop, again, valle)
        assert (folded.state, folded.legs[0].due) == (State.AGREED, MAIZE)


def test_a_debtor_who_says_yes_again_where_it_knew_of_a_withdrawal_is_not_rid_of_the_debt() -> None:
    """One acceptance at one index of two branches is one entry; on one of them it had seen the withdrawal."""
    montes, valle, fachada = found("Los Montes"), found("El Valle"), found("La Fachada")
    trade = valle.propose((montes, valle, "maíz", kg(100)), (valle, montes, "clavos", kg(20)))
    offered, copy = valle.head, montes.twin()
    montes.say(Profile, name="Los Montes", at=1)
    acceptance = montes.say(Accept, exchange=trade, seen=[offered], at=2)
    crossing = valle.say(Withdraw, target=trade)
    valle.say(Deliver, exchange=trade, transfer=1, quantity=kg(20), seen=[montes])
    copy.say(Profile, name="Los Montes", at=1, seen=[valle])
    assert copy.say(Accept, exchange=trade, seen=[offered], at=2) == acceptance
    fachada.say(Profile, name="La Fachada", seen=[copy])
    folded = state_of(trade, montes, copy, valle, fachada)
    assert (folded.state, folded.legs[0].due, folded.contested) == (State.AGREED, MAIZE, True)
    assert [(item.id, item.code) for item in folded.refused] == [(crossing, "crossed")]


def test_an_accomplice_who_vouches_for_the_no_does_not_help_the_debtor() -> None:
    debt, fachada = Debt(), found("La Fachada")
    copy = debt.montes.twin(debt.before)
    refusal = copy.say(Decline, exchange=debt.trade)
    fachada.say(Profile, name="La Fachada", seen=[copy])
    fachada.say(Withdraw, target=refusal)
    folded = debt.assert_stands(copy, fachada)
    assert [answer.kind for answer in folded.answers] == ["accept"]


def test_what_a_fork_left_in_doubt_is_closed_by_both_sides_alone() -> None:
    debt = Debt()
    copy = debt.montes.twin(debt.before)
    copy.say(Decline, exchange=debt.trade)
    laptop = succeed(debt.montes, "laptop", copy.seal())
    dispute = debt.valle.say(Dispute, exchange=debt.trade, note="dijeron que sí, y luego que no")
    laptop.say(Settle, dispute=dispute, outcome="due", seen=[debt.valle, debt.montes])
    folded = debt.assert_stands(copy, laptop)
    assert folded.disputed
    debt.valle.say(Settle, dispute=dispute, outcome="due", seen=[laptop])
    assert not debt.assert_stands(copy, laptop, contested=False).disputed


@given(st.randoms(use_true_random=False), st.integers(1, 12))
def test_whatever_a_debtor_tries_it_is_not_rid_of_the_debt(rng: Random, tricks: int) -> None:
    debtor = Debtor(rng)
    for _ in range(tricks):
        debtor.act()
    folded = state_of(debtor.debt, *debtor.everybody)
    assert folded.state is State.AGREED
    assert (folded.legs[0].due, folded.legs[1].given) == (MAIZE, NAILS)


# Thieves ------------------------------------------------------------------------------------------


def test_a_thief_who_accepts_past_the_seal_binds_nobody() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = valle.propose((montes, valle, "todo el maíz", kg(100)))
    laptop = succeed(montes, "laptop")
    stolen = montes.twin()
    stolen.say(Accept, exchange=trade, seen=[valle])
    assert state_of(trade, stolen, laptop, valle).state is State.PROPOSED


def test_a_thief_with_an_accomplice_gets_a_contested_exchange_and_no_more() -> None:
    """Nobody can tell a thief from a debtor by signatures; it is shown, and settled by both sides."""
    montes, valle = found("Los Montes"), found("El Valle")
    trade = valle.propose((montes, valle, "todo el maíz", kg(100)))
    laptop = succeed(montes, "laptop")
    stolen = montes.twin()
    stolen.say(Accept, exchange=trade, seen=[valle])
    valle.say(Profile, name="El Valle", seen=[stolen])
    folded = state_of(trade, stolen, laptop, valle)
    assert (folded.state, folded.contested) == (State.AGREED, True)


def test_a_no_before_the_theft_stays_a_no() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = valle.propose((montes, valle, "todo el maíz", kg(100)))
    montes.say(Decline, exchange=trade, seen=[valle])
    laptop = succeed(montes, "laptop")
    stolen = montes.twin()
    stolen.say(Accept, exchange=trade, seen=[valle])
    valle.say(Profile, name="El Valle", seen=[stolen])
    assert state_of(trade, stolen, laptop, valle).state is State.DECLINED


def test_two_forked_communes_that_vouch_for_each_other_owe_each_other_nothing() -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    copies = [montes.twin(), valle.twin()]
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(100), seen=[valle])
    assert state_of(trade, montes, valle).state is State.AGREED
    for copy in copies:
        copy.say(Profile, name=copy.name)
    assert list(history_of(montes, valle, *copies).exchanges()) == []
    costa = found("La Costa")
    costa.say(Profile, name="La Costa", seen=[valle])
    folded = state_of(trade, montes, valle, *copies, costa)
    assert (folded.state, folded.contested) == (State.AGREED, True)


# Any order, any numbers ---------------------------------------------------------------------------


def lived(rng: Random, steps: int) -> tuple[Told, list[Writer]]:
    """An invented history, and what is told of it."""
    writers = invent(rng, steps)
    return told(history_of(*writers)), writers


@given(st.randoms(use_true_random=False), st.integers(5, 40), st.integers(0, 2**16))
def test_no_order_of_arrival_and_no_numbering_of_branches_changes_anything(
    rng: Random, steps: int, seed: int
) -> None:
    expected, writers = lived(rng, steps)
    for number in range(3):
        assert told(history_of(*writers, rng=Random(seed + number))) == expected


def test_invented_histories_have_in_them_what_they_are_for() -> None:
    """So that the test of any order is one of something."""
    seen: set[str] = set()
    for seed in range(60):
        expected, _ = lived(Random(seed), 40)
        communes, exchanges = expected.communes.values(), expected.exchanges.values()
        seen |= {f"state: {folded.state}" for folded in exchanges}
        seen |= {"contested" for folded in exchanges if folded.contested}
        seen |= {item.code for commune in communes for item in commune.refused}
        seen |= {item.code for folded in exchanges for item in folded.refused}
        seen |= {"frozen" for commune in communes if commune.chain.in_force is None}
        seen |= {"sealed" for commune in communes if len(commune.logs) > 2}
        seen |= {"contested logs" for commune in communes if commune.contested}
        standings = [one for several in expected.standings.values() for one in several]
        seen |= {"witnessed" for *_, counts, contested in standings if counts and contested}
        seen |= {"passed over" for *_, counts, _contested in standings if not counts}
    assert seen >= {
        "state: agreed",
        "state: proposed",
        "state: declined",
        "state: withdrawn",
        "state: replaced",
        "contested",
        "contested logs",
        "frozen",
        "sealed",
        "witnessed",
        "passed over",
        "authority-unsigned",
        "succession-authority-replaced",
        "unseen",
    }


@given(st.randoms(use_true_random=False), st.integers(5, 30))
def test_deciding_on_the_way_changes_nothing_in_the_end(rng: Random, steps: int) -> None:
    writers = invent(rng, steps)
    history = History(NETWORK)
    fill(history, *writers, rng=rng)
    early = History(NETWORK)
    for number, branch in sorted(history.branches.items(), key=lambda item: item[1].first):
        early.open_branch(number, branch.log, branch.base)
    payloads = {
        leaf: payload
        for writer in writers
        for leaf, payload in zip(writer.leaves, writer.payloads, strict=True)
    }
    for number, branch in history.branches.items():
        for leaf in branch.own(branch.first, branch.size):
            early.read(number, leaf, payloads[EntryId(leaf)])
            if rng.random() < 0.1:
                early.decide()
    for writer in writers:
        cut = history.cut(writer.log)
        if cut is not None:
            early.add_cut(writer.log, cut)
    history.decide()
    early.decide()
    assert told(early) == told(history)


def test_a_branch_has_no_root_until_what_it_stands_on_has_been_read() -> None:
    """Branches are read in any order; one may come before the entries below its cut."""
    montes = found("Los Montes")
    for number in range(4):
        montes.say(Offer, category="food", title=f"Maize {number}")
    history = History(NETWORK)
    history.open_branch(1, montes.log)
    history.open_branch(2, montes.log, Part(1, 3))
    history.read(1, montes.leaves[0], montes.payloads[0])
    history.read(2, montes.leaves[3], montes.payloads[3])
    assert history.root_at(2, 4) is None
    for index in (1, 2):
        history.read(1, montes.leaves[index], montes.payloads[index])
    assert history.root_at(2, 4) == montes.root_at(4)


# What cannot be read ------------------------------------------------------------------------------


def test_an_entry_is_read_as_a_record_as_uninterpreted_as_malformed_or_not_at_all() -> None:
    history = History(NETWORK)
    montes = found("Los Montes")
    history.open_branch(5, montes.log)
    newer = encoding.encode({"at": 1, "kind": "minga"})
    for payload in (b"\xff", newer):
        montes.quote(payload)
    assert isinstance(history.read(5, montes.leaves[0], montes.payloads[0]), Charter)
    assert isinstance(history.read(5, montes.leaves[1], montes.payloads[1]), Malformed)
    assert isinstance(history.read(5, montes.leaves[2], montes.payloads[2]), Uninterpreted)
    assert history.read(5, bytes(32), None) is None
    history.decide()
    assert counting(history, montes) == [0, 2]


def test_what_was_erased_says_nothing_and_the_tree_stands() -> None:
    debt = Debt()
    whole = history_of(debt.montes, debt.valle)
    erased = history_of(debt.montes, debt.valle, erased=[debt.montes.id_of(debt.before)])
    folded = erased.exchange(debt.trade)
    assert folded is not None
    assert folded.state is State.PROPOSED
    number = next(held.number for held in erased.branches_of(debt.montes.log))
    assert erased.root_at(number, debt.montes.size) == debt.montes.head.root
    assert whole.exchange(debt.trade) != folded


def test_a_charter_that_was_erased_founds_nothing() -> None:
    montes = found("Los Montes")
    history = history_of(montes, erased=[montes.id_of(0)])
    assert history.communes == {}
    assert history.standing(0) is None


def test_a_record_of_a_newer_version_that_names_an_exchange_is_noticed() -> None:
    debt, costa = Debt(), found("La Costa")
    newer = encoding.encode({"at": 1, "exchange": debt.trade, "kind": "postpone"})
    costa.quote(newer)
    assert not state_of(debt.trade, debt.montes, debt.valle, costa).newer, "a stranger's"
    debt.valle.quote(newer)
    assert state_of(debt.trade, debt.montes, debt.valle, costa).newer


def test_a_newer_record_past_the_seal_is_not_noticed_unless_somebody_vouches() -> None:
    debt, costa = Debt(), found("La Costa")
    laptop = succeed(debt.montes, "laptop")
    late = debt.montes.quote(encoding.encode({"at": 1, "exchange": debt.trade, "kind": "postpone"}))
    writers = [debt.montes, laptop, debt.valle, costa]
    assert not state_of(debt.trade, *writers).newer
    costa.say(Withdraw, target=late)
    assert state_of(debt.trade, *writers).newer


def test_a_proposal_by_a_stranger_to_it_opens_no_exchange() -> None:
    montes, valle, costa = found("Los Montes"), found("El Valle"), found("La Costa")
    theirs = costa.propose((montes, valle, "maíz", kg(1)))
    offer = montes.say(Offer, title="maíz", category="maize")
    history = history_of(montes, valle, costa)
    assert list(history.exchanges()) == []
    assert history.exchange(theirs) is None
    assert history.exchange(offer) is None
    assert history.exchange(EntryId(bytes(32))) is None


def test_a_charter_of_another_network_or_in_the_midst_of_a_log_founds_nothing() -> None:
    montes, valle = found("Los Montes"), found("El Valle", network="otra")
    montes.quote(valle.payloads[0])
    elsewhere = valle.twin()
    elsewhere.network = NETWORK
    assert set(history_of(montes, elsewhere).communes) == {montes.commune}


def test_a_log_opened_by_an_authority_record_is_nobodys() -> None:
    montes = found("Los Montes")
    odd = succeed(montes, "odd").twin(0)
    odd.replace_authority(key_of("councils"))
    history = history_of(montes, odd)
    assert counting(history, odd) == []
    in_force = history.communes[montes.commune].chain.in_force
    assert in_force is not None
    assert in_force.authority == authority_of(key_of("councils"))


def test_a_succession_for_a_commune_that_is_not_held_waits_for_its_charter() -> None:
    montes = found("Los Montes")
    laptop = succeed(montes, "laptop")
    assert counting(history_of(laptop), laptop) == []
    assert counting(history_of(laptop, montes), laptop) == [0]


def test_whoever_fills_a_history_may_check_the_heads_that_were_seen() -> None:
    asked: list[Head] = []
    debt = Debt()

    def verify(head: Head) -> bool:
        asked.append(head)
        return False

    history = History(NETWORK, verify)
    fill(history, debt.montes, debt.valle)
    history.decide()
    folded = history.exchange(debt.trade)
    assert folded is not None
    assert folded.state is State.PROPOSED, "the acceptance had seen nothing"
    assert len(asked) == len(set(asked)), "each head is asked about once"


def test_without_its_texts_a_history_says_the_same() -> None:
    debt = Debt()
    debt.valle.say(Profile, name="El Valle", about="Tierra de clavos", contact="la radio")
    debt.montes.say(Dispute, exchange=debt.trade, note="faltan dos", seen=[debt.valle])
    whole = history_of(debt.montes, debt.valle)
    bare = History(NETWORK, keep_texts=False)
    fill(bare, debt.montes, debt.valle)
    bare.decide()
    assert told(bare).standings == told(whole).standings
    assert bare.exchange(debt.trade) == whole.exchange(debt.trade)
    assert {record.about for record in bare.records.values() if isinstance(record, Profile)} == {None}
    assert {record.note for record in bare.records.values() if isinstance(record, Dispute)} == {None}
    assert bare.communes[debt.montes.commune].chain == whole.communes[debt.montes.commune].chain


def test_every_head_that_was_seen_can_be_shown_with_its_place() -> None:
    debt = Debt()
    history = history_of(debt.montes, debt.valle)
    shown = {(history.entry_id(one.place), one.head) for one in history.shown()}
    accepted, delivered = debt.montes.id_of(debt.before), debt.valle.id_of(-1)
    assert shown == {(accepted, debt.valle.head_at(2)), (delivered, debt.montes.head)}


def test_an_entry_is_found_by_its_id_and_a_leaf_by_its_index_on_every_branch() -> None:
    montes = found("Los Montes")
    montes.say(Offer, title="maíz", category="maize")
    copy = montes.twin()
    montes.say(Offer, title="yuca", category="cassava")
    copy.quote(b"\xff")
    history = History(NETWORK)
    fill(history, montes, copy)
    wanted = {*montes.leaves, copy.leaves[2], bytes(32)}
    places = history.find(wanted)
    assert {history.entry_id(place) for place in places.values()} == wanted - {bytes(32)}
    assert all(history.entry_id(place) == entry for entry, place in places.items())
    assert history.find(()) == {}
    first, second = (held.number for held in history.branches_of(montes.log))
    for writer, number in ((montes, first), (copy, second)):
        assert [history.leaf_at(number, index) for index in range(4)] == [*writer.leaves, None]


# Roots --------------------------------------------------------------------------------------------


def long_log() -> Writer:
    """A log of more entries than there are between two remembered sizes."""
    montes = found("Los Montes")
    for number in range(1, 700):
        montes.quote(f"entry {number}".encode())
    return montes


def test_the_root_at_any_size_is_that_of_the_tree() -> None:
    montes = long_log()
    copy = montes.twin(300)
    copy.quote(b"another story")
    history = History(NETWORK)
    history.open_branch(3, montes.log)
    history.open_branch(8, montes.log, Part(3, 300))
    for leaf, payload in zip(montes.leaves, montes.payloads, strict=True):
        history.read(3, leaf, payload)
    for leaf, payload in zip(copy.leaves[300:], copy.payloads[300:], strict=True):
        history.read(8, leaf, payload)
    for size in (0, 1, 255, 256, 257, 300, 512, 513, 700):
        assert history.root_at(3, size) == merkle.root(montes.leaves[:size])
    for size in (0, 1, 256, 300, 301):
        assert history.root_at(8, size) == merkle.root(copy.leaves[:size])
    assert history.root_at(3, 701) is None
    assert history.root_at(8, 302) is None


def test_a_log_held_from_some_index_on_has_roots_from_there_if_its_compact_range_is_known() -> None:
    montes = long_log()
    start = 37
    for before, known in ((merkle.extend_range(0, (), montes.leaves[:start]), True), ((), False)):
        history = History(NETWORK)
        history.open_branch(0, montes.log, start=start, before=before)
        for leaf, payload in zip(montes.leaves[start:], montes.payloads[start:], strict=True):
            history.read(0, leaf, payload)
        history.decide()
        assert history.root_at(0, start - 1) is None
        for size in (start, 300, 700):
            assert history.root_at(0, size) == (montes.root_at(size) if known else None)
        assert history.standing(0) is None, "its entry 0 is not held"
        history.open_branch(1, montes.log, Part(0, 50))
        assert (history.root_at(1, 50) is not None) == known


def test_all_roots_of_a_stretch_are_those_of_the_tree() -> None:
    montes = found("Los Montes")
    for number in range(1, 9):
        montes.quote(f"entry {number}".encode())
    copy = montes.twin(5)
    copy.quote(b"another story")
    history = History(NETWORK)
    fill(history, montes, copy)
    first, second = (held.number for held in history.branches_of(montes.log))
    assert dict(history.roots(first)) == {size: montes.root_at(size) for size in range(1, 10)}
    assert dict(history.roots(second)) == {6: copy.root_at(6)}
    unknown = History(NETWORK)
    unknown.open_branch(0, montes.log, start=3)
    assert unknown.read_run(0, montes.leaves[3:], montes.payloads[3:])[0][0] == 3
    assert dict(unknown.roots(0)) == {}


def test_beyond_what_is_in_doubt_a_branch_has_no_roots() -> None:
    """Stored bytes that do not fit their leaves must not be able to vouch for anything."""
    debt = Debt()
    restored = succeed(debt.montes, "restored", debt.montes.seal(debt.before))
    history = History(NETWORK)
    fill(history, debt.montes, debt.valle, restored)
    (held,) = history.branches_of(debt.montes.log)
    assert history.root_at(held.number, debt.montes.size) == debt.montes.head.root
    history.doubt(held.number, debt.before)
    history.doubt(held.number, debt.montes.size)
    assert history.root_at(held.number, debt.before) == debt.montes.root_at(debt.before)
    assert history.root_at(held.number, debt.montes.size) is None
    history.decide()
    folded = history.exchange(debt.trade)
    assert folded is not None
    assert folded.state is State.PROPOSED, "the acceptance stands past the seal, and no head covers it"


@pytest.mark.parametrize("rng", [None, Random(1), Random(2)])
def test_proposals_are_folded_once_though_two_branches_hold_them(rng: Random | None) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.say(Offer, title="maíz", category="maize")
    copy = montes.twin(1)
    copy.say(Offer, title="yuca", category="cassava")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    assert copy.quote(montes.payloads[-1]) == trade
    valle.say(Accept, exchange=trade, seen=[montes])
    (folded,) = history_of(montes, copy, valle, rng=rng).exchanges()
    assert (folded.id, folded.state, folded.contested) == (trade, State.AGREED, True)
    assert isinstance(folded.proposal, Propose)
    assert recovery_of("Los Montes").public_key not in folded.proposal.parties
