"""Junk: what a neighbour may send that it should not, from noise to messages of which one bit is wrong.

Knows no kind of message by name. Bodies are those that were heard in a real
conversation, values of every type that some decoder of the protocol reads, and
noise; all of them whole or changed. So a kind that is added is thrown too.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final

import msgspec
from msgspec import inspect as types

import protocol
from protocol.frames import COMPRESSED, CONTINUED, HEADER, Joiner, Kind, read_header, to_frames
from protocol.limits import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

KINDS: Final = tuple(int(kind) for kind in Kind)

_encode: Final = msgspec.msgpack.Encoder().encode


def modules() -> Iterator[Any]:
    """All modules of the protocol."""
    for module in pkgutil.iter_modules(protocol.__path__):
        yield importlib.import_module(f"protocol.{module.name}")


def shapes() -> list[types.Type]:
    """The type of everything that some decoder of the protocol reads."""
    decoders = {
        id(value): value
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, msgspec.msgpack.Decoder)
    }
    return [types.type_info(decoder.type) for decoder in decoders.values()]


class Junk:
    """Draws junk. `heard` are the bodies that were said in good order, by their kind."""

    def __init__(self, random: Random, heard: Mapping[int, Sequence[bytes]]) -> None:
        self.random = random
        self._heard = {kind: list(bodies) for kind, bodies in heard.items()}
        self._names = [body for bodies in self._heard.values() for body in bodies if len(body) < 2_000]
        self._shapes = shapes()
        self._bombs = [
            zlib.compress(_encode([b""] * 300_000)),
            zlib.compress(bytes(200 * MAX_MESSAGE_BYTES)),
            zlib.compress(b"\x91" * MAX_MESSAGE_BYTES),
            zlib.compress(b"\xdc\x04\x00" + _encode([b"x" * 32, 9, b"y" * 32, b"z" * 64, []]) * 1_024),
            zlib.compress(b"\x00" + bytes(range(128)) * 8_000),
            zlib.compress(b"\x01" + bytes(MAX_MESSAGE_BYTES - 1)),
        ]

    # Bodies ---------------------------------------------------------------------------------------

    def message(self) -> tuple[int, bytes]:
        """A kind, and a body that is never empty."""
        random = self.random
        kind = random.choice(KINDS) if random.random() < 0.9 else random.randrange(256)
        match random.randrange(9):
            case 0:
                body = random.randbytes(random.choice((1, 2, 16, 40, 300)))
            case 1 | 2:
                body = _encode(self.value(random.choice(self._shapes)))
            case 3:
                body = self.changed(_encode(self.value(random.choice(self._shapes))))
            case 4:
                body = random.choice(self._names)
            case 5:
                body = self.heard(kind)
            case 6 | 7:
                body = self.otherwise(self.heard(kind))
            case _:
                body = self.changed(self.heard(kind))
        return kind, (body or b"\x00")[:MAX_MESSAGE_BYTES]

    def heard(self, kind: int) -> bytes:
        """A body of a kind as it was said in good order; of another one if that was never said."""
        return self.random.choice(self._heard.get(kind) or self._names)

    def changed(self, data: bytes) -> bytes:
        """Bytes of which something is otherwise: flipped, cut, doubled, left out, or put in."""
        random = self.random
        changed = bytearray(data)
        for _ in range(random.choice((1, 1, 1, 2, 5))):
            at = random.randrange(len(changed) + 1)
            match random.randrange(6):
                case 0 if changed:
                    changed[at % len(changed)] ^= 1 << random.randrange(8)
                case 1 if changed:
                    changed[at % len(changed)] = random.choice(
                        (0, 1, 0x7F, 0x80, 0x90, 0xC4, 0xDC, 0xDD, 0xFF)
                    )
                case 2:
                    del changed[at:]
                case 3:
                    del changed[at : at + random.randrange(1, 40)]
                case 4:
                    changed[at:at] = random.randbytes(random.randrange(1, 9))
                case _:
                    changed[at:at] = changed[at : at + random.randrange(1, 40)]
        return bytes(changed)

    def otherwise(self, body: bytes) -> bytes:
        """A body that says something else in its one spelling; noise if it is no MessagePack."""
        try:
            value = msgspec.msgpack.decode(body)
        except msgspec.DecodeError:
            return self.changed(body)
        return _encode(self._twisted(value))

    def _twisted(self, value: Any) -> Any:
        random = self.random
        match value:
            case list() if value and random.random() < 0.85:
                at = random.randrange(len(value))
                return [*value[:at], self._twisted(value[at]), *value[at + 1 :]]
            case list() if value:
                at, other = random.randrange(len(value)), random.randrange(len(value))
                return random.choice(
                    (
                        [],
                        value[:at],
                        [*value, value[at]],
                        [*value[:at], *value[at + 1 :]],
                        [value[other], *value],
                    )
                )
            case int():
                return max(0, random.choice((0, 1, value - 1, value + 1, 2 * value, 2**31, 2**32 - 1, 2**63)))
            case bytes() if value:
                at = random.randrange(len(value))
                bit = bytes([value[at] ^ 1 << random.randrange(8)])
                return random.choice(
                    (value[:at] + bit + value[at + 1 :], bytes(len(value)), self._key(len(value)))
                )
            case _:
                return random.choice((b"", 0, [], "x", b"x" * 32, None))

    def value(self, shape: types.Type) -> Any:
        """A value of a type that a decoder reads: what is claimed is well-formed and means nothing."""
        random = self.random
        match shape:
            case types.IntType():
                least = shape.ge if shape.ge is not None else 0
                most = shape.le if shape.le is not None else (shape.lt or 2**32) - 1
                return random.choice(
                    (least, most, random.randint(least, most), random.randint(least, least + 9))
                )
            case types.BytesType():
                size = self._size(shape.min_length, shape.max_length, 200)
                return self._key(size) if size == 32 else random.randbytes(size)
            case types.StrType():
                return random.choice(("done", "misbehaved", "n", "x" * 32, "ñ" * 20, ""))
            case types.StructType(cls=cls):
                return (
                    [self.value(field.type) for field in shape.fields]
                    if shape.array_like
                    else {field.encode_name: self.value(field.type) for field in shape.fields if cls}
                )
            case types.VarTupleType() | types.ListType():
                count = self._size(shape.min_length, shape.max_length, 4)
                return [self.value(shape.item_type) for _ in range(count)]
            case types.TupleType():
                return [self.value(item) for item in shape.item_types]
            case types.UnionType():
                return self.value(random.choice(shape.types))
            case types.BoolType():
                return random.random() < 0.5
            case types.NoneType():
                return None
            case _:
                return self.value(random.choice(self._shapes[:4]))

    def _size(self, least: int | None, most: int | None, usual: int) -> int:
        least, most = least or 0, usual if most is None else most
        return self.random.choice((least, min(most, least + self.random.randrange(usual + 1))))

    def _key(self, size: int) -> bytes:
        """A name that is likely to be known, or none."""
        name = self.random.choice(self._names)
        at = name.find(b"\xc4\x20")
        if at >= 0 and len(name) >= at + 34 and self.random.random() < 0.8:
            return name[at + 2 : at + 34]
        return self.random.randbytes(size)

    # Frames ---------------------------------------------------------------------------------------

    def spoilt(self, frame: bytes) -> list[bytes]:
        """A frame that would be right here, with something in it otherwise: a byte, or what it says."""
        if self.random.random() < 0.3:
            return [self.changed(frame)]
        header = read_header(frame[: HEADER.size])
        message = Joiner().take(header, frame[HEADER.size :])
        if message is None:
            return [self.changed(frame)]
        return list(to_frames(message.kind, self.otherwise(message.body) or b"\x00"))

    def frames(self) -> list[bytes]:
        """Frames: those of a junk message mostly; else some that belong to none, or to one that explodes."""
        random = self.random
        drawn = random.random()
        kind, body = self.message()
        if drawn < 0.85:
            return list(to_frames(kind, body, compress=random.random() < 0.5))
        if drawn < 0.851:
            bomb = random.choice(self._bombs)
            return [HEADER.pack(kind, COMPRESSED, len(bomb)) + bomb]
        if drawn < 0.8515:
            return [
                HEADER.pack(kind, CONTINUED, MAX_FRAME_BYTES) + bytes(MAX_FRAME_BYTES)
            ] * random.randrange(1, 6)
        if drawn < 0.9:
            return [HEADER.pack(kind, random.choice((0, 1, 2, 3, 4, 0xFF)), len(body)) + body]
        if drawn < 0.95:
            wrong = random.choice((0, len(body) + 1, max(len(body) - 1, 0), MAX_FRAME_BYTES + 1, 2**32 - 1))
            return [HEADER.pack(kind, random.choice((0, 1)), wrong) + body]
        return [self.changed(b"".join(to_frames(kind, body)))]
