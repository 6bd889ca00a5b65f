"""The channel: messages over an encrypted stream, once a handshake has led to keys.

Decides how frames lie in the encrypted messages that a transport carries whole
(a WebSocket message is one of them): the frames of all messages form one
stream, cut where an encrypted message is full, so that a frame may span several
and several may share one. What messages mean is `session`'s.

What came whole counts, whatever comes behind it: messages are handed out one
at a time as they are inflated, so that a reader holds one of them, what of the
next has come, and one encrypted message, however well they were compressed.
After an error the channel takes nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .errors import FrameError, HandshakeError, IllFormed, NoiseError
from .frames import HEADER, Joiner, Message, read_header, to_frames
from .limits import MAX_MESSAGE_BYTES, MAX_NOISE_BYTES
from .noise import TAG_BYTES, CipherState, Keys

PIECE_BYTES: Final = MAX_NOISE_BYTES - TAG_BYTES
"""bytes of the stream that one encrypted message carries."""


class Channel:
    """One end of the encrypted stream. Belongs to one task.

    `put` messages, send what `flush` gives; give what comes to `receive`. An
    error of the incoming stream does not end the outgoing one, so that the
    reason can still be said.
    """

    def __init__(self, keys: Keys) -> None:
        self._sending: CipherState = keys.sending
        self._receiving: CipherState = keys.receiving
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._buffer = bytearray()
        self._joiner = Joiner()
        self._is_unread = False
        self._ended = False

    @property
    def waiting(self) -> int:
        """Bytes that were put and not flushed."""
        return self._waiting_bytes

    @property
    def has_ended(self) -> bool:
        """Whether something came that was refused, so that nothing more is taken."""
        return self._ended

    def put(self, kind: int, body: bytes, *, compress: bool = True) -> None:
        """Add a message to the stream. Raises HandshakeError for one that no reader would take."""
        if not 0 <= kind <= 0xFF or not 1 <= len(body) <= MAX_MESSAGE_BYTES:
            raise HandshakeError(
                "A message of kind {kind} with {size} bytes cannot be sent.", kind=kind, size=len(body)
            )
        self.put_frames(to_frames(kind, body, compress=compress))

    def put_frames(self, frames: Iterable[bytes]) -> None:
        """Add a message that was made into frames elsewhere: compressing takes long."""
        for frame in frames:
            self._waiting.append(frame)
            self._waiting_bytes += len(frame)

    def flush(self) -> list[bytes]:
        """What was put, encrypted: messages of at most MAX_NOISE_BYTES, to be sent in this order."""
        stream = memoryview(b"".join(self._waiting))
        self._waiting.clear()
        self._waiting_bytes = 0
        return [
            self._sending.encrypt(bytes(stream[at : at + PIECE_BYTES]))
            for at in range(0, len(stream), PIECE_BYTES)
        ]

    def receive(self, encrypted: bytes) -> Iterator[Message]:
        """Take an encrypted message, and give the messages that it completes, one after the other.

        They have to be read to the end before the next is taken. Raises
        NoiseError here, where nothing of it counts, and FrameError in between
        them, where what was given counts; then nothing is taken any more.
        HandshakeError after that, or before all was read.
        """
        if self._ended:
            raise HandshakeError("The channel has ended.")
        if self._is_unread:
            raise HandshakeError("The messages that came before were not all read.")
        try:
            if not TAG_BYTES < len(encrypted) <= MAX_NOISE_BYTES:
                raise IllFormed(
                    "An encrypted message has {size} bytes; {least} to {limit} are allowed.",
                    size=len(encrypted),
                    least=TAG_BYTES + 1,
                    limit=MAX_NOISE_BYTES,
                )
            self._buffer += self._receiving.decrypt(encrypted)
        except NoiseError:
            self._end()
            raise
        self._is_unread = True
        return self._messages()

    def _messages(self) -> Iterator[Message]:
        buffer, at = self._buffer, 0
        try:
            while len(buffer) >= (start := at + HEADER.size):
                header = read_header(bytes(buffer[at:start]))
                if len(buffer) < (end := start + header.length):
                    break
                message = self._joiner.take(header, bytes(buffer[start:end]))
                at = end
                if message is not None:
                    yield message
        except FrameError:
            self._end()
            raise
        del buffer[:at]
        self._is_unread = False

    def _end(self) -> None:
        """Take nothing more, and let go of what was held."""
        self._ended = True
        self._buffer = bytearray()
        self._joiner = Joiner()
