"""Junk thrown at a node and at every reader: only declared errors, flat memory, no frame that takes long.

`python -m tests.fuzz --frames 1000000 --seed 1` does the same and prints what it saw.
"""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import pytest

from protocol.frames import Kind

from ..support.shared import CHECKOUT
from .fuzzer import Fault, Fuzzer
from .junk import Junk, shapes
from .readers import Reader, readers, samples_for


def throw(frames: int, seed: int) -> None:
    """In a process of its own: what it holds at most is judged, and the tests before took memory too."""
    command = [sys.executable, "-m", "tests.fuzz", "--frames", str(frames), "--seed", str(seed)]
    ended = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        pytest.fail(f"{' '.join(command[1:])}: {ended.stderr}")
    found = json.loads(ended.stdout)
    assert found["frames"] >= frames
    assert found["read"] >= frames


def test_a_few_thousand_junk_frames_bring_out_only_what_is_declared() -> None:
    throw(3_000, 7)


@pytest.mark.slow
@pytest.mark.timeout(5_400)
def test_a_million_junk_frames_bring_out_only_what_is_declared() -> None:
    throw(1_000_000, 1)


def test_a_reader_that_raises_what_it_does_not_declare_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fuzzer that cannot fail would be worth nothing."""
    fuzzer = Fuzzer(3)

    def careless(data: bytes) -> int:
        return data[40]

    fuzzer._readers = [Reader("careless", careless, ())]
    fuzzer._samples = {"careless": [bytes(41)]}
    with pytest.raises(Fault, match="careless raised IndexError"):
        fuzzer.run(500)


def test_a_session_that_raises_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzzer = Fuzzer(3)
    monkeypatch.setattr("protocol.session.decode_heads", lambda body: body[0] // 0)
    with pytest.raises(Fault, match="a session raised"):
        fuzzer.run(2_000)


def test_the_same_seed_throws_the_same() -> None:
    heard = {int(Kind.HEADS): [b"\x91\x01"]}
    one, other = (Junk(Random(5), heard) for _ in range(2))
    assert [one.frames() for _ in range(200)] == [other.frames() for _ in range(200)]


def test_every_kind_and_every_reader_of_the_protocol_is_among_what_is_tried() -> None:
    """They are found by themselves: these that there are show that the search works."""
    names = {reader.name for reader in readers()}
    for name in (
        "messages.decode_runs",
        "blobs.decode_chunk",
        "questions.decode_farewell",
        "extracts.read_changes",
    ):
        assert f"protocol.{name}" in names
    assert len(shapes()) >= 10
    assert all(samples_for(reader, []) for reader in readers() if reader.name == "ledger.records.parse")
