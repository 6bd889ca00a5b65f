"""The side by side run (`tests/benchmarks/peers`): table, corpora, sides, and all of it on a tiny corpus."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.records import Offer, Quantity, to_payload

from .benchmarks.peers import packages
from .benchmarks.peers.__main__ import main
from .benchmarks.peers.corpora import long_log, payload_text, short_logs
from .benchmarks.peers.course import Course, works
from .benchmarks.peers.packages import Unavailable
from .benchmarks.peers.sides import Side, SideFailed
from .benchmarks.peers.table import (
    FIGURES,
    SYSTEMS,
    Results,
    as_markdown,
    as_text,
    failures,
    ratio,
    rows,
    summary,
)
from .support.shared import CHECKOUT

MEASURED: Results = {
    "one log of 10": {
        "rate": {"ours": [300.0, 100.0, 200.0], "hypercore": [50.0, 40.0, 60.0], "ssb": [10.0, 10.0, 10.0]},
        "disk": {"ours": [400.0], "hypercore": [300.0], "ssb": ["it ended with -9", "it ended with -9"]},
    }
}


# The table --------------------------------------------------------------------------------------


def test_a_summary_is_median_least_and_most_of_what_was_measured() -> None:
    found = summary([3.0, 1.0, 2.0])
    assert (found.median, found.least, found.most, found.failures) == (2.0, 1.0, 3.0, ())


def test_a_failed_try_counts_neither_as_a_number_nor_as_nothing() -> None:
    found = summary([4.0, "it took too long", 2.0])
    assert (found.median, found.failures) == (3.0, ("it took too long",))
    assert summary(["it took too long"]).median is None
    assert summary([]).failures == ("it was not measured",)


@pytest.mark.parametrize(("name", "expected"), [("rate", 2.0), ("bytes", 0.5)])
def test_a_ratio_above_one_means_that_trueque_is_better(name: str, expected: float) -> None:
    assert ratio(summary([200.0]), summary([100.0]), FIGURES[name]) == expected


def test_there_is_no_ratio_to_what_failed() -> None:
    for ours, theirs in ((["no"], [1.0]), ([1.0], ["no"])):
        assert ratio(summary(ours), summary(theirs), FIGURES["rate"]) is None
        assert ratio(summary(ours), summary(theirs), FIGURES["disk"]) is None


def test_a_row_names_whom_trueque_is_behind() -> None:
    rate, disk = rows(MEASURED)
    assert rate.ratios == {"hypercore": 4.0, "ssb": 20.0}
    assert (rate.behind, disk.behind) == ([], ["hypercore"])
    assert disk.ratios == {"hypercore": 0.75, "ssb": None}


def test_the_table_shows_medians_spreads_ratios_and_failures() -> None:
    table = rows(MEASURED)
    head, rate, disk = as_text(table).splitlines()
    assert all(name in head for name in SYSTEMS.values())
    assert "200 (100–300)" in rate
    assert "4.0×" in rate
    assert "0.8× behind" in disk
    assert "failed" in disk
    assert failures(table) == ["Scuttlebutt, one log of 10: it ended with -9"]


def test_the_table_for_a_page_has_as_many_cells_in_every_line() -> None:
    lines = as_markdown(rows(MEASURED)).splitlines()
    assert {line.count("|") for line in lines} == {len(SYSTEMS) + 5}


# What each is given -----------------------------------------------------------------------------


def test_a_message_is_as_long_as_the_entry_and_says_what_it_says() -> None:
    offer = Offer(at=1, category="food-grain", title="Maíz de aquí", quantity=Quantity(5, 0, "kg"))
    payload = to_payload(offer)
    text = payload_text(payload)
    content = json.dumps({"type": "entry", "text": text}, ensure_ascii=False, separators=(",", ":"))
    assert len(content.encode()) == len(payload)
    assert "food-grain" in text


def test_all_three_get_the_same_entries(tmp_path: Path) -> None:
    for made, logs in ((long_log(tmp_path / "long", 100), 1), (short_logs(tmp_path / "short", 3), 3)):
        for path in (made.hypercore, made.ssb):
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            assert sum(len(line["entries"]) for line in lines) == made.entries
            assert {line["log"] for line in lines} == set(range(logs))


# What is missing --------------------------------------------------------------------------------


def test_without_node_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main([str(tmp_path / "scratch")]) == 1
    said = capsys.readouterr().err
    assert "install Node.js" in said
    assert "Traceback" not in said


def _programs(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Have nothing but these programs on the path."""
    folder.mkdir()
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_node_that_is_too_old_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _programs(tmp_path / "bin", monkeypatch, node="echo v14.21.3")
    with pytest.raises(Unavailable, match=r"v14\.21\.3"):
        packages.node()


