"""Shorthand: payloads without the bytes that follow from others, and without the words that all share.

Decides what stands for a hash, key or signature in a payload on paper: its
number among the ids known so far, a sign that it is a root which follows from
what is known, or a sign that it is among the raw bytes; and how what is left is
deflated. Which ids are known when, and where the raw bytes are, is `paper`'s.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from .errors import ReceiptError
from .limits import HASH_BYTES, MAX_RECEIPT_BYTES, MAX_ROOTS_TRIED, SIGNATURE_BYTES
from .multiproof import PartialTree

RAW_HASH: Final = -1
RAW_SIGNATURE: Final = -2
ROOT: Final = -3
FIRST_ID: Final = -4
"""What stands for bytes: the next 32 or 64 raw ones; the root that follows from the log and size that stand
before it in its array; and, from here down, the known ids in their order. No record of today has a negative
number; one that has is written as an extension."""

NEGATIVE: Final = 0
"""The MessagePack extension type of a negative number in a payload; 8 bytes, big-endian."""

DICTIONARY: Final = (
    # Codes of vocabulary.toml, then words of names and of the rarer kinds.
    b"communal-workcare-childrenculture-filmculture-musicfood-coffee-cocoafood-dairyfood-eggsfood-fish"
    b"food-flour-breadfood-fruitfood-legumesfood-meatfood-plantainfood-sugar-honeyfood-tubersfood-vegetables"
    b"health-workhygienemachinerymedicine-plantsrepair-appliancesrepair-vehiclesseedlingsseedsclothestools"
    b"transport-goodstransport-peoplewoodcratedozenbottlepairbundlepiecehourjornadaquintalcesta"
    b"Ciudad Comunal Consejo San Santa del Los Las El La ensayo\xa6reason\xa7outcome\xa6closed\xa3due"
    b"\xa7dispute"
    b"\xa4kind\xa6settle\xa6target\xa4kind\xa8withdraw\xa4kind\xa6cancel\xa4kind\xa7decline\xa8replaces\xa5offer"
    b"\xa4kind\xa7profile\xa5about\xa7contact\xa9authority\xff\xa7commune\xf9\xa4kind\xaasuccession\xa3log\xfb"
    b"\xa8previous\x91\x93\xfc\xcd\x04\x00\xff\xaasignatures\x91\x92\xff\xfe\xa9answer_by\xcf\x00\x00\x01"
    # A charter, a proposal and the steps of a barter, as they are packed.
    b"\x86\xa2at\xcf\x00\x00\x01\x9d\xa9authority\x82\xa4keys\x91\xff\xa9threshold\x01\xa4kind\xa7charter"
    b"\xa4name\xb1Comuna El Valle de la \xa7network\xa7comunas\xa5place\xac"
    b"\x85\xa2at\xcf\x00\x00\x01\x9e\xa2by\xaasecretaria\xa4kind\xa7propose\xa4note\xa7parties\x92\xf9\xfa"
    b"\xa9transfers\x92\x86\xa8category\xaafood-grain\xa4from\x00\xa7listing\xff\xa8quantity\x93\x14\x00\xa2kg"
    b"\xa5title\xbe\xa2to\x01\x85\xa8category\xb2building-materials\xa4from\x01\xa8quantity\x93\x14\x00\xa4saco"
    b"\xa5title\xbe\xa2to\x00\x84\xa2at\xcf\x00\x00\x01\x9f\xa2by\xa6vocera\xa8exchange\xf8\xa4kind\xa6accept"
    b"\xa4seen\x91\x95\xfc\xcd@\x00\xff\xfe\x90\x87\xa2at\xcf\x00\x00\x01\x9e\xa9condition\xa7damaged\xa5short"
    b"\xa8exchange\xf8\xa4kind\xa7deliver\xa8quantity\x93\x14\x00\xa4saco\xa4seen\x91\x95\xfb\xcd@\x00\xff\xfe\x90"
    b"\xa8transfer\x00\x86\xa2at\xcf\x00\x00\x01\x9d\xa8exchange\xf8\xa4kind\xa7receive\xa8quantity\x93\x14\x00"
    b"\xa2kg\xa4seen\x91\x95\xfc\xcd@\x00\xff\xfe\x90\xa8transfer\x01"
    # The beginning of a receipt of a barter.
    b"\x97\xa7comunas\x01\x92\x96\x00\xcd@\x00\x90\xc3\x93\xcd\x20\x10\x10\x90\x96\x01\xcd@\x00\x90\xc3\x93\xcd\x20"
    b"\x10\x10\x90\x90\x90\x98\x00\x04\x01\x05\x06\x02\x07\x03\x98\x86\xa2at\xcf\x00\x00\x01\x9d"
)
"""What deflated text begins after (RFC 1950's preset dictionary); another one needs another version."""


def deflate(data: bytes) -> bytes:
    """Deflated with the dictionary (RFC 1951, without a header)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, DICTIONARY)
    return packer.compress(data) + packer.flush()


def inflate(data: bytes) -> bytes:
    """Back again, never more than a receipt may have. Raises ValueError."""
    unpacker = zlib.decompressobj(-15, DICTIONARY)
    try:
        plain = unpacker.decompress(data, MAX_RECEIPT_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError("the text does not end where it should")
    return plain


class Known:
    """What is known so far: ids in the order in which they became so, and of each log the trees given."""

    def __init__(self) -> None:
        self.ids: list[bytes] = []
        self.trees: list[tuple[bytes, PartialTree]] = []
        self._tried = 0

    def root(self, before: Sequence[object]) -> bytes | None:
        """The root that follows from the two values before it, a log and a size; None if it does not.

        Raises ReceiptError if more roots are asked for than a receipt can hold: a few bytes name one.
        """
        if len(before) == 2:
            log, size = before
            for other, tree in self.trees:
                if other != log or type(size) is not int:
                    continue
                self._tried += 1
                if self._tried > MAX_ROOTS_TRIED:
                    raise ReceiptError("The receipt holds too many heads for paper: use the file instead.")
                if (root := tree.root_at(size)) is not None:
                    return root
        return None


def pack(value: Any, known: Known, raw: list[bytes], before: Sequence[object] = ()) -> Any:
    """A value with numbers for its bytes; what is not known is appended to `raw`.

    `before` are the two values that stand before it in its array.
    """
    if isinstance(value, dict):
        return {key: pack(item, known, raw) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [pack(item, known, raw, value[max(0, at - 2) : at]) for at, item in enumerate(value)]
    if type(value) is int and value < 0:
        return msgspec.msgpack.Ext(NEGATIVE, value.to_bytes(8, "big", signed=True))
    if not isinstance(value, bytes) or len(value) not in (HASH_BYTES, SIGNATURE_BYTES):
        return value
    if value in known.ids:
        return FIRST_ID - known.ids.index(value)
    if value == known.root(before):
        return ROOT
    raw.append(value)
    return RAW_HASH if len(value) == HASH_BYTES else RAW_SIGNATURE


def unpack(value: Any, known: Known, raw: Iterator[int], before: Sequence[object] = ()) -> Any:
    """A value as it was; takes what is not known from `raw`, byte by byte.

    Raises ValueError, IndexError, and ReceiptError as `Known.root` does.
    """
    if isinstance(value, dict):
        return {key: unpack(item, known, raw) for key, item in value.items()}
    if isinstance(value, list):
        found: list[Any] = []
        for item in value:
            found.append(unpack(item, known, raw, found[-2:]))
        return found
    if isinstance(value, msgspec.msgpack.Ext):
        data = bytes(value.data)
        number = int.from_bytes(data, "big", signed=True)
        if value.code != NEGATIVE or len(data) != 8 or number >= 0:
            raise ValueError("a number is not in its form")
        return number
    if type(value) is not int or value >= 0:
        return value
    if value == ROOT:
        root = known.root(before)
        if root is None:
            raise ValueError("a root does not follow from what is there")
        return root
    if value in (RAW_HASH, RAW_SIGNATURE):
        return take(raw, HASH_BYTES if value == RAW_HASH else SIGNATURE_BYTES)
    return known.ids[FIRST_ID - value]


def take(raw: Iterator[int], count: int) -> bytes:
    """The next raw bytes. Raises ValueError if there are fewer."""
    taken = bytes(islice(raw, count))
    if len(taken) < count:
        raise ValueError("it is cut short")
    return taken
