"""One story in which every kind of record is written, with every field that it can have.

All keys come from fixed seeds and all times from a counter, so that the payloads
are always the same bytes: tests change them in one place, and the vectors in
tests/vectors/records.json are made of them. The order of the entries follows
what they refer to; whether each move is allowed is not what this story is for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec

from ledger import merkle
from ledger.log import EntryId, Head, entry_id, head_body
from ledger.records import (
    KINDS,
    Accept,
    Authority,
    AuthorityChange,
    Cancel,
    Charter,
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
    Recognise,
    Record,
    Seal,
    Settle,
    Signed,
    Succession,
    Transfer,
    Unrecognise,
    Withdraw,
    mandate_body,
    signed_body,
    to_payload,
)
from ledger.signing import SigningKey

NETWORK = "ensayo"
START = 1_767_225_600_000
"""milliseconds since 1970; the first of January 2026 in UTC, one entry a minute from then on."""

SEEDS = {
    "valle": bytes(range(32)),
    "montes": bytes(range(32, 64)),
    "valle-laptop": bytes(range(64, 96)),
    "paper": bytes(range(96, 128)),
    "council-1": bytes(range(128, 160)),
    "council-2": bytes(range(160, 192)),
}
"""The seeds of all keys: three logs, then those that speak for the commune of the first."""

KEYS = {name: SigningKey(seed) for name, seed in SEEDS.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """An entry of the story: which log it stands in and where, its record and its payload."""

    log: bytes
    index: int
    record: Record
    payload: bytes
    id: EntryId


@dataclass
class _Log:
    """A log that grows as the story is told."""

    key: SigningKey
    told: list[Told]
    leaves: list[bytes] = field(default_factory=list)

    def say(self, kind: type[Any], **fields: Any) -> EntryId:
        record = kind(at=START + 60_000 * len(self.told), **fields)
        payload = to_payload(record)
        entry = entry_id(self.key.public_key, len(self.leaves), payload)
        self.told.append(Told(self.key.public_key, len(self.leaves), record, payload, entry))
        self.leaves.append(entry)
        return entry

    def say_signed(self, kind: type[Any], *signers: str, **fields: Any) -> EntryId:
        bare = kind(at=START + 60_000 * len(self.told), **fields)
        body = signed_body(to_payload(bare), NETWORK)
        return self.say(kind, signatures=_signatures(body, signers), **fields)

    @property
    def head(self) -> Head:
        log, size, root = self.key.public_key, len(self.leaves), merkle.root(self.leaves)
        return Head(log, size, root, self.key.sign(head_body(log, size, root, NETWORK)))

    @property
    def seal(self) -> Seal:
        return Seal(self.key.public_key, len(self.leaves), merkle.root(self.leaves))


def kg(number: int) -> Quantity:
    """So many kilograms."""
    return Quantity(number, 0, "kg")


def _signatures(body: bytes, signers: tuple[str, ...]) -> tuple[Signed, ...]:
    return tuple(Signed(KEYS[name].public_key, KEYS[name].sign(body)) for name in signers)


def _authority(threshold: int, *names: str) -> Authority:
    return Authority(tuple(sorted(KEYS[name].public_key for name in names)), threshold)


@cache
def story() -> tuple[Told, ...]:
    """All entries, in the order in which they were written."""
    told: list[Told] = []
    valle = _Log(KEYS["valle"], told)
    montes = _Log(KEYS["montes"], told)
    city = EntryId(sha256(b"Ciudad Comunal").digest())
    council = EntryId(sha256(b"Consejo La Esperanza").digest())
    photo = sha256(b"a photo").digest()

    montes_id = montes.say(
        Charter, authority=_authority(1, "council-2"), name="Comuna Los Montes", network=NETWORK
    )
    valle_id = valle.say(
        Charter,
        about="Valles y laderas al sur del río.\nOnce consejos comunales y una radio.",
        authority=_authority(1, "paper"),
        by="Vocería",
        name="Comuna El Valle",
        network=NETWORK,
        place="Lara",
        seen=(montes.head,),
        within="Ciudad Comunal Río Arriba",
        within_id=city,
    )
    seen = {"by": "Secretaría", "seen": (montes.head,)}
    valle.say(
        Profile, about="Radio los sábados.", contact="Casa comunal, lunes a viernes", name="Comuna El Valle",
        place="Lara, al sur", **seen,
    )  # fmt: skip
    valle.say(Recognise, commune=montes_id, note="Asamblea del 4 de enero.", **seen)
    first = valle.say(
        Offer,
        category="food-grain",
        quantity=Quantity(1005, 1, "kg"),
        title="Maíz blanco",
        until="2026-01-31",
    )
    listing: dict[str, Any] = {
        "council": "Consejo La Esperanza", "council_id": council, "images": (photo,), "until": "2026-01-31",
    }  # fmt: skip
    offer = valle.say(
        Offer, category="food-legumes", note="Sacos de 50 kg.", place="Casa comunal", title="Caraotas negras",
        quantity=kg(100), replaces=first, wants="Clavos o herramientas", **listing, **seen,
    )  # fmt: skip
    need = valle.say(Need, category="build-materials", title="Clavos")
    valle.say(
        Need, category="build-materials", note="De 3 pulgadas.", place="Casa comunal", title="Clavos",
        quantity=kg(20), replaces=need, wants="Damos caraotas", **listing, **seen,
    )  # fmt: skip
    heard = {"by": "Mesa de economía", "seen": (valle.head,)}
    parties = tuple(sorted((valle_id, montes_id)))
    places: dict[str, Any] = {"giver": parties.index(valle_id), "receiver": parties.index(montes_id)}
    back: dict[str, Any] = {"giver": places["receiver"], "receiver": places["giver"]}
    beans = Transfer(
        category="food-legumes", due="2026-01-20", listing=offer, quantity=kg(60),
        title="Caraotas negras", **places,
    )  # fmt: skip
    work = Transfer(title="Una jornada de trabajo", **back)
    draft = montes.say(Propose, parties=parties, transfers=(beans,))
    trade = montes.say(
        Propose,
        answer_by=START + 7 * 86_400_000,
        note="Los clavos van con la jornada.",
        parties=parties,
        replaces=draft,
        transfers=(beans, Transfer(quantity=Quantity(155, 1, "kg"), title="Clavos", **back), work),
        **heard,
    )
    seen = {"by": "Secretaría", "seen": (montes.head,)}
    mandate = Mandate(act="Acta 12, asamblea del 11 de enero", exchange=trade)
    mandate = msgspec.structs.replace(
        mandate, signatures=_signatures(mandate_body(mandate, NETWORK), ("paper",))
    )
    valle.say(Decline, exchange=draft, note="Faltaban los clavos.", **seen)
    accepted = valle.say(Accept, exchange=trade, mandate=mandate, note="De acuerdo.", **seen)
    valle.say(Deliver, exchange=trade, note="En dos viajes.", quantity=kg(60), transfer=0, **seen)
    montes.say(
        Receive, condition="damaged", exchange=trade, note="Dos sacos mojados.", quantity=kg(60),
        transfer=0, **heard,
    )  # fmt: skip
    dispute = montes.say(Dispute, exchange=trade, note="Dos sacos no sirven.", transfer=0, **heard)
    seen = {"by": "Secretaría", "seen": (montes.head,)}
    valle.say(Settle, dispute=dispute, note="Reponemos dos sacos.", outcome="due", **seen)
    cancel = valle.say(Cancel, exchange=trade, reason="Sin camión este mes.", **seen)
    valle.say(Withdraw, reason="Hay camión.", target=cancel, **seen)
    valle.say(Correct, note="El acta era la 13.", target=accepted, **seen)
    valle.say(Unrecognise, commune=montes_id, note="Solo para mostrarlo.", **seen)
    changed = valle.say_signed(
        AuthorityChange, "paper", authority=_authority(2, "paper", "council-1", "council-2"),
        commune=valle_id, log=KEYS["valle"].public_key, previous=(valle_id,), **seen,
    )  # fmt: skip
    laptop = _Log(KEYS["valle-laptop"], told)
    laptop.say_signed(
        Succession, "council-1", "council-2", authority=changed, commune=valle_id,
        log=KEYS["valle-laptop"].public_key, previous=(valle.seal,), reason="La portátil se perdió.", **seen,
    )  # fmt: skip
    return tuple(told)


@cache
def examples() -> dict[str, Told]:
    """The fullest entry of each kind, by its kind in alphabetical order."""
    fullest: dict[str, Told] = {
        told.record.kind: told for told in sorted(story(), key=lambda told: len(told.payload))
    }
    return {kind: fullest[kind] for kind in KINDS}
