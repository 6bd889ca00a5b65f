"""Valueflows: listings and exchanges as a graph in the vocabulary of Valueflows 1.0, as JSON-LD.

Decides what in it stands for what (docs/reference/data.md has the table), and
the ids. The graph refers and does not repeat: every node stands in it once. What
is no flow there, such as who answered when, is left to notes or to the other formats.

The context is in every file, whole, and so needs no address: whoever reads one
without a network understands it, and nobody has to keep a server for it. There
is no official context that makes references of these properties.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias
from urllib.parse import quote

import msgspec

from ledger import view, vocabulary
from ledger.errors import NotFound
from ledger.exchange import Exchange, Leg, State
from ledger.limits import MAX_SCALE
from ledger.records import Accept, CommuneId, Correct, Deliver, Offer, Propose, Quantity
from ledger.store.reading import CommuneRow, ListingRow

from .. import language, wording
from ..language import gettext as _
from ..overview import Said
from .chosen import Dealing, Walk

Node: TypeAlias = dict[str, Any]

SCHEME: Final = "trueque"
"""What ids begin with: `trueque:` and an entry's id, or that of the charter for a commune."""

OM2: Final = "http://www.ontology-of-units-of-measure.org/resource/om-2/"
"""The namespace of units."""

SIGN: Final = b'{"@context":{"@version":1.1,"@vocab":"https://w3id.org/valueflows/ont/vf#","om2":'
"""How a file begins, by which it is known."""

_CONTEXT: Final = Path(__file__).with_name("context.json")

_SERVICE_UNITS: Final = frozenset({"time", "occasion"})
"""Kinds of unit in which no goods are counted."""

_SERVICE_GROUPS: Final = frozenset({"work"})
"""Groups of categories that are work for others."""

_NEVER_AGREED: Final = frozenset({State.PROPOSED, State.DECLINED, State.WITHDRAWN, State.REPLACED})


def context() -> Node:
    """The context of the graph: which properties refer, and what type the others have."""
    found: Node = msgspec.json.decode(_CONTEXT.read_bytes())
    return found


