"""Circle: what is told of the nodes that this one knows: linked, in their turn, waited for, or never met.

Decides in which of these states each is, and the facts that `trueque peers` and
the API show; words for them are found there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ledger.records import CommuneId
from protocol.handshake import Role

from . import clock
from .choice import Position, position_of
from .hints import Hint
from .links import Links
from .meeting import Meeting, Meetings

NOBODY: Final[Mapping[str, Any]] = {"peers": [], "known": [], "announced": [], "given": []}
"""The same facts as long as a node is starting."""


def facts_of(links: Links, meetings: Meetings, hints: Mapping[str, Hint]) -> dict[str, Any]:
    """Facts of a node's company, as JSON can hold them (docs/reference/json.md, "Node")."""
    now = time.monotonic()
    linked = links.linked
    return {
        "peers": [
            {
                "log": link.peer.hex(),
                "commune": hex_of(links.commune_of(link.peer)),
                "name": links.name_of(link.peer),
                "address": link.address,
                "opened_here": link.role is Role.INITIATOR,
                "seconds": round(now - link.since),
                "kept": position_of(link.peer) in meetings.wanted,
                "rests": links.gossip.is_at_rest(link.number),
                "behind": links.behind(link),
                "met": clock.now(),
                "failures": 0,
            }
            for link in linked
        ],
        "known": list(_known(links, meetings, hints, {position_of(link.peer) for link in linked})),
        "announced": [
            {"log": hint.log.hex(), "name": hint.name, "addresses": list(hint.addresses), "port": hint.port}
            for hint in hints.values()
        ],
    }


def _known(
    links: Links, meetings: Meetings, hints: Mapping[str, Hint], told: set[Position]
) -> Iterator[dict[str, Any]]:
    """Those that may be met and are not linked, one for each log; this node under its own address is not."""
    for meeting in meetings.all.values():
        addresses = meeting.way()
        standing, wait = meetings.standing(meeting)
        if not addresses or standing.why == "own" or meeting.position in told:
            continue
        if meeting.position is not None:
            told.add(meeting.position)
        hint, log = hints.get(meeting.name), meeting.log
        name = None if log is None else links.name_of(log)
        host, port = addresses[0]
        yield {
            "log": log.hex() if log else meeting.position.hex() if meeting.position else None,
            "commune": None if log is None else hex_of(links.commune_of(log)),
            "name": name or (hint.name if hint is not None else None) or None,
            "address": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "state": state_of(meetings, meeting, standing.failures, standing.met),
            "why": standing.why or None,
            "failures": standing.failures,
            "met": standing.met,
            "again": round(wait),
        }


def state_of(meetings: Meetings, meeting: Meeting, failures: int, met: int | None) -> str:
    """`waiting` after failures, `new` if it was never met, `resting` until its turn, `soon` to be linked."""
    if failures:
        return "waiting"
    if met is None:
        return "new"
    return "soon" if meetings.is_wanted(meeting) else "resting"


def hex_of(commune: CommuneId | None) -> str | None:
    """The id of a commune as JSON has it."""
    return None if commune is None else commune.hex()
