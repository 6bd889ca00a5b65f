"""Endpoints: what is said of an address, in one place, and how a request becomes an answer of it.

Decides that routes and the API's document are made of the same rows, so that
they cannot differ; how query and body are read into their shapes, and that what
does not fit is refused. What an endpoint does is its own function's to say.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec
from aiohttp import web

from ..errors import InputError
from .asking import Asked
from .repeats import REPEATS, Done

PATHS: Final = {
    "id": ("[0-9a-f]{64}", "64 hex digits"),
    "digest": ("[0-9a-f]{64}", "SHA-256, 64 hex digits"),
}
"""What may stand in an address in place of a name in braces."""

Shape = TypeVar("Shape")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No field at all."""


@dataclass(frozen=True, slots=True)
class Media:
    """A body that is no JSON of one shape: its types, and of lines of JSON the shape of each line."""

    types: tuple[str, ...]
    line: Any = None


Body = Any
"""A Struct's type or a generic one, Media, or None."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address: how it is asked for, what comes out, and the function that does it.

    `about` says what it does, in Markdown; `told` what comes out, with a link to
    the page on JSON. `signs`: it may be asked again under the same key.
    """

    method: str
    path: str
    name: str
    about: str
    do: Callable[[Asked], Awaitable[Any]]
    told: str
    out: Body
    query: type[msgspec.Struct] = Nothing
    body: Body = None
    statuses: tuple[int, ...] = (200,)
    signs: bool = False
    token: bool = True
    names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(re.findall(r"\{(\w+)\}", self.path)))

    @property
    def summary(self) -> str:
        """The first sentence of what it does, without links."""
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", self.about)
        return re.split(r"(?<=[.:])\s|(?<=\)),", plain, maxsplit=1)[0]

    @property
    def route(self) -> web.RouteDef:
        """The route at which it is heard."""
        path = re.sub(r"\{(\w+)\}", lambda found: f"{{{found[1]}:{PATHS[found[1]][0]}}}", self.path)
        handler = _Handler(self).handle
        return web.get(path, handler) if self.method == "GET" else web.route(self.method, path, handler)


class _Handler:
    """How a request to an endpoint is answered."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        fields = msgspec.structs.fields(endpoint.query)
        self._lists = {each.encode_name for each in fields if each.default == ()}
        if isinstance(endpoint.body, type):
            self._decoder: msgspec.json.Decoder[Any] | None = msgspec.json.Decoder(endpoint.body)
            self._may_be_empty = not any(each.required for each in msgspec.structs.fields(endpoint.body))
        else:
            self._decoder, self._may_be_empty = None, False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        endpoint = self._endpoint
        asked = Asked(request, self._query(request), None)
        data = b""
        if self._decoder is not None:
            data = await request.read()
            asked = Asked(request, asked.query, self._read(data))
        if not endpoint.signs:
            answer = await endpoint.do(asked)
            if isinstance(answer, web.StreamResponse):
                return answer
            return _response(Done(endpoint.statuses[0], msgspec.json.encode(answer)))

        async def do() -> Done:
            answer = await endpoint.do(asked)
            if isinstance(answer, Done):
                return answer
            return Done(endpoint.statuses[0], msgspec.json.encode(answer))

        return _response(await request.app[REPEATS].once(request, data, do))

    def _query(self, request: web.Request) -> Any:
        given: dict[str, Any] = {}
        for name in request.query:
            values = request.query.getall(name)
            given[name] = values if name in self._lists or len(values) > 1 else values[0]
        try:
            return msgspec.convert(given, self._endpoint.query, strict=False)
        except msgspec.ValidationError as error:
            raise _misfit(error) from error

    def _read(self, data: bytes) -> Any:
        assert self._decoder is not None
        try:
            return self._decoder.decode(b"{}" if self._may_be_empty and not data else data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _misfit(error) from error


def _misfit(error: Exception) -> InputError:
    return InputError(
        "The request does not have the form that this address asks for ({what}): see the reference of "
        "the API.",
        what=str(error),
    )


def _response(done: Done) -> web.Response:
    return web.Response(body=done.body, status=done.status, content_type="application/json", charset="utf-8")
