"""The password of the pages for the local network, set by the command."""

from __future__ import annotations

import json

import pytest

from node.access import read_access
from node.entrance import _is_right
from node.home import Home

from .conftest import Secretary


def test_it_is_kept_so_that_it_can_be_checked_and_not_read(montes: Secretary) -> None:
    file = montes.home.with_name("password")
    file.write_text("una clave larga\nsecond line")
    assert montes.json("password", "--password-file", str(file)) == {"password": True, "lan": False}
    access = read_access(Home(montes.home))
    assert access.password is not None
    assert access.password.startswith("$argon2id$v=19$m=65536,t=2,")
    assert _is_right(access.password, "una clave larga")
    assert not any(_is_right(access.password, wrong) for wrong in ("una clave larga\n", "", "x", "x" * 500))
    assert "clave" not in (montes.home / "access.json").read_text()


def test_it_is_removed(montes: Secretary) -> None:
    file = montes.home.with_name("password")
    file.write_text("una clave larga")
    montes.run("password", "--password-file", str(file))
    access = json.loads((montes.home / "access.json").read_text())
    (montes.home / "access.json").write_text(json.dumps({**access, "lan": True, "sessions": {"ab": 1}}))
    assert "nobody is let in" in montes.run("password", "--remove").stdout
    assert json.loads((montes.home / "access.json").read_text()) == {
        "lan": False,
        "password": None,
        "sessions": {},
    }


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "run this in a terminal, or give --password-file"),
        (("--password-file", "{short}"), "at least 10 characters are needed, and it has 5"),
        (("--password-file", "{short}", "--remove"), "Give either --password-file or --remove"),
    ],
)
def test_what_is_no_password_is_refused(montes: Secretary, arguments: tuple[str, ...], told: str) -> None:
    short = montes.home.with_name("short")
    short.write_text("corta\n")
    assert told in montes.refused("password", *(each.format(short=short) for each in arguments))
    assert not (montes.home / "access.json").exists()


def test_without_a_commune_there_is_nothing_to_guard(montes: Secretary) -> None:
    nowhere = Secretary("Nada", montes.home.with_name("nada"))
    assert "There is no commune" in nowhere.refused("password", "--remove")
