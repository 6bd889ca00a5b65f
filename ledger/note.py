"""Signed notes and checkpoints: the texts in which a log states what it holds.

Decides which text is a note that given keys signed (C2SP signed-note), and
which note text is a checkpoint, a statement of a tree's size and root (C2SP
tlog-checkpoint). Which key speaks for which log, and what follows from a
checkpoint, is left to `log`.

One text has one meaning: base64 without slack bits, decimal numbers without
leading zeros, names without blanks. Only Ed25519 signatures (type 0x01) are
verified; lines of other keys and types are passed over, as the format demands.
Everything here raises NoteError and nothing else.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from . import signing
from .errors import LedgerError, NoteError
from .limits import HASH_BYTES, MAX_CHECKPOINT_SIZE, MAX_NOTE_BYTES, MAX_NOTE_SIGNATURES

KEY_ID_BYTES: Final = 4
"""bytes of a key id; it finds the key of a signature line, and proves nothing."""

_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "

_NAME: Final = re.compile(r"[^\s+\x00-\x1f]+")
_CONTROLS: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_KEY_TEXT: Final = re.compile(r"(?P<name>[^+]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>.+)", re.DOTALL)
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


def key_id(name: str, public_key: bytes) -> bytes:
    """The 4 bytes that a signature line begins with: of SHA-256 over name, newline, 0x01 and the key."""
    return sha256(_bytes_of(name) + b"\n" + _ED25519 + public_key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signatures on notes count: a name and an Ed25519 public key (32 bytes).

    As text it is `<name>+<key id, 8 lowercase hex digits>+<base64 of 0x01 and the key>`.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        """Raises NoteError if no signature line could carry the name, or the key has not 32 bytes."""
        _check_name(self.name)
        if len(self.public_key) != HASH_BYTES:
            raise NoteError(
                "A public key has {count} bytes instead of {limit}.",
                count=len(self.public_key),
                limit=HASH_BYTES,
            )

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key that `text` states. Raises NoteError."""
        name, stated_id, public_key = _parse_key(text)
        key = cls(name, public_key)
        if key.id != stated_id:
            raise NoteError("A verifier key states a key id that is not its own.")
        return key

    @property
    def id(self) -> bytes:
        """The key id (4 bytes)."""
        return key_id(self.name, self.public_key)

    def __str__(self) -> str:
        """The key as the text that `parse` reads, and other tools for notes as well."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public_key)}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs a note: a name and a key pair."""

    name: str
    key: signing.SigningKey

    def __post_init__(self) -> None:
        """Raises NoteError if no signature line could carry the name."""
        _check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> Signer:
        """The signer that a secret key of Go's note package states: `PRIVATE+KEY+<name>+<id>+<base64>`.

        Raises NoteError, whose text never shows the secret.
        """
        prefix, name_and_key = text[:12], text[12:]
        if prefix != "PRIVATE+KEY+":
            raise NoteError("A signer's key does not begin with PRIVATE+KEY+.")
        name, stated_id, seed = _parse_key(name_and_key)
        try:
            signer = cls(name, signing.SigningKey(seed))
        except LedgerError:
            raise NoteError("A signer's key is not one.") from None
        if signer.verifier.id != stated_id:
            raise NoteError("A signer's key states a key id that is not its own.")
        return signer

    @property
    def verifier(self) -> VerifierKey:
        """The key that verifies what this signer signs."""
        return VerifierKey(self.name, self.key.public_key)


@dataclass(frozen=True, slots=True)
class Note:
    """A signed text that was opened: the text, newline at its end included, and whose signatures hold."""

    text: str
    verified: tuple[VerifierKey, ...]


def open_note(text: str | bytes, verifier_keys: Iterable[VerifierKey | str]) -> Note:
    """Open a signed note (C2SP signed-note) that at least one of the keys signed.

    Signatures of other keys are passed over. Raises NoteError if the note is
    malformed, if a signature of one of the keys does not verify (even where
    that of another does), or if none of the keys signed.
    """
    known = _by_name_and_id(verifier_keys)
    body, lines = _split(text)
    verified: list[VerifierKey] = []
    signed = body.encode("utf-8")
    for line in lines:
        name, found_id, signature = _parse_signature(line)
        key = known.get((name, found_id))
        if key is None or key in verified:
            continue
        if not signing.verify(key.public_key, signed, signature):
            raise NoteError("The signature of {name} on a note does not verify.", name=name)
        verified.append(key)
    if not verified:
        raise NoteError("A note has no signature of a known key.")
    return Note(body, tuple(verified))


