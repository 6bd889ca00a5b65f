"""Every error that leaves the protocol.

    LocalError (of the ledger)
    └── HandshakeError        this program did something in a handshake or session that is not its turn

    RemoteError (of the ledger)
    └── ProtocolError         bytes from a peer or a file are not what they claim to be
        ├── MessageError        a message that cannot be read, or is not in its one spelling
        │   ├── ReconcileError    a message of a comparison that says what cannot be, or was not asked
        │   ├── FrameError        a frame that is too long, does not go on where it must, or explodes
        │   └── BlobError         chunks that do not make up the blob that they name
        ├── SessionError        a session cannot begin, or has to end; `code` is the reason as sent
        │   ├── NoiseError        a message that was not encrypted for this session, or not next in it
        │   │   ├── NotUnderstood     one of the handshake: another network, or changed on the way
        │   │   ├── IllFormed         a message that has not the length or form that it must
        │   │   └── WeakKey           a key with which there is no secret
        │   ├── WrongIdentity     the other side is not who it says
        │   ├── OwnLog            the other side is this log itself: this program, or a copy of its home
        │   ├── NoCommonVersion   the two sides speak no version in common
        │   ├── LeftOff           it owes an answer and has sent nothing for too long
        │   ├── TooMuch           it says or causes more than one session may
        │   └── Misbehaved        it sent what was not asked for, or what its kind may not say here
        └── BundleError         a file that cannot be read to its end as a bundle
            ├── NotABundle        it does not begin as one
            ├── NewerBundle       it holds what this version cannot read and may not pass over
            ├── OtherNetwork      it belongs to another network
            ├── CutShort          it ends, or cannot be read on, before its end
            └── DamagedBundle     something in it is not well-formed, or not what its end says

All remote ones are faults of whoever sent the bytes, or of what carried them. A message
that raises one has changed nothing: it is read whole before any of it is used.
As in the ledger, an error is given as a template with named fields, so that it
can be translated where it is shown.
"""

from __future__ import annotations

from typing import ClassVar

from ledger.errors import LocalError, RemoteError


class HandshakeError(LocalError):
    """This program did something in a handshake or session that is not its turn, or not allowed there."""


class ProtocolError(RemoteError):
    """Bytes from a peer or a file are not what they claim to be."""


class MessageError(ProtocolError):
    """A message that cannot be read, or is not in its one spelling."""


class FrameError(MessageError):
    """A frame that is too long, does not go on where it must, or explodes when it is inflated."""


class ReconcileError(MessageError):
    """A message of a comparison that cannot be read, says what cannot be, or was not asked for."""


class BlobError(MessageError):
    """Chunks that do not make up the blob that they name."""


class SessionError(ProtocolError):
    """A session that cannot begin, or has to end. `code` says why to programs, as it is sent."""

    code: ClassVar[str] = "fault"


class NoiseError(SessionError):
    """A message that was not encrypted for this session, or not next in it."""

    code = "not-authentic"


class NotUnderstood(NoiseError):
    """A message of the handshake that does not decrypt; why, cannot be told."""

    code = "not-understood"


class IllFormed(NoiseError):
    """A message of the handshake or the channel that has not the length or form that it must."""

    code = "malformed"


class WeakKey(NoiseError):
    """A key of the other side that makes a secret which everybody knows."""

    code = "weak-key"


class WrongIdentity(SessionError):
    """The other side is not who it says."""

    code = "identity"


class OwnLog(SessionError):
    """The other side holds the key of this very log, and has proved it."""

    code = "same-log"


class NoCommonVersion(SessionError):
    """The two sides speak no version of the protocol in common."""

    code = "version"


class LeftOff(SessionError):
    """The other side owes an answer and has sent nothing for too long."""

    code = "silent"


class TooMuch(SessionError):
    """The other side says or causes more of something than one session may."""

    code = "too-much"


class Misbehaved(SessionError):
    """The other side sent what was not asked for, or what may not be said there."""

    code = "misbehaved"


class BundleError(ProtocolError):
    """A file that cannot be read to its end as a bundle."""


class NotABundle(BundleError):
    """A file that does not begin as a bundle does."""


class NewerBundle(BundleError):
    """A bundle that holds what this version cannot read and may not pass over."""


class OtherNetwork(BundleError):
    """A bundle of another network."""


class CutShort(BundleError):
    """A bundle that ends, or cannot be read on, before its end."""


class DamagedBundle(BundleError):
    """A bundle in which something is not well-formed, or not what its end says."""
