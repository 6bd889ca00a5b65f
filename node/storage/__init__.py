"""Storage: what a running node remembers beside its ledger, in `node.sqlite` of the home.

Nothing in it is signed, in no backup is any of it, and a node that loses it
goes on: it tries everybody at once again, and counts from anew since when it
has held a log. So it keeps no node from starting.

Every method of a table may be called on any thread. What is kept is not waited
for; what is asked comes as a Future of `concurrent.futures`: `await
asyncio.wrap_future(...)` on the event loop's thread, `.result()` on another.
Each table has a class of its own; whoever needs another adds a migration, the
class, and an attribute of `Storage`.

- `file`: how the file is opened, what becomes of a damaged one, and on which thread.
- `migrations`: its tables.
- `peers`: whom the node has met or tried.
- `counts`: what is counted of the logs of others, and heads of those that are not taken in.
- `notices`: what others have done, until it is read.
- `whereabouts`: where nodes can be called.
- `drafts`: forms that were filled and not signed.
"""

from __future__ import annotations

from pathlib import Path

from .counts import Accounts, Unknowns
from .drafts import Drafts
from .file import File
from .notices import Notices
from .peers import Peers
from .whereabouts import Whereabouts


class Storage(File):
    """The node's own small database, with its tables."""

    def __init__(self, path: Path) -> None:
        """Begin to open it; raises nothing, here and later."""
        super().__init__(path)
        self.peers = Peers(self)
        self.accounts = Accounts(self)
        self.unknowns = Unknowns(self)
        self.whereabouts = Whereabouts(self)
        self.notices = Notices(self)
        self.drafts = Drafts(self)
