"""Categories (rubros) and units: stable codes with names in Spanish and English.

This module decides which codes the software knows, what each is called, and
which code a person means by what they typed. The words themselves are data, in
`vocabulary.toml` beside it, read once and only when first asked for.

It refuses nothing. Category and unit are open strings in records (`records`
holds their form and length), so that a commune may use a code that another
version of this software has never heard of; such a code is shown as itself.
Units are never converted, here or elsewhere: a saco of one commune is not a
saco of another.

Nothing here keeps state but caches of that data; any thread may call it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from .limits import MAX_NAME_CHARACTERS

UnitKind = Literal["mass", "volume", "length", "area", "energy", "time", "count", "pack", "occasion"]
"""What a unit tells about an amount. A ``pack`` holds what its commune says it holds (saco, cesta,
bunch), an ``occasion`` is done once, however long it takes (jornada, trip, performance)."""

SUGGESTIONS: Final = 5
"""codes offered for a word that names none; what a person reads at a glance."""

_SIMILAR: Final = 0.75
"""Likeness (difflib's ratio, 0 to 1) from which a word counts as misspelt; two wrong letters in eight."""

_LEAST_MISSPELT: Final = 4
"""characters from which a word is looked for as misspelt; shorter ones resemble too much."""

_EMPTY_WORDS: Final = frozenset(
    {"and", "con", "for", "los", "other", "otras", "otros", "para", "por", "the", "use", "uso", "with"}
)
"""Words of three letters and more that stand in names and say nothing; shorter ones never lead anywhere."""


@dataclass(frozen=True, slots=True)
class Group:
    """A heading under which categories are listed."""

    code: str
    es: str
    en: str

    def name(self, language: str) -> str:
        """The name in ``language``, as `category_name` takes it."""
        return self.en if _is_english(language) else self.es


@dataclass(frozen=True, slots=True)
class Category:
    """A rubro: a kind of thing, work or place that communes exchange."""

    code: str
    group: str
    """Code of its group, one of `groups()`."""
    es: str
    en: str
    search: tuple[str, ...]
    """Words in either language that lead a reader here; narrower than the category, and no names of it."""

    def name(self, language: str) -> str:
        """The name in ``language``, as `category_name` takes it."""
        return self.en if _is_english(language) else self.es


@dataclass(frozen=True, slots=True)
class Unit:
    """What an amount is counted in; a name is singular, then plural."""

    code: str
    kind: UnitKind
    es: tuple[str, str]
    en: tuple[str, str]
    symbol: str | None
    """How it is written behind a number in both languages, where such a sign exists: kg, m²."""
    also: tuple[str, ...]
    """Other names and spellings of this very unit."""
    om2: str | None
    """Local name in the Ontology of units of Measure 2, or None where it has no such unit.

    Namespace: http://www.ontology-of-units-of-measure.org/resource/om-2/
    """

    def name(self, language: str, plural: bool) -> str:
        """The name in ``language``, as `unit_name` takes it."""
        return (self.en if _is_english(language) else self.es)[plural]


def groups() -> Mapping[str, Group]:
    """All groups by code, in the order in which they are listed; read-only."""
    return _vocabulary().groups


def categories() -> Mapping[str, Category]:
    """All categories by code, in the order in which they are listed; read-only."""
    return _vocabulary().categories


def units() -> Mapping[str, Unit]:
    """All units by code, in the order in which they are listed; read-only."""
    return _vocabulary().units


def category_name(code: str, language: str) -> str:
    """The name of a category; an unknown code is shown as itself.

    ``language`` is a tag such as ``en`` or ``es_VE``. What does not begin with ``en`` is answered in
    Spanish, which most readers read.
    """
    category = categories().get(code)
    return code if category is None else category.name(language)


def unit_name(code: str, language: str, plural: bool) -> str:
    """The name of a unit, ``language`` as in `category_name`; an unknown code is shown as itself."""
    unit = units().get(code)
    return code if unit is None else unit.name(language, plural)


def find_category(text: str) -> str | None:
    """The code of the category that ``text`` names, by its code or its name in either language, or None.

    Case, accents, and hyphen or space do not matter. Search words do not count: records are kept for
    ever, and it is for a person to say that `yuca` belongs under roots (`suggest_categories`).
    """
    return _category_names().get(_fold(text))


def find_unit(text: str) -> str | None:
    """The code of the unit that ``text`` names, by its code, symbol or any of its names, or None.

    Case, accents, and hyphen or space do not matter.
    """
    return _unit_names().get(_fold(text))


def suggest_categories(text: str) -> list[str]:
    """Codes of at most `SUGGESTIONS` categories that ``text`` may mean, likeliest first.

    Looks for the whole and for each word of it in codes, names and search words, and for what they may
    be a misspelling of where nothing has them.
    """
    return _suggest(text, _category_words())


def suggest_units(text: str) -> list[str]:
    """Codes of at most `SUGGESTIONS` units that ``text`` may mean, likeliest first."""
    return _suggest(text, _unit_words())


class _Vocabulary(NamedTuple):
    groups: Mapping[str, Group]
    categories: Mapping[str, Category]
    units: Mapping[str, Unit]


@cache
def _vocabulary() -> _Vocabulary:
    # Imported here, with all that it brings, so that a command which shows no category does not wait for it.
    import tomllib

    with Path(__file__).with_suffix(".toml").open("rb") as file:
        data = tomllib.load(file)
    return _Vocabulary(
        MappingProxyType({code: Group(code, **row) for code, row in data["groups"].items()}),
        MappingProxyType(
            {
                code: Category(code, row["group"], row["es"], row["en"], tuple(row["search"]))
                for code, row in data["categories"].items()
            }
        ),
        MappingProxyType(
            {
                code: Unit(
                    code=code,
                    kind=row["kind"],
                    es=(row["es"][0], row["es"][1]),
                    en=(row["en"][0], row["en"][1]),
                    symbol=row.get("symbol"),
                    also=tuple(row.get("also", ())),
                    om2=row.get("om2"),
                )
                for code, row in data["units"].items()
            }
        ),
    )


@cache
def _category_names() -> Mapping[str, str]:
    return {
        _fold(name): category.code
        for category in categories().values()
        for name in (category.code, category.es, category.en)
    }


@cache
def _unit_names() -> Mapping[str, str]:
    return {
        _fold(name): unit.code
        for unit in units().values()
        for name in (unit.code, unit.symbol or unit.code, *unit.es, *unit.en, *unit.also)
    }


@cache
def _category_words() -> Mapping[str, list[str]]:
    searched = [
        (_fold(phrase), category.code) for category in categories().values() for phrase in category.search
    ]
    return _index([*_category_names().items(), *searched])


@cache
def _unit_words() -> Mapping[str, list[str]]:
    return _index(_unit_names().items())


def _index(phrases: Collection[tuple[str, str]]) -> Mapping[str, list[str]]:
    """Folded phrase, or one word of it -> the codes it leads to, those that the whole of it names first."""
    index: dict[str, list[str]] = {}
    words = [(word, code) for phrase, code in phrases for word in _telling_words(phrase)]
    for phrase, code in (*phrases, *words):
        codes = index.setdefault(phrase, [])
        if code not in codes:
            codes.append(code)
    return index


def _suggest(text: str, index: Mapping[str, list[str]]) -> list[str]:
    # Imported here: only a person who mistyped needs it.
    from difflib import get_close_matches

    if len(text) > MAX_NAME_CHARACTERS:
        return []
    folded = _fold(text)
    asked = list(dict.fromkeys((folded, *_telling_words(folded))))
    found = [code for phrase in asked for code in index.get(phrase, ())]
    if not found:
        found = [
            code
            for phrase in asked
            if len(phrase) >= _LEAST_MISSPELT
            for word in get_close_matches(phrase, index, n=SUGGESTIONS, cutoff=_SIMILAR)
            for code in index[word]
        ]
    return list(dict.fromkeys(found))[:SUGGESTIONS]


def _telling_words(folded: str) -> list[str]:
    """The words of a folded phrase that are worth looking at on their own."""
    words = (word.strip(",") for word in folded.split())
    return [word for word in words if len(word) > 2 and word not in _EMPTY_WORDS]


def _fold(text: str) -> str:
    """``text`` without accents and capitals, its words set apart by one space: `Ñame`, `name` are one."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(character for character in decomposed if not unicodedata.combining(character))
    return " ".join(bare.replace("-", " ").replace("_", " ").split())


def _is_english(language: str) -> bool:
    return language[:2].lower() == "en"
