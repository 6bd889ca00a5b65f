"""Refusals: what may not be signed or erased is refused with what to do, before anything is signed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.errors import MoveRefused, RecordError
from ledger.limits import MAX_TEXT_CHARACTERS
from ledger.log import LogKey
from ledger.records import CommuneId, Correct, Offer, Recognise, Record, Unrecognise, Withdraw
from ledger.store.reading import Reader
from node.refusals import refuse_erasure, refuse_record

from .conftest import Secretary


@pytest.fixture
def reader(montes: Secretary, valle: Secretary) -> Iterator[Reader]:
    """What Los Montes holds: a listing of each side, of which its own has been replaced once."""
    first = montes.sign("offer", "Maíz")
    montes.sign("offer", "Maíz blanco", "--replaces", first)
    valle.sign("offer", "Clavos")
    valle.tell(montes)
    with Reader(montes.home / "ledger.sqlite") as held:
        yield held


def own_of(montes: Secretary) -> CommuneId:
    return CommuneId(bytes.fromhex(montes.commune))


def listing(reader: Reader, title: str) -> bytes:
    (row,) = [row for row in reader.listings(ended=True) if row.record.title == title]
    return row.id


def refused(reader: Reader, own: CommuneId, record: Record) -> str:
    with pytest.raises(MoveRefused) as caught:
        refuse_record(reader, own, record)
    return str(caught.value)


def test_only_what_stands_and_is_ones_own_is_withdrawn_or_replaced(
    reader: Reader, montes: Secretary, valle: Secretary
) -> None:
    own = own_of(montes)
    standing, replaced, theirs = (listing(reader, title) for title in ("Maíz blanco", "Maíz", "Clavos"))
    refuse_record(reader, own, Withdraw(at=1, target=standing))
    refuse_record(reader, own, Offer(at=1, title="Maíz amarillo", category="maize", replaces=standing))
    assert "replaced already" in refused(reader, own, Withdraw(at=1, target=replaced))
    assert "another commune" in refused(reader, own, Withdraw(at=1, target=theirs))
    assert "another commune" in refused(
        reader, own, Offer(at=1, title="Más", category="maize", replaces=theirs)
    )


def test_only_ones_own_records_are_explained(reader: Reader, montes: Secretary) -> None:
    own = own_of(montes)
    refuse_record(reader, own, Correct(at=1, target=listing(reader, "Maíz"), note="era blanco"))
    assert "another commune's" in refused(
        reader, own, Correct(at=1, target=listing(reader, "Clavos"), note="no son suyos")
    )


def test_nobody_recognises_themselves_or_takes_back_what_was_not_said(
    reader: Reader, montes: Secretary, valle: Secretary
) -> None:
    own, other = own_of(montes), own_of(valle)
    refuse_record(reader, own, Recognise(at=1, commune=other))
    assert "itself" in refused(reader, own, Recognise(at=1, commune=own))
    assert "does not recognise" in refused(reader, own, Unrecognise(at=1, commune=other))


def test_what_a_commune_stands_on_is_not_erased(reader: Reader, montes: Secretary) -> None:
    own = own_of(montes)
    log = next(LogKey(branch.log) for branch in reader.branches() if reader.commune_of(branch.log) == own)
    (branch,) = reader.branches(log)
    charter, first, *_ = reader.entries(branch.number, 0)
    refuse_erasure(reader, own, first, "se publicó por error")
    with pytest.raises(MoveRefused, match="speaks for this commune"):
        refuse_erasure(reader, own, charter, "se publicó por error")
    with pytest.raises(RecordError, match="too long"):
        refuse_erasure(reader, own, first, "x" * (MAX_TEXT_CHARACTERS + 1))
    with pytest.raises(RecordError, match="cannot be recorded"):
        refuse_erasure(reader, own, first, "\x00")
