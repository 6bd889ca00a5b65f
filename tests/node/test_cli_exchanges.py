"""Exchanges through the command line, as stories of communes that carry their ledgers to each other."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ledger.exchange import Exchange
from ledger.limits import MAX_SEEN
from ledger.records import Accept, Deliver, Propose
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.home import Home
from node.opening import open_home

from ..support.communes import found as found_writer
from ..support.communes import key_of, kg
from .conftest import Found, Secretary


def state_of(secretary: Secretary, exchange: str) -> str:
    found: str = whole(secretary, exchange)["state"]
    return found


def whole(secretary: Secretary, exchange: str) -> dict[str, Any]:
    (row,) = secretary.json("exchanges", exchange)
    found: dict[str, Any] = row
    return found


def waited_for(secretary: Secretary, exchange: str) -> set[tuple[str, str, int | None]]:
    row = whole(secretary, exchange)
    names = {party["id"]: party["name"] for party in row["parties"]}
    return {(names[step["commune"]], step["kind"], step["transfer"]) for step in row["waiting_for"]}


@pytest.fixture
def proposed(montes: Secretary, valle: Secretary) -> str:
    """Los Montes proposed maize for nails, and El Valle has heard of it."""
    entry = montes.sign(
        "propose", "--to", "El Valle", "--give", "Maíz blanco;100;kg", "--take", "Clavos;20;kg"
    )
    montes.tell(valle)
    return entry


@pytest.fixture
def agreed(montes: Secretary, valle: Secretary, proposed: str) -> str:
    """And El Valle has accepted, and Los Montes heard that."""
    valle.sign("accept", proposed)
    valle.tell(montes)
    return proposed


# Whole stories ----------------------------------------------------------------------------------


def test_a_barter_from_the_offer_to_the_last_delivery(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign(
        "offer", "Maíz blanco", "--category", "food-grain", "--quantity", "100", "--unit", "kg"
    )
    montes.tell(valle)
    exchange = valle.sign(
        "propose", "--to", "Los Montes", "--take", "Maíz blanco;60;kg", "--listing", offer[:10],
        "--give", "Clavos;20;kg", "--note", "Para el sábado", "--answer-by", "2030-01-31", "--by", "vocera",
    )  # fmt: skip
    assert waited_for(valle, exchange) == {("Los Montes", "accept", None)}

    valle.tell(montes)
    assert [row["id"] for row in montes.json("exchanges", "--waiting")] == [exchange]
    assert valle.json("exchanges", "--waiting") == []
    told = montes.run("accept", exchange[:8], "--by", "secretaria").stdout
    assert "El Valle → Los Montes: «Clavos», 20 kg" in told
    assert "The exchange is now: agreed." in told
    (row,) = montes.json("listings")
    assert row["left"] == "40"

    montes.tell(valle)
    valle.sign("deliver", exchange)
    valle.tell(montes)
    # One side's word is shown as that.
    clavos = next(leg for leg in whole(montes, exchange)["transfers"] if leg["title"] == "Clavos")
    assert (clavos["given"], clavos["got"], clavos["due"], clavos["done"]) == ("20", "0", "20", False)
    montes.sign("receive", exchange)
    montes.sign("deliver", exchange, "--quantity", "25,5")
    montes.sign("deliver", exchange)
    montes.tell(valle)
    assert state_of(valle, exchange) == "agreed"
    valle.sign("receive", exchange, "--quantity", "20", "--condition", "short", "--note", "Falta un saco")
    valle.sign("receive", exchange)
    valle.tell(montes)
    for secretary in (montes, valle):
        assert state_of(secretary, exchange) == "fulfilled"
        assert waited_for(secretary, exchange) == set()
    (account,) = montes.json("communes", "Los Montes")
    assert account["accounts"] == []


def test_strangers_who_speak_of_an_exchange_do_not_keep_it_from_being_agreed(
    found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An acceptance has to have seen the proposal, and a record has room for a few heads only."""
    strangers = [found_writer(f"Nadie {number}") for number in range(2 * MAX_SEEN)]
    last = max(one.log for one in strangers)
    keys = (key for number in count() if (key := key_of(f"home {number}")).public_key > last)
    monkeypatch.setattr("node.keys.new_key", lambda: next(keys))
    montes, valle = found("Los Montes"), found("El Valle")
    montes.tell(valle)
    valle.tell(montes)
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz;100;kg", "--take", "Clavos;20;kg")
    montes.tell(valle)
    for secretary in (montes, valle):
        with Reader(secretary.home / "ledger.sqlite") as reader, Store(reader.path, reader.network) as store:
            for one in strangers:
                if one.size == 1:
                    one.say(Accept, exchange=bytes.fromhex(exchange))
                store.ingest(one.run())
    assert "The exchange is now: agreed." in valle.run("accept", exchange).stdout
    valle.tell(montes)
    montes.sign("deliver", exchange)
    assert (
        whole(montes, exchange)["transfers"][0]["given"] != whole(montes, exchange)["transfers"][1]["given"]
    )


