"""How the node is: health, figures, state, other nodes, notices, and the audit that runs in it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from ledger.author import Situation
from ledger.errors import LedgerError
from ledger.records import CommuneId

from ..errors import InputError
from ..figures import CONTENT_TYPE
from ..lan import LAN
from ..petnames import find_commune, pet_names_at
from ..service import Service
from ..shapes import Id, Page, nodes
from ..shapes.audits import AuditEnded, Audits, AuditUnderWay, audit_of
from ..shapes.written import Unread
from ..state import State, told_error
from ..wishes import about
from .asking import Asked
from .endpoints import Endpoint, Media
from .parts import Name, Part, page_of, part_of


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether the store answers and it is known whether this node may sign."""

    status: Literal["ok", "waiting", "busy", "failing"]
    home: str
    situation: Situation | None
    reason: str | UnsetType = UNSET


class Signing(msgspec.Struct, frozen=True):
    """How the home is, and whether its log may be signed."""

    home: str
    situation: Situation | None


async def health(asked: Asked) -> web.Response:
    """Whether the store answers and it is known whether this node may sign."""
    resident = asked.resident
    found: dict[str, Any] = {"status": "ok", "home": resident.phase, "situation": None}
    if resident.custody is None:
        found["status"] = "waiting" if resident.trouble is None else "failing"
    else:
        found["situation"] = resident.custody.situation
        try:
            if not await resident.custody.check_health():
                found["status"] = "busy"
        except LedgerError as error:
            found |= {"status": "failing", "reason": str(error)}
    return web.json_response(found, status=200 if found["status"] == "ok" else 503)


async def metrics(asked: Asked) -> web.Response:
    """The figures, for Prometheus."""
    resident = asked.resident
    resident.figures.looked(await resident.state())
    return web.Response(body=resident.figures.text(), headers={"Content-Type": CONTENT_TYPE})


async def status(asked: Asked) -> State:
    """How the home and the node are."""
    return await asked.resident.state()


async def signing(asked: Asked) -> Signing:
    """Whether the home's log may be signed; answered at once, whatever is under way."""
    resident = asked.resident
    return Signing(resident.phase, None if resident.custody is None else resident.custody.situation)


# Others -----------------------------------------------------------------------------------------


async def list_nodes(asked: Asked) -> Page[nodes.Node]:
    """Other nodes."""
    query: Part = asked.query
    state = await asked.resident.state()
    facts = state.facts_of("gossip")

    def look(service: Service) -> list[nodes.Node]:
        own = service.own
        recognised = set() if own is None else {row.hex() for row in service.reader.recognised(own)}
        found = nodes.nodes_of(facts, recognised, pet_names_at(service.reader))
        return part_of(found, query.limit, query.offset)

    return page_of(await asked.ask(look), query.limit, query.offset)


async def list_notices(asked: Asked) -> Page[nodes.Notice]:
    """Notices, the newest first."""
    query: Part = asked.query
    kept = part_of(await asked.resident.noticing.all(), query.limit, query.offset)
    return page_of([nodes.notice_of(notice) for notice in kept], query.limit, query.offset)


class ReadAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was looked at."""

    subject: Annotated[Id | None, about("an exchange, a listing or a log; all of them without it")] = None


async def read_notices(asked: Asked) -> Unread:
    """Notices have been looked at."""
    body: ReadAsked = asked.body
    await asked.resident.noticing.read(None if body.subject is None else bytes.fromhex(body.subject))
    return Unread(await asked.resident.noticing.unread())


# The audit --------------------------------------------------------------------------------------


class AuditAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is audited."""

    commune: Annotated[Name | None, about("a commune, by its name or id; else everything that is held")] = (
        None
    )


async def show_audit(asked: Asked) -> Audits:
    """The audit that runs in the node, and the last one."""
    running, last = asked.resident.auditing.run, asked.resident.auditing.last
    return Audits(
        None if running is None else AuditUnderWay(_hex(running.commune), running.done, running.total),
        None
        if last is None
        else AuditEnded(
            _hex(last.commune),
            last.at,
            last.seconds,
            None if last.found is None else audit_of(last.found),
            None if last.error is None else told_error(last.error),
        ),
    )


async def begin_audit(asked: Asked) -> Audits:
    """Begin an audit."""
    body: AuditAsked = asked.body
    named = body.commune
    commune = None if named is None else await asked.ask(lambda service: find_commune(service.reader, named))
    custody = asked.resident.opened
    asked.resident.auditing.begin(custody.home, commune)
    return await show_audit(asked)


