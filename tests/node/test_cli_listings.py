"""Offers and needs through the command line."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.records import Offer
from ledger.store.writing import Store
from node import clock
from node.home import Home
from node.opening import open_home

from ..support.communes import found as found_writer
from .conftest import Secretary

MAIZE = (
    "Maíz blanco",
    "--category",
    "food-grain",
    "--quantity",
    "100",
    "--unit",
    "kg",
    "--until",
    "2030-01-31",
)


def posted(secretary: Secretary) -> dict[str, Any]:
    (row,) = secretary.json("listings")
    found: dict[str, Any] = row
    return found


def test_an_offer_is_posted_and_listed(montes: Secretary) -> None:
    entry = montes.sign("offer", *MAIZE, "--note", "Del conuco", "--wants", "clavos", "--place", "El Alto",
                        "--council", "Las Flores", "--by", "secretaria")  # fmt: skip
    row = posted(montes)
    assert row.pop("at") > 1_700_000_000_000
    assert row == {
        "id": entry,
        "commune": montes.commune,
        "commune_name": "Los Montes",
        "kind": "offer",
        "title": "Maíz blanco",
        "category": "food-grain",
        "quantity": "100",
        "unit": "kg",
        "left": "100",
        "overcommitted": False,
        "until": "2030-01-31",
        "expired": False,
        "state": "open",
        "note": "Del conuco",
        "wants": "clavos",
        "place": "El Alto",
        "council": "Las Flores",
        "images": [],
        "replaces": None,
        "by": "secretaria",
    }


def test_what_cannot_be_counted_is_posted_without_a_quantity(montes: Secretary) -> None:
    montes.sign("need", "Una tarde de cine")
    row = posted(montes)
    assert (row["kind"], row["category"], row["quantity"], row["unit"], row["left"]) == (
        "need", "other", None, None, None
    )  # fmt: skip


def test_a_person_reads_a_table_in_their_language(montes: Secretary) -> None:
    montes.sign("offer", *MAIZE)
    montes.sign("need", "Clavos", "--quantity", "2.5", "--unit", "kg")
    english, spanish = montes.run("listings").stdout, montes.run("listings", speaks="es").stdout
    assert "2 listings" in english
    assert "2.5 kg" in english
    assert "Maize, rice and other grain" in english
    assert "2 publicaciones" in spanish
    assert "2,5 kg" in spanish
    assert "Maíz, arroz y otros cereales" in spanish
    assert "necesidad" in spanish


def test_what_happened_is_told_with_the_beginning_of_the_id(montes: Secretary) -> None:
    told = montes.run("offer", *MAIZE).stdout
    assert told == f"{posted(montes)['id'][:12]}  The offer of «Maíz blanco», 100 kg is posted.\n"


# Typing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "unit", "quantity", "code"),
    [
        ("2,5", "kg", "2.5", "kg"),
        ("2.50", "Kilos", "2.5", "kg"),
        ("1 000", "litros", "1000", "l"),
        ("0.000001", "kg", "0.000001", "kg"),
        ("3", "jornadas", "3", "jornada"),
    ],
)
def test_quantities_are_typed_as_people_write_them(
    montes: Secretary, typed: str, unit: str, quantity: str, code: str
) -> None:
    montes.sign("offer", "Algo", "--quantity", typed, "--unit", unit)
    assert (posted(montes)["quantity"], posted(montes)["unit"]) == (quantity, code)


@pytest.mark.parametrize("typed", ["1.500", "1,500", "12.000"])
def test_what_some_read_as_thousands_is_pointed_out(montes: Secretary, typed: str) -> None:
    """In Venezuela 1.500 is one thousand five hundred; what is signed is for ever."""
    result = montes.run("offer", "Café", "--quantity", typed, "--unit", "kg")
    assert f"'{typed}' is read as" in result.stderr


@pytest.mark.parametrize(
    ("category", "code"),
    [("food-grain", "food-grain"), ("maíz, arroz y otros cereales", "food-grain"),
     ("Maize, rice and other grain", "food-grain")],
)  # fmt: skip
def test_a_category_is_known_by_code_and_by_either_name(montes: Secretary, category: str, code: str) -> None:
    montes.sign("offer", "Algo", "--category", category)
    assert posted(montes)["category"] == code


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--quantity", "diez", "--unit", "kg"], "'diez' is not a quantity"),
        (["--quantity", "-3", "--unit", "kg"], "'-3' is not a quantity"),
        (["--quantity", "1.000.000", "--unit", "kg"], "is not a quantity"),
        (["--quantity", "1e3", "--unit", "kg"], "is not a quantity"),
        (["--quantity", "٣", "--unit", "kg"], "is not a quantity"),
        (["--quantity", "0", "--unit", "kg"], "more than zero"),
        (["--quantity", "0.0000001", "--unit", "kg"], "more than 6 decimals"),
        (["--quantity", "9" * 5000, "--unit", "kg"], "too large"),
        (["--quantity", "1000000000001", "--unit", "kg"], "too large"),
        (["--quantity", "1234567.123456", "--unit", "kg"], "too large"),
        (["--quantity", "3"], "`trueque listings --units` shows all"),
        (["--unit", "kg"], "A unit needs a quantity"),
        (
            ["--quantity", "3", "--unit", "kilgramo"],
            "Did you mean: kg (kilogram), g (gram)? `trueque listings --units` shows all.",
        ),
        (["--quantity", "3", "--unit", "zzzz"], "There is no unit 'zzzz'"),
        (["--category", "yuca"], "(Roots and tubers)? `trueque listings --categories` shows all."),
        (["--category", "zzzz"], "and 'other' is one"),
        (["--until", "31/01/2030"], "write year, month and day, like 2030-01-31"),
        (["--until", "2030-02-30"], "is not a date"),
        (["--until", "20300131"], "is not a date"),
        (["--replaces", "zz"], "is not an id"),
        (["--replaces", "abc"], "give at least 4 digits"),
        (["--replaces", "abcd"], "Nothing held here has an id that begins with abcd"),
        (["--note", "x" * 2001], "The field 'note' is too long: shorten it to 2000."),
        (["--note", "a\u202eb"], "bidirectional control"),
        (["--note", "a\x1b[31mb"], "control character"),
        (["--note", "\ud800"], "bytes that are no text"),
        (["--wants", "😀" * 2000, "--note", "😀" * 2000], "allowed: shorten its texts"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_says_what_to_do(
    montes: Secretary, options: list[str], sentence: str
) -> None:
    assert sentence in montes.refused("offer", "Algo", *options)
    assert montes.json("listings") == []


def test_text_is_recorded_in_one_form_however_it_was_typed(montes: Secretary) -> None:
    """A Mac types accents apart; records hold them composed."""
    montes.sign("offer", "  Mai\u0301z ")
    assert posted(montes)["title"] == "Maíz"


def test_a_day_that_is_over_is_refused(montes: Secretary) -> None:
    """Nobody would see the listing, and it would stay in the ledger for ever."""
    told = montes.refused("offer", "Maíz", "--until", "2020-01-31", "--category", "food-grain", "--yes")
    assert "2020-01-31 is over already" in told
    assert montes.json("listings", "--all") == []


def test_a_listing_is_shown_as_expired_once_its_last_day_is_over(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    montes.run("offer", "Maíz", "--until", "2030-01-31", "--category", "food-grain")
    monkeypatch.setattr("node.clock.today", lambda: "2030-01-31")
    assert len(montes.json("listings")) == 1
    monkeypatch.setattr("node.clock.today", lambda: "2030-02-01")
    assert montes.json("listings") == []
    (row,) = montes.json("listings", "--all")
    assert (row["state"], row["expired"]) == ("open", True)
    assert "expired" in montes.run("listings", "--all").stdout


# Changing and ending ----------------------------------------------------------------------------


def test_a_listing_is_changed_by_posting_it_again(montes: Secretary) -> None:
    first = montes.sign("offer", *MAIZE)
    second = montes.sign("offer", *MAIZE[:-1], "2031-01-31", "--replaces", first[:8])
    assert posted(montes)["id"] == second
    assert posted(montes)["replaces"] == first
    assert {(row["id"], row["state"]) for row in montes.json("listings", "--all")} == {
        (first, "replaced"),
        (second, "open"),
    }
    assert "has been replaced already" in montes.refused("offer", "Maíz", "--replaces", first)


def test_a_listing_is_withdrawn(montes: Secretary) -> None:
    entry = montes.sign("offer", *MAIZE)
    told = montes.run("withdraw", entry[:6], "--reason", "se vendió").stdout
    assert "Withdrawn: offer, «Maíz blanco», 100 kg, until 2030-01-31." in told
    assert montes.json("listings") == []
    (row,) = montes.json("listings", "--all")
    assert row["state"] == "withdrawn"
    assert "has been withdrawn already" in montes.refused("withdraw", entry)
    assert "has been withdrawn already" in montes.refused("offer", "Maíz", "--replaces", entry)


def test_only_what_is_ones_own_can_be_changed(montes: Secretary, valle: Secretary) -> None:
    entry = montes.sign("offer", *MAIZE)
    montes.tell(valle)
    assert "belongs to another commune" in valle.refused("withdraw", entry)
    assert "belongs to another commune" in valle.refused("offer", "Maíz", "--replaces", entry)
    assert "can be withdrawn" in valle.refused("withdraw", valle.commune)
    assert "is not an offer or need" in valle.refused("offer", "Maíz", "--replaces", valle.commune)


# Finding ----------------------------------------------------------------------------------------


def test_listings_are_found_by_what_they_are(montes: Secretary, valle: Secretary) -> None:
    maize = montes.sign("offer", *MAIZE)
    nails = valle.sign("offer", "Clavos", "--note", "de pulgada y media")
    wanted = valle.sign("need", "Maiz para sembrar", "--category", "seeds")
    shed = valle.sign("offer", "Yeso", "--place", "El Galpón", "--until", "2035-06-30")
    valle.tell(montes)

    def ids(*options: str) -> set[str]:
        return {row["id"] for row in montes.json("listings", *options)}

    assert ids() == {maize, nails, wanted, shed}
    assert ids("--kind", "need") == {wanted}
    assert ids("--commune", "El Valle") == {nails, wanted, shed}
    assert ids("--commune", valle.commune[:8], "--kind", "offer") == {nails, shed}
    assert ids("--category", "food-grain") == {maize}
    assert ids("--search", "maíz") == {maize, wanted}
    assert ids("--search", "MAIZ semb") == {wanted}
    assert ids("--search", "pulgada") == {nails}
    assert ids("--search", "***") == set()
    assert ids("--place", "galpon") == ids("--since", "2020-01-31", "--place", "GALPÓN") == {shed}
    assert ids("--since", clock.today()) == {maize, nails, wanted, shed}
    assert ids("--since", "2099-01-31") == set()
    assert ids("--until", "2020-01-31") == ids("--until", "2030-01-31") == {maize, nails, wanted, shed}
    assert ids("--until", "2035-06-30") == {nails, wanted, shed}
    assert ids("--until", "2035-07-01") == ids("--until", "2035-07-01", "--all") == {nails, wanted}
    assert "is not a date" in montes.refused("listings", "--since", "ayer")
    assert "is not a date" in montes.refused("listings", "--until", "31/1/2099")
    assert montes.run("listings", "--search", "nada").stdout == "There are no listings to show.\n"
    assert "No commune called" in montes.refused("listings", "--commune", "La Sierra")


def test_a_person_is_shown_what_can_be_read_and_a_program_everything(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.cli.desk.SHOWN", 3)
    monkeypatch.setattr("node.overview.PAGE", 2)
    for number in range(5):
        montes.sign("offer", f"Cosa {number}")
    result = montes.run("listings")
    assert result.stdout.count("Cosa") == 3
    assert "give --limit" in result.stderr
    assert len(montes.json("listings")) == 5
    assert [row["title"] for row in montes.json("listings", "--limit", "2")] == ["Cosa 4", "Cosa 3"]
    assert len(montes.json("listings", "--limit", "9" * 30)) == 5
    assert "5 listings" in montes.run("listings", "--limit", "9" * 30).stdout
    result = montes.run("listings", "--limit", "5")
    assert result.stdout.count("Cosa") == 5
    assert result.stderr == ""


def test_an_id_may_be_shortened_as_long_as_it_means_one_thing(montes: Secretary) -> None:
    entries = [montes.sign("offer", f"Cosa {number}") for number in range(3)]
    assert "is not an id" in montes.refused("withdraw", "cosa")
    montes.run("withdraw", entries[0][:4].upper())
    assert len(montes.json("listings")) == 2


def test_an_id_that_means_two_things_is_asked_about(montes: Secretary) -> None:
    """Ids are hashes, so two that begin alike are rare; here one of three letters more is made by trying."""
    with open_home(Home(montes.home), writing=True) as service:
        seen: dict[str, str] = {}
        number = 0
        payloads: list[bytes] = []
        from ledger.log import entry_id
        from ledger.records import to_payload

        size = service.reader.branches(service.log)[0].size
        while True:
            number += 1
            payload = to_payload(Offer(at=1, category="other", title=f"Cosa {number}"))
            digits = entry_id(service.log, size + len(payloads), payload).hex()[:4]
            if not payloads:
                payloads.append(payload)
                seen[digits] = digits
            elif digits in seen:
                payloads.append(payload)
                break
        service.author.append(payloads)
    assert "More than one id begins with" in montes.refused("withdraw", next(iter(seen)))


def test_names_that_two_communes_share_are_asked_about(montes: Secretary, found: Any) -> None:
    found("El Valle").tell(montes)
    other = found_writer("El Valle")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    assert "2 communes are called 'el valle'" in montes.refused("listings", "--commune", "el valle")


# What others wrote ------------------------------------------------------------------------------


def test_text_of_others_cannot_play_tricks_on_a_terminal(montes: Secretary) -> None:
    """Markup of our tables, and characters that show nothing, are shown as what they are."""
    other = found_writer("[bold]Ladino[/bold]")
    other.say(Offer, category="other", title="[red]Oro[/red] :smile: \u200bgratis\u00ad")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    shown = montes.run("listings").stdout
    assert "[red]Oro[/red] :smile: \ufffdgratis\ufffd" in shown
    assert "[bold]Ladino[/bold]" in shown


def test_a_category_and_a_unit_that_nobody_knows_are_shown_as_they_are(montes: Secretary) -> None:
    from ledger.records import Quantity

    other = found_writer("El Futuro")
    other.say(Offer, category="antimatter", title="Algo", quantity=Quantity(2, 0, "parsec"))
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    shown = montes.run("listings").stdout
    assert "antimatter" in shown
    assert "2 parsec" in shown


def test_the_last_moment_of_time_can_be_shown(montes: Secretary) -> None:
    other = found_writer("El Fin")
    other.say(Offer, category="other", title="Algo", at=253_402_300_799_999)
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(other.run())
    assert "9999-12-31" in montes.run("log", "El Fin").stdout


def test_a_title_without_a_category_is_told_which_may_fit(montes: Secretary) -> None:
    assert "Perhaps: food-grain" in montes.run("offer", "Arroz", "--yes").stderr
    assert "`trueque listings --categories`" in montes.run("offer", "Zzz", "--yes").stderr


def test_categories_and_units_are_listed_with_their_codes(montes: Secretary) -> None:
    assert "food-grain" in montes.run("listings", "--categories", speaks="es").stdout
    assert "hora" in montes.run("listings", "--units", speaks="es").stdout


def test_a_misspelt_commune_is_told_which_may_be_meant(montes: Secretary, valle: Secretary) -> None:
    assert "Did you mean: El Valle?" in montes.refused("listings", "--commune", "El Vale")
