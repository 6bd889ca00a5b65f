"""A whole story, told with and without running nodes: what every command prints is the same."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from node.cli import trueque

from ..support.communes import key_of
from ..support.nodes import NodeProcess
from .conftest import Found, Secretary

BEGINNING = 1_795_000_000_000
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d|\b1[78]\d{11}\b")


class Teller:
    """Runs commands in homes and keeps what they print, apart from where it was and the time of day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = BEGINNING
        self.told: list[tuple[str, int, str, str]] = []

    def run(self, who: Secretary, *arguments: str, speaks: str = "en") -> str:
        """Run a command; returns what it printed."""
        given = ["--language", speaks, *arguments, "--home", str(who.home)]
        self.now += 1_000
        result = CliRunner().invoke(trueque, given)
        self.told.append(
            (
                self.plain(" ".join(given)),
                result.exit_code,
                self.plain(result.stdout),
                self.plain(result.stderr),
            )
        )
        return result.stdout

    def sign(self, who: Secretary, *arguments: str) -> str:
        """Run a command that signs; returns the id of what it recorded."""
        printed = self.run(who, *arguments, "--json")
        entry: str = json.loads(printed)["id"]
        return entry

    def plain(self, text: str) -> str:
        """The text without what differs from one telling to the next."""
        return TIME.sub("TIME", text.replace(str(self.folder), "FOLDER"))


def tell_story(teller: Teller, montes: Secretary, valle: Secretary) -> None:
    """Everything that writes, and that is refused, in both homes."""
    folder, run, sign = teller.folder, teller.run, teller.sign
    from_montes, from_valle = str(folder / "montes.trueque"), str(folder / "valle.trueque")

    def carry(*options: str) -> None:
        run(montes, "export", "--bundle", from_montes)
        run(valle, "import", from_montes, *options)
        run(valle, "export", "--bundle", from_valle)
        run(montes, "import", from_valle, *options, speaks="es")

    maize = sign(montes, "offer", "Maíz", "--category", "food-grain", "--quantity", "100", "--unit", "kg")
    run(montes, "need", "Clavos", "--place", "La bodega", "--by", "secretaria")
    lost = sign(montes, "offer", "Algo")
    run(montes, "withdraw", lost, "--reason", "Se acabó", "--yes")
    run(montes, "withdraw", lost, speaks="es")
    run(montes, "withdraw", "ffff")
    run(montes, "correct", lost, "--note", "Era otra cosa")
    run(montes, "profile", "--place", "Mérida", "--json")
    run(montes, "recognise", "El Valle")
    carry("--all", "--json")
    carry("--all")
    run(montes, "recognise", "El Valle", "--json")
    run(montes, "recognise", "El Valle", speaks="es")
    run(montes, "unrecognise", "Los Montes")

    exchange = sign(valle, "propose", "--to", "Los Montes", "--listing", maize, "--give", "Clavos;20;kg")
    run(valle, "accept", exchange)
    run(valle, "deliver", exchange)
    carry("--all")
    run(montes, "accept", exchange[:12], "--note", "Con gusto")
    run(montes, "accept", exchange)
    run(montes, "deliver", exchange, "--quantity", "90")
    carry()
    run(valle, "receive", exchange, "--quantity", "90", "--condition", "short")
    dispute = sign(valle, "dispute", exchange, "--note", "Faltan diez")
    carry()
    run(montes, "settle", dispute, "--outcome", "due")
    run(montes, "cancel", exchange)
    run(montes, "receive", exchange)
    carry()
    for who in (montes, valle):
        for command in ("listings", "exchanges", "communes", "log", "audit", "authority"):
            run(who, command)
            run(who, command, "--json")
    run(montes, "exchanges", exchange, speaks="es")

    run(montes, "erase", lost, "--reason", "Por error", "--yes")
    run(montes, "erase", lost, "--reason", "Por error", speaks="es")
    run(montes, "erase", maize, "--reason", "Otra", "--json")
    run(montes, "rebuild")
    run(montes, "rebuild", "--json")
    run(montes, "log")

    whole = (folder / "montes.trueque").read_bytes()
    (folder / "short.trueque").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "junk.trueque").write_bytes(b"junk" * 100)
    (folder / "bent.trueque").write_bytes(whole[:-200] + bytes(200))
    for name in ("short", "junk", "bent", "none"):
        run(valle, "import", str(folder / f"{name}.trueque"))
        run(valle, "import", str(folder / f"{name}.trueque"), "--all", "--json", speaks="es")

    password, backup = folder / "password", str(folder / "montes.backup")
    password.write_text("una contraseña larga\n")
    run(montes, "backup", backup, "--password-file", str(password))
    words = str(folder / "los-montes.words")
    run(montes, "restore", backup, "--password-file", str(password), "--words", words)
    run(montes, "init", "--name", "Otra", "--yes", "--recovery-out", str(folder / "otra.words"))
    run(montes, "restore", "--signed", str(folder / "none.json"))
    change_authority(teller, montes, valle, words)
    run(montes, "status", "--json")


def change_authority(teller: Teller, montes: Secretary, valle: Secretary, words: str) -> None:
    """From the recovery words to two keys, and back to one."""
    folder, run = teller.folder, teller.run
    keys = []
    for name in ("one", "two"):
        out = str(folder / f"{name}.words")
        keys.append(json.loads(run(montes, "authority", "key", "--out", out, "--json"))["key"])
    both = ("--key", keys[0], "--key", keys[1], "--threshold", "2")
    request, signed = str(folder / "request.json"), str(folder / "signed.json")
    run(montes, "authority", "replace", *both, "--words", words, "--json")
    run(montes, "authority", "replace", *both, "--words", words)
    one = ("--words", str(folder / "one.words"))
    run(montes, "authority", "replace", "--key", keys[0], "--threshold", "1", *one, "--out", request)
    run(montes, "authority", "record", request, "--yes", speaks="es")
    run(valle, "authority", "sign", request, "--words", str(folder / "two.words"), "--out", signed, "--yes")
    run(valle, "authority", "record", signed, "--yes")
    run(montes, "authority", "record", signed, "--yes")
    run(montes, "authority", "record", signed, "--yes")
    run(montes, "authority")


@pytest.mark.timeout(180)
def test_a_whole_story_reads_the_same_with_and_without_nodes(
    found: Found, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TRUEQUE_DEBUG")
    tellings = []
    for with_nodes in (False, True):
        # The same keys and the same times make the same ids; the nodes themselves have the real clock.
        numbers = count()
        monkeypatch.setattr("node.keys.new_key", lambda numbers=numbers: key_of(f"key {next(numbers)}"))
        folder = places / ("with" if with_nodes else "without")
        folder.mkdir()
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        teller = Teller(folder)
        monkeypatch.setattr("node.clock.now", lambda teller=teller: teller.now)
        with ExitStack() as running:
            homes = []
            for name in ("Los Montes", "El Valle"):
                secretary = found(name, folder=folder)
                homes.append(secretary)
                if with_nodes:
                    assert running.enter_context(NodeProcess(secretary.home)).started
            tell_story(teller, homes[0], homes[1])
        tellings.append(teller.told)
    alone, served = tellings
    assert '"process": null' not in served.pop()[2]
    assert '"process": null' in alone.pop()[2]
    assert [each[1] for each in alone].count(2) > 10
    for one, other in zip(served, alone, strict=True):
        assert one == other
