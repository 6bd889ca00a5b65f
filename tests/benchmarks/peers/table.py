"""Medians, ratios, and how they are shown; pure.

A measured value is a number, or a text that says why there is none: a failure
stays a failure, and is never counted as zero or left out unseen. A ratio says
how many times better Trueque is: above 1 it is ahead, below 1 behind.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Value: TypeAlias = float | str
Results: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Sequence[Value]]]]
"""Work, then figure, then system, to the values of all tries."""

OURS: Final = "ours"
SYSTEMS: Final[Mapping[str, str]] = {OURS: "Trueque", "hypercore": "Hypercore", "ssb": "Scuttlebutt"}


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured: what a row is called, with its unit, and whether more of it is better."""

    label: str
    more_is_better: bool = False


FIGURES: Final[Mapping[str, Figure]] = {
    "rate": Figure("entries a second", more_is_better=True),
    "bytes": Figure("bytes on the wire, an entry"),
    "memory": Figure("receiver's memory, MB"),
    "disk": Figure("bytes on disk, an entry"),
    "remembered_bytes": Figure("catch-up, met before: bytes"),
    "remembered_ms": Figure("catch-up, met before: ms"),
    "fresh_bytes": Figure("catch-up, never met: bytes"),
    "fresh_ms": Figure("catch-up, never met: ms"),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of all tries of one figure; without numbers if all have failed."""

    median: float | None
    least: float | None
    most: float | None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of one work: a summary for each system, and how many times better Trueque is than others."""

    work: str
    figure: Figure
    summaries: Mapping[str, Summary]
    ratios: Mapping[str, float | None]

    @property
    def behind(self) -> list[str]:
        """The systems that Trueque is behind; one whose every try failed is not ahead of anybody."""
        return [system for system, ratio in self.ratios.items() if ratio is not None and ratio < 1]


def summary(values: Sequence[Value]) -> Summary:
    """Median, least and most of what was measured, and why the rest was not."""
    numbers = [value for value in values if not isinstance(value, str)]
    failures = tuple(value for value in values if isinstance(value, str))
    if not numbers:
        return Summary(None, None, None, failures or ("it was not measured",))
    return Summary(statistics.median(numbers), min(numbers), max(numbers), failures)


def ratio(ours: Summary, theirs: Summary, figure: Figure) -> float | None:
    """How many times better ours is, by the medians; None where one of the two has none."""
    better, worse = (ours, theirs) if figure.more_is_better else (theirs, ours)
    if better.median is None or not worse.median:
        return None
    return better.median / worse.median


def rows(results: Results) -> list[Row]:
    """The rows of the table, in the order of works and figures."""
    found = []
    for work, figures in results.items():
        for name, measured in figures.items():
            figure = FIGURES[name]
            summaries = {system: summary(measured.get(system, ())) for system in SYSTEMS}
            ratios = {
                system: ratio(summaries[OURS], summaries[system], figure)
                for system in SYSTEMS
                if system != OURS
            }
            found.append(Row(work, figure, summaries, ratios))
    return found


def failures(table: Iterable[Row]) -> list[str]:
    """A sentence for each try that failed, once."""
    said = [
        f"{SYSTEMS[system]}, {row.work}: {why}"
        for row in table
        for system, found in row.summaries.items()
        for why in found.failures
    ]
    return list(dict.fromkeys(said))


def as_text(table: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = _cells(table)
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_markdown(table: Sequence[Row]) -> str:
    """The table for a page."""
    head, *lines = _cells(table)
    rule = ["---", "---", *["--:"] * (len(head) - 2)]
    return "\n".join(f"| {' | '.join(line)} |" for line in [head, rule, *lines])


def _cells(table: Sequence[Row]) -> list[list[str]]:
    others = [system for system in SYSTEMS if system != OURS]
    lines = [["work", "figure", *SYSTEMS.values(), *(f"against {SYSTEMS[system]}" for system in others)]]
    work = ""
    for row in table:
        lines.append(
            [
                row.work if row.work != work else "",
                row.figure.label,
                *(_shown(row.summaries[system]) for system in SYSTEMS),
                *(_shown_ratio(row.ratios[system]) for system in others),
            ]
        )
        work = row.work
    return lines


def _shown(found: Summary) -> str:
    if found.median is None or found.least is None or found.most is None:
        return "failed"
    text = _number(found.median)
    if found.least != found.most:
        text += f" ({_number(found.least)}–{_number(found.most)})"
    return text + (f", {len(found.failures)} failed" if found.failures else "")


def _shown_ratio(value: float | None) -> str:
    if value is None:
        return "–"
    shown = f"{value:,.1f}×" if value >= 1.05 or value < 0.95 else f"{value:.2f}×"
    return f"{shown} behind" if value < 1 else shown


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
