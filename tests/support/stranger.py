"""A stranger: somebody who opens a link to a node over a socket, and says what a test wants said.

The handshake and the comparison are the real ones, so that what comes after
them comes from somebody whom the node has met.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

from ledger.log import LogKey
from ledger.signing import SigningKey
from node.links import PATH
from protocol.events import Ended, Event
from protocol.frames import Kind
from protocol.handshake import Identity, Role
from protocol.questions import Farewell
from protocol.roster import Mark, Roster
from protocol.session import Session, State


class Stranger:
    """One end of a link, in the hands of a test."""

    def __init__(self, session: Session, socket: ClientWebSocketResponse) -> None:
        self.session = session
        self.socket = socket
        self.heard: list[Event] = []

    async def say(self, kind: Kind, *bodies: bytes) -> None:
        """Send messages of a kind."""
        assert self.session._channel is not None
        for body in bodies:
            self.session._channel.put(kind, body)
        await self.send()

    async def send(self) -> None:
        """Send what the session has to say."""
        for piece in self.session.outgoing():
            await self.socket.send_bytes(piece)

    async def hear(self) -> bool:
        """Take the next message; False where there is none any more."""
        message = await self.socket.receive()
        if message.type is not WSMsgType.BINARY:
            return False
        self.session.receive(message.data, time.monotonic())
        self.heard += self.session.events()
        return True

    async def farewell(self) -> Farewell | None:
        """What the node says at the end; waits for that."""
        while await self.hear():
            pass
        return next((event.said for event in self.heard if isinstance(event, Ended)), None)


@asynccontextmanager
async def stranger(
    port: int, key: SigningKey, network: str, holds: Sequence[tuple[LogKey, Mark]] = ()
) -> AsyncIterator[Stranger]:
    """Somebody who has met the node at a port of this computer, and says what it `holds`."""
    roster = Roster(dict(holds))
    session = Session(
        Role.INITIATOR,
        Identity.of(key, network),
        lambda peer: (roster, None),
        time.monotonic(),
        static=os.urandom(32),
        ephemeral=os.urandom(32),
    )
    async with (
        ClientSession() as client,
        client.ws_connect(f"ws://127.0.0.1:{port}{PATH}") as socket,
        asyncio.timeout(60),
    ):
        found = Stranger(session, socket)
        await found.send()
        while session.state not in (State.OPEN, State.ENDED):
            if not await found.hear():
                break
            await found.send()
        yield found
