"""The group of all commands: help, languages, what is imported when, and how anything that fails ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ledger.errors import NotFound
from node.cli import COMMANDS, group, trueque
from node.cli.group import Group, Row
from node.cli.spoken import Command

from ..support.shared import CHECKOUT
from .conftest import Secretary


def run(*arguments: str, env: dict[str, str | None] | None = None) -> Result:
    return CliRunner(env=env).invoke(trueque, list(arguments))


def failing(error: BaseException) -> Group:
    """A group with one command, which fails."""

    def fail() -> None:
        raise error

    class Failing(Group):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return Command("fail", callback=fail) if cmd_name == "fail" else None

    return Failing([Row("fail", "nowhere:nothing", "Commune", "Fail.")])


# Help -------------------------------------------------------------------------------------------


def test_help_shows_every_command_with_what_it_does() -> None:
    shown = " ".join(run("--help").stdout.split())
    for row in COMMANDS:
        assert f"{row.name} {' '.join(row.short.split())}" in shown


def test_the_version_is_told_to_whoever_reports_a_fault() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"trueque {version('trueque')}\n")
    assert "--version" in run("--help").stdout


def test_without_arguments_help_is_shown_and_nothing_is_wrong_but_that() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Usage: trueque" in result.output


@pytest.mark.parametrize("row", COMMANDS, ids=[row.name for row in COMMANDS])
def test_the_short_help_of_a_command_is_the_beginning_of_its_help(row: Row) -> None:
    """Short help is kept apart so that nothing is imported for it."""
    command = trueque.get_command(click.Context(trueque), row.name)
    assert command is not None
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == row.short


@pytest.mark.parametrize("row", COMMANDS, ids=[row.name for row in COMMANDS])
def test_every_command_takes_home_and_json_and_says_what_its_options_are(row: Row) -> None:
    command = trueque.get_command(click.Context(trueque), row.name)
    assert command is not None
    leaves = [command]
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        leaves = [found for name in command.list_commands(ctx) if (found := command.get_command(ctx, name))]
    for leaf in leaves:
        names = {name for parameter in leaf.params for name in parameter.opts}
        assert {"--home", "--json", "--help"} <= names
        assert all(getattr(parameter, "help", None) for parameter in leaf.params)


def test_help_imports_nothing_that_takes_long() -> None:
    """A secretary's computer is old; sqlite-utils and rich alone would double the time that help takes."""
    script = (
        "import sys\n"
        "from node.cli import trueque\n"
        "trueque.main(['--help'], standalone_mode=False)\n"
        "heavy = {'sqlite3', 'sqlite_utils', 'rich', 'nacl', 'msgspec', 'mnemonic', 'ledger.records'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_listing_does_without_what_only_writing_needs(montes: Secretary) -> None:
    script = (
        "import sys\n"
        "from node.cli import trueque\n"
        f"trueque.main(['listings', '--home', {str(montes.home)!r}], standalone_mode=False)\n"
        "heavy = {'sqlite_utils', 'mnemonic', 'ledger.store.writing', 'asyncio'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=CHECKOUT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "spanish"),
    [
        ({"LANG": "es_VE.UTF-8"}, True),
        ({"LANG": "es_VE.UTF-8", "LC_ALL": "C.UTF-8"}, False),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "es_CO.UTF-8"}, True),
        ({"LANG": "C.UTF-8", "LC_MESSAGES": "es"}, True),
        ({"LANG": "pt_BR.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_system_says_which_language_is_spoken(variables: dict[str, str], spanish: bool) -> None:
    env: dict[str, str | None] = {"LANG": None, "LC_ALL": None, "LC_MESSAGES": None, **variables}
    assert ("Uso: trueque" in run("--help", env=env).stdout) is spanish


@pytest.mark.parametrize("form", [("--language", "es"), ("--language=es",)])
def test_an_option_says_it_louder(form: tuple[str, ...]) -> None:
    assert "Uso: trueque" in run(*form, "--help", env={"LANG": "en_US.UTF-8"}).stdout
    assert run(*form, "nada").stderr.startswith("No hay una orden 'nada'")


def test_a_command_is_helped_with_in_either_language() -> None:
    """Texts are translated when they are shown: a module is imported once, whoever reads."""
    english, spanish = run("offer", "--help").stdout, run("--language", "es", "offer", "--help").stdout
    assert "Post something that your commune has in surplus." in english
    assert "Publicar algo que a su comuna le sobra." in spanish
    assert "Options:" in english
    assert "Opciones:" in spanish
    assert "TÍTULO" in spanish
    assert "TITLE" not in spanish


def test_without_a_command_the_help_is_shown_as_it_is_laid_out() -> None:
    result = run()
    assert result.exit_code == 2
    assert result.stderr == run("--help").stdout


# What fails -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ofer"], "There is no command 'ofer'. Did you mean: offer? Try 'trueque --help' for help."),
        (["zzz"], "No such command 'zzz'. Try 'trueque --help' for help."),
        (["offer"], "Missing argument 'TITLE'. Try 'trueque offer --help' for help."),
        (["listings", "--knd", "offer"], "Try 'trueque listings --help' for help."),
        (["listings", "--kind", "gift"], "'gift' is not one of 'offer', 'need'."),
        (["offer", " "], "It must not be empty."),
        (["offer", "two\nlines"], "It must be one line."),
        (["offer", "\udcff\udcfe"], "It holds bytes that are no text: type it again."),
        (["listings", "--limit", "a"], "'a' is not a valid whole number."),
        (["settle", "x"], "Choose from: due, closed. Try"),
        (["--language", "pt", "listings"], "'pt' is not one of 'es', 'en'."),
    ],
)
def test_what_is_typed_wrong_is_told_in_one_line(arguments: list[str], sentence: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_the_system_says_is_told_in_the_language_spoken(tmp_path: Path) -> None:
    result = run("--language", "es", "restore", str(tmp_path / "nada.trueque"), "--home", str(tmp_path))
    assert result.exit_code == 2
    assert "No such file" not in result.stderr
    assert "nada.trueque: no existe." in result.stderr


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (NotFound("Nothing is called {name}: look again.", name="x"), 2, "Nothing is called x: look again."),
        (PermissionError(13, "Permission denied", "words.txt"), 2, "words.txt: Permission denied."),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (click.FileError("f", "gone"), 2, "gone"),
        (KeyboardInterrupt(), 130, "Stopped."),
        (EOFError(), 2, "An answer is missing"),
    ],
)
def test_every_error_ends_in_a_status_and_a_line(error: BaseException, status: int, sentence: str) -> None:
    result = CliRunner().invoke(failing(error), ["fail"])
    assert result.exit_code == status
    assert sentence in result.stderr
    assert result.stderr.strip().count("\n") == 0


