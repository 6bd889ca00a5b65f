"""Compact bytes: numbers, paths and keys packed one after the other, and read back one at a time.

Decides the spelling of each: a number has its shortest form only, a path its
unused half byte empty. What they are numbers of is `reconcile`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .errors import ReconcileError

MAX_VARINT_BYTES: Final = 9
"""bytes of a number below 2^63, seven bits in each."""

MAX_DEPTH: Final = 64
"""nibbles of a key."""


def pack_number(number: int) -> bytes:
    """A number from 0 to 2^63 - 1, seven bits a byte, the lowest first; the top bit says that more follow."""
    packed = bytearray()
    while number > 127:
        packed.append(number & 127 | 128)
        number >>= 7
    packed.append(number)
    return bytes(packed)


def pack_path(path: Sequence[int]) -> bytes:
    """A path of nibbles: how many, then two a byte."""
    padded = [*path, 0] if len(path) % 2 else path
    return bytes((len(path), *(padded[at] << 4 | padded[at + 1] for at in range(0, len(padded), 2))))


def pack_rest(log: bytes, depth: int) -> bytes:
    """What a path of `depth` nibbles does not say of a key: its bytes from the one of that nibble on."""
    return log[depth >> 1 :]


class Unpacker:
    """Reads packed bytes from the front. Raises ReconcileError where they are none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def is_done(self) -> bool:
        """Whether all has been read."""
        return self._at == len(self._data)

    @property
    def left(self) -> int:
        """Bytes that have not been read."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count > self.left:
            raise ReconcileError("A message of a comparison ends in the middle.")
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self) -> int:
        """The next number."""
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 127) << shift
            if byte < 128:
                break
            shift += 7
            if shift == 7 * MAX_VARINT_BYTES:
                raise ReconcileError("A number in a comparison is too large.")
        if shift and not byte:
            raise ReconcileError("A number in a comparison is not in its shortest form.")
        return number

    def count(self, least: int) -> int:
        """How many things follow, of `least` bytes each at the least."""
        number = self.number()
        if number * least > self.left:
            raise ReconcileError("A message of a comparison says that more follows than does.")
        return number

    def path(self) -> tuple[int, ...]:
        """The next path."""
        (length,) = self.take(1)
        if length > MAX_DEPTH:
            raise ReconcileError("A path in a comparison is longer than a key.")
        nibbles = [half for byte in self.take((length + 1) // 2) for half in (byte >> 4, byte & 15)]
        if length % 2 and nibbles.pop():
            raise ReconcileError("A path in a comparison is not in its one form.")
        return tuple(nibbles)

    def rest(self, path: Sequence[int]) -> bytes:
        """The key that begins with a path and goes on in the next bytes."""
        depth = len(path)
        found = self.take(32 - (depth >> 1))
        begin = bytes(path[at] << 4 | path[at + 1] for at in range(0, depth - 1, 2))
        if depth % 2 and found[0] >> 4 != path[-1]:
            raise ReconcileError("A key in a comparison does not begin as its path.")
        return begin + found
