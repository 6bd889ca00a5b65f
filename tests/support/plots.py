"""Invented histories: honest trade, forks, backups, seals and vouching, as a random source decides.

For properties that hold of any history. Nobody in here is careful: moves out of
order, heads of any size seen, seals of any branch, records copied from one
branch to another. Hypothesis hands in its own `Random` and can shrink a plot.
"""

from __future__ import annotations

from random import Random

from ledger.log import EntryId
from ledger.records import (
    Accept,
    Cancel,
    Charter,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Offer,
    Propose,
    Receive,
    Seal,
    Settle,
    Withdraw,
    to_payload,
)
from ledger.signing import SigningKey

from .communes import (
    Writer,
    authority_of,
    found,
    history_of,
    key_of,
    kg,
    recovery_of,
    succeed,
    succession_of,
)

NAMES = ("Los Montes", "El Valle", "La Costa")


class Plot:
    """Writers and what they have written, while a history is invented."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.writers: list[Writer] = [found(name) for name in NAMES]
        self.proposals: list[EntryId] = []
        self.others: list[EntryId] = []
        self.keys = 0

    def go_on(self, steps: int) -> list[Writer]:
        """Take so many steps; all writers after them."""
        acts = (
            [self.trade] * 8 + [self.split] * 2 + [self.copy] * 2 + [self.move_on, self.hand_over, self.deny]
        )
        for _ in range(steps):
            self.rng.choice(acts)()
        return self.writers

    def trade(self) -> None:
        """Somebody says something about a trade, having seen some heads."""
        rng, writer = self.rng, self.rng.choice(self.writers)
        seen = tuple(
            {
                other.log: other.head_at(rng.randint(1, other.size))
                for other in rng.sample(self.writers, rng.randint(0, min(3, len(self.writers))))
            }.values()
        )
        if not self.proposals or rng.random() < 0.25:
            partner = rng.choice([other for other in self.writers if other.commune != writer.commune])
            replaces = rng.choice(self.proposals) if self.proposals and rng.random() < 0.2 else None
            legs = ((writer, partner, "maíz", kg(100)), (partner, writer, "clavos", kg(20)))
            entry = writer.propose(*legs[: rng.randint(1, 2)], seen=seen, replaces=replaces)
            self.proposals.append(entry)
            return
        exchange = rng.choice(self.proposals)
        kind = rng.choice(
            (Accept, Accept, Accept, Decline, Deliver, Receive, Dispute, Cancel, Withdraw, Settle, Correct)
        )
        if kind in (Deliver, Receive):
            entry = writer.say(
                kind, seen=seen, exchange=exchange, transfer=0, quantity=kg(rng.choice((50, 100)))
            )
        elif kind is Withdraw:
            entry = writer.say(Withdraw, seen=seen, target=rng.choice([exchange, *self.others]))
        elif kind is Settle:
            target = rng.choice([exchange, *self.others])
            entry = writer.say(Settle, seen=seen, dispute=target, outcome=rng.choice(("due", "closed")))
        elif kind is Correct:
            entry = writer.say(
                Correct, seen=seen, target=rng.choice([exchange, *self.others]), note="así fue"
            )
        else:
            entry = writer.say(kind, seen=seen, exchange=exchange)
        self.others.append(entry)

    def split(self) -> None:
        """A log gets a second holder, of all of it or of an old state."""
        writer = self.rng.choice(self.writers)
        self.writers.append(writer.twin(self.rng.randint(1, writer.size)))

    def copy(self) -> None:
        """Two holders of a log say the same at one index, if it comes to that."""
        writer = self.rng.choice(self.writers)
        longer = [other for other in self.writers if other.log == writer.log and other.size > writer.size]
        if longer:
            writer.quote(self.rng.choice(longer).payloads[writer.size])

    def move_on(self) -> None:
        """A commune opens a new log that continues some of its logs, up to any size."""
        former = self.rng.choice(self.writers)
        own = [other for other in self.writers if other.commune == former.commune]
        previous = {
            other.log: other.seal(self.rng.randint(0, other.size))
            for other in self.rng.sample(own, self.rng.randint(1, min(3, len(own))))
        }
        self.keys += 1
        self.writers.append(succeed(former, f"{former.name}: log {self.keys + 1}", *previous.values()))

    def hand_over(self) -> None:
        """A commune's authority is replaced, perhaps one that was replaced already, perhaps by nobody."""
        writer = self.rng.choice(self.writers)
        self.keys += 1
        council, kind = key_of(f"council {self.keys}"), self.rng.random()
        if kind < 0.3:
            writer.replace_authority(council, previous=[writer.commune], signers=[recovery_of(writer.name)])
        elif kind < 0.4:
            writer.replace_authority(council, signers=[writer.key])
        else:
            writer.replace_authority(council)

    def deny(self) -> None:
        """The holder of a key writes its log anew from entry 0: as another commune, or as none."""
        writer = self.rng.choice(self.writers)
        if self.rng.random() < 0.5:
            return
        other = writer.twin(0)
        other.say(Offer, title="maíz", category="food.cereals")
        self.writers.append(other)


def invent(rng: Random, steps: int) -> list[Writer]:
    """The writers of an invented history."""
    return Plot(rng).go_on(steps)


