"""Watch: who is told of what happens on links.

Declarations alone: `links` and what it is made of tell, `company` makes something
of it. All of it is told in the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.log import LogKey
from protocol.addresses import Addresses


class Watch:
    """Who is told; each method may be left as it is here."""

    def stored(self) -> None:
        """Something that came has been stored."""

    def changed(self) -> None:
        """Somebody was met, or a link has ended."""

    def faulted(self, peer: LogKey | None, host: str, fault: Exception) -> None:
        """Somebody did what they may not."""

    def learned(self, told: Sequence[Addresses]) -> None:
        """Addresses of nodes are known that were not, or are newer."""

    def outdone(self, told: Addresses) -> None:
        """Newer addresses of this very log are about than it has said."""

    def is_kept_out(self, peer: LogKey) -> bool:
        """Whether somebody who has just proved who they are is sent away again."""
        return False
