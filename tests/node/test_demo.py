"""The demonstration: five communes, tables of trades, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ledger.errors import MoveRefused
from node import language
from node.cli import trueque
from node.demo import cues, network
from node.demo import trades as tables
from node.demo.communes import five_communes
from node.demo.lodging import ways
from node.demo.network import Network
from node.demo.story import COMMUNE, Act, Member, Story
from node.demo.trades import ACTS, AT_ONCE, read_trades, story_of
from node.errors import InputError
from node.limits import MAX_DEMO_BYTES, MAX_DEMO_COMMUNES
from node.settings import read_settings

from ..support.nodes import START
from ..support.shared import CHECKOUT, shared_path
from ..support.valueflows import check_graph
from .test_reference import check

HEADING = "time,giver,receiver,gives,returns,amount"
FOUR = f"""\
{HEADING}
2026-03-02T10:00:00Z,La Ceiba,El Valle,Maíz,Transporte,12.5
2026-03-01T08:00:00Z,El Valle,Los Montes,Shop,Food/Water,3
2026-03-03T09:30:00Z,Los Montes,La Ceiba,Café,Costura,1
2026-03-03T09:31:00Z,Bahía,La Ceiba,Pescado,Café,20
2026-03-04T07:00:00Z,El Valle,La Ceiba,Transporte,Maíz,4.25
2026-03-05T07:00:00Z,Los Montes,Bahía,@algo,=1+1,2
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "trades.csv"
    path.write_text(FOUR, encoding="utf-8")
    return path


# Stories ------------------------------------------------------------------------------------------


def check_story(story: Story) -> None:
    """Every act is one's own, named once, and can be done at some time."""
    names = {member.name for member in story.members}
    assert len(names) == len(story.members)
    held = {COMMUNE + name for name in names}
    waiting = list(story.acts)
    assert len({act.label for act in waiting}) == len(waiting)
    while waiting:
        able = [act for act in waiting if act.needs <= held]
        assert able, [act.label for act in waiting]
        assert {act.who for act in able} <= names
        held |= {act.label for act in able}
        waiting = [act for act in waiting if act.label not in held]


def test_the_story_of_the_five_communes_can_be_told_to_its_end() -> None:
    story = five_communes()
    check_story(story)
    assert len(story.members) == 5


def test_a_table_of_trades_becomes_a_story_of_eight_acts_each(table: Path) -> None:
    trades, bad = read_trades(table)
    assert not bad
    story = story_of(trades)
    check_story(story)
    assert len(story.acts) == ACTS * 6
    assert {member.name for member in story.members} == {"La Ceiba", "El Valle", "Los Montes", "Bahía"}


def test_trades_are_told_in_the_order_of_their_times(table: Path) -> None:
    trades, _ = read_trades(table)
    assert [trade.line for trade in trades] == [3, 2, 4, 5, 6, 7]


def test_either_side_proposes_in_its_turn(table: Path) -> None:
    acts = story_of(read_trades(table)[0]).acts
    proposals = [act for act in acts if act.kind == "propose"]
    givers = [act.who for act in acts if act.kind == "offer"]
    assert [act.who == giver for act, giver in zip(proposals, givers, strict=True)] == [False, True] * 3


def test_two_communities_have_few_trades_under_way_at_once(tmp_path: Path) -> None:
    rows = [f"2026-03-01T08:00:{second:02},Uno,Dos,a,b,1" for second in range(3 * AT_ONCE)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join([HEADING, *rows]))
    story = story_of(read_trades(path)[0])
    check_story(story)
    held = {COMMUNE + "Uno", COMMUNE + "Dos"}
    able = [act for act in story.acts if act.needs <= held]
    assert Counter(act.kind for act in able) == {"need": AT_ONCE, "offer": AT_ONCE}


