"""Remote: what a command writes while a node runs in the home, done by that node.

Decides how the node is asked, how long it may take, and that the person at the
keyboard reads what they would read without it: its refusals are raised here as
they were raised there (`answers`). What is only read is read by the command
itself, from the same database. The other side is `api`.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar
from urllib.parse import urlencode

import msgspec

from ledger.author import SENTENCES, Situation
from ledger.errors import SigningStopped
from ledger.exchange import Exchange
from ledger.log import EntryId, LogKey
from ledger.records import Record, to_payload
from ledger.store.reading import EntryRow, Reader

from .answers import AnsweredError, AnsweredReport, error_of, report_of, stopped_of
from .errors import HomeError, HomeInUse, ImportStopped
from .home import Home
from .limits import ANSWER_SECONDS, STARTING_SECONDS, WRITING_SECONDS
from .requests import Request, decode_request, encode_request
from .running import Running
from .service import Service
from .shapes.nodes import GivenAddress

if TYPE_CHECKING:
    from .bundles import Progress
    from .intake import ImportReport

CHUNK_BYTES: Final = 262_144
"""bytes of a bundle that are sent at once."""

STARTING: Final = "starting"
"""What `/api/1/signing` says of a home that the node is just opening."""

Shape = TypeVar("Shape")
Body = bytes | Iterable[bytes]


class Signing(msgspec.Struct, frozen=True):
    """Answer of `/api/1/signing`: how the home is, and if it is open, whether its log may be signed."""

    home: str
    situation: Situation | None


class Step(msgspec.Struct, frozen=True):
    """A line of an answer that comes bit by bit: how far it is, or how it ended."""

    progress: tuple[int, int] | None = None
    error: AnsweredError | None = None
    report: AnsweredReport | None = None
    entries: int | None = None


class Guarded(msgspec.Struct, frozen=True):
    """Answer of `/api/1/password`: whether one is set, and whether the local network is let in."""

    password: bool
    lan: bool


class Addresses(msgspec.Struct, frozen=True):
    """Answer of `/api/1/addresses`: the addresses of nodes that somebody here gave."""

    items: list[GivenAddress]


class Written(msgspec.Struct, frozen=True):
    """Answer of a write: the id of what was signed, or the request that still lacks signatures."""

    id: str | None = None
    request: dict[str, Any] | None = None


class Line:
    """Questions to the node of a home, one connection each. For one thread."""

    def __init__(self, home: Home, node: Running) -> None:
        self._home = home
        self._node = node

    def wait_until_open(self) -> Situation:
        """Wait for a node that is just starting. Raises HomeError, HomeInUse; returns its log's situation."""
        until = time.monotonic() + STARTING_SECONDS
        while True:
            told = self.ask("GET", "/api/1/signing", Signing, seconds=ANSWER_SECONDS)
            if told.situation is not None:
                return told.situation
            if told.home != STARTING or time.monotonic() > until:
                raise HomeInUse(
                    "Another program is using {path}: wait until it has finished, or close it.",
                    path=self._home.path,
                )
            time.sleep(0.05)

    def ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        body: Body | None = None,
        *,
        seconds: float = WRITING_SECONDS,
    ) -> Shape:
        """One question and its whole answer. Raises what the node says, and HomeError if it says nothing."""
        answer = b"".join(self._lines(method, path, body, seconds))
        return self._read(answer, shape)

    def follow(self, path: str, body: Body | None, progress: Progress) -> Step:
        """A question whose answer comes bit by bit; returns how it ended, which may be an error in it."""
        for line in self._lines("POST", path, body, WRITING_SECONDS):
            step = self._read(line, Step)
            if step.progress is None:
                return step
            progress(*step.progress)
        raise self._gone()

    def _read(self, data: bytes, shape: type[Shape]) -> Shape:
        try:
            return msgspec.json.decode(data, type=shape)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise self._gone() from None

    def _lines(self, method: str, path: str, body: Body | None, seconds: float) -> Iterator[bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self._node.people, timeout=seconds)
        is_asked = False
        try:
            try:
                connection.connect()
                is_asked = method != "GET"
                headers = {"Authorization": f"Bearer {self._node.token}"}
                connection.request(method, path, body, headers, encode_chunked=not isinstance(body, bytes))
                response = connection.getresponse()
                if response.status >= http.client.BAD_REQUEST:
                    raise error_of(self._read(response.read(), AnsweredError))
                yield from response
            except (TimeoutError, http.client.HTTPException, ConnectionError) as error:
                raise (self._gone() if is_asked else self._silent()) from error
        finally:
            connection.close()

    def _silent(self) -> HomeError:
        return HomeError(
            "The node that runs in {path} (process {pid}) does not answer: wait a little; if that does "
            "not help, stop it and start it again.",
            path=self._home.path,
            pid=self._node.pid,
        )

    def _gone(self) -> HomeError:
        return HomeError(
            "The node that runs in {path} (process {pid}) was asked and did not answer: `trueque log` shows "
            "whether something was signed.",
            path=self._home.path,
            pid=self._node.pid,
        )


