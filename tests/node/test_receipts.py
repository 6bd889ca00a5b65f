"""Receipts: made in one home, checked where nothing is held, printed and read back."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import limits
from ledger.exchange import Exchange, State
from ledger.log import EntryId
from ledger.paper import from_paper, to_paper
from ledger.parts import find_parts, join_parts, paper_parts
from ledger.receipt import decode_receipt, verify_receipt
from ledger.records import (
    Accept,
    Cancel,
    Decline,
    Deliver,
    Dispute,
    Offer,
    Profile,
    Receive,
    Settle,
    Withdraw,
)
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node import codes
from node.cli import trueque
from node.errors import InputError, ReceiptFailed
from node.receipts import make_receipt

from ..support.communes import NETWORK, Writer, key_of, kg, succeed
from ..support.communes import found as found_writer
from ..support.happenings import made_up, networks
from ..support.networks import MadeUp, deliver, proof_of_fork
from ..support.receipts import barter, long_barter
from .conftest import Secretary

SHEETS = ("sheet.svg", "sheet.png", "sheet.txt")


# Making -----------------------------------------------------------------------------------------


def read(folder: Path, *writers: Writer, network: str = NETWORK) -> Reader:
    """A ledger that holds what these wrote, under a head for every 1,024 entries, as nodes keep them."""
    path = folder / "ledger.sqlite"
    with Store(path, network) as store:
        for writer in writers:
            for start in range(0, writer.size, limits.MAX_RUN_ENTRIES):
                store.ingest(writer.run(start, min(start + limits.MAX_RUN_ENTRIES, writer.size)))
    return Reader(path)


def shown(reader: Reader, exchange: EntryId) -> Exchange:
    """The exchange by its receipt, on paper as well."""
    found = [verify_receipt(make_receipt(reader, exchange, short=short)) for short in (False, True)]
    assert found[0].exchange == found[1].exchange
    return found[0].exchange


def test_a_receipt_holds_what_is_needed_and_nothing_else(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    for writer in (montes, valle):
        for number in range(40):
            writer.say(Offer, title=f"Yuca {number}", category="food-tubers")
    trade = barter(montes, valle)
    for number in range(40):
        montes.say(Offer, title=f"Ají {number}", category="food-vegetables")
    with read(tmp_path, montes, valle) as reader:
        data = make_receipt(reader, trade)
        assert verify_receipt(data).exchange == reader.exchange(trade)
    receipt = decode_receipt(data)
    assert {one.log: (one.size, one.indexes) for one in receipt.excerpts} == {
        montes.log: (84, (41, 42, 43)),
        valle.log: (44, (41, 42, 43)),
    }
    assert (receipt.statements, receipt.evidence) == ((), ())


def test_what_a_party_answers_to_a_stranger_stays_out_like_the_stranger(tmp_path: Path) -> None:
    """Else whoever owes something could settle the dispute of a friend, and there would be no receipt."""
    montes, valle, costa = (found_writer(name) for name in ("Los Montes", "El Valle", "La Costa"))
    trade = barter(montes, valle)
    dispute = costa.say(Dispute, exchange=trade, seen=[montes, valle])
    valle.say(Settle, dispute=dispute, outcome="closed", seen=[costa])
    cancel = costa.say(Cancel, exchange=trade, seen=[montes, valle])
    valle.say(Withdraw, target=cancel, seen=[costa])
    with read(tmp_path, montes, valle, costa) as reader:
        assert {one.code for one in reader.exchange(trade).refused} >= {"stranger", "no-such-dispute"}
        told = verify_receipt(make_receipt(reader, trade)).exchange
    assert (told.state, told.refused) == (State.FULFILLED, ())


def test_a_log_that_two_charters_open_has_receipts_too(tmp_path: Path) -> None:
    """What it says as the other commune is a stranger's word there, and comes with what it vouches for."""
    trades = [(1, 203, 59, 131, 167), (1, 34, 73, 150, 191)]
    opened_again = (25, 179, 196, 176, 61)
    network = made_up([*trades, opened_again])
    with read(tmp_path, *network.writers) as reader:
        exchanges = list(reader.exchanges())
        assert exchanges
        for exchange in exchanges:
            assert verify_receipt(make_receipt(reader, exchange.id)).exchange.id == exchange.id