def write_graph(walk: Walk, file: BinaryIO) -> int:
    """Write the graph of everything chosen, a node a line; how many nodes it has."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    file.write(b'{"@context":' + encoder.encode(context()) + b',"@graph":[')
    count = 0
    for node in _Graph(walk).nodes():
        file.write((b",\n" if count else b"\n") + encoder.encode(node))
        count += 1
    file.write(b"\n]}\n")
    return count


class _Graph:
    """One graph; what nodes refer to that is no entry is remembered, and given at the end."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self._reader = walk.service.reader
        self._agents: set[bytes] = set()
        self._categories: set[str] = set()
        self._units: set[str] = set()

    def nodes(self) -> Iterator[Node]:
        """Every node, those that are referred to by many last."""
        for row in self._walk.everything():
            if isinstance(row, Dealing):
                yield from (
                    self._proposal(row) if row.exchange.state in _NEVER_AGREED else self._agreement(row)
                )
            else:
                yield from self._listing(row)
        yield from map(self._agent, sorted(self._agents))
        yield from map(_category, sorted(self._categories))
        yield from map(_unit, sorted(self._units))

    # Listings -----------------------------------------------------------------------------------

    def _listing(self, row: ListingRow) -> Iterator[Node]:
        entry, commune, record, ended = row.id, row.commune, row.record, row.ended is not None
        here, is_offer = _iri(entry), isinstance(record, Offer)
        wanted = f"{here}#wanted"
        yield _node(
            here,
            "Proposal",
            name=record.title,
            purpose="offer" if is_offer else "request",
            created=_time(record.at),
            hasEnd=None if record.until is None else _end_of(record.until),
            eligibleLocation=_place(record.place),
            note=self._note(
                entry,
                commune,
                record.note,
                None if record.council is None else _("For {council}.").format(council=record.council),
            ),
            publishes=[f"{here}#intent"],
            reciprocal=None if record.wants is None else [wanted],
        )
        yield self._intent(
            f"{here}#intent",
            commune,
            is_offer,
            name=record.title,
            action=_action(record.category, record.quantity),
            resourceQuantity=self._measure(record.quantity),
            availableQuantity=self._left(row),
            resourceConformsTo=self._kind_of(record.category),
            finished=ended,
            image=None if not record.images else _photo(record.images[0]),
        )
        if record.wants is not None:
            yield self._intent(
                wanted, commune, not is_offer, name=record.wants, action="transfer", finished=ended
            )

    def _left(self, row: ListingRow) -> Node | None:
        """What exchanges have left of an offer; nothing else is available."""
        left = (
            view.left(row, self._reader.drawing_on(row.id, agreed=True))
            if isinstance(row.record, Offer)
            else None
        )
        quantity = row.record.quantity
        if left is None or quantity is None:
            return None
        number = Decimal(wording.decimal(left))
        return {"@type": "Measure", "hasNumericalValue": number, "hasUnit": _unit_iri(quantity.unit)}

    def _intent(self, here: str, commune: CommuneId, gives: bool, **more: Any) -> Node:
        side = {"provider" if gives else "receiver": self._agent_iri(commune)}
        return _node(here, "Intent", **side, **more)

    # Exchanges ----------------------------------------------------------------------------------

    def _proposal(self, dealing: Dealing) -> Iterator[Node]:
        """An exchange that was not agreed: no promise yet, or never one."""
        exchange, here = dealing.exchange, _iri(dealing.exchange.id)
        record = exchange.proposal
        legs = list(enumerate(exchange.legs, 1))
        yield _node(
            here,
            "Proposal",
            name=_name(exchange),
            purpose="offer" if any(leg.giver == exchange.proposer for _n, leg in legs) else "request",
            created=_time(record.at),
            hasEnd=None if record.answer_by is None else _time(record.answer_by),
            note=self._note_of(dealing),
            proposedTo=[
                self._agent_iri(CommuneId(party)) for party in record.parties if party != exchange.proposer
            ],
            publishes=[f"{here}#transfer-{number}" for number, _leg in legs],
        )
        for number, leg in legs:
            yield _node(
                f"{here}#transfer-{number}",
                "Intent",
                name=leg.transfer.title,
                **self._flow(leg),
                due=None if leg.transfer.due is None else _end_of(leg.transfer.due),
                finished=exchange.state is not State.PROPOSED,
            )

    def _agreement(self, dealing: Dealing) -> Iterator[Node]:
        """An exchange that was agreed, with all its transfers, around however many parties."""
        exchange, here = dealing.exchange, _iri(dealing.exchange.id)
        accepted = [
            each.row.record.at
            for each in dealing.said
            if isinstance(each.row.record, Accept) and each.counts and each.refused is None
        ]
        agreed_at = max([exchange.proposal.at, *accepted])
        yield _node(
            here,
            "Agreement",
            name=_name(exchange),
            created=_time(agreed_at),
            note=self._note_of(dealing),
            stipulates=[f"{here}#transfer-{number}" for number in range(1, len(exchange.legs) + 1)],
        )
        for number, leg in enumerate(exchange.legs, 1):
            listing = self._walk.listing(leg.transfer.listing)
            yield _node(
                f"{here}#transfer-{number}",
                "Commitment",
                **self._flow(leg),
                clauseOf=here,
                created=_time(agreed_at),
                due=None if leg.transfer.due is None else _end_of(leg.transfer.due),
                finished=leg.done or leg.closed,
                satisfies=None if listing is None else f"{_iri(listing.id)}#intent",
                note=_joined(leg.transfer.title, self._received(leg)),
            )
        for each in dealing.said:
            if isinstance(each.row.record, Deliver) and each.counts and each.refused is None:
                yield self._event(each, each.row.record, exchange)

    def _event(self, said: Said, record: Deliver, exchange: Exchange) -> Node:
        leg = exchange.legs[record.transfer]
        return _node(
            _iri(said.row.id),
            "EconomicEvent",
            **{**self._flow(leg), "resourceQuantity": self._measure(record.quantity)},
            created=_time(record.at),
            hasPointInTime=_time(record.at),
            fulfills=f"{_iri(exchange.id)}#transfer-{record.transfer + 1}",
            note=self._note(said.row.id, leg.giver, leg.transfer.title, record.note),
        )

    def _flow(self, leg: Leg) -> Node:
        """What an intent, a commitment and an event say alike of who gives whom how much of what."""
        category = leg.transfer.category
        if category is None and (listing := self._walk.listing(leg.transfer.listing)) is not None:
            category = listing.record.category
        return {
            "action": _action(category, leg.transfer.quantity),
            "provider": self._agent_iri(leg.giver),
            "receiver": self._agent_iri(leg.receiver),
            "resourceQuantity": self._measure(leg.transfer.quantity),
            "resourceConformsTo": None if category is None else self._kind_of(category),
        }

    def _received(self, leg: Leg) -> str | None:
        """The receiver's word: an event of its own would count what was delivered twice."""
        if not leg.got:
            return None
        unit = None if leg.transfer.quantity is None else leg.transfer.quantity.unit
        got = str(leg.got) if unit is None else wording.amount(wording.decimal(leg.got), unit)
        told = _("Received, by the word of {name}: {amount}").format(
            name=self._named(leg.receiver), amount=got
        )
        conditions = [
            wording.condition(name)
            for name, holds in (("short", leg.short), ("damaged", leg.damaged))
            if holds
        ]
        return f"{'; '.join([told, *conditions])}."

    # Notes --------------------------------------------------------------------------------------

    def _note_of(self, dealing: Dealing) -> str | None:
        """The note of an exchange, with what explains anything that was said in it and is no event."""
        exchange = dealing.exchange
        explained = [
            told
            for each in dealing.said
            if each.commune is not None and not isinstance(each.row.record, Propose | Deliver)
            for told in self._explanations(each.row.id, each.commune)
        ]
        state = _("State: {state}.").format(state=wording.exchange_state(exchange.state))
        disputed = _("disputed").capitalize() + "." if exchange.disputed else None
        return self._note(exchange.id, exchange.proposer, exchange.proposal.note, state, disputed, *explained)

    def _note(self, entry: bytes, commune: CommuneId, *parts: str | None) -> str | None:
        return _joined(*parts, *self._explanations(entry, commune))

    def _explanations(self, entry: bytes, commune: CommuneId) -> list[str]:
        """What its own commune has put beside an entry, the oldest first."""
        found = [
            (row.record.at, row.id, row.record.note)
            for row in self._reader.records_about(entry)
            if isinstance(row.record, Correct)
            and self._reader.commune_of(row.log) == commune
            and self._reader.weight(row)[0]
        ]
        return [
            _("Explained on {day}: {note}").format(day=_time(at)[:10], note=note)
            for at, _id, note in sorted(found)
        ]

    # What many refer to -------------------------------------------------------------------------

    def _agent_iri(self, commune: CommuneId) -> str:
        self._agents.add(commune)
        return _iri(commune)

    def _named(self, commune: bytes) -> str:
        row = self._known(commune)
        return commune.hex()[:12] if row is None else row.name

    def _known(self, commune: bytes) -> CommuneRow | None:
        try:
            return self._reader.commune(commune)
        except NotFound:
            return None  # a party whose charter is not held

    def _agent(self, commune: bytes) -> Node:
        row = self._known(commune)
        return _node(
            _iri(commune),
            "Organization",
            name=self._named(commune),
            primaryLocation=None if row is None else _place(row.place),
            note=None if row is None else self._note(commune, CommuneId(commune), row.about),
        )

    def _kind_of(self, category: str) -> str:
        self._categories.add(category)
        return _category_iri(category)

    def _measure(self, quantity: Quantity | None) -> Node | None:
        if quantity is None:
            return None
        self._units.add(quantity.unit)
        return {
            "@type": "Measure",
            "hasNumericalValue": _number(quantity.number, quantity.scale),
            "hasUnit": _unit_iri(quantity.unit),
        }


