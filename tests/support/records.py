"""Hypothesis strategies for valid records: of any kind, of one kind, and for their parts.

    records()            any record that `to_payload` takes
    records_of("offer")  one of this kind; a field may be fixed: records_of("accept", exchange=just(id))

What they give is of the right form and means nothing: ids are random, and
signatures are noise.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ledger.encoding import check_text
from ledger.errors import EncodingError
from ledger.limits import (
    MAX_AUTHORITY_KEYS,
    MAX_CODE_CHARACTERS,
    MAX_INDEX,
    MAX_NAME_CHARACTERS,
    MAX_NUMBER,
    MAX_PARTIES,
    MAX_SCALE,
    MAX_TIME,
    MAX_TRANSFERS,
    MIN_PARTIES,
)
from ledger.log import Head
from ledger.records import KINDS, Authority, Mandate, Quantity, Record, Seal, Signed, Transfer

SPOKEN: Final = (
    "Maíz blanco", "Caraotas negras", "Jornada de trabajo", "Consejo La Esperanza", "ñame y ocumo", "kg",
    "saco", "Cine foro: «Araya»", "Αθήνα", "日本", "हिन्दी", "🌽",
)  # fmt: skip
"""What people write, beside what hypothesis thinks of."""

_SAMPLES: Final = st.sampled_from(SPOKEN)
_characters: Final = st.characters(exclude_categories=("Cs", "Cc", "Cn"))


def _is_canonical(text: str) -> bool:
    try:
        check_text(text)
    except EncodingError:
        return False
    return True


def texts(most: int = 60) -> SearchStrategy[str]:
    """Canonical text of at least one character, of any lines."""
    drawn = st.text(_characters | st.just("\n"), min_size=1, max_size=most)
    normal = drawn.map(lambda text: unicodedata.normalize("NFC", text)[:most])
    return _SAMPLES | normal.filter(lambda text: _is_canonical(text))


def lines(most: int = MAX_NAME_CHARACTERS) -> SearchStrategy[str]:
    """Canonical text of one line."""
    return texts(min(most, 40)).filter(lambda text: len(text.splitlines()) == 1 and "\n" not in text)


def hashes() -> SearchStrategy[bytes]:
    """32 bytes."""
    return st.binary(min_size=32, max_size=32)


def hashes_in_order(count: int) -> list[bytes]:
    """So many different values of 32 bytes, always the same, sorted."""
    return [bytes([place]) * 32 for place in range(1, count + 1)]


def times() -> SearchStrategy[int]:
    """Milliseconds since 1970."""
    return st.integers(0, MAX_TIME)


def days() -> SearchStrategy[str]:
    """Dates as records write them."""
    return st.dates().map(lambda day: day.isoformat())


def quantities() -> SearchStrategy[Quantity]:
    """Amounts of some unit, without zeros at the end of the decimals."""

    def shortest(number: int, scale: int, unit: str) -> Quantity:
        while scale and number % 10 == 0:
            number, scale = number // 10, scale - 1
        return Quantity(number, scale, unit)

    return st.builds(
        shortest, st.integers(1, MAX_NUMBER), st.integers(0, MAX_SCALE), lines(MAX_CODE_CHARACTERS)
    )


def heads() -> SearchStrategy[Head]:
    """Heads that nobody signed."""
    extension = st.from_regex(r"\A[!-~]([ -~]{0,20}[!-~])?\Z")
    return st.builds(
        Head,
        hashes(),
        st.integers(1, MAX_INDEX + 1),
        hashes(),
        st.binary(min_size=64, max_size=64),
        _tuples(extension, 0, 2),
    )


def signatures(least: int = 0) -> SearchStrategy[tuple[Signed, ...]]:
    """Keys and signatures that fit nothing."""
    return _tuples(st.builds(Signed, hashes(), st.binary(min_size=64, max_size=64)), least, 3)


def authorities() -> SearchStrategy[Authority]:
    """Some of several keys."""

    def of(keys: list[bytes]) -> SearchStrategy[Authority]:
        return st.builds(Authority, st.just(tuple(sorted(keys))), st.integers(1, len(keys)))

    return st.lists(hashes(), min_size=1, max_size=min(5, MAX_AUTHORITY_KEYS), unique=True).flatmap(of)


def transfers(parties: int) -> SearchStrategy[tuple[Transfer, ...]]:
    """Transfers in which each of so many parties has a part."""

    def of(order: list[int]) -> SearchStrategy[tuple[Transfer, ...]]:
        pairs = list(zip(order, order[1:] + order[:1], strict=True))
        return st.tuples(*(_transfer(giver, receiver) for giver, receiver in pairs))

    rings = st.permutations(range(parties)).flatmap(of)
    gifts = st.tuples(*(_transfer(0, receiver) for receiver in range(1, parties)))
    return rings | gifts


def _transfer(giver: int, receiver: int) -> SearchStrategy[Transfer]:
    optional = {
        "category": lines(MAX_CODE_CHARACTERS), "due": days(), "listing": hashes(), "quantity": quantities(),
    }  # fmt: skip
    required = {"title": lines(), "giver": st.just(giver), "receiver": st.just(receiver)}
    drawn: SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(required, optional=optional)
    return drawn.map(lambda fields: Transfer(**fields))


def _tuples(items: SearchStrategy[Any], least: int, most: int) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(items, min_size=least, max_size=most, unique=True).map(tuple)


def _sorted(items: SearchStrategy[bytes], least: int, most: int) -> SearchStrategy[tuple[bytes, ...]]:
    return st.lists(items, min_size=least, max_size=most, unique=True).map(lambda found: tuple(sorted(found)))


def _seals() -> SearchStrategy[tuple[Seal, ...]]:
    def seal(log: bytes) -> SearchStrategy[Seal]:
        return st.builds(Seal, st.just(log), st.integers(0, MAX_INDEX + 1), hashes())

    return _sorted(hashes(), 1, 3).flatmap(lambda logs: st.tuples(*(seal(log) for log in logs)))


_FIELDS: Final[Mapping[str, Callable[[], SearchStrategy[Any]]]] = {
    "about": texts, "act": texts, "answer_by": times, "at": times, "by": lines, "commune": hashes,
    "condition": lambda: st.sampled_from(["good", "short", "damaged"]), "contact": texts, "council": lines,
    "category": lambda: lines(MAX_CODE_CHARACTERS), "council_id": hashes, "dispute": hashes,
    "exchange": hashes, "images": lambda: _tuples(hashes(), 0, 3), "log": hashes, "name": lines,
    "note": texts, "network": lambda: st.from_regex(r"\A[a-z0-9-]{1,32}\Z"),
    "outcome": lambda: st.sampled_from(["due", "closed"]), "place": lines, "quantity": quantities,
    "reason": texts, "replaces": hashes, "seen": lambda: _tuples(heads(), 0, 2), "signatures": signatures,
    "target": hashes, "title": lines, "transfer": lambda: st.integers(0, MAX_TRANSFERS - 1), "until": days,
    "wants": texts, "within": lines, "within_id": hashes,
}  # fmt: skip

_FIELDS_OF: Final[Mapping[tuple[str, str], Callable[[], SearchStrategy[Any]]]] = {
    ("authority", "authority"): authorities, ("authority", "previous"): lambda: _sorted(hashes(), 1, 3),
    ("charter", "authority"): authorities,
    ("propose", "parties"): lambda: _sorted(hashes(), MIN_PARTIES, MAX_PARTIES),
    ("succession", "authority"): hashes, ("succession", "previous"): _seals,
}  # fmt: skip


def records_of(kind: str, **fixed: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Records of one kind; the fields named are drawn from the strategies given and never left out."""
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for field in msgspec.structs.fields(KINDS[kind]):
        made = _FIELDS_OF.get((kind, field.name)) or _FIELDS.get(field.name)
        if field.name in fixed:
            required[field.name] = fixed[field.name]
        elif made is not None:
            (required if field.required else optional)[field.name] = made()

    struct: Any = KINDS[kind]

    def build(fields: dict[str, Any]) -> SearchStrategy[Any]:
        if kind == "propose" and "transfers" not in fields:
            chosen = transfers(len(fields["parties"]))
            return chosen.map(lambda found: struct(**fields, transfers=found))
        if kind == "accept" and "mandate" not in fields:
            mandate = st.builds(
                Mandate, act=texts(), exchange=st.just(fields["exchange"]), signatures=signatures(1)
            )
            return (st.none() | mandate).map(lambda found: struct(**fields, mandate=found))
        return st.just(struct(**fields))

    drawn = st.fixed_dictionaries(required, optional=optional)
    if kind == "succession":
        drawn = drawn.filter(lambda fields: fields["log"] not in {seal.log for seal in fields["previous"]})
    return drawn.flatmap(build)


def records() -> SearchStrategy[Record]:
    """Records of any kind."""
    return st.sampled_from(sorted(KINDS)).flatmap(records_of)