@pytest.mark.parametrize("count", [*range(2, 16), 42, MAX_DEMO_COMMUNES])
def test_each_pair_of_nodes_is_linked_once_and_all_hang_together(count: int, tmp_path: Path) -> None:
    story = Story(tuple(Member(f"C{number}") for number in range(count)), ())
    opened = Network(story, tmp_path, 1)
    for number, (name, lodging) in enumerate(opened.lodgings.items()):
        opened.lodgings[name] = dataclasses.replace(lodging, peers=number + 1)
    pairs = [
        frozenset((opened.lodgings[name].peers, port))
        for name, ports in ways(opened.lodgings).items()
        for port in ports
    ]
    assert len(set(pairs)) == len(pairs)
    links = Counter(port for pair in pairs for port in pair)
    assert len(links) == count
    assert max(links.values()) <= 8
    reached, more = {1}, True
    while more:
        more = bool(found := {port for pair in pairs if pair & reached for port in pair} - reached)
        reached |= found
    assert len(reached) == count


# Bad tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2026-03-01,Uno,Dos,a,b", "it has 5 fields and not 6"),
        ("2026-03-01,Uno,Dos,a,b,1,2", "it has 7 fields and not 6"),
        ("ayer,Uno,Dos,a,b,1", "'ayer' is no time: write it like 2020-01-27T06:10:27Z."),
        ("2026-03-01,Uno,Uno,a,b,1", "Uno cannot trade with itself: name another community."),
        ("2026-03-01,,Dos,a,b,1", "'giver' is empty: fill it in, or leave it out."),
        ("2026-03-01,Uno,Dos,a,  ,1", "'returns' is empty: fill it in, or leave it out."),
        ("2026-03-01,Uno,Dos,a,b,0", "A quantity is more than zero"),
        ("2026-03-01,Uno,Dos,a,b,-3", "'-3' is not a quantity"),
        ("2026-03-01,Uno,Dos,a,b,much", "'much' is not a quantity"),
        ("2026-03-01,Uno,Dos,a,b,1.0000001", "'1.0000001' has more than 6 decimals"),
        (f"2026-03-01,{'U' * 121},Dos,a,b,1", "'giver' has more than 120 characters"),
        ("2026-03-01,Uno,Dos,a\x07,b,1", ""),
        ('2026-03-01,Uno,Dos,"a\nb",b,1', "'gives' has to be one line: change it."),
    ],
)
def test_a_bad_row_is_named_with_its_reason(row: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(f"{HEADING}\n2026-03-01,Uno,Dos,a,b,1\n{row}\n", encoding="utf-8", newline="")
    trades, bad = read_trades(path)
    assert len(trades) == 1
    assert [one.line for one in bad] == [3 + row.count("\n")]
    assert str(bad[0].reason).startswith(reason)
    assert str(bad[0].reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "first line"),
        (b"giver,receiver\nUno,Dos\n", "first line"),
        (b"\xff\xfe\x00t", "UTF-8"),
        (HEADING.encode() + b'\n2026-03-01,"Uno,Dos,a,b,1\n', "quotes"),
        (b"a" * (MAX_DEMO_BYTES + 1), "too long"),
    ],
)
def test_what_is_no_table_of_trades_is_refused(data: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "none.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match=reason):
        read_trades(path)


def test_a_table_with_too_many_communities_is_refused(tmp_path: Path) -> None:
    rows = [f"2026-03-01,C{number},D{number},a,b,1" for number in range(MAX_DEMO_COMMUNES)]
    path = tmp_path / "many.csv"
    path.write_text("\n".join([HEADING, *rows]))
    with pytest.raises(InputError, match="at most"):
        story_of(read_trades(path)[0])


def test_a_table_without_trades_is_refused() -> None:
    with pytest.raises(InputError, match="no trade"):
        story_of([])


def test_the_columns_may_stand_in_any_order_and_behind_a_mark_of_their_encoding(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text(
        "amount, giver,receiver,gives,returns,time\n2,Uno,Dos,a,b,2026-03-01\n\n", encoding="utf-8-sig"
    )
    trades, bad = read_trades(path)
    assert not bad
    assert trades == [tables.Trade(2, "2026-03-01", "Uno", "Dos", "a", "b", "2")]


def test_bad_rows_are_told_before_anything_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    path = tmp_path / "bad.csv"
    path.write_text(f"{HEADING}\nayer,Uno,Dos,a,b,1\n2026-03-01,Uno,Uno,a,b,1\n")
    for speaks, line in (("en", "Line 2: 'ayer' is no time"), ("es", "Línea 2: «ayer» no es")):
        result = CliRunner().invoke(trueque, ["--language", speaks, "demo", "--trades", str(path)])
        assert result.exit_code == 2
        told = result.stderr.splitlines()
        assert len(told) == 3
        assert told[0].startswith(line)
    assert [each.name for each in tmp_path.iterdir()] == ["bad.csv"]
    language.use("en")


# Networks -----------------------------------------------------------------------------------------


class Demo:
    """The command in a process of its own; all folders that it may know of are the test's."""

    def __init__(self, folder: Path, *options: str, cwd: Path | None = None) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir(exist_ok=True)
        self.home = folder / "somebody"
        self.home.mkdir(exist_ok=True)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TRUEQUE_"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", START, "demo", "--json", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={
                **environment,
                "PYTHONPATH": str(CHECKOUT),
                "HOME": str(self.home),
                "TMPDIR": str(self.temporary),
                "LC_ALL": "C.UTF-8",
            },
        )

    def told(self) -> Any:
        """What it prints once it is ready."""
        assert self.process.stdout is not None
        text = ""
        for line in self.process.stdout:
            text += line
            if line == "}\n":
                return json.loads(text)
        raise AssertionError(self.process.communicate()[1])

    @property
    def houses(self) -> list[int]:
        """The processes that it has started."""
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except OSError:
                continue  # it has ended meanwhile
            if int(text.rpartition(")")[2].split()[1]) == self.process.pid:
                found.append(int(path.parent.name))
        return found

    def left(self) -> list[str]:
        """What is left in the folders that it may know of."""
        return sorted(
            str(path.relative_to(folder))
            for folder in (self.temporary, self.home)
            for path in folder.iterdir()
        )


@contextmanager
def demo_of(folder: Path, *options: str, cwd: Path | None = None) -> Iterator[Demo]:
    demo = Demo(folder, *options, cwd=cwd)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.process.communicate()


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def heard_at(pid: int) -> list[str]:
    """The addresses at which a process listens, in the hexadecimal of the system."""
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
    own = {link[8:-1] for link in links if link.startswith("socket:[")}
    found = []
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in own:
                found.append(fields[1].partition(":")[0])
    return found


def test_all_trades_of_a_table_are_replayed_and_nothing_is_left(table: Path, tmp_path: Path) -> None:
    with demo_of(tmp_path, "--trades", str(table)) as demo:
        told = demo.told()
        assert demo.process.wait(60) == 0
    measured = told["measured"]
    check(told, "Demonstration")
    check(measured, "Replay")
    assert len(told["communes"]) == measured["alike"] == measured["clean"] == 4
    assert measured["processes"] == 2
    assert measured["fulfilled"] == measured["trades"] == 6
    assert measured["entries"] == 4 + ACTS * 6
    assert set(measured["audits"].values()) == {None}
    assert measured["links"] <= 8
    assert measured["bytes"] > 0
    assert demo.left() == []


def test_the_five_communes_have_pages_until_ctrl_c(tmp_path: Path) -> None:
    with demo_of(tmp_path) as demo:
        told = demo.told()
        houses = demo.houses
        assert houses
        heard = [address for house in houses for address in heard_at(house)]
        assert heard == ["0100007F"] * 10  # pages and peers of five nodes, on 127.0.0.1 alone
        for row in told["communes"]:
            with urllib.request.urlopen(row["page"]) as page:
                assert row["name"] in page.read().decode()
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 0
        assert [pid for pid in houses if is_there(pid)] == []
        assert demo.left() == []


def test_what_is_kept_can_be_looked_at_and_run_again(table: Path, tmp_path: Path) -> None:
    with demo_of(tmp_path, "--trades", str(table), "--keep") as demo:
        told = demo.told()
        with urllib.request.urlopen(told["communes"][0]["page"]) as page:
            assert page.status == 200
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(30) == 0
    homes = [Path(row["home"]) for row in told["communes"]]
    assert len({read_settings(home / "config.toml").people_port for home in homes}) == 4
    for home in homes:
        result = CliRunner().invoke(trueque, ["audit", "--json", "--home", str(home)])
        assert result.exit_code == 0
        assert json.loads(result.stdout)["checked"]["entries"] == told["measured"]["entries"]


def test_no_process_outlives_a_demonstration_that_was_killed(tmp_path: Path) -> None:
    with demo_of(tmp_path) as demo:
        demo.told()
        houses = demo.houses
        demo.process.kill()
        demo.process.wait(10)
        until = time.monotonic() + 30
        while any(map(is_there, houses)):
            assert time.monotonic() < until
            time.sleep(0.05)


def test_ctrl_c_amid_a_replay_leaves_nothing(tmp_path: Path) -> None:
    rows = [f"2026-03-01T08:{minute:02},Uno,Dos,a,b,1" for minute in range(60)]
    path = tmp_path / "long.csv"
    path.write_text("\n".join([HEADING, *rows]))
    with demo_of(tmp_path, "--trades", str(path)) as demo:
        until = time.monotonic() + 30
        while len(houses := demo.houses) < 2:
            assert time.monotonic() < until
            time.sleep(0.02)
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(30) == 130
        assert [pid for pid in houses if is_there(pid)] == []
        assert demo.left() == []


def test_a_demonstration_says_that_a_process_of_it_has_ended(tmp_path: Path) -> None:
    with demo_of(tmp_path) as demo:
        demo.told()
        for house in demo.houses:
            os.kill(house, signal.SIGKILL)
        assert demo.process.wait(30) == 2
        assert demo.process.stderr is not None
        assert "A process of the demonstration has ended" in demo.process.stderr.read()
        assert demo.left() == []


def test_what_is_in_the_folder_where_somebody_stands_is_not_run(tmp_path: Path) -> None:
    """There are other things called node, and not all of them are harmless."""
    folder = tmp_path / "node"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise SystemExit('this is another node')")
    with demo_of(tmp_path, cwd=folder.parent) as demo:
        assert len(demo.told()["communes"]) == 5


async def measured_with(story: Story, folder: Path, *, missing: int = 0) -> dict[str, cues.Holding]:
    async with Network.open(story, folder, 2) as opened:
        await opened.start()
        await opened.play(lambda done, total: None)
        opened.entries += missing
        return await opened.settle(lambda done, total: None)


def test_what_the_rules_refuse_ends_a_demonstration_with_the_sentence(tmp_path: Path) -> None:
    need = Act("need", "Uno", "need", fields={"title": "Clavos"})
    story = Story((Member("Uno"), Member("Dos")), (need, Act("gone", "Dos", "withdraw", "need")), True)
    with pytest.raises(MoveRefused, match="belongs to another commune"):
        asyncio.run(measured_with(story, tmp_path))


def test_nodes_that_never_hold_the_same_are_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "DEMO_STALL_SECONDS", 5.0)
    need = Act("need", "Uno", "need", fields={"title": "Clavos"})
    story = Story((Member("Uno"), Member("Dos")), (need,), True)
    found = asyncio.run(measured_with(story, tmp_path, missing=1))
    assert sorted(found) == ["Dos", "Uno"]
    assert network.Outcome(found, {}, 0).alike == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_trades_of_forty_two_communities_end_in_equal_ledgers_and_clean_audits(tmp_path: Path) -> None:
    path = shared_path("data/trades.csv")
    with demo_of(tmp_path, "--trades", str(path), "--keep") as demo:
        told = demo.told()
        demo.process.send_signal(signal.SIGTERM)
        assert demo.process.wait(60) == 0
    measured = told["measured"]
    assert measured["alike"] == measured["clean"] == 42
    assert measured["fulfilled"] == measured["trades"] == 593
    graphs = {_graph(Path(row["home"]), tmp_path / "graph.json") for row in told["communes"]}
    assert len(graphs) == 1
    graph = json.loads(graphs.pop())
    check_graph(graph)
    assert sum(node["@type"] == "Agreement" for node in graph["@graph"]) == 593


def _graph(home: Path, file: Path) -> bytes:
    """All that a home holds, as Valueflows."""
    asked = ["export", "--format", "valueflows", "--all", "--out", str(file), "--home", str(home)]
    result = CliRunner().invoke(trueque, asked)
    assert result.exit_code == 0, result.output
    return file.read_bytes()