def test_a_gift_asks_for_nothing_and_owes_nothing(montes: Secretary, valle: Secretary) -> None:
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Una función de títeres")
    montes.tell(valle)
    assert whole(valle, exchange)["form"] == "gift"
    valle.sign("accept", exchange)
    valle.tell(montes)
    (row,) = montes.json("communes", "Los Montes")
    (account,) = row["accounts"]
    assert account["owes"] == {"quantity": "0", "exchanges": []}
    assert account["giving"] == {"quantity": "1", "exchanges": [exchange]}
    assert "1 transfer" in montes.run("communes", "Los Montes").stdout
    montes.sign("deliver", exchange)
    montes.tell(valle)
    valle.sign("receive", exchange)
    assert state_of(valle, exchange) == "fulfilled"


def test_a_ring_of_three_by_file(montes: Secretary, valle: Secretary, found: Found, places: Path) -> None:
    sierra = found("La Sierra")
    for one in (montes, valle, sierra):
        one.tell(*(other for other in (montes, valle, sierra) if other is not one))
    file = places / "exchange.json"
    file.write_text(
        json.dumps(
            {
                "note": "Rueda de marzo",
                "answer_by": "2030-03-31",
                "transfers": [
                    {"from": "Los Montes", "to": "El Valle", "title": "Maíz", "quantity": "100", "unit": "kg",
                     "category": "Maíz, arroz y otros cereales", "due": "2030-03-15"},
                    {"from": valle.commune, "to": sierra.commune[:8], "title": "Clavos", "quantity": 20,
                     "unit": "kilos"},
                    {"from": "la sierra", "to": "los montes", "title": "Reparación de la bomba"},
                ],
            }
        )
    )  # fmt: skip
    exchange = montes.sign("propose", "--file", str(file))
    montes.tell(valle, sierra)
    row = whole(valle, exchange)
    assert (row["form"], row["note"], len(row["parties"])) == ("ring", "Rueda de marzo", 3)
    maize = row["transfers"][0]
    assert (maize["category"], maize["due_on"], maize["quantity"], maize["unit"]) == (
        "food-grain", "2030-03-15", "100", "kg"
    )  # fmt: skip
    valle.sign("accept", exchange)
    valle.tell(sierra)
    assert waited_for(sierra, exchange) == {("La Sierra", "accept", None)}
    sierra.sign("accept", exchange)
    assert state_of(sierra, exchange) == "agreed"
    assert "ring" in sierra.run("exchanges").stdout


def test_a_counter_offer_takes_the_place_of_a_proposal(
    montes: Secretary, valle: Secretary, proposed: str
) -> None:
    counter = valle.sign("propose", "--replaces", proposed, "--give", "Clavos;15;kg", "--take", "Maíz;100;kg")
    valle.tell(montes)
    former = whole(montes, proposed)
    assert (former["state"], former["replaced_by"]) == ("replaced", counter)
    assert whole(montes, counter)["replaces"] == proposed
    assert "answer that, or make a new one" in montes.refused("accept", proposed)
    montes.sign("accept", counter)
    assert state_of(montes, counter) == "agreed"
    shown = montes.run("exchanges", proposed).stdout
    assert counter[:12] in shown


def test_a_proposal_is_declined(montes: Secretary, valle: Secretary, proposed: str) -> None:
    assert "Declined: " in valle.run("decline", proposed, "--note", "Este mes no").stdout
    valle.tell(montes)
    assert state_of(montes, proposed) == "declined"
    moves = whole(montes, proposed)["moves"]
    assert [(move["kind"], move["note"]) for move in moves] == [("propose", None), ("decline", "Este mes no")]


