"""Looks: a name that somebody could take for another is known for it, whatever script it borrows from."""

from __future__ import annotations

import pytest

from ledger.records import CommuneId
from ledger.store.reading import Reader
from node.looks import skeleton
from node.petnames import OwnNames

from .conftest import Found, Secretary


@pytest.mark.parametrize(
    "like",
    [
        "EL VALLE",
        "EI Va11e",
        "E|  Valle.",
        "El Vall\u0435",  # Cyrillic
        "\u0415\u04c0 V\u0430lle",
        "\u0395l Valle",  # Greek
        "\u0401l Valle",
        "\u13ac\u217c Valle",  # Cherokee, a Roman numeral
        "\U0001d404\U0001d425 \U0001d415\U0001d41a\U0001d425\U0001d425\U0001d41e",
        "El Valle\u200b",
        "El Val\u00adle",
        "\u00c9l V\u0101lle",
    ],
)
def test_what_looks_like_a_name_is_taken_for_it(like: str) -> None:
    assert skeleton(like) == skeleton("El Valle")


def test_letters_that_run_together_are_taken_for_others() -> None:
    assert skeleton("La Torne") == skeleton("La Tome")
    assert skeleton("VVarao") == skeleton("Warao")


def test_what_does_not_look_so_is_not() -> None:
    names = [
        "El Valle",
        "La Valle",
        "El Valles",
        "Los Montes",
        "Comuna 1",
        "Comuna 3",
        "Comuna 13",
        "Comuna 2",
    ]
    assert len({skeleton(name) for name in names}) == len(names)


def test_whoever_is_called_like_another_is_shown_with_words(
    montes: Secretary, valle: Secretary, found: Found
) -> None:
    other = found("El V\u0430lle")
    with Reader(montes.home / "ledger.sqlite") as reader:
        assert OwnNames(reader)[bytes.fromhex(valle.commune)] == "El Valle"
    other.tell(montes)
    with Reader(montes.home / "ledger.sqlite") as reader:
        names = OwnNames(reader)
        shown = [names[CommuneId(bytes.fromhex(each.commune))] for each in (valle, other)]
        assert names[CommuneId(bytes.fromhex(montes.commune))] == "Los Montes"
    assert shown[0].startswith("El Valle (")
    assert shown[1].startswith("El V\u0430lle (")
    assert shown[0][len("El Valle") :] != shown[1][len("El Valle") :]
