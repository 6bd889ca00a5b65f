"""The form of a record: what its fields must say beside each other, and every text in it canonical."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from ledger import encoding
from ledger.errors import EncodingError, RecordError
from ledger.form import check_form
from ledger.records import (
    KINDS,
    Accept,
    Authority,
    Charter,
    Malformed,
    Mandate,
    Offer,
    Propose,
    Quantity,
    Record,
    Seal,
    Signed,
    Succession,
    Transfer,
    Uninterpreted,
    parse,
)
from tests.support.record_examples import examples
from tests.support.records import hashes_in_order

HASHES = hashes_in_order(9)


@dataclass(frozen=True)
class _TextAt:
    """A text in the plain value of a record, and the way to it."""

    path: tuple[Any, ...]
    text: str

    def replaced(self, value: Any, text: str) -> Any:
        return self._replaced(value, self.path, text)

    def _replaced(self, value: Any, path: tuple[Any, ...], text: str) -> Any:
        if not path:
            return text
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        copy[path[0]] = self._replaced(copy[path[0]], path[1:], text)
        return copy


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[_TextAt]:
    """Every text anywhere in a plain value."""
    if isinstance(value, str):
        yield _TextAt(path, value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_in(item, (*path, key))
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from texts_in(item, (*path, place))


# Text -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "intruder",
    ["a\u202eb", "a\u200fb", "a\tb", "a\x7fb", "a\x85b", "mai\u0301z", "a\u0378b", "a\U0001fae8b", "\u0344"],
    ids=[
        "bidirectional",
        "mark",
        "tab",
        "delete",
        "C1",
        "decomposed",
        "unassigned",
        "Unicode 15",
        "excluded",
    ],
)
def test_no_text_of_a_record_holds_what_is_not_canonical(kind: str, intruder: str) -> None:
    """Each text of the fullest record is replaced in turn, those in maps and arrays inside it too."""
    value = encoding.decode(examples()[kind].payload)
    found = list(texts_in(value))
    assert len(found) >= 2
    for text in found:
        for changed in (intruder, intruder + "\n", text.text + intruder):
            payload = msgspec.msgpack.encode(text.replaced(value, changed))
            assert isinstance(parse(payload), Malformed), (text.path, changed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_combining_mark_at_the_start_of_a_text_does_not_reach_the_text_before_it(kind: str) -> None:
    """All texts of a record are checked as one; that must not compose what stands apart."""
    value = encoding.decode(examples()[kind].payload)
    for text in texts_in(value):
        payload = encoding.encode(text.replaced(value, "\u0301"))
        assert not isinstance(parse(payload), Malformed)


LONG = {"about", "act", "contact", "note", "reason", "wants"}
"""The texts that may have any lines; all others name something, and stand on one."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_that_names_something_is_one_line(kind: str) -> None:
    value = encoding.decode(examples()[kind].payload)
    for text in texts_in(value):
        payload = encoding.encode(text.replaced(value, f"{text.text}\nx"))
        assert isinstance(parse(payload), KINDS[kind] if text.path[-1] in LONG else Uninterpreted), text.path


# Between fields ---------------------------------------------------------------------------------


def offer(**fields: Any) -> Offer:
    least: dict[str, Any] = {"at": 0, "category": "food-grain", "title": "Maíz"}
    return Offer(**least | fields)


def propose(count: int, *pairs: tuple[int, int], **fields: Any) -> Propose:
    """A proposal among so many parties with one transfer for each pair of places."""
    transfers = tuple(Transfer(giver=giver, receiver=receiver, title="x") for giver, receiver in pairs)
    least: dict[str, Any] = {"at": 0, "parties": tuple(HASHES[:count]), "transfers": transfers}
    return Propose(**least | fields)


def accept(**mandate: Any) -> Accept:
    least: dict[str, Any] = {
        "act": "Acta 1",
        "exchange": HASHES[0],
        "signatures": (Signed(HASHES[0], bytes(64)),),
    }
    return Accept(at=0, exchange=HASHES[0], mandate=Mandate(**least | mandate))


def charter(authority: Authority) -> Charter:
    return Charter(at=0, authority=authority, name="x", network="ensayo")


def succession(*previous: Seal, log: bytes = HASHES[8]) -> Succession:
    return Succession(at=0, authority=HASHES[0], commune=HASHES[0], log=log, previous=previous)


def seal(log: bytes) -> Seal:
    return Seal(log, 1, HASHES[0])


TWO = ((0, 1), (1, 0))

