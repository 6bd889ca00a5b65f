"""A home in which everything that an export can give was said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger import encoding
from ledger.author import Author
from ledger.log import LogKey
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.home import Home

from ..conftest import Found, Secretary


@pytest.fixture
def full(montes: Secretary, valle: Secretary, found: Found, places: Path) -> Secretary:
    """Los Montes, after a barter with a delivery that was explained, a ring, a refusal, and listings."""
    sierra = found("La Sierra")
    sierra.tell(montes, valle)
    montes.tell(sierra)
    valle.tell(sierra)
    for one in (montes, valle, sierra):
        for other in {"Los Montes", "El Valle", "La Sierra"} - {one.name}:
            one.sign("recognise", other)
    offer = montes.sign(
        "offer", "Maíz", "--category", "food-grain", "--quantity", "100.5", "--unit", "saco",
        "--until", "2090-01-31", "--note", "=HYPERLINK(\"x\")\notra línea", "--wants", "Clavos",
        "--place", "Galpón; norte", "--council", "Consejo Las Flores",
    )  # fmt: skip
    montes.sign("correct", offer, "--note", "Del año pasado")
    montes.sign("withdraw", montes.sign("offer", "Yuca", "--quantity", "1", "--unit", "t"))
    montes.sign("need", "Mano de obra", "--category", "building-work", "--quantity", "8", "--unit", "hour")
    montes.tell(valle, sierra)
    exchange = valle.sign(
        "propose", "--to", "Los Montes", "--listing", offer, "--give", "Clavos;20;kg", "--give", "Una mano",
        "--note", "Para marzo",
    )  # fmt: skip
    valle.tell(montes)
    montes.sign("accept", exchange)
    delivered = montes.sign("deliver", exchange, "--quantity", "60", "--unit", "saco")
    montes.sign("correct", delivered, "--note", "Eran 61")
    montes.tell(valle)
    valle.sign("receive", exchange, "--quantity", "59", "--condition", "short")
    valle.sign("dispute", exchange, "--note", "Falta uno")
    refused = valle.sign("propose", "--to", "Los Montes", "--take", "Café;3;kg")
    valle.tell(montes, sierra)
    montes.sign("decline", refused)
    ring = places / "ring.json"
    legs = [("Los Montes", "El Valle"), ("El Valle", "La Sierra"), ("La Sierra", "Los Montes")]
    ring.write_text(
        json.dumps(
            {"transfers": [{"from": a, "to": b, "title": f"De {a}", "due": "2090-03-01"} for a, b in legs]}
        )
    )
    rounds = montes.sign("propose", "--file", str(ring))
    montes.tell(valle, sierra)
    valle.sign("accept", rounds)
    sierra.sign("accept", rounds)
    valle.tell(montes)
    sierra.tell(montes)
    return montes


def append(secretary: Secretary, payload: bytes) -> None:
    """Sign any payload in a home's log, also one that no record is."""
    home = Home(secretary.home)
    key = home.read_key()
    with Reader(home.ledger) as reader:
        network = reader.network
    with Store(home.ledger, network) as store:
        Author(store, key, home.anchors(LogKey(key.public_key))).append([payload])


def newer() -> bytes:
    """A record of a kind that this version does not know."""
    return encoding.encode({"at": 1_900_000_000_000, "kind": "loan", "seen": []})
