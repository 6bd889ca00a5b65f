"""Files of the home in which stands what people here have chosen, as JSON.

Decides what becomes of one that cannot be read: it counts as missing, and the
journal tells of it. What is in each is its own module's; how such files are
written is `home`'s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

import msgspec

from . import journal

MAX_BYTES: Final = 65_536
"""bytes of such a file that are read: with all sessions or all addresses one has some 10,000."""

Shape = TypeVar("Shape")


def read_kept(path: Path, shape: type[Shape], event: str) -> Shape | None:
    """What a file says; None where there is none, or none that can be read, of which `event` tells."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(MAX_BYTES), type=shape)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        journal.tell(event, level="warning", path=path, error=type(error).__name__)
        return None
