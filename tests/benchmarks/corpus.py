"""A pinned corpus of entries for benchmarks: one commune's log, and those of its partners.

    made = corpus(entries=100_000, seed=1)
    made.partner_runs        # what is loaded before: the logs of 20 partners
    made.main_runs           # `entries` entries in runs of at most 1,024

Half of the main log are offers and needs, half are steps of barters, about 300
bytes each. Of every barter the main log has three steps (it proposes in one
half and accepts in the other, delivers, receives) and the partner's log has the
other three. Everybody writes in rounds, as neighbours do who meet now and then:
a partner signs heads over 1 to 64 entries, and a record carries the smallest
such head that covers what it answers, unless its log has carried one that does.
Every exchange ends fulfilled. The same arguments give the same bytes for ever;
a test pins a small one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from ledger.limits import MAX_RUN_ENTRIES
from ledger.log import EntryId, Head, LogKey, LogState, Run, entry_id, sign_run
from ledger.records import (
    Accept,
    Authority,
    Charter,
    CommuneId,
    Deliver,
    Need,
    Offer,
    Propose,
    Quantity,
    Receive,
    Transfer,
    to_payload,
)
from ledger.signing import SigningKey

NETWORK: Final = "ensayo"
PARTNERS: Final = 20
PARTNER_RUN_ENTRIES: Final = 64
MAIN_STEPS: Final = 3
"""steps of each exchange that stand in the main log; the partner's has as many."""

_GOODS: Final = (
    ("maíz blanco", "food-grain", "kg"), ("caraotas negras", "food-legumes", "kg"),
    ("ñame", "food-tubers", "saco"), ("auyama", "food-vegetables", "kg"),
    ("plátano hartón", "food-plantain", "kg"), ("aguacate", "food-fruit", "cesta"),
    ("café tostado y molido", "food-coffee-cocoa", "kg"), ("papelón", "food-sugar-honey", "piece"),
    ("huevos criollos", "food-eggs", "dozen"), ("queso llanero", "food-dairy", "kg"),
    ("sardina salada", "food-fish", "kg"), ("harina de yuca", "food-flour-bread", "kg"),
    ("semilla de ají dulce", "seeds", "packet"), ("compost de lombriz", "compost", "saco"),
    ("bloques de adobe", "building-materials", "piece"), ("tablones de pardillo", "wood", "piece"),
    ("jabón azul", "hygiene", "piece"), ("cuadernos reciclados", "school-supplies", "piece"),
    ("jornada de arado con bueyes", "farm-work", "jornada"), ("flete en camión", "transport-goods", "trip"),
)  # fmt: skip
_PLACES: Final = ("el galpón", "la casa comunal", "la escuela", "el centro de acopio", "el molino")
_COUNCILS: Final = ("El Rincón", "La Esperanza", "Brisas del Río", "Campo Alegre", "Las Acacias")
_ROLES: Final = ("vocería de alimentación", "secretaría", "vocería de producción", "acopio")
_DETAILS: Final = (
    "cosecha de esta semana, seleccionada y sin humedad",
    "hay que traer los sacos o devolver los que se presten",
    "se entrega los sábados por la mañana, avisando antes",
    "queda guardado bajo techo mientras pasan las lluvias",
    "la asamblea pidió dejar primero lo de la escuela",
    "se pesó delante de las dos vocerías y quedó anotado",
    "por el camino de la quebrada, que el puente sigue dañado",
    "lo lleva el camión de la comuna si consigue gasoil",
)
_NAMES: Final = (
    "Los Montes", "El Valle", "Río Claro", "La Ceiba", "Tierra Buena", "El Samán", "Las Palmas", "Agua Viva",
    "Cumbre Alta", "El Trapiche", "Los Naranjos", "La Unión", "Monte Verde", "San Isidro", "El Cañaveral",
    "Puerto Escondido", "La Candelaria", "Sabana Larga", "El Algarrobo", "Piedra Pintada", "Dos Caminos",
)  # fmt: skip


@dataclass(frozen=True)
class Corpus:
    """The runs of all logs, each log's in order; partners' exchanges are with the main log only."""

    main_runs: list[Run]
    partner_runs: list[Run]
    network: str


