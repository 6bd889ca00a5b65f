"""Diagnosis: why two nodes may not see each other, in words, from what this one knows.

Decides what is looked at, in the order in which it is worth looking: this
computer's networks, whether it announces itself, what it hears of others, and
what went wrong with each that it tried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from .. import adapters, wording
from ..api import RESIDENT
from ..interfaces import Interfaces, announced
from ..language import gettext as _
from ..language import ngettext
from ..state import State
from .neighbours import nodes_of
from .site import page

ROUTES: Final = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that was looked at: whether it is as it should be, and what it means."""

    is_good: bool
    sentence: str


@ROUTES.get("/neighbours/diagnosis")
async def diagnosis(request: web.Request) -> web.Response:
    """What was looked at, and what to do."""
    resident = request.app[RESIDENT]
    state, nodes = await resident.state(), await nodes_of(request)
    interfaces = await asyncio.to_thread(adapters.read)
    heard = len(state.facts_of("gossip").get("announced", ()))
    found = [
        *_here(state, interfaces),
        *_around(is_on=resident.settings.discovery, heard=heard),
        *_nodes(nodes),
    ]
    network = "" if state.commune is None else state.commune.network
    return await page(request, "diagnosis.html", found=found, network=network, port=resident.peer_port)


def _here(state: State, interfaces: Interfaces) -> Iterator[Found]:
    addresses = announced(interfaces)
    if addresses:
        told = _("This computer is in a network, at {addresses}.")
        yield Found(True, told.format(addresses=", ".join(addresses)))
    else:
        yield Found(False, _("This computer is in no network: connect the cable or the Wi-Fi."))
    if state.process is not None and state.process.peer_port is not None:
        told = _("Other nodes reach it at port {port}, TCP: a firewall on this computer has to let that in.")
        yield Found(True, told.format(port=state.process.peer_port))
    else:
        yield Found(False, _("It does not listen to other nodes yet: look at this node's state."))
    doubt = wording.doubt_of_clock(state.clock.now, state.clock.last)
    if doubt is not None:
        yield Found(False, doubt)


def _around(*, is_on: bool, heard: int) -> Iterator[Found]:
    if not is_on:
        yield Found(
            False,
            _("It does not look for nodes around it: the setting discovery is off, or --no-discovery given."),
        )
    elif heard:
        told = ngettext("It hears {count} node announced.", "It hears {count} nodes announced.", heard)
        yield Found(True, told.format(count=heard))
    else:
        yield Found(
            False,
            _(
                "It hears no other node announced. Are both in the same Wi-Fi, and not in its guest network? "
                "Some routers keep devices apart (“isolation”), and firewalls may hold back UDP port 5353. "
                "A node elsewhere is added by its address, on the page of neighbours."
            ),
        )


def _nodes(nodes: list[Mapping[str, Any]]) -> Iterator[Found]:
    for node in nodes:
        name = node["name"] or node["address"]
        if "seconds" in node:
            yield Found(True, _("{name}: linked, at {address}.").format(name=name, address=node["address"]))
        else:
            state = wording.node_state({**node, "relation": ""})
            told = _("{name}, at {address}: {state}.")
            is_good = not node["failures"]
            yield Found(is_good, told.format(name=name, address=node["address"], state=state))
