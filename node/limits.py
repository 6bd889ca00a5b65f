"""Every limit of the node, named once, with its unit and its reason."""

from __future__ import annotations

from typing import Final

MAX_REPORTED_LOGS: Final = 4_096
"""logs that the report of an import tells apart; the sums count all. Nobody reads more."""

MAX_WAITING_EVIDENCE: Final = 512
"""pieces of evidence that wait for the first entries of their log to come; with 9 KB each at most 5 MB."""

MAX_WAITING_ENTRIES: Final = 4_096
"""entries that an import collects before it stores them; many in one transaction cost less."""

MAX_WAITING_BYTES: Final = 2_097_152
"""bytes of payloads that an import collects before it stores them; bounds its memory."""

MAX_CODES_ON_SHEET: Final = 6
"""printed codes on one sheet; of more, each would be too small for an old phone."""

MAX_IMAGE_BYTES: Final = 33_554_432
"""bytes of a photo that codes are read from; a phone's have about 5 million."""

MAX_IMAGE_PIXELS: Final = 64_000_000
"""pixels of such a photo; unpacked they take as many bytes."""
