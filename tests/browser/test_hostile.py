"""Neighbours who try to break out of the fields of their records: nothing of theirs runs, shows or pushes."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
import pytest

from ledger.limits import MAX_CODE_CHARACTERS, MAX_NAME_CHARACTERS, MAX_TEXT_CHARACTERS
from ledger.records import KINDS, parse

from .conftest import Street, street
from .furnishing import Stop, Voice, pages_of, stops

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

ATTEMPTS = {
    "script": "<script class=theirs>alert(1)</script>",
    "image": "\"><img class=theirs src=x onerror=alert(1)>' onmouseover='alert(1)' onfocus=alert(1) x='",
    "frame": "</title></textarea></option></select></style><iframe class=theirs src=//example.org></iframe>",
    "drawing": "--><svg class=theirs onload=alert(1)><style>*{display:none}</style></svg><!--",
    "page": "<base class=theirs href=//example.org>"
    "<meta class=theirs http-equiv=refresh content='0;url=//example.org'><!--",
    "htmx": "<div class=theirs hx-get=/settings hx-trigger=load hx-on:load=alert(1) data-print></div>",
    "form": "</form><form class=theirs action=//example.org><input name=token><button>Sign it</button>",
    "template": "{{7*7}}{% raw %}{{ config }}${7*7}#{7*7}<%= 7*7 %>{count}%(name)s",
    "entity": "&lt;script&gt;alert(1)&lt;/script&gt;&#60;b class=theirs&#62;&nbsp;&quot;&amp;",
    "address": "javascript:alert(1)//data:text/html,<script class=theirs>alert(1)</script>",
    "wide": "W",
    "narrow words": "ma\u00edz blanco ",
    "right to left": "\u0634\u0644\u0627\u0645\u05e9\u05dc\u05d5\u05dd \u0627\u0644\u0642\u0645\u062d ",
    "pictures": "\U0001f33d",
    "marks": unicodedata.normalize("NFC", "q" + "\u0316\u0317\u0318\u0301\u0302\u0303" * 3),
    "joined": "\u200d\u200b\u00ad\ufe0f\u2060",
    "lines": "uno\ndos\n\n\n<b class=theirs>\n",
}


def filled(text: str, most: int, most_bytes: int = 3_400) -> str:
    """A text over and over, up to what a field takes; a record takes two of them."""
    whole = (text * (most // len(text) + 1))[:most]
    while len(whole.encode()) > most_bytes:
        whole = whole[:-1]
    return unicodedata.normalize("NFC", whole)[:most]


def voice(text: str) -> Voice:
    """A commune that says the same in every field."""
    line = " ".join(text.splitlines())
    name, code = filled(line, MAX_NAME_CHARACTERS), filled(line, MAX_CODE_CHARACTERS)
    note = filled(text, MAX_TEXT_CHARACTERS, 1_600)
    return Voice(name, name, note, place=name, role=name, council=name, category=code, unit=code)


@pytest.fixture(scope="module")
def hostile_street(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Street]:
    voices = [voice(text) for text in ATTEMPTS.values()]
    with street(chromium, tmp_path_factory.mktemp("hostile"), voices, others=False) as made:
        yield made


WATCH = """
addEventListener("securitypolicyviolation", event => console.error("policy: " + event.violatedDirective));
"""

FOREIGN = """() => [...document.querySelectorAll("*")].filter(each =>
    each.classList.contains("theirs")
    || [...each.attributes].some(({name}) => name.startsWith("on") || name.startsWith("hx-on"))
    || ["IFRAME", "BASE", "OBJECT", "EMBED", "STYLE"].includes(each.tagName)
    || each.tagName === "META" && each.httpEquiv
    || each.tagName === "SCRIPT" && !new URL(each.src).pathname.startsWith("/static/")
    || each.tagName === "A" && each.protocol !== "http:"
    || each.tagName === "FORM" && new URL(each.action).origin !== location.origin
).map(each => each.outerHTML.slice(0, 200))"""


def watched(page: Page, origin: str) -> list[str]:
    """What happens in a page that ought not to."""
    found: list[str] = []

    def refuse(dialog: Dialog) -> None:
        found.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.add_init_script(WATCH)
    page.on("dialog", refuse)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on(
        "console",
        lambda said: (
            found.append(said.text)
            if said.type == "error" and "the server responded with a status of 4" not in said.text
            else None
        ),
    )
    page.on("popup", lambda other: found.append(f"popup: {other.url}"))
    page.on(
        "request",
        lambda asked: (
            None
            if asked.url.startswith((f"{origin}/", "data:image/svg+xml"))
            else found.append(f"asks for {asked.url}")
        ),
    )
    return found


def look(street: Street, seen: list[Stop], size: dict[str, int], language: str) -> list[str]:
    """All that is amiss on pages."""
    faults = []
    with street.at(street.node, viewport=size, locale=language) as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        found = watched(page, f"http://127.0.0.1:{street.node.told['people_port']}")
        for stop in seen:
            stop.visit(page)
            found += page.evaluate(FOREIGN)
            width = page.evaluate("document.documentElement.scrollWidth")
            if width > size["width"]:
                found.append(f"it is {width} wide")
            faults += [f"{stop.name}, {stop.address}: {fault}" for fault in found]
            found.clear()
    return faults


def test_nothing_that_a_neighbour_writes_does_anything(hostile_street: Street) -> None:
    """On the pages that show all neighbours, as wide as a phone."""
    faults = look(hostile_street, stops(hostile_street.home), {"width": 360, "height": 740}, "es")
    assert not faults, "\n".join(faults)


SHOWING_MOST = (
    "exchange-running", "exchange-disputed", "listing", "paper-minutes", "history-of", "entry",
    "verified-disputed",
)  # fmt: skip
"""Pages of a neighbour on which all that it writes comes into all kinds of places."""


@pytest.mark.parametrize(
    "shown", [SHOWING_MOST, pytest.param((), marks=pytest.mark.slow)], ids=["some pages", "all pages"]
)
def test_nor_on_the_pages_of_each_of_them(hostile_street: Street, shown: tuple[str, ...]) -> None:
    seen = [
        stop
        for each in hostile_street.home.neighbours[1:]
        for stop in pages_of(each)
        if stop.name in shown or not shown
    ]
    faults = look(hostile_street, seen, {"width": 360, "height": 740}, "en")
    assert not faults, "\n".join(faults)


UNSAID = frozenset({"accept.mandate.act", "authority.by", "succession.by", "succession.reason"})
"""Texts that take further signatures to be said; no page shows an act or a reason but in the entry itself."""


def texts_of(kind: msgspec.inspect.Type, path: str) -> Iterator[str]:
    """Where texts that people write stand in a record: those that have a length, and no form of their own."""
    match kind:
        case msgspec.inspect.StrType(max_length=int(most), pattern=None) if most != len("2030-01-31"):
            yield path
        case msgspec.inspect.StructType(fields=fields):
            for each in fields:
                yield from texts_of(each.type, f"{path}.{each.name}")
        case msgspec.inspect.UnionType(types=types):
            for one in types:
                yield from texts_of(one, path)
        case msgspec.inspect.VarTupleType(item_type=item):
            yield from texts_of(item, path)


def said_in(value: object, path: str, words: frozenset[str]) -> Iterator[str]:
    """Where in a record one of these texts stands."""
    if isinstance(value, str) and value in words:
        yield path
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from said_in(getattr(value, name), f"{path}.{name}", words)
    elif isinstance(value, tuple):
        for item in value:
            yield from said_in(item, path, words)


def test_they_write_into_every_text_of_every_kind_of_record(hostile_street: Street) -> None:
    said: set[str] = set()
    for each in hostile_street.home.neighbours:
        words = frozenset(text for text in vars(each.voice).values() if isinstance(text, str))
        for record in map(parse, each.writer.payloads):
            said.update(said_in(record, getattr(record, "kind", ""), words))
    wanted = {
        path for kind, made in KINDS.items() for path in texts_of(msgspec.inspect.type_info(made), kind)
    }
    assert len(wanted) > 40
    assert wanted - said == UNSAID


def test_what_is_shown_is_what_they_wrote(hostile_street: Street) -> None:
    """Nothing is left out or worked out: the text is there, letter by letter."""
    with hostile_street.at(hostile_street.node) as context:
        page = context.new_page()
        for each in hostile_street.home.neighbours:
            page.goto(f"/listings/{each.listings[0]}")
            shown = page.locator("main").text_content() or ""
            for text in (
                each.voice.title,
                *each.voice.note.splitlines(),
                each.voice.role,
                each.voice.council,
            ):
                assert text in shown


def test_letters_from_right_to_left_leave_the_amount_where_it_is(hostile_street: Street) -> None:
    """It stands beside its unit, after the thing: else it is read as the amount of something else."""
    texts = list(ATTEMPTS)
    each = hostile_street.home.neighbours[texts.index("right to left")]
    with hostile_street.at(hostile_street.node) as context:
        page = context.new_page()
        page.goto(f"/exchanges/{each.exchanges['asked']}")
        places = page.locator(".legs h3").first.evaluate(PLACES)
    assert 0 < places["unit"] - places["number"] < 60


PLACES = """each => {
    const text = each.firstChild, at = text.data.lastIndexOf(", 40 kg");
    const place = (from, to) => {
        const range = document.createRange();
        range.setStart(text, from);
        range.setEnd(text, to);
        return range.getBoundingClientRect().left;
    };
    return {number: place(at + 2, at + 4), unit: place(at + 5, at + 7)};
}"""
"""Where an amount and its unit are on the screen."""
