"""Categories and units: the codes are stable, the names complete, and what people type is understood."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import unicodedata
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import MAX_CODE_CHARACTERS, MAX_NAME_CHARACTERS
from ledger.vocabulary import (
    SUGGESTIONS,
    categories,
    category_name,
    find_category,
    find_unit,
    groups,
    suggest_categories,
    suggest_units,
    unit_name,
    units,
)
from tests.support.shared import CHECKOUT, shared_path
from tests.support.vocabulary_page import page, page_path

# Signed records hold these codes for ever. Add to the lists; never take from them.

CATEGORY_CODES = """
    food-grain food-legumes food-tubers food-vegetables food-plantain food-fruit food-herbs
    food-coffee-cocoa food-sugar-honey food-eggs food-dairy food-meat food-fish food-flour-bread
    food-processed food-meals drinking-water seeds seedlings compost animals animal-feed farm-work
    veterinary milling tools machinery building-materials wood metal recyclables household-goods
    appliances textiles clothes shoes crafts hygiene school-supplies books medicine-plants
    medical-supplies health-work care-children care-elders care-sick personal-care fuel energy
    transport-goods transport-people repair-vehicles repair-appliances repair-electronics plumbing
    electrical-work building-work carpentry-metalwork sewing-mending communal-work cleaning-waste
    advice teaching workshops culture-film culture-music culture-radio printing
    software-communications recreation space-hall space-land space-storage space-lodging other
"""
UNIT_CODES = """
    kg g t quintal l ml m3 m cm km m2 ha kwh minute hour day week month piece dozen pair set head
    plant page copy sheet serving place person saco cesta crate box bag packet bulk-pack bale bunch
    hand bundle tray bottle jar tin bucket jerrycan water-jug drum cylinder wheelbarrow truckload
    roll ream jornada shift trip visit session performance
"""


def _all_names() -> list[str]:
    names = [name for group in groups().values() for name in (group.es, group.en)]
    for category in categories().values():
        names += [category.es, category.en, *category.search]
    for unit in units().values():
        names += [*unit.es, *unit.en, *unit.also, unit.symbol or unit.code]
    return names


def _plain(text: str) -> str:
    """A second, simpler folding than the module's own."""
    letters = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in letters if unicodedata.category(letter) != "Mn").replace("-", " ")


def test_no_code_disappears_and_every_new_one_is_pinned() -> None:
    assert sorted(categories()) == sorted(CATEGORY_CODES.split())
    assert sorted(units()) == sorted(UNIT_CODES.split())


def test_codes_are_short_lower_case_ascii_words() -> None:
    for code in (*groups(), *categories(), *units()):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code), code
        assert len(code) <= MAX_CODE_CHARACTERS


def test_each_thing_carries_the_code_it_is_listed_under() -> None:
    for listed in (groups(), categories(), units()):
        assert all(code == thing.code for code, thing in listed.items())


def test_every_category_is_in_a_group_and_every_group_has_one() -> None:
    assert {category.group for category in categories().values()} == set(groups())


def test_every_name_is_one_clean_nfc_line() -> None:
    for name in _all_names():
        assert 0 < len(name) <= MAX_NAME_CHARACTERS
        assert name.isprintable(), name
        assert name == " ".join(unicodedata.normalize("NFC", name).split())


def test_a_name_or_search_word_leads_to_one_category_only() -> None:
    owner: dict[str, str] = {}
    for category in categories().values():
        names = {_plain(name) for name in (category.code, category.es, category.en)}
        assert names.isdisjoint(map(_plain, category.search)), "a search word repeats a name"
        assert len(set(map(_plain, category.search))) == len(category.search), "a search word stands twice"
        for name in names | set(map(_plain, category.search)):
            assert owner.setdefault(name, category.code) == category.code, name


def test_a_name_or_symbol_means_one_unit_only() -> None:
    owner: dict[str, str] = {}
    for unit in units().values():
        for name in (unit.code, unit.symbol or unit.code, *unit.es, *unit.en, *unit.also):
            assert owner.setdefault(_plain(name), unit.code) == unit.code, name


def test_all_that_the_design_names_is_there() -> None:
    assert {"kg", "l", "piece", "hour", "jornada", "saco", "cesta", "quintal"} <= set(units())
    assert {"food-grain", "seeds", "care-children", "culture-film", "transport-goods", "other"} <= set(
        categories()
    )


def test_customary_measures_have_no_om2_name_and_the_others_a_published_one() -> None:
    assert all(units()[code].om2 is None for code in ("saco", "cesta", "quintal", "jornada"))
    with shared_path("vectors/valueflows/units-en-useful.csv").open(encoding="utf-8", newline="") as file:
        published = {row[1] for row in csv.reader(file)}
    named = {unit.om2 for unit in units().values() if unit.om2 is not None}
    assert len(named) > 15
    assert named <= published


