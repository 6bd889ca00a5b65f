"""Around: the nodes that are announced on the local networks, as ones that may be met.

Decides who of two that hear of each other begins, and that a link is left when
the node at its other end is announced elsewhere. What is announced is believed
once it has been met: who is announced at this time is `neighbours`' to know,
when each is tried `meeting`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.log import LogKey

from .choice import position_of
from .hints import Hint
from .limits import MEETING_SECONDS
from .links import Links
from .meeting import Meetings, Source
from .neighbours import Event, Found


class Around:
    """What is announced, by the name of the announcement."""

    def __init__(self, own: LogKey, links: Links, meetings: Meetings) -> None:
        self.hints: dict[str, Hint] = {}
        self._own = own
        self._links = links
        self._meetings = meetings
        self._places: dict[str, Sequence[str]] = {}
        """the addresses of each node as they were when it was last heard of"""

    def heard(self, event: Event) -> None:
        """Take what is announced, or is no more."""
        hint = event.hint
        if isinstance(event, Found):
            self.hints[hint.instance] = hint
            self._leave_former_places(hint)
            # Both have heard of each other: the lower log begins, and the other one only if nothing comes.
            later = 0.0 if self._own < hint.log else MEETING_SECONDS
            position = position_of(hint.log)
            self._meetings.add(
                hint.instance, lambda: self._ways(hint.instance), position, Source.AROUND, later
            )
        else:
            self.hints.pop(hint.instance, None)
            self._places.pop(hint.instance, None)
            self._meetings.changed()

    def _leave_former_places(self, hint: Hint) -> None:
        """End links with a node that has left the address at which they found it."""
        for link in self._meetings.links_of(hint.instance):
            if link.host in self._places.get(hint.instance, ()) and link.host not in hint.addresses:
                self._links.cut(link)
        self._places[hint.instance] = hint.addresses

    def _ways(self, instance: str) -> Sequence[tuple[str, int]]:
        hint = self.hints.get(instance)
        return [] if hint is None else [(address, hint.port) for address in hint.addresses]
