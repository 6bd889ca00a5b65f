"""Records, transfers and states as people read them, in both languages."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ledger import moves, records
from ledger.exchange import Leg, State
from ledger.log import EntryId
from ledger.records import CommuneId, Malformed, Quantity, Record, Transfer, Uninterpreted
from node import language, telling, wording
from node.overview import Names

from ..support.record_examples import examples

MONTES, VALLE = bytes([1]) * 32, bytes([2]) * 32


class Known(Names):
    """Two communes, and nobody else."""

    def __init__(self) -> None:
        self._names = {CommuneId(MONTES): "Los Montes", CommuneId(VALLE): "El Valle"}


NAMES = Known()


def entry(fields: dict[str, Any], beside: bytes | None = None) -> tuple[str, str]:
    """A record told in English and in Spanish."""
    kind = records.KINDS[fields["kind"]]
    record: Record = kind(at=1, **{name: value for name, value in fields.items() if name != "kind"})
    told = []
    for spoken in ("en", "es"):
        language.use(spoken)
        told.append(telling.entry(record, NAMES, None if beside is None else EntryId(beside)))
    return told[0], told[1]


EXCHANGE = bytes.fromhex("ab" * 32)
SHORT = "abababababab"


@pytest.mark.parametrize(
    ("fields", "english", "spanish"),
    [
        (
            {"kind": "profile", "name": "Los Montes", "place": "Mérida"},
            "Los Montes, Mérida",
            "Los Montes, Mérida",
        ),
        (
            {"kind": "need", "title": "Clavos", "category": "tools", "quantity": Quantity(25, 1, "kg"),
             "until": "2030-01-31"},
            "«Clavos», 2.5 kg, until 2030-01-31",
            "«Clavos», 2,5 kg, hasta 31/01/2030",
        ),
        (
            {"kind": "propose", "parties": (MONTES, VALLE),
             "transfers": (Transfer(giver=0, receiver=1, title="Maíz", quantity=Quantity(2, 0, "saco")),
                           Transfer(giver=1, receiver=0, title="Una función"))},
            "Los Montes → El Valle: «Maíz», 2 sacks; El Valle → Los Montes: «Una función»",
            "Los Montes → El Valle: «Maíz», 2 sacos; El Valle → Los Montes: «Una función»",
        ),
        ({"kind": "accept", "exchange": EXCHANGE}, f"exchange {SHORT}", f"intercambio {SHORT}"),
        (
            {"kind": "decline", "exchange": EXCHANGE, "note": "Este\nmes no"},
            f"exchange {SHORT}: Este mes no",
            f"intercambio {SHORT}: Este mes no",
        ),
        (
            {"kind": "cancel", "exchange": EXCHANGE, "reason": "Lluvia"},
            f"exchange {SHORT}: Lluvia",
            f"intercambio {SHORT}: Lluvia",
        ),
        (
            {"kind": "deliver", "exchange": EXCHANGE, "transfer": 1, "quantity": Quantity(1, 0, "saco")},
            f"exchange {SHORT}: transfer 2, 1 sack",
            f"intercambio {SHORT}: entrega 2, 1 saco",
        ),
        (
            {"kind": "receive", "exchange": EXCHANGE, "transfer": 0, "condition": "damaged",
             "note": "Mojado"},
            f"exchange {SHORT}: transfer 1, damaged, Mojado",
            f"intercambio {SHORT}: entrega 1, dañado, Mojado",
        ),
        (
            {"kind": "dispute", "exchange": EXCHANGE, "transfer": 0, "note": "Falta"},
            f"exchange {SHORT}: transfer 1, Falta",
            f"intercambio {SHORT}: entrega 1, Falta",
        ),
        ({"kind": "dispute", "exchange": EXCHANGE}, f"exchange {SHORT}", f"intercambio {SHORT}"),
        (
            {"kind": "settle", "dispute": EXCHANGE, "outcome": "closed"},
            f"dispute {SHORT}: nothing more is due",
            f"reclamo {SHORT}: ya nada queda pendiente",
        ),
        (
            {"kind": "withdraw", "target": EXCHANGE, "reason": "Se vendió"},
            f"of {SHORT}: Se vendió",
            f"de {SHORT}: Se vendió",
        ),
        (
            {"kind": "recognise", "commune": VALLE, "note": "Vecinos"},
            "El Valle: Vecinos",
            "El Valle: Vecinos",
        ),
        ({"kind": "unrecognise", "commune": EXCHANGE}, SHORT, SHORT),
    ],
)  # fmt: skip
def test_an_entry_is_told_in_one_line(fields: dict[str, Any], english: str, spanish: str) -> None:
    assert entry(fields) == (english, spanish)


@pytest.mark.parametrize(
    ("fields", "english"),
    [
        ({"kind": "accept", "exchange": EXCHANGE}, ""),
        ({"kind": "deliver", "exchange": EXCHANGE, "transfer": 0}, "transfer 1"),
        ({"kind": "settle", "dispute": EXCHANGE, "outcome": "due"}, "the rest stays due"),
        (
            {"kind": "propose", "parties": (MONTES, VALLE), "replaces": EXCHANGE,
             "transfers": (Transfer(giver=0, receiver=1, title="Maíz"),)},
            "instead: Los Montes → El Valle: «Maíz»",
        ),
        ({"kind": "withdraw", "target": EXCHANGE}, f"of {SHORT}"),
    ],
)  # fmt: skip
def test_beside_its_exchange_a_move_does_not_name_it_again(fields: dict[str, Any], english: str) -> None:
    assert entry(fields, EXCHANGE)[0] == english


@pytest.mark.parametrize("spoken", ["en", "es"])
def test_every_kind_of_record_has_a_name_and_is_told(spoken: str) -> None:
    language.use(spoken)
    told = {kind for kind in records.KINDS if wording.kind(kind) != kind}
    # In English some are called what their kind is.
    expected = set(records.KINDS) if spoken == "es" else told
    assert told == expected
    for example in examples().values():
        record = records.parse(example.payload)
        assert "\n" not in telling.entry(record, NAMES)


def test_a_kind_that_nobody_knows_is_called_what_it_calls_itself() -> None:
    assert wording.kind("insure") == "insure"


def test_what_is_no_record_is_told_as_what_it_is() -> None:
    assert telling.entry(None, NAMES) == "Its content was erased here."
    assert telling.entry(Malformed("…"), NAMES) == "It is no record."
    assert "newer version" in telling.entry(Uninterpreted("insure", "…", frozenset()), NAMES)


LEG = Leg(
    Transfer(giver=0, receiver=1, title="Maíz", quantity=Quantity(100, 0, "kg")),
    CommuneId(MONTES),
    CommuneId(VALLE),
    100_000_000,
    40_500_000,
    0,
    False,
    False,
    False,
)
WHOLE = msgspec.structs.replace(
    LEG, transfer=Transfer(giver=0, receiver=1, title="Una función"), agreed=1, given=0
)


@pytest.mark.parametrize(
    ("leg", "changes", "told"),
    [
        (LEG, {}, "given 40.5 kg, received 0 kg"),
        (LEG, {"got": 30_000_000, "short": True}, "given 40.5 kg, received 30 kg, some of it missing"),
        (LEG, {"damaged": True}, "given 40.5 kg, received 0 kg, some of it damaged"),
        (LEG, {"closed": True}, "given 40.5 kg, received 0 kg, nothing more is due"),
        (
            LEG,
            {"given": 100_000_000, "got": 100_000_000, "short": True},
            "given 100 kg, received 100 kg, done",
        ),
        (WHOLE, {}, "nothing said yet"),
        (WHOLE, {"given": 1}, "given"),
        (WHOLE, {"got": 1}, "received"),
        (WHOLE, {"given": 1, "got": 1}, "given, received, done"),
    ],
)
def test_how_far_a_transfer_is(leg: Leg, changes: dict[str, Any], told: str) -> None:
    assert telling.progress(msgspec.structs.replace(leg, **changes)) == told


@pytest.mark.parametrize("spoken", ["en", "es"])
def test_every_state_form_and_condition_has_a_word(spoken: str) -> None:
    language.use(spoken)
    assert all(wording.exchange_state(state.value) for state in State)
    assert all(wording.form(name) for name in ("gift", "barter", "ring"))
    assert all(wording.condition(name) for name in ("good", "short", "damaged"))
    assert all(wording.relation_name(name) for name in ("own", "recognised", "known"))


def test_every_reason_of_the_rules_is_told_in_spanish() -> None:
    language.use("es")
    assert all(telling.reason(code) != sentence for code, sentence in moves.REASONS.items())
    assert telling.reason("of-a-newer-version") == "of-a-newer-version"


@pytest.mark.parametrize(
    ("number", "scale", "text"),
    [
        (1, 6, "0.000001"),
        (2_500_000, 6, "2.5"),
        (100, 0, "100"),
        (0, 6, "0"),
        (-500_000, 6, "-0.5"),
        (1230, 2, "12.3"),
    ],
)
def test_decimals_have_no_zeros_at_their_end(number: int, scale: int, text: str) -> None:
    assert wording.decimal(number, scale) == text


def test_dates_are_written_as_their_language_writes_them() -> None:
    at = 1_900_000_000_000
    for spoken, day, month in (("es", "31/01/2030", "01/2030"), ("en", "2030-01-31", "2030-01")):
        language.use(spoken)
        assert (wording.day("2030-01-31"), wording.day("2030-01")) == (day, month)
        assert wording.time_of(at).startswith(wording.day_of(at))
        assert wording.plain_time_of(at)[:8] == "2030-03-"
