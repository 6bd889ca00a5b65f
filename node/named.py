"""Named: the nodes that are called because somebody here gave their addresses.

Decides that they are called at once, whatever went wrong before, and what is
told of each: with whom it leads to a link, when it was reached last, and why it
is not. Which they are is the `addressbook`'s, when each is tried `meeting`'s.

Belongs to the event loop's thread.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from protocol.handshake import Role

from . import clock
from .addresses import Address
from .circle import hex_of, state_of
from .links import Links
from .meeting import Meetings, Source


class Named:
    """The nodes at the addresses that were given."""

    def __init__(self, links: Links, meetings: Meetings) -> None:
        self._links = links
        self._meetings = meetings
        self._addresses: dict[str, Address] = {}

    def call(self, addresses: Sequence[Address], *, at_once: bool) -> None:
        """Have these called and no others; the new ones `at_once`, or when it is their time."""
        before, self._addresses = self._addresses, {str(each): each for each in addresses}
        for name in before.keys() - self._addresses.keys():
            self._leave(name)
        for name in self._addresses.keys() - before.keys():
            self._meetings.add(name, lambda name=name: self._way(name), None, Source.NAMED, 0)  # type: ignore[misc]  # mypy does not infer a lambda with a default
            self._meetings.all[name].at_once = at_once
        self._meetings.changed()

    def _way(self, name: str) -> Sequence[tuple[str, int]]:
        address = self._addresses.get(name)
        return () if address is None else [(address.host, address.port)]

    def _leave(self, name: str) -> None:
        """End the link that was opened at an address; the node may stay linked by another way."""
        for link in self._meetings.links_of(name):
            if link.role is Role.INITIATOR and link.address == name:
                self._links.leave(link, "enough")

    def facts(self) -> list[dict[str, Any]]:
        """How it stands with each, as JSON can hold it (docs/reference/json.md, "Given address")."""
        return [self._facts_of(name) for name in self._addresses]

    def _facts_of(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = {"address": name, "state": "new"}
        meeting = self._meetings.all.get(name)
        if meeting is None:
            return told
        standing, wait = self._meetings.standing(meeting)
        links = self._meetings.links_of(name)
        log = links[0].peer if links else meeting.log
        return told | {
            "log": None if log is None else log.hex(),
            "commune": None if log is None else hex_of(self._links.commune_of(log)),
            "name": None if log is None else self._links.name_of(log),
            "state": "linked"
            if links
            else "own"
            if standing.why == "own"
            else state_of(self._meetings, meeting, standing.failures, standing.met),
            "seconds": round(time.monotonic() - links[0].since) if links else None,
            "met": clock.now() if links else standing.met,
            "failures": 0 if links else standing.failures,
            "why": None if links else standing.why or None,
            "again": None if links else round(wait),
        }
