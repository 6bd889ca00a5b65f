"""Settings: what a file may say, what is said of one that cannot be read, and that all is documented."""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import language
from node.addresses import PEER_PORT, Address
from node.errors import SettingsError
from node.settings import EXPECTED, PEOPLE_PORT, Settings, read_settings
from protocol.addresses import Place

from ..support.shared import CHECKOUT

PAGE = (CHECKOUT / "docs" / "reference" / "settings.md").read_text()
NAMES = [field.encode_name for field in msgspec.structs.fields(Settings)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_the_defaults_hold(file: Path) -> None:
    assert read_settings(file) == Settings()
    assert (Settings().people_port, Settings().peer_port) == (PEOPLE_PORT, PEER_PORT)


def test_the_example_of_the_page_can_be_read(file: Path) -> None:
    example = re.search(r"\n\n((?:    .*\n)+)", PAGE)
    assert example is not None
    file.write_text(re.sub(r"^    ", "", example[1], flags=re.MULTILINE))
    settings = read_settings(file)
    assert settings.discovery is False
    assert settings.addresses == (Address("montes.example", 8784), Address("2001:db8::5", 8784))


def test_whom_the_operator_follows_is_named_by_whole_ids(file: Path) -> None:
    file.write_text(f'follow = ["{"ab" * 32}", "{"CD" * 32}"]')
    assert read_settings(file).chosen == {b"\xab" * 32, b"\xcd" * 32}
    file.write_text('follow = ["ab12"]')
    with pytest.raises(SettingsError, match="line 1 behind follow than a list of whole ids"):
        read_settings(file)


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |"))
    default = getattr(Settings(), name.replace("-", "_"))
    told = msgspec.json.encode(default).decode()
    assert row.split("|")[3].strip() == f"`{told}`"


def test_what_may_stand_behind_every_setting_is_told() -> None:
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("people-port = 1\npeer-port = '2'", "line 2 behind peer-port than a number from 0 to 65535"),
        ("people-port = 65536", "line 1 behind people-port than a number"),
        ("people-port = true", "line 1 behind people-port than a number"),
        ("\n\ndiscovery = 1", "line 3 behind discovery than true or false"),
        ("peers = 'montes.example:1'", "behind peers than a list of addresses"),
        ("peers = ['montes example']", "behind peers than a list of addresses"),
        ("public-addresses = ['montes']", "behind public-addresses than a list of at most four"),
        ("public-addresses = ['montes:8784']", "behind public-addresses than a list"),
        ("public-addresses = ['montes.example:22']", "behind public-addresses than a list"),
        (f"public-addresses = {['a.example:8784'] * 5}", "behind public-addresses than a list"),
        ("hosts = ['a b']", "behind hosts than a list of names"),
        ("log-level = 'loud'", 'behind log-level than "debug", "info", "warning" or "error"'),
        ("people_port = 1", "line 1 'people_port', which is no setting: is people-port meant?"),
        ("[people]\nport = 1", "line 1 'people', which is no setting"),
        ("x = 1\ny = 2", "line 1 'x', which is no setting: take it out"),
        ("people-port = 1\npeople-port", "line 2: a setting is written as in people-port = 8783"),
        ("people-port = 1\npeople-port = 2", "line 2: a setting is written"),
        ("people-port = ", "line 1: a setting is written"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_line(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(SettingsError) as refused:
        read_settings(file)
    assert told in language.told(refused.value)
    assert str(file) in str(refused.value)


def test_public_addresses_are_told_in_their_one_spelling(file: Path) -> None:
    file.write_text(
        'public-addresses = ["Montes.Example:8784", "[2001:DB8::0:5]:443", "montes.example:8784"]'
    )
    assert read_settings(file).places == (Place("montes.example", 8784), Place("2001:db8::5", 443))


def test_files_that_are_no_settings_are_refused(file: Path) -> None:
    for data in (b"\xff", b"#" * 100_000, b"a = [" * 5_000):
        file.write_bytes(data)
        with pytest.raises(SettingsError):
            read_settings(file)
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match="Is a directory"):
        read_settings(file)


@given(st.binary(max_size=300))
def test_junk_raises_the_declared_error_alone(data: bytes) -> None:
    with tempfile.NamedTemporaryFile() as made:
        made.write(data)
        made.flush()
        with suppress(SettingsError):
            read_settings(Path(made.name))
