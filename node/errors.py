"""Errors of the node itself, beside those of the layers below.

LedgerError (of the ledger)
├── RemoteError
│   └── AnnouncementRefused   what somebody announces on the local network is of no use here
└── LocalError
    ├── HomeError       the home cannot be used: missing, held by another process, damaged
    │   └── HomeInUse     another process holds it for writing
    ├── SettingsError   the file of settings cannot be read or understood
    ├── ListenError     a port that this node cannot listen at
    ├── InputError      what a person gave cannot be understood or is not allowed
    │   └── ComeLater     whoever guesses passwords waits, longer each time
    ├── DoneBefore      what is asked again was done before the node was started last
    ├── WordsError      recovery words that are none, or are not this commune's
    ├── NotAdmitted     a log that this home does not take in
    │   └── HeldBack      it is more than its quota: it stays as it is here
    ├── BlobRefused     a photo that is not kept: too large, damaged, no photo, or no room for it
    ├── ExportFailed    a bundle that could not be written; what stood there before still does
    ├── ReceiptFailed   an exchange that no receipt can be made of
    ├── PostingStopped  a table of listings that could not be posted to its end; what came before stands
    └── ImportStopped   a bundle that could not be read to its end; what came before is stored
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ledger.errors import LedgerError, LocalError, RemoteError

if TYPE_CHECKING:
    from .intake import ImportReport


class HomeError(LocalError):
    """The home cannot be used: it is missing, held by another process, or damaged."""


class HomeInUse(HomeError):
    """Another process holds the home for writing."""


class SettingsError(LocalError):
    """The file of settings cannot be read, or says something that no setting is."""


class ListenError(LocalError):
    """A port that this node cannot listen at; the sentence says why and what to do."""


class InputError(LocalError):
    """What a person gave cannot be understood, or is not allowed."""


class ComeLater(InputError):
    """A password that is not even looked at; `wait` is how many seconds it takes until one is."""

    wait: float = 1.0


class DoneBefore(LocalError):
    """What a program asks, perhaps once more, stands among what was recorded before the node was started."""


class WordsError(LocalError):
    """Recovery words that are none, or that are not this commune's."""


class NotAdmitted(LocalError):
    """A log that this home does not take in; the sentence says why."""


class HeldBack(NotAdmitted):
    """Entries that are more than a quota allows; what is held of their log stays, and does not grow."""


class BlobRefused(LocalError):
    """A photo that is not kept; the sentence says why and what to do."""


class ExportFailed(LocalError):
    """A bundle could not be written; where it should stand is what stood there before."""


class ReceiptFailed(LocalError):
    """No receipt can be made of an exchange; the sentence says why."""


class PostingStopped(LocalError):
    """A table of listings could not be posted to its end; `posted` are the ids of those that stand."""

    def __init__(self, reason: LedgerError, posted: Sequence[bytes], count: int) -> None:
        super().__init__(
            "{reason} Listings that were posted before that: {posted} of {count}. Give the same command "
            "again when it is mended: what stands already is not posted twice.",
            reason=reason,
            posted=len(posted),
            count=count,
        )
        self.posted = tuple(posted)


class ImportStopped(LocalError):
    """A bundle could not be read to its end; `report` says what came before that, and it is stored."""

    def __init__(self, reason: LedgerError, report: ImportReport) -> None:
        super().__init__(
            "{reason} New entries that came before that and are stored: {count}; the whole file will add the "
            "rest.",
            reason=reason,
            count=report.new,
        )
        self.report = report


class AnnouncementRefused(RemoteError):
    """What somebody announces on the local network is no hint to a node of this network."""
