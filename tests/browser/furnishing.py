"""Homes to be looked at: a commune whose neighbours have said all kinds of things to it, and its pages.

    home = furnish(folder, PLAIN)         # founded, with listings and exchanges in all states
    stops(home)                           # every page of it, with what is done there before it is looked at

Every neighbour speaks in its own way (`Voice`): what it writes into the fields
of its records is that voice's. The same pages are there for communes that say
what people say and for those that try to break what shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ledger.log import Head
from ledger.records import (
    Accept,
    Cancel,
    CommuneId,
    Correct,
    Decline,
    Deliver,
    Dispute,
    Need,
    Offer,
    Profile,
    Propose,
    Quantity,
    Receive,
    Recognise,
    Settle,
    Transfer,
    Unrecognise,
    Withdraw,
)
from ledger.store.reading import Reader
from ledger.store.writing import Store

from ..node.conftest import Secretary
from ..support.communes import NETWORK, Writer, kg
from ..support.communes import found as found_writer

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page


@dataclass(frozen=True)
class Voice:
    """What a commune writes into the fields of its records: lines and texts, codes of category and unit."""

    name: str
    title: str
    note: str
    place: str = "el galpón"
    role: str = "vocería de acopio"
    council: str = "Consejo comunal El Rincón"
    category: str = "food-grain"
    unit: str = "kg"


PASSWORD: Final = "agua de panela con limón"
"""Of the pages over the local network, and of the backup."""

PLAIN: Final = (
    Voice("El Valle", "Maíz blanco", "Cosecha de esta semana, seleccionada y sin humedad."),
    Voice("Comuna Agroecológica y Pesquera Hijas e Hijos de la Cumbre Alta", "Jornada de arado con bueyes",
          "Se entrega los sábados por la mañana,\navisando antes a la vocería.",
          category="farm-work", unit="jornada"),
    Voice("La Ceiba", "Jabón azul", "Lo que la asamblea vea justo.", category="hygiene", unit="piece"),
)  # fmt: skip

ADDRESSES: Final = ("127.0.0.1:1", "[::1]:1")
"""Of neighbours that are called and never reached: nobody listens there."""

STATES: Final = ("asked", "running", "disputed", "declined", "fulfilled")


@dataclass
class Furnished:
    """A furnished home: what is in it, by hexadecimal ids."""

    secretary: Secretary
    own: str
    neighbours: list[Neighbour] = field(default_factory=list)
    listings: dict[str, str] = field(default_factory=dict)
    ring: str = ""

    @property
    def home(self) -> Path:
        """The folder of the home."""
        return self.secretary.home


@dataclass
class Neighbour:
    """One of its neighbours, its listings, and its exchanges by their state."""

    voice: Voice
    writer: Writer
    listings: list[str] = field(default_factory=list)
    exchanges: dict[str, str] = field(default_factory=dict)

    @property
    def commune(self) -> str:
        """Its id."""
        return self.writer.commune.hex()


def furnish(folder: Path, voices: Sequence[Voice]) -> Furnished:
    """Found a commune with neighbours of these voices, each with an exchange in each state."""
    secretary = Secretary("Los Montes", folder / "montes")
    words = ("--yes", "--recovery-out", str(folder / "montes.words"))
    secretary.run("init", "--name", secretary.name, "--network", NETWORK, *words)
    secretary.sign(
        "profile", "--place", "Turmero", "--about", "Siete consejos comunales entre la quebrada y la vía.",
        "--contact", "Secretaría, en la casa comunal, de lunes a viernes.",
    )  # fmt: skip
    home = Furnished(secretary, secretary.commune)
    soon = (date.today() + timedelta(days=3)).isoformat()
    listings: dict[str, tuple[str, ...]] = {
        "maize": ("offer", "Caraotas negras", "--category", "food-legumes", "--quantity", "120.5",
                  "--unit", "kg", "--until", soon, "--wants", "Clavos, o lo que vean justo",
                  "--place", "Galpón de la escuela"),
        "bare": ("offer", "Semilla de ají dulce", "--category", "seeds"),
        "wanted": ("need", "Maíz blanco", "--category", "food-grain", "--quantity", "60", "--unit", "kg"),
        "work": ("need", "Dos días de trabajo con bueyes", "--category", "farm-work", "--note", "En abril."),
        "taken back": ("offer", "Tablones"),
    }  # fmt: skip
    for name, arguments in listings.items():
        home.listings[name] = secretary.sign(*arguments)
    secretary.sign("withdraw", home.listings["taken back"])
    own = found_writer("Los Montes")
    own.commune = CommuneId(bytes.fromhex(home.own))
    for number, voice in enumerate(voices):
        neighbour = Neighbour(voice, _opened(voice, number))
        home.neighbours.append(neighbour)
        _list(neighbour)
        _deal(home, neighbour, own)
    _ring(home, own)
    for number, neighbour in enumerate(home.neighbours):
        if number != 1:
            secretary.sign("recognise", neighbour.commune)
    for address in ADDRESSES:
        secretary.run("peers", "--add", address)
    password = folder / "password"
    password.write_text(f"{PASSWORD}\n", encoding="utf-8")
    secretary.run("password", "--password-file", str(password))
    secretary.run("backup", str(folder / "backup"), "--password-file", str(password))
    return home


def _opened(voice: Voice, number: int) -> Writer:
    writer = found_writer(
        voice.name, log=f"neighbour {number}", place=voice.place, about=voice.note, by=voice.role,
        within=voice.council,
    )  # fmt: skip
    writer.clock = 1_760_000_000_000
    writer.say(
        Profile, name=voice.name, place=voice.place, about=voice.note, contact=voice.note, by=voice.role
    )
    return writer


def _list(neighbour: Neighbour) -> None:
    voice, writer = neighbour.voice, neighbour.writer
    for kind, quantity in ((Offer, Quantity(4005, 1, voice.unit)), (Need, None)):
        entry = writer.say(
            kind, title=voice.title, note=voice.note, wants=voice.note, place=voice.place, by=voice.role,
            council=voice.council, category=voice.category, quantity=quantity,
        )  # fmt: skip
        neighbour.listings.append(entry.hex())
    writer.say(Correct, target=bytes.fromhex(neighbour.listings[0]), note=voice.note, by=voice.role)
    past = writer.say(Need, title=voice.title, category=voice.category, quantity=Quantity(2, 0, voice.unit))
    writer.say(Withdraw, target=past, reason=voice.note, by=voice.role)


def _tell(home: Furnished, writer: Writer) -> None:
    with Store(home.home / "ledger.sqlite", NETWORK) as store:
        store.ingest(writer.run())


def _own_head(home: Furnished) -> Head:
    with Reader(home.home / "ledger.sqlite") as reader:
        branch = next(row for row in reader.branches() if row.commune == bytes.fromhex(home.own))
        return list(reader.runs(branch.number))[-1].head


def _deal(home: Furnished, neighbour: Neighbour, own: Writer) -> None:
    """An exchange in each state; what the neighbour says of it is in its voice."""
    voice, writer, secretary = neighbour.voice, neighbour.writer, home.secretary
    for kind in (Recognise, Unrecognise, Recognise):
        writer.say(kind, commune=own.commune, note=voice.note, by=voice.role)
    said: dict[str, Any] = {"note": voice.note, "by": voice.role}
    for state in STATES:
        if state == "declined":
            continue
        parties = tuple(sorted((writer.commune, own.commune)))
        place = parties.index(writer.commune)
        thing: dict[str, Any] = {"title": voice.title, "category": voice.category}
        given = Quantity(40, 0, voice.unit) if state == "fulfilled" else kg(40)
        legs: tuple[Transfer, ...] = (Transfer(giver=place, receiver=1 - place, quantity=given, **thing),)
        if state != "fulfilled":
            back = Quantity(3, 0, voice.unit)
            legs += (Transfer(giver=1 - place, receiver=place, quantity=back, **thing),)
        neighbour.exchanges[state] = writer.say(Propose, parties=parties, transfers=legs, **said).hex()
    _tell(home, writer)
    for state in ("running", "disputed", "fulfilled"):
        secretary.sign("accept", neighbour.exchanges[state])
    ours = ("--give", "Caraotas;5;kg", "--take", "Sal;1;kg")
    neighbour.exchanges["declined"] = secretary.sign("propose", "--to", neighbour.commune, *ours)
    seen = [_own_head(home)]
    trades = {state: bytes.fromhex(entry) for state, entry in neighbour.exchanges.items()}
    writer.say(Decline, exchange=trades["declined"], seen=seen, **said)
    writer.say(Deliver, exchange=trades["running"], transfer=0, quantity=kg(25), seen=seen, **said)
    writer.say(Deliver, exchange=trades["disputed"], transfer=0, quantity=kg(40), **said)
    quarrel = writer.say(Dispute, exchange=trades["disputed"], transfer=1, **said)
    writer.say(Settle, dispute=quarrel, outcome="due", **said)
    writer.say(Cancel, exchange=trades["disputed"], reason=voice.note, by=voice.role)
    writer.say(Deliver, exchange=trades["fulfilled"], transfer=0, quantity=given, **said)
    _tell(home, writer)
    secretary.sign(
        "receive",
        neighbour.exchanges["running"],
        "--transfer",
        "1",
        "--quantity",
        "20",
        "--condition",
        "short",
    )
    secretary.sign("receive", neighbour.exchanges["fulfilled"], "--transfer", "1")
    secretary.sign("deliver", neighbour.exchanges["running"], "--transfer", "2", "--quantity", "2")
    writer.say(
        Receive, exchange=trades["running"], transfer=1, quantity=Quantity(1, 0, voice.unit),
        condition="damaged", seen=[_own_head(home)], **said,
    )  # fmt: skip
    _tell(home, writer)


def _ring(home: Furnished, own: Writer) -> None:
    first, second = home.neighbours[0], home.neighbours[1]
    home.ring = first.writer.propose(
        (first.writer, own, first.voice.title, kg(10)), (own, second.writer, "Sal", kg(2)),
        (second.writer, first.writer, second.voice.title, None), note=first.voice.note,
    ).hex()  # fmt: skip
    second.writer.say(
        Accept,
        exchange=bytes.fromhex(home.ring),
        seen=[first.writer],
        note=second.voice.note,
        by=second.voice.role,
    )
    for neighbour in (first, second):
        _tell(home, neighbour.writer)


# Pages ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """A page to be looked at: its name, its address, and what is done there before.

    `shows` is the address to which that leads, where it is another page than the one that it began on.
    """

    name: str
    address: str
    do: Callable[[Page], None] | None = None
    status: int = 200
    shows: str = ""

    def visit(self, page: Page) -> None:
        """Go there, and do it."""
        answer = page.goto(self.address)
        assert answer is not None, self.name
        assert answer.status == self.status, f"{self.name}: {answer.status}"
        assert urlsplit(page.url).path == urlsplit(self.address).path, f"{self.name} leads elsewhere"
        if self.do is not None:
            self.do(page)
        if self.shows:
            assert urlsplit(page.url).path == self.shows, f"{self.name} leads elsewhere"


def sending(selector: str, *, loosely: bool = True, **values: str) -> Callable[[Page], None]:
    """Fill a form and send it; `loosely`: the browser itself refuses nothing."""

    def send(page: Page) -> None:
        form = page.locator(f"form[action='{selector}']").first
        if form.locator("xpath=ancestor::details").count():
            form.locator("xpath=ancestor::details").evaluate("each => { each.open = true }")
        for each in form.locator("details").all():
            each.evaluate("each => { each.open = true }")
        for name, text in values.items():
            box = form.locator(f"[name={name}]").first
            if box.evaluate("each => each.tagName") == "SELECT":
                box.select_option(text)
            else:
                box.fill(text)
        if loosely:
            form.evaluate("each => { each.noValidate = true }")
        with page.expect_navigation():
            form.locator("[type=submit], button").first.click()

    return send


def _both(first: Callable[[Page], None], second: Callable[[Page], None]) -> Callable[[Page], None]:
    def do(page: Page) -> None:
        first(page)
        second(page)

    return do


def open_all(page: Page) -> None:
    """Open whatever can be opened on a page."""
    for each in page.locator("details").all():
        each.evaluate("each => { each.open = true }")


def _receipt(page: Page, exchange: str) -> bytes:
    return page.request.get(f"/exchanges/{exchange}/receipt").body()


def checked(exchange: str, changed: int = 0) -> Callable[[Page], None]:
    """Give the page the receipt of an exchange as a file; `changed`: what a byte of it is changed by."""

    def check(page: Page) -> None:
        data = bytearray(_receipt(page, exchange))
        data[-20] ^= changed
        give(page, [bytes(data)])

    return check


def checked_from_paper(exchange: str) -> Callable[[Page], None]:
    """Give it photos of the codes on the printed receipt."""

    def check(page: Page) -> None:
        give(page, photos_of(page, exchange))

    return check


def photos_of(page: Page, exchange: str) -> list[bytes]:
    """What a camera sees of the codes of a printed receipt."""
    paper = page.context.new_page()
    paper.set_viewport_size({"width": 1280, "height": 1600})
    paper.goto(f"/exchanges/{exchange}/print/receipt")
    photos = [code.screenshot() for code in paper.locator(".codes figure").all()]
    paper.close()
    return photos


def payloads(files: Sequence[bytes]) -> list[FilePayload]:
    """Files as a form is given them."""
    kind = "application/octet-stream"
    return [{"name": f"{number}", "mimeType": kind, "buffer": data} for number, data in enumerate(files, 1)]


def give(page: Page, files: Sequence[bytes]) -> None:
    """Give files to the form of /verify, and send it."""
    page.locator("#files").set_input_files(payloads(files))
    sending("/verify")(page)


def _audited(page: Page) -> None:
    sending("/audit")(page)
    while page.locator("progress").count():
        page.wait_for_timeout(100)
        page.reload()


def _logged_in(page: Page) -> None:
    sending("/login", password=PASSWORD)(page)
    page.goto("/settings/backup")


STOPS_NEARBY: Final = (
    Stop("login", "/login"),
    Stop("login-faults", "/login", sending("/login", password="otra cosa")),
    Stop("here-alone", "/login", _logged_in),
)
"""What phones on the local network get to see beside all else."""


def stops(home: Furnished) -> list[Stop]:
    """All pages of a furnished home, in all their states; those of the first neighbour stand for all."""
    first, second, third = home.neighbours[:3]
    new = "/listings/new"
    return [
        Stop("board", "/", open_all),
        Stop("board-search", f"/?q={first.voice.title[:3]}"),
        Stop("board-nothing", "/?q=zzzzzz"),
        Stop("board-paper", "/print"),
        Stop("listing-own", f"/listings/{home.listings['maize']}"),
        Stop("listing-bare", f"/listings/{home.listings['bare']}"),
        Stop("listing-taken-back", f"/listings/{home.listings['taken back']}"),
        Stop("listing-new", f"{new}?kind=offer"),
        Stop("listing-new-faults", new, sending(new, title="", number="muchos", until="2001-01-01")),
        Stop(
            "listing-last-look", new, sending(new, title="Clavos de tres pulgadas", note="Una caja\nabierta")
        ),
        Stop("listing-renew", f"/listings/{home.listings['maize']}/renew"),
        Stop("listing-withdraw", f"/listings/{home.listings['maize']}/withdraw"),
        Stop("exchanges", "/exchanges"),
        Stop("exchange-new", f"/exchanges/new?listing={first.listings[0]}"),
        Stop(
            "exchange-new-faults",
            f"/exchanges/new?with={first.commune}",
            sending("/exchanges/new", take_number_1="x"),
        ),
        Stop("exchange-ring-new", "/exchanges/ring"),
        Stop("exchange-ring-faults", "/exchanges/ring", sending("/exchanges/ring")),
        Stop("exchange-ring", f"/exchanges/{home.ring}", open_all),
        Stop("exchange-counter", f"/exchanges/new?replaces={first.exchanges['asked']}"),
        *pages_of(first),
        Stop("verify", "/verify"),
        Stop("verify-faults", "/verify", sending("/verify", text="nada")),
        Stop("verify-changed", "/verify", checked(first.exchanges["fulfilled"], changed=1)),
        Stop("verified-photo", "/verify", checked_from_paper(first.exchanges["fulfilled"])),
        Stop("accounts", "/accounts", open_all),
        Stop("statement", "/accounts/statement?since=2025-01-01&until=2030-12-31"),
        Stop("statement-faults", "/accounts/statement?since=2025-31-12&until=ayer", status=422),
        Stop("history", "/history"),
        Stop("history-own", f"/history/{home.own}", open_all),
        Stop("charts", "/history/charts", open_all),
        Stop("audit", "/audit", _audited),
        Stop("log", f"/logs/{first.writer.log.hex()}"),
        Stop("neighbours", "/neighbours", open_all),
        Stop(
            "neighbours-faults",
            "/neighbours",
            sending("/neighbours/addresses", node="la casa del acopio:uno"),
        ),
        Stop("neighbour", f"/neighbours/{first.commune}"),
        Stop(
            "neighbour-faults",
            f"/neighbours/{first.commune}",
            sending(f"/neighbours/{first.commune}/name", called=third.voice.name),
        ),
        Stop("neighbour-last-look", "/neighbours", sending(f"/neighbours/{second.commune}/recognise")),
        Stop("diagnosis", "/neighbours/diagnosis"),
        Stop("bundles", "/bundles", open_all),
        Stop("notices", "/notices"),
        Stop("settings", "/settings", open_all),
        Stop("profile", "/settings/profile"),
        Stop("profile-faults", "/settings/profile", sending("/settings/profile", name="")),
        Stop("lan", "/settings/lan", open_all),
        Stop("lan-faults", "/settings/lan", sending("/settings/password", password="corta", again="otra")),
        Stop("backup", "/settings/backup", open_all),
        Stop("reach", "/reach"),
        Stop("status", "/status", open_all),
        Stop("restored", "/welcome/restored"),
        Stop("missing", "/nothing-here", status=404),
        Stop("missing-listing", f"/listings/{third.commune}", status=404),
    ]


def pages_of(neighbour: Neighbour) -> list[Stop]:
    """The pages that show what one neighbour has said."""
    running = f"/exchanges/{neighbour.exchanges['running']}"
    return [
        *(
            Stop(f"exchange-{state}", f"/exchanges/{neighbour.exchanges[state]}", open_all)
            for state in STATES
        ),
        Stop("exchange-faults", running, sending(f"{running}/deliver", number="muchos")),
        Stop("exchange-last-look", running, sending(f"{running}/deliver", number="1", note="Falta el resto")),
        Stop("paper-delivery", f"{running}/print/delivery-1"),
        Stop("paper-minutes", f"{running}/print/minutes"),
        Stop("paper-receipt", f"{running}/print/receipt"),
        Stop("listing", f"/listings/{neighbour.listings[0]}"),
        Stop("listing-without-quantity", f"/listings/{neighbour.listings[1]}"),
        Stop("history-of", f"/history/{neighbour.commune}", open_all),
        Stop("entry", f"/entries/{neighbour.exchanges['asked']}", open_all),
        *(
            Stop(f"verified-{state}", "/verify", _both(checked(neighbour.exchanges[state]), open_all))
            for state in ("fulfilled", "disputed")
        ),
    ]
