"""What is signed: records in plain fields, as commands ask for them, and records that are given whole.

Decides which wish of `wishes` each address takes. The node adds the time and the
heads that a record has to have seen, and refuses what a command would refuse.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec

from ledger.log import EntryId
from ledger.records import (
    AuthorityChange,
    Charter,
    CommuneId,
    Malformed,
    Record,
    Succession,
    Uninterpreted,
    parse,
)

from .. import clock, journal, reopening
from ..errors import DoneBefore, InputError
from ..limits import MAX_REQUESTS
from ..repeated import same_as
from ..requests import Request, decode_request, encode_request
from ..service import Service
from ..shapes import Id
from ..shapes.written import Opened, Written, WrittenMove, WrittenRecognition
from ..wishes import Meant, Remark, about, communes, exchanges, listings
from .asking import Asked
from .endpoints import Endpoint
from .repeats import HEADER, Done

Hex = Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2})*\Z")]
Signed = TypeVar("Signed")


async def _sign(
    asked: Asked,
    wish: Callable[[Service, int], Meant],
    answer: Callable[[EntryId, Meant, Service], Signed],
) -> Signed:
    """Sign what is meant by a wish, and answer."""

    def work(service: Service) -> tuple[Signed, str, EntryId]:
        meant = wish(service, clock.now())
        if HEADER in asked.request.headers:
            _check_done(meant.record, asked.resident.since, service)
        entry = service.record(meant.record, meant.about)
        return answer(entry, meant, service), meant.record.kind, entry

    answered, kind, entry = await asked.sign(work)
    journal.tell("signed", kind=kind, id=entry.hex())
    return answered


def _check_done(record: Record, since: int, service: Service) -> None:
    """Refuse what may have been asked under a key that a restart has forgotten. Raises DoneBefore."""
    row = same_as(record, service)
    if row is not None and getattr(row.record, "at", since) < since:
        raise DoneBefore(
            "The same was recorded as {id} before the node was started last: if this asks for it again, it "
            "is done; to record it twice, ask without a key.",
            id=row.id.hex(),
        )


def _written(entry: EntryId, meant: Meant, service: Service) -> Written:
    return Written(entry.hex())


def _moved(entry: EntryId, meant: Meant, service: Service) -> WrittenMove:
    return WrittenMove(entry.hex(), service.reader.exchange(meant.exchange.id).state)


async def post(asked: Asked) -> Written:
    """Post an offer or a need."""
    return await _sign(asked, lambda service, now: listings.posting(asked.body, service, now), _written)


async def withdraw(asked: Asked) -> Written:
    """Take something back."""
    target = asked.id().hex()
    return await _sign(
        asked, lambda service, now: listings.withdrawal(target, asked.body, service, now), _written
    )


async def correct(asked: Asked) -> Written:
    """Explain a record."""
    target = asked.id().hex()
    return await _sign(
        asked, lambda service, now: communes.explanation(target, asked.body, service, now), _written
    )


async def propose(asked: Asked) -> Written:
    """Propose an exchange."""
    return await _sign(asked, lambda service, now: exchanges.proposal(asked.body, service, now), _written)


def _answering(kind: Literal["accept", "decline", "cancel"]) -> Callable[[Asked], Awaitable[WrittenMove]]:
    async def answer(asked: Asked) -> WrittenMove:
        named = asked.id().hex()
        return await _sign(
            asked, lambda service, now: exchanges.answer(kind, named, asked.body, service, now), _moved
        )

    return answer


def _moving(wish: Callable[[str, Any, Service, int], Meant]) -> Callable[[Asked], Awaitable[WrittenMove]]:
    async def move(asked: Asked) -> WrittenMove:
        named = asked.id().hex()
        return await _sign(asked, lambda service, now: wish(named, asked.body, service, now), _moved)

    return move


def _recognising(
    kind: Literal["recognise", "unrecognise"],
) -> Callable[[Asked], Awaitable[WrittenRecognition]]:
    async def recognise(asked: Asked) -> WrittenRecognition:
        commune = CommuneId(asked.id())
        return await _sign(
            asked,
            lambda service, now: communes.recognition(kind, commune, asked.body, now),
            lambda entry, meant, service: WrittenRecognition(entry.hex(), commune.hex()),
        )

    return recognise


async def present(asked: Asked) -> Written:
    """Say how this commune presents itself."""
    return await _sign(asked, lambda service, now: communes.presentation(asked.body, service, now), _written)


# Given whole ------------------------------------------------------------------------------------


class RecordAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to sign, and the exchange that it is about."""

    payload: Annotated[Hex, about("its [canonical encoding](../spec/encoding.md) in hex, without `seen`")]
    about: Annotated[Id | None, about("id of the exchange that it is about")] = None


class ErasureAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry whose content is to be erased, and why."""

    id: Id
    reason: Annotated[str, msgspec.Meta(min_length=1, description="why")]


class RequestsAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Copies of one request with signatures, as `trueque authority sign` writes them."""

    requests: Annotated[
        tuple[dict[str, Any], ...],
        msgspec.Meta(
            min_length=1,
            max_length=MAX_REQUESTS,
            description="copies of one [request](../spec/backup.md) with signatures",
        ),
    ]

    @property
    def decoded(self) -> list[Request]:
        """The requests. Raises InputError."""
        return [decode_request(msgspec.json.encode(request)) for request in self.requests]


