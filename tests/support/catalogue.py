"""The translations: which texts the program can show, and whether each is translated.

    python -m tests.support.catalogue     takes new texts into the catalogues, drops those that are gone

Texts come from six places: calls of `_` and its like, the templates of errors,
sentences that the ledger gives as constants, the templates of pages, the
commands with their options, and click's own texts.
"""

from __future__ import annotations

import ast
import io
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import click
import jinja2
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

from ledger import errors as ledger_errors
from node import errors as node_errors
from node.cli import trueque
from node.cli.spoken import Command
from protocol import errors as protocol_errors

from .shared import CHECKOUT

LOCALE_DIR: Final = CHECKOUT / "node" / "locale"
LOCALES: Final = ("es_VE", "en")

SENTENCES: Final = (
    "ledger/steps.py",
    "ledger/moves.py",
    "ledger/author.py",
    "ledger/form.py",
    "node/errors.py",
    "ledger/receipt.py",
)
"""Modules whose constants are shown to people: everything in them that is a sentence."""

HEADER: Final = """\
# Texts of Trueque; `python -m tests.support.catalogue` keeps them in step with the code.
msgid ""
msgstr ""
"Language: {locale}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

"""

CLICK_UNMARKED: Final = ("required",)
"""Texts that click translates without marking them."""


class Text(NamedTuple):
    """A text as a translator gets it; `place` is where it is, `context` what it is said of."""

    one: str
    many: str | None = None
    context: str | None = None
    place: str = ""


def error_names() -> list[str]:
    """The classes of errors whose first argument is a sentence."""
    modules = (ledger_errors, protocol_errors, node_errors)
    found = {
        name
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, ledger_errors.LedgerError)
    }
    return sorted(found)


def texts() -> Iterator[Text]:
    """Every text that the program can show."""
    yield from _marked()
    yield from _sentences()
    yield from _templates()
    yield from _commands()
    yield from _click()


def _modules() -> list[Path]:
    return [
        path for layer in ("ledger", "protocol", "node") for path in sorted((CHECKOUT / layer).rglob("*.py"))
    ]


def _marked() -> Iterator[Text]:
    """Constants that calls are made with. Babel's own reader does not look into f-strings."""
    single = {"_", "gettext", "N_", "Told", *error_names()}
    for path in _modules():
        place = str(path.relative_to(CHECKOUT))
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            given = [part.value if isinstance(part, ast.Constant) else None for part in node.args]
            match node.func.id, given:
                case name, [str(text), *_rest] if name in single and text:
                    yield Text(text, place=place)
                case "ngettext", [str(one), str(many), *_rest]:
                    yield Text(one, many, place=place)
                case "pgettext", [str(context), str(text)]:
                    yield Text(text, context=context, place=place)


def _sentences() -> Iterator[Text]:
    for name in SENTENCES:
        tree = ast.parse((CHECKOUT / name).read_text())
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        described = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Constant)
                and isinstance(node.value, str)
                and id(node) not in documented | described
                and re.fullmatch(r"[A-Z{].* .*\.", node.value)
            ):
                yield Text(node.value, place=name)