def test_a_proposal_is_withdrawn(montes: Secretary, valle: Secretary, proposed: str) -> None:
    montes.sign("withdraw", proposed)
    montes.tell(valle)
    assert state_of(valle, proposed) == "withdrawn"
    assert "The proposal was withdrawn: make a new one." in valle.refused("accept", proposed)


def test_both_cancel_and_what_was_not_received_is_no_more_due(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    montes.sign("cancel", agreed, "--note", "Se perdió la cosecha")
    montes.tell(valle)
    assert ("El Valle", "cancel", None) in waited_for(valle, agreed)
    assert "cancelled by some" in valle.run("exchanges").stdout
    # To be taken back before the other side agrees, by the id of the exchange.
    montes.sign("withdraw", agreed)
    montes.tell(valle)
    assert whole(valle, agreed)["cancelled_by"] == []
    montes.sign("cancel", agreed)
    montes.tell(valle)
    valle.sign("cancel", agreed)
    assert state_of(valle, agreed) == "cancelled"
    assert "All parties cancelled the exchange" in valle.refused("cancel", agreed)


def test_a_dispute_stands_until_both_settle_it_alike(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    place = next(leg["number"] for leg in whole(valle, agreed)["transfers"] if leg["title"] == "Maíz blanco")
    montes.sign("deliver", agreed, "--transfer", str(place))
    montes.tell(valle)
    dispute = valle.sign("dispute", agreed, "--transfer", str(place), "--note", "Llegó mojado")
    valle.tell(montes)
    assert "disputed" in montes.run("exchanges").stdout
    assert ("Los Montes", "settle", place) in waited_for(montes, agreed)
    montes.sign("settle", agreed, "--outcome", "closed")
    montes.tell(valle)
    told = valle.run("settle", dispute[:8], "--outcome", "due").stdout
    assert (
        "Your commune has said that the rest stays due; a dispute ends when both sides say the same." in told
    )
    assert whole(valle, agreed)["disputed"] is True
    valle.sign("settle", dispute, "--outcome", "closed", "--note", "Quedamos así")
    valle.tell(montes)
    (quarrel,) = whole(montes, agreed)["disputes"]
    assert (quarrel["id"], quarrel["transfer"], quarrel["outcome"]) == (dispute, place, "closed")
    assert whole(montes, agreed)["disputed"] is False
    assert "No dispute of this commune stands open" in montes.refused("settle", agreed, "--outcome", "due")


def test_a_dispute_about_the_whole_is_settled_as_closed(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    valle.sign("dispute", agreed, "--note", "No vino nadie")
    second = valle.sign("dispute", agreed, "--transfer", "1", "--note", "Tampoco esto")
    valle.tell(montes)
    assert "More than one dispute stands open" in montes.refused("settle", agreed, "--outcome", "closed")
    whole_dispute = next(each["id"] for each in whole(montes, agreed)["disputes"] if each["id"] != second)
    montes.sign("settle", whole_dispute, "--outcome", "closed")
    montes.tell(valle)
    valle.sign("settle", whole_dispute, "--outcome", "closed")
    assert state_of(valle, agreed) == "closed"


# What is filled in ------------------------------------------------------------------------------


def test_a_listing_alone_proposes_all_that_is_left_of_it(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    need = montes.sign("need", "Clavos", "--category", "tools", "--quantity", "20,5", "--unit", "kg")
    montes.tell(valle)
    first = valle.sign("propose", "--to", "Los Montes", "--listing", offer, "--listing", need)
    legs = {leg["title"]: leg for leg in whole(valle, first)["transfers"]}
    assert (legs["Maíz"]["quantity"], legs["Maíz"]["from"], legs["Maíz"]["category"]) == (
        "100", montes.commune, "food-grain"
    )  # fmt: skip
    assert (legs["Clavos"]["quantity"], legs["Clavos"]["from"], legs["Clavos"]["listing"]) == (
        "20.5", valle.commune, need
    )  # fmt: skip
    valle.tell(montes)
    montes.sign("accept", first)
    montes.tell(valle)
    assert "Nothing is left of the listing «Maíz»" in valle.refused(
        "propose", "--to", "Los Montes", "--listing", offer
    )
    result = valle.run("propose", "--to", "Los Montes", "--listing", offer, "--take", "Maíz;10;kg")
    assert "Of «Maíz» 0 kg are left, and 10 kg are proposed." in result.stderr


def test_the_thing_that_a_listing_stands_for_is_found_by_its_title(
    montes: Secretary, valle: Secretary
) -> None:
    offer = montes.sign("offer", "Maíz", "--category", "food-grain")
    montes.tell(valle)
    things = ("--take", "Café;5;kg", "--take", "maíz;10;kg")
    exchange = valle.sign("propose", "--to", "Los Montes", "--listing", offer, *things)
    legs = {leg["title"]: leg["listing"] for leg in whole(valle, exchange)["transfers"]}
    assert legs == {"Café": None, "maíz": offer}
    assert "give the one meant the same title" in valle.refused(
        "propose", "--to", "Los Montes", "--listing", offer, "--take", "Café", "--take", "Yuca"
    )


def test_a_listing_of_a_third_commune_is_refused(montes: Secretary, valle: Secretary, found: Found) -> None:
    sierra = found("La Sierra")
    offer = sierra.sign("offer", "Papas")
    sierra.tell(montes, valle)
    assert "is of a third commune" in montes.refused("propose", "--to", "El Valle", "--listing", offer)


def test_which_transfer_is_meant_is_asked_where_more_than_one_fits(
    montes: Secretary, valle: Secretary
) -> None:
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz;100;kg", "--give", "Café;5;kg")
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.tell(montes)
    assert montes.refused("deliver", exchange) == (
        "More than one transfer may be meant: give --transfer with one of 1 («Maíz»), 2 («Café»)."
    )
    montes.sign("deliver", exchange, "--transfer", "2")
    montes.sign("deliver", exchange)
    assert [leg["given"] for leg in whole(montes, exchange)["transfers"]] == ["100", "5"]
    assert "its transfers are 1 («Maíz»), 2 («Café»)" in montes.refused(
        "deliver", exchange, "--transfer", "3"
    )


def test_more_than_was_agreed_is_recorded_when_said_so(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    montes.sign("deliver", agreed)
    assert "All that was agreed is recorded already" in montes.refused("deliver", agreed)
    result = montes.run("deliver", agreed, "--quantity", "5")
    assert "That is more than was agreed" in result.stderr
    leg = next(leg for leg in whole(montes, agreed)["transfers"] if leg["title"] == "Maíz blanco")
    assert (leg["quantity"], leg["given"]) == ("100", "105")


def test_a_transfer_without_a_quantity_is_handed_over_as_a_whole(montes: Secretary, valle: Secretary) -> None:
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Una jornada de trabajo;;")
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.tell(montes)
    assert "give --unit as well" in montes.refused("deliver", exchange, "--quantity", "3")
    montes.sign("deliver", exchange, "--quantity", "8", "--unit", "horas")
    montes.tell(valle)
    valle.sign("receive", exchange)
    assert state_of(valle, exchange) == "fulfilled"


# What is refused --------------------------------------------------------------------------------


def test_moves_that_the_rules_refuse_are_refused_with_what_to_do(
    montes: Secretary, valle: Secretary, found: Found, proposed: str
) -> None:
    stranger = found("La Sierra")
    montes.tell(stranger)
    assert "not a party to the exchange" in stranger.refused("accept", proposed)
    assert "this commune has accepted already" in montes.refused("accept", proposed)
    assert "withdraw it instead" in montes.refused("decline", proposed)
    assert "Not all parties have accepted yet" in montes.refused("deliver", proposed)
    assert "Not all parties have accepted yet" in valle.refused("cancel", proposed)
    assert "Not all parties have accepted yet" in valle.refused("dispute", proposed, "--note", "No")
    assert "decline it instead" in valle.refused("withdraw", proposed)
    valle.sign("accept", proposed)
    assert "The exchange is agreed" in valle.refused("decline", proposed)
    legs = {leg["title"]: str(leg["number"]) for leg in whole(valle, proposed)["transfers"]}
    assert "for the other side of the transfer to say" in valle.refused(
        "deliver", proposed, "--transfer", legs["Maíz blanco"]
    )
    assert "in the unit that was agreed" in valle.refused(
        "deliver", proposed, "--quantity", "3", "--unit", "saco"
    )
    assert "is not an exchange" in valle.refused("accept", valle.commune)
    assert "Nothing held here" in valle.refused("accept", "0123456789abcdef")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "El Valle"], "The proposal is empty"),
        (["--give", "Maíz"], "Name the other commune with --to"),
        (["--to", "La Sierra", "--give", "Maíz"], "No commune called 'La Sierra' is known here"),
        (["--to", "Los Montes", "--give", "Maíz"], "That is this commune itself"),
        (["--to", "El Valle", "--give", "Maíz;100"], "write 'TITLE;QUANTITY;UNIT'"),
        (["--to", "El Valle", "--give", "Maíz;100;kg;x"], "write 'TITLE;QUANTITY;UNIT'"),
        (["--to", "El Valle", "--give", ";100;kg"], "write 'TITLE;QUANTITY;UNIT'"),
        (["--to", "El Valle", "--give", "Maíz;;kg"], "A unit needs a quantity"),
        (["--to", "El Valle", "--give", "Maíz;cien;kg"], "'cien' is not a quantity"),
        (["--to", "El Valle", "--give", "Maíz", "--answer-by", "mañana"], "'mañana' is not a date"),
        (["--to", "El Valle", "--give", "Maíz", "--answer-by", "9999-12-31"], "is too far away"),
        (["--to", "El Valle", "--give", "Maíz", "--replaces", "abcdef"], "Nothing held here"),
        (["--to", "El Valle", *(["--give", "Maíz"] * 33)], "transfers"),
        (["--to", "El Valle", "--give", "x" * 121], "too long: shorten it to 120"),
    ],
)
def test_a_proposal_that_cannot_be_made_says_what_to_change(
    montes: Secretary, valle: Secretary, arguments: list[str], sentence: str
) -> None:
    assert sentence in montes.refused("propose", *arguments)
    assert montes.json("exchanges") == []


LEG = {"from": "Los Montes", "to": "El Valle", "title": "Maíz"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is not JSON"),
        ('{"transfers": [', "is not JSON"),
        ('{"a": ' * 5000, "is not"),
        ('{"transfers": "\xff"}', "'transfers' cannot be read"),
        ([], "cannot be read: it has to be a group of fields"),
        ({}, "the field 'transfers' is missing"),
        ({"transfers": []}, "the field 'transfers' cannot be read"),
        ({"transfers": [LEG], "nota": "x"}, "the field 'nota' is not known"),
        ({"transfers": [LEG, {"to": "El Valle"}]}, "the field 'transfers[1].from' is missing"),
        ({"transfers": [{**LEG, "until": "x"}]}, "the field 'transfers[0].until' is not known"),
        ({"transfers": [{**LEG, "quantity": 2.5}]}, "the field 'transfers[0].quantity' cannot be read"),
        ({"transfers": [{**LEG, "quantity": -1}]}, "the field 'transfers[0].quantity' cannot be read"),
        ({"transfers": [{**LEG, "title": 3}]}, "the field 'transfers[0].title' cannot be read"),
        ({"transfers": [{**LEG, "title": " "}]}, "A title is one line and not empty"),
        ({"transfers": [{**LEG, "title": None}]}, "A transfer needs a title"),
        ({"transfers": [{**LEG, "due": "soon"}]}, "'soon' is not a date"),
        ({"transfers": [{**LEG, "category": "yuca"}]}, "There is no category 'yuca'"),
        ({"transfers": [{**LEG, "to": "Nadie"}]}, "No commune called 'Nadie'"),
        ({"transfers": [{**LEG, "listing": "abcdef"}]}, "Nothing held here"),
        ({"transfers": [LEG], "answer_by": "soon"}, "'soon' is not a date"),
        ("x" * 300_000, "is too long for a proposal"),
    ],
)
def test_a_file_that_cannot_be_read_says_which_field_is_wrong(
    montes: Secretary, valle: Secretary, places: Path, content: Any, sentence: str
) -> None:
    file = places / "exchange.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    assert sentence in montes.refused("propose", "--file", str(file))
    assert montes.json("exchanges") == []


