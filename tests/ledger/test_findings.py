"""Every kind of finding has a story in which it comes up, at the log and index where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger import encoding
from ledger.evidence import Evidence, build_evidence, encode_evidence, prove_entry
from ledger.limits import MAX_WORDS
from ledger.log import EntryId
from ledger.merkle import extend_range
from ledger.records import (
    Accept,
    Cancel,
    Charter,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Mandate,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Settle,
    Signed,
    Transfer,
    Withdraw,
    mandate_body,
    to_payload,
)
from ledger.sentences import SENTENCES
from tests.support.communes import (
    Writer,
    authority_of,
    found,
    key_of,
    kg,
    recovery_of,
    succeed,
    succession_of,
)
from tests.support.copies import Copy
from tests.support.histories import erased


@dataclass(frozen=True)
class Where:
    """Where a finding has to be: whose log, at which index, and to which if it is a stretch."""

    writer: Writer | None
    index: int | None
    last: int | None = None


Story = Callable[[Copy], Where]
STORIES: dict[str, Story] = {}


def story(code: str) -> Callable[[Story], Story]:
    """A story in which a finding with this code comes up, once."""

    def tell(told: Story) -> Story:
        assert code not in STORIES
        STORIES[code] = told
        return told

    return tell


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "ledger.db")


@pytest.mark.parametrize("code", SENTENCES)
def test_every_finding_comes_up_where_it_belongs(copy: Copy, code: str) -> None:
    where = STORIES[code](copy)
    finding = copy.find(code)
    assert finding.log == (None if where.writer is None else where.writer.log)
    assert (finding.index, finding.last) == (where.index, where.last)
    assert "{" not in finding.sentence
    assert finding.severity is SENTENCES[code].severity


# Somebody has the file in their hands ------------------------------------------------------------


def listed(name: str = "Los Montes", count: int = 11) -> Writer:
    """A commune with so many needs, twelve entries in all."""
    writer = found(name)
    for number in range(count):
        writer.say(Need, category="food-grain", title=f"Maíz, saco {number}")
    return writer


@story("file-damaged")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).erase(montes, 3)
    copy.rewrite_schema("entry", "payload BLOB", "payload BLOB NOT NULL")
    return Where(None, None)


@story("unreadable")
def _(copy: Copy) -> Where:
    montes = listed(count=200)
    copy.take(montes, step=50)
    ((size,),) = copy.ask("PRAGMA page_size")
    data = bytearray(copy.path.read_bytes())
    page = data.index("Maíz, saco 150".encode()) // size * size
    data[page : page + 8] = b"\xff" * 8
    copy.path.write_bytes(data)
    return Where(montes, 100)


@story("stray-rows")
def _(copy: Copy) -> Where:
    copy.take(listed()).tamper("INSERT INTO entry VALUES (?, zeroblob(32), NULL)", 99 << 32)
    return Where(None, None)


@story("branch-broken")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).tamper("UPDATE branch SET root = zeroblob(32)")
    return Where(montes, 11)


@story("entry-altered")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes)
    for index in (4, 5):
        copy.tamper("UPDATE entry SET payload = 'odd' WHERE place = ?", copy.place(montes, index))
    return Where(montes, 4, 5)


@story("leaf-altered")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).tamper("UPDATE entry SET leaf = zeroblob(32) WHERE place = ?", copy.place(montes, 7))
    return Where(montes, 7)


@story("run-altered")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).erase(montes, 4)
    copy.tamper("UPDATE entry SET leaf = zeroblob(32) WHERE place = ?", copy.place(montes, 4))
    return Where(montes, 3, 5)


@story("run-unproven")
def _(copy: Copy) -> Where:
    where = STORIES["run-altered"](copy)
    return Where(where.writer, 6, 11)


@story("entries-missing")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes)
    for index in (6, 7):
        copy.tamper("DELETE FROM entry WHERE place = ?", copy.place(montes, index))
    return Where(montes, 6, 7)


@story("head-missing")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).tamper("DELETE FROM head WHERE size = 12")
    return Where(montes, 9, 11)


@story("heads-sparse")
def _(copy: Copy) -> Where:
    montes = listed(count=1_099)
    copy.take(montes, step=550).tamper("DELETE FROM head WHERE size = 550")
    return Where(montes, 0, 1_099)


@story("head-unsigned")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).tamper("UPDATE head SET signature = zeroblob(64) WHERE size = 6")
    return Where(montes, 5)


@story("head-compact-altered")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).tamper("UPDATE head SET compact = zeroblob(64) WHERE size = 6")
    return Where(montes, 5)


# Contents that are gone, and records that are none -----------------------------------------------


@story("payload-absent")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take_runs([erased(montes.run(), 4, 5, 6)])
    return Where(montes, 4, 6)


@story("payload-erased")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).erase(montes, 4, at=1_900_000_000_000, reason="puts a person in danger")
    assert "on 2030-03-17, with the reason: puts a person in danger" in copy.find("payload-erased").sentence
    return Where(montes, 4)


@story("erasure-undone")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes).erase(montes, 4)
    copy.tamper("UPDATE entry SET payload = ? WHERE place = ?", montes.payloads[4], copy.place(montes, 4))
    return Where(montes, 4)


@story("record-malformed")
def _(copy: Copy) -> Where:
    montes = listed()
    montes.quote(b"\x93no map")
    copy.take(montes)
    return Where(montes, 12)


@story("record-uninterpreted")
def _(copy: Copy) -> Where:
    montes = listed()
    for number in range(2):
        montes.quote(encoding.encode({"kind": "raffle", "number": number}))
    copy.take(montes)
    return Where(montes, 12, 13)


@story("mandate-unsigned")
def _(copy: Copy) -> Where:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    false = Signed(recovery_of("El Valle").public_key, bytes(64))
    mandate = Mandate(act="acta 12", exchange=trade, signatures=(false,))
    valle.say(Accept, exchange=trade, mandate=mandate, seen=[montes])
    copy.take(montes, valle)
    return Where(valle, 1)


# What logs show of each other --------------------------------------------------------------------


@story("seen-unsigned")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    false = msgspec.structs.replace(montes.head, root=bytes(32))
    valle.say(Profile, name="El Valle", seen=[false])
    copy.take(montes, valle)
    return Where(valle, 1)


def forked() -> tuple[Writer, Writer]:
    """A commune whose key two machines hold; they differ from entry 6 on."""
    montes = listed(count=5)
    twin = montes.twin()
    montes.say(Need, category="food-grain", title="Maíz para la escuela")
    twin.say(Offer, category="food-grain", title="Maíz que sobra")
    return montes, twin


def evidence_of(one: Writer, other: Writer, cut: int) -> Evidence:
    """Evidence that two holders of a key signed different entries at an index."""
    before = extend_range(0, (), one.leaves[:cut])
    first, second = (prove_entry(writer.head, cut, before, writer.leaves[cut:]) for writer in (one, other))
    return build_evidence(cut, first, second, one.network)


@story("fork")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    copy.take(montes, twin)
    return Where(montes, 6)


@story("seen-fork")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[twin])
    copy.take(montes, valle)
    assert "El Valle has seen 7 signed entries of Los Montes" in copy.find("seen-fork").sentence
    return Where(montes, 6)


@story("fork-unproven")
def _(copy: Copy) -> Where:
    copy.take(*forked()).tamper("DELETE FROM evidence")
    return Where(forked()[0], 6)


@story("evidence-invalid")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    copy.take(montes, twin)
    (data,) = copy.ask("SELECT data FROM evidence")[0]
    copy.tamper("UPDATE evidence SET data = ?", data[:-1] + bytes([data[-1] ^ 1]))
    return Where(montes, 6)


@story("evidence-unfit")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    third = montes.twin()
    montes.say(Need, category="food-grain", title="y más")
    third.say(Need, category="food-grain", title="o menos")
    copy.take(montes, twin)
    higher = encode_evidence(evidence_of(montes, third, 7))
    copy.tamper("UPDATE evidence SET cut = 7, data = ?", higher)
    return Where(montes, 6)


@story("seen-branch-missing")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    third = twin.twin()
    third.say(Need, category="food-grain", title="lo que nadie más tiene")
    twin.say(Need, category="food-grain", title="otra cosa")
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[third])
    copy.take(montes, twin, valle)
    return Where(montes, 7)


@story("log-starts-late")
def _(copy: Copy) -> Where:
    montes = listed()
    before = extend_range(0, (), montes.leaves[:5])
    copy.take_runs([msgspec.structs.replace(montes.run(5), before=before)])
    return Where(montes, 5)


@story("log-behind")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes])
    copy.take(valle).take_runs([montes.run(0, 5)])
    assert copy.find("log-behind").sentence.startswith("El Valle has seen 12 entries of Los Montes; 5 are")
    return Where(montes, 5)


@story("log-not-held")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    valle.say(Profile, name="El Valle", seen=[montes])
    copy.take(valle)
    return Where(valle, 1)


# Communes ---------------------------------------------------------------------------------------


@story("log-without-commune")
def _(copy: Copy) -> Where:
    nobody = Writer("nobody", key_of("nobody"), CommuneId(bytes(32)), EntryId(bytes(32)), ())
    nobody.say(Need, category="food-grain", title="Maíz")
    copy.take(nobody)
    return Where(nobody, 0)


@story("charter-misplaced")
def _(copy: Copy) -> Where:
    montes = listed()
    authority = authority_of(recovery_of("Los Montes"))
    montes.say(Charter, name="Los Montes otra vez", network=montes.network, authority=authority)
    copy.take(montes)
    return Where(montes, 12)


@story("commune-not-held")
def _(copy: Copy) -> Where:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.commune = valle.commune
    montes.replace_authority(key_of("concejo 1"))
    copy.take(montes)
    return Where(montes, 1)


@story("authority-unsigned")
def _(copy: Copy) -> Where:
    montes = found("Los Montes")
    montes.replace_authority(key_of("concejo 1"), signers=[key_of("a thief")])
    copy.take(montes)
    return Where(montes, 1)


@story("authority-copied")
def _(copy: Copy) -> Where:
    montes, valle = found("Los Montes"), found("El Valle")
    montes.replace_authority(key_of("concejo 1"))
    valle.quote(montes.payloads[1])
    copy.take(montes, valle)
    return Where(valle, 1)


@story("authority-of-nothing")
def _(copy: Copy) -> Where:
    montes = found("Los Montes")
    montes.replace_authority(key_of("concejo 1"), previous=[bytes(32)])
    copy.take(montes)
    return Where(montes, 1)


@story("authority-frozen")
def _(copy: Copy) -> Where:
    montes = found("Los Montes")
    montes.replace_authority(key_of("concejo 1"))
    montes.replace_authority(
        key_of("concejo 2"), previous=[montes.commune], signers=[recovery_of("Los Montes")]
    )
    copy.take(montes)
    return Where(montes, 0)


@story("succession-unsigned")
def _(copy: Copy) -> Where:
    montes = listed()
    thief = succeed(montes, "a thief's laptop", signers=[key_of("a thief")])
    copy.take(montes, thief)
    return Where(thief, 0)


@story("succession-copied")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    newer = succeed(montes, "Los Montes: log 2")
    valle.quote(newer.payloads[0])
    copy.take(montes, newer, valle)
    return Where(valle, 1)


@story("succession-of-another")
def _(copy: Copy) -> Where:
    montes = listed()
    newer = succeed(montes, "Los Montes: log 2", under=bytes(32))
    copy.take(montes, newer)
    return Where(newer, 0)


@story("succession-of-nothing")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    newer = succeed(montes, "Los Montes: log 2", valle)
    copy.take(montes, newer, valle)
    return Where(newer, 0)


@story("succession-authority-replaced")
def _(copy: Copy) -> Where:
    montes = listed()
    stolen = succeed(montes, "the stolen laptop")
    montes.replace_authority(key_of("concejo 1"))
    copy.take(montes, stolen)
    return Where(stolen, 0)


@story("succession-beside-another")
def _(copy: Copy) -> Where:
    montes = listed()
    newer = succeed(montes, "Los Montes: log 2")
    twin = newer.twin(0)
    payload = to_payload(succession_of(montes, newer.log, [montes.seal(5)]))
    twin.quote(payload)
    copy.take(montes, newer, twin)
    other = max(newer, twin, key=lambda writer: writer.id_of(0))
    return Where(other, 0)


@story("successions-contested")
def _(copy: Copy) -> Where:
    montes = listed()
    newer = [succeed(montes, f"laptop {number}") for number in range(2)]
    copy.take(montes, *newer)
    return Where(min(newer, key=lambda writer: writer.log), 0)


@story("seal-not-reached")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(succeed(montes, "Los Montes: log 2")).take_runs([montes.run(0, 8)])
    return Where(montes, 8)


@story("seal-unmatched")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    copy.take(montes, succeed(twin, "Los Montes: log 2"))
    return Where(montes, 6)


@story("past-seal")
def _(copy: Copy) -> Where:
    montes = listed()
    copy.take(montes, succeed(montes, "Los Montes: log 2", montes.seal(10)))
    return Where(montes, 10, 11)


@story("past-seal-witnessed")
def _(copy: Copy) -> Where:
    montes, valle = listed(), found("El Valle")
    newer = succeed(montes, "Los Montes: log 2", montes.seal(8))
    valle.say(Profile, name="El Valle", seen=[montes.head_at(10)])
    copy.take(montes, newer, valle)
    assert copy.find("past-seal").index == 10
    return Where(montes, 8, 9)


@story("past-cut")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    valle = found("El Valle")
    valle.say(Profile, name="El Valle", seen=[twin])
    copy.take(montes, twin, valle)
    return Where(montes, 6)


@story("past-cut-witnessed")
def _(copy: Copy) -> Where:
    montes, twin = forked()
    valle = found("El Valle")
    valle.say(Correct, target=twin.id_of(6), note="con esto contamos")
    copy.take(montes, twin, valle)
    return Where(montes, 6)


# Moves that the rules refuse ---------------------------------------------------------------------


class Barter:
    """Maize of Los Montes for nails of El Valle, agreed unless it is said otherwise."""

    def __init__(self, copy: Copy, *, accepted: bool = True, **fields: Any) -> None:
        self.copy = copy
        self.montes, self.valle, self.costa = found("Los Montes"), found("El Valle"), found("La Costa")
        legs = ((self.montes, self.valle, "maíz", kg(100)), (self.valle, self.montes, "clavos", kg(20)))
        self.trade = self.montes.propose(*legs, **fields)
        if accepted:
            self.valle.say(Accept, exchange=self.trade, seen=[self.montes])

    def told(self, writer: Writer, index: int = -1) -> Where:
        """All of it is taken, and the finding is about one entry of a writer, the newest."""
        self.copy.take(self.montes, self.valle, self.costa)
        return Where(writer, index % writer.size)


@story("move-stranger")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.costa.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100), seen=[barter.montes])
    return barter.told(barter.costa)


@story("move-misdirected")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Settle, dispute=barter.trade, outcome="closed")
    return barter.told(barter.valle)


@story("move-no-such-transfer")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Deliver, exchange=barter.trade, transfer=7, quantity=kg(20))
    return barter.told(barter.valle)


@story("move-not-yours")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100))
    return barter.told(barter.valle)


@story("move-other-unit")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Deliver, exchange=barter.trade, transfer=1, quantity=Quantity(20, 0, "saco"))
    return barter.told(barter.valle)


@story("move-unseen")
def _(copy: Copy) -> Where:
    barter = Barter(copy, accepted=False)
    barter.valle.say(Accept, exchange=barter.trade)
    return barter.told(barter.valle)


@story("move-answered-already")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Decline, exchange=barter.trade)
    return barter.told(barter.valle)


@story("move-withdrawn-already")
def _(copy: Copy) -> Where:
    barter = Barter(copy, accepted=False)
    barter.montes.say(Withdraw, target=barter.trade)
    barter.valle.say(Accept, exchange=barter.trade, seen=[barter.montes])
    return barter.told(barter.valle)


@story("move-nothing-late")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Accept, exchange=barter.trade, seen=[barter.valle])
    return barter.told(barter.montes)


@story("move-agreed-already")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Withdraw, target=barter.trade, seen=[barter.valle])
    return barter.told(barter.montes)


@story("move-crossed")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Withdraw, target=barter.trade)
    return barter.told(barter.montes)


@story("move-not-agreed")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100))
    return barter.told(barter.montes)


@story("move-no-such-dispute")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    early = barter.montes.say(Dispute, exchange=barter.trade)  # it has not seen the acceptance
    barter.valle.say(Settle, dispute=early, outcome="closed")
    return barter.told(barter.valle)


@story("move-no-such-cancel")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    early = barter.montes.say(Cancel, exchange=barter.trade)
    barter.montes.say(Withdraw, target=early, seen=[barter.valle])
    return barter.told(barter.montes)


@story("move-too-many")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    for _ in range(MAX_WORDS + 1):
        barter.valle.say(Accept, exchange=barter.trade)
    return barter.told(barter.valle)


@story("move-cancelled-already")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    cancel = barter.montes.say(Cancel, exchange=barter.trade, seen=[barter.valle])
    barter.valle.say(Cancel, exchange=barter.trade, seen=[barter.montes])
    barter.montes.say(Withdraw, target=cancel, seen=[barter.valle])
    return barter.told(barter.montes)


@story("move-without-exchange")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Accept, exchange=barter.montes.commune)
    return barter.told(barter.valle)


@story("exchange-not-held")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Accept, exchange=bytes(32))
    return barter.told(barter.valle)


@story("proposal-of-stranger")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.costa.propose((barter.montes, barter.valle, "maíz", kg(100)))
    return barter.told(barter.costa)


@story("target-not-own")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    offer = barter.montes.say(Offer, category="food-grain", title="Maíz")
    barter.valle.say(Withdraw, target=offer)
    return barter.told(barter.valle)


# Exchanges --------------------------------------------------------------------------------------


@story("sides-disagree")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100), seen=[barter.valle])
    barter.valle.say(Receive, exchange=barter.trade, transfer=0, quantity=Quantity(805, 1, "kg"))
    where = barter.told(barter.montes, 1)
    assert copy.find("sides-disagree").sentence == (
        "Los Montes says it delivered 100 kg of “maíz” to El Valle, which says it received 80.5 kg: "
        "they should talk it over."
    )
    return where


@story("side-silent")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Receive, exchange=barter.trade, transfer=1, quantity=kg(20), seen=[barter.valle])
    where = barter.told(barter.montes, 1)
    assert "El Valle has said nothing" in copy.find("side-silent").sentence
    return where


@story("over-delivered")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    for side, kind in ((barter.montes, Deliver), (barter.valle, Receive)):
        side.say(kind, exchange=barter.trade, transfer=0, quantity=kg(120), seen=[barter.valle])
    return barter.told(barter.montes, 1)


@story("dispute-open")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.say(Dispute, exchange=barter.trade)
    return barter.told(barter.montes, 1)


@story("exchange-contested")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.montes.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100), seen=[barter.valle])
    barter.valle.say(Receive, exchange=barter.trade, transfer=0, quantity=kg(100))
    restored = succeed(barter.valle, "El Valle: log 2", barter.valle.seal(1))
    copy.take(restored)
    return barter.told(barter.montes, 1)


@story("exchange-newer")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    barter.valle.quote(encoding.encode({"exchange": barter.trade, "kind": "weigh"}))
    return barter.told(barter.montes, 1)


@story("party-not-held")
def _(copy: Copy) -> Where:
    barter = Barter(copy)
    copy.take(barter.montes)
    return Where(barter.montes, 1)


@story("over-committed")
def _(copy: Copy) -> Where:
    montes, valle = found("Los Montes"), found("El Valle")
    offer = montes.say(Offer, category="food-grain", title="Maíz", quantity=kg(150))
    for _ in range(2):
        parties = tuple(sorted((montes.commune, valle.commune)))
        leg = Transfer(
            giver=parties.index(montes.commune), receiver=parties.index(valle.commune), title="Maíz",
            quantity=kg(100), listing=offer,
        )  # fmt: skip
        trade = montes.say(Propose, parties=parties, transfers=(leg,))
        valle.say(Accept, exchange=trade, seen=[montes])
    copy.take(montes, valle)
    assert copy.find("over-committed").sentence == (
        "Los Montes has agreed to 200 kg of “Maíz”, of which it posted 150 kg."
    )
    return Where(montes, 1)


# What is no finding, or another one ---------------------------------------------------------------


def test_a_mandate_that_is_signed_is_no_finding(copy: Copy) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "maíz", kg(100)))
    act = Mandate(act="acta 12", exchange=trade)
    key = recovery_of("El Valle")
    signature = key.sign(mandate_body(act, valle.network))
    mandate = Mandate(act=act.act, exchange=trade, signatures=(Signed(key.public_key, signature),))
    valle.say(Accept, exchange=trade, mandate=mandate, seen=[montes])
    assert copy.take(montes, valle).audit().findings == ()


def test_short_is_a_word_too_where_nothing_was_counted(copy: Copy) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    trade = montes.propose((montes, valle, "una noche de cine", None))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, seen=[valle])
    valle.say(Receive, exchange=trade, transfer=0, condition="short")
    assert copy.take(montes, valle).find("sides-disagree").sentence == (
        "Los Montes says it delivered 1 of “una noche de cine” to El Valle, which says it received 0: "
        "they should talk it over."
    )


def test_what_is_settled_or_cancelled_is_no_longer_told(copy: Copy) -> None:
    barter = Barter(copy)
    barter.montes.say(Deliver, exchange=barter.trade, transfer=0, quantity=kg(100), seen=[barter.valle])
    dispute = barter.valle.say(Dispute, exchange=barter.trade)
    barter.valle.say(Settle, dispute=dispute, outcome="closed")
    barter.montes.say(Settle, dispute=dispute, outcome="closed", seen=[barter.valle])
    barter.told(barter.montes)
    assert copy.audit().findings == ()


def test_a_withdrawal_of_what_cannot_be_withdrawn_is_misdirected(copy: Copy) -> None:
    montes = listed()
    profile = montes.say(Profile, name="Los Montes")
    montes.say(Withdraw, target=profile)
    copy.take(montes)
    finding = copy.find("move-misdirected")
    assert (finding.log, finding.index) == (montes.log, 13)


def test_a_correction_of_ones_own_record_and_of_an_erased_one_is_no_finding(copy: Copy) -> None:
    montes, valle = listed(), found("El Valle")
    montes.say(Correct, target=montes.id_of(3), note="eran dos sacos")
    valle.say(Correct, target=montes.id_of(5), note="eso nos dijeron")
    copy.take(montes, valle).erase(montes, 5)
    assert [finding.code for finding in copy.audit().findings] == ["payload-erased"]


def test_two_witnesses_of_what_nobody_holds_can_show_a_fork(copy: Copy) -> None:
    montes, twin = forked()
    valle, costa = found("El Valle"), found("La Costa")
    valle.say(Profile, name="El Valle", seen=[montes])
    costa.say(Profile, name="La Costa", seen=[twin])
    copy.take_runs([montes.run(0, 4)]).take(valle, costa)
    found_codes = [(finding.code, finding.log, finding.index) for finding in copy.audit().findings]
    assert found_codes == [("seen-fork", montes.log, 6), ("log-behind", montes.log, 4)]


def test_a_fork_is_told_once_however_many_have_seen_it(copy: Copy) -> None:
    montes, twin = forked()
    valle = found("El Valle")
    for _ in range(3):
        valle.say(Profile, name="El Valle", seen=[twin])
    copy.take(montes, valle)
    assert copy.find("seen-fork").index == 6


def test_promises_of_a_listing_without_a_quantity_or_in_another_unit_are_not_compared(copy: Copy) -> None:
    montes, valle = found("Los Montes"), found("El Valle")
    offers = [
        montes.say(Offer, category="food-grain", title="Maíz"),
        montes.say(Offer, category="food-grain", title="Maíz", quantity=Quantity(3, 0, "saco")),
    ]
    for offer in (*offers, montes.commune):
        parties = tuple(sorted((montes.commune, valle.commune)))
        leg = Transfer(
            giver=parties.index(montes.commune), receiver=parties.index(valle.commune), title="Maíz",
            quantity=kg(100), listing=offer,
        )  # fmt: skip
        trade = montes.say(Propose, parties=parties, transfers=(leg,))
        valle.say(Accept, exchange=trade, seen=[montes])
    assert copy.take(montes, valle).audit().findings == ()
