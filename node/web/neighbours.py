"""Neighbours: communes whose ledgers are held or announced here, and how it stands with their nodes.

Decides what is shown of each, in which of four states it is (up to date,
catching up, out of reach, never seen), and how one is recognised: after its
words have been compared, since a name is nobody's identity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from ledger.records import CommuneId
from ledger.store.reading import CommuneRow

from .. import clock, wording
from ..addresses import PEER_PORT
from ..api import RESIDENT
from ..language import gettext as _
from ..language import ngettext
from ..looks import skeleton
from ..overview import Relations
from ..petnames import OwnNames
from ..service import Service
from ..shapes.nodes import given_of
from ..wishes import Remark
from ..wishes.communes import recognition
from . import confirming
from .forms import Form, form_of, whole
from .site import ask, page

ROUTES: Final = web.RouteTableDef()


PAGE: Final = 40
"""communes of each kind on a page; open, it asks for itself again every few seconds."""


@dataclass(slots=True)
class Neighbour:
    """A commune as the page shows it; `row` where its charter is held, `relation` what it is to this home."""

    id: CommuneId
    name: str
    row: CommuneRow | None
    relation: str
    nodes: list[Mapping[str, Any]] = field(default_factory=list)
    resembles: bool = False
    """whether another commune has a name that looks like its own"""
    called: str | None = None
    """what people here call it"""

    @property
    def linked(self) -> bool:
        """Whether one of its nodes is linked now."""
        return any("seconds" in node for node in self.nodes)

    @property
    def level(self) -> bool:
        """Whether one of its nodes is linked and has nothing that is still to come."""
        return any(node.get("rests") and not node["behind"] for node in self.nodes)

    @property
    def state(self) -> str:
        """How it stands with it, in words."""
        if self.linked:
            behind = max((node.get("behind", 0) for node in self.nodes), default=0)
            if behind:
                told = ngettext(
                    "Catching up: {count} entry is still to come.",
                    "Catching up: {count} entries are still to come.",
                    behind,
                )
                return told.format(count=behind)
            return _("Linked, and up to date.") if self.level else _("Linked; comparing what each holds.")
        if not self.nodes:
            return _("No node of it has been seen here: what is held of it came through others.")
        met = max((node["met"] for node in self.nodes if node["met"] is not None), default=None)
        if met is None:
            return _("Its node was never reached.")
        return _("Out of reach now; last contact: {time}.").format(time=wording.time_of(met))


@ROUTES.get("/neighbours")
async def neighbours(request: web.Request) -> web.Response:
    """All communes that are known, those that are linked and not recognised first."""
    return await shown(request, Form())


async def shown(request: web.Request, form: Form) -> web.Response:
    """The page, with the form for the address of a node as it was typed."""
    facts = await _facts(request)
    nodes = _nodes(facts)

    def look(service: Service) -> tuple[dict[CommuneId, Neighbour], OwnNames, CommuneId | None]:
        relations = Relations(service)
        rows = {row.id: row for row in service.reader.communes()}
        found = {row.id: Neighbour(row.id, row.name, row, relations[row.id]) for row in rows.values()}
        for node in nodes:
            if node["commune"]:
                identity = CommuneId(bytes.fromhex(node["commune"]))
                name = str(node["name"] or "")
                found.setdefault(identity, Neighbour(identity, name, None, relations[identity]))
                found[identity].nodes.append(node)
        return found, OwnNames(service.reader), service.own

    found, names, own = await ask(request, look)
    known = {each.id: {skeleton(each.name), skeleton(names[each.id])} for each in found.values()}
    alike = Counter(look for looks in known.values() for look in looks)
    for each in found.values():
        each.called = names.called.get(each.id)
        each.resembles = any(alike[look] > 1 for look in known[each.id])
    waiting = [each for each in found.values() if each.relation == "known"]
    recognised = [each for each in found.values() if each.relation == "recognised"]
    offset = whole(request.query.get("from", "0"))

    def part(communes: list[Neighbour]) -> list[Neighbour]:
        ordered = sorted(communes, key=lambda each: (not each.linked, each.called or each.name))
        return ordered[offset : offset + PAGE]

    return await page(
        request,
        "neighbours.html",
        status=200 if form.is_good else 422,
        form=form,
        here=request.path_qs if request.method == "GET" else "/neighbours",
        given=given_of(request.app[RESIDENT].addressbook, facts),
        port=PEER_PORT,
        own=found.get(own) if own is not None else None,
        waiting=part(waiting),
        recognised=part(recognised),
        recognises=bool(recognised),
        further=offset + PAGE if max(len(waiting), len(recognised)) > offset + PAGE else None,
        nameless=[node for node in nodes if node["log"] and not node["commune"]],
    )


async def nodes_of(request: web.Request) -> list[Mapping[str, Any]]:
    """Nodes that are linked, then those that may be met, as the part that keeps links says."""
    return _nodes(await _facts(request))


async def _facts(request: web.Request) -> Mapping[str, Any]:
    state = await request.app[RESIDENT].state()
    return state.facts_of("gossip")


def _nodes(facts: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [*facts.get("peers", ()), *facts.get("known", ())]


@ROUTES.post("/neighbours/{id:[0-9a-f]{64}}/{step:recognise|unrecognise}")
async def recognise(request: web.Request) -> web.Response:
    """Show once more whom this commune recognises, or no longer does."""
    form = await form_of(request)
    commune = CommuneId(bytes.fromhex(request.match_info["id"]))
    if form["edit"]:
        raise web.HTTPSeeOther("/neighbours")
    kind: Any = request.match_info["step"]  # the address allows no others
    record = recognition(kind, commune, Remark(note=form.text("note")), clock.now()).record
    name = await _name_of(request, commune)
    return await confirming.show(request, record, back=request.path, form=form, known=[(_("Commune"), name)])


async def _name_of(request: web.Request, commune: CommuneId) -> str:
    """What a commune calls itself: in its charter, or in a stranger's that is linked."""
    names = dict((await ask(request, lambda service: OwnNames(service.reader))).listed())
    told = {node["commune"]: node["name"] for node in await nodes_of(request) if node["commune"]}
    return names.get(commune) or told.get(commune.hex()) or commune.hex()[:12]
