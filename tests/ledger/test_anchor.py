"""Anchors: the last head signed is found again, whatever became of one file, one slot or one write."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import anchor, note
from ledger.anchor import SLOT_BYTES, SLOTS, Anchors, head_of_note, read_anchor, write_durably
from ledger.errors import NoteError, StoreError
from ledger.log import Head, LogKey
from tests.support.histories import NETWORK, key_of, numbered, written

AUTHOR = written("El Maizal", *(numbered(f"{place}:", 3) for place in range(6)))
LOG = LogKey(AUTHOR.key.public_key)
HEADS = [run.head for run in AUTHOR.runs]


@pytest.fixture
def anchors(tmp_path: Path) -> Anchors:
    """Two anchors, in folders that are not there yet."""
    return Anchors((tmp_path / "home" / "anchor", tmp_path / "state" / "trueque" / "anchor"))


def latest(anchors: Anchors) -> Head | None:
    return anchors.latest(LOG, NETWORK)


# Writing and reading ----------------------------------------------------------------------------


def test_with_no_file_there_is_no_head(anchors: Anchors) -> None:
    assert latest(anchors) is None
    assert read_anchor(anchors.paths[0], LOG, NETWORK) is None


def test_the_last_head_recorded_is_found_in_each_file(anchors: Anchors) -> None:
    for head in HEADS:
        anchors.record(head, NETWORK)
        assert latest(anchors) == head
        for path in anchors.paths:
            assert read_anchor(path, LOG, NETWORK) == head
            assert path.stat().st_size == SLOTS * SLOT_BYTES


def test_a_head_is_written_beside_the_one_before_it(anchors: Anchors) -> None:
    anchors.record(HEADS[0], NETWORK)
    anchors.record(HEADS[1], NETWORK)
    data = anchors.paths[0].read_bytes()
    slots = {data[:SLOT_BYTES].rstrip(b"\n") + b"\n", data[SLOT_BYTES:].rstrip(b"\n") + b"\n"}
    assert slots == {head.to_note(NETWORK).encode() for head in HEADS[:2]}


def test_an_anchor_is_text_that_checkpoint_tools_read(anchors: Anchors) -> None:
    anchors.record(HEADS[0], NETWORK)
    text = anchors.paths[0].read_text(encoding="utf-8").rstrip("\n") + "\n"
    assert text == HEADS[0].to_note(NETWORK)


def test_a_head_with_all_its_extension_lines_has_room_and_comes_back(anchors: Anchors) -> None:
    lines = tuple(f"{number} {'x' * 198}" for number in range(4))
    unsigned = msgspec.structs.replace(HEADS[0], extensions=lines)
    head = msgspec.structs.replace(unsigned, signature=AUTHOR.key.sign(unsigned.body(NETWORK)))
    anchors.record(head, NETWORK)
    assert latest(anchors) == head


def test_the_furthest_of_all_files_counts(anchors: Anchors) -> None:
    here, there = (Anchors((path,)) for path in anchors.paths)
    here.record(HEADS[3], NETWORK)
    there.record(HEADS[1], NETWORK)
    assert latest(anchors) == HEADS[3]
    there.record(HEADS[4], NETWORK)
    assert latest(anchors) == HEADS[4]


def test_one_file_missing_hides_nothing(anchors: Anchors) -> None:
    anchors.record(HEADS[2], NETWORK)
    for path in anchors.paths:
        kept = path.read_bytes()
        path.unlink()
        assert latest(anchors) == HEADS[2]
        path.write_bytes(kept)


# Damage -----------------------------------------------------------------------------------------


def damages() -> list[Callable[[Path], object]]:
    return [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"junk"),
        lambda path: path.write_bytes(bytes(SLOTS * SLOT_BYTES)),
        lambda path: path.write_bytes(b"\xff" * SLOTS * SLOT_BYTES),
        lambda path: path.write_bytes(path.read_bytes()[:40]),
        lambda path: (path.unlink(), path.mkdir()),
    ]


@pytest.mark.parametrize("number", range(len(damages())))
def test_one_file_damaged_hides_nothing_and_both_are_said(anchors: Anchors, number: int) -> None:
    damage = damages()[number]
    anchors.record(HEADS[2], NETWORK)
    damage(anchors.paths[0])
    assert latest(anchors) == HEADS[2]
    damage(anchors.paths[1])
    with pytest.raises(StoreError, match=r"is damaged: .* make a new log with `trueque restore`"):
        latest(anchors)


def test_a_damaged_file_beside_none_is_said(anchors: Anchors) -> None:
    anchors.record(HEADS[2], NETWORK)
    anchors.paths[0].unlink()
    anchors.paths[1].write_bytes(b"junk")
    with pytest.raises(StoreError, match=str(anchors.paths[1])):
        latest(anchors)


@pytest.mark.parametrize("number", [0, 1])
def test_a_file_that_may_not_be_read_is_no_damaged_one(
    anchors: Anchors, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may know more than the other: a home put back from a copy would sign beside what it signed."""
    anchors.record(HEADS[2], NETWORK)
    read = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path == anchors.paths[number]:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(StoreError, match=r"cannot be read \(Permission denied\)"):
        latest(anchors)