def sign_note(text: str, signers: Iterable[Signer | str]) -> str:
    """The note that says `text`, signed by all signers in turn.

    Raises NoteError if there is none, or if `text` is no note text: UTF-8
    without controls, with a newline at its end.
    """
    signed = _bytes_of(text)
    if not text.endswith("\n"):
        raise NoteError("A text cannot be signed as a note: it does not end with a newline.")
    lines = []
    for signer in signers:
        if isinstance(signer, str):
            signer = Signer.parse(signer)
        line = _base64(signer.verifier.id + signer.key.sign(signed))
        lines.append(f"{_DASH}{signer.name} {line}\n")
    note = f"{text}\n{''.join(lines)}"
    _split(note)
    return note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A statement that the tree of a log has `size` leaves and this `root` (32 bytes).

    `origin` names the log. `extensions` are lines whose meaning is the log's.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def parse_checkpoint(body: str, *, allow_extensions: bool = False) -> Checkpoint:
    """The checkpoint that a note text states (C2SP tlog-checkpoint, note text).

    Raises NoteError for any other text, and for one with extension lines
    unless they are allowed.
    """
    _bytes_of(body)
    lines = body.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise NoteError("A checkpoint is not three lines or more, all of them filled and ended.")
    origin, size, root_text, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > MAX_CHECKPOINT_SIZE:
        raise NoteError("The size in a checkpoint is not a decimal number that fits.")
    root = _from_base64(root_text)
    if len(root) != HASH_BYTES:
        raise NoteError(
            "The root in a checkpoint has {count} bytes instead of {limit}.",
            count=len(root),
            limit=HASH_BYTES,
        )
    if extensions and not allow_extensions:
        raise NoteError("A checkpoint has extension lines, of which none is known.")
    return Checkpoint(origin, int(size), root, tuple(extensions))


def checkpoint_body(origin: str, size: int, root: bytes, extensions: Sequence[str] = ()) -> str:
    """The note text that states a checkpoint.

    Raises NoteError if no text states this one and reads back as it.
    """
    lines = (origin, str(size), _base64(root), *extensions)
    body = "".join(f"{line}\n" for line in lines)
    if parse_checkpoint(body, allow_extensions=True) != Checkpoint(origin, size, root, tuple(extensions)):
        raise NoteError("A checkpoint cannot be written: a line of it has a newline.")
    return body


def _by_name_and_id(keys: Iterable[VerifierKey | str]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if isinstance(key, str):
            key = VerifierKey.parse(key)
        if known.setdefault((key.name, key.id), key) != key:
            raise NoteError("Two keys named {name} have the same key id.", name=key.name)
    return known


def _split(text: str | bytes) -> tuple[str, list[str]]:
    """The text of a note, its newline included, and its signature lines."""
    data = _bytes_of(text) if isinstance(text, str) else text
    if len(data) > MAX_NOTE_BYTES:
        raise NoteError(
            "A note has {count} bytes; {limit} are allowed.", count=len(data), limit=MAX_NOTE_BYTES
        )
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NoteError("A note is not UTF-8.") from None
    if _CONTROLS.search(whole):
        raise NoteError("A note holds a control character.")
    body, blank, signatures = whole.rpartition("\n\n")
    lines = signatures.split("\n")
    if not blank or lines.pop() or not lines:
        raise NoteError("A note has no signature lines after a blank line.")
    if len(lines) > MAX_NOTE_SIGNATURES:
        raise NoteError(
            "A note has {count} signature lines; {limit} are allowed.",
            count=len(lines),
            limit=MAX_NOTE_SIGNATURES,
        )
    return f"{body}\n", lines


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    """Name, key id and signature of a signature line."""
    dash, rest = line[: len(_DASH)], line[len(_DASH) :]
    name, blank, encoded = rest.partition(" ")
    if dash != _DASH or not blank:
        raise NoteError("A signature line is not a dash, a name and a signature.")
    _check_name(name)
    data = _from_base64(encoded)
    if len(data) <= KEY_ID_BYTES:
        raise NoteError("A signature line has no signature.")
    return name, data[:KEY_ID_BYTES], data[KEY_ID_BYTES:]


def _parse_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, stated key id and key of the text of a verifier's or signer's key."""
    match = _KEY_TEXT.fullmatch(text)
    if match is None:
        raise NoteError("A key for notes is not a name, a key id and a key.")
    data = _from_base64(match["key"])
    if data[:1] != _ED25519 or len(data) != 1 + HASH_BYTES:
        raise NoteError("A key for notes is not an Ed25519 key.")
    return match["name"], bytes.fromhex(match["id"]), data[1:]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise NoteError("A key's name is empty, or has a blank, a control character or '+'.")
    _bytes_of(name)


def _bytes_of(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise NoteError("A text is not UTF-8.") from None


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _from_base64(text: str) -> bytes:
    """The bytes that `text` encodes; only the one canonical text of them is taken."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        raise NoteError("A field is not base64.") from None
    if _base64(data) != text:
        raise NoteError("A field is not canonical base64.")
    return data
