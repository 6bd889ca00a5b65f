"""Columns: what the columns of tables are called, for those that are written and those that are read.

Decides their names in both languages, how numbers are written in each, and how
a cell is kept from being taken for a formula. Which columns a table has is
`exports.tables`' and `sheets`'.

A table is for people with a spreadsheet, so it speaks their language: in Spanish
semicolons stand between cells and a comma before decimals, as spreadsheets
there expect; in English commas and a point. Programs read JSON.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from .language import current

BOM: Final = "\ufeff"
"""What a table begins with: without it spreadsheets take UTF-8 for Windows-1252, and spoil every accent."""

_FORMULA: Final = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
"""What makes a cell a formula where it stands first; the wide ones in some languages
(OWASP, CSV Injection)."""

_MARK: Final = "'"
"""What stands before such a cell: spreadsheets then show it as the text that it is."""

_WITHIN: Final = r"""([;,\t\r\n][\s"]*)"""
_SIGNS: Final = r"'*[=+@\uff1d\uff0b\uff0d\uff20-]"
_INNER: Final = re.compile(f"{_WITHIN}({_SIGNS})")
"""Where a cell would begin within another for a spreadsheet that takes something else for the separator."""

_MARKED: Final = re.compile(f"{_WITHIN}{_MARK}(?={_SIGNS})")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key in code and documents, and its names; `also` are other names that are understood."""

    key: str
    en: str
    es: str
    also: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name in the language that is spoken."""
        return self.es if current() == "es" else self.en

    def is_called(self, text: str) -> bool:
        """Whether a heading means this column; case, accents and blanks do not matter."""
        return fold(text) in {fold(name) for name in (self.key, self.en, self.es, *self.also)}


def fold(text: str) -> str:
    """Text without accents, capitals and what stands between words, for comparing."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(bare.replace("_", " ").replace("-", " ").split())


def separator() -> str:
    """What stands between cells of a table that is written."""
    return ";" if current() == "es" else ","


def cell(value: str | None) -> str:
    """Text as a cell that no spreadsheet takes for a formula; empty for none."""
    if not value:
        return ""
    inner = _INNER.sub(rf"\1{_MARK}\2", value)
    return f"{_MARK}{inner}" if inner[0] in _FORMULA else inner


def plain(text: str) -> str:
    """The text that a cell means: without the marks that `cell` puts into some."""
    bare = text[1:] if len(text) > 1 and text[0] == _MARK and text[1] in _FORMULA else text
    return _MARKED.sub(r"\1", bare)


ID: Final = Column("id", "id", "id")
COMMUNE: Final = Column("commune", "commune", "comuna")
COMMUNE_ID: Final = Column("commune_id", "commune id", "id de la comuna")
KIND: Final = Column("kind", "kind", "tipo", ("type", "clase"))
TITLE: Final = Column("title", "title", "título", ("what", "name", "producto", "nombre", "qué"))
CATEGORY: Final = Column("category", "category", "categoría", ("rubro",))
QUANTITY: Final = Column("quantity", "quantity", "cantidad", ("amount",))
UNIT: Final = Column("unit", "unit", "unidad", ("medida",))
LEFT: Final = Column("left", "left", "queda")
UNTIL: Final = Column("until", "until", "hasta", ("last day", "vence"))
NOTE: Final = Column("note", "note", "nota", ("notas", "notes", "observaciones", "detalle"))
WANTS: Final = Column("wants", "in return", "a cambio", ("wanted", "quiere", "se quiere"))
PLACE: Final = Column("place", "place", "lugar", ("where", "dónde"))
COUNCIL: Final = Column("council", "council", "consejo comunal", ("communal council", "consejo"))
STATE: Final = Column("state", "state", "estado")
AT: Final = Column("at", "date", "fecha")
EXCHANGE: Final = Column("exchange", "exchange", "intercambio")
FORM: Final = Column("form", "form", "forma")
NUMBER: Final = Column("number", "transfer", "entrega nro.")
GIVER: Final = Column("from", "from", "de")
RECEIVER: Final = Column("to", "to", "para")
GIVEN: Final = Column("given", "given", "entregado")
GOT: Final = Column("got", "received", "recibido")
DUE: Final = Column("due", "still due", "falta")
DUE_ON: Final = Column("due_on", "due on", "para el día")
REMARKS: Final = Column("remarks", "remarks", "observado")
LISTING: Final = Column("listing", "listing", "publicación")
CONDITION: Final = Column("condition", "condition", "condición")
OUTCOME: Final = Column("outcome", "outcome", "resultado")
EFFECT: Final = Column("effect", "has effect", "tiene efecto")
