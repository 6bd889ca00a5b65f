"""Signed notes and checkpoints, against the cases of Go's note package and beyond."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import note
from ledger.errors import NoteError
from ledger.limits import MAX_CHECKPOINT_SIZE, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES
from ledger.note import Checkpoint, Signer, VerifierKey
from ledger.signing import SigningKey
from tests.support.shared import shared_path
from tests.support.vectors import assert_page_is_from_vectors, assert_regenerates, load

MAIZAL = Signer("trueque/prueba/maizal", SigningKey(bytes(32)))
PANAL = Signer("trueque/prueba/panal", SigningKey(bytes([1]) * 32))
ROOT = bytes(range(32))


def _vectors(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads(shared_path(f"vectors/note/{name}.json").read_text())
    return vectors


def _line(name: str, data: bytes) -> str:
    return f"\u2014 {name} {b64encode(data).decode()}\n"


# Notes -----------------------------------------------------------------------------------------------


def test_notes_of_the_go_package_open_or_not_as_it_says() -> None:
    cases = _vectors("signed_note")["open"]
    assert len(cases) == 15
    for case in cases:
        data = b64decode(case["msg_b64"])
        if case["ok"]:
            opened = note.open_note(data, case["vkeys"])
            assert len(opened.verified) == case["verified"], case["name"]
            assert opened.text.encode() == data[: len(opened.text.encode())]
        else:
            with pytest.raises(NoteError):
                note.open_note(data, case["vkeys"])


def test_the_note_signed_by_the_go_package_is_signed_the_same_here() -> None:
    (case,) = _vectors("signed_note")["sign"]
    assert note.sign_note(case["text"], [case["skey"]]) == f"{case['text']}\n{case['want_line']}"


def test_verifier_keys_of_the_go_package_are_read_or_refused_as_it_says() -> None:
    vectors = _vectors("signed_note")
    for text in vectors["good_vkeys"]:
        assert str(VerifierKey.parse(text)) == text
    for text in vectors["bad_vkeys"]:
        with pytest.raises(NoteError):
            VerifierKey.parse(text)


def test_a_note_that_two_signed_names_both() -> None:
    signed = note.sign_note("Hola\n", [MAIZAL, PANAL])
    keys = [MAIZAL.verifier, PANAL.verifier]
    assert note.open_note(signed, keys) == note.Note("Hola\n", (MAIZAL.verifier, PANAL.verifier))
    assert note.open_note(signed.encode(), map(str, keys)).verified == tuple(keys)


def test_a_text_with_blank_lines_opens_as_it_was_signed() -> None:
    for text in ("\n", "\n\n", "a\n\nb\n", "a\n\n\n"):
        assert note.open_note(note.sign_note(text, [MAIZAL]), [MAIZAL.verifier]).text == text


def test_a_signature_that_fails_spoils_the_note_even_beside_a_good_one() -> None:
    forged = note.sign_note("Hola\n", [MAIZAL]) + _line(PANAL.name, PANAL.verifier.id + bytes(64))
    assert note.open_note(forged, [MAIZAL.verifier]).verified == (MAIZAL.verifier,)
    with pytest.raises(NoteError):
        note.open_note(forged, [MAIZAL.verifier, PANAL.verifier])


def test_a_line_of_an_unknown_type_of_key_is_passed_over() -> None:
    signed = note.sign_note("Hola\n", [MAIZAL]) + _line("testigo", b"\x01\x02\x03\x04" + bytes(76))
    assert note.open_note(signed, [MAIZAL.verifier]).verified == (MAIZAL.verifier,)


@pytest.mark.parametrize(
    "line",
    [
        "x\n",
        "\u2014 \n",
        "\u2014 nombre\n",
        "\u2014  AAAAAAAA\n",
        "\u2014 a+b AAAAAAAA\n",
        "\u2014 nombre \n",
        "\u2014 nombre AAAAAA==\n",  # a key id alone
        "\u2014 nombre AAAAAAB=\n",  # slack bits that are not zero
        "\u2014 nombre AAAA AAAA\n",
        "\u2014 nombre AAAAAAAA \n",
        "- nombre AAAAAAAA\n",
        "\u2014 nombre AAAAAAAA",
        "\u2014 no\u00a0mbre AAAAAAAA\n",
        "\u2014 nombre ÁAAAAAAA\n",
    ],
)
def test_one_malformed_signature_line_refuses_the_whole_note(line: str) -> None:
    with pytest.raises(NoteError):
        note.open_note(note.sign_note("Hola\n", [MAIZAL]) + line, [MAIZAL.verifier])


def test_a_note_has_limits_of_bytes_and_of_signature_lines() -> None:
    most = "x" * (MAX_NOTE_BYTES - len(note.sign_note("\n", [MAIZAL]).encode()))
    assert len(note.sign_note(f"{most}\n", [MAIZAL]).encode()) == MAX_NOTE_BYTES
    with pytest.raises(NoteError):
        note.sign_note(f"{most}x\n", [MAIZAL])
    opened = note.open_note(note.sign_note("Hola\n", [MAIZAL] * MAX_NOTE_SIGNATURES), [MAIZAL.verifier])
    assert opened.verified == (MAIZAL.verifier,)
    with pytest.raises(NoteError):
        note.sign_note("Hola\n", [MAIZAL] * (MAX_NOTE_SIGNATURES + 1))


@pytest.mark.parametrize("text", ["", "Hola", "a\n\nb", "Ho\tla\n", "Hola\r\n", "\ud800\n"])
def test_a_text_that_is_no_note_text_is_not_signed(text: str) -> None:
    with pytest.raises(NoteError):
        note.sign_note(text, [MAIZAL])


def test_a_note_is_not_signed_by_nobody() -> None:
    with pytest.raises(NoteError):
        note.sign_note("Hola\n", [])


def test_two_keys_that_a_signature_line_cannot_tell_apart_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Finding two keys with one 32-bit id takes some minutes of computing; here the id is fixed."""
    monkeypatch.setattr(note, "key_id", lambda name, public_key: b"same")
    one, other = (VerifierKey("nombre", signer.key.public_key) for signer in (MAIZAL, PANAL))
    with pytest.raises(NoteError):
        note.open_note("Hola\n", [one, other])
    signed = note.sign_note("Hola\n", [Signer("nombre", MAIZAL.key)])
    assert note.open_note(signed, [one, one]).verified == (one,)


