"""What people type, and what no text may do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.limits import MAX_NUMBER, MAX_SCALE
from ledger.records import Quantity
from node import typed, wording
from node.errors import InputError
from node.moves import quantity_of_millionths


@given(st.integers(1, MAX_NUMBER), st.integers(0, MAX_SCALE), st.sampled_from(".,"))
def test_a_quantity_is_read_as_it_is_shown(number: int, scale: int, point: str) -> None:
    text = wording.decimal(number, scale)
    read = typed.quantity_of(text.replace(".", point), "kg")
    assert read is not None
    assert Decimal(read.number).scaleb(-read.scale) == Decimal(number).scaleb(-scale)
    assert not read.scale or read.number % 10


@given(st.integers(1, MAX_NUMBER))
def test_millionths_become_the_quantity_that_they_are(amount: int) -> None:
    quantity = quantity_of_millionths(amount, "kg")
    assert wording.decimal_of(quantity) == wording.decimal(amount)
    assert not quantity.scale or quantity.number % 10


@given(st.text(max_size=40), st.text(max_size=20))
def test_junk_is_a_quantity_or_an_error_and_nothing_else(number: str, unit: str) -> None:
    try:
        assert isinstance(typed.quantity_of(number, unit), Quantity)
    except InputError:
        pass


@given(st.text(max_size=60))
def test_junk_in_any_field_is_an_error_and_nothing_else(text: str) -> None:
    for read in (
        typed.category_of, typed.unit_of, typed.day_of, typed.end_of_day, typed.item_of, typed.line_of,
        typed.decimal_of,
    ):  # fmt: skip
        try:
            assert read(text) is not None
        except InputError:
            pass


@pytest.mark.parametrize(
    ("text", "title", "quantity"),
    [
        ("Maíz", "Maíz", None),
        (" Maíz ; 100 ; kg ", "Maíz", Quantity(100, 0, "kg")),
        ("Maíz;2,5;quintales", "Maíz", Quantity(25, 1, "quintal")),
        ("Maíz;;", "Maíz", None),
    ],
)
def test_a_thing_is_typed_in_one_line(text: str, title: str, quantity: Quantity | None) -> None:
    assert typed.item_of(text) == (title, quantity)


@pytest.mark.parametrize(
    ("text", "may_be"),
    [
        ("1.500", True),
        ("12,000", True),
        ("0.500", False),
        ("1.50", False),
        ("1500", False),
        ("1.5000", False),
    ],
)
def test_what_may_be_thousands_is_known(text: str, may_be: bool) -> None:
    assert typed.may_be_thousands(text) is may_be
