"""A program that announces a node and prints, a line of JSON each, what it finds; for hosts of a test.

    python -m tests.support.finder SEED [NETWORK]

SEED is a number from 0 to 255, the byte that its log's key consists of. SIGUSR1
makes it ask who is there, SIGTERM ends it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from dataclasses import asdict

from node.discovery import Discovery, Event


def _show(kind: str, **fields: object) -> None:
    print(json.dumps({"event": kind} | fields), flush=True)


def _tell(event: Event) -> None:
    hint = asdict(event.hint)
    _show(type(event).__name__, **(hint | {"log": hint["log"].hex()}))


async def _run(seed: int, network: str) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    discovery = Discovery(
        log=bytes([seed]) * 32, network=network, name=f"Comuna {seed}", port=7000 + seed, tell=_tell
    )
    loop.add_signal_handler(signal.SIGUSR1, discovery.ask_again)
    async with discovery:
        _show("started")
        await over.wait()
    _show("stopped")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    asyncio.run(_run(int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "comunas"))
