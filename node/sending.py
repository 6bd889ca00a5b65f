"""Sending: a file as the answer to a request, piece by piece, whatever its length.

Decides the pieces and what is said of the file before it. It is whole by then:
whatever keeps it from being written is told instead of half of it.
"""

from __future__ import annotations

import asyncio
import os
from typing import BinaryIO, Final

from aiohttp import web

MEDIA_TYPE: Final = "application/octet-stream"

PIECE_BYTES: Final = 1_048_576
"""bytes that are read and sent at once."""


async def send(request: web.Request, file: BinaryIO, name: str | None = None) -> web.StreamResponse:
    """Send a file from its beginning; with a `name`, in plain ASCII, a browser keeps it under that."""
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(os.fstat(file.fileno()).st_size)}
    if name is not None:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
        await response.write(piece)
    await response.write_eof()
    return response
