"""How long pages take: a home with 100,000 listings of 500 communes, beside a small one, over HTTP.

    python -m tests.benchmarks.pages FOLDER [--listings 100000] [--communes 500] [--rounds 40] [--users 50]

Two nodes in processes of their own: one with the whole board, one with some
screens of it, which is what the first is compared with. Every answer is read to
its end, packed as browsers ask for it. Then many users ask at once. The homes
are kept in FOLDER and used again. Prints a line of JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any, Final

from click.testing import CliRunner

from ledger.limits import MAX_RUN_ENTRIES
from ledger.log import LogState, sign_run
from ledger.records import Deliver, Need, Offer, Quantity
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.cli import trueque

from ..support.communes import Writer, found
from ..support.nodes import NodeProcess

NETWORK: Final = "ensayo"
SMALL: Final = 100
"""listings of the small home, of five communes."""

EXCHANGES: Final = 60
"""exchanges in which the home's own commune is asked for something."""

_GOODS: Final = (
    ("Maíz blanco", "food-grain", "kg"), ("Caraotas negras", "food-legumes", "kg"),
    ("Ñame", "food-tubers", "saco"), ("Auyama", "food-vegetables", "kg"),
    ("Plátano hartón", "food-plantain", "kg"), ("Café molido", "food-coffee-cocoa", "kg"),
    ("Papelón", "food-sugar-honey", "piece"), ("Huevos criollos", "food-eggs", "dozen"),
    ("Queso llanero", "food-dairy", "kg"), ("Semilla de ají dulce", "seeds", "packet"),
    ("Bloques de adobe", "building-materials", "piece"), ("Jabón azul", "hygiene", "piece"),
    ("Cuadernos", "school-supplies", "piece"), ("Jornada de arado", "farm-work", "jornada"),
    ("Flete en camión", "transport-goods", "trip"),
)  # fmt: skip
_NOTES: Final = (
    "Cosecha de esta semana, seleccionada y sin humedad; hay que traer los sacos.",
    "Se entrega los sábados por la mañana, avisando antes a la vocería.",
    "Queda guardado bajo techo mientras pasan las lluvias.",
    "Lo lleva el camión de la comuna si consigue gasoil.",
)


def _say(home: Path, *arguments: str) -> str:
    done = CliRunner().invoke(trueque, [*arguments, "--home", str(home)])
    assert done.exit_code == 0, done.output
    return done.stdout


def _own(home: Path) -> bytes:
    """Found the home's own commune, with listings that others meet; its id."""
    words = home.with_name(f"{home.name}.words")
    _say(home, "init", "--name", "Los Montes", "--network", NETWORK, "--yes", "--recovery-out", str(words))
    for number in range(12):
        title, category, unit = _GOODS[number]
        _say(
            home,
            ("offer", "need")[number % 2],
            title,
            "--category",
            category,
            "--quantity",
            "40",
            "--unit",
            unit,
        )
    with Reader(home / "ledger.sqlite") as reader:
        return reader.communes()[0].id


def _listings(writer: Writer, count: int, rng: Random) -> None:
    for _ in range(count):
        title, category, unit = rng.choice(_GOODS)
        writer.say(
            rng.choice((Offer, Need)), title=f"{title} {rng.randrange(1, 99)}", category=category,
            quantity=Quantity(rng.randrange(1, 400), 0, unit), note=rng.choice(_NOTES), place="el galpón",
            until=f"2099-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
            at=10**12 + rng.randrange(10**10),
        )  # fmt: skip


