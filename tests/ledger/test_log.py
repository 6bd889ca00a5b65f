"""Extending a log by a run and one head, and refusing everything else."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle, note
from ledger.errors import BadHead, BadRun, RunRefused
from ledger.limits import MAX_INDEX, MAX_PAYLOAD_BYTES, MAX_RUN_BYTES, MAX_RUN_ENTRIES
from ledger.log import (
    Erased,
    Head,
    LogState,
    Run,
    check_form,
    check_head,
    entry_id,
    extend,
    leaf_hashes,
    sign_run,
)
from tests.support.histories import NETWORK, Author, erased, key_of, numbered, written

batches = st.lists(
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=9), min_size=1, max_size=6
)


def empty(author: Author) -> LogState:
    """The log of an author before its first entry."""
    return LogState(author.state.log)


def resigned(author: Author, head: Head) -> Head:
    """The same head with the signature that the author would put under it."""
    return msgspec.structs.replace(head, signature=author.key.sign(head.body(NETWORK)))


def test_a_leaf_covers_log_key_index_and_payload() -> None:
    log, payload = key_of("La Minga").public_key, b"maiz"
    expected = sha256(b"\x00" + log + (258).to_bytes(8, "big") + payload).digest()
    assert entry_id(log, 258, payload) == expected
    assert merkle.leaf_hash(log + b"\0\0\0\0\0\0\x01\x02" + payload) == expected
    assert leaf_hashes(log, 257, [b"yuca", payload, Erased(b"\7" * 32)])[1:] == [expected, b"\7" * 32]


@given(batches)
def test_a_log_extended_run_by_run_has_the_root_of_all_its_leaves(given: list[list[bytes]]) -> None:
    author = written("El Maizal", *given)
    state = empty(author)
    for run in author.runs:
        extension = extend(state, run, NETWORK)
        assert extension.leaves == author.leaves[run.start : run.head.size]
        state = extension.state
        assert state.root == run.head.root == merkle.root(author.leaves[: run.head.size])
        assert state.head == run.head
    assert state == author.state
    assert state.size == sum(map(len, given))


def test_a_log_before_its_first_entry_has_the_root_of_the_empty_tree() -> None:
    assert LogState(Author("x").state.log).root == sha256(b"").digest()


def test_an_erased_payload_extends_a_log_as_its_leaf_hash() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    state = empty(author)
    for run in (erased(author.runs[0], 0, 2), erased(author.runs[1], 3, 4, 5, 6)):
        state = extend(state, run, NETWORK).state
    assert state == author.state


def test_a_false_leaf_hash_is_refused() -> None:
    author = written("El Maizal", numbered("a", 3))
    run = erased(author.runs[0], 1)
    items = (run.items[0], Erased(b"\0" * 32), run.items[2])
    with pytest.raises(BadRun):
        extend(empty(author), Run(run.head, 0, items), NETWORK)


def test_a_head_opens_as_a_checkpoint_under_the_log_key() -> None:
    author = written("El Maizal", numbered("a", 3))
    head = author.runs[0].head
    log = author.key.public_key
    name = f"trueque/{NETWORK}/{log.hex()}"
    key_id = sha256(name.encode() + b"\x0a\x01" + log).digest()[:4]
    body = f"{name}\n3\n{b64encode(head.root).decode()}\n"
    expected = f"{body}\n\u2014 {name} {b64encode(key_id + head.signature).decode()}\n"
    assert head.to_note(NETWORK) == expected
    opened = note.open_note(expected, [note.VerifierKey(name, log)])
    assert opened.text == body
    checkpoint = note.parse_checkpoint(opened.text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (name, 3, head.root)


def test_extension_lines_are_signed_and_stand_in_the_text() -> None:
    author = written("El Maizal", numbered("a", 1))
    plain = author.runs[0].head
    head = msgspec.structs.replace(plain, extensions=("tono 7", "x"))
    with pytest.raises(BadHead):
        check_head(head, NETWORK)
    head = resigned(author, head)
    check_head(head, NETWORK)
    assert head.to_note(NETWORK).split("\n\n")[0].endswith("\ntono 7\nx")
    with pytest.raises(BadHead):
        check_head(msgspec.structs.replace(head, extensions=()), NETWORK)


def test_a_head_of_another_network_is_refused() -> None:
    author = written("El Maizal", numbered("a", 1))
    with pytest.raises(BadHead):
        extend(empty(author), author.runs[0], "comunas")


Change = Callable[[Author, Run], Run]
REFUSED: dict[str, tuple[Change, type[RunRefused]]] = {
    "an entry left out": (lambda _, run: Run(run.head, run.start, run.items[:-1]), BadRun),
    "an entry too many": (lambda _, run: Run(run.head, run.start, (*run.items, b"more")), BadRun),
    "two entries swapped": (lambda _, run: Run(run.head, run.start, run.items[::-1]), BadRun),
    "a payload changed": (lambda _, run: Run(run.head, run.start, (b"other", *run.items[1:])), BadRun),
    "an empty payload": (lambda _, run: Run(run.head, run.start, (b"", *run.items[1:])), BadRun),
    "a start that is too low": (lambda _, run: Run(run.head, run.start - 1, (b"x", *run.items)), BadRun),
    "a start that is too high": (lambda _, run: Run(run.head, run.start + 1, run.items[1:]), BadRun),
    "a negative start": (lambda _, run: Run(run.head, -1, (b"x",) * (run.head.size + 1)), BadRun),
    "no entries": (lambda _, run: Run(run.head, run.head.size, ()), BadRun),
    "a short leaf hash": (
        lambda _, run: Run(run.head, run.start, (Erased(b"\0" * 31), *run.items[1:])),
        BadRun,
    ),
    "a compact range that does not fit": (
        lambda _, run: Run(run.head, run.start, run.items, (b"\0" * 32,) * 3),
        BadRun,
    ),
    "a compact range of short hashes": (
        lambda _, run: Run(run.head, run.start, run.items, (b"\0" * 31,) * run.start.bit_count()),
        BadRun,
    ),
    "the root of other entries, signed": (
        lambda author, run: Run(
            resigned(author, msgspec.structs.replace(run.head, root=b"\1" * 32)), run.start, run.items
        ),
        BadRun,
    ),
    "the signature of another head": (
        lambda author, run: Run(
            msgspec.structs.replace(run.head, signature=author.runs[0].head.signature), run.start, run.items
        ),
        BadHead,
    ),
    "the same entries under another log": (
        lambda _, run: written("Otra", numbered("a", 3), numbered("b", 4)).runs[1],
        BadRun,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_the_next_run_is_refused_and_changes_nothing(name: str) -> None:
    change, error = REFUSED[name]
    author = written("El Maizal", numbered("a", 3), numbered("b", 4))
    state = extend(empty(author), author.runs[0], NETWORK).state
    before = msgspec.msgpack.encode(state)
    with pytest.raises(error) as caught:
        extend(state, change(author, author.runs[1]), NETWORK)
    assert str(caught.value).endswith(".")
    assert msgspec.msgpack.encode(state) == before
    assert extend(state, author.runs[1], NETWORK).state == author.state


def test_every_bit_of_a_signature_counts() -> None:
    head = written("El Maizal", [b"a"]).runs[0].head
    for bit in range(8 * len(head.signature)):
        changed = int.from_bytes(head.signature, "big") ^ (1 << bit)
        assert not msgspec.structs.replace(head, signature=changed.to_bytes(64, "big")).is_signed(NETWORK)


def test_a_run_of_as_many_entries_as_allowed_is_taken_and_one_more_refused() -> None:
    author = Author("El Maizal")
    run = author.write(*[b"x"] * MAX_RUN_ENTRIES)
    assert extend(LogState(run.log), run, NETWORK).state.size == MAX_RUN_ENTRIES
    with pytest.raises(BadRun):
        author.write(*[b"x"] * (MAX_RUN_ENTRIES + 1))
    assert author.state.size == MAX_RUN_ENTRIES


def test_a_run_of_as_many_bytes_as_allowed_is_taken_and_one_more_refused() -> None:
    payloads = [b"x" * MAX_PAYLOAD_BYTES] * (MAX_RUN_BYTES // MAX_PAYLOAD_BYTES)
    author = Author("El Maizal")
    run = author.write(*payloads)
    assert extend(LogState(run.log), run, NETWORK).state == author.state
    with pytest.raises(BadRun):
        author.write(*payloads, b"x")


def test_a_dense_log_signed_under_one_distant_head_is_refused() -> None:
    """A signer that leaves too much between two heads cannot have its entries stored."""
    author = written("El Maizal", *[[b"x"] * 1000] * 2)
    sparse = author.run_between(0, author.runs[1].head)
    with pytest.raises(BadRun):
        extend(LogState(sparse.log), sparse, NETWORK)


@pytest.mark.parametrize("size", [0, MAX_PAYLOAD_BYTES + 1])
def test_a_payload_that_is_empty_or_too_long_is_not_signed(size: int) -> None:
    author = Author("El Maizal")
    with pytest.raises(BadRun):
        author.write(b"fine", b"x" * size)
    assert author.state == empty(author)


def test_nothing_is_signed_for_no_entries() -> None:
    with pytest.raises(BadRun):
        Author("El Maizal").write()


def test_a_key_signs_only_the_log_that_it_names() -> None:
    with pytest.raises(BadRun):
        sign_run(Author("El Maizal").state, [b"x"], key_of("Otra"), NETWORK)


def test_a_log_does_not_grow_beyond_the_last_index() -> None:
    head = Head(b"\0" * 32, MAX_INDEX + 2, b"\0" * 32, b"\0" * 64)
    with pytest.raises(BadRun):
        check_form(Run(head, MAX_INDEX + 1, (b"x",)))


def test_a_head_and_a_run_come_back_from_their_wire_form() -> None:
    author = written("El Maizal", numbered("a", 3), numbered("b", 2))
    for run in (erased(author.runs[0], 1), author.run_between(3, author.runs[1].head, with_before=True)):
        wire = msgspec.msgpack.encode(run)
        assert msgspec.msgpack.decode(wire, type=Run) == run
        assert msgspec.msgpack.decode(wire)[0] == [
            run.head.log,
            run.head.size,
            run.head.root,
            run.head.signature,
            [],
        ]


@pytest.mark.parametrize("line", ["", " x", "x ", "\u00e1", "a\nb", "x\n", "x" * 201, "\t"])
def test_an_extension_line_that_could_be_read_in_two_ways_is_not_decoded(line: str) -> None:
    wire = msgspec.msgpack.encode([b"\0" * 32, 1, b"\0" * 32, b"\0" * 64, [line]])
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(wire, type=Head)


@given(st.binary(max_size=300))
def test_junk_is_no_run(junk: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        msgspec.msgpack.decode(junk, type=Run)
