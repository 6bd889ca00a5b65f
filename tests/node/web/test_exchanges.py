"""Exchanges on the pages: every step, what is refused, rings, and two people who act at once."""

from __future__ import annotations

import pytest

from ledger.records import Accept

from ...support.browser import Browser, path_of
from ...support.communes import found as found_writer
from ..conftest import Found, Secretary
from .conftest import Visiting
from .test_history import held


def step(browser: Browser, exchange: str, name: str, **values: str) -> None:
    """Fill the form of a step, and look at it for the last time."""
    browser.open(f"/exchanges/{exchange}")
    form = next(form for form in browser.page.forms if form.action == f"/exchanges/{exchange}/{name}")
    assert set(values) <= set(form.fields) | set(form.choices), form.fields
    browser.post(form.action, {**form.fields, **values})


def carry(giver: Secretary, taker: Secretary) -> None:
    """Bring all that one home holds to another, with its node running."""
    bundle = giver.home.with_name(f"{giver.home.name}.trueque")
    giver.run("export", "--bundle", str(bundle), "--all")
    taker.run("import", str(bundle), "--all")
    bundle.unlink()


def test_a_dispute_is_settled_when_both_have_said_the_same(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    browser = visit(montes)
    browser.open("/exchanges/new")
    browser.send(
        "Look at it once more", to=valle.commune, give_title_1="Maize", give_number_1="9", give_unit_1="kg"
    )
    assert "gift" not in browser.page.text
    browser.send("Sign it")
    exchange = path_of(browser.page).rpartition("/")[2]
    assert browser.page.text.count("gift") == 1
    carry(montes, valle)
    valle.sign("accept", exchange, "--yes")
    carry(valle, montes)
    step(browser, exchange, "deliver", number="10")
    assert "That is more than was agreed" in browser.page.text
    browser.send("Change it")
    assert browser.page.form("Look at it once more").fields["number"] == "10"
    step(browser, exchange, "deliver", number="9", note="By lorry", by="transport committee")
    browser.send("Sign it")
    step(browser, exchange, "dispute")
    assert "Say what is wrong" in browser.page.text
    step(browser, exchange, "dispute", note="The lorry was stopped")
    browser.send("Sign it")
    step(browser, exchange, "settle")
    assert "This is needed: choose one." in browser.page.text
    step(browser, exchange, "settle", outcome="closed")
    browser.send("Sign it")
    carry(montes, valle)
    valle.sign("settle", exchange, "--outcome", "closed", "--yes")
    carry(valle, montes)
    assert "closed" in browser.open(f"/exchanges/{exchange}").text
    assert "The lorry was stopped" in browser.page.text
    assert "transport committee" in browser.page.text


def test_what_was_counted_after_all_has_its_unit(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    """Nothing was agreed of how much: what was handed over can be told all the same, and what arrived."""
    arguments = ("--give", "repairs", "--give", "nails;3;kg", "--take", "maize")
    exchange = valle.sign("propose", "--to", "Los Montes", *arguments, "--yes")
    carry(valle, montes)
    montes.sign("accept", exchange, "--yes")
    carry(montes, valle)
    valle.sign("deliver", exchange, "--transfer", "1", "--yes")
    carry(valle, montes)
    browser = visit(montes)
    step(browser, exchange, "deliver", number="40", unit="")
    assert browser.page.status == 422
    assert "needs its unit" in browser.page.text
    step(browser, exchange, "deliver", number="", unit="kg")
    assert "A unit needs a quantity" in browser.page.text
    step(browser, exchange, "deliver", number="40", unit="<b>")
    assert "There is no unit" in browser.page.text
    step(browser, exchange, "deliver", number="40", unit="kg")
    assert "40 kg" in browser.page.text
    browser.send("Change it")
    form = next(form for form in browser.page.forms if form.action.endswith("/deliver"))
    assert (form.fields["number"], form.fields["unit"]) == ("40", "kg")
    step(browser, exchange, "deliver", number="40", unit="kg")
    browser.send("Sign it")
    assert "40 kg" in browser.page.text
    step(browser, exchange, "receive", transfer="1", number="2,5", unit="hour")
    browser.send("Sign it")
    step(browser, exchange, "receive", transfer="2", number="3")
    browser.send("Sign it")
    assert "2.5" in browser.page.text


def test_where_how_much_was_agreed_no_unit_is_asked_for(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = valle.sign("propose", "--to", "Los Montes", "--take", "maize;3;kg", "--yes")
    carry(valle, montes)
    montes.sign("accept", exchange, "--yes")
    browser = visit(montes)
    browser.open(f"/exchanges/{exchange}")
    form = next(form for form in browser.page.forms if form.action.endswith("/deliver"))
    assert "unit" not in form.fields


def test_who_acts_second_is_told_what_the_first_has_done(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    proposal = valle.sign("propose", "--to", "Los Montes", "--give", "nails;3;kg", "--yes")
    carry(valle, montes)
    one = visit(montes)
    two = Browser(one.port)
    step(one, proposal, "accept", note="Agreed in the assembly")
    step(two, proposal, "decline", note="No need any more")
    one.send("Sign it")
    two.send("Sign it")
    assert two.page.status == 409
    assert "The exchange is agreed" in two.page.text
    two.send("Change it")
    assert "No need any more" not in two.page.text, "there is nothing to decline any more"
    assert "agreed" in two.page.text
    assert [row["state"] for row in montes.json("exchanges")] == ["agreed"]


def test_two_people_do_not_record_one_thing_twice(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = valle.sign("propose", "--to", "Los Montes", "--take", "maize;30;kg", "--yes")
    carry(valle, montes)
    montes.sign("accept", exchange, "--yes")
    one = visit(montes)
    two = Browser(one.port)
    step(one, exchange, "deliver", number="10")
    step(two, exchange, "deliver", number="10", note="By truck")
    one.send("Sign it")
    two.send("Sign it")
    assert two.page.status == 409
    assert "since you looked" in two.page.text
    two.send("Change it")
    assert "given 10 kg" in two.page.text
    assert "By truck" in two.page.html
    assert [row["kind"] for row in montes.json("log")].count("deliver") == 1
    step(two, exchange, "deliver", number="10")
    assert "The same has just been recorded" in two.page.text
    two.send("Sign it")
    assert [row["kind"] for row in montes.json("log")].count("deliver") == 2, "they meant it"


def test_what_strangers_say_in_an_exchange_keeps_nobody_from_signing(
    montes: Secretary, valle: Secretary, visit: Visiting
) -> None:
    exchange = valle.sign("propose", "--to", "Los Montes", "--take", "maize;30;kg", "--yes")
    carry(valle, montes)
    browser = visit(montes)
    step(browser, exchange, "accept")
    stranger = found_writer("La Sierra")
    stranger.say(Accept, exchange=bytes.fromhex(exchange))
    held(valle, stranger)
    carry(valle, montes)
    assert "La Sierra" in Browser(browser.port).open(f"/exchanges/{exchange}").text
    browser.send("Sign it")
    assert browser.page.status == 200
    assert [row["state"] for row in montes.json("exchanges")] == ["agreed"]


def test_a_ring_among_three_is_proposed_and_countered(
    montes: Secretary, valle: Secretary, found: Found, visit: Visiting
) -> None:
    costa = found("La Costa")
    costa.tell(montes, valle)
    browser = visit(montes)
    names = {"Los Montes": montes, "El Valle": valle, "La Costa": costa}
    browser.open("/exchanges/new")
    browser.follow("Among more than two communes")
    values: dict[str, str] = {}
    for number, (giver, receiver, title) in enumerate(
        [
            ("Los Montes", "El Valle", "Maize"),
            ("El Valle", "La Costa", "Nails"),
            ("La Costa", "Los Montes", "Fish"),
        ],
        1,
    ):
        values |= {
            f"ring_from_{number}": names[giver].commune[:16],
            f"ring_to_{number}": names[receiver].commune[:16],
            f"ring_title_{number}": title,
        }
    browser.send("Look at it once more", **{**values, "ring_title_2": ""})
    assert browser.page.status == 422
    assert "This is needed: fill it in." in browser.page.text
    browser.send("Look at it once more", **values)
    assert "La Costa → Los Montes: «Fish»" in browser.page.text
    browser.send("Sign it")
    assert "ring" in browser.page.text
    exchange = path_of(browser.page).rpartition("/")[2]
    browser.follow("Change the proposal")
    browser.send("Look at it once more", ring_number_1="20", ring_unit_1="kg")
    assert "Send this counter-offer?" in browser.page.text
    browser.send("Sign it")
    states = {row["id"]: row["state"] for row in montes.json("exchanges")}
    assert states.pop(exchange) == "replaced"
    assert list(states.values()) == ["proposed"]


@pytest.mark.parametrize("address", ["/exchanges/new", "/exchanges/ring"])
def test_a_proposal_that_says_nothing_is_refused(
    montes: Secretary, valle: Secretary, visit: Visiting, address: str
) -> None:
    browser = visit(montes)
    browser.open(address)
    browser.send("Look at it once more")
    assert browser.page.status == 422
    assert len(valle.json("exchanges", "--all")) == 0


def test_addresses_that_lead_to_nothing_say_so(montes: Secretary, visit: Visiting) -> None:
    browser = visit(montes)
    nothing = "00" * 32
    for address, status in (
        (f"/exchanges/{nothing}", 404),
        (f"/listings/{nothing}", 404),
        ("/exchanges/new?listing=zz", 404),
        (f"/exchanges/new?replaces={nothing}", 404),
        (f"/exchanges/{montes.commune}", 404),
        ("/?commune=Nobody", 404),
        ("/nothing", 404),
    ):
        assert browser.open(address).status == status, address
        assert "That did not work" in browser.page.text
        assert browser.page.attributes("nav"), "the way back is there"
    for address in (
        f"/exchanges/{nothing}/accept",
        f"/exchanges/{nothing}/dance",
        "/neighbours/xx/recognise",
    ):
        browser.post(address, {})
        assert browser.page.status == 404