def test_without_a_network_a_sentence_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = "echo 'npm error code EAI_AGAIN' >&2; exit 1"
    _programs(tmp_path / "bin", monkeypatch, npm=npm)
    with pytest.raises(Unavailable, match="no network") as refused:
        packages.install("ssb", tmp_path / "ssb")
    assert "ssb-db2@8.1.0" in str(refused.value)


def test_what_is_installed_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, version in packages.PACKAGES["hypercore"].items():
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"version": version}))
    monkeypatch.setenv("PATH", "")
    packages.install("hypercore", tmp_path)


def test_nothing_is_put_into_the_checkout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(CHECKOUT / "scratch")]) == 2
    assert not (CHECKOUT / "scratch").exists()
    assert "checkout" in capsys.readouterr().err


# Sides ------------------------------------------------------------------------------------------


async def _side(tmp_path: Path, script: str) -> Side:
    return await Side.started("It", [sys.executable, "-c", script], {}, tmp_path / "journal")


def test_a_side_that_dies_is_a_failure_with_its_last_words(tmp_path: Path) -> None:
    async def story() -> None:
        side = await _side(tmp_path, "import sys; sys.exit('the disk is full')")
        with pytest.raises(SideFailed, match="the disk is full"):
            await side.ask("serve", 30)
        await side.kill()

    asyncio.run(story())


def test_a_side_that_does_not_answer_is_a_failure_and_is_killed(tmp_path: Path) -> None:
    async def story() -> None:
        side = await _side(tmp_path, "import time; print('chatter', flush=True); time.sleep(600)")
        with pytest.raises(SideFailed, match="has not answered"):
            await side.ask("serve", 0.2)
        await side.kill()
        assert not Path(f"/proc/{side.pid}").exists()

    asyncio.run(story())


def test_a_side_that_says_what_failed_is_a_failure(tmp_path: Path) -> None:
    async def story() -> None:
        side = await _side(tmp_path, 'input(); print(\'= {"failed": "no such log"}\', flush=True); input()')
        with pytest.raises(SideFailed, match="no such log"):
            await side.ask("add", 30)
        await side.kill()

    asyncio.run(story())


def test_our_side_ends_when_nobody_can_ask_any_more(tmp_path: Path) -> None:
    """Whoever started it may have been killed while it waits for entries that will never come."""
    side = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.peers.ours"],
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert side.stdin is not None
    assert side.stdout is not None
    for request in (
        {"do": "open", "folder": str(tmp_path), "known": str(tmp_path / "none")},
        {"do": "receive", "port": 9, "entries": 1},
    ):
        side.stdin.write(json.dumps(request).encode() + b"\n")
        side.stdin.flush()
    assert json.loads(side.stdout.readline().removeprefix(b"= ")) == {"entries": 0}
    side.stdin.close()
    assert side.wait(60) == 1
    side.stdout.close()


# All of it --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_ours_runs_the_whole_course_and_what_theirs_could_not_do_stands_as_failed(tmp_path: Path) -> None:
    """In the place of Node.js stands a program that ends at once."""
    false = shutil.which("false")
    assert false is not None
    course = Course(tmp_path / "work", tmp_path / "packages", false, 60, lambda _: None)
    asyncio.run(course.run(works(long=(100,), short=3), 1))

    table = rows(course.results)
    assert len(table) == 12
    for row in table:
        median = row.summaries["ours"].median
        assert median is not None
        assert median > 0
        assert row.ratios == {"hypercore": None, "ssb": None}
    assert len(failures(table)) == 4
    assert list((tmp_path / "work").iterdir()) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_command_measures_all_three_on_a_small_corpus(tmp_path: Path) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js with npm is not installed here, and theirs run on nothing else")
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.peers", str(tmp_path / "scratch"), "--quick", "--json"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "no network" in done.stderr:
        pytest.skip("npm reaches no network here, and theirs cannot be fetched")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert {row.work for row in rows(results)} == set(results)
    assert all(found.median for row in rows(results) for found in row.summaries.values())
    assert not (tmp_path / "scratch" / "work").exists()
