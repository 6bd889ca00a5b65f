"""Every error that leaves the ledger.

    LedgerError
    ├── LocalError            this program or its user asked for what cannot be done
    │   ├── RecordError         a record that the rules of form refuse, before it is signed
    │   ├── MoveRefused         a step of an exchange that the rules refuse, before it is signed
    │   ├── SigningStopped      this node may not sign now; the sentence says what to do
    │   ├── NotFound            nothing stored has that id or prefix, or more than one thing has
    │   └── StoreError          the database cannot be opened, read or written
    └── RemoteError           bytes from outside are not what they claim to be
        ├── EncodingError       not canonical MessagePack
        ├── NoteError           not a signed note, or not a checkpoint
        ├── RunRefused          a run of entries that may not be stored
        │   ├── BadHead           its head is not validly signed, or is for another network
        │   ├── BadRun            sizes, lengths or the root do not fit together
        │   └── Unconnected       it neither extends nor forks what is held: entries before it are missing
    │       └── Diverged        its head is valid and fits no branch held: descend to find the cut
        ├── EvidenceError       evidence of a fork that does not prove one
        └── ReceiptError        a receipt that does not prove what it says

Local and remote faults are apart because they end differently: a local one is
told to the person at the keyboard, a remote one to nobody but the session or
file that brought the bytes. The text of every error is one sentence that says
what is wrong and, where a person can do something, what to do next. It is given
as a template with named fields, so that it can be translated where it is shown:

    raise NotFound("Nothing held here has an id that begins with {digits}.", digits=digits)
"""

from __future__ import annotations


class LedgerError(Exception):
    """The root of all errors that the ledger raises.

    `template` is the English sentence with its fields in braces, `fields` their
    values; `str()` is both together.
    """

    def __init__(self, template: str, **fields: object) -> None:
        super().__init__(template.format(**fields) if fields else template)
        self.template = template
        self.fields = fields


class LocalError(LedgerError):
    """This program or its user asked for what cannot be done."""


class RecordError(LocalError):
    """A record that the rules of form refuse; nothing was signed."""


class MoveRefused(LocalError):
    """A step of an exchange that the rules refuse; nothing was signed."""


class SigningStopped(LocalError):
    """This node may not sign now; the sentence says why and what to do."""


class NotFound(LocalError):
    """Nothing stored has that id or prefix, or more than one thing has."""


class StoreError(LocalError):
    """The database cannot be opened, read or written."""


class RemoteError(LedgerError):
    """Bytes from outside are not what they claim to be."""


class EncodingError(RemoteError):
    """Bytes or a value that are not canonical MessagePack."""


class NoteError(RemoteError):
    """Text that is not a valid signed note, or not a checkpoint."""


class RunRefused(RemoteError):
    """A run of entries that may not be stored; nothing changed."""


class BadHead(RunRefused):
    """The head of a run is not validly signed for this network."""


class BadRun(RunRefused):
    """Sizes, lengths or the root of a run do not fit together."""


class Unconnected(RunRefused):
    """A run neither extends nor forks what is held: entries before it are missing."""


class Diverged(Unconnected):
    """A run whose valid head fits no branch held: they differ before the run, or its items are false."""


class EvidenceError(RemoteError):
    """Evidence of a fork that does not prove one."""


class ReceiptError(RemoteError):
    """A receipt that does not prove what it says."""
