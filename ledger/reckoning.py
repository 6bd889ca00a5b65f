"""Reckoning: what exchanges amount to, and where their sides do not agree.

Decides what is worth telling about exchanges: moves without effect, sides that
contradict each other or are silent, more handed over than agreed, more promised
than posted, disputes and contests that stand open. What the state of an
exchange is, `exchange` has decided. It reads a history on which has been
decided, and no store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from . import standing
from .exchange import Exchange, Leg, Move, State, millionths
from .findings import Amount, Findings
from .held import INDEX_MASK, PLACE_BITS
from .history import History
from .log import EntryId, LogKey
from .names import Names
from .records import Cancel, CommuneId, Deliver, Dispute, Need, Offer, Propose, Receive
from .view import over_commitment

PROGRESS_EXCHANGES: Final = 256
"""exchanges after which progress is told."""

_AGREED: Final = frozenset({State.AGREED, State.FULFILLED, State.CANCELLED, State.CLOSED})
"""States in which something was promised."""

_NAMED: Final = (Dispute, Cancel)
"""Moves that other moves name. A tuple, since all records are asked."""


class Reckoning:
    """The exchanges of a history, folded once, each forgotten when it has been looked at.

    `parties` are those of every exchange that counts; `known` are their ids, and
    those of the disputes and cancels about them.
    """

    def __init__(self, history: History, names: Names, findings: Findings) -> None:
        self._history = history
        self._names = names
        self._findings = findings
        self._drawn: dict[bytes, dict[EntryId, int]] = {}
        self.parties: dict[bytes, tuple[bytes, ...]] = {}
        self.known: set[bytes] = set()

    def check(self, advance: Callable[[int, int], None]) -> None:
        """Fold all exchanges and add what is found; `advance` is told how many of how many."""
        total = len(self._history.places)
        for count, exchange in enumerate(self._history.exchanges(), 1):
            self.parties[exchange.id] = exchange.proposal.parties
            self._look_at(exchange)
            if count % PROGRESS_EXCHANGES == 0:
                advance(count, total)
        self.known.update(self.parties)
        for place, record in self._history.records.items():
            if isinstance(record, _NAMED) and record.exchange in self.parties:
                self.known.add(self._history.entry_id(place))
        self._check_strangers()
        self._check_promises()
        advance(total, total)

    def _look_at(self, exchange: Exchange) -> None:
        if exchange.state in _AGREED:
            for leg in exchange.legs:
                if leg.transfer.listing is not None:
                    drawn = self._drawn.setdefault(leg.transfer.listing, {})
                    drawn[exchange.id] = drawn.get(exchange.id, 0) + leg.agreed
        for number, leg in enumerate(exchange.legs):
            if leg.given != leg.got or leg.given > leg.agreed:
                self._look_at_leg(exchange, number, leg)
        if exchange.quarrels or exchange.refused or exchange.contested or exchange.newer:
            self._look_closer(exchange)
        for party in exchange.proposal.parties:
            if CommuneId(party) not in self._history.communes:
                self._add("party-not-held", exchange, other=self._names.of_commune(party))

    def _look_closer(self, exchange: Exchange) -> None:
        for quarrel in exchange.quarrels:
            if quarrel.outcome is None:
                self._add("dispute-open", exchange, disputant=self._names.of_commune(quarrel.commune))
        if exchange.contested:
            self._add("exchange-contested", exchange)
        if exchange.newer:
            self._add("exchange-newer", exchange)
        places = self._places_about(exchange.id) if exchange.refused else {}
        for refusal in exchange.refused:
            log, index = self._locate(places[refusal.id])
            self._findings.add(f"move-{refusal.code}", log, index, exchange=exchange.id)

    def _look_at_leg(self, exchange: Exchange, number: int, leg: Leg) -> None:
        """One transfer of which the two sides say different things, or too much."""
        unit = None if leg.transfer.quantity is None else leg.transfer.quantity.unit
        giver, receiver = self._names.of_commune(leg.giver), self._names.of_commune(leg.receiver)
        title = leg.transfer.title
        most = max(leg.given, leg.got)
        if most > leg.agreed:
            self._add(
                "over-delivered", exchange, title=title, giver=giver, receiver=receiver,
                amount=Amount(most, unit), agreed=Amount(leg.agreed, unit),
            )  # fmt: skip
        if leg.given == leg.got or leg.closed:
            return
        silent = self._silent(exchange, number, leg)
        if silent is None:
            self._add(
                "sides-disagree", exchange, title=title, giver=giver, receiver=receiver,
                given=Amount(leg.given, unit), got=Amount(leg.got, unit),
            )  # fmt: skip
        else:
            speaker = receiver if silent == leg.giver else giver
            self._add(
                "side-silent", exchange, title=title, speaker=speaker,
                silent=self._names.of_commune(silent), amount=Amount(most, unit),
            )  # fmt: skip

    def _silent(self, exchange: Exchange, number: int, leg: Leg) -> CommuneId | None:
        """The side of a transfer that has said nothing about it, None if both have spoken."""
        if leg.given and leg.got:
            return None
        kind, side = (Receive, leg.receiver) if leg.given else (Deliver, leg.giver)
        for place in self._history.about.get(exchange.id, ()):
            record, state = self._history.records.get(place), self._history.standing(place >> PLACE_BITS)
            if state is None or state.commune != side or not standing.counts(self._history, place):
                continue
            # A short receipt of something without a quantity counts nothing, and is a word nevertheless.
            if isinstance(record, kind) and record.transfer == number:
                return None
        return side

    # Across exchanges ---------------------------------------------------------------------------

    def _check_strangers(self) -> None:
        """Proposals by communes that are no party to them."""
        for entry, places in self._history.places.items():
            if entry in self.parties:
                continue
            for place in places:
                state, record = self._history.standing(place >> PLACE_BITS), self._history.records[place]
                if state is None or not isinstance(record, Propose) or state.commune in record.parties:
                    continue
                if standing.counts(self._history, place):
                    self._findings.add("proposal-of-stranger", *self._locate(place), exchange=entry)

    def _check_promises(self) -> None:
        """Listings of which more was promised than they have."""
        places = self._history.find(self._drawn.keys())
        for entry, drawn in self._drawn.items():
            listing = self._posted(places.get(entry), entry)
            # A listing has this much by any reading; only where more is drawn the exchanges are folded again.
            if listing is None or sum(drawn.values()) <= _has(listing):
                continue
            exchanges = [self._history.exchange(exchange) for exchange in drawn]
            warning = over_commitment(listing, [one for one in exchanges if one is not None])
            if warning is not None:
                record = listing.record
                assert isinstance(record, Offer | Need)
                self._findings.add(
                    "over-committed",
                    *self._locate(listing.place),
                    promised=Amount(warning.promised, warning.unit),
                    quantity=Amount(warning.quantity, warning.unit),
                    title=record.title,
                )

    def _posted(self, place: int | None, entry: bytes) -> Move | None:
        """A listing that counts, as its commune's."""
        record = None if place is None else self._history.records.get(place)
        if place is None or not isinstance(record, Offer | Need) or not standing.counts(self._history, place):
            return None
        state = self._history.standing(place >> PLACE_BITS)
        assert state is not None
        return Move(EntryId(entry), state.commune, (0, 0, b""), record, False, place)

    # Places -------------------------------------------------------------------------------------

    def _add(self, code: str, exchange: Exchange, **fields: str | Amount) -> None:
        """Add a finding about an exchange, where its proposal stands."""
        places = self._history.places[exchange.id]
        place = next((place for place in places if standing.counts(self._history, place)), places[0])
        self._findings.add(code, *self._locate(place), exchange=exchange.id, **fields)

    def _locate(self, place: int) -> tuple[LogKey, int]:
        return self._history.log_of(place >> PLACE_BITS), place & INDEX_MASK

    def _places_about(self, exchange: bytes) -> dict[bytes, int]:
        """Where the records about an exchange stand, by their ids."""
        found: dict[bytes, int] = {}
        waiting = [exchange]
        for name in waiting:
            for place in self._history.about.get(name, ()):
                entry = self._history.entry_id(place)
                if entry not in found and isinstance(self._history.records.get(place), Dispute | Cancel):
                    waiting.append(entry)
                if entry not in found or standing.counts(self._history, place):
                    found[entry] = place
        return found


def _has(listing: Move) -> int:
    """The quantity of a listing in millionths; without one, as much as is asked for."""
    record = listing.record
    assert isinstance(record, Offer | Need)
    return sys.maxsize if record.quantity is None else millionths(record.quantity)
