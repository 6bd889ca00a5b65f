"""Every limit of the protocol, named once, with its unit and its reason."""

from __future__ import annotations

from typing import Final

from ledger.limits import (
    HASH_BYTES,
    MAX_EXTENSION_CHARACTERS,
    MAX_EXTENSIONS,
    MAX_PROOF_HASHES,
    MAX_RUN_BYTES,
    MAX_RUN_ENTRIES,
    SIGNATURE_BYTES,
)

MAX_FRAME_BYTES: Final = 262_144
"""bytes in one frame beside its header; what a reader takes in before it looks at any of it."""

MAX_HEAD_BYTES: Final = (
    1 + (HASH_BYTES + 2) + 9 + (HASH_BYTES + 2) + (SIGNATURE_BYTES + 2) + 1
    + MAX_EXTENSIONS * (MAX_EXTENSION_CHARACTERS + 2)
)  # fmt: skip
"""bytes of an encoded head: its five elements, each with its MessagePack header."""

MAX_ENCODED_RUN_BYTES: Final = (
    1 + MAX_HEAD_BYTES + 5 + 3 + MAX_RUN_BYTES + MAX_RUN_ENTRIES * (HASH_BYTES + 3)
    + 3 + MAX_PROOF_HASHES * (HASH_BYTES + 2)
)  # fmt: skip
"""bytes of an encoded run: as many payloads as it may have, and all others of its entries erased."""

MAX_MESSAGE_BYTES: Final = MAX_ENCODED_RUN_BYTES + 5
"""bytes of a message, compressed and not: the longest run alone in its array. Bounds a reader's memory."""

BATCH_BYTES: Final = 262_144
"""bytes of encoded runs that a sender puts into one message; deflate looks back 32 KiB: more gains little."""

MAX_BATCH_RUNS: Final = 1_024
"""runs in one message; with a head of 140 bytes each they come to 150 KB at least."""

MAX_BATCH_ENTRIES: Final = 4_096
"""entries in one message; as many small objects fit a megabyte, however short they are."""

MAX_BATCH_HEADS: Final = 1_024
"""heads in one message; 140 KB."""

MAX_BLOB_BYTES: Final = 8_388_608
"""bytes of a blob; a photo as a phone takes it. What is shown in lists is a tenth of that."""

BLOB_CHUNK_BYTES: Final = 131_072
"""bytes of every chunk of a blob but the last; two fit a frame with room to spare."""
