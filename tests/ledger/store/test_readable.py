"""The views for people: they say what the records say, and writing knows nothing of them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import encoding
from ledger.errors import EncodingError
from ledger.records import Offer, Propose, Quantity, Transfer, Withdraw, to_payload
from ledger.store import readable
from ledger.store.writing import Store

from ...support.communes import NETWORK, found
from ...support.shared import CHECKOUT

AT = 1_790_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger with a listing that ended, one that stands, an exchange, and entries that are no records."""
    path = tmp_path / "ledger.sqlite"
    montes, valle = found("Los Montes"), found("El Valle")
    offer = montes.quote(
        to_payload(Offer(
            at=AT, category="food-grain", title='Maíz "pilado"', quantity=Quantity(1005, 1, "saco"),
            note="åtitle\nmás", wants="Clavos", place="Galpón", council="Las Flores", until="2090-01-31",
        ))
    )  # fmt: skip
    gone = montes.say(Offer, at=AT, category="other", title="Yuca")
    montes.say(Withdraw, at=AT, target=gone)
    parties = tuple(sorted((montes.commune, valle.commune)))
    valle.quote(
        to_payload(Propose(
            at=AT, parties=parties, note="Para marzo",
            transfers=(
                Transfer(
                    giver=parties.index(montes.commune), receiver=parties.index(valle.commune), title="Maíz",
                    quantity=Quantity(5, 0, "saco"), listing=offer, due="2090-02-01", category="food-grain",
                ),
            ),
        ))
    )  # fmt: skip
    montes.quote(encoding.encode({"at": AT, "kind": "loan", "what": [1, -1, None, True, {"a": []}]}))
    montes.quote(b"\xff\xd9\xc3junk")
    with Store(path, NETWORK) as store:
        store.ingest(montes.run())
        store.ingest(valle.run())
    return path


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """As somebody opens it who must not write."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        yield connection


def rows(connection: sqlite3.Connection, view: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(f"SELECT * FROM {view}")]


def test_every_view_and_column_is_documented_in_its_order(connection: sqlite3.Connection) -> None:
    page = (CHECKOUT / "docs" / "reference" / "sqlite.md").read_text()
    views = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'view'")}
    assert views == set(readable.VIEWS)
    for view in views:
        section = page.partition(f"## {view}\n")[2].partition("\n## ")[0]
        columns = [row["name"] for row in connection.execute(f"PRAGMA table_info({view})")]
        assert re.findall(r"^\| `(\w+)` \| \S", section, re.MULTILINE) == columns


def test_listings_can_be_read(connection: sqlite3.Connection) -> None:
    maize, yuca = sorted(rows(connection, "all_listings"), key=lambda row: str(row["title"]))
    told = ("kind", "title", "quantity", "unit", "commune", "state", "until")
    assert {key: maize[key] for key in told} == {
        "kind": "offer", "title": 'Maíz "pilado"', "quantity": 100.5, "unit": "saco",
        "commune": "Los Montes", "state": "open", "until": "2090-01-31",
    }  # fmt: skip
    assert (maize["note"], maize["wants"]) == ("åtitle\nmás", "Clavos")
    assert maize["at"] == "2026-09-21T14:13:20Z"
    assert (yuca["state"], yuca["quantity"], yuca["unit"]) == ("withdrawn", None, None)


def test_exchanges_and_transfers_can_be_read(connection: sqlite3.Connection) -> None:
    (exchange,) = rows(connection, "all_exchanges")
    assert set(exchange["parties"].split(", ")) == {"Los Montes", "El Valle"}
    assert (exchange["state"], exchange["form"], exchange["proposed_by"]) == ("proposed", "gift", "El Valle")
    assert exchange["note"] == "Para marzo"
    (transfer,) = rows(connection, "all_transfers")
    assert (transfer["giver"], transfer["receiver"], transfer["quantity"]) == ("Los Montes", "El Valle", 5)
    assert (transfer["number"], transfer["due"], transfer["exchange"]) == (1, "2090-02-01", exchange["id"])
    assert transfer["listing"] in {row["id"] for row in rows(connection, "all_listings")}


def test_communes_can_be_read(connection: sqlite3.Connection) -> None:
    found = {row["name"]: (row["logs"], row["exchanges"]) for row in rows(connection, "all_communes")}
    assert found == {"Los Montes": (1, 1), "El Valle": (1, 1)}


def test_entries_are_what_was_signed_and_junk_is_shown_as_none(connection: sqlite3.Connection) -> None:
    found = rows(connection, "all_entries")
    kinds = [row["kind"] for row in found if row["commune"] == "Los Montes"]
    assert kinds == ["charter", "offer", "offer", "withdraw", "loan", None]
    loan = next(row for row in found if row["kind"] == "loan")
    assert json.loads(loan["record"])["what"] == [1, -1, None, True, {"a": []}]
    assert (found[-1]["commune"], [row["position"] for row in found][:6]) == ("El Valle", list(range(6)))
    assert {row["erased"] for row in found} == {0}


def test_what_was_erased_stands_without_content(path: Path, connection: sqlite3.Connection) -> None:
    row = rows(connection, "all_entries")[1]
    with Store(path, NETWORK) as store:
        store.erase(bytes.fromhex(row["log"]), row["position"], bytes.fromhex(row["id"]), AT, "Prueba")
    erased = next(each for each in rows(connection, "all_entries") if each["id"] == row["id"])
    assert (erased["erased"], erased["kind"], erased["record"], erased["bytes"]) == (1, None, None, None)
    assert len(rows(connection, "all_listings")) == 1


def test_the_views_are_there_after_everything_is_made_anew(
    path: Path, connection: sqlite3.Connection
) -> None:
    before = {view: rows(connection, view) for view in readable.VIEWS}
    with Store(path, NETWORK) as store:
        store.rebuild()
    assert {view: rows(connection, view) for view in readable.VIEWS} == before


def plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


KEYS = st.from_regex(r"[a-z0-9_]{1,40}\Z".replace("40", "32"), fullmatch=True)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=300)
    | st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=300)
    | st.sampled_from(["", "é", "ñandú\n", "\U0001f33d" * 20, '"\\/'])
)  # fmt: skip
VALUES = st.dictionaries(
    KEYS,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner, max_size=5),
        max_leaves=12,
    ),
    max_size=20,
)


def walked(payload: bytes) -> Any:
    with closing(sqlite3.connect(":memory:")) as connection:
        question = f"SELECT ({readable._JSON}) FROM (SELECT ? AS payload) CROSS JOIN {readable._CODES}"
        return connection.execute(question, (payload,)).fetchone()[0]


@given(VALUES)
def test_the_walk_reads_whatever_an_encoding_can_hold(value: dict[str, Any]) -> None:
    """Compared with the decoder: every tag, every width, every depth."""
    try:
        payload = encoding.encode(value)
    except EncodingError:
        return  # nested too deeply
    assert json.loads(walked(payload)) == plain(value)


@pytest.mark.parametrize(
    "value",
    [
        *({"n": number} for number in (0, 127, 128, 255, 256, 2**16 - 1, 2**16, 2**32 - 1, 2**32, 2**63 - 1)),
        *({"n": -number} for number in (1, 32, 33, 128, 129, 2**15, 2**15 + 1, 2**31, 2**31 + 1, 2**63)),
        *({"t": "x" * length, "u": b"x" * length} for length in (0, 1, 31, 32, 255, 256, 2_000)),
        *({"a": [0] * length, "z": 1} for length in (0, 15, 16, 3_000)),
        {f"k{number:03}": number for number in range(300)},
    ],
    ids=range(32),
)
def test_the_walk_reads_numbers_and_lengths_at_every_edge(value: dict[str, Any]) -> None:
    assert json.loads(walked(encoding.encode(value))) == plain(value)


@given(st.binary(max_size=60))
def test_the_walk_ends_whatever_it_is_given(data: bytes) -> None:
    """It is asked about records alone; should the index ever be wrong, nobody waits for ever."""
    try:
        walked(data)
    except (sqlite3.Error, UnicodeDecodeError):
        pass


def test_nothing_but_records_is_walked(connection: sqlite3.Connection) -> None:
    (unread,) = connection.execute("SELECT count(*) FROM all_records WHERE record IS NULL").fetchone()
    assert unread == 1