def _templates() -> Iterator[Text]:
    environment = jinja2.Environment(autoescape=True)
    for path in sorted((CHECKOUT / "node" / "web" / "templates").glob("*.html")):
        place = str(path.relative_to(CHECKOUT))
        parsed = environment.parse(path.read_text())
        for _line, function, found in extract_from_ast(parsed, ("_", "ngettext", "pgettext")):
            match function, found:
                case "_", str(text):
                    yield Text(text, place=place)
                case "ngettext", (str(one), str(many), *_rest):
                    yield Text(one, many, place=place)
                case "pgettext", (str(context), str(text)):
                    yield Text(text, context=context, place=place)
                case _:
                    raise AssertionError(f"{place}: a text of {function} is no constant: {found}")


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command by its full name, those below other commands included."""
    yield from _below("trueque", trueque)


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        ctx = click.Context(command, info_name=name)
        for sub in command.list_commands(ctx):
            found = command.get_command(ctx, sub)
            assert found is not None
            yield from _below(f"{name} {sub}", found)


def _commands() -> Iterator[Text]:
    for row in trueque.rows.values():
        yield Text(row.section, place="node/cli")
        yield Text(row.short, place="node/cli")
    for name, command in commands():
        assert isinstance(command, Command) or name == "trueque", f"{name} is not made with @command"
        metavars = (command.options_metavar, getattr(command, "subcommand_metavar", None))
        shown = [
            command.help,
            *metavars,
            *(part for each in command.params for part in (getattr(each, "help", None), each.metavar)),
        ]
        for text in shown:
            if text:
                yield Text(text, place="node/cli")


def _click() -> Iterator[Text]:
    folder = Path(click.__file__).parent
    keywords = {"_": None, "ngettext": (1, 2)}
    for path in sorted(folder.glob("*.py")):
        for _line, message, _comments, context in extract_from_file("python", path, keywords=keywords):
            one, many = message if isinstance(message, tuple) else (message, None)
            yield Text(one, many, context, "click")
    for text in CLICK_UNMARKED:
        yield Text(text, place="click")


# Catalogues -------------------------------------------------------------------------------------


def path_of(locale: str) -> Path:
    """Where the translations into a locale are."""
    return LOCALE_DIR / locale / "LC_MESSAGES" / "trueque.po"


def read(locale: str) -> Catalog:
    """The translations into a locale as they are in the repository."""
    path = path_of(locale)
    if not path.exists():
        return Catalog(locale=locale, fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def fresh(locale: str) -> Catalog:
    """What the catalogue should hold: every text of the program, with the translations that there are."""
    old = read(locale)
    new = Catalog(
        locale=locale,
        fuzzy=False,
    )
    places: dict[tuple[str, str | None, str | None], set[str]] = {}
    for text in texts():
        places.setdefault((text.one, text.many, text.context), set()).add(text.place)
    for (one, many, context), found in sorted(
        places.items(), key=lambda item: (item[0][0], item[0][2] or "")
    ):
        message_id = one if many is None else (one, many)
        held = old.get(one, context)
        if locale == "en":
            string: str | tuple[str, ...] | list[str] | None = message_id
        elif held is not None and isinstance(held.id, tuple) == (many is not None):
            string = held.string
        else:
            string = "" if many is None else ("", "")
        new.add(message_id, string, context=context, locations=[(place, 0) for place in sorted(found)])
    return new


def written(catalogue: Catalog) -> bytes:
    """A catalogue as the file has it; places without line numbers, which change for nothing."""
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=110, include_lineno=False, omit_header=True)
    return HEADER.format(locale=catalogue.locale).encode() + buffer.getvalue()


def compile_translations() -> None:
    """Make the `.mo` files that gettext reads, where they are missing or old."""
    for locale in LOCALES:
        source = path_of(locale)
        compiled = source.with_suffix(".mo")
        if not source.exists() or (compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime):
            continue
        with source.open("rb") as texts_file:
            catalogue = read_po(texts_file, locale=locale, abort_invalid=True)
        # Several processes may do this at once: each writes its own file and puts it in place whole.
        made = compiled.with_suffix(f".{os.getpid()}")
        with made.open("wb") as file:
            write_mo(file, catalogue)
        made.replace(compiled)


def main() -> None:
    """Bring the catalogues up to date."""
    for locale in LOCALES:
        path = path_of(locale)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(fresh(locale)))
        missing = [message.id for message in fresh(locale) if message.id and not all(strings_of(message))]
        print(f"{path}: {len(missing)} texts to translate")


def strings_of(message: Message) -> tuple[str, ...]:
    """The translations of a message, one a plural form."""
    value = message.string
    return (value or "",) if value is None or isinstance(value, str) else tuple(value)


if __name__ == "__main__":
    main()
