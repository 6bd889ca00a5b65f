"""Writes ledger/unicode14.py: `python3.11 -m tests.support.unicode_table > ledger/unicode14.py`.

Needs a Python whose `unicodedata` is Unicode 14.0.0, as that of 3.11 is. A test
holds the shipped table against this.
"""

from __future__ import annotations

import sys
import unicodedata

VERSION = "14.0.0"
COLUMNS = 10

HEADER = '''\
"""The code points that are assigned in Unicode 14.0. Written by tests/support/unicode_table.py.

Assigned means a general category other than Cn (unassigned) and Cs (surrogate);
private use counts as assigned, noncharacters do not. The table is shipped since
Python's own moves with its version, while what a record may hold must not. Data
from the Unicode Character Database 14.0.0, DerivedGeneralCategory.txt, under the
Unicode License; read through the module `unicodedata` of Python 3.11.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import Final


def is_assigned(code_point: int) -> bool:
    """Whether a code point (0 to 0x10FFFF) is assigned in Unicode 14.0."""
    return bisect_right(_BOUNDARIES, code_point) % 2 == 1


# Where assigned ranges begin and end, in turn: an end is the first code point after the range.
# fmt: off
_BOUNDARIES: Final = (
'''


def boundaries() -> list[int]:
    """The code points at which assigned and not assigned change places, the first of them assigned."""
    found = []
    inside = False
    for code_point in range(sys.maxunicode + 1):
        if (unicodedata.category(chr(code_point)) not in ("Cn", "Cs")) is not inside:
            found.append(code_point)
            inside = not inside
    return found


def source() -> str:
    """The whole text of ledger/unicode14.py."""
    numbers = [f"0x{code_point:x}" for code_point in boundaries()]
    rows = [numbers[start : start + COLUMNS] for start in range(0, len(numbers), COLUMNS)]
    return HEADER + "".join(f"    {', '.join(row)},\n" for row in rows) + ")\n# fmt: on\n"


if __name__ == "__main__":
    if unicodedata.unidata_version != VERSION:
        sys.exit(f"This Python has Unicode {unicodedata.unidata_version}; the table needs {VERSION}.")
    sys.stdout.write(source())
