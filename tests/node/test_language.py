"""Languages: every text of the program is translated, with the same fields, and the files are up to date."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter

import pytest
from babel.messages.catalog import Message

from ledger.errors import LedgerError, NotFound, RecordError
from ledger.evidence import decode_evidence
from ledger.receipt import MAGIC, decode_receipt
from node import language
from protocol.messages import decode_head, decode_run

from ..support import catalogue
from ..support.shared import CHECKOUT

SPANISH = catalogue.read("es_VE")


def messages() -> list[Message]:
    return [message for message in catalogue.fresh("es_VE") if message.id]


def name_of(message: Message) -> str:
    return str(message.id)[:60]


def fields_of(text: str) -> set[tuple[str | None, str | None]]:
    """The fields of a template, with how they are converted."""
    return {
        (field, conversion)
        for _text, field, _spec, conversion in Formatter().parse(text)
        if field is not None
    }


def is_template(text: str) -> bool:
    try:
        return bool(fields_of(text))
    except ValueError:
        return False


@pytest.mark.parametrize("locale", catalogue.LOCALES)
def test_the_catalogues_hold_the_texts_of_the_program_and_no_others(locale: str) -> None:
    """`python -m tests.support.catalogue` brings them up to date."""
    assert catalogue.path_of(locale).read_bytes() == catalogue.written(catalogue.fresh(locale))


@pytest.mark.parametrize("locale", catalogue.LOCALES)
def test_every_text_is_translated(locale: str) -> None:
    untranslated = [
        message.id
        for message in catalogue.read(locale)
        if message.id and not all(catalogue.strings_of(message))
    ]
    assert untranslated == []


@pytest.mark.parametrize("locale", catalogue.LOCALES)
def test_the_set_up_finds_no_fault_in_a_catalogue(locale: str) -> None:
    """`./dev` compiles with Babel's checks: a blank and a letter behind a percent sign are a field to it."""
    assert [(message.id, faults) for message, faults in catalogue.read(locale).check()] == []


@pytest.mark.parametrize("locale", catalogue.LOCALES)
def test_no_translation_is_a_guess(locale: str) -> None:
    assert [message.id for message in catalogue.read(locale) if message.fuzzy and message.id] == []


def test_a_translation_has_the_fields_of_the_text() -> None:
    wrong = []
    for message in SPANISH:
        if not message.id or not catalogue.strings_of(message)[0]:
            continue
        texts = (message.id,) if isinstance(message.id, str) else tuple(message.id)
        for text, string in zip(texts, catalogue.strings_of(message), strict=True):
            if is_template(text) and fields_of(text) != fields_of(string):
                wrong.append(text)
    assert wrong == []


def test_a_translation_begins_and_ends_like_the_text() -> None:
    """Blanks at the edges, a closing full stop or colon: texts are put together."""
    wrong = []
    for message in SPANISH:
        if not isinstance(message.id, str) or not message.id:
            continue
        string = catalogue.strings_of(message)[0]
        edges = [text[-1] if text[-1] in ".:?" else "" for text in (message.id, string)]
        blanks = [(text[0].isspace(), text[-1].isspace()) for text in (message.id, string)]
        if edges[0] != edges[1] or blanks[0] != blanks[1]:
            wrong.append(message.id)
    assert wrong == []


def test_names_of_commands_and_options_are_not_translated() -> None:
    wrong = []
    for message in SPANISH:
        if isinstance(message.id, str) and message.id and "node" in str(message.locations):
            string = catalogue.strings_of(message)[0]
            words = {word.strip(".,;:()'`") for word in message.id.split() if word.startswith("--")}
            wrong += [word for word in words if word not in string]
    assert wrong == []


def _calls(names: set[str]) -> Iterator[tuple[Path, ast.Call]]:
    for layer in ("ledger", "protocol", "node"):
        for path in sorted((CHECKOUT / layer).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                    yield path, node


def test_every_text_and_error_is_a_template_that_can_be_looked_up() -> None:
    """One that is put together before has no translation."""
    names = {"_", "gettext", "ngettext", "pgettext", "N_", *catalogue.error_names()}
    wrong = [
        f"{path.relative_to(CHECKOUT)}:{call.lineno}"
        for path, call in _calls(names)
        if call.args and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def test_every_error_fills_the_fields_of_its_template() -> None:
    wrong = []
    for path, call in _calls(set(catalogue.error_names())):
        template = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
        given = {keyword.arg for keyword in call.keywords}
        if isinstance(template, str) and None not in given:
            wanted = (
                {field for field, _conversion in fields_of(template)}
                if given or is_template(template)
                else set()
            )
            if wanted != given:
                wrong.append(f"{path.relative_to(CHECKOUT)}:{call.lineno}")
    assert wrong == []


# At run time ------------------------------------------------------------------------------------


def test_an_error_is_told_in_the_language_that_is_spoken() -> None:
    error = NotFound("More than one id begins with {digits}: give more digits.", digits="ab")
    language.use("es")
    assert language.told(error) == "Más de un identificador empieza con ab: indique más caracteres."
    language.use("en")
    assert language.told(error) == str(error)


def test_an_error_inside_an_error_is_told_too() -> None:
    inner = RecordError("A transfer goes from a party to itself.")
    language.use("es")
    told = language.told(RecordError("A text cannot be recorded: {reason}", reason=inner))
    assert told == "No se puede asentar un texto: Una entrega va de una parte a sí misma."


def test_a_text_with_braces_and_no_fields_is_told_as_it_is() -> None:
    assert language.told(LedgerError("A {brace} that means nothing.")) == "A {brace} that means nothing."


def test_numbers_choose_their_form() -> None:
    language.use("es")
    forms = [language.ngettext("{count} listing", "{count} listings", count) for count in (1, 2)]
    assert forms == ["{count} publicación", "{count} publicaciones"]


def test_one_word_can_be_two_in_another_language() -> None:
    language.use("es")
    assert language.pgettext("listing", "withdrawn") == "retirada"
    assert language.pgettext("exchange", "withdrawn") == "retirado"


def test_without_a_compiled_translation_texts_are_shown_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(language, "LOCALE_DIR", tmp_path)
    language.use("es")
    assert language.gettext("Commune") == "Commune"


def test_nothing_is_not_a_text() -> None:
    """gettext answers the empty text with the head of its file."""
    language.use("es")
    assert language.gettext("") == ""


@pytest.mark.parametrize(
    ("read", "spanish"),
    [
        (decode_evidence, "No se puede leer la evidencia: está cortada, o contiene lo que ninguna tiene."),
        (decode_head, "Una cabeza no se puede leer."),
        (decode_run, "Un tramo no se puede leer."),
        (
            lambda data: decode_receipt(MAGIC + b"\x01" + data),
            "El comprobante está dañado: está cortado, o contiene lo que ninguno tiene.",
        ),
    ],
)
def test_what_cannot_be_read_is_told_without_what_a_library_says(
    read: Callable[[bytes], object], spanish: str
) -> None:
    """Libraries speak English, and of things that nobody sees who copied a file."""
    with pytest.raises(LedgerError) as refused:
        read(b"\x95\x01")
    language.use("es")
    assert language.told(refused.value) == spanish