def test_a_damaged_file_is_whole_again_after_the_next_head(anchors: Anchors) -> None:
    anchors.record(HEADS[0], NETWORK)
    anchors.paths[0].write_bytes(b"junk")
    anchors.paths[1].write_bytes(b"\xff" * SLOTS * SLOT_BYTES)
    anchors.record(HEADS[1], NETWORK)
    for path in anchors.paths:
        assert read_anchor(path, LOG, NETWORK) == HEADS[1]


@pytest.mark.parametrize("torn", [0, 1, 60, 100, 200, SLOT_BYTES - 1])
def test_a_write_that_a_power_cut_tore_leaves_the_head_before_it(anchors: Anchors, torn: int) -> None:
    path = anchors.paths[0]
    for head in HEADS[:3]:
        anchors.record(head, NETWORK)
    before = path.read_bytes()
    anchors.record(HEADS[3], NETWORK)
    after = path.read_bytes()
    differing = next(at for at, (one, other) in enumerate(zip(before, after, strict=True)) if one != other)
    slot = differing // SLOT_BYTES * SLOT_BYTES
    path.write_bytes(before[:slot] + after[slot : slot + torn] + before[slot + torn :])
    found = read_anchor(path, LOG, NETWORK)
    assert found in (HEADS[2], HEADS[3])
    anchors.record(HEADS[4], NETWORK)
    assert read_anchor(path, LOG, NETWORK) == HEADS[4]


@given(st.integers(0, SLOTS * SLOT_BYTES - 1), st.integers(0, 255), st.integers(0, SLOTS * SLOT_BYTES))
def test_no_changed_byte_and_no_cut_makes_up_a_head(place: int, byte: int, size: int) -> None:
    notes = [head.to_note(NETWORK).encode().ljust(SLOT_BYTES, b"\n") for head in HEADS[:2]]
    data = b"".join(notes)
    data = (data[:place] + bytes([byte]) + data[place + 1 :])[:size]
    slots = [data[start : start + SLOT_BYTES] for start in (0, SLOT_BYTES)]
    whole = [
        head for head, slot in zip(HEADS, slots, strict=False) if slot.strip() in map(bytes.strip, notes)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "read_bytes", lambda path: data)
        try:
            found = read_anchor(Path("anchor"), LOG, NETWORK)
        except NoteError:
            found = None
    # A byte of the filling may become white space; what is signed may not.
    assert found in (*HEADS[:2], None)
    assert found is not None or not whole