def test_paper_takes_the_head_with_the_shortest_proof(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = barter(montes, valle)
    path = tmp_path / "ledger.sqlite"
    with Store(path, NETWORK) as store:
        for writer in (montes, valle):
            store.ingest(writer.run())
            for _ in range(30):
                writer.say(Offer, title="Ají", category="food-vegetables")
                store.ingest(writer.run(writer.size - 1))
    with Reader(path) as reader:
        sizes = {one.size for one in decode_receipt(make_receipt(reader, trade)).excerpts}
        assert sizes == {34}
        sizes = {one.size for one in decode_receipt(make_receipt(reader, trade, short=True)).excerpts}
        assert sizes == {4}


def test_what_a_writer_had_seen_before_comes_along(tmp_path: Path) -> None:
    """An acceptance that shows no head counts by an earlier entry; the receipt has to have that as well."""
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = montes.propose((montes, valle, "Maíz", kg(10)))
    for number in range(5):
        valle.say(Offer, title=f"Cine {number}", category="culture-film", seen=[montes] if number > 1 else [])
    valle.say(Accept, exchange=trade)
    with read(tmp_path, montes, valle) as reader:
        assert shown(reader, trade).state is State.AGREED
        receipt = decode_receipt(make_receipt(reader, trade))
    assert {one.log: one.indexes for one in receipt.excerpts}[valle.log] == (3, 6)


def test_steps_before_and_after_a_succession_are_told_as_of_one_commune(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = montes.propose((montes, valle, "Maíz", kg(10)))
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Offer, title="Yuca", category="food-tubers", seen=[valle])
    montes.replace_authority(key_of("council 1"), key_of("council 2"), threshold=2)
    new = succeed(montes, "Los Montes: log 2")
    new.say(Deliver, exchange=trade, transfer=0, quantity=kg(10))
    valle.say(Receive, exchange=trade, transfer=0, quantity=kg(10), seen=[new])
    with read(tmp_path, montes, new, valle) as reader:
        assert shown(reader, trade).state is State.FULFILLED
        data = make_receipt(reader, trade)
        assert verify_receipt(data).exchange == reader.exchange(trade)
        assert from_paper(to_paper(data)) == data


def test_a_contested_exchange_comes_with_the_evidence(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = montes.propose((montes, valle, "Maíz", kg(10)))
    lie = valle.twin()
    valle.say(Accept, exchange=trade, seen=[montes])
    montes.say(Deliver, exchange=trade, transfer=0, quantity=kg(10), seen=[valle])
    lie.say(Decline, exchange=trade, seen=[montes])
    evidence = proof_of_fork(valle, lie)
    path = tmp_path / "ledger.sqlite"
    with Store(path, NETWORK) as store:
        for writer in (montes, valle, lie):
            store.ingest(writer.run())
    with Reader(path) as reader:
        assert (shown(reader, trade).state, shown(reader, trade).contested) == (State.AGREED, True)
        assert decode_receipt(make_receipt(reader, trade)).evidence == (evidence,)


def test_the_name_is_the_one_that_a_commune_has_now(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = barter(montes, valle)
    montes.say(Profile, name="Los Montes Altos")
    valle.say(Profile, name="El Valle", contact="Radio 91.5")
    with read(tmp_path, montes, valle) as reader:
        receipt = make_receipt(reader, trade)
    assert {party.name for party in verify_receipt(receipt).parties} == {"Los Montes Altos", "El Valle"}
    assert b"91.5" not in receipt


def test_a_silent_party_is_named(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = montes.propose((montes, valle, "Maíz", kg(10)))
    with read(tmp_path, montes, valle) as reader:
        seen = verify_receipt(make_receipt(reader, trade))
    assert {party.name for party in seen.parties} == {"Los Montes", "El Valle"}
    assert [log.log for log in seen.logs] == [montes.log]


def test_more_than_a_receipt_can_hold_is_told_as_that(tmp_path: Path) -> None:
    montes, valle = found_writer("Los Montes"), found_writer("El Valle")
    trade = montes.propose((montes, valle, "Maíz", kg(10)))
    valle.say(Accept, exchange=trade, seen=[montes])
    for _ in range(limits.MAX_RECEIPT_ENTRIES):
        valle.say(Receive, exchange=trade, transfer=0, quantity=kg(1))
    with read(tmp_path, montes, valle) as reader, pytest.raises(ReceiptFailed, match="at most 512"):
        make_receipt(reader, trade)


@pytest.mark.parametrize("place", [(8_055, 8_092, 8_202), (14_181, 14_323, 14_365)])
def test_a_barter_in_long_logs_fits_in_two_codes_with_roles_and_listings(
    place: tuple[int, int, int], tmp_path: Path
) -> None:
    """The worst alignments of 16,384 entries, with heads as dense as every node keeps them."""
    trade, a, b = long_barter(place, place, Random(5), 16_384, lavish=True)
    with read(tmp_path, a, b, network="comunas") as reader:
        data = make_receipt(reader, trade, short=True)
        assert verify_receipt(data).found == ()
    paper = to_paper(data)
    assert len(paper) <= 3_000
    assert len(paper_parts(paper)) == 2


@given(network=networks(), seed=st.integers(0, 2**32), short=st.booleans())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_receipt_says_what_the_ledger_says_whatever_happened(
    network: MadeUp, seed: int, short: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`make_receipt` compares by itself; here it is asked for every exchange among forks and lies."""
    path = tmp_path_factory.mktemp("network") / "ledger.sqlite"
    with Store(path, NETWORK) as store:
        deliver(store, network.parcels(Random(seed)))
    with Reader(path) as reader:
        forked = any(branch.cut is not None for branch in reader.branches())
        for exchange in reader.exchanges():
            try:
                data = make_receipt(reader, exchange.id, short=short)
            except ReceiptFailed:
                assert forked  # of a log that forked at its first entry not everything can be shown
                continue
            assert from_paper(to_paper(data)) == data


# The commands -----------------------------------------------------------------------------------


@pytest.fixture
def trade(montes: Secretary, valle: Secretary) -> str:
    """Maize for nails, agreed and handed over."""
    exchange = montes.sign(
        "propose",
        "--to",
        "El Valle",
        "--give",
        "Maíz blanco;100;kg",
        "--take",
        "Clavos;20;kg",
        "--by",
        "vocera",
    )
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.sign("deliver", exchange)
    valle.tell(montes)
    montes.sign("receive", exchange)
    montes.sign("deliver", exchange)
    montes.tell(valle)
    valle.sign("receive", exchange)
    valle.tell(montes)
    return exchange


def verify(*files: Path | str, status: int = 0, typed: bytes | None = None, speaks: str = "en") -> Result:
    """`trueque verify` on a computer that holds nothing: no home, no ledger."""
    arguments = ["--language", speaks, "verify", *map(str, files), "--home", "/nowhere"]
    result = CliRunner().invoke(trueque, arguments, input=typed)
    assert result.exit_code == status, result.output
    return result


def verified(*files: Path | str, status: int = 0) -> Any:
    result = CliRunner().invoke(trueque, ["verify", *map(str, files), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def test_a_receipt_tells_who_what_how_much_and_when(montes: Secretary, trade: str, tmp_path: Path) -> None:
    path = tmp_path / "trade.recibo"
    told = montes.run("receipt", trade[:10], "--out", str(path)).stdout
    assert f"The receipt is in {path}" in told
    said = verify(path).stdout
    assert "genuine" in said
    for part in ("Los Montes", "El Valle", trade, "ensayo", "fulfilled", "(vocera)", "barter"):
        assert part in said
    assert "Los Montes → El Valle: «Maíz blanco», 100 kg" in said
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d  El Valle: acceptance", said)
    assert "What no receipt proves" in said
    assert "To be looked at" not in said
    assert re.search(r"Log [0-9a-f]{12} of El Valle, entries: \d+", said)


def test_a_receipt_is_told_in_spanish_too(montes: Secretary, trade: str, tmp_path: Path) -> None:
    path = tmp_path / "trade.recibo"
    montes.run("receipt", trade, "--out", str(path), speaks="es")
    said = verify(path, speaks="es").stdout
    for part in ("auténtico", "cumplido", "trueque", "Lo que ningún comprobante prueba"):
        assert part in said
    assert "No se puede hacer" not in said


def test_what_speaks_against_it_ends_with_1(
    montes: Secretary, valle: Secretary, trade: str, tmp_path: Path
) -> None:
    montes.sign("dispute", trade, "--note", "Oxidados", "--transfer", "2")
    path = tmp_path / "trade.recibo"
    montes.run("receipt", trade, "--out", str(path))
    assert "A dispute stands open." in verify(path, status=1).stdout
    row = verified(path, status=1)
    assert [remark["code"] for remark in row["found"]] == ["disputed"]
    # El Valle does not know of it yet: its receipt cannot show it, and says so.
    valle.run("receipt", trade, "--out", str(path))
    row = verified(path)
    assert "dispute" in {remark["code"]: remark["sentence"] for remark in row["unproven"]}["left-out"]


def test_the_json_of_a_receipt_is_that_of_the_exchange(montes: Secretary, trade: str, tmp_path: Path) -> None:
    path = tmp_path / "trade.recibo"
    answer = montes.json("receipt", trade, "--out", str(path))
    assert answer == {
        "id": trade, "path": str(path), "size": path.stat().st_size, "paper": None, "paper_size": None,
        "codes": None,
    }  # fmt: skip
    (held,) = montes.json("exchanges", trade)
    row = verified(path)
    for key in ("id", "commune", "state", "form", "disputed", "contested", "newer", "transfers"):
        assert row[key] == held[key], key
    assert [party["name"] for party in row["parties"]] == [party["name"] for party in held["parties"]]
    assert {move["id"]: move for move in row["moves"]} == {move["id"]: move for move in held["moves"]}


@pytest.mark.parametrize("name", SHEETS)
def test_a_sheet_is_checked_as_the_file_that_it_is(
    montes: Secretary, trade: str, tmp_path: Path, name: str
) -> None:
    sheet, file = tmp_path / name, tmp_path / "trade.recibo"
    answer = montes.json("receipt", trade, "--paper", str(sheet), "--out", str(file))
    assert answer["codes"] == 1
    assert answer["paper_size"] < answer["size"]
    assert verified(sheet)["transfers"] == verified(file)["transfers"]
    assert len(find_parts(sheet.read_bytes().decode("utf-8", "replace"))) == 1


@pytest.mark.parametrize("speaks", ["en", "es"])
def test_a_damaged_receipt_is_told_as_that_and_what_to_do(
    montes: Secretary, trade: str, tmp_path: Path, speaks: str
) -> None:
    """In the language that is spoken, whatever the library says that reads it."""
    file = tmp_path / "trade.recibo"
    montes.run("receipt", trade, "--out", str(file))
    whole = file.read_bytes()
    told = {"en": "This receipt proves nothing.", "es": "Este comprobante no prueba nada."}
    for at in range(20, len(whole), 97):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert verify(file, status=2, speaks=speaks).stderr.startswith(told[speaks])
    file.write_bytes(whole[:-300])
    cut = verify(file, status=2, speaks=speaks).stderr
    assert {"en": "it breaks off", "es": "está cortado"}[speaks] in cut
    assert len(cut.splitlines()) == 1


def test_codes_may_come_in_several_files_in_any_order_or_be_typed(
    montes: Secretary, trade: str, tmp_path: Path
) -> None:
    file = tmp_path / "trade.recibo"
    montes.run("receipt", trade, "--out", str(file))
    parts = paper_parts(to_paper(file.read_bytes()), 200)
    assert len(parts) > 2
    names = [tmp_path / f"{number}.txt" for number in range(len(parts))]
    for name, part in zip(names, parts, strict=True):
        name.write_text(f"From the phone: {part}\n")
    assert verified(*reversed(names))["id"] == trade
    assert trade in verify("-", typed="\n".join(parts).encode()).stdout
    refused = verify(*names[1:], status=2)
    assert refused.stdout == ""
    assert f"Of {len(parts)} codes these are missing: 1." in refused.stderr
    assert "one receipt at a time" in verify(file, names[0], status=2).stderr


def test_a_receipt_that_proves_nothing_ends_with_2(montes: Secretary, trade: str, tmp_path: Path) -> None:
    path = tmp_path / "trade.recibo"
    montes.run("receipt", trade, "--out", str(path))
    data = path.read_bytes()
    for broken in (data[:-1], data.replace(b"Clavos", b"Clavas"), b"", b"Hola", b"\x00" * 5_000, data[:40]):
        path.write_bytes(broken)
        refused = verify(path, status=2)
        assert refused.stdout == ""
        assert len(refused.stderr.splitlines()) == 1
    assert "nowhere" in verify(tmp_path / "nowhere", status=2).stderr
    assert verify(tmp_path, status=2).stderr


def test_a_file_that_is_far_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(1 << 33)
    assert "far too long" in verify(path, status=2).stderr


def test_only_what_is_a_receipt_is_replaced(montes: Secretary, trade: str, tmp_path: Path) -> None:
    file, sheet = tmp_path / "trade.recibo", tmp_path / "sheet.svg"
    for _ in range(2):
        montes.run("receipt", trade, "--out", str(file), "--paper", str(sheet))
    for path, option in ((file, "--out"), (sheet, "--paper")):
        path.write_text("letter to the assembly")
        assert "not replaced" in montes.refused("receipt", trade, option, str(path))
        assert path.read_text() == "letter to the assembly"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_what_cannot_be_written_is_refused(montes: Secretary, trade: str, tmp_path: Path) -> None:
    assert "--out FILE" in montes.refused("receipt", trade)
    assert ".svg, a .png or a .txt" in montes.refused(
        "receipt", trade, "--paper", str(tmp_path / "sheet.pdf")
    )
    assert "nothing/x" in montes.refused("receipt", trade, "--out", str(tmp_path / "nothing" / "x"))
    assert "Nothing held here" in montes.refused("receipt", "0123456789", "--out", str(tmp_path / "x"))
    assert not (tmp_path / "x").exists()


# Codes ------------------------------------------------------------------------------------------


WHOLE = Random(3).randbytes(3_000)


def test_the_largest_codes_are_of_version_28(tmp_path: Path) -> None:
    """129 modules and a margin: at 186 mm across two on a sheet, each is larger than 0.8 mm."""
    import segno

    parts = paper_parts(WHOLE)
    assert len(parts) == 2
    for part in parts:
        make: Any = segno.make
        code = make([part[:13], part[13:]], error="L", micro=False)
        assert code.version == 28


def test_more_codes_than_fit_on_a_sheet_are_refused() -> None:
    parts = paper_parts(WHOLE, 400)
    with pytest.raises(InputError, match="8 codes"):
        codes.draw_svg(parts, [])
    with pytest.raises(InputError, match="8 codes"):
        codes.draw_png(parts)
    assert join_parts(find_parts(codes.draw_text(parts, ["Comprobante 1 de 2"]).decode())) == WHOLE


def test_a_sheet_without_room_for_all_transfers_still_says_what_it_is_and_what_to_do(
    montes: Secretary, valle: Secretary, tmp_path: Path
) -> None:
    things = [word for number in range(9) for word in ("--give", f"{'Semilla de maíz ' * 6}{number}")]
    entry, sheet = montes.sign("propose", "--to", "El Valle", *things), tmp_path / "sheet.svg"
    montes.run("receipt", entry, "--paper", str(sheet))
    title, *lines = re.findall(r"<text [^>]*>(.*?)</text>", sheet.read_text())
    assert title.startswith("Receipt of an exchange")
    assert 'font-weight="bold">Receipt' in sheet.read_text()
    assert sheet.read_text().count("bold") == 1
    assert lines[0] == "State: proposed"
    assert lines[1].startswith(f"Exchange {entry}")
    assert "Scan" in lines[2]
    assert lines[-1] == "…"


def test_what_is_written_on_a_sheet_cannot_change_the_drawing() -> None:
    drawn = codes.draw_svg(paper_parts(b"minga"), ["<script>alert('&')</script>", "x" * 4_000]).decode()
    assert "<script>" not in drawn
    assert "&lt;script&gt;" in drawn
    assert drawn.count("<text ") == 12


@pytest.fixture
def reading() -> Any:
    """Pillow's Image; a picture's own comment is not looked at."""
    from PIL import Image

    return Image


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_picture_of_the_codes_is_read_back(reading: Any, count: int) -> None:
    data = WHOLE[: 1_400 * count] if count < 3 else WHOLE * 2
    assert join_parts(codes.read_image(codes.draw_png(paper_parts(data)))) == data


def test_the_text_in_a_picture_ends_where_its_parts_do() -> None:
    """A checksum follows it there, whose first byte can be a digit."""
    for number in range(100):
        data = number.to_bytes(2)
        picture = codes.draw_png(paper_parts(data))
        assert join_parts(find_parts(picture.decode("utf-8", "replace"))) == data


@pytest.mark.parametrize(("turned", "blurred"), [(0, 0.0), (1.5, 2.0), (4, 2.5), (90, 1.0), (183, 2.0)])
def test_a_photo_of_the_printed_sheet_is_read_back(reading: Any, turned: float, blurred: float) -> None:
    """Printed at 300 dpi and photographed askew, a little out of focus, as a JPEG of half the width."""
    from PIL import ImageFilter

    picture = reading.open(io.BytesIO(codes.draw_png(paper_parts(WHOLE)))).convert("L")
    picture = picture.rotate(turned, expand=True, fillcolor=235, resample=reading.Resampling.BICUBIC)
    picture = picture.filter(ImageFilter.GaussianBlur(blurred))
    picture = picture.resize((picture.width // 2, picture.height // 2))
    photo = io.BytesIO()
    picture.point(lambda grey: 40 + grey * 3 // 4).save(photo, "JPEG", quality=70)
    assert join_parts(codes.read_image(photo.getvalue())) == WHOLE


def test_the_sheet_itself_is_read_back_as_it_is_drawn(reading: Any) -> None:
    """The rectangles of the drawing, painted at 300 dpi."""
    from PIL import ImageDraw

    drawn = codes.draw_svg(paper_parts(WHOLE), ["Comprobante"]).decode()
    dots = 300 / 25.4
    width, height = codes.SHEET
    picture = reading.new("L", (round(width * dots), round(height * dots)), 255)
    brush = ImageDraw.Draw(picture)
    for left, down, scale, path in re.findall(
        r'translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)" d="([^"]+)"', drawn
    ):
        for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1H\d+z", path):
            corners = [
                (float(left) + int(x) * float(scale), float(down) + int(y) * float(scale)),
                (
                    float(left) + (int(x) + int(length)) * float(scale),
                    float(down) + (int(y) + 1) * float(scale),
                ),
            ]
            box = [round(value * dots) for corner in corners for value in corner]
            brush.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], fill=0)
    photo = io.BytesIO()
    picture.save(photo, "PNG")
    assert join_parts(codes.read_image(photo.getvalue())) == WHOLE


def test_verify_reads_a_photo(reading: Any, montes: Secretary, trade: str, tmp_path: Path) -> None:
    sheet, photo = tmp_path / "sheet.png", tmp_path / "photo.jpg"
    montes.run("receipt", trade, "--paper", str(sheet))
    reading.open(sheet).convert("L").save(photo, "JPEG")
    assert verified(photo)["id"] == trade


def test_pictures_without_a_code_and_pictures_that_are_none_are_refused(reading: Any, tmp_path: Path) -> None:
    blank, other = io.BytesIO(), io.BytesIO()
    reading.new("L", (300, 300), 255).save(blank, "PNG")
    import segno

    segno.make("https://example.org", micro=False).save(other, kind="png", scale=5)
    for data in (blank.getvalue(), other.getvalue()):
        with pytest.raises(InputError, match="No code of a receipt"):
            codes.read_image(data)
    for data in (blank.getvalue()[:60], b"\xff\xd8\xff" + bytes(100), b"BM" + bytes(30), b"RIFF"):
        assert codes.is_image(data)
        with pytest.raises(InputError, match="cannot be read"):
            codes.read_image(data)
    long = io.BytesIO()
    reading.new("L", (70_000, 20), 255).save(long, "PNG")  # longer than what looks for codes takes
    with pytest.raises(InputError, match="cannot be read"):
        codes.read_image(long.getvalue())
    path = tmp_path / "photo.png"
    path.write_bytes(blank.getvalue())
    assert "No code of a receipt" in verify(path, status=2).stderr


def test_a_picture_that_would_fill_the_memory_is_refused(reading: Any) -> None:
    large = io.BytesIO()
    reading.new("1", (20_000, 20_000), 1).save(large, "PNG")
    assert len(large.getvalue()) < 1_000_000
    with pytest.raises(InputError, match="too large"):
        codes.read_image(large.getvalue())
