"""Founding a commune: the words are on paper, or in a file, before anything is founded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ledger.signing import SigningKey
from ledger.store.reading import Reader
from node import keys
from node.cli import trueque

from .conftest import Found, Secretary

SEED = bytes(range(32))


@pytest.fixture
def recovery(monkeypatch: pytest.MonkeyPatch) -> SigningKey:
    """A recovery key that the test knows; the log's key, asked for after it, is another."""
    made = [SigningKey(SEED), SigningKey(bytes(32))]
    monkeypatch.setattr("node.cli.founding.is_interactive", lambda: True)
    monkeypatch.setattr(keys, "new_key", lambda: made.pop(0))
    return SigningKey(SEED)


def init(home: Path, *options: str, typed: str | None = None, speaks: str = "en") -> Result:
    arguments = ["--language", speaks, "init", "--home", str(home), "--name", "Los Montes", *options]
    return CliRunner().invoke(trueque, arguments, input=typed)


def authority_of(home: Path) -> tuple[bytes, ...]:
    with Reader(home / "ledger.sqlite") as reader:
        (row,) = reader.communes()
        in_force = reader.formed(row.id).chain.in_force
    assert in_force is not None
    return in_force.authority.keys


# At a terminal ----------------------------------------------------------------------------------


def test_the_words_are_shown_typed_back_and_only_then_is_the_commune_founded(
    places: Path, recovery: SigningKey
) -> None:
    words = keys.words_of(recovery, "en")
    result = init(places / "montes", typed=f"\n{words}\n")
    assert result.exit_code == 0
    numbered = [f"{number:>2}. {word}" for number, word in enumerate(words.split(), 1)]
    assert all(each in result.stderr for each in numbered)
    assert "Write them on paper" in result.stderr
    assert words.split()[3] not in result.stdout
    assert authority_of(places / "montes") == (recovery.public_key,)


def test_the_words_are_those_of_the_language_that_is_spoken(places: Path, recovery: SigningKey) -> None:
    words = keys.words_of(recovery, "es")
    plain = words.translate(str.maketrans("áéíóúüñ", "aeiouun"))
    assert plain != words
    result = init(places / "montes", typed=f"\n{plain.upper()}\n", speaks="es")
    assert result.exit_code == 0
    assert "Anótelas en papel" in result.stderr
    assert authority_of(places / "montes") == (recovery.public_key,)


def test_the_words_may_be_typed_over_several_lines(places: Path, recovery: SigningKey) -> None:
    words = keys.words_of(recovery, "en").split()
    typed = "\n".join(" ".join(words[start : start + 5]) for start in range(0, 24, 5))
    assert init(places / "montes", typed=f"\n{typed}\n").exit_code == 0


def test_a_wrong_word_is_told_and_asked_again_and_the_words_are_never_lost(
    places: Path, recovery: SigningKey
) -> None:
    words = keys.words_of(recovery, "en").split()
    wrong = ["xyzzy", *words[1:]]
    swapped = [words[1], words[0], *words[2:]]
    another = keys.words_of(SigningKey(bytes(reversed(SEED))), "en")
    tries = ["", " ".join(wrong), " ".join(swapped), another, "", "", " ".join(words)]
    result = init(places / "montes", typed="\n".join(tries) + "\n")
    assert result.exit_code == 0
    assert "xyzzy" in result.stderr
    assert "a word is wrong, or their order is" in result.stderr
    assert "the recovery words of another commune" in result.stderr
    # Enter alone showed them once more.
    assert result.stderr.count(f" 1. {words[0]}") == 2
    assert authority_of(places / "montes") == (recovery.public_key,)


def test_whoever_stops_before_typing_the_words_has_founded_nothing(
    places: Path, recovery: SigningKey
) -> None:
    result = init(places / "montes", typed="\nonly three words\n")
    assert result.exit_code == 2
    assert "An answer is missing" in result.stderr
    assert not (places / "montes" / "ledger.sqlite").exists()
    assert not (places / "montes" / "log.key").exists()


def test_words_that_cannot_be_typed_back_are_not_shown(places: Path) -> None:
    result = init(places / "montes", typed="")
    assert result.exit_code == 2
    assert "run this in a terminal, or give --yes" in result.stderr
    assert "recovery words of your commune" not in result.stderr
    assert not (places / "montes" / "log.key").exists()


def test_the_name_is_asked_for(places: Path, recovery: SigningKey) -> None:
    typed = f"El Cerro\n\n{keys.words_of(recovery, 'en')}\n"
    result = CliRunner().invoke(trueque, ["init", "--home", str(places / "cerro")], input=typed)
    assert result.exit_code == 0
    assert "El Cerro is founded" in result.stdout


