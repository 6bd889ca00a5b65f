"""Names of people's own for other communes: kept, never for two, and for nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ledger.store.reading import Reader
from node.errors import HomeError
from node.home import Home
from node.petnames import OwnNames, pet_names_at, read_pet_names

from .conftest import Found, Secretary


def test_a_commune_is_called_by_a_name_of_ones_own_until_that_is_removed(
    montes: Secretary, valle: Secretary
) -> None:
    maize = valle.sign("offer", "Maize")
    valle.tell(montes)
    named = montes.json("name", "El Valle", "  Los  de arriba ")
    assert named == {"id": valle.commune, "name": "El Valle", "called": "Los  de arriba", "alike": []}
    assert "Los  de arriba (El Valle)" in montes.run("communes").stdout
    assert "Los  de arriba" in montes.run("communes", "los  DE arriba").stdout
    (row,) = montes.json("listings", "--commune", "Los  de arriba")
    assert (row["id"], row["commune_name"]) == (maize, "El Valle"), "programs read what counts"
    assert "El Valle" not in montes.run("listings").stdout
    (other,) = (row for row in montes.json("communes") if row["id"] == valle.commune)
    assert (other["name"], other["called"]) == ("El Valle", "Los  de arriba")
    assert "is called" in montes.run("name", "El Valle").stdout
    assert "arriba" not in montes.run("export", "--format", "jsonl", "--all").stdout
    assert montes.json("name", valle.commune, "--remove")["called"] is None
    assert "arriba" not in montes.run("communes").stdout
    assert "No commune called" in montes.refused("name", "Los  de arriba")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\u202eb", "x" * 61, "\u200b"])
def test_what_can_be_no_name_is_refused(montes: Secretary, valle: Secretary, name: str) -> None:
    assert montes.refused("name", "El Valle", name).endswith(".")
    assert read_pet_names(Home(montes.home)) == {}


def test_two_communes_are_never_called_the_same(montes: Secretary, valle: Secretary, found: Found) -> None:
    cerro = found("El Cerro")
    cerro.tell(montes)
    montes.json("name", "El Valle", "Vecinos")
    assert "is what you call El Valle already" in montes.refused("name", "El Cerro", "VEC1NOS")
    assert montes.json("name", "El Valle", "Vecinos ")["called"] == "Vecinos"
    assert "That is your own commune" in montes.refused("name", "Los Montes", "Nosotros")
    said = montes.run("name", "El Valle", "el cerro")
    assert "Another commune calls itself 'el cerro'" in said.stderr
    assert montes.json("name", "El Valle")["alike"] == [cerro.commune]
    assert "give the id of the one you mean" in montes.refused("listings", "--commune", "El Cerro")
    with Reader(montes.home / "ledger.sqlite") as reader:
        names = OwnNames(reader)
        assert names[bytes.fromhex(valle.commune)] == "el cerro"
        other = names[bytes.fromhex(cerro.commune)]
        assert other.startswith("El Cerro ("), "its words tell it apart"


def test_names_outlive_the_computer_in_a_backup(montes: Secretary, valle: Secretary, places: Path) -> None:
    montes.json("name", "El Valle", "Vecinos")
    password = places / "password"
    password.write_text("con el maíz no se juega\n")
    file, words = places / "montes.backup", places / "los-montes.words"
    montes.run("backup", str(file), "--password-file", str(password))
    back = Secretary("Los Montes", places / "back")
    back.run("restore", str(file), "--password-file", str(password), "--words", str(words))
    assert back.json("name", valle.commune)["called"] == "Vecinos"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"names": {"ab": "x"}}', '{"names": {"%s": ""}}' % ("ab" * 32), "\ud800", "[" * 9_999]
)
def test_a_file_that_cannot_be_read_is_left_alone_and_shows_no_names(
    montes: Secretary, valle: Secretary, text: str
) -> None:
    file = montes.home / "names.json"
    file.write_text(text, errors="surrogatepass")
    with pytest.raises(HomeError, match="mend it"):
        read_pet_names(Home(montes.home))
    with Reader(montes.home / "ledger.sqlite") as reader:
        assert pet_names_at(reader) == {}
    assert "El Valle" in montes.run("communes").stdout
    assert "mend it" in montes.refused("name", "El Valle", "Vecinos")
    assert file.read_text(errors="surrogatepass") == text


def test_the_file_is_for_people_to_read(montes: Secretary, valle: Secretary) -> None:
    montes.json("name", "El Valle", "Los de Ñuro")
    file = montes.home / "names.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == {"names": {valle.commune: "Los de Ñuro"}}
    assert "Los de Ñuro" in file.read_text()