# Values -----------------------------------------------------------------------------------------


def _node(here: str, kind: str, **properties: Any) -> Node:
    """A node with those properties that have a value."""
    return {
        "@id": here,
        "@type": kind,
        **{name: value for name, value in properties.items() if value is not None},
    }


def _iri(entry: bytes) -> str:
    return f"{SCHEME}:{entry.hex()}"


def _category_iri(code: str) -> str:
    return f"{SCHEME}:category/{quote(code, safe='')}"


def _unit_iri(code: str) -> str:
    om2 = _om2(code)
    return f"{SCHEME}:unit/{quote(code, safe='')}" if om2 is None else f"om2:{om2}"


def _om2(code: str) -> str | None:
    unit = vocabulary.units().get(code)
    return None if unit is None else unit.om2


def _category(code: str) -> Node:
    return _node(_category_iri(code), "ResourceSpecification", name=wording.category(code))


def _unit(code: str) -> Node:
    known = vocabulary.units().get(code)
    return _node(
        _unit_iri(code),
        "Unit",
        label=vocabulary.unit_name(code, language.current(), False),
        symbol=None if known is None else known.symbol,
        # What a sack holds is each commune's affair: to others it is one of something.
        omUnitIdentifier=f"{OM2}{_om2(code) or 'one'}",
    )


@cache
def _is_work(category: str | None) -> bool:
    known = None if category is None else vocabulary.categories().get(category)
    return known is not None and known.group in _SERVICE_GROUPS


def _action(category: str | None, quantity: Quantity | None) -> str:
    """Goods change hands, with all rights; work is done for somebody."""
    unit = None if quantity is None else vocabulary.units().get(quantity.unit)
    is_service = _is_work(category) if unit is None else unit.kind in _SERVICE_UNITS
    return "deliverService" if is_service else "transfer"


def _number(number: int, scale: int = MAX_SCALE) -> Decimal | int:
    return number if scale == 0 else Decimal(wording.decimal(number, scale))


def _name(exchange: Exchange) -> str:
    return "; ".join(dict.fromkeys(leg.transfer.title for leg in exchange.legs))


def _joined(*parts: str | None) -> str | None:
    return "\n\n".join(part for part in parts if part) or None


def _place(name: str | None) -> Node | None:
    return None if name is None else {"@type": "SpatialThing", "name": name}


def _photo(digest: bytes) -> str:
    """The name of a photo by its hash (RFC 6920)."""
    return f"ni:///sha-256;{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _time(at: int) -> str:
    """Milliseconds since 1970 as xsd:dateTimeStamp, in UTC."""
    exact = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    return exact.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _end_of(day: str) -> str:
    """The end of a day, which records give without a time zone, in UTC: the same file everywhere."""
    return f"{day}T23:59:59Z"