@given(st.binary(max_size=200) | st.text(max_size=100))
def test_junk_is_no_note(junk: bytes | str) -> None:
    with pytest.raises(NoteError):
        note.open_note(junk, [MAIZAL.verifier])


def test_every_changed_bit_of_a_note_is_refused() -> None:
    signed = bytearray(note.sign_note("Hola\n", [MAIZAL]).encode())
    for position in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[position // 8] ^= 1 << position % 8
        with pytest.raises(NoteError):
            note.open_note(bytes(changed), [MAIZAL.verifier])


# Keys ------------------------------------------------------------------------------------------------


def test_a_key_id_is_the_beginning_of_a_hash_over_name_type_and_key() -> None:
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    assert note.key_id(key.name, key.public_key).hex() == "c74f20a3"


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "a\nb", "a+b", "a\u2003b", "a\x1fb", "\ud800"])
def test_a_name_that_a_signature_line_cannot_carry_is_refused(name: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey(name, bytes(32))
    with pytest.raises(NoteError):
        Signer(name, MAIZAL.key)


def test_a_verifier_key_is_32_bytes() -> None:
    with pytest.raises(NoteError):
        VerifierKey("nombre", bytes(31))


def test_a_key_as_text_has_one_form() -> None:
    good = str(MAIZAL.verifier)
    assert VerifierKey.parse(good) == MAIZAL.verifier
    name, stated_id, key = good.split("+", 2)
    other_type = b64encode(b"\x02" + MAIZAL.key.public_key).decode()
    too_short = b64encode(b"\x01" + MAIZAL.key.public_key[1:]).decode()
    for bad in (
        "",
        name,
        f"{name}+{stated_id}",
        f"{name}+{stated_id}+",
        f"{name}+{stated_id.upper()}+{key}",
        f"{name}+{int(stated_id, 16) ^ 1:08x}+{key}",
        f"{name}+{stated_id}+{key}\n",
        f"{name}x+{stated_id}+{key}",
        f"+{stated_id}+{key}",
        f"na me+{stated_id}+{key}",
        f"{name}+{stated_id}+{other_type}",
        f"{name}+{stated_id}+{too_short}",
    ):
        with pytest.raises(NoteError):
            VerifierKey.parse(bad)


def test_a_signer_s_key_that_is_none_is_refused_without_showing_it() -> None:
    secret = b64encode(b"\x01" + bytes(32)).decode()
    good = f"PRIVATE+KEY+{MAIZAL.name}+{MAIZAL.verifier.id.hex()}+{secret}"
    assert Signer.parse(good) == MAIZAL
    for bad in ("", "x" + good, good[12:], good.replace("maizal", "otra"), good.replace("maizal", "mai zal")):
        with pytest.raises(NoteError) as caught:
            Signer.parse(bad)
        assert secret not in str(caught.value)


# Checkpoints -----------------------------------------------------------------------------------------


def test_checkpoints_of_other_projects_are_read_or_refused_as_the_strict_profile_says() -> None:
    cases = _vectors("checkpoint_body")["cases"]
    assert len(cases) == 15
    for case in cases:
        if case["strict_ok"]:
            read = note.parse_checkpoint(case["body"])
            assert note.checkpoint_body(read.origin, read.size, read.root) == case["body"]
        else:
            with pytest.raises(NoteError):
                note.parse_checkpoint(case["body"])


def test_extension_lines_are_read_only_where_they_are_allowed() -> None:
    body = note.checkpoint_body("origen", 7, ROOT, ["uno", "dos 2"])
    assert body.endswith("=\nuno\ndos 2\n")
    assert note.parse_checkpoint(body, allow_extensions=True) == Checkpoint(
        "origen", 7, ROOT, ("uno", "dos 2")
    )
    with pytest.raises(NoteError):
        note.parse_checkpoint(body)


@pytest.mark.parametrize(
    "size", ["", "-1", "+1", "01", "00", "1_0", " 1", "1 ", "1.0", "٣", str(2**63), "9" * 5000]
)
def test_a_size_is_a_plain_decimal_number(size: str) -> None:
    with pytest.raises(NoteError):
        note.parse_checkpoint(f"origen\n{size}\n{b64encode(ROOT).decode()}\n")


@pytest.mark.parametrize("size", [0, 1, 10, 2**32, MAX_CHECKPOINT_SIZE])
def test_a_checkpoint_of_any_size_reads_back(size: int) -> None:
    assert note.parse_checkpoint(note.checkpoint_body("origen", size, ROOT)) == Checkpoint(
        "origen", size, ROOT
    )


def test_a_checkpoint_that_would_read_as_another_is_not_written() -> None:
    root = b64encode(ROOT).decode()
    for origin, size, hashed, extensions in (
        ("", 7, ROOT, []),
        (f"origen\n9\n{root}", 7, ROOT, []),
        ("origen\n", 7, ROOT, []),
        ("origen", -1, ROOT, []),
        ("origen", MAX_CHECKPOINT_SIZE + 1, ROOT, []),
        ("origen", 7, ROOT[:31], []),
        ("origen", 7, ROOT, [""]),
        ("origen", 7, ROOT, ["a\nb"]),
        ("\ud800", 7, ROOT, []),
    ):
        with pytest.raises(NoteError):
            note.checkpoint_body(origin, size, hashed, extensions)


@given(st.text(max_size=200))
def test_junk_is_no_checkpoint(junk: str) -> None:
    with pytest.raises(NoteError):
        note.parse_checkpoint(junk, allow_extensions=True)


# Our own vectors -------------------------------------------------------------------------------------


def _own_vectors() -> dict[str, Any]:
    root = b64encode(ROOT).decode()
    key = MAIZAL.key.public_key
    log = Signer(f"trueque/comunas/{key.hex()}", MAIZAL.key)
    body = note.checkpoint_body(log.name, 1_024, ROOT)
    extended = note.checkpoint_body(log.name, 2**32, ROOT, ["a line that only the log understands"])
    signed = note.sign_note(body, [log])
    line = signed[len(body) + 1 :]
    forged = _line(log.name, log.verifier.id + bytes(64))
    return {
        "about": "The notes of docs/spec/note.md, made by tests/ledger/test_note.py; bytes in hex",
        "seed": MAIZAL.key.seed.hex(),
        "public_key": key.hex(),
        "verifier_key": str(log.verifier),
        "checkpoints": [
            {"origin": log.name, "size": size, "root": ROOT.hex(), "extensions": extensions, "body": text}
            for size, extensions, text in (
                (1_024, [], body),
                (2**32, ["a line that only the log understands"], extended),
            )
        ],
        "refused_checkpoints": [
            {"name": name, "body": text}
            for name, text in (
                ("no newline at the end", body[:-1]),
                ("a blank line at the end", body + "\n"),
                ("an empty origin", f"\n7\n{root}\n"),
                ("a size with a leading zero", f"{log.name}\n07\n{root}\n"),
                ("a size with a sign", f"{log.name}\n+7\n{root}\n"),
                ("a size of 2 to the 63rd", f"{log.name}\n{2**63}\n{root}\n"),
                ("a root of 31 bytes", f"{log.name}\n7\n{b64encode(ROOT[:31]).decode()}\n"),
                ("a root with slack bits that are not zero", f"{log.name}\n7\n{root[:-2]}9=\n"),
                ("a root without padding", f"{log.name}\n7\n{root[:-1]}\n"),
                ("an extension line", extended),
            )
        ],
        "notes": [
            {"text": text, "signed": note.sign_note(text, [log])}
            for text in (body, extended, "\n", "a\n\nb\n")
        ],
        "refused_notes": [
            {"name": name, "signed": text}
            for name, text in (
                ("the text alone", body),
                ("no signature line", f"{body}\n"),
                ("no blank line", body + line),
                ("no newline at the end", signed[:-1]),
                ("a line after the signatures", f"{signed}x\n"),
                ("a hyphen for the dash", signed.replace("\u2014", "-")),
                ("a signature that fails", f"{body}\n{forged}"),
                ("a signature that fails, then one that holds", f"{body}\n{forged}{line}"),
                ("a signature under another name", signed.replace(f"\u2014 {log.name}", "\u2014 otra")),
                ("a signature of another text", signed.replace("1024", "1025")),
                ("a carriage return", signed.replace("1024\n", "1024\r\n")),
                ("more signature lines than are looked at", f"{body}\n{line * (MAX_NOTE_SIGNATURES + 1)}"),
            )
        ],
    }


def test_our_own_vectors_regenerate_byte_for_byte() -> None:
    assert_regenerates("note", _own_vectors())


def test_our_own_vectors_are_taken_or_refused_as_they_say() -> None:
    vectors = load("note")
    key = VerifierKey.parse(vectors["verifier_key"])
    for case in vectors["checkpoints"]:
        read = note.parse_checkpoint(case["body"], allow_extensions=True)
        assert read == Checkpoint(
            case["origin"], case["size"], bytes.fromhex(case["root"]), tuple(case["extensions"])
        )
    for case in vectors["refused_checkpoints"]:
        with pytest.raises(NoteError):
            note.parse_checkpoint(case["body"])
    for case in vectors["notes"]:
        assert note.open_note(case["signed"], [key]) == note.Note(case["text"], (key,))
    for case in vectors["refused_notes"]:
        with pytest.raises(NoteError):
            note.open_note(case["signed"], [key])


def test_the_page_of_the_specification_shows_the_vectors() -> None:
    assert assert_page_is_from_vectors("note") >= 5
