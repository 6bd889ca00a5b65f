"""One side of a sync in a process of its own, over loopback; the other one is started by it.

    python -m tests.benchmarks.gossip long|many|catch-up FOLDER
    python -m tests.benchmarks.gossip hold FOLDER, serve LEDGER NETWORK        (what the first starts)

Between the two lies a plain TCP relay that counts every byte, HTTP and
WebSocket included. Prints a line of JSON. Rates stand beside PyNaCl's Ed25519
verifications a second in the same process, before and after.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from ledger.log import LogKey, LogState, Run, extend, sign_run
from ledger.records import Authority, Charter, Offer, Quantity, to_payload
from ledger.signing import SigningKey
from ledger.store.reading import Reader
from ledger.store.writing import Store
from node.admission import Admission
from node.links import PATH, Links
from node.listener import tersely
from node.watch import Watch
from protocol.handshake import Identity

from ..support.memory import peak
from .corpus import NETWORK
from .work import runs_in, verifications

LOGS: Final = 1_000
ENTRIES_OF_LOG: Final = 20
_DETAIL: Final = (
    "Se entrega en la casa comunal los sábados por la mañana, en sacos; traiga los suyos, o avise antes."
)


def many_logs(count: int, network: str) -> list[Run]:
    """The logs of so many communes."""
    return [short_log(number, network) for number in range(count)]


def short_log(number: int, network: str) -> Run:
    """The log of one commune: a charter and 19 offers, about 300 bytes an entry, one head."""
    key = SigningKey(sha256(b"commune %d" % number).digest())
    authority = Authority(keys=(key.public_key,), threshold=1)
    payloads = [to_payload(Charter(at=1, authority=authority, name=f"Comuna {number}", network=network))]
    for place in range(ENTRIES_OF_LOG - 1):
        tag = sha256(b"%d %d" % (number, place)).hexdigest()
        payloads.append(
            to_payload(
                Offer(
                    at=1_000 + place,
                    category="food-grain",
                    note=f"{_DETAIL} {tag}",
                    quantity=Quantity(100 + place, 0, "kg"),
                    title=f"Maíz blanco de la cosecha {number}, saco {place}",
                )
            )
        )
    run, _ = sign_run(LogState(LogKey(key.public_key)), payloads, key, network)
    return run


class Synced(Watch):
    """Tells when something has been stored."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def stored(self) -> None:
        self.event.set()


def links_of(path: Path, store: Store, name: str, watch: Watch | None = None) -> Links:
    """The links of a node that goes by this name, which takes in what anybody has."""
    key = SigningKey(sha256(name.encode()).digest())
    return Links(
        path,
        store,
        None,
        Identity.of(key, store.network),
        lambda reader: Admission(reader, None, lambda: None),
        watch=watch,
    )


async def _serve(path: Path, network: str) -> None:
    with Store(path, network) as store:
        links = links_of(path, store, "server")
        async with links.open():
            app = web.Application()
            app.on_response_prepare.append(tersely)
            app.router.add_get(PATH, links.accept)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            print(runner.addresses[0][1], flush=True)
            await asyncio.Event().wait()


class Relay:
    """Passes bytes on between two sides, and counts them."""

    def __init__(self, port: int) -> None:
        self.bytes = 0
        self._port = port

    async def start(self) -> int:
        """Listen; returns the port."""
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def stop(self) -> None:
        """Take nobody any more; whoever is linked stays so."""
        self._server.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._pass(reader, theirs[1]), self._pass(theirs[0], writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1 << 18):
                self.bytes += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()


class Side:
    """The receiving side, with a server process and a relay."""

    def __init__(self, folder: Path, ledger: Path, network: str) -> None:
        self.path = folder / "receiver.sqlite"
        self._ledger = ledger
        self._network = network

    async def measured(self, total: int, *, relay: bool) -> dict[str, float]:
        """Sync until so many entries are held, stored and synced."""
        server = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.benchmarks.gossip", "serve", str(self._ledger), self._network,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert server.stdout is not None
        port = int(await server.stdout.readline())
        counted = Relay(port)
        with Store(self.path, self._network) as store, Reader(self.path) as reader:
            before = sum(branch.size for branch in reader.branches())
            synced = Synced()
            links = links_of(self.path, store, "receiver", synced)
            async with links.open(), Links.client() as client:
                begun = time.perf_counter()
                task = asyncio.create_task(
                    links.meet(client, "127.0.0.1", await counted.start() if relay else port)
                )
                while sum(mark.number for _, mark in links.gossip.roster.items()) < total:
                    await asyncio.wait_for(synced.event.wait(), 120)
                    synced.event.clear()
                seconds = time.perf_counter() - begun
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        server.terminate()
        await server.wait()
        return {
            "entries": total - before,
            "seconds": seconds,
            "rate": (total - before) / seconds,
            "bytes": counted.bytes,
            "bytes_an_entry": counted.bytes / (total - before),
            "memory": peak(),
        }