class RemoteService(Service):
    """A home in which a node runs: `reader` answers, and the node signs."""

    def __init__(self, reader: Reader, log: LogKey, line: Line, now: Callable[[], int]) -> None:
        """Raises HomeError if the node does not answer."""
        super().__init__(reader, log, None, None, now)
        self._line = line
        self._situation = line.wait_until_open()

    @property
    def situation(self) -> Situation:
        return self._situation

    def check_signing(self) -> None:
        if self._situation is not Situation.READY:
            raise SigningStopped(SENTENCES[self._situation])

    def record(self, record: Record, about: Exchange | None = None) -> EntryId:
        self.check(record, about)
        asked = {
            "payload": to_payload(record).hex(),
            "about": None if about is None else about.id.hex(),
        }
        return self._write("/api/1/records", asked)

    def record_all(self, records: Sequence[Record]) -> Iterator[EntryId]:
        for record in records:
            yield self.record(record)

    def erase(self, row: EntryRow, reason: str) -> None:
        self.check_erasure(row, reason)
        self._write("/api/1/erasures", {"id": row.id.hex(), "reason": reason})

    def change_authority(self, requests: Sequence[Request]) -> EntryId:
        return self._write("/api/1/authority", {"requests": _plain_requests(requests)})

    def import_bundle(self, file: BinaryIO, progress: Progress, *, everything: bool) -> ImportReport:
        path = f"/api/1/bundles?{urlencode({'everything': int(everything)})}"
        step = self._line.follow(path, _chunks(file), progress)
        report = None if step.report is None else report_of(step.report)
        if step.error is None and report is not None:
            return report
        assert step.error is not None
        if step.error.error == ImportStopped.__name__ and report is not None:
            raise stopped_of(step.error, report)
        raise error_of(step.error)

    def _write(self, path: str, asked: dict[str, Any]) -> EntryId:
        written = self._line.ask("POST", path, Written, msgspec.json.encode(asked))
        assert written.id is not None
        return EntryId(bytes.fromhex(written.id))


def rebuild(line: Line, progress: Progress) -> int:
    """Have the node make all views anew; returns how many entries it read."""
    line.wait_until_open()
    step = line.follow("/api/1/rebuild", b"", progress)
    if step.error is not None:
        raise error_of(step.error)
    assert step.entries is not None
    return step.entries


def finish_restore(line: Line, signed: Sequence[Request]) -> EntryId | Request:
    """Have the node open the log of a restored home, as `backup.finish_restore`."""
    line.wait_until_open()
    asked = msgspec.json.encode({"requests": _plain_requests(signed)})
    written = line.ask("POST", "/api/1/succession", Written, asked)
    if written.request is not None:
        return decode_request(msgspec.json.encode(written.request))
    assert written.id is not None
    return EntryId(bytes.fromhex(written.id))


def _plain_requests(requests: Sequence[Request]) -> list[Any]:
    return [msgspec.json.decode(encode_request(request)) for request in requests]


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """What is left of a file. Raises OSError, as without a node."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
