"""The journal: what a running node says of itself on standard error, one line a happening.

    time=2026-11-24T10:44:18.123Z level=info event=started people=127.0.0.1:8783 peers=8784

Decides how a line is written (as above, or as JSON), and which level is shown.
What happens is named by one word, its particulars stand behind names; both stay
English and stable, since programs read them. What other libraries say through
`logging` comes out the same way.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

_LOGGER: Final = logging.getLogger("trueque")
# A command that works without a node keeps no journal: the bare words would stand among its sentences.
_LOGGER.addHandler(logging.NullHandler())
_BARE: Final = re.compile(r"[\w.:/@+,%*\[\]-]+", re.ASCII)
"""A value that needs no quotes."""


def tell(event: str, *, level: str = "info", **fields: object) -> None:
    """Say that something happened: one word, and its particulars by name."""
    number = logging.getLevelNamesMapping()[level.upper()]
    if _LOGGER.isEnabledFor(number):
        _LOGGER.log(number, event, extra={"particulars": fields})


def fault(event: str, error: BaseException, **fields: object) -> None:
    """Say that something failed which should not, with where in the program it did."""
    _LOGGER.error(event, exc_info=error, extra={"particulars": fields})


class Journal(logging.Handler):
    """Writes lines to a stream, each whole; for `logging`'s root."""

    def __init__(self, stream: TextIO | None = None, *, as_json: bool = False) -> None:
        super().__init__()
        self._stream = stream or sys.stderr
        self._as_json = as_json

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._stream.write(self.line(record) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more, and the node has more to do than to talk

    def line(self, record: logging.LogRecord) -> str:
        """A record as one line."""
        fields = _fields(record)
        if self._as_json:
            return json.dumps(fields, ensure_ascii=False, default=str)
        return " ".join(f"{name}={_value(value)}" for name, value in fields.items())


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {"time": when.replace("+00:00", "Z"), "level": record.levelname.lower()}
    if record.name == _LOGGER.name:
        fields |= {"event": record.msg, **getattr(record, "particulars", {})}
    else:
        fields |= {"event": "library", "library": record.name, "said": record.getMessage()}
    if record.exc_info and record.exc_info[1] is not None:
        error = record.exc_info[1]
        fields["error"] = f"{type(error).__name__}: {error}"
        fields["trace"] = logging.Formatter().formatException(record.exc_info)
    return fields


def _value(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    text = str(value)
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def begin(level: str, *, as_json: bool) -> Journal:
    """Have everything from `level` on written to standard error; what stood there before is replaced."""
    journal = Journal(as_json=as_json)
    root = logging.getLogger()
    root.handlers[:] = [journal]
    root.setLevel(logging.WARNING)
    _LOGGER.setLevel(level.upper())
    if level == "debug":
        root.setLevel(logging.INFO)
    return journal