def _measure(folder: Path, ledger: Path, network: str, total: int, *, relay: bool) -> dict[str, Any]:
    before = verifications()
    found = asyncio.run(Side(folder, ledger, network).measured(total, relay=relay))
    rate = statistics.mean((before, verifications()))
    return {**found, "verifications": rate, "ratio": found["rate"] / rate}


def _total(ledger: Path) -> int:
    with Reader(ledger) as reader:
        return sum(branch.size for branch in reader.branches())


def hold(folder: Path) -> None:
    """What the sending sides hold, and the receiving one of the long log before."""
    for ledger, names in (("server", ("partners", "main")), ("partners", ("partners",))):
        with Store(folder / f"{ledger}.sqlite", NETWORK) as store:
            for name in names:
                for _ in store.ingest_all(runs_in(folder / name)):
                    pass
    with Store(folder / "many.sqlite", NETWORK) as store:
        for _ in store.ingest_all(many_logs(LOGS, NETWORK)):
            pass


def long_log(folder: Path, *, relay: bool) -> dict[str, Any]:
    """One log of the pinned corpus, its partners' logs being there."""
    server, receiver = folder / "server.sqlite", folder / "receiver.sqlite"
    for old in folder.glob("receiver.sqlite*"):
        old.unlink()
    shutil.copy(folder / "partners.sqlite", receiver)
    return _measure(folder, server, NETWORK, _total(server), relay=relay)


def many(folder: Path, *, relay: bool) -> dict[str, Any]:
    """Many short logs, nothing being there."""
    server = folder / "many.sqlite"
    for old in folder.glob("receiver.sqlite*"):
        old.unlink()
    return _measure(folder, server, NETWORK, LOGS * ENTRIES_OF_LOG, relay=relay)


async def _catch_up(folder: Path) -> dict[str, float]:
    """Two sides hold the same many logs and one gains an entry: all bytes, and the time until it is stored.

    Once between nodes that remember nothing of each other, once between those that met before.
    """
    ledgers = [folder / "one.sqlite", folder / "other.sqlite"]
    runs = many_logs(LOGS, NETWORK)
    for ledger in ledgers:
        for old in folder.glob(f"{ledger.name}*"):
            old.unlink()
    with Store(ledgers[0], NETWORK) as one, Store(ledgers[1], NETWORK) as other:
        for store in (one, other):
            for _ in store.ingest_all(runs):
                pass
        here, there = links_of(ledgers[0], one, "one"), links_of(ledgers[1], other, "other")
        async with here.open(), there.open(), Links.client() as client:
            app = web.Application()
            app.on_response_prepare.append(tersely)
            app.router.add_get(PATH, there.accept)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            found: dict[str, float] = {}
            for number, what in enumerate(("fresh", "remembered")):
                run = next_entry(number, runs[number])
                other.ingest(run)
                there.wrote(LogKey(run.log))
                relay = Relay(runner.addresses[0][1])
                port = await relay.start()
                begun = time.perf_counter()
                task = asyncio.create_task(here.meet(client, "127.0.0.1", port))
                while here.gossip.roster.get(run.log) != there.gossip.roster.get(run.log):
                    await asyncio.sleep(0.0005)
                found[f"{what}_ms"] = (time.perf_counter() - begun) * 1000
                await asyncio.sleep(0.3)  # what both say about it afterwards
                found[f"{what}_bytes"] = relay.bytes
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await asyncio.sleep(0.1)
            await runner.cleanup()
    return found


def next_entry(number: int, before: Run) -> Run:
    """An entry more of about 300 bytes of the log that a run opened."""
    key = SigningKey(sha256(b"commune %d" % number).digest())
    state = extend(LogState(before.log), before, NETWORK).state
    offer = Offer(
        at=5_000, category="food-grain", note=f"{_DETAIL} {_DETAIL}", title="Lo que llegó ayer de más"
    )
    run, _ = sign_run(state, [to_payload(offer)], key, NETWORK)
    return run


def main(arguments: Sequence[str]) -> None:
    """Do what the arguments say."""
    what, folder = arguments[0], Path(arguments[1])
    if what == "serve":
        asyncio.run(_serve(folder, arguments[2]))
        return
    if what == "catch-up":
        print(json.dumps(asyncio.run(_catch_up(folder))))
        return
    if what == "hold":
        hold(folder)
        return
    if not (folder / "many.sqlite").exists():
        # In a process of its own: the peak of this one is to be the receiver's.
        subprocess.run([sys.executable, "-m", "tests.benchmarks.gossip", "hold", str(folder)], check=True)
    work = {"long": long_log, "many": many}[what]
    # Once without the relay, for the time, and once with it, for the bytes.
    found = work(folder, relay=False)
    counted = work(folder, relay=True)
    print(json.dumps({**found, "bytes": counted["bytes"], "bytes_an_entry": counted["bytes_an_entry"]}))


if __name__ == "__main__":
    main(sys.argv[1:])
