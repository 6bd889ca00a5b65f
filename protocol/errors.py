"""Every error that leaves the protocol.

    RemoteError (of the ledger)
    └── ProtocolError         bytes from a peer or a file are not what they claim to be
        ├── MessageError        a message that cannot be read, or is not in its one spelling
        │   ├── FrameError        a frame that is too long, does not go on where it must, or explodes
        │   └── BlobError         chunks that do not make up the blob that they name
        └── BundleError         a file that cannot be read to its end as a bundle
            ├── NotABundle        it does not begin as one
            ├── NewerBundle       it holds what this version cannot read and may not pass over
            ├── OtherNetwork      it belongs to another network
            ├── CutShort          it ends, or cannot be read on, before its end
            └── DamagedBundle     something in it is not well-formed, or not what its end says

All are faults of whoever sent the bytes, or of what carried them. A message
that raises one has changed nothing: it is read whole before any of it is used.
As in the ledger, an error is given as a template with named fields, so that it
can be translated where it is shown.
"""

from __future__ import annotations

from ledger.errors import RemoteError


class ProtocolError(RemoteError):
    """Bytes from a peer or a file are not what they claim to be."""


class MessageError(ProtocolError):
    """A message that cannot be read, or is not in its one spelling."""


class FrameError(MessageError):
    """A frame that is too long, does not go on where it must, or explodes when it is inflated."""


class BlobError(MessageError):
    """Chunks that do not make up the blob that they name."""


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