def test_a_fault_of_the_program_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRUEQUE_DEBUG")
    result = CliRunner().invoke(failing(RuntimeError("oh")), ["fail"])
    assert result.exit_code == 2
    assert "fault of Trueque itself (RuntimeError: oh)" in result.stderr
    assert "Traceback" not in result.stderr


def test_with_debugging_on_a_fault_shows_where_it_is() -> None:
    result = CliRunner().invoke(failing(RuntimeError("oh")), ["fail"])
    assert isinstance(result.exception, RuntimeError)


def test_a_found_status_is_passed_on() -> None:
    class Finding(Group):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return Command("find", callback=lambda: group.FOUND)

    assert CliRunner().invoke(Finding([Row("find", "", "Commune", "")]), ["find"]).exit_code == 1


def test_an_interrupted_question_is_a_stop(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> str:
        # As click raises it where somebody presses Ctrl-C at a prompt.
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt:
            raise click.Abort from None

    monkeypatch.setattr("node.cli.desk.is_interactive", lambda: True)
    monkeypatch.setattr("click.prompt", interrupted)
    assert montes.run("offer", "Maíz", status=130).stderr.strip().endswith("Stopped: nothing was signed.")
    assert montes.json("listings") == []


def test_an_interrupted_command_says_where_to_look(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("node.service.Service.record", interrupted)
    assert "`trueque log` shows" in montes.run("offer", "Maíz", "--yes", status=130).stderr


def in_terminal(columns: int, typed: bytes, *arguments: str) -> str:
    """What a terminal of so many columns shows of a command."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(ours, typed)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    program = "from node.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", program, "--language", "en", *arguments],
        cwd=CHECKOUT,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the end of a terminal is an error on Linux
        while more := os.read(ours, 65_536):
            shown += more
    os.close(ours)
    return shown.decode().replace("\r", "")


def test_sentences_are_broken_between_words_at_the_width_of_the_terminal(montes: Secretary) -> None:
    refused = in_terminal(44, b"", "ofer")
    typed = in_terminal(44, b"n\n", "offer", "Maíz blanco de la montaña alta", "--home", str(montes.home))
    question, _asked, _after = typed.partition("[y/N]")
    assert "Did you mean: offer?" in " ".join(refused.split())
    assert "food-grain" in question
    assert "stays in the ledger for ever. Sign it?" in " ".join(question.split())
    assert max(map(len, (refused + question).split("\n"))) <= 44


def test_what_is_said_after_an_interrupted_question_has_a_line_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal shows `^C` where the cursor stands, at the end of the question."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert failing(click.Abort()).main(["--language", "en", "fail"], standalone_mode=False) == 130
    assert capsys.readouterr().err == "\nStopped: nothing was signed.\n"


def _trueque(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    program = "import sys; from node.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=CHECKOUT, capture_output=True, text=True, **settings
    )


def test_a_reader_that_has_read_enough_is_no_error(montes: Secretary) -> None:
    """As in `trueque log | head -1`."""
    read, write = os.pipe()
    os.close(read)
    program = "from node.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "log", "--home", str(montes.home)],
        cwd=CHECKOUT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_a_terminal_cannot_show_is_shown_as_question_marks(montes: Secretary) -> None:
    montes.sign("offer", "Ñame → ocumo")
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = _trueque("listings", "--home", str(montes.home), env=env)
    assert done.returncode == 0
    assert "?ame ? ocumo" in done.stdout


# Homes ------------------------------------------------------------------------------------------


def test_a_home_without_a_commune_says_how_to_begin(places: Path) -> None:
    nobody = Secretary("Nobody", places / "empty")
    for command in (["listings"], ["offer", "Maíz"], ["exchanges"], ["communes"], ["log"], ["rebuild"]):
        assert "create one with `trueque init`" in nobody.refused(*command)
    assert not nobody.home.exists()


@pytest.mark.parametrize("left", [None, 0, 1])
def test_a_ledger_that_is_gone_is_not_replaced_by_an_empty_one(
    montes: Secretary, places: Path, left: int | None
) -> None:
    """Signing in an empty one from index 0 on would fork what others hold."""
    ledger = montes.home / "ledger.sqlite"
    if left is None:
        ledger.unlink()
    else:
        ledger.write_bytes(bytes(left))
    before = ledger.read_bytes() if ledger.exists() else None
    founding = ("init", "--name", "Otra", "--yes", "--recovery-out", str(places / "otra.words"))
    for command in (("listings",), ("offer", "Maíz", "--yes"), ("audit",), ("rebuild",), founding):
        assert "is missing, and this computer has signed in it" in montes.refused(*command)
    state = montes.run("status", "--json").stdout
    assert json.loads(state)["state"] == "trouble"
    assert (ledger.read_bytes() if ledger.exists() else None) == before


def test_a_key_that_is_gone_is_not_taken_for_a_home_without_a_commune(
    montes: Secretary, places: Path
) -> None:
    """Founding another commune in its ledger would mix the two."""
    password = places / "password"
    password.write_text("una clave larga\n", encoding="utf-8")
    backup = places / "montes.backup"
    montes.run("backup", str(backup), "--password-file", str(password))
    (montes.home / "log.key").unlink()
    founding = [
        *("init", "--name", "Otra", "--network", "ensayo", "--yes"),
        *("--recovery-out", str(places / "otra.words")),
    ]
    words = str(places / "los-montes.words")
    restoring = ["restore", str(backup), "--password-file", str(password), "--words", words]
    for command in (["listings"], ["offer", "Maíz", "--yes"], ["audit"], ["rebuild"], founding, restoring):
        assert "log.key is missing, and this computer has signed with it" in montes.refused(*command)
    assert json.loads(montes.run("status", "--json").stdout)["state"] == "trouble"
    assert not (montes.home / "log.key").exists()
    # What is left of a restore that was cut short is no place to found another one either.
    (montes.home / "anchor").unlink()
    assert "There is a commune in" in montes.refused(*founding)
    montes.run(*restoring)


def test_a_founding_that_was_cut_short_is_told_as_that(montes: Secretary) -> None:
    for name in ("ledger.sqlite", "anchor"):
        (montes.home / name).unlink()
    for path in montes.home.parent.rglob("anchors/*"):
        path.unlink()
    assert "give `trueque init` again" in montes.refused("listings")


def test_a_founding_whose_ledger_was_not_finished_is_taken_up_again(montes: Secretary, places: Path) -> None:
    """A full disk, or a kill while the tables are made; nothing has been signed then."""
    (montes.home / "anchor").unlink()
    for path in (*montes.home.glob("ledger.sqlite*"), *montes.home.parent.rglob("anchors/*")):
        path.unlink()
    with closing(sqlite3.connect(montes.home / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE _sqlite_migrations (name TEXT)")
        connection.execute("DROP TABLE _sqlite_migrations")
    assert "give `trueque init` again" in montes.refused("listings")
    assert "give `trueque init` again" in montes.refused("offer", "Maíz", "--yes")
    montes.run("init", "--name", "Los Montes", "--yes", "--recovery-out", str(places / "again.words"))
    assert montes.json("communes")[0]["name"] == "Los Montes"


def test_the_home_may_be_named_in_the_environment(montes: Secretary) -> None:
    assert montes.name in run("communes", env={"TRUEQUE_HOME": str(montes.home)}).stdout


def test_without_a_name_the_home_is_in_the_platforms_folder(places: Path) -> None:
    words = str(places / "words")
    assert run("init", "--name", "El Cerro", "--yes", "--recovery-out", words).exit_code == 0
    assert (places / "xdg_data_home" / "trueque" / "ledger.sqlite").exists()
    assert "El Cerro" in run("communes").stdout


def test_a_home_that_another_program_holds_is_read_and_not_written(montes: Secretary) -> None:
    import fcntl

    with (montes.home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "Another program is using" in montes.refused("offer", "Maíz")
        assert "Another program is using" in montes.refused("rebuild")
        assert montes.json("listings") == []
    montes.sign("offer", "Maíz")


def test_a_home_that_cannot_be_written_is_told_as_such(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk mounted read-only; permissions would not stop tests that an administrator runs."""
    real = os.open

    def refusing(path: Any, flags: int, *more: Any, **settings: Any) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY) and str(montes.home) in str(path):
            raise OSError(30, "Read-only file system", str(path))
        return real(path, flags, *more, **settings)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing)
        assert "cannot be written (Read-only file system)" in montes.refused("offer", "Maíz")
    assert montes.json("listings") == []


