"""Files for others are whole or not there, whoever else writes them or lies in wait."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from node.outgoing import is_replaceable, outgoing, write_new


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


def test_what_a_killed_program_left_half_written_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "b.trueque"
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            with outgoing(path) as file:
                file.write(b"half")
                file.flush()
                os.write(write, b"!")
                signal.pause()
        finally:
            os._exit(1)
    os.read(read, 1)
    with outgoing(path) as file:  # while the other still writes, its file stays
        file.write(b"whole")
    assert len(list(tmp_path.iterdir())) == 2
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with outgoing(path) as file:
        file.write(b"newer")
    assert list(tmp_path.iterdir()) == [path]
    for descriptor in (read, write):
        os.close(descriptor)


def test_a_pipe_or_a_device_is_never_taken_for_an_older_file(tmp_path: Path) -> None:
    """Looking into a pipe to which nobody writes would wait for ever."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert not is_replaceable(pipe, b"sign", 4)
    assert not is_replaceable(Path("/dev/null"), b"", 0)
    older = tmp_path / "older"
    assert is_replaceable(older, b"sign", 4)
    older.write_bytes(b"signed")
    assert is_replaceable(older, b"sign", 4)
    assert not is_replaceable(older, b"seal", 4)


def test_a_new_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "words"
    write_new(path, b"words", 0o600)
    assert path.read_bytes() == b"words"
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_new(path, b"others")
    assert path.read_bytes() == b"words"

    def fail(_: int) -> None:
        raise OSError(28, "full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="full"):
        write_new(tmp_path / "other", b"words")
    assert list(tmp_path.iterdir()) == [path]