@dataclass
class _Writer:
    """One log: what it has written since its last head, and what it has seen of others."""

    key: SigningKey
    rng: Random
    state: LogState = field(init=False)
    commune: CommuneId = field(init=False)
    runs: list[Run] = field(default_factory=list)
    heads: list[Head] = field(default_factory=list)
    waiting: list[bytes] = field(default_factory=list)
    seen: dict[bytes, int] = field(default_factory=dict)
    at: int = 1_893_456_000_000

    def __post_init__(self) -> None:
        self.state = LogState(LogKey(self.key.public_key))

    @property
    def size(self) -> int:
        return self.state.size + len(self.waiting)

    def say(self, kind: type[Any], *seen: Head, **fields: Any) -> EntryId:
        self.at += self.rng.randrange(20_000, 400_000)
        payload = to_payload(kind(at=self.at, seen=seen, **fields))
        entry = entry_id(self.state.log, self.size, payload)
        self.waiting.append(payload)
        return entry

    def having_seen(self, other: _Writer, index: int) -> tuple[Head, ...]:
        """The head that a record has to carry to cover an entry of another log; none if one was carried."""
        if self.seen.get(other.state.log, 0) > index:
            return ()
        head = other.heads[bisect_right(other.heads, index, key=lambda head: head.size)]
        self.seen[other.state.log] = head.size
        return (head,)

    def sign(self, most: int) -> None:
        """Sign the next run, of at most `most` entries."""
        run, extension = sign_run(self.state, self.waiting[:most], self.key, NETWORK)
        self.state = extension.state
        self.runs.append(run)
        self.heads.append(run.head)
        del self.waiting[:most]


def corpus(entries: int = 100_000, seed: int = 1) -> Corpus:
    """The corpus of `entries` entries in the main log; at least 100."""
    return _Making(entries, Random(seed)).corpus()


_Deal: TypeAlias = Generator[_Writer, None, None]
"""A barter that goes on whenever it is asked for its next step."""


