"""`demo`: a whole network on this computer, to look at, or to replay trades and measure.

Decides what is shown of it, how long it goes on, and what is left of it. The
network itself is `node.demo`'s.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from .. import language, wording
from ..errors import InputError
from ..language import gettext as _
from . import output
from .desk import Desk
from .group import DONE, FOUND, INTERRUPTED
from .options import COUNT, command, option

if TYPE_CHECKING:
    from ..demo.network import Network, Outcome
    from ..demo.story import Story

SHOWN_BAD: Final = 20
"""rows of a table that are named; the next ones are wrong in the same way, mostly."""

PROCESSES: Final = 2
"""processes at the least in which trades are replayed."""

MAX_PROCESSES: Final = 8
"""processes at the most, where nobody says how many and there are as many processors."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be done: `trades` is how many are replayed, 0 for the five communes; `keep` leaves homes."""

    folder: Path
    processes: int
    trades: int
    keep: bool

    @property
    def stays(self) -> bool:
        """Whether it goes on until it is stopped."""
        return self.keep or not self.trades


@command("demo")
@option(
    "--trades",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    metavar="FILE",
    help="Table of trades to replay: CSV with time,giver,receiver,gives,returns,amount.",
)
@option("--keep", is_flag=True, help="Leave the homes in their folder; after trades, go on until Ctrl-C.")
@option(
    "--processes",
    type=COUNT,
    metavar="NUMBER",
    help="Processes for the nodes; else one, and for trades as many as there are processors, from 2 to 8.",
)
def demo(desk: Desk, trades: Path | None, keep: bool, processes: int | None) -> int:
    """Run a whole network on this computer, to look at or to measure.

    Without options: five communes with offers, needs and exchanges, and a page for each, until Ctrl-C. With
    --trades: a node for each community in the table; all trades are replayed, from the need to what arrived,
    and in the end the nodes compare what they hold and audit it. Ends with 1 if anything is amiss then.

    Everything is in a folder of its own, in the network 'demo', and is heard on this computer alone. Your own
    home is left alone.
    """
    from ..demo.communes import five_communes

    story, count = (five_communes(), 0) if trades is None else _replayed(desk, trades)
    if processes is None:
        processes = 1 if not count else max(PROCESSES, min(os.cpu_count() or 1, MAX_PROCESSES))
    folder = Path(tempfile.mkdtemp(prefix="trueque-demo-"))
    try:
        return asyncio.run(_perform(desk, story, _Wanted(folder, processes, count, keep)))
    finally:
        if keep:
            desk.warn(_("The homes are in {folder}.").format(folder=folder))
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _replayed(desk: Desk, path: Path) -> tuple[Story, int]:
    """The story of a table of trades, and how many there are. Raises InputError if any row is bad."""
    from ..demo.trades import read_trades, story_of

    trades, bad = read_trades(path)
    for row in bad[:SHOWN_BAD]:
        told = _("Line {line}: {reason}")
        desk.warn(told.format(line=row.line, reason=language.told(row.reason)))
    if bad:
        raise InputError(
            "Rows of {path} that cannot be replayed: {count}. Nothing was begun: correct or remove them.",
            count=len(bad),
            path=path,
        )
    return story_of(trades), len(trades)


async def _perform(desk: Desk, story: Story, wanted: _Wanted) -> int:
    """The demonstration from start to end; returns the exit status."""
    from ..demo.network import Network

    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    async with Network.open(story, wanted.folder, wanted.processes) as network:
        begun = time.monotonic()
        try:
            replayed, outcome = await _unless(stop, _play(network, begun, measured=bool(wanted.trades)))
        except _Stopped:
            desk.warn(_("The demonstration was stopped."))
            return INTERRUPTED
        if wanted.keep:
            network.write_settings()
        if outcome is None:
            _show_pages(desk, network)
            status = DONE
        else:
            status = _show_outcome(desk, network, outcome, wanted, (replayed, time.monotonic() - begun))
        if wanted.stays:
            desk.warn(_("Ctrl-C ends it."))
            sys.stdout.flush()
            try:
                await _unless(stop, network.watch())
            except _Stopped:
                pass
        return status