def test_names_are_given_in_the_language_asked_for_and_in_spanish_otherwise() -> None:
    assert (
        category_name("food-legumes", "en")
        == category_name("food-legumes", "en_GB")
        == "Beans and other pulses"
    )
    for language in ("es", "es_VE", "es-VE", "pt", "C", ""):
        assert category_name("food-legumes", language) == "Caraotas y otros granos"
    assert groups()["food"].name("EN") == "Food"
    assert groups()["food"].name("es_VE") == "Alimentos"


@pytest.mark.parametrize(
    ("code", "language", "plural", "name"),
    [
        ("saco", "es", False, "saco"),
        ("saco", "es", True, "sacos"),
        ("box", "en", False, "box"),
        ("box", "en", True, "boxes"),
        ("performance", "es_VE", True, "funciones"),
        ("kg", "es", True, "kilogramos"),
    ],
)
def test_a_unit_has_a_singular_and_a_plural(code: str, language: str, plural: bool, name: str) -> None:
    assert unit_name(code, language, plural) == name


@given(st.text())
def test_an_unknown_code_is_shown_as_itself(code: str) -> None:
    if code not in categories():
        assert category_name(code, "es") == category_name(code, "en") == code
    if code not in units():
        assert unit_name(code, "es", True) == unit_name(code, "en", False) == code


def test_codes_and_names_find_their_category_whatever_the_case_and_accents() -> None:
    for code, category in categories().items():
        for name in (code, category.es, category.en):
            for written in (
                name,
                name.upper(),
                _plain(name),
                f"  {name} ",
                unicodedata.normalize("NFD", name),
            ):
                assert find_category(written) == code


def test_codes_symbols_and_names_find_their_unit_whatever_the_case_and_accents() -> None:
    for code, unit in units().items():
        for name in (code, unit.symbol or code, *unit.es, *unit.en, *unit.also):
            for written in (name, name.upper(), _plain(name), f"\t{name}\n"):
                assert find_unit(written) == code


def test_what_names_no_category_finds_none() -> None:
    for text in ("", " ", "zzz", "food", "food-grain-2", "\ud800", "\0"):
        assert find_category(text) is None
        assert find_unit(text) is None


def test_a_search_word_is_suggested_but_not_taken_for_a_name() -> None:
    """A record is kept for ever: a person confirms that what they wrote belongs in that category."""
    for code, category in categories().items():
        for word in category.search:
            assert find_category(word) is None
            assert suggest_categories(word)[0] == code


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("auyama", "food-vegetables"),
        ("CARAOTAS", "food-legumes"),
        ("maiz", "food-grain"),
        ("semila", "seeds"),
        ("sapatos", "shoes"),
        ("sacos de harina", "food-flour-bread"),
        ("food-grian", "food-grain"),
        ("haircuts", "personal-care"),
    ],
)
def test_a_misspelt_or_narrower_word_is_led_to_its_category(typed: str, first: str) -> None:
    assert first in suggest_categories(typed)


@pytest.mark.parametrize(("typed", "first"), [("saca", "saco"), ("litross", "l"), ("jornda", "jornada")])
def test_a_misspelt_unit_is_led_to_the_right_one(typed: str, first: str) -> None:
    assert suggest_units(typed)[0] == first


def test_an_exact_word_is_not_joined_by_lookalikes() -> None:
    assert suggest_categories("maiz amarillo") == suggest_categories("maiz")


@given(st.text(max_size=2 * MAX_NAME_CHARACTERS))
def test_any_text_gets_few_different_known_codes_as_suggestions(text: str) -> None:
    known: Mapping[str, object]
    for suggested, known in ((suggest_categories(text), categories()), (suggest_units(text), units())):
        assert len(suggested) == len(set(suggested)) <= SUGGESTIONS
        assert set(suggested) <= set(known)


def test_nothing_is_suggested_for_a_text_longer_than_a_name_can_be() -> None:
    assert suggest_categories("maíz " * MAX_NAME_CHARACTERS) == []


def test_the_lists_cannot_be_changed_by_who_reads_them() -> None:
    for listed in (groups(), categories(), units()):
        with pytest.raises(TypeError):
            listed["new"] = None  # type: ignore[index]
    with pytest.raises(AttributeError):
        categories()["seeds"].es = "Otra cosa"  # type: ignore[misc]


def test_importing_the_module_reads_no_data() -> None:
    """Commands that show no category must not pay for the list."""
    program = (
        "import sys, ledger.vocabulary as v; read = v._vocabulary.cache_info;"
        "before = read().misses, 'tomllib' in sys.modules;"
        "v.categories(); v.units(); print(*before, read().misses, 'difflib' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["0", "False", "1", "False"]


def test_the_reference_page_says_what_the_data_says() -> None:
    """Write it anew with `python -m tests.support.vocabulary_page`."""
    assert page_path().read_text(encoding="utf-8") == page()
