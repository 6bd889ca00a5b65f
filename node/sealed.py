"""A sealed file: a stream of bytes encrypted under a password.

Decides the container of backups: a key from the password by argon2id, then
libsodium's secretstream (XChaCha20-Poly1305) in chunks, so that files of any
size pass through little memory, and a changed, reordered or cut file is told
from a whole one. What is inside is `backup`'s (docs/spec/backup.md).
"""

from __future__ import annotations

import os
import unicodedata
from typing import BinaryIO, Final

from nacl import bindings, pwhash
from nacl.exceptions import CryptoError

from .errors import InputError

MAGIC: Final = b"trueque-sealed-1\n"

CHUNK_BYTES: Final = 65_536
"""bytes of plain text in a chunk; the last may have fewer."""

SALT_BYTES: Final = pwhash.argon2id.SALTBYTES

OPERATIONS: Final = pwhash.argon2id.OPSLIMIT_INTERACTIVE
MEMORY_BYTES: Final = pwhash.argon2id.MEMLIMIT_INTERACTIVE
"""argon2id: 2 passes over 64 MiB, which a small Raspberry Pi can spare."""

MIN_PASSWORD_CHARACTERS: Final = 8
"""characters of a password; the file may lie in a drawer for years."""

_TAG_BYTES: Final = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
_HEADER_BYTES: Final = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES


def check_password(password: str) -> None:
    """Refuse a password that is too short to protect anything. Raises InputError."""
    if len(password) < MIN_PASSWORD_CHARACTERS:
        raise InputError(
            "The password is too short: at least {least} characters are needed, and it has {count}. Several "
            "words are easy to remember.",
            count=len(password),
            least=MIN_PASSWORD_CHARACTERS,
        )


def _key(password: str, salt: bytes) -> bytes:
    # One password however a keyboard composes its accents, on whichever computer it is typed again.
    typed = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return pwhash.argon2id.kdf(
        bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES,
        typed,
        salt,
        opslimit=OPERATIONS,
        memlimit=MEMORY_BYTES,
    )


class SealingWriter:
    """Encrypts what is written to it into a file; `finish` makes the file whole."""

    def __init__(self, file: BinaryIO, password: str) -> None:
        salt = os.urandom(SALT_BYTES)
        self._file = file
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        header = bindings.crypto_secretstream_xchacha20poly1305_init_push(self._state, _key(password, salt))
        self._waiting = bytearray()
        file.write(MAGIC + salt + header)

    def write(self, data: bytes) -> int:
        """Encrypt some bytes. Raises OSError as the file does."""
        self._waiting += data
        while len(self._waiting) > CHUNK_BYTES:
            self._push(bytes(self._waiting[:CHUNK_BYTES]), final=False)
            del self._waiting[:CHUNK_BYTES]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk, marked as such; without it the file counts as cut short."""
        self._push(bytes(self._waiting), final=True)
        self._waiting.clear()

    def flush(self) -> None:
        """Nothing to do: chunks are written when they are full."""

    def _push(self, chunk: bytes, *, final: bool) -> None:
        tag = (
            bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL
            if final
            else bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
        )
        self._file.write(bindings.crypto_secretstream_xchacha20poly1305_push(self._state, chunk, None, tag))


class OpeningReader:
    """Decrypts a sealed file as it is read. Raises InputError on a wrong password or a damaged file."""

    def __init__(self, file: BinaryIO, password: str) -> None:
        self._file = file
        start = file.read(len(MAGIC) + SALT_BYTES + _HEADER_BYTES)
        if not start.startswith(MAGIC):
            raise InputError("This is not a backup of Trueque: choose the file that `trueque backup` wrote.")
        if len(start) < len(MAGIC) + SALT_BYTES + _HEADER_BYTES:
            raise InputError("The backup is cut short: copy the file again from where it was kept.")
        salt, header = start[len(MAGIC) : -_HEADER_BYTES], start[-_HEADER_BYTES:]
        self._state = bindings.crypto_secretstream_xchacha20poly1305_state()
        bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, _key(password, salt))
        self._first = True
        self._ended = False
        self._plain = bytearray()

    def seekable(self) -> bool:
        """No: what was decrypted is not kept."""
        return False

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes of plain text (all that are left if negative); empty at the end."""
        while not self._ended and (size < 0 or len(self._plain) < size):
            self._pull()
        if size < 0:
            size = len(self._plain)
        data = bytes(self._plain[:size])
        del self._plain[:size]
        return data

    def _pull(self) -> None:
        chunk = self._file.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            if len(chunk) < _TAG_BYTES:
                raise ValueError
            plain, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(self._state, chunk)
        except (CryptoError, RuntimeError, ValueError):
            if self._first:
                raise InputError(
                    "The password is wrong, or the backup is damaged: try the password again."
                ) from None
            raise InputError("The backup is damaged or cut short: use another copy of it.") from None
        self._first = False
        self._plain += plain
        if tag == bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL:
            self._ended = True
            if self._file.read(1):
                raise InputError("The backup has bytes after its end: use another copy of it.")