def test_json_is_all_that_is_printed(places: Path, recovery: SigningKey) -> None:
    secretary = Secretary("Los Montes", places / "montes")
    result = init(secretary.home, "--json", typed=f"\n{keys.words_of(recovery, 'en')}\n")
    assert result.stdout.strip() == f'{{\n  "id": "{secretary.commune}"\n}}'


# For scripts ------------------------------------------------------------------------------------


def test_a_script_gets_the_words_in_a_file_of_its_own(places: Path) -> None:
    words = places / "words"
    assert init(places / "montes", "--yes", "--recovery-out", str(words)).exit_code == 0
    assert words.stat().st_mode & 0o777 == 0o600
    assert authority_of(places / "montes") == (keys.key_of_words(words.read_text()).public_key,)


def test_the_file_is_never_one_that_exists(places: Path) -> None:
    words = places / "words"
    words.write_text("the words of another commune")
    result = init(places / "montes", "--yes", "--recovery-out", str(words))
    assert result.exit_code == 2
    assert "is not overwritten: name a new file" in result.stderr
    assert words.read_text() == "the words of another commune"
    assert not (places / "montes" / "ledger.sqlite").exists()


def test_a_file_that_cannot_be_made_founds_nothing(places: Path) -> None:
    result = init(places / "montes", "--yes", "--recovery-out", str(places / "missing" / "words"))
    assert result.exit_code == 2
    assert "No such file or directory" in result.stderr
    assert not (places / "montes" / "ledger.sqlite").exists()


@pytest.mark.parametrize("options", [["--yes"], ["--recovery-out", "words"]])
def test_yes_and_the_file_go_together(places: Path, options: list[str]) -> None:
    result = init(places / "montes", *options)
    assert result.exit_code == 2
    assert "together, or neither" in result.stderr


# What is refused --------------------------------------------------------------------------------


def test_a_home_with_a_commune_is_never_founded_again(montes: Secretary, places: Path) -> None:
    before = (montes.home / "log.key").read_bytes()
    words = places / "more"
    result = init(montes.home, "--yes", "--recovery-out", str(words))
    assert result.exit_code == 2
    assert "There is a commune in" in result.stderr
    assert not words.exists()
    assert (montes.home / "log.key").read_bytes() == before


def test_a_founding_that_was_cut_short_can_be_done_again(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key and an empty ledger are left where the disk was full; nothing was signed with it."""
    from ledger.errors import StoreError
    from ledger.store.writing import Store

    def fail(*_: Any) -> Any:
        raise StoreError("The disk is full: free some space.")

    home = places / "montes"
    with monkeypatch.context() as patched:
        patched.setattr(Store, "append", fail)
        first = init(home, "--yes", "--recovery-out", str(places / "first"))
    assert (first.exit_code, first.stderr.strip()) == (2, "The disk is full: free some space.")
    second = init(home, "--yes", "--recovery-out", str(places / "second"))
    assert second.exit_code == 0
    assert authority_of(home) == (keys.key_of_words((places / "second").read_text()).public_key,)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--network", "No Such Net!"], "use 1 to 32 of a to z, 0 to 9 and '-'"),
        (["--network", ""], "'' cannot name a network"),
        (["--place", "x" * 121], "The field 'place' is too long: shorten it to 120."),
        (["--about", "x" * 2001], "The field 'about' is too long: shorten it to 2000."),
        (["--place", "a\u202eb"], "A text cannot be recorded"),
    ],
)
def test_what_no_charter_can_hold_is_refused_before_anything_is_made(
    places: Path, options: list[str], sentence: str
) -> None:
    words = places / "words"
    result = init(places / "montes", "--yes", "--recovery-out", str(words), *options)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert not words.exists()
    assert not (places / "montes" / "ledger.sqlite").exists()


def test_a_home_below_a_file_is_told_as_such(places: Path) -> None:
    (places / "file").write_text("")
    result = init(places / "file" / "home", "--yes", "--recovery-out", str(places / "words"))
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


# What it makes ----------------------------------------------------------------------------------


def test_the_charter_says_what_was_given(found: Found) -> None:
    montes = found(
        "Los Montes", "--place", "Mérida", "--about", "Café y papa", "--within", "Ciudad Comunal Los Andes"
    )
    (row,) = montes.json("communes")
    assert (row["name"], row["place"], row["about"], row["kind"]) == (
        "Los Montes", "Mérida", "Café y papa", "own"
    )  # fmt: skip
    (whole,) = montes.json("communes", "Los Montes")
    assert (whole["network"], whole["within"]) == ("ensayo", "Ciudad Comunal Los Andes")


def test_only_the_owner_can_read_the_home(montes: Secretary) -> None:
    assert montes.home.stat().st_mode & 0o777 == 0o700
    assert (montes.home / "log.key").stat().st_mode & 0o777 == 0o600
