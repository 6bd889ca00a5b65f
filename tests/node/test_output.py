"""What is printed: safe on any terminal, whole in any width, and progress only where somebody watches."""

from __future__ import annotations

import io
import os
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.cli import output


@given(st.text())
def test_nothing_that_is_printed_moves_a_cursor_or_hides(text: str) -> None:
    shown = output.safe(text)
    assert len(shown) == len(text)
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert all(unicodedata.category(letter) not in hidden for letter in shown.replace("\n", ""))


def test_what_people_write_is_left_alone() -> None:
    text = "«Ñame», 2½ cestas → El Valle: ¿sí? 🌽\nSegunda línea"
    assert output.safe(text) == text


def test_a_table_cuts_nothing_off(capsys: pytest.CaptureFixture[str]) -> None:
    long = "palabra " * 60
    output.print_table(output.Table(("Id", "Title"), [("abcdef", long)], title="One"))
    shown = capsys.readouterr().out
    assert shown.split().count("palabra") == 60
    assert max(map(len, shown.splitlines())) <= output.PIPED_COLUMNS


def test_a_table_on_a_narrow_terminal_folds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "40")
    output.print_table(output.Table(("Id", "Title"), [("abcdef", "palabra " * 20)]))
    # Headings are bold where somebody watches.
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert shown.count("palabra") == 20
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 40


def test_facts_of_several_lines_are_indented(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_facts([("Name", "Los Montes"), ("About", "Café\ny papa"), ("Empty", "")])
    assert capsys.readouterr().out == "Name   Los Montes\nAbout  Café\n       y papa\nEmpty  \n\n"


class Watched(io.StringIO):
    """Standard error of somebody who watches."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_to_who_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched()
    monkeypatch.setattr(sys, "stderr", watched)
    monkeypatch.setenv("TERM", "xterm")
    with output.progress("Reading entries") as report:
        report(1, 2)
        report(2, 2)
    assert "Reading entries" in watched.getvalue()


def test_progress_is_silent_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with output.progress("Reading entries") as report:
        report(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_code_is_not_broken_at_its_hyphen(monkeypatch: pytest.MonkeyPatch) -> None:
    """`food-` at the end of a line is a category that there is not."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((14, 24)))
    assert output.for_terminal("Perhaps: food-grain.") == "Perhaps:\nfood-grain."
