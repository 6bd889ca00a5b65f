"""Files for others are whole or not there, whoever else writes them or lies in wait."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from node.outgoing import outgoing


def test_two_that_write_one_file_at_once_both_write_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "b.trueque"
    with outgoing(path) as one:
        one.write(b"one" * 1_000)
        with outgoing(path) as other:
            other.write(b"other")
        assert path.read_bytes() == b"other"
    assert path.read_bytes() == b"one" * 1_000
    assert list(tmp_path.iterdir()) == [path]


def test_what_stood_there_stands_if_the_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "b.trueque"
    path.write_bytes(b"older")

    def fail() -> None:
        with outgoing(path) as file:
            file.write(b"half")
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        fail()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_are_those_asked_for_whatever_lay_there(tmp_path: Path) -> None:
    """A backup is its owner's alone; a file of the former name of the temporary one changes nothing."""
    path = tmp_path / "m.backup"
    trap, victim = tmp_path / ".m.backup.new", tmp_path / "victim"
    victim.write_bytes(b"mine")
    trap.symlink_to(victim)
    before = os.umask(0o022)
    try:
        for mode, given in ((0o600, 0o600), (0o666, 0o644)):
            with outgoing(path, mode) as file:
                file.write(b"sealed")
            assert path.stat().st_mode & 0o777 == given
    finally:
        os.umask(before)
    assert (victim.read_bytes(), trap.is_symlink()) == (b"mine", True)


def test_a_stick_that_knows_no_permissions_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    with outgoing(tmp_path / "b.trueque") as file:
        file.write(b"whole")
    assert (tmp_path / "b.trueque").read_bytes() == b"whole"
