"""`trueque audit`: what a secretary reads of a home in order, in dispute, or not what was signed any more."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.findings import Findings
from ledger.log import Run
from ledger.records import Need
from ledger.sentences import MENDING, SENTENCES
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node import findings as words
from node import language
from node.cli import output, trueque

from ..support.communes import found as found_writer
from ..support.copies import Copy
from ..support.shared import CHECKOUT
from .conftest import Secretary

FLIPPED_FILES = 20
"""files with random bits turned over."""

FLIPS = 40
"""bits turned over in each."""


def copy_of(secretary: Secretary) -> Copy:
    """The ledger of a home, for somebody who has the file in their hands."""
    return Copy(secretary.home / "ledger.sqlite")


def findings(secretary: Secretary, *arguments: str, status: int) -> list[dict[str, Any]]:
    audit = json.loads(secretary.run("audit", *arguments, "--json", status=status).stdout)
    found: list[dict[str, Any]] = audit["findings"]
    return found


def one_line(result: Result) -> str:
    """Output without the ends of lines, which stand where there is room."""
    return " ".join(result.stdout.split())


def trade(montes: Secretary, valle: Secretary, received: str | None) -> str:
    """Los Montes says that it delivered 100 kg of maize, El Valle says how much arrived, if anything."""
    exchange = montes.sign("propose", "--to", "El Valle", "--give", "Maíz;100;kg")
    montes.tell(valle)
    valle.sign("accept", exchange)
    valle.tell(montes)
    montes.sign("deliver", exchange)
    montes.tell(valle)
    if received is not None:
        valle.sign("receive", exchange, "--quantity", received)
        valle.tell(montes)
    return exchange


# In order, open, disputed -----------------------------------------------------------------------


def test_a_home_in_order_is_told_to_be_in_order(montes: Secretary, valle: Secretary) -> None:
    trade(montes, valle, "100")
    result = montes.run("audit")
    assert result.stdout.splitlines()[-1] == (
        "Nothing was found: all that was checked is as it was signed, and nothing is missing or disputed."
    )
    assert result.stdout.startswith("Checked: communes 2, logs 2, entries 6, ")
    assert result.stderr == ""
    assert montes.run("audit", speaks="es").stdout.splitlines()[-1] == (
        "No se halló nada: todo lo que se revisó es tal como se firmó, y nada falta ni está en reclamo."
    )
    assert findings(montes, status=0) == []


def test_what_is_nobodys_fault_is_told_and_is_no_failure(montes: Secretary, valle: Secretary) -> None:
    trade(montes, valle, None)
    result = montes.run("audit", status=0)
    assert "To know: 1" in result.stdout
    assert "Los Montes says that 100 kg of “Maíz” changed hands, and El Valle has said" in one_line(result)
    assert result.stdout.splitlines()[-1].endswith("there is something to know.")


@pytest.mark.parametrize(
    ("speaks", "heading", "sentence", "verdict"),
    [
        (
            "en",
            "Warnings: 1",
            "Los Montes says it delivered 100 kg of “Maíz” to El Valle, which says it received 80.5 kg: they "
            "should talk it over.",
            "All that was checked is as it was signed; people should look at the warnings.",
        ),
        (
            "es",
            "Advertencias: 1",
            "Los Montes dice que entregó 100 kg de “Maíz” a El Valle, que dice que recibió 80,5 kg: conviene "
            "que lo conversen.",
            "Todo lo que se revisó es tal como se firmó; conviene mirar las advertencias.",
        ),
    ],
)
def test_two_sides_that_disagree_are_a_warning_in_both_languages(
    montes: Secretary, valle: Secretary, speaks: str, heading: str, sentence: str, verdict: str
) -> None:
    trade(montes, valle, "80.5")
    for home in (montes, valle):
        result = home.run("audit", status=1, speaks=speaks)
        assert result.stdout.splitlines()[0] == heading
        assert sentence in one_line(result)
        assert result.stdout.splitlines()[-1] == verdict


def test_every_finding_says_where_to_look_in_words_that_other_commands_take(
    montes: Secretary, valle: Secretary
) -> None:
    exchange = trade(montes, valle, "80.5")
    told = one_line(montes.run("audit", status=1))
    place = re.search(r"exchange (\w+), log (\w+), entry (\d+)", told)
    assert place is not None
    assert montes.json("exchanges", place[1])[0]["id"] == exchange
    entries = montes.json("log", place[2])
    assert entries[int(place[3])]["id"] == exchange


# No longer what was signed ----------------------------------------------------------------------


def test_a_content_that_somebody_changed_is_an_error_at_its_entry(
    montes: Secretary, valle: Secretary
) -> None:
    offer = montes.sign("offer", "Maíz")
    montes.sign("offer", "Clavos")
    (place,) = copy_of(montes).ask("SELECT place FROM entry WHERE leaf = ?", bytes.fromhex(offer))[0]
    copy_of(montes).tamper("UPDATE entry SET payload = x'00' WHERE place = ?", place)
    (found,) = findings(montes, status=1)
    assert (found["code"], found["severity"], found["index"]) == ("entry-altered", "error", 1)
    assert found["commune"] == montes.commune
    result = montes.run("audit", status=1)
    assert "Errors: 1" in result.stdout
    assert "The content of entry 1 of Los Montes is not what was signed" in one_line(result)
    assert one_line(result).endswith(MENDING)
    spanish = one_line(montes.run("audit", status=1, speaks="es"))
    assert "El contenido del asiento 1 de Los Montes no es el que se firmó" in spanish
    assert "restaure un respaldo en otra carpeta" in spanish


def test_a_stretch_of_entries_that_somebody_deleted_is_one_finding(montes: Secretary) -> None:
    sierra = found_writer("La Sierra")
    for title in ("Maíz", "Clavos", "Tejas"):
        sierra.say(Need, category="other", title=title)
    copy = copy_of(montes).take(sierra, step=4)
    for index in (1, 2):
        copy.tamper("DELETE FROM entry WHERE place = ?", copy.place(sierra, index))
    told = one_line(montes.run("audit", status=1))
    assert "Entries 1 to 2 of La Sierra are missing from this copy: somebody deleted them." in told
    assert f"log {sierra.log.hex()[:12]}, entries 1 to 2" in told


def test_details_are_told_in_the_language_that_is_spoken(montes: Secretary) -> None:
    copy_of(montes).tamper("UPDATE branch SET root = zeroblob(32)")
    assert "signatures (the hash of the whole)." in one_line(montes.run("audit", status=1))
    assert "firmas (la huella del conjunto)." in one_line(montes.run("audit", status=1, speaks="es"))


def test_a_fork_is_not_the_fault_of_this_copy(montes: Secretary) -> None:
    """So nobody is told to restore a backup because a neighbour signed two histories."""
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        for run in forked_runs():
            store.ingest(run)
    told = one_line(montes.run("audit", status=1))
    assert "La Sierra has signed two histories that differ from entry 1 on" in told
    assert MENDING not in told


def forked_runs() -> Iterator[Run]:
    sierra = found_writer("La Sierra")
    twin = sierra.twin()
    for writer, title in ((sierra, "Maíz"), (twin, "Sal")):
        writer.say(Need, category="food-grain", title=title)
        yield writer.run()


# One commune ------------------------------------------------------------------------------------


def test_of_one_commune_only_what_concerns_it_is_told(montes: Secretary, valle: Secretary) -> None:
    offer = montes.sign("offer", "Maíz")
    montes.tell(valle)
    (place,) = copy_of(valle).ask("SELECT place FROM entry WHERE leaf = ?", bytes.fromhex(offer))[0]
    copy_of(valle).tamper("UPDATE entry SET payload = x'00' WHERE place = ?", place)
    assert [row["code"] for row in findings(valle, status=1)] == ["entry-altered"]
    assert [row["code"] for row in findings(valle, "Los Montes", status=1)] == ["entry-altered"]
    result = valle.run("audit", "El Valle")
    assert result.stdout.startswith("Checked: communes 1, logs 1, entries 1, ")
    assert "all that was checked is as it was signed" in result.stdout
    assert json.loads(valle.run("audit", "El Valle", "--json").stdout)["commune"] == valle.commune


def test_an_exchange_concerns_all_its_parties_and_nobody_else(montes: Secretary, valle: Secretary) -> None:
    sierra = found_writer("La Sierra")
    with Store(montes.home / "ledger.sqlite", "ensayo") as store:
        store.ingest(sierra.run())
    trade(montes, valle, "80.5")
    assert [row["code"] for row in findings(montes, "El Valle", status=1)] == ["sides-disagree"]
    assert findings(montes, "La Sierra", status=0) == []


def test_a_commune_that_is_not_known_is_refused(montes: Secretary) -> None:
    assert montes.refused("audit", "La Luna") == (
        "No commune called 'La Luna' is known here: `trueque communes` lists them."
    )


def test_an_empty_folder_has_nothing_to_audit(places: Path) -> None:
    assert Secretary("nobody", places / "nothing").refused("audit")


# JSON -------------------------------------------------------------------------------------------


def test_json_is_the_same_in_every_language_and_holds_what_sentences_are_filled_with(
    montes: Secretary, valle: Secretary
) -> None:
    exchange = trade(montes, valle, "80.5")
    english, spanish = (
        montes.run("audit", "--json", status=1, speaks=speaks).stdout for speaks in ("en", "es")
    )
    assert english == spanish
    audit = json.loads(english)
    assert (audit["network"], audit["commune"]) == ("ensayo", None)
    (finding,) = audit["findings"]
    assert finding["exchange"] == exchange
    assert finding["fields"]["got"] == {"number": "80.5", "unit": "kg"}
    assert finding["sentence"] == SENTENCES["sides-disagree"].one.format(
        giver="Los Montes", given="100 kg", title="Maíz", receiver="El Valle", got="80.5 kg"
    )
    assert audit["checked"]["exchanges"] == 1


# Damage -----------------------------------------------------------------------------------------


def audit_of(home: Path) -> Result:
    """Audit a home, whatever comes of it; a fault of the program would be shown as it is."""
    result = CliRunner().invoke(trueque, ["audit", "--home", str(home)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
    else:
        assert result.stdout.splitlines()[-1]
    return result


@pytest.fixture
def busy(montes: Secretary, valle: Secretary, places: Path) -> Path:
    """A home with something of everything, its file whole and by itself."""
    trade(montes, valle, "80.5")
    for number in range(20):
        montes.sign("offer", "Maíz", "--quantity", str(number + 1), "--unit", "kg", "--note", "x" * 400)
    montes.run("erase", montes.sign("need", "Sal"), "--reason", "Prueba", "--yes")
    copy_of(montes).ask("PRAGMA wal_checkpoint(TRUNCATE)")
    return montes.home


def test_a_page_that_is_destroyed_is_found_or_refused(busy: Path, places: Path) -> None:
    ((size,),) = Copy(busy / "ledger.sqlite").ask("PRAGMA page_size")
    data = (busy / "ledger.sqlite").read_bytes()
    spoiled = shutil.copytree(busy, places / "spoiled")
    statuses = set()
    for start in range(0, len(data), size):
        page = bytearray(data)
        page[start : start + 8] = b"\xff" * 8
        (spoiled / "ledger.sqlite").write_bytes(page)
        statuses.add(audit_of(spoiled).exit_code)
    assert statuses == {1, 2}


def test_bits_turned_over_anywhere_never_end_in_a_fault_of_the_program(busy: Path, places: Path) -> None:
    data = (busy / "ledger.sqlite").read_bytes()
    spoiled = shutil.copytree(busy, places / "spoiled")
    rng = Random(20_301_231)
    for _ in range(FLIPPED_FILES):
        flipped = bytearray(data)
        for _ in range(FLIPS):
            flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        (spoiled / "ledger.sqlite").write_bytes(flipped)
        assert audit_of(spoiled).exit_code in (1, 2)


def test_a_schema_that_cannot_be_read_as_text_is_told_as_damage(busy: Path, places: Path) -> None:
    """SQLite quotes it in its message, which then is no text."""
    data = (busy / "ledger.sqlite").read_bytes()
    spoiled = shutil.copytree(busy, places / "spoiled")
    for found in re.finditer(b"by_commune", data):
        flipped = bytearray(data)
        flipped[found.start()] = 0xE2
        (spoiled / "ledger.sqlite").write_bytes(flipped)
        assert audit_of(spoiled).exit_code in (1, 2)


def test_a_file_cut_short_is_found_or_refused(busy: Path, places: Path) -> None:
    data = (busy / "ledger.sqlite").read_bytes()
    spoiled = shutil.copytree(busy, places / "spoiled")
    for count in (0, 50, 4_096, len(data) // 2, len(data) - 4_096):
        (spoiled / "ledger.sqlite").write_bytes(data[:count])
        assert audit_of(spoiled).exit_code in (1, 2)


# How it is shown --------------------------------------------------------------------------------


def test_progress_goes_to_standard_error_and_leaves_the_output_as_it_is(
    montes: Secretary, valle: Secretary
) -> None:
    trade(montes, valle, "80.5")
    quiet = montes.run("audit", "--json", status=1).stdout
    terminal, screen = os.openpty()
    started = subprocess.run(
        [
            sys.executable, "-c", "from node.cli import main; main()",
            "--language", "en", "audit", "--json", "--home", str(montes.home),
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=screen, cwd=CHECKOUT, check=False,
    )  # fmt: skip
    os.close(screen)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert started.returncode == 1
    assert started.stdout.decode() == quiet
    assert "Auditing" in shown


@pytest.mark.parametrize("speaks", ["en", "es"])
def test_in_a_narrow_terminal_lines_are_broken_between_words(
    montes: Secretary, valle: Secretary, monkeypatch: pytest.MonkeyPatch, speaks: str
) -> None:
    trade(montes, valle, "80.5")
    wide = montes.run("audit", status=1, speaks=speaks)
    monkeypatch.setattr(output, "_width", lambda: 60)
    narrow = montes.run("audit", status=1, speaks=speaks)
    assert max(map(len, narrow.stdout.splitlines())) <= 60
    assert one_line(narrow) == one_line(wide)


def test_what_somebody_wrote_cannot_trick_the_terminal(montes: Secretary) -> None:
    """Neither what a table shows nor what a refusal says; an erasure's reason can be anything in a ledger."""
    need = bytes.fromhex(montes.sign("need", "Sal"))
    with Reader(montes.home / "ledger.sqlite") as reader, Store(reader.path, reader.network) as store:
        row = reader.entry(need)
        store.erase(row.log, row.index, row.id, 1_700_000_000_000, "one\u2066two\x1b[2J")
    assert "one\ufffdtwo\ufffd[2J" in montes.run("audit").stdout
    assert "one\ufffdtwo\ufffd[2J" in montes.refused("accept", need.hex())
    assert "'\ufffd[2J' is not an id" in montes.refused("accept", "\x1b[2J")


@pytest.mark.parametrize("speaks", ["en", "es"])
@pytest.mark.parametrize("code", SENTENCES)
def test_every_sentence_can_be_told_in_every_language(code: str, speaks: str) -> None:
    """With all the fields that any has, since which a code has is the ledger's story."""
    language.use(speaks)
    sentence = SENTENCES[code]
    names = set(re.findall(r"\{(\w+)\}", sentence.one + (sentence.many or "")))
    for last in (None, 9) if sentence.many else (None,):
        collected = Findings()
        fields: dict[str, Any] = {name: f"<{name}>" for name in names}
        collected.add(code, None, 4, last, **fields)
        (finding,) = collected.finished(lambda log: None, lambda log: "")
        told = words.sentence_of(finding)
        wanted = set(re.findall(r"\{(\w+)\}", finding.template))
        assert {f"<{name}>" for name in wanted} == set(re.findall(r"<\w+>", told))
        assert (told == finding.sentence) == (speaks == "en")
