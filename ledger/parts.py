"""Parts: bytes cut into printed codes, each of which says what it is a part of.

Decides what stands in a code, and when several are together all of one thing:
in any order, from one sheet or several, given twice or with other text around
them. A part is the text

    TRUEQUE1:<number>/<count>:<digits>

and the digits are bytes: 6 of the SHA-256 of the whole, then this part's share.
Digits, since a QR code packs them best (ISO/IEC 18004, numeric mode) and no
mail, printer or app changes them; blanks and line ends between them mean
nothing. Twelve bytes are 29 digits (docs/spec/receipt.md). How a code is drawn
or read from an image is the node's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from .errors import ReceiptError
from .limits import MAX_CODE_BYTES, MAX_CODES, MIN_CODE_BYTES

PREFIX: Final = "TRUEQUE1:"
"""What a part begins with: name and version."""

DIGEST_BYTES: Final = 6
"""bytes of the hash by which parts belong together; a guard against mixed sheets, not against forgery."""

BLOCK_BYTES: Final = 12
"""bytes that become digits together: of small blocks, the one that digits hold with the least loss."""

_WIDTHS: Final = tuple(len(str(256**count - 1)) for count in range(BLOCK_BYTES + 1))
"""How many digits hold so many bytes; 0 bytes are never written."""

_PART: Final = re.compile(r"TRUEQUE1:([1-9][0-9]?)/([1-9][0-9]?):([0-9\s]*)")


def paper_parts(data: bytes, max_bytes: int = MAX_CODE_BYTES) -> list[str]:
    """Bytes cut into parts of at most `max_bytes`, all of nearly the same length.

    Raises ReceiptError if that makes more than `MAX_CODES`.
    """
    assert max_bytes >= MIN_CODE_BYTES, "the header would be most of a part"
    count = max(1, -(-len(data) // max_bytes))
    if count > MAX_CODES:
        raise ReceiptError(
            "The receipt has {size} bytes, too many for {limit} codes: use the file instead.",
            size=len(data),
            limit=MAX_CODES,
        )
    share = max(1, -(-len(data) // count))
    digest = sha256(data).digest()[:DIGEST_BYTES]
    shares = [data[at : at + share] for at in range(0, share * count, share)]
    return [f"{PREFIX}{number}/{count}:{_digits(digest + part)}" for number, part in enumerate(shares, 1)]


def find_parts(text: str) -> list[str]:
    """The parts in any text, whatever stands around them, without the blanks between their digits."""
    return [
        f"{PREFIX}{number}/{count}:{''.join(digits.split())}" for number, count, digits in _PART.findall(text)
    ]


def join_parts(parts: Iterable[str]) -> bytes:
    """The bytes that all parts together are. Raises ReceiptError if one is damaged, missing or a stranger."""
    shares: dict[int, bytes] = {}
    whole: tuple[int, bytes] | None = None
    for part in parts:
        match = _PART.fullmatch(part)
        if match is None:
            raise ReceiptError("A code is damaged, or is none of a receipt: scan it again.")
        number, count, data = int(match[1]), int(match[2]), _bytes("".join(match[3].split()))
        digest, share = data[:DIGEST_BYTES], data[DIGEST_BYTES:]
        if whole is None:
            whole = count, digest
        if whole != (count, digest) or shares.get(number, share) != share or number > count:
            raise ReceiptError("The codes are not all of one receipt: scan those of one sheet alone.")
        shares[number] = share
    if whole is None:
        raise ReceiptError("There is no code of a receipt here.")
    missing = [str(number) for number in range(1, whole[0] + 1) if number not in shares]
    if missing:
        raise ReceiptError(
            "Of {count} codes these are missing: {numbers}. Scan them too.",
            count=whole[0],
            numbers=", ".join(missing),
        )
    joined = b"".join(share for _, share in sorted(shares.items()))
    if sha256(joined).digest()[:DIGEST_BYTES] != whole[1]:
        raise ReceiptError("A code is damaged: scan all of them again.")
    return joined


def _digits(data: bytes) -> str:
    blocks = [data[at : at + BLOCK_BYTES] for at in range(0, len(data), BLOCK_BYTES)]
    return "".join(f"{int.from_bytes(block, 'big'):0{_WIDTHS[len(block)]}}" for block in blocks)


def _bytes(digits: str) -> bytes:
    """What digits stand for. Raises ReceiptError."""
    width = _WIDTHS[BLOCK_BYTES]
    found = bytearray()
    for at in range(0, len(digits), width):
        block = digits[at : at + width]
        if len(block) not in _WIDTHS[1:] or int(block) >= 256 ** _WIDTHS.index(len(block)):
            raise ReceiptError("A code is damaged: scan it again.")
        found += int(block).to_bytes(_WIDTHS.index(len(block)), "big")
    return bytes(found)