async def sign_record(asked: Asked) -> Written:
    """Sign a record that is given whole."""
    body: RecordAsked = asked.body
    record = parse(bytes.fromhex(body.payload))
    if isinstance(record, Malformed | Uninterpreted):
        raise InputError("The payload is not a record that this version of Trueque knows.")
    if isinstance(record, Charter | Succession | AuthorityChange):
        raise InputError("A record that says who speaks for a commune is not signed at this address.")

    def wish(service: Service, now: int) -> Meant:
        named = body.about
        return Meant(
            record, None if named is None else service.reader.exchange(EntryId(bytes.fromhex(named)))
        )

    return await _sign(asked, wish, _written)


async def erase(asked: Asked) -> Written:
    """Erase the content of an entry, for ever, in this home."""
    body: ErasureAsked = asked.body
    entry = bytes.fromhex(body.id)
    await asked.resident.write(lambda service: service.erase(service.reader.entry(entry), body.reason))
    journal.tell("erased", id=entry.hex())
    return Written(entry.hex())


async def change_authority(asked: Asked) -> Written:
    """Record a change of authority that enough keys have signed."""
    body: RequestsAsked = asked.body
    requests = body.decoded
    entry = await asked.sign(lambda service: service.change_authority(requests))
    journal.tell("signed", kind="authority", id=entry.hex())
    return Written(entry.hex())


async def open_log(asked: Asked) -> Done | Opened:
    """Open the log of a restored home with the signatures that came back, or keep those."""
    body: RequestsAsked = asked.body
    requests, home = body.decoded, asked.resident.home
    opened = await asked.sign(lambda service: reopening.finish_here(service, home, requests))
    if isinstance(opened, Request):
        waiting = Opened(request=json.loads(encode_request(opened)))
        return Done(200, msgspec.json.encode(waiting))
    journal.tell("signed", kind="succession", id=opened.hex())
    return Opened(id=opened.hex())


def _signing(path: str, name: str, said: str, do: Callable[[Asked], Awaitable[Any]], body: Any) -> Endpoint:
    return Endpoint(
        "POST", path, name, said, do, "[an answer](json.md#answer)", Written, body=body,
        statuses=(201,), signs=True,
    )  # fmt: skip


def _move(step: str, said: str, do: Callable[[Asked], Awaitable[WrittenMove]], body: Any) -> Endpoint:
    return Endpoint(
        "POST", f"/api/1/exchanges/{{id}}/{step}", step, said, do,
        "[an answer about an exchange](json.md#answer-about-an-exchange)", WrittenMove,
        body=body, statuses=(201,), signs=True,
    )  # fmt: skip


def _recognition(kind: Literal["recognise", "unrecognise"], said: str) -> Endpoint:
    return Endpoint(
        "POST", f"/api/1/communes/{{id}}/{kind}", kind, said, _recognising(kind),
        "[an answer about a commune](json.md#answer-about-a-commune)", WrittenRecognition,
        body=Remark, statuses=(201,), signs=True,
    )  # fmt: skip


ENDPOINTS: Final = (
    _signing("/api/1/listings", "postListing", "Posts an offer or a need.", post, listings.Posting),
    _signing("/api/1/exchanges", "propose",
             "Proposes an exchange, or a counter-offer. Whoever gives or receives in `transfers` is a "
             "party; they are written as in [a file](json.md#transfer-in-a-file).",
             propose, exchanges.Proposing),
    _move("accept", "Accepts a proposal; once all parties have, it is agreed.", _answering("accept"), Remark),
    _move("decline", "Declines a proposal.", _answering("decline"), Remark),
    _move("cancel", "Asks to end an agreed exchange; it ends when all parties have.",
          _answering("cancel"), Remark),
    _move("deliver", "Records that this commune handed something over.",
          _moving(exchanges.handing), exchanges.Handing),
    _move("receive", "Records that something arrived at this commune.",
          _moving(exchanges.handing), exchanges.Arrival),
    _move("dispute", "Says that something is wrong with a transfer, or with the whole exchange.",
          _moving(exchanges.dispute), exchanges.Disputing),
    _move("settle", "Says how a dispute ends, named by its own id or by that of the exchange if one alone "
                    "stands open.",
          _moving(exchanges.settlement), exchanges.Settling),
    _signing("/api/1/entries/{id}/withdraw", "withdraw",
             "Takes back a listing, a proposal or a cancel of this commune.", withdraw, listings.Withdrawal),
    _signing("/api/1/entries/{id}/correct", "correct", "Puts an explanation beside a record of this commune.",
             correct, communes.Explanation),
    _recognition("recognise", "Says publicly that this commune deals with another, known here or not."),
    _recognition("unrecognise", "Takes that back."),
    _signing("/api/1/profile", "present",
             "Says how this commune presents itself, public for ever. What is not given stays; an empty text "
             "removes what was there.",
             present, communes.Presentation),
    _signing("/api/1/records", "signRecord",
             "Signs a record that is given whole. The node adds the heads that it has to have seen.",
             sign_record, RecordAsked),
    _signing("/api/1/erasures", "erase", "Erases the content of an entry, for ever, on this computer.",
             erase, ErasureAsked),
    _signing("/api/1/authority", "changeAuthority", "Records a change of authority.",
             change_authority, RequestsAsked),
    Endpoint(
        "POST", "/api/1/succession", "openLog",
        "Opens the log of a restored home. Where signatures are still missing, the home keeps those that "
        "came, and the status is 200.",
        open_log, "`id` of the succession, or `request` with the signatures that came", Opened,
        body=RequestsAsked, statuses=(201, 200), signs=True,
    ),
)  # fmt: skip
"""What is signed. Whatever stands for ever is shown to people before that; programs are believed."""
