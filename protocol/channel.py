"""The channel: messages over an encrypted stream, once a handshake has led to keys.

Decides how frames lie in the encrypted messages that a transport carries whole
(a WebSocket message is one of them): the frames of all messages form one
stream, cut where an encrypted message is full, so that a frame may span several
and several may share one. What messages mean is `session`'s.

Holds one message being put together at most. After an error it takes nothing more.
"""

from __future__ import annotations

from typing import Final

from .errors import HandshakeError, MessageError, NoiseError, SessionError
from .frames import HEADER, Joiner, Message, read_header, to_frames
from .limits import MAX_NOISE_BYTES
from .noise import TAG_BYTES, CipherState, Keys

PIECE_BYTES: Final = MAX_NOISE_BYTES - TAG_BYTES
"""bytes of the stream that one encrypted message carries."""


class Channel:
    """One end of the encrypted stream. Belongs to one task.

    `put` messages, send what `flush` gives; give what comes to `receive`.
    """

    def __init__(self, keys: Keys) -> None:
        self._sending: CipherState = keys.sending
        self._receiving: CipherState = keys.receiving
        self._waiting: list[bytes] = []
        self._buffer = bytearray()
        self._joiner = Joiner()
        self._ended = False

    @property
    def waiting(self) -> int:
        """Bytes that were put and not flushed."""
        return sum(map(len, self._waiting))

    def put(self, kind: int, body: bytes, *, compress: bool = True) -> None:
        """Add a message to the stream."""
        self._waiting += to_frames(kind, body, compress=compress)

    def flush(self) -> list[bytes]:
        """What was put, encrypted: messages of at most MAX_NOISE_BYTES, to be sent in this order."""
        stream = b"".join(self._waiting)
        self._waiting.clear()
        return [
            self._sending.encrypt(stream[at : at + PIECE_BYTES]) for at in range(0, len(stream), PIECE_BYTES)
        ]

    def receive(self, encrypted: bytes) -> list[Message]:
        """Take an encrypted message: the messages that it completes.

        Raises NoiseError or FrameError; then nothing of it counts, and nothing is taken any more.
        """
        if self._ended:
            raise HandshakeError("The channel has ended.")
        try:
            return self._receive(encrypted)
        except (SessionError, MessageError):
            self._ended = True
            raise

    def _receive(self, encrypted: bytes) -> list[Message]:
        if not TAG_BYTES < len(encrypted) <= MAX_NOISE_BYTES:
            raise NoiseError(
                "An encrypted message has {size} bytes; {least} to {limit} are allowed.",
                size=len(encrypted),
                least=TAG_BYTES + 1,
                limit=MAX_NOISE_BYTES,
            )
        self._buffer += self._receiving.decrypt(encrypted)
        messages: list[Message] = []
        at = 0
        while len(self._buffer) >= at + HEADER.size:
            header = read_header(bytes(self._buffer[at : at + HEADER.size]))
            end = at + HEADER.size + header.length
            if len(self._buffer) < end:
                break
            message = self._joiner.take(header, bytes(self._buffer[at + HEADER.size : end]))
            if message is not None:
                messages.append(message)
            at = end
        del self._buffer[:at]
        return messages