async def stop_audit(asked: Asked) -> Audits:
    """Have the audit that is under way end."""
    asked.resident.auditing.stop()
    return await show_audit(asked)


def _hex(commune: CommuneId | None) -> str | None:
    return None if commune is None else commune.hex()


# The local network ------------------------------------------------------------------------------


class PasswordAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password that phones on the local network give."""

    password: Annotated[str | None, about("at least 10 characters; null to have none")]


class LetIn(msgspec.Struct, frozen=True):
    """Whether a password is set, and whether the local network is let in."""

    password: bool
    lan: bool


async def set_password(asked: Asked) -> LetIn:
    """Set the password of the pages, or have none; all sessions end."""
    body: PasswordAsked = asked.body
    lan = asked.request.app[LAN]
    if body.password is None:
        await lan.entrance.remove_password()
    else:
        await lan.entrance.set_password(body.password)
    lan.hang_up()
    await lan.settle()
    return LetIn(lan.entrance.is_guarded, lan.is_open)


class LanAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether phones on the local network are let in."""

    lan: bool


async def switch_lan(asked: Asked) -> LetIn:
    """Let the local network in, or no longer."""
    body: LanAsked = asked.body
    lan = asked.request.app[LAN]
    if lan.ruled is not None:
        raise InputError("The setting lan of the node says it already: change it in config.toml.")
    await lan.entrance.switch(lan=body.lan)
    await lan.settle()
    return LetIn(lan.entrance.is_guarded, lan.is_open)


ENDPOINTS: Final = (
    Endpoint(
        "GET", "/healthz", "health",
        "200 if the store answers and it is known whether this node may sign, else 503. `status` is `ok`, "
        "`waiting` (there is no commune yet), `busy` (the store has not answered for five seconds) or "
        "`failing` (with `reason`, or the home could not be opened). `home` and `situation` are as in "
        "[a state](json.md#state):\n\n"
        '    {"status": "ok", "home": "open", "situation": "ready"}',
        health, "as above", Health, statuses=(200, 503), token=False,
    ),
    Endpoint(
        "GET", "/metrics", "metrics", "[The figures](metrics.md), for Prometheus.",
        metrics, "text", Media(("text/plain",)), token=False,
    ),
    Endpoint(
        "GET", "/api/1/status", "status", "How the home and the node are.",
        status, "[a state](json.md#state)", State,
    ),
    Endpoint(
        "GET", "/api/1/signing", "signing",
        "Whether the home's log may be signed, answered at once whatever is under way.",
        signing, "`home` (its `state`) and `situation` of [a state](json.md#state)", Signing,
    ),
    Endpoint(
        "GET", "/api/1/nodes", "listNodes", "The nodes that this one is linked with, and others that it "
        "knows of.",
        list_nodes, "[nodes](json.md#node)", Page[nodes.Node], query=Part,
    ),
    Endpoint(
        "GET", "/api/1/notices", "listNotices",
        "What others have done that somebody here should know of, the newest first.",
        list_notices, "[notices](json.md#notice)", Page[nodes.Notice], query=Part,
    ),
    Endpoint(
        "POST", "/api/1/notices/read", "readNotices", "Says that somebody has looked at them.",
        read_notices, "`unread`: how many are left", Unread, body=ReadAsked,
    ),
    Endpoint(
        "GET", "/api/1/audit", "showAudit",
        "The [audit](../explanation/audit.md) that runs in the node, and the last one since it was started.",
        show_audit, "[audits](json.md#audits)", Audits,
    ),
    Endpoint(
        "POST", "/api/1/audit", "beginAudit", "Begins an audit; there is one at a time.",
        begin_audit, "[audits](json.md#audits)", Audits, body=AuditAsked, statuses=(202,),
    ),
    Endpoint(
        "POST", "/api/1/audit/stop", "stopAudit", "Has the audit that is under way end, and say nothing.",
        stop_audit, "[audits](json.md#audits)", Audits,
    ),
    Endpoint(
        "POST", "/api/1/password", "setPassword",
        "Sets the password that phones on the local network give, or removes it; all sessions end.",
        set_password, "[whether the local network is let in](json.md#let-in)", LetIn, body=PasswordAsked,
    ),
    Endpoint(
        "POST", "/api/1/lan", "switchLan",
        "Lets phones on the local network in, or no longer; with a password alone. 400 where the setting "
        "`lan` decides.",
        switch_lan, "[whether the local network is let in](json.md#let-in)", LetIn, body=LanAsked,
    ),
)  # fmt: skip
"""How the node is, and what runs in it."""