def test_a_read_only_ledger_is_told_as_such(montes: Secretary, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlite3 import OperationalError

    from ledger.store.writing import Store

    def refuse(*_: Any) -> Any:
        from ledger.store.database import store_errors

        with store_errors(montes.home):
            raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(Store, "append", refuse)
    assert "check the permissions of its folder" in montes.refused("offer", "Maíz")


@pytest.mark.parametrize("damage", [b"", b"junk that is no database, " * 100])
def test_a_damaged_ledger_is_told_as_such(montes: Secretary, damage: bytes) -> None:
    for leftover in montes.home.glob("ledger.sqlite-*"):
        leftover.unlink()
    (montes.home / "ledger.sqlite").write_bytes(damage)
    for command in (["listings"], ["offer", "Maíz"], ["rebuild"]):
        assert montes.refused(*command)
    assert (montes.home / "ledger.sqlite").read_bytes() == damage


@pytest.mark.parametrize("key", ["", "12", "zz" * 32, "0" * 63])
def test_a_damaged_key_is_told_as_such(montes: Secretary, key: str) -> None:
    (montes.home / "log.key").write_text(key)
    assert "is damaged" in montes.refused("listings")


# Clocks -----------------------------------------------------------------------------------------

YEAR = 365 * 86_400_000


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    from node import clock

    real = clock.now()

    def set_to(at: int) -> None:
        monkeypatch.setattr("node.clock.now", lambda: real + at if abs(at) < 20 * YEAR else at)

    return set_to


@pytest.mark.parametrize(
    ("at", "warning"),
    [
        (0, ""),
        (-3_600_000, ""),
        (-2 * 86_400_000, "and something was recorded here on"),
        (1, ""),
        (YEAR, ""),
        (5 * YEAR, "the last record here is of"),
        (4_102_444_800_000, "The clock says 2100-01-01, and the last record here is of"),
    ],
)
def test_a_clock_that_cannot_be_right_is_warned_of(
    montes: Secretary, set_clock: Callable[[int], None], at: int, warning: str
) -> None:
    """Clocks here are often wrong, so it is no reason to refuse; but what is signed has its date for ever."""
    set_clock(at)
    told = montes.run("listings").stderr
    assert warning in told
    assert bool(told) is bool(warning)


def test_a_clock_in_1970_founds_and_signs_with_a_warning(
    montes: Secretary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.clock.now", lambda: 1_000)
    result = montes.run("offer", "Maíz")
    assert "set this computer's date" in result.stderr
    assert montes.json("listings")[0]["at"] == 1_000


# Questions --------------------------------------------------------------------------------------


@pytest.fixture
def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.cli.desk.is_interactive", lambda: True)


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("answer", ["y", "Yes", "s", "SÍ", "si", "what?\ny"])
def test_a_person_is_asked_before_something_is_signed_for_ever(montes: Secretary, answer: str) -> None:
    result = montes.run("offer", "Maíz", "--category", "food-grain", typed=f"{answer}\n")
    assert "Offer «Maíz». This stays in the ledger for ever. Sign it? [y/N]" in result.stderr
    assert len(montes.json("listings")) == 1


@pytest.mark.usefixtures("at_a_terminal")
@pytest.mark.parametrize("answer", ["", "n", "No"])
def test_without_a_yes_nothing_is_signed(montes: Secretary, answer: str) -> None:
    result = montes.run("offer", "Maíz", typed=f"{answer}\n", status=2)
    assert "Nothing was done" in result.stderr
    assert montes.json("listings") == []


@pytest.mark.usefixtures("at_a_terminal")
def test_an_answer_that_never_comes_is_a_no(montes: Secretary) -> None:
    assert "An answer is missing" in montes.run("offer", "Maíz", typed="", status=2).stderr
    assert montes.json("listings") == []


@pytest.mark.usefixtures("at_a_terminal")
def test_nobody_is_asked_who_said_yes_or_is_a_program(montes: Secretary) -> None:
    montes.run("offer", "Maíz", "--yes")
    montes.sign("offer", "Yuca")
    assert len(montes.json("listings")) == 2
