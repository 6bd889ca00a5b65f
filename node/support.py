"""Support: what somebody who helps from afar needs to know of a node, as a text to copy.

Decides what is in it: versions, the system, how the node is, and nothing secret:
no key, no token, no address, no name of a person's folder. It is English,
whoever reads it on the way, since it is for those who maintain Trueque.
"""

from __future__ import annotations

import contextvars
import locale
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from ledger.author import SENTENCES

from . import language, wording
from .answers import error_of
from .state import State
from .storage.file import SQLITE_VERSION

PACKAGES: Final = ("aiohttp", "aiohttp-jinja2", "msgspec", "pynacl", "sqlite-utils", "zeroconf", "segno")
"""Those of which a version is worth knowing."""


def versions() -> list[tuple[str, str]]:
    """What runs, a name and a version each."""
    return [
        ("Trueque", _version("trueque")),
        ("Python", platform.python_version()),
        ("SQLite", SQLITE_VERSION),
        ("Linux" if platform.system() == "Linux" else platform.system(), platform.release()),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def text_of(state: State, lan: str) -> str:
    """All of it, a line each; `lan` says in a word whether the local network is let in."""
    return contextvars.copy_context().run(_text_of, state, lan)


def _text_of(state: State, lan: str) -> str:
    language.speak("en")
    lines = [f"{name} {number}" for name, number in versions()]
    lines.append(", ".join(f"{name} {_version(name)}" for name in PACKAGES))
    lines.append(f"machine: {platform.machine()}, encoding: {locale.getpreferredencoding(False)}")
    lines.append(f"time: {wording.plain_time_of(state.clock.now)}, doubt: {state.clock.doubt or 'none'}")
    lines.append(f"home: {state.state}, local network: {lan}")
    if state.process is not None:
        listens = "none" if state.process.peer_port is None else state.process.peer_port
        since = wording.plain_time_of(state.process.since)
        lines.append(f"since: {since}, pages: {state.process.people_port}, other nodes: {listens}")
    if state.commune is not None:
        lines.append(f"network: {state.commune.network}, log: {state.commune.log[:16]}")
    if state.situation is not None:
        lines.append(f"signing: {state.situation.name.lower()}. {SENTENCES[state.situation]}")
    if state.trouble is not None:
        lines.append(f"trouble: {_pathless(state, language.told(error_of(state.trouble)))}")
    if state.held is not None:
        held = state.held
        lines.append(
            f"held: {held.entries} entries, {held.logs} logs ({held.forked} forked), {held.communes} communes"
        )
    if state.disk is not None:
        free, size = wording.size_of(state.disk.free), wording.size_of(state.disk.size)
        lines.append(f"disk: {free} free of {size}")
    for name, part in state.parts.items():
        for sentence in part.sentences:
            lines.append(f"{name}: {_pathless(state, language.told(error_of(sentence)))}")
    return "\n".join(lines)


def _pathless(state: State, text: str) -> str:
    """A sentence without the folder, which may carry somebody's name."""
    return text.replace(state.home, "HOME") if state.home else text
