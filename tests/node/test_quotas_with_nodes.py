"""Quotas of running nodes over loopback: what `status` and `peers` say of them, and what people then do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from ledger.store.reading import Reader

from ..support.hosts import eventually
from ..support.nodes import NodeProcess
from .conftest import Found, Secretary


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def logs(who: Secretary) -> int:
    with Reader(who.home / "ledger.sqlite") as reader:
        return len({branch.log for branch in reader.branches()})


def test_what_one_commune_introduces_beyond_its_share_is_told_and_comes_once_it_is_recognised(
    found: Found, montes: Secretary, running: ExitStack
) -> None:
    hub, others = found("El Valle"), [found("La Sal"), found("La Costa")]
    hub.tell(montes)
    for other in others:
        other.tell(hub)
        hub.run("recognise", other.name)
    (montes.home / "config.toml").write_text("introduced-logs = 1\n")
    told = montes.run("recognise", "El Valle").stdout
    assert "1 logs and 256 MB" in told
    first = running.enter_context(NodeProcess(hub.home))
    address = f"127.0.0.1:{first.told['peer_port']}"
    running.enter_context(NodeProcess(montes.home, "--peer", address))
    eventually(lambda: logs(montes) == 3, "one of the two comes")
    eventually(lambda: "Held back" in montes.run("status").stdout, "the other one is told")
    facts = montes.json("status")["parts"]["gossip"]["facts"]
    (back,) = facts["held_back"]
    assert back["quota"] == "share"
    assert back["name"] in {"La Sal", "La Costa"}
    assert back["name"] in montes.run("status").stdout
    assert "trueque recognise" in montes.run("status").stdout
    assert [one["logs"] for one in facts["introduced"]] == [1]
    shown = montes.run("peers").stdout
    assert "El Valle introduces 1 of 1 logs" in shown
    assert "Logs held back by their quotas: 1" in shown
    assert "No se recibe más" in montes.run("status", speaks="es").stdout
    montes.run("recognise", back["commune"])
    eventually(lambda: logs(montes) == 4, "it comes")
    assert montes.json("status")["parts"]["gossip"]["facts"]["held_back"] == []


def test_logs_that_nobody_has_asked_for_are_counted(
    found: Found, montes: Secretary, running: ExitStack
) -> None:
    stranger = found("La Lejana")
    first = running.enter_context(NodeProcess(stranger.home))
    address = f"127.0.0.1:{first.told['peer_port']}"
    running.enter_context(NodeProcess(montes.home, "--peer", address))

    def unknown() -> int:
        parts = montes.json("status")["parts"]
        return int(parts["gossip"]["facts"].get("unknown", {}).get("logs", 0)) if "gossip" in parts else 0

    eventually(lambda: unknown() == 1, "the stranger's log is known to be there")
    assert "nobody here has asked for: 1" in montes.run("peers").stdout
    assert "nobody here has asked for them: 1" in montes.run("status").stdout
    assert logs(montes) == 1