def test_a_file_that_is_not_text_is_refused(montes: Secretary, places: Path) -> None:
    file = places / "exchange.json"
    file.write_bytes(b'{"note": "\xff\xfe"}')
    assert "is not JSON" in montes.refused("propose", "--file", str(file))
    assert "does not exist" in montes.refused("propose", "--file", str(places / "nothing.json"))


def test_a_listing_in_a_file_has_to_be_of_the_side_that_it_would_be(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    offer = valle.sign("offer", "Clavos", "--category", "tools")
    valle.tell(montes)
    file = places / "exchange.json"
    leg = {"from": "Los Montes", "to": "El Valle", "listing": offer}
    file.write_text(json.dumps({"transfers": [leg]}))
    assert "check 'from' and 'to'" in montes.refused("propose", "--file", str(file))
    file.write_text(json.dumps({"transfers": [{**leg, "from": "El Valle", "to": "Los Montes"}]}))
    exchange = montes.sign("propose", "--file", str(file))
    (transfer,) = whole(montes, exchange)["transfers"]
    assert (transfer["title"], transfer["category"], transfer["listing"]) == ("Clavos", "tools", offer)


def test_a_file_and_things_do_not_go_together(montes: Secretary, valle: Secretary, places: Path) -> None:
    file = places / "exchange.json"
    file.write_text(json.dumps({"transfers": [LEG]}))
    assert "not both" in montes.refused("propose", "--file", str(file), "--give", "Café")
    file.write_text(json.dumps({"transfers": [{"from": "El Valle", "to": "El Valle", "title": "Maíz"}]}))
    assert "goes from a commune to itself" in montes.refused("propose", "--file", str(file))


def test_a_proposal_is_only_made_by_one_of_its_parties(
    montes: Secretary, valle: Secretary, found: Found, places: Path
) -> None:
    sierra = found("La Sierra")
    sierra.tell(montes)
    file = places / "exchange.json"
    file.write_text(json.dumps({"transfers": [{"from": "El Valle", "to": "La Sierra", "title": "Maíz"}]}))
    assert "is not among the parties" in montes.refused("propose", "--file", str(file))


# What is shown ----------------------------------------------------------------------------------


def test_a_last_day_for_the_answer_that_is_over_is_refused(
    montes: Secretary, valle: Secretary, places: Path
) -> None:
    file = places / "exchange.json"
    file.write_text(json.dumps({"transfers": [LEG], "answer_by": "2020-01-01"}))
    asked = (["--to", "El Valle", "--give", "Maíz", "--answer-by", "2020-01-01"], ["--file", str(file)])
    for given in asked:
        assert "2020-01-01 is over already" in montes.refused("propose", *given, "--yes")
    assert montes.json("exchanges") == []


def test_an_unanswered_proposal_is_shown_as_lapsed_once_its_day_is_over(
    montes: Secretary, valle: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    montes.run("propose", "--to", "El Valle", "--give", "Maíz", "--answer-by", "2030-01-31")
    montes.tell(valle)
    (row,) = valle.json("exchanges")
    assert not row["lapsed"]
    february = 1_896_220_800_000
    monkeypatch.setattr("node.clock.now", lambda: february)
    (row,) = valle.json("exchanges")
    assert (row["state"], row["lapsed"]) == ("proposed", True)
    assert "proposed, lapsed" in valle.run("exchanges").stdout
    told = valle.run("accept", row["id"])
    assert "it takes another acceptance by who proposed it" in told.stderr
    valle.tell(montes)
    assert waited_for(montes, row["id"]) == {("Los Montes", "accept", None)}
    assert "accept again, since an answer came late" in montes.run("exchanges").stdout
    montes.sign("accept", row["id"])
    assert state_of(montes, row["id"]) == "agreed"


def test_the_last_day_for_an_answer_is_the_whole_local_day(
    montes: Secretary, valle: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/Caracas")
        time.tzset()
        exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz", "--answer-by", "2030-01-31")
    time.tzset()
    # Caracas is four hours behind UTC: its day ends at four in the morning.
    assert whole(montes, exchange)["answer_by"] == 1_896_134_400_000 + 4 * 3_600_000 - 1


def test_one_exchange_is_shown_with_all_that_was_said(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    montes.sign("deliver", agreed, "--quantity", "40", "--note", "Dos viajes", "--by", "vocero")
    montes.tell(valle)
    shown = valle.run("exchanges", agreed[:8]).stdout
    assert agreed in shown
    assert "given 40 kg, received 0 kg" in shown
    assert "transfer" in shown
    assert "Dos viajes" in shown
    assert "Los Montes (vocero)" in shown
    assert "trueque receive" in shown
    kinds = [move["kind"] for move in whole(valle, agreed)["moves"]]
    assert kinds == ["propose", "accept", "deliver"]


def test_an_exchange_is_found_by_the_id_of_anything_said_in_it(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    dispute = valle.sign("dispute", agreed, "--note", "No vino nadie")
    settled = valle.sign("settle", dispute, "--outcome", "due")
    assert whole(valle, settled)["id"] == agreed


def test_exchanges_are_chosen_by_state_by_commune_and_of_others_too(
    montes: Secretary, valle: Secretary, found: Found, agreed: str
) -> None:
    sierra = found("La Sierra")
    sierra.tell(montes, valle)
    gift = montes.sign("propose", "--to", "La Sierra", "--give", "Café")
    montes.tell(valle, sierra)

    def ids(secretary: Secretary, *options: str) -> set[str]:
        return {row["id"] for row in secretary.json("exchanges", *options)}

    assert ids(montes) == {agreed, gift}
    assert ids(montes, "--state", "agreed") == {agreed}
    assert ids(montes, "--state", "agreed", "--state", "proposed") == {agreed, gift}
    assert ids(montes, "--commune", "La Sierra") == {gift}
    assert ids(valle) == {agreed}
    assert ids(valle, "--all") == {agreed, gift}
    assert ids(valle, "--all", "--commune", "La Sierra") == {gift}
    assert ids(sierra, "--waiting") == {gift}
    assert sierra.run("exchanges", "--state", "closed").stdout == "There are no exchanges to show.\n"


def test_a_person_reads_exchanges_in_spanish(montes: Secretary, valle: Secretary, agreed: str) -> None:
    montes.sign("deliver", agreed, "--quantity", "2.5")
    shown = montes.run("exchanges", speaks="es").stdout
    for text in (
        "trueque",
        "acordado",
        "entregado 2,5 kg, recibido 0 kg",
        "El Valle: recibir",
        "1 intercambio",
    ):
        assert text in shown
    whole_exchange = montes.run("exchanges", agreed, speaks="es").stdout
    for text in ("Propuesto por", "Entregas", "Lo dicho, en orden", "aceptación", "Usted puede"):
        assert text in whole_exchange
    assert "Todavía no han aceptado todas las partes" in montes.refused(
        "deliver",
        montes.sign("propose", "--to", "El Valle", "--give", "Café"),
        speaks="es",
    )


def test_moves_without_effect_are_shown_with_the_reason(montes: Secretary, valle: Secretary) -> None:
    """Another program may sign what the rules refuse: it changes nothing, and is shown for what it is."""
    with open_home(Home(valle.home), writing=False) as service:
        commune = service.commune
    other = found_writer("La Sierra")
    parties = tuple(sorted((other.commune, commune)))
    giver = parties.index(other.commune)
    from ledger.records import Transfer

    transfer = Transfer(giver=giver, receiver=1 - giver, title="Maíz", quantity=kg(10))
    proposal = other.say(Propose, parties=parties, transfers=(transfer,))
    other.say(Deliver, exchange=proposal, transfer=0, quantity=kg(10))
    other.say(Accept, exchange=proposal)
    with Store(valle.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    moves = whole(valle, proposal.hex())["moves"]
    assert [(move["kind"], move["refused"]) for move in moves] == [
        ("propose", None),
        ("deliver", "not-agreed"),
        ("accept", "nothing-late"),
    ]
    assert (
        "without effect: As far as is known here, its log had not seen all parties agree."
        in valle.run("exchanges", proposal.hex()).stdout
    )


def test_a_record_of_a_newer_version_marks_its_exchange(montes: Secretary, valle: Secretary) -> None:
    from ledger.encoding import encode

    other = found_writer("El Futuro")
    with open_home(Home(valle.home), writing=False) as service:
        commune = service.commune
    parties = tuple(sorted((other.commune, commune)))
    giver = parties.index(other.commune)
    from ledger.records import Transfer

    proposal = other.say(
        Propose, parties=parties, transfers=(Transfer(giver=giver, receiver=1 - giver, title="Maíz"),)
    )
    other.quote(encode({"kind": "insure", "at": 5, "exchange": bytes(proposal)}))
    with Store(valle.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    assert whole(valle, proposal.hex())["newer"] is True
    assert "needs a newer version" in valle.run("exchanges").stdout
    assert "of a newer version" in valle.run("log", "El Futuro").stdout


# Forks ------------------------------------------------------------------------------------------


def test_an_exchange_past_a_fork_is_shown_as_contested(montes: Secretary, valle: Secretary) -> None:
    """A partner that forks its log is not rid of what it promised: it is shown with both sides."""
    from ledger.records import Transfer

    other = found_writer("La Sierra")
    with open_home(Home(valle.home), writing=False) as service:
        commune = service.commune
    parties = tuple(sorted((other.commune, commune)))
    giver = parties.index(other.commune)
    twin = other.twin()
    proposal = other.say(
        Propose, parties=parties, transfers=(Transfer(giver=giver, receiver=1 - giver, title="Maíz"),)
    )
    with Store(valle.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    valle.sign("accept", proposal.hex())
    twin.say(Deliver, exchange=bytes(32), transfer=0)
    with Store(valle.home / "ledger.sqlite", "ensayo") as store:
        assert store.ingest(twin.run()).evidence is not None
    row = whole(valle, proposal.hex())
    assert (row["state"], row["contested"]) == ("agreed", True)
    assert [move["contested"] for move in row["moves"]] == [True, False]
    assert "contested" in valle.run("exchanges").stdout
    (commune_row,) = valle.json("communes", "La Sierra")
    assert commune_row["logs"][0]["forked_at"] == 1
    assert "forked at 1" in valle.run("communes", "La Sierra").stdout
    # And it can go on: what is signed next has seen the branch that it is about.
    valle.sign("receive", proposal.hex())
    fold: Exchange
    with open_home(Home(valle.home), writing=False) as service:
        fold = service.find_exchange(proposal.hex())
    assert fold.legs[0].got == 1


# What lists and answers tell --------------------------------------------------------------------


def test_a_dispute_tells_what_each_side_says_of_its_end(
    montes: Secretary, valle: Secretary, agreed: str
) -> None:
    """Two who settle differently have to see why it does not end."""
    dispute = valle.sign("dispute", agreed, "--transfer", "1", "--note", "Llegó mojado")
    valle.sign("settle", dispute, "--outcome", "due")
    valle.tell(montes)
    montes.sign("settle", dispute, "--outcome", "closed")
    for told in (montes.run("exchanges").stdout, montes.run("exchanges", agreed).stdout):
        together = " ".join(told.split())
        assert f"dispute {dispute[:12]} by El Valle about transfer 1" in together
        assert "El Valle says: the rest stays due" in together
        assert "Los Montes says: nothing more is due" in together


def test_an_erased_proposal_is_told_as_that(montes: Secretary, valle: Secretary, agreed: str) -> None:
    montes.run("erase", agreed, "--reason", "peligro", "--yes")
    sentence = montes.refused("exchanges", agreed)
    assert "was erased here (peligro)" in sentence
    accepted = next(row["id"] for row in montes.json("log", "El Valle") if row["kind"] == "accept")
    assert "of Los Montes" in sentence
    assert f"still name it: {accepted[:12]}." in sentence
    assert "was erased here" in montes.refused("withdraw", agreed)


def test_an_erased_proposal_that_nobody_answered_is_told_as_that(montes: Secretary, proposed: str) -> None:
    montes.run("erase", proposed, "--reason", "peligro", "--yes")
    assert "no record that is held here names it" in montes.refused("exchanges", proposed)


def test_a_replaced_proposal_tells_by_which(montes: Secretary, valle: Secretary, proposed: str) -> None:
    instead = valle.sign("propose", "--replaces", proposed, "--take", "Maíz blanco;90;kg")
    valle.tell(montes)
    assert f"replaced by {instead[:12]}" in montes.refused("accept", proposed)


def test_what_is_handed_over_is_no_next_step(montes: Secretary, valle: Secretary, agreed: str) -> None:
    montes.sign("deliver", agreed)
    assert "deliver" not in whole(montes, agreed)["moves_open"]
    assert "receive" in whole(montes, agreed)["moves_open"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[]", "a group of fields in braces"),
        ("{", "is not JSON"),
        ('{"transfers": {}}', "'transfers' cannot be read: it has to be a list"),
        ('{"transfers": []}', "with nothing in it"),
        ('{"transfers": [{"from": 2, "to": "El Valle"}]}', "'transfers[0].from' cannot be read"),
        ('{"transfers": [{"from": "a", "to": "b", "quantity": 1.5}]}', "whole number from 1 on"),
        ('{"transfers": [{"from": "El Vale", "to": "Los Montes"}]}', "In 'transfers[0]': No commune called"),
        ('{"transfers": [{"from": "a"}]}', "'transfers[0].to' is missing"),
        ('{"transfers": [{"from": "a", "to": "b", "que": 1}]}', "Those that are: from, to, title"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_told_with_where_and_how_it_should_be(
    montes: Secretary, places: Path, text: str, told: str
) -> None:
    file = places / "exchange.json"
    file.write_text(text)
    assert told in montes.refused("propose", "--file", str(file))