class _Making:
    def __init__(self, entries: int, rng: Random) -> None:
        self.rng = rng
        self.deals_left = (entries - 1) // (2 * MAIN_STEPS)
        self.listings_left = entries - 1 - MAIN_STEPS * self.deals_left
        self.main = self._found(0)
        self.partners = [self._found(number) for number in range(1, PARTNERS + 1)]
        self.offers: deque[Transfer] = deque()
        """what the main log has offered and nobody has asked for, as it would stand in a proposal"""
        self.for_main: deque[_Deal] = deque()
        self.for_partners: deque[_Deal] = deque()

    def corpus(self) -> Corpus:
        while self.deals_left or self.listings_left or self.for_main or self.for_partners:
            self._main_round()
            self._partners_round()
        runs = [run for partner in self.partners for run in partner.runs]
        return Corpus(self.main.runs, runs, NETWORK)

    def _found(self, number: int) -> _Writer:
        seeds = [sha256(f"{self.rng.random()} {number} {what}".encode()).digest() for what in ("log", "hand")]
        writer = _Writer(SigningKey(seeds[0]), Random(self.rng.random()))
        authority = Authority(keys=(SigningKey(seeds[1]).public_key,), threshold=1)
        charter = writer.say(Charter, name=_NAMES[number], network=NETWORK, authority=authority)
        writer.commune = CommuneId(charter)
        if number:
            writer.sign(1)
        return writer

    # Rounds -------------------------------------------------------------------------------------

    def _main_round(self) -> None:
        """One run of the main log: listings and steps by turns while both are left."""
        while len(self.main.waiting) < MAX_RUN_ENTRIES:
            listing = self.listings_left and (len(self.main.waiting) % 2 or not self._can_step())
            if listing:
                self.listings_left -= 1
                self._list()
            elif self._can_step():
                self._step()
            else:
                break
        if self.main.waiting:
            self.main.sign(MAX_RUN_ENTRIES)

    def _can_step(self) -> bool:
        return bool(self.for_main or self.deals_left)

    def _step(self) -> None:
        """One step of the main log. One in six opens a deal, and then a partner opens one as well."""
        if self.for_main and (not self.deals_left or self.rng.randrange(2 * MAIN_STEPS)):
            self._go_on(self.for_main.popleft())
            return
        for by_main in (True, False):
            if self.deals_left:
                self.deals_left -= 1
                self._go_on(self._barter(self.rng.choice(self.partners), by_main=by_main))
        self._go_on(self.for_main.popleft())

    def _partners_round(self) -> None:
        while self.for_partners:
            self._go_on(self.for_partners.popleft())
        for partner in self.partners:
            while partner.waiting:
                partner.sign(self.rng.choice((1, 1, 2, 4, 8, 16, 32, PARTNER_RUN_ENTRIES)))

    def _go_on(self, deal: _Deal) -> None:
        """Have the next step of a deal made, and put it where the one after that is waited for."""
        turn = next(deal, None)
        if turn is not None:
            (self.for_main if turn is self.main else self.for_partners).append(deal)

    # What is written ----------------------------------------------------------------------------

    def _list(self) -> None:
        """An offer or a need of the main log."""
        rng = self.rng
        good, category, unit = rng.choice(_GOODS)
        offered = rng.randrange(2) == 0
        quantity = _quantity(rng, unit)
        fields: dict[str, Any] = {
            "by": rng.choice(_ROLES),
            "category": category,
            "council": rng.choice(_COUNCILS),
            "note": self._note(2),
            "place": rng.choice(_PLACES),
            "quantity": quantity,
            "title": f"{'Sobra' if offered else 'Hace falta'} {good} en {rng.choice(_COUNCILS)}",
            "until": f"20{rng.randrange(30, 33)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        }
        if rng.randrange(3) == 0:
            fields["wants"] = f"{rng.choice(_GOODS)[0]}, o lo que la asamblea de ustedes vea justo"
        entry = self.main.say(Offer if offered else Need, **fields)
        if offered:
            self.offers.append(
                Transfer(giver=0, receiver=1, title=good, category=category, quantity=quantity, listing=entry)
            )

    def _barter(self, partner: _Writer, *, by_main: bool) -> _Deal:
        """A barter from proposal to fulfilment; yields whose step comes next, before each."""
        main, rng = self.main, self.rng
        proposer, answerer = (main, partner) if by_main else (partner, main)
        yield proposer
        parties = tuple(sorted((main.commune, partner.commune)))
        ours, theirs = parties.index(main.commune), parties.index(partner.commune)
        good, category, unit = rng.choice(_GOODS)
        back = Transfer(
            giver=theirs, receiver=ours, title=good, category=category, quantity=_quantity(rng, unit)
        )
        if self.offers:
            given = msgspec.structs.replace(self.offers.popleft(), giver=ours, receiver=theirs)
        else:
            good, category, unit = rng.choice(_GOODS)
            given = Transfer(
                giver=ours, receiver=theirs, title=good, category=category, quantity=_quantity(rng, unit)
            )
        opened = proposer.size
        trade = proposer.say(Propose, parties=parties, transfers=(given, back))

        yield answerer
        answered = answerer.size
        answerer.say(
            Accept, *answerer.having_seen(proposer, opened), exchange=trade,
            note=self._note(2), by=rng.choice(_ROLES),
        )  # fmt: skip
        legs = {id(main): (0, given.quantity, 1, back.quantity)}
        legs[id(partner)] = (1, back.quantity, 0, given.quantity)
        for side, other in ((answerer, proposer), (proposer, answerer)):
            transfer, amount, _, _ = legs[id(side)]
            yield side
            seen = () if side is answerer else side.having_seen(other, answered)
            side.say(
                Deliver, *seen, exchange=trade, transfer=transfer, quantity=amount,
                note=self._note(2), by=rng.choice(_ROLES),
            )  # fmt: skip
        for side in (proposer, answerer):
            _, _, coming, due = legs[id(side)]
            yield side
            side.say(
                Receive, exchange=trade, transfer=coming, quantity=due,
                note=self._note(2), by=rng.choice(_ROLES),
            )  # fmt: skip

    def _note(self, sentences: int) -> str:
        return "; ".join(self.rng.sample(_DETAILS, sentences)).capitalize() + "."


def _quantity(rng: Random, unit: str) -> Quantity:
    """An amount as people round it; kilograms may have a half."""
    if unit == "kg" and rng.randrange(4) == 0:
        return Quantity(10 * rng.randrange(1, 60) + 5, 1, unit)
    return Quantity(rng.randrange(1, 40) * (5 if unit == "kg" else 1), 0, unit)
