"""Bundles and backups that a running node writes: one at a time, and nothing left of them."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from node.copies import Copies
from node.custody import Custody
from node.errors import ExportFailed, InputError
from node.home import Home
from node.service import Service

from .conftest import Secretary


def left(secretary: Secretary) -> list[Path]:
    """What stands in a home that copies are written in."""
    return list(secretary.home.glob(".copy-*"))


def test_one_copy_is_written_at_a_time_whoever_asks(montes: Secretary) -> None:
    async def story() -> None:
        custody = await Custody.open(Home(montes.home), lambda what, seconds: None)
        copies, begun, go_on = Copies(), threading.Event(), threading.Event()

        def slow(service: Service, path: Path) -> None:
            path.write_bytes(service.log)
            begun.set()
            assert go_on.wait(30)

        def quick(service: Service, path: Path) -> None:
            path.write_bytes(b"quick")

        def refused(service: Service, path: Path) -> None:
            path.write_bytes(b"half")
            raise InputError("No.")

        try:
            first = asyncio.create_task(copies.write(custody, slow))
            await asyncio.to_thread(begun.wait, 30)
            with pytest.raises(ExportFailed, match="Another bundle or backup is being written"):
                await copies.write(custody, quick)
            go_on.set()
            with await first as file:
                assert file.read() == custody.log
            (montes.home / ".copy-of-a-node-that-was-killed").mkdir()
            with await copies.write(custody, quick) as file:
                assert file.read() == b"quick"
                assert not left(montes)
            with pytest.raises(InputError):
                await copies.write(custody, refused)
            assert not left(montes)
        finally:
            go_on.set()
            await custody.close()

    asyncio.run(story())


def test_a_home_in_which_nothing_can_be_written_is_told(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        custody = await Custody.open(Home(montes.home), lambda what, seconds: None)

        def full(**_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("tempfile.TemporaryDirectory", full)
        try:
            with pytest.raises(ExportFailed, match="No space left on device"):
                await Copies().write(custody, lambda service, path: None)
        finally:
            await custody.close()

    asyncio.run(story())
