"""Visits: whose browser it is, and that a form was made here, for it, and is taken once.

Decides the cookie by which a browser is known, and the token in every form:
made for that cookie (so that no other page can have it), and good for one
sending. A second sending, by a double click or the back button, is answered
with what came of the first. A token of before the node was started last is no
longer known: the form is shown again, with what was typed (docs/adr/0009).

All in memory, on the event loop's thread.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from ..once import Once

MAX_SENDINGS: Final = 1_024
"""forms sent of which is remembered what came of them; an hour of clicking."""

VISIT: Final = web.RequestKey("visit", str)
"""The name by which the browser is known that a request comes from."""

INSIDE: Final = web.RequestKey("inside", bool)
"""What a request has that came from the local network with a session."""


class Visits:
    """The visits of all browsers to one node."""

    def __init__(self, port: int) -> None:
        """`port`: cookies do not tell ports apart, and several nodes may run on one computer."""
        self.cookie = f"trueque-{port}"
        self._secret = secrets.token_bytes(32)
        self._sendings: Once[str] = Once(MAX_SENDINGS)

    def renew(self, response: web.Response) -> None:
        """Give a browser another name than it had."""
        response.set_cookie(self.cookie, secrets.token_hex(16), httponly=True, samesite="Lax")

    def token(self, request: web.Request) -> str:
        """A token for a form that is shown now."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._seal(request[VISIT], nonce)}"

    def knows(self, request: web.Request, token: str) -> bool:
        """Whether a token was made here for this browser, since the node was started."""
        nonce, _, seal = token.partition(".")
        expected = self._seal(request[VISIT], nonce)
        return hmac.compare_digest(seal.encode("utf-8", "replace"), expected.encode())

    def _seal(self, visit: str, nonce: str) -> str:
        return hmac.new(self._secret, f"{visit}\n{nonce}".encode(), hashlib.sha256).hexdigest()[:32]

    async def once(self, token: str, work: Callable[[], Awaitable[str]]) -> str:
        """Do something for a token, and return the address that comes of it; again, the first one.

        Raises what `work` raises; then nothing came of it, and it may be tried again.
        """
        return await self._sendings.do(token, work)


VISITS: Final = web.AppKey("visits", Visits)


@web.middleware
async def visiting(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Know the browser again, or give it a name by which it is."""
    visits = request.app[VISITS]
    known = request.cookies.get(visits.cookie, "")
    is_new = not (len(known) == 32 and known.isascii() and known.isalnum())
    request[VISIT] = secrets.token_hex(16) if is_new else known
    response = await handler(request)
    if is_new and request.method == "GET" and not response.prepared and _is_page(response):
        response.set_cookie(visits.cookie, request[VISIT], httponly=True, samesite="Lax")
    return response


def _is_page(response: web.StreamResponse) -> bool:
    return response.content_type == "text/html"