class Debtor:
    """A commune that owes a hundred kilos of maize, and does whatever it can not to.

    It has all its own keys, those of its authority too, and a second commune
    that says what it is told. Its partner delivered, having seen what was
    agreed, and is honest.
    """

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.keys = 0
        montes, self.partner, self.accomplice = found("Los Montes"), found("El Valle"), found("La Fachada")
        self.own = [montes]
        self.authorities = [(montes.authority, montes.signers)]
        montes = self._trade_a_while(montes)
        legs = ((montes, self.partner, "maíz", kg(100)), (self.partner, montes, "clavos", kg(20)))
        if rng.random() < 0.5:
            self.debt = montes.propose(*legs)
            self.partner.say(Accept, exchange=self.debt, seen=[montes])
        else:
            self.debt = self.partner.propose(*legs)
            if rng.random() < 0.5:
                montes.say(Offer, title="yuca", category="cassava", seen=[self.partner])
            if rng.random() < 0.5:
                montes = self._succeed(montes, montes)
            montes.say(Accept, exchange=self.debt)
            if not self._is_accepted():
                montes.say(Accept, exchange=self.debt, seen=[self.partner])
        self.partner.say(Deliver, exchange=self.debt, transfer=1, quantity=kg(20), seen=[montes])

    @property
    def everybody(self) -> list[Writer]:
        """All writers, liars included."""
        return [*self.own, self.partner, self.accomplice]

    def act(self) -> None:
        """Try something."""
        tricks = (
            [self._say_no] * 6
            + [self._fork, self._open_a_log] * 4
            + [self._hand_over] * 2
            + [self._begin_anew, self._copy, self._have_it_vouched_for, self._have_it_vouched_for]
        )
        self.rng.choice(tricks)()

    def _trade_a_while(self, writer: Writer) -> Writer:
        for _ in range(self.rng.randint(0, 2)):
            self.own[-1].say(Offer, title="maíz", category="maize")
        if self.rng.random() < 0.6:
            writer = self._succeed(writer, writer)
            if self.rng.random() < 0.5:
                self._replace(writer, self.authorities[:1])
        return writer

    def _is_accepted(self) -> bool:
        folded = history_of(*self.own, self.partner).exchange(self.debt)
        return folded is not None and bool(folded.answers)

    def _succeed(
        self,
        former: Writer,
        *previous: Writer | Seal,
        under: tuple[EntryId, tuple[SigningKey, ...]] | None = None,
    ) -> Writer:
        self.keys += 1
        authority, signers = under or (former.authority, former.signers)
        opened = succeed(former, f"debtor's key {self.keys}", *previous, under=authority, signers=signers)
        self.own.append(opened)
        return opened

    def _replace(self, writer: Writer, replaced: list[tuple[EntryId, tuple[SigningKey, ...]]]) -> None:
        self.keys += 1
        writer.replace_authority(
            key_of(f"debtor's authority {self.keys}"),
            previous=[entry for entry, _ in replaced],
            signers=[key for _, signers in replaced for key in signers],
        )
        self.authorities.append((writer.authority, writer.signers))

    def _seals(self, most: int) -> list[Seal]:
        some = self.rng.sample(self.own, min(len(self.own), self.rng.randint(1, most)))
        return list({writer.log: writer.seal(self.rng.randint(0, writer.size)) for writer in some}.values())

    def _fork(self) -> None:
        writer = self.rng.choice(self.own)
        self.own.append(writer.twin(self.rng.randint(1, writer.size)))

    def _open_a_log(self) -> None:
        self._succeed(self.rng.choice(self.own), *self._seals(3), under=self.rng.choice(self.authorities))

    def _hand_over(self) -> None:
        known = self.authorities
        self._replace(
            self.rng.choice(self.own), self.rng.sample(known, min(len(known), self.rng.choice((1, 1, 2))))
        )

    def _begin_anew(self) -> None:
        """Another entry 0 under one of its keys: a charter, another succession, or anything."""
        writer = self.rng.choice(self.own).twin(0)
        seals = [seal for seal in self._seals(2) if seal.log != writer.log]
        kind = self.rng.random()
        if kind < 0.4:
            writer.say(Charter, name="Otra", network=writer.network, authority=authority_of(*writer.signers))
        elif kind < 0.8 and seals:
            authority, signers = self.rng.choice(self.authorities)
            opening = succession_of(writer, writer.log, seals, under=authority, signers=signers)
            writer.quote(to_payload(opening))
        else:
            writer.say(Offer, title="nada", category="maize")
        self.own.append(writer)

    def _say_no(self) -> None:
        rng, writer = self.rng, self.rng.choice(self.own)
        known = rng.sample([*self.own, self.partner], rng.randint(0, 2))
        seen = list({other.log: other for other in known}.values())
        kind = rng.choice((Decline, Decline, Withdraw, Propose, Cancel, Accept, Deliver, Receive, Dispute))
        if kind is Propose:
            writer.propose((writer, self.partner, "maíz", kg(1)), seen=seen, replaces=self.debt)
        elif kind is Withdraw:
            writer.say(Withdraw, target=self.debt, seen=seen)
        elif kind in (Deliver, Receive):
            writer.say(kind, exchange=self.debt, transfer=rng.randint(0, 1), quantity=kg(20), seen=seen)
        else:
            writer.say(kind, exchange=self.debt, seen=seen)

    def _copy(self) -> None:
        writer = self.rng.choice(self.own)
        longer = [other for other in self.own if other.log == writer.log and other.size > writer.size]
        if longer:
            writer.quote(self.rng.choice(longer).payloads[writer.size])

    def _have_it_vouched_for(self) -> None:
        writer = self.rng.choice(self.own)
        if self.rng.random() < 0.5:
            target = writer.id_of(self.rng.randrange(writer.size))
            self.accomplice.say(Correct, target=target, note="damos fe")
        else:
            seen = [writer.head_at(self.rng.randint(1, writer.size))]
            self.accomplice.say(Correct, target=self.debt, note="damos fe", seen=seen)
