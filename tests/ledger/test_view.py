"""What is open, left, promised too often and owed, as stories of a few communes."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

from ledger.exchange import Exchange, Move, State
from ledger.kinds import (
    Accept,
    Cancel,
    Correct,
    Deliver,
    Dispute,
    Need,
    Offer,
    Propose,
    Quantity,
    Receive,
    Record,
    Settle,
    Withdraw,
)
from ledger.log import EntryId
from ledger.view import (
    Account,
    Figure,
    ListingState,
    OverCommitment,
    accounts,
    is_expired,
    left,
    listing_state,
    over_commitment,
)
from tests.ledger.test_exchange import talks
from tests.support.talks import Talk, commune_id, kg, transfers_of

MONTES, VALLE, COSTA = commune_id("Montes"), commune_id("Valle"), commune_id("Costa")
KILO = 1_000_000
"""millionths"""


HUNDRED = kg(100)


def posted(name: str, record: Record, number: int = 1) -> Move:
    """A record of a commune that counts."""
    entry = EntryId(bytes([number]) * 32)
    return Move(entry, commune_id(name), (0, number, entry), record, False, number)


def offer(quantity: Quantity | None = HUNDRED, **fields: Any) -> Move:
    """What Los Montes has: maize."""
    return posted("Montes", Offer(at=1, category="maize", title="maíz", quantity=quantity, **fields))


def drawing_on(
    listing: EntryId | None, *asked: tuple[str, str, str, Quantity | None], clock: int = 0
) -> Talk:
    """A proposal by Los Montes whose transfers all name a listing."""
    talk = Talk(clock=clock)
    parties = tuple(sorted({commune_id(side) for giver, receiver, *_ in asked for side in (giver, receiver)}))
    proposal = Propose(at=1, parties=parties, transfers=transfers_of(parties, *asked, listing=listing))
    entry = EntryId(clock.to_bytes(32, "big"))
    talk.add("Montes", proposal)
    talk.moves[0] = talk.moves[0]._replace(id=entry)
    talk.heard[entry] = frozenset()
    return talk


def accepted(talk: Talk) -> Talk:
    for party in talk.proposal.parties:
        name = next(name for name in ("Montes", "Valle", "Costa") if commune_id(name) == party)
        if name != "Montes":
            talk.say(name, Accept)
    return talk


def given(quantity: Quantity | None, listing: EntryId | None = None, clock: int = 0) -> Talk:
    """A gift of maize by Los Montes to El Valle, agreed."""
    return accepted(drawing_on(listing, ("Montes", "Valle", "maíz", quantity), clock=clock))


# Listings ---------------------------------------------------------------------------------------


def test_a_listing_is_open_until_its_own_commune_says_otherwise() -> None:
    listing = offer()
    strangers = [
        posted("Valle", Withdraw(at=2, target=listing.id), 2),
        posted("Valle", Offer(at=2, category="maize", title="maíz", replaces=listing.id), 3),
        posted("Montes", Correct(at=2, note="sin saco", target=listing.id), 4),
        posted("Montes", Withdraw(at=2, target=EntryId(bytes(32))), 5),
    ]
    assert listing_state(listing, strangers) is ListingState.OPEN
    withdrawal = posted("Montes", Withdraw(at=3, target=listing.id), 6)
    replacement = posted("Montes", Need(at=3, category="maize", title="maíz", replaces=listing.id), 7)
    assert listing_state(listing, [*strangers, withdrawal]) is ListingState.WITHDRAWN
    assert listing_state(listing, [*strangers, replacement]) is ListingState.REPLACED
    assert listing_state(listing, [replacement, withdrawal]) is ListingState.WITHDRAWN
    assert listing_state(listing, [withdrawal, replacement]) is ListingState.WITHDRAWN


def test_a_listing_holds_through_its_last_day() -> None:
    record = Offer(at=1, category="maize", title="maíz", until="2030-01-31")
    assert not is_expired(record, "2030-01-31")
    assert is_expired(record, "2030-02-01")
    assert not is_expired(Offer(at=1, category="maize", title="maíz"), "2999-12-31")


def test_what_is_agreed_is_no_longer_left() -> None:
    listing = offer()
    talk = drawing_on(listing.id, ("Montes", "Valle", "maíz", kg(30)))
    assert left(listing, [talk.exchange()]) == 100 * KILO
    assert left(listing, [accepted(talk).exchange()]) == 70 * KILO
    talk.say("Montes", Deliver, transfer=0, quantity=kg(30))
    talk.say("Valle", Receive, transfer=0, quantity=kg(30))
    assert talk.exchange().state is State.FULFILLED
    assert left(listing, [talk.exchange()]) == 70 * KILO


@pytest.mark.parametrize("ending", ["cancelled", "closed", "closed leg"])
def test_what_was_agreed_and_then_ended_takes_only_what_was_received(ending: str) -> None:
    listing = offer()
    talk = accepted(
        drawing_on(listing.id, ("Montes", "Valle", "maíz", kg(30)), ("Valle", "Montes", "sal", kg(5)))
    )
    mine = next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == MONTES)
    talk.say("Valle", Receive, transfer=mine, quantity=kg(10))
    if ending == "cancelled":
        for name in ("Montes", "Valle"):
            talk.say(name, Cancel)
    else:
        dispute = talk.say("Montes", Dispute, transfer=mine if ending == "closed leg" else None)
        for name in ("Montes", "Valle"):
            talk.say(name, Settle, about=dispute, outcome="closed")
    assert left(listing, [talk.exchange()]) == 90 * KILO


def test_more_than_agreed_takes_no_more_of_a_listing() -> None:
    listing = offer()
    talk = given(kg(30), listing.id)
    talk.say("Valle", Receive, transfer=0, quantity=kg(55))
    for name in ("Montes", "Valle"):
        talk.say(name, Cancel)
    assert left(listing, [talk.exchange()]) == 70 * KILO


def test_a_need_is_lessened_by_what_its_commune_is_to_receive() -> None:
    need = posted("Valle", Need(at=1, category="maize", title="maíz", quantity=kg(100)))
    assert left(need, [given(kg(30), need.id).exchange()]) == 70 * KILO
    elsewhere = posted("Costa", Need(at=1, category="maize", title="maíz", quantity=kg(100)))
    assert left(elsewhere, [given(kg(30), elsewhere.id).exchange()]) == 100 * KILO


def test_what_goes_the_other_way_or_has_another_unit_takes_nothing() -> None:
    listing = offer()
    back = accepted(drawing_on(listing.id, ("Valle", "Montes", "maíz", kg(30))))
    others = [given(quantity, listing.id) for quantity in (Quantity(3, 0, "saco"), None)]
    elsewhere = given(kg(30), EntryId(bytes(32)))
    nowhere = given(kg(30))
    exchanges = [talk.exchange() for talk in (back, *others, elsewhere, nowhere)]
    assert left(listing, exchanges) == 100 * KILO


def test_a_listing_that_cannot_be_counted_has_nothing_left_to_say() -> None:
    listing = offer(quantity=None)
    assert left(listing, [given(kg(30), listing.id).exchange()]) is None
    assert over_commitment(listing, [given(kg(30), listing.id).exchange()]) is None


def test_a_listing_promised_twice_is_warned_of() -> None:
    listing = offer()
    first, second = (given(kg(60), listing.id, clock=clock).exchange() for clock in (10, 20))
    assert over_commitment(listing, [first]) is None
    warning = over_commitment(listing, [second, first])
    assert warning == OverCommitment(
        listing.id, MONTES, "kg", 100 * KILO, 120 * KILO, (first.id, second.id), ()
    )
    assert left(listing, [first, second]) == 0


def test_a_listing_promised_to_the_last_gram_is_not_warned_of() -> None:
    listing = offer()
    exchanges = [
        given(quantity, listing.id, clock=at).exchange() for at, quantity in enumerate((kg(60), kg(40)))
    ]
    assert over_commitment(listing, exchanges) is None
    assert left(listing, exchanges) == 0


def test_a_warning_counts_contested_exchanges_and_names_them() -> None:
    listing = offer(kg(10))
    talk = given(kg(30), listing.id)
    talk.say("Montes", Deliver, transfer=0, quantity=kg(30), contested=True)
    warning = over_commitment(listing, [talk.exchange()])
    assert warning is not None
    assert warning.contested == (talk.opening.id,)


def test_a_warning_names_an_exchange_once_however_many_transfers_name_the_listing() -> None:
    listing = offer(kg(50))
    asked = (("Montes", "Valle", "maíz", kg(30)), ("Montes", "Valle", "maíz", kg(30)))
    exchange = accepted(drawing_on(listing.id, *asked)).exchange()
    nothing = given(kg(30), clock=7).exchange()
    warning = over_commitment(listing, [exchange, nothing])
    assert warning is not None
    assert (warning.promised, warning.exchanges) == (60 * KILO, (exchange.id,))


# Accounts ---------------------------------------------------------------------------------------


def barter(**fields: Any) -> Talk:
    talk = Talk()
    talk.propose(
        "Montes", ("Montes", "Valle", "maíz", kg(100)), ("Valle", "Montes", "clavos", kg(20)), **fields
    )
    return talk


def test_a_barter_is_owed_both_ways_once_it_is_agreed() -> None:
    talk = barter()
    assert accounts(MONTES, [talk.exchange()]) == ()
    talk.say("Valle", Accept)
    exchange = talk.exchange()
    ids = (exchange.id,)
    assert accounts(MONTES, [exchange]) == (
        Account(VALLE, None, "kg", Figure(100 * KILO, ids), Figure(20 * KILO, ids), Figure(), Figure(), ()),
    )
    assert accounts(VALLE, [exchange]) == (
        Account(MONTES, None, "kg", Figure(20 * KILO, ids), Figure(100 * KILO, ids), Figure(), Figure(), ()),
    )
    assert accounts(COSTA, [exchange]) == ()


def test_what_the_receiver_says_to_have_got_is_no_longer_owed() -> None:
    talk = barter()
    talk.say("Valle", Accept)
    mine = next(at for at, leg in enumerate(talk.exchange().legs) if leg.giver == MONTES)
    talk.say("Montes", Deliver, transfer=mine, quantity=kg(100))
    assert accounts(MONTES, [talk.exchange()])[0].owes.amount == 100 * KILO
    talk.say("Valle", Receive, transfer=mine, quantity=kg(60))
    assert accounts(MONTES, [talk.exchange()])[0].owes.amount == 40 * KILO
    talk.say("Valle", Receive, transfer=mine, quantity=kg(999))
    (row,) = accounts(MONTES, [talk.exchange()])
    assert (row.owes, row.owed.amount) == (Figure(), 20 * KILO)


def test_a_gift_makes_no_debt_and_is_shown_as_promised() -> None:
    exchange = given(kg(30)).exchange()
    (giver,) = accounts(MONTES, [exchange])
    (receiver,) = accounts(VALLE, [exchange])
    assert giver.giving == receiver.getting == Figure(30 * KILO, (exchange.id,))
    assert giver.owes == giver.owed == receiver.owes == receiver.owed == Figure()


def test_in_a_ring_each_transfer_is_between_its_two_sides() -> None:
    talk = Talk()
    ring = (("Montes", "Valle", kg(1)), ("Valle", "Costa", kg(2)), ("Costa", "Montes", kg(3)))
    talk.propose("Montes", *((giver, receiver, "maíz", quantity) for giver, receiver, quantity in ring))
    for name in ("Valle", "Costa"):
        talk.say(name, Accept)
    rows = {row.partner: (row.owes.amount, row.owed.amount) for row in accounts(MONTES, [talk.exchange()])}
    assert rows == {VALLE: (1 * KILO, 0), COSTA: (0, 3 * KILO)}


def test_what_has_no_quantity_is_counted_in_whole_transfers_beside_what_has() -> None:
    asked = (
        ("Montes", "Valle", "un día", None),
        ("Montes", "Valle", "un día", None),
        ("Montes", "Valle", "m", kg(2)),
    )
    exchange = accepted(drawing_on(None, *asked)).exchange()
    rows = accounts(MONTES, [exchange])
    assert [(row.unit, row.giving.amount, row.giving.exchanges) for row in rows] == [
        (None, 2, (exchange.id,)),
        ("kg", 2 * KILO, (exchange.id,)),
    ]


def test_a_transfer_has_its_own_category_or_that_of_its_listing() -> None:
    listing = offer()
    by_listing = given(kg(1), listing.id).exchange()
    own = Talk(clock=50)
    parties = tuple(sorted((MONTES, VALLE)))
    legs = transfers_of(parties, ("Montes", "Valle", "maíz", kg(4)), listing=listing.id, category="seeds")
    own.add("Montes", Propose(at=1, parties=parties, transfers=legs))
    own.say("Valle", Accept)
    exchanges = [by_listing, own.exchange()]
    known = {row.category: row.giving.amount for row in accounts(MONTES, exchanges, {listing.id: "maize"})}
    assert known == {"maize": 1 * KILO, "seeds": 4 * KILO}
    unknown = {row.category: row.giving.amount for row in accounts(MONTES, exchanges)}
    assert unknown == {None: 1 * KILO, "seeds": 4 * KILO}


def test_figures_of_several_exchanges_add_up_and_name_them() -> None:
    first, second = (given(kg(30), clock=clock).exchange() for clock in (10, 20))
    (row,) = accounts(MONTES, [second, first])
    assert row.giving == Figure(60 * KILO, tuple(sorted((first.id, second.id))))


def test_contested_exchanges_are_counted_and_marked() -> None:
    plain = given(kg(30), clock=10)
    odd = given(kg(5), clock=20)
    odd.say("Montes", Deliver, transfer=0, quantity=kg(1), contested=True)
    (row,) = accounts(VALLE, [plain.exchange(), odd.exchange()])
    assert row.getting.amount == 35 * KILO
    assert row.contested == (odd.opening.id,)


def test_nothing_is_owed_out_of_what_was_cancelled_or_closed() -> None:
    cancelled, closed = barter(), barter()
    for talk in (cancelled, closed):
        talk.say("Valle", Accept)
    for name in ("Montes", "Valle"):
        cancelled.say(name, Cancel)
    dispute = closed.say("Montes", Dispute)
    for name in ("Montes", "Valle"):
        closed.say(name, Settle, about=dispute, outcome="closed")
    assert accounts(MONTES, [cancelled.exchange(), closed.exchange()]) == ()


@hypothesis.given(talks())
def test_what_one_owes_the_other_is_owed(talk: Talk) -> None:
    exchange: Exchange = talk.exchange()
    books = {party: accounts(party, [exchange]) for party in (MONTES, VALLE, COSTA)}
    for party, rows in books.items():
        for row in rows:
            (mirror,) = [
                other
                for other in books[row.partner]
                if (other.partner, other.category, other.unit) == (party, row.category, row.unit)
            ]
            assert (mirror.owes, mirror.owed) == (row.owed, row.owes)
            assert (mirror.giving, mirror.getting) == (row.getting, row.giving)
            assert mirror.contested == row.contested
    total = sum(row.owes.amount + row.giving.amount for rows in books.values() for row in rows)
    assert total == (sum(leg.due for leg in exchange.legs) if exchange.state is State.AGREED else 0)
