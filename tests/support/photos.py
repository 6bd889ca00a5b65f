"""Photos for tests: bytes that begin as a JPEG does, always the same for one name."""

from __future__ import annotations

from hashlib import sha256, shake_128


def jpeg(name: str, size: int = 1_000) -> bytes:
    """So many bytes that cannot be compressed and begin as a photo."""
    return b"\xff\xd8\xff\xe0" + shake_128(name.encode()).digest(size - 4)


def digest_of(data: bytes) -> bytes:
    """What a blob is named by."""
    return sha256(data).digest()
