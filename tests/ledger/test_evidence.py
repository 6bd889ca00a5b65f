"""Evidence of a fork: built from both branches, checked without a store, refused when anything is off."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import merkle
from ledger.errors import EvidenceError
from ledger.evidence import (
    Evidence,
    Proven,
    build_evidence,
    check_evidence,
    decode_evidence,
    encode_evidence,
    prove_entry,
)
from ledger.limits import MAX_EVIDENCE_BYTES, MAX_INDEX
from ledger.log import Head
from tests.support import check_evidence as independent
from tests.support.histories import NETWORK, Author, numbered, written


@dataclass(frozen=True)
class Fork:
    """Two branches of one log as their writers have them."""

    one: Author
    other: Author
    cut: int

    def proven(self, author: Author) -> Proven:
        """The entry at the cut, proved with the right-hand side of the tree alone."""
        before = merkle.extend_range(0, (), author.leaves[: self.cut])
        return prove_entry(author.runs[-1].head, self.cut, before, author.leaves[self.cut :])

    def evidence(self) -> Evidence:
        """Evidence that it is a fork."""
        return build_evidence(self.cut, self.proven(self.one), self.proven(self.other), NETWORK)


def fork_of(shared: int, tail: int, other_tail: int, name: str = "La Minga") -> Fork:
    """A log that goes on in two ways after `shared` entries."""
    one = written(name, *([numbered("shared", shared)] if shared else []))
    other = one.twin()
    one.write(*numbered("one", tail))
    other.write(*numbered("other", other_tail))
    return Fork(one, other, shared)


forks = st.builds(fork_of, st.integers(0, 70), st.integers(1, 70), st.integers(1, 70))


@given(forks)
def test_every_fork_is_proved_and_its_cut_located(fork: Fork) -> None:
    evidence = fork.evidence()
    check_evidence(evidence, NETWORK)
    assert (evidence.log, evidence.cut) == (fork.one.state.log, fork.cut)
    wire = encode_evidence(evidence)
    assert decode_evidence(wire) == evidence
    assert independent.check(wire, NETWORK) == (fork.one.state.log.hex(), fork.cut)


@given(forks)
def test_a_proof_from_the_right_hand_side_is_the_proof_from_the_whole_tree(fork: Fork) -> None:
    for author in (fork.one, fork.other):
        assert list(fork.proven(author).proof) == merkle.inclusion_proof(author.leaves, fork.cut)


@given(forks)
def test_one_fork_at_one_pair_of_heads_has_one_form(fork: Fork) -> None:
    one, other = fork.proven(fork.one), fork.proven(fork.other)
    evidence = build_evidence(fork.cut, one, other, NETWORK)
    assert build_evidence(fork.cut, other, one, NETWORK) == evidence
    turned = Evidence(evidence.index, evidence.second, evidence.first)
    with pytest.raises(EvidenceError):
        check_evidence(turned, NETWORK)
    with pytest.raises(independent.NotProvedError):
        independent.check(encode_evidence(turned), NETWORK)


@settings(max_examples=20)
@given(forks, st.data())
def test_an_index_other_than_the_cut_is_no_evidence(fork: Fork, data: st.DataObject) -> None:
    """Past the cut the leaves differ too, but what stands before them no longer agrees."""
    shorter = min(fork.one.state.size, fork.other.state.size)
    index = data.draw(
        st.integers(0, shorter - 1).filter(lambda at: at != fork.cut) if shorter > 1 else st.nothing()
    )
    proven = [
        Proven(a.runs[-1].head, a.leaves[index], tuple(merkle.inclusion_proof(a.leaves, index)))
        for a in (fork.one, fork.other)
    ]
    with pytest.raises(EvidenceError):
        build_evidence(index, proven[0], proven[1], NETWORK)
    proven.sort(key=lambda proven: (proven.head.size, proven.head.root))
    with pytest.raises(independent.NotProvedError):
        independent.check(encode_evidence(Evidence(index, *proven)), NETWORK)


def test_evidence_with_any_single_byte_changed_is_refused() -> None:
    wire = encode_evidence(fork_of(5, 3, 9).evidence())
    for at, byte in enumerate(wire):
        for changed in range(256):
            if changed == byte:
                continue
            junk = wire[:at] + bytes([changed]) + wire[at + 1 :]
            with pytest.raises(EvidenceError):
                check_evidence(decode_evidence(junk), NETWORK)


def test_the_independent_checker_refuses_changed_evidence_too() -> None:
    wire = encode_evidence(fork_of(5, 3, 9).evidence())
    for at in range(len(wire)):
        junk = wire[:at] + bytes([wire[at] ^ 1 << at % 8]) + wire[at + 1 :]
        with pytest.raises(independent.NotProvedError):
            independent.check(junk, NETWORK)


def test_evidence_cut_short_or_made_longer_is_refused() -> None:
    wire = encode_evidence(fork_of(5, 3, 9).evidence())
    for junk in (*(wire[:end] for end in range(len(wire))), wire + b"\0", wire + wire):
        with pytest.raises(EvidenceError):
            decode_evidence(junk)
        with pytest.raises(independent.NotProvedError):
            independent.check(junk, NETWORK)


def test_a_second_spelling_of_the_same_evidence_is_refused() -> None:
    wire = encode_evidence(fork_of(5, 3, 9).evidence())
    assert wire[:2] == b"\x93\x05"
    longer = [b"\xdc\x00\x03" + wire[1:], b"\x93\xcc\x05" + wire[2:], b"\x93\xd0\x05" + wire[2:]]
    assert wire.count(b"\x95\xc4\x20") == 2
    longer.append(wire.replace(b"\x95\xc4\x20", b"\x95\xc5\x00\x20"))
    longer.append(wire.replace(b"\x90", b"", 1).replace(b"\x95\xc4\x20", b"\x94\xc4\x20", 1))
    for junk in longer:
        with pytest.raises(EvidenceError):
            decode_evidence(junk)
        with pytest.raises(independent.NotProvedError):
            independent.check(junk, NETWORK)


def changed(evidence: Evidence, which: str, **fields: object) -> Evidence:
    """Evidence with some fields of one of its two halves replaced."""
    return msgspec.structs.replace(
        evidence, **{which: msgspec.structs.replace(getattr(evidence, which), **fields)}
    )


def test_nobody_is_accused_by_heads_of_two_logs() -> None:
    one, other = fork_of(5, 3, 3, "La Minga"), fork_of(5, 3, 3, "Otra")
    with pytest.raises(EvidenceError):
        build_evidence(5, one.proven(one.one), other.proven(other.other), NETWORK)


def test_nobody_is_accused_by_two_heads_of_one_history() -> None:
    author = written("La Minga", numbered("a", 5), numbered("b", 3))
    for index in range(5):
        proven = [
            Proven(run.head, leaves[index], tuple(merkle.inclusion_proof(leaves, index)))
            for run in author.runs
            for leaves in [author.leaves[: run.head.size]]
        ]
        with pytest.raises(EvidenceError):
            build_evidence(index, proven[0], proven[1], NETWORK)


def test_nobody_is_accused_by_a_head_that_another_key_signed() -> None:
    fork = fork_of(5, 3, 9)
    evidence = fork.evidence()
    forged = msgspec.structs.replace(evidence.second.head, signature=b"\0" * 64)
    with pytest.raises(EvidenceError):
        check_evidence(changed(evidence, "second", head=forged), NETWORK)
    forged = msgspec.structs.replace(evidence.first.head, signature=evidence.second.head.signature)
    with pytest.raises(EvidenceError):
        check_evidence(changed(evidence, "first", head=forged), NETWORK)


def test_nobody_is_accused_on_another_network() -> None:
    with pytest.raises(EvidenceError):
        check_evidence(fork_of(5, 3, 9).evidence(), "comunas")


def test_one_head_twice_is_no_evidence() -> None:
    evidence = fork_of(5, 3, 9).evidence()
    with pytest.raises(EvidenceError):
        check_evidence(Evidence(5, evidence.first, evidence.first), NETWORK)


def test_a_proof_that_is_too_short_or_too_long_is_refused() -> None:
    evidence = fork_of(5, 3, 9).evidence()
    proof = evidence.first.proof
    for bad in (proof[:-1], (*proof, b"\0" * 32), ()):
        with pytest.raises(EvidenceError):
            check_evidence(changed(evidence, "first", proof=bad), NETWORK)


def test_an_index_that_a_head_does_not_cover_is_refused() -> None:
    evidence = fork_of(5, 3, 9).evidence()
    for index in (8, 13, 14, MAX_INDEX):
        with pytest.raises(EvidenceError):
            check_evidence(msgspec.structs.replace(evidence, index=index), NETWORK)


def test_hashes_that_do_not_fit_a_head_make_no_proof() -> None:
    author = written("La Minga", numbered("a", 6))
    head, leaves = author.runs[0].head, author.leaves
    two = (b"\0" * 32,) * 2
    for rest in (leaves[4:], []):
        with pytest.raises(EvidenceError):
            prove_entry(head, 5, two, rest)
    with pytest.raises(EvidenceError):
        prove_entry(head, 5, (), leaves[5:])
    with pytest.raises(EvidenceError):
        prove_entry(head, 6, two, [])


def test_the_largest_evidence_fits_its_limit() -> None:
    head = Head(b"\xff" * 32, MAX_INDEX + 1, b"\xff" * 32, b"\xff" * 64, ("x" * 200,) * 4)
    half = Proven(head, b"\xff" * 32, (b"\xff" * 32,) * 32)
    wire = encode_evidence(Evidence(MAX_INDEX, half, half))
    assert len(wire) <= MAX_EVIDENCE_BYTES
    decode_evidence(wire)


def test_evidence_beyond_its_limit_is_not_looked_at() -> None:
    with pytest.raises(EvidenceError, match="8192 are allowed"):
        decode_evidence(b"\x93" + b"\x00" * MAX_EVIDENCE_BYTES)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.integers(1, 4000).map(lambda depth: b"\x91" * depth),
        st.recursive(
            st.one_of(st.none(), st.integers(-9, 2**33), st.binary(max_size=33), st.text(max_size=3)),
            lambda inner: st.lists(inner, max_size=5),
            max_leaves=20,
        ).map(msgspec.msgpack.encode),
    )
)
def test_junk_is_refused_with_the_declared_error_alone(junk: bytes) -> None:
    with pytest.raises(EvidenceError):
        decode_evidence(junk)
    with pytest.raises(independent.NotProvedError):
        independent.check(junk, NETWORK)


def test_text_that_is_not_utf_8_is_refused() -> None:
    head = [b"\0" * 32, 1, b"\0" * 32, b"\0" * 64, ["xxxx"]]
    half = [head, b"\0" * 32, []]
    wire = msgspec.msgpack.encode([0, half, half]).replace(b"\xa4xxxx", b"\xa4\xff\xfe\xc0x")
    with pytest.raises(EvidenceError):
        decode_evidence(wire)


def test_the_independent_checker_runs_as_a_program(tmp_path: Path) -> None:
    evidence = fork_of(5, 3, 9).evidence()
    file = tmp_path / "evidence"
    command = [sys.executable, independent.__file__, NETWORK, str(file)]
    file.write_bytes(encode_evidence(evidence))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert evidence.log.hex() in done.stdout
    assert "index 5" in done.stdout
    file.write_bytes(encode_evidence(evidence)[:-1])
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
