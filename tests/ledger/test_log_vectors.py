"""The committed vectors of logs and evidence: they come out the same, and mean what they say."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from ledger import note
from ledger.errors import EvidenceError, RunRefused
from ledger.evidence import check_evidence, decode_evidence, encode_evidence
from ledger.log import Head, LogKey, LogState, Run, check_head, entry_id, extend
from ledger.replica import Opens, place_run
from tests.support import check_evidence as independent
from tests.support.log_vectors import FOLDER, texts
from tests.support.shared import CHECKOUT


def vectors(name: str) -> Any:
    """The committed vectors of one file."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def run_of(text: str) -> Run:
    """A run from the hex digits of its wire form."""
    return msgspec.msgpack.decode(bytes.fromhex(text), type=Run)


@pytest.mark.parametrize("name", ["log.json", "evidence.json"])
def test_the_vectors_come_out_the_same_byte_for_byte(name: str) -> None:
    assert (FOLDER / name).read_bytes() == texts()[name].encode()


def test_the_entries_of_the_log_have_their_ids() -> None:
    given = vectors("log.json")
    for entry in given["entries"]:
        id_ = entry_id(bytes.fromhex(given["log"]), entry["index"], bytes.fromhex(entry["payload"]))
        assert id_.hex() == entry["entry_id"]


def test_the_runs_of_the_log_extend_it_to_the_same_end_in_every_shape() -> None:
    given = vectors("log.json")
    network = given["network"]
    state = LogState(LogKey(bytes.fromhex(given["log"])))
    for vector in given["runs"]:
        if vector["start"] == 1:
            shorter = extend(state, run_of(given["erased"]["wire"]), network).state
        state = extend(state, run_of(vector["wire"]), network).state
        assert [one.hex() for one in state.compact] == vector["compact_range_after"]
        if vector["start"] == 1:
            assert shorter == state
    for shape in ("whole", "from_an_index_on"):
        opened = place_run(run_of(given[shape]["wire"]), [], network)
        assert isinstance(opened, Opens)
        assert opened.state == state


def test_the_heads_of_the_log_have_all_their_forms() -> None:
    given = vectors("log.json")
    for vector in [*(run["head"] for run in given["runs"]), given["head_with_extension_line"]]:
        head = msgspec.msgpack.decode(bytes.fromhex(vector["wire"]), type=Head)
        check_head(head, given["network"])
        assert head.to_note(given["network"]) == vector["note"]
        assert (head.size, head.root.hex(), head.signature.hex()) == (
            vector["size"],
            vector["root"],
            vector["signature"],
        )
        key = note.VerifierKey(f"trueque/{given['network']}/{given['log']}", head.log)
        assert note.open_note(vector["note"], [key]).text == vector["signed_text"]


def test_what_the_vectors_say_is_refused_is() -> None:
    given = vectors("log.json")
    opened = place_run(run_of(given["runs"][0]["wire"]), [], given["network"])
    assert isinstance(opened, Opens)
    for vector in given["refused"]:
        assert vector["after_size"] == opened.state.size
        with pytest.raises(RunRefused):
            extend(opened.state, run_of(vector["wire"]), given["network"])


def test_the_evidence_of_the_vectors_proves_what_it_says() -> None:
    given = vectors("evidence.json")
    for vector in given["proved"]:
        data = bytes.fromhex(vector["evidence"])
        evidence = decode_evidence(data)
        check_evidence(evidence, given["network"])
        assert (evidence.log.hex(), evidence.cut) == (vector["log"], vector["cut"])
        halves = (evidence.first, evidence.second)
        assert [half.leaf.hex() for half in halves] == vector["leaves"]
        assert [half.head.to_note(given["network"]) for half in halves] == vector["heads"]
        assert encode_evidence(evidence) == data
        assert independent.check(data, given["network"]) == (vector["log"], vector["cut"])


def test_what_the_vectors_say_is_no_evidence_is_refused() -> None:
    given = vectors("evidence.json")
    for vector in given["refused"]:
        data = bytes.fromhex(vector["evidence"])
        with pytest.raises(EvidenceError):
            check_evidence(decode_evidence(data), given["network"])
        with pytest.raises(independent.NotProvedError):
            independent.check(data, given["network"])


@pytest.mark.parametrize("page", ["log-and-head.md", "evidence.md"])
def test_every_long_number_on_a_page_of_the_specification_is_from_the_vectors(page: str) -> None:
    """An example that was written by hand, or is of an older format, would mislead for years."""
    text = (CHECKOUT / "docs" / "spec" / page).read_text(encoding="utf-8")
    known = "".join(file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.json")))
    numbers = re.findall(r"\b[0-9a-f]{12,}\b", text)
    assert len(numbers) > 9
    assert [number for number in numbers if number not in known] == []
    for line in re.findall(r"(?m)^    (\S*[A-Za-z0-9+/]{40,}=|\u2014 trueque\S* \S+)$", text):
        assert line in known


@pytest.mark.parametrize(
    ("page", "file", "path"),
    [
        ("log-and-head.md", "log.json", ("runs", 0, "wire")),
        ("evidence.md", "evidence.json", ("proved", 1, "evidence")),
    ],
)
def test_the_example_taken_apart_on_a_page_is_a_vector(
    page: str, file: str, path: tuple[str | int, ...]
) -> None:
    text = (CHECKOUT / "docs" / "spec" / page).read_text(encoding="utf-8")
    (example,) = re.findall(r"(?m)(?:^    (?:9[0-9a-f]|  ).*\n){9,}", text)
    digits = ""
    for line in example.splitlines():
        for word in line.split():
            if not re.fullmatch(r"(?:[0-9a-f]{2})+", word):
                break  # the rest of the line says in words what the bytes are
            digits += word
    expected = vectors(file)
    for step in path:
        expected = expected[step]
    assert digits == expected