def home_in(folder: Path, listings: int, communes: int) -> Path:
    """A home with so many listings of so many communes, and exchanges with the first of them."""
    home = folder / f"home-{listings}-{communes}"
    if home.exists():
        return home
    own = found("Los Montes")
    own.commune = type(own.commune)(_own(home))
    rng = Random(listings)
    with Store(home / "ledger.sqlite", NETWORK) as store:
        for number in range(communes):
            writer = found(f"Comuna {number:03}")
            _listings(writer, listings // communes, rng)
            if number < 5:
                for _ in range(EXCHANGES // 5):
                    kg = Quantity(rng.randrange(1, 40), 0, "kg")
                    trade = writer.propose(
                        (writer, own, "Maíz", kg), (own, writer, "Café", kg), note=_NOTES[0]
                    )
                    writer.say(Deliver, exchange=trade, transfer=0, quantity=kg)
            state = LogState(writer.log)
            for start in range(0, writer.size, MAX_RUN_ENTRIES):
                run, extension = sign_run(
                    state, writer.payloads[start : start + MAX_RUN_ENTRIES], writer.key, NETWORK
                )
                state = extension.state
                store.ingest(run)
    return home


# Asking -----------------------------------------------------------------------------------------


def _ask(port: int, path: str) -> tuple[float, int, bytes]:
    """Seconds until the whole answer was there, its status and its body as it came."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip", "Accept-Language": "es"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    return time.perf_counter() - begun, response.status, body


def _addresses(home: Path) -> dict[str, Callable[[int], str]]:
    """What is asked for, by its name; of each several, so that none is answered from the one before."""
    with Reader(home / "ledger.sqlite") as reader:
        own = next(row.id for row in reader.communes() if row.name == "Los Montes")
        trades = [entry.hex() for entry in reader.exchange_ids(own)]
        rows = [row.id.hex() for row in reader.listings(limit=200)]
        other = next(row.id.hex() for row in reader.communes() if row.name == "Comuna 003")
    words = (
        "maiz",
        "cafe",
        "maiz 4",
        "jabon azul",
        "sabados",
        "queso llanero 17",
        "gasoil",
        "huev",
        "galpon",
    )
    return {
        "board": lambda _turn: "/",
        "board, further": lambda turn: f"/?from={48 * (turn + 1)}",
        "search": lambda turn: f"/?q={words[turn % len(words)].replace(' ', '+')}",
        "category": lambda turn: f"/?category={_GOODS[turn % len(_GOODS)][1]}&kind=offer",
        "place": lambda turn: f"/?place={('galpon', 'el+galpon', 'quibor')[turn % 3]}&until=2099-06-01",
        "commune": lambda _turn: f"/?commune={other}",
        "listing": lambda turn: f"/listings/{rows[turn % len(rows)]}",
        "exchange": lambda turn: f"/exchanges/{trades[turn % len(trades)]}",
        "exchanges": lambda _turn: "/exchanges",
        "accounts": lambda _turn: "/accounts",
        "neighbours": lambda _turn: "/neighbours",
        "history": lambda _turn: "/history",
        "history of one": lambda _turn: f"/history/{other}",
        "notices": lambda _turn: "/notices",
        "settings": lambda _turn: "/settings",
        "print": lambda _turn: "/print",
        "new listing": lambda _turn: "/listings/new",
        "new exchange": lambda _turn: "/exchanges/new",
    }


def timed(home: Path, rounds: int) -> dict[str, tuple[float, float, int]]:
    """Of each page the median and the 95th percentile in milliseconds, and the most bytes of one."""
    found = {}
    with NodeProcess(home) as node:
        port = node.told["people_port"]
        for name, address in _addresses(home).items():
            _ask(port, address(rounds))
            answers = [_ask(port, address(turn)) for turn in range(rounds)]
            assert {status for _, status, _ in answers} == {200}, name
            times = sorted(1000 * seconds for seconds, _, _ in answers)
            last = times[min(len(times) - 1, int(0.95 * len(times)))]
            found[name] = (statistics.median(times), last, max(len(body) for _, _, body in answers))
    return found


def crowded(home: Path, users: int) -> dict[str, float]:
    """So many users at once, each with a board, a search and an exchange: errors, and the slowest answer."""
    addresses = _addresses(home)
    with NodeProcess(home) as node, ThreadPoolExecutor(users) as crowd:
        port = node.told["people_port"]

        def visit(user: int) -> list[tuple[float, int, bytes]]:
            return [_ask(port, addresses[name](user)) for name in ("board", "search", "exchange")]

        answers = [answer for user in crowd.map(visit, range(users)) for answer in user]
    return {
        "answers": len(answers),
        "errors": sum(status != 200 for _, status, _ in answers),
        "slowest_ms": 1000 * max(seconds for seconds, _, _ in answers),
    }


def main() -> None:
    """Measure as the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pages", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--listings", type=int, default=100_000)
    parser.add_argument("--communes", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--users", type=int, default=50)
    given = parser.parse_args()
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        os.environ[name] = str(given.folder / name.lower())  # the nodes' too: nothing elsewhere is touched
    large = home_in(given.folder, given.listings, given.communes)
    small = home_in(given.folder, SMALL, 5)
    few, many = timed(small, given.rounds), timed(large, given.rounds)
    pages: dict[str, Any] = {
        name: {"median_ms": median, "p95_ms": late, "bytes": size, "ratio": median / few[name][0]}
        for name, (median, late, size) in many.items()
    }
    print(json.dumps({"pages": pages, "crowd": crowded(large, given.users)}))


if __name__ == "__main__":
    main()
