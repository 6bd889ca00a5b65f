"""Errors of the node itself, beside those of the layers below.

LedgerError (of the ledger)
└── LocalError
    ├── HomeError       the home cannot be used: missing, held by another process, damaged
    ├── InputError      what a person gave cannot be understood or is not allowed
    └── WordsError      recovery words that are none, or are not this commune's
"""

from __future__ import annotations

from ledger.errors import LocalError


class HomeError(LocalError):
    """The home cannot be used: it is missing, held by another process, or damaged."""


class InputError(LocalError):
    """What a person gave cannot be understood, or is not allowed."""


class WordsError(LocalError):
    """Recovery words that are none, or that are not this commune's."""
