"""Findings: what an audit has to say, each with a code, a place and a sentence.

Decides what a finding holds, in what order findings stand, and their plain
form for JSON. Which kinds there are, how grave and in which words is
`sentences`'; who finds them are `integrity` and `conduct`. Translating is left
to whoever shows a finding, hence a template and the values of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple, TypeAlias

from .limits import MAX_SCALE
from .log import EntryId, LogKey
from .records import CommuneId
from .sentences import SENTENCES, Severity

GRAVITY: Final[Mapping[Severity, int]] = {severity: place for place, severity in enumerate(Severity)}
"""The order in which findings stand: the gravest first."""


class Amount(NamedTuple):
    """`number` millionths of `unit`; without a unit, so many times."""

    number: int
    unit: str | None

    @property
    def decimal(self) -> str:
        """The number with a point and without trailing zeros."""
        whole, rest = divmod(abs(self.number), 1 if self.unit is None else 10**MAX_SCALE)
        sign = "-" if self.number < 0 else ""
        fraction = f"{rest:0{MAX_SCALE}}".rstrip("0")
        return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"

    def __str__(self) -> str:
        return self.decimal if self.unit is None else f"{self.decimal} {self.unit}"


Field: TypeAlias = str | int | bytes | Amount
"""A value of a sentence; bytes are an id and are shown by their first digits."""

SHORT_ID_BYTES: Final = 6
"""bytes of an id that a sentence shows, as 12 hex digits; `trueque log` accepts them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: what, where, about whom, and the values of its sentence.

    `log` and `index` locate it; `last` is the last index where it is about a
    stretch. `commune` is whose log that is, `exchange` the exchange concerned.
    """

    code: str
    log: LogKey | None
    index: int | None
    last: int | None
    commune: CommuneId | None
    exchange: EntryId | None
    fields: Mapping[str, Field]

    @property
    def severity(self) -> Severity:
        """How grave it is; a code is always equally grave."""
        return SENTENCES[self.code].severity

    @property
    def template(self) -> str:
        """The sentence in English, with the names of `fields` in braces; translators know it by this text."""
        known = SENTENCES[self.code]
        return known.one if self.last is None or known.many is None else known.many

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.template.format_map(
            {name: shown(value) for name, value in self.fields.items()},
        )

    def to_plain(self) -> dict[str, object]:
        """The finding as JSON holds it: ids in hex, amounts as a decimal string and a unit."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "log": _hex(self.log),
            "index": self.index,
            "last": self.last,
            "commune": _hex(self.commune),
            "exchange": _hex(self.exchange),
            "sentence": self.sentence,
            "fields": {name: _plain(value) for name, value in self.fields.items()},
        }


def shown(value: Field) -> str:
    """A value as a sentence shows it in English."""
    return value[:SHORT_ID_BYTES].hex() if isinstance(value, bytes) else str(value)


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _plain(value: Field) -> object:
    if isinstance(value, bytes):
        return value.hex()
    return {"number": value.decimal, "unit": value.unit} if isinstance(value, Amount) else value


class Findings:
    """Collects findings while an audit goes on; whose each is, `finished` puts in."""

    def __init__(self) -> None:
        self._found: list[Finding] = []

    def add(
        self,
        code: str,
        log: bytes | None = None,
        index: int | None = None,
        last: int | None = None,
        /,
        *,
        exchange: bytes | None = None,
        **fields: Field,
    ) -> None:
        """Add a finding; about entries `index` to `last` if there are several."""
        assert code in SENTENCES
        self._found.append(
            Finding(
                code,
                None if log is None else LogKey(log),
                index,
                last if last != index else None,
                None,
                None if exchange is None else EntryId(exchange),
                fields,
            )
        )

    def add_each(self, code: str, log: bytes, indexes: Iterable[int]) -> None:
        """Add a finding about entries of a log, one for each stretch of those that follow each other."""
        for first, last in stretches(indexes):
            self.add(code, log, first, last)

    def finished(
        self, commune_of: Callable[[LogKey], CommuneId | None], name_of: Callable[[LogKey], str]
    ) -> list[Finding]:
        """All findings, each with the commune that it is about and with the fields that all can have.

        `name` is whose log it is, a question mark if it is none; `index`, or
        `first` and `last`, say where.
        """
        finished = []
        for found in self._found:
            fields: dict[str, Field] = {"name": "?" if found.log is None else name_of(found.log)}
            if found.index is not None:
                fields |= {"index": found.index, "first": found.index}
            if found.last is not None:
                fields["last"] = found.last
            commune = None if found.log is None else commune_of(found.log)
            finished.append(replace(found, commune=commune, fields={**fields, **found.fields}))
        return finished


def stretches(indexes: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Ascending indexes as stretches of those that follow each other: first and last of each."""
    first = last = None
    for index in indexes:
        if first is None or last is None or index != last + 1:
            if first is not None and last is not None:
                yield first, last
            first = index
        last = index
    if first is not None and last is not None:
        yield first, last


@dataclass(slots=True)
class Tally:
    """What was looked at in one log; `erased` entries have no content, `signatures` were verified."""

    entries: int = 0
    heads: int = 0
    signatures: int = 0
    erased: int = 0


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as they are shown: the gravest first, then by log, index and code."""
    return tuple(
        sorted(
            findings,
            key=lambda found: (
                GRAVITY[found.severity],
                found.log or b"",
                -1 if found.index is None else found.index,
                found.code,
                found.exchange or b"",
            ),
        )
    )
