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
    Correct,
    Decline,
    Deliver,
    Dispute,
    Offer,
    Receive,
    Settle,
    Withdraw,
)

from .communes import Writer, found, key_of, kg, recovery_of, succeed

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
        """A commune's authority is replaced, perhaps one that was replaced already."""
        writer = self.rng.choice(self.writers)
        self.keys += 1
        if self.rng.random() < 0.3:
            recovery = [recovery_of(writer.name)]
            writer.replace_authority(
                key_of(f"council {self.keys}"), previous=[writer.commune], signers=recovery
            )
        else:
            writer.replace_authority(key_of(f"council {self.keys}"))

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
