"""Homes at their beginning: nothing founded, a commune of today, one that is brought back, one that waits.

    beginnings(home)                      # each with its node, until it is left, and its pages

What stands in `furnishing` is a home that has been used for long; here are the
pages that such a home shows no more, and all others while there is nothing on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..node.conftest import Secretary
from ..support.communes import NETWORK
from ..support.nodes import START, NodeProcess
from .furnishing import PASSWORD, Furnished, Stop, open_all, sending

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

SLOWLY: Final = f"""
import threading
from node.web import restoring

def endless(home, file, password, recovery, progress):
    progress(3, 10)
    threading.Event().wait()

restoring.restore_from = endless
{START}
"""
"""A node on a computer on which bringing a commune back takes for ever."""

Beginning = tuple[NodeProcess, Sequence[Stop]]


@contextmanager
def beginnings(home: Furnished) -> Iterator[list[Beginning]]:
    """Nodes beside that of a furnished home, each with the pages that are to be looked at there."""
    folder = home.home.parent
    today = Secretary("Las Vegas", folder / "today")
    words = ("--yes", "--recovery-out", str(folder / "today.words"))
    today.run("init", "--name", today.name, "--network", NETWORK, *words)
    waiting = Secretary(home.secretary.name, folder / "waiting")
    waiting.run(
        "restore", str(folder / "backup"), "--password-file", str(folder / "password"),
        "--request-out", str(folder / "request.json"),
    )  # fmt: skip
    with (
        NodeProcess(folder / "empty") as empty,
        NodeProcess(today.home) as new,
        NodeProcess(waiting.home) as paused,
        NodeProcess(folder / "brought", start=SLOWLY) as slow,
    ):
        for node in (empty, new, paused, slow):
            assert node.started, node.journal.read_text()
        yield [
            (empty, _of_empty(folder)),
            (new, _of_today(home.own)),
            (paused, _of_waiting()),
            (slow, [Stop("restoring", "/welcome", _Brought(folder), shows="/welcome/restoring")]),
        ]


# Nothing founded --------------------------------------------------------------------------------


def _of_empty(folder: Path) -> list[Stop]:
    def brought_wrongly(page: Page) -> None:
        _give_backup(page, folder)
        sending("/welcome/restore/words", words="uno dos tres")(page)

    return [
        Stop("welcome", "/welcome"),
        Stop("welcome-new", "/welcome/new", open_all),
        Stop("welcome-new-faults", "/welcome/new", sending("/welcome/new", name="")),
        Stop("welcome-words", "/welcome/new", _begun, shows="/welcome/words"),
        Stop("welcome-check-faults", "/welcome/new", _checked, shows="/welcome/check"),
        Stop("restore", "/welcome/restore"),
        Stop("restore-faults", "/welcome/restore", sending("/welcome/restore")),
        Stop(
            "restore-words",
            "/welcome/restore",
            lambda page: _give_backup(page, folder),
            shows="/welcome/restore/words",
        ),
        Stop("restore-words-faults", "/welcome/restore", brought_wrongly, shows="/welcome/restore/words"),
    ]


def _begun(page: Page) -> None:
    sending("/welcome/new", name="Los Montes", place="Turmero")(page)


def _checked(page: Page) -> None:
    _begun(page)
    page.goto("/welcome/check")
    sending("/welcome/check", words="uno dos tres")(page)


def _give_backup(page: Page, folder: Path) -> None:
    page.goto("/welcome/restore")
    page.locator("[type=file]").set_input_files(folder / "backup")
    sending("/welcome/restore", password=PASSWORD)(page)


# Founded today ----------------------------------------------------------------------------------


def _of_today(stranger: str) -> list[Stop]:
    """`stranger` is the id of a commune that it has never heard of."""
    pages = [
        Stop("board", "/", open_all),
        Stop("board-paper", "/print"),
        Stop("exchanges", "/exchanges"),
        Stop("exchange-new", "/exchanges/new"),
        Stop("exchange-ring-new", "/exchanges/ring"),
        Stop("accounts", "/accounts"),
        Stop("statement", "/accounts/statement"),
        Stop("history", "/history"),
        Stop("charts", "/history/charts", open_all),
        Stop("audit", "/audit"),
        Stop("neighbours", "/neighbours"),
        Stop("notices", "/notices"),
        Stop("lan", "/settings/lan", open_all),
        Stop("welcome-lan", "/welcome/lan?step=4"),
        Stop("history-of-nobody", f"/history/{stranger}", status=404),
    ]
    return [replace(stop, name=f"{stop.name}-today") for stop in pages]


# Brought back -----------------------------------------------------------------------------------


def _of_waiting() -> list[Stop]:
    return [
        Stop("signatures", "/welcome/signatures"),
        Stop("signatures-faults", "/welcome/signatures", _sent_nothing),
        Stop("board-waiting", "/"),
    ]


def _sent_nothing(page: Page) -> None:
    page.locator("[type=file]").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": b"{}"}
    )
    sending("/welcome/signatures")(page)


class _Brought:
    """Bring a commune back, and look how far it is; the browser that began it is the one that may."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cookies: list[Any] = []

    def __call__(self, page: Page) -> None:
        def keep_still(route: Route) -> None:
            answer = route.fetch()
            headers = {name: text for name, text in answer.headers.items() if name != "refresh"}
            route.fulfill(response=answer, headers=headers)

        page.route("**/welcome/restoring", keep_still)
        if self.cookies:
            page.context.add_cookies(self.cookies)
            page.goto("/welcome/restoring")
            return
        _give_backup(page, self.folder)
        words = (self.folder / "montes.words").read_text(encoding="utf-8")
        sending("/welcome/restore/words", words=words)(page)
        self.cookies = page.context.cookies()
