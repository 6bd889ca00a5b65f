"""The committed vectors of rosters and comparisons: they come out the same, and what is refused is."""

from __future__ import annotations

import pytest

from protocol.errors import ReconcileError
from protocol.reconcile import Reconciler
from protocol.roster import Roster
from tests.support.reconciliation_vectors import cases, held, reconciliation_vectors
from tests.support.rosters import assert_all_known, compare
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load


def test_the_vectors_come_out_the_same_byte_for_byte() -> None:
    assert_regenerates("reconciliation", reconciliation_vectors())


def test_the_page_is_of_the_vectors() -> None:
    assert assert_page_is_from_vectors("reconciliation") == 3


def test_what_is_to_be_refused_is_refused() -> None:
    for message in load("reconciliation")["refused"].values():
        with pytest.raises(ReconcileError):
            Reconciler(Roster(held(20)), initiator=False).receive(bytes.fromhex(message))


def test_each_comparison_of_the_vectors_finds_what_differs() -> None:
    for one, other, remembered in cases().values():
        memory = None if remembered is None else Roster(remembered)
        assert_all_known(one, other, compare(Roster(one), Roster(other), memory, memory))