def test_a_slot_that_claims_more_than_was_ever_signed_is_not_spared_for_ever(anchors: Anchors) -> None:
    """Else a power cut could spoil the one good slot of the two."""
    path = anchors.paths[0]
    anchors.record(HEADS[0], NETWORK)
    anchors.record(HEADS[1], NETWORK)
    data = path.read_bytes()
    claim = b"\n%d\n" % HEADS[1].size
    assert data.count(claim) == 1
    for lie in (b"\n99999999\n", b"\n%s\n" % (b"9" * 3_000)):
        at = data.index(claim)
        start = at // SLOT_BYTES * SLOT_BYTES
        slot = data[start : start + SLOT_BYTES].replace(claim, lie)[:SLOT_BYTES].ljust(SLOT_BYTES, b"\n")
        path.write_bytes(data[:start] + slot + data[start + SLOT_BYTES :])
        anchors.record(HEADS[2], NETWORK)
        anchors.record(HEADS[3], NETWORK)
        kept = path.read_bytes()
        notes = [slot.decode().rstrip("\n") + "\n" for slot in (kept[:SLOT_BYTES], kept[SLOT_BYTES:])]
        heads = {head_of_note(note_text, LOG, NETWORK).size for note_text in notes}
        assert heads == {HEADS[2].size, HEADS[3].size}


def test_a_head_of_another_log_or_network_is_none_of_ours(anchors: Anchors) -> None:
    anchors.record(HEADS[0], NETWORK)
    with pytest.raises(StoreError):
        anchors.latest(LOG, "comunas")
    with pytest.raises(StoreError):
        anchors.latest(LogKey(key_of("La Costa").public_key), NETWORK)


def test_a_note_that_says_another_log_than_it_is_signed_for_is_none() -> None:
    """One key may sign two names; the checkpoint has to be the log's own."""
    text = HEADS[0].to_note(NETWORK)
    name = f"trueque/{NETWORK}/{LOG.hex()}"
    other = f"trueque/{NETWORK}/{'00' * 32}"
    body = text.split("\n\n")[0].replace(name, other) + "\n"
    signed = note.sign_note(body, [note.Signer(name, AUTHOR.key)])
    with pytest.raises(NoteError, match="another log"):
        head_of_note(signed, LOG, NETWORK)


# Failing writes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [0, 1])
def test_a_file_that_cannot_be_written_is_named(
    anchors: Anchors, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchors.record(HEADS[0], NETWORK)
    real = os.open

    def fail(path: Any, *arguments: Any) -> int:
        if Path(path) == anchors.paths[number]:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return real(path, *arguments)

    monkeypatch.setattr(os, "open", fail)
    with pytest.raises(
        StoreError, match=r"cannot be written \(Input/output error\): check the disk"
    ) as caught:
        anchors.record(HEADS[1], NETWORK)
    assert str(anchors.paths[number]) in str(caught.value)
    monkeypatch.undo()
    # The other file holds it already: whether it was acknowledged is the author's to say.
    assert read_anchor(anchors.paths[1 - number], LOG, NETWORK) == HEADS[1]
    assert read_anchor(anchors.paths[number], LOG, NETWORK) == HEADS[0]


def test_a_file_in_place_of_a_folder_is_said(anchors: Anchors) -> None:
    anchors.paths[1].parent.parent.write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be written"):
        anchors.record(HEADS[0], NETWORK)


def test_a_fault_of_the_program_itself_is_not_hidden(
    anchors: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(anchor, "write_durably", fail)
    with pytest.raises(RuntimeError, match="a fault"):
        anchors.record(HEADS[0], NETWORK)


def test_a_disk_that_takes_a_few_bytes_at_a_time_is_given_all(
    anchors: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, pwrite = os.write, os.pwrite
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:1_000]))
    monkeypatch.setattr(os, "pwrite", lambda file, data, at: pwrite(file, data[:1_000], at))
    for head in HEADS:
        anchors.record(head, NETWORK)
        assert [read_anchor(path, LOG, NETWORK) for path in anchors.paths] == [head, head]


def test_a_file_written_durably_replaces_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_durably(path, b"one", 0o600)
    write_durably(path, b"another", 0o600)
    assert path.read_bytes() == b"another"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