GOOD: dict[str, Record] = {
    "a barter": propose(2, *TWO),
    "a gift": propose(2, (1, 0)),
    "a ring of eight": propose(8, *((place, (place + 1) % 8) for place in range(8))),
    "a gift to seven": propose(8, *((7, place) for place in range(7))),
    "the same transfer twice": propose(2, (0, 1), (0, 1)),
    "100 of no decimals": offer(quantity=Quantity(100, 0, "kg")),
    "100.5": offer(quantity=Quantity(1005, 1, "kg")),
    "a leap day": offer(until="2028-02-29"),
    "two images": offer(images=(HASHES[1], HASHES[0])),
    "one of one": charter(Authority((HASHES[0],), 1)),
    "two of two": charter(Authority((HASHES[0], HASHES[1]), 2)),
    "a signed mandate": accept(),
    "two logs continued": succession(seal(HASHES[0]), seal(HASHES[1])),
}

BAD: dict[str, tuple[Record, str]] = {
    "parties in another order": (propose(2, *TWO, parties=(HASHES[1], HASHES[0])), "parties are not sorted"),
    "a party twice": (propose(2, *TWO, parties=(HASHES[0], HASHES[0])), "sorted and distinct"),
    "a transfer to itself": (propose(2, (0, 1), (1, 1)), "to itself"),
    "a giver that is not there": (propose(2, (0, 1), (2, 1)), "not there"),
    "a receiver that is not there": (propose(2, (0, 1), (1, 2)), "not there"),
    "a party with no part": (propose(3, *TWO), "neither gives nor receives"),
    "a party with no part and one too many": (propose(3, (0, 1), (1, 3)), "not there"),
    "10.0": (offer(quantity=Quantity(100, 1, "kg")), "zeros at the end"),
    "10.50": (offer(quantity=Quantity(1050, 2, "kg")), "zeros at the end"),
    "no leap day": (offer(until="2030-02-29"), "not a date"),
    "a week": (offer(until="2030-W05-4"), "not a date"),
    "no date": (offer(until="tomorrow, "), "not a date"),
    "a date of two lines": (offer(until="2030-01-3\n"), "not a date"),
    "an image twice": (offer(images=(HASHES[0], HASHES[0])), "named twice"),
    "keys in another order": (charter(Authority((HASHES[1], HASHES[0]), 1)), "keys of an authority"),
    "a key twice": (charter(Authority((HASHES[0], HASHES[0]), 1)), "keys of an authority"),
    "two of one": (charter(Authority((HASHES[0],), 2)), "more signatures than it has keys"),
    "a mandate for another exchange": (accept(exchange=HASHES[1]), "another exchange"),
    "a mandate that nobody signed": (accept(signatures=()), "Nobody has signed"),
    "logs in another order": (succession(seal(HASHES[1]), seal(HASHES[0])), "logs continued"),
    "a log twice": (succession(seal(HASHES[0]), seal(HASHES[0])), "logs continued"),
    "a log that continues itself": (succession(seal(HASHES[0]), log=HASHES[0]), "continue itself"),
    "a title of two lines": (offer(title="a\nb"), "more than one line"),
    "a line separator": (offer(title="a\u2028b"), "more than one line"),
    "a paragraph separator": (offer(by="a\u2029b"), "more than one line"),
    "a unit of two lines": (offer(quantity=Quantity(1, 0, "k\ng")), "more than one line"),
}


@pytest.mark.parametrize("what", GOOD)
def test_it_makes_a_record(what: str) -> None:
    check_form(GOOD[what])


@pytest.mark.parametrize("what", BAD)
def test_it_makes_no_record(what: str) -> None:
    record, sentence = BAD[what]
    with pytest.raises(RecordError, match=sentence):
        check_form(record)


@pytest.mark.parametrize("what", BAD)
def test_what_makes_no_record_is_kept_uninterpreted_for_that_reason(what: str) -> None:
    """It is canonical: a newer version may know what it means, and its author has done no wrong."""
    record, sentence = BAD[what]
    read = parse(msgspec.msgpack.encode(record))
    assert isinstance(read, Uninterpreted)
    assert sentence in read.reason
    assert read.kind == record.kind


def test_a_text_that_is_not_canonical_goes_before_every_other_fault() -> None:
    """The other fault would make it uninterpreted, while what is not canonical is none at all."""
    faulty = offer(title="a\nb\u202e", until="2030-02-30", images=(HASHES[0], HASHES[0]))
    with pytest.raises(EncodingError):
        check_form(faulty)
    assert isinstance(parse(msgspec.msgpack.encode(faulty)), Malformed)