class _Stopped(Exception):
    """Somebody wants it to end."""


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result:
    """Do some work unless it is stopped. Raises _Stopped, and what the work raises."""
    task, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise _Stopped
        return task.result()
    finally:
        task.cancel()
        stopping.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)


async def _play(network: Network, begun: float, *, measured: bool) -> tuple[float, Outcome | None]:
    """Everything up to the last record, and if it is measured, the end; the seconds up to there."""
    from ..demo.network import Outcome

    with output.progress(_("Founding communes")) as told:
        told(0, len(network.lodgings))
        await network.start()
    with output.progress(_("Offering, agreeing, delivering")) as told:
        await network.play(told)
    with output.progress(_("Waiting until all hold the same")) as told:
        holdings = await network.settle(told)
    seconds = time.monotonic() - begun
    if not measured:
        return seconds, None
    with output.progress(_("Auditing")) as told:
        audits, memory = await network.audit(told)
    return seconds, Outcome(holdings, audits, memory)


# What is shown --------------------------------------------------------------------------------------


def _rows_of(network: Network) -> list[dict[str, Any]]:
    return [
        {"name": name, "place": lodging.member.place, "page": lodging.page, "home": str(lodging.home)}
        for name, lodging in network.lodgings.items()
    ]


def _show_pages(desk: Desk, network: Network) -> None:
    rows = _rows_of(network)
    if desk.as_json:
        output.print_json({"communes": rows, "measured": None})
    else:
        headings = (_("Commune"), _("Where"), _("Page"))
        table = output.Table(headings, texts=frozenset({1}))
        table.rows += [(row["name"], row["place"] or "", row["page"]) for row in rows]
        output.print_table(table)


def _show_outcome(
    desk: Desk, network: Network, outcome: Outcome, wanted: _Wanted, seconds: tuple[float, float]
) -> int:
    """Show what was measured, and say whether all is as it should be."""
    nodes = len(network.lodgings)
    sent = sum(holding.sent for holding in outcome.holdings.values())
    measured = {
        "trades": wanted.trades,
        "processes": network.processes,
        "entries": network.entries,
        "fulfilled": min(holding.fulfilled for holding in outcome.holdings.values()),
        "alike": outcome.alike,
        "clean": outcome.clean,
        "audits": dict(outcome.audits),
        "bytes": sent,
        "links": max(holding.links for holding in outcome.holdings.values()),
        "memory": outcome.memory,
        "seconds": round(seconds[0], 1),
        "seconds_with_audits": round(seconds[1], 1),
    }
    is_well = (measured["alike"], measured["clean"], measured["fulfilled"]) == (nodes, nodes, wanted.trades)
    if desk.as_json:
        output.print_json({"communes": _rows_of(network), "measured": measured})
        return DONE if is_well else FOUND
    of_all = _("{count} of {all}")
    each = sent / max(1, network.entries * (nodes - 1))
    if wanted.keep:
        _show_pages(desk, network)
    output.print_facts(
        [
            (_("Nodes"), str(nodes)),
            (_("Processes"), str(network.processes)),
            (_("Trades"), wording.number(str(wanted.trades))),
            (_("Exchanges fulfilled"), wording.number(str(measured["fulfilled"]))),
            (_("Entries"), wording.number(str(network.entries))),
            (_("Nodes that hold the same"), of_all.format(count=outcome.alike, all=nodes)),
            (_("Clean audits"), of_all.format(count=outcome.clean, all=nodes)),
            (_("Most links of a node"), str(measured["links"])),
            (
                _("Sent from node to node"),
                _("{size}; {each} bytes for each entry and node").format(
                    size=wording.size_of(sent), each=round(each)
                ),
            ),
            (_("Memory of the nodes"), wording.size_of(outcome.memory)),
            (_("Time until all held the same"), _seconds(seconds[0])),
            (_("Time with the audits"), _seconds(seconds[1])),
        ]
    )
    if is_well:
        click.echo(_("All nodes hold the same, every trade is fulfilled, and every audit is clean."))
        return DONE
    click.echo(_("Something is amiss: give --keep, and `trueque audit --home DIR` of a home tells what."))
    return FOUND


def _seconds(seconds: float) -> str:
    return f"{wording.number(f'{seconds:.1f}')} s"
