"""Settings: what the operator of a node decides, in `config.toml` of the home.

Decides which settings there are, their defaults, and what is said of a file
that cannot be read: the line, the setting, and what may stand there. The
command line wins over the file. What a setting does is described in
docs/reference/settings.md.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from ledger.errors import LocalError
from ledger.sentences import N_
from protocol.addresses import Place
from protocol.limits import MAX_PLACES

from .addresses import PEER_PORT, Address, parse_address, parse_place
from .errors import InputError, SettingsError
from .limits import (
    INTRODUCED_LOGS,
    INTRODUCED_MEGABYTES,
    LIVE_LINKS,
    LOG_MEGABYTES,
    MAX_CHOSEN,
    MAX_HOPS,
    MAX_LIVE_LINKS,
    MAX_PHOTO_MEGABYTES,
    MAX_QUOTA_LOGS,
    MAX_QUOTA_MEGABYTES,
    MAX_SETTINGS_BYTES,
)

PEOPLE_PORT: Final = 8783
"""T-R-U-E on the keys of a telephone; the port of the pages and the API."""

Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
HostName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9.-]{1,253}\Z")]
Id = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f]{64}\Z")]
Megabytes = Annotated[int, msgspec.Meta(ge=1, le=MAX_QUOTA_MEGABYTES)]
Level = Literal["debug", "info", "warning", "error"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a node is told by its operator."""

    people_port: Port = PEOPLE_PORT
    peer_port: Port = PEER_PORT
    peers: tuple[str, ...] = ()
    public_addresses: Annotated[tuple[str, ...], msgspec.Meta(max_length=MAX_PLACES)] = ()
    discovery: bool = True
    live_links: Annotated[int, msgspec.Meta(ge=2, le=MAX_LIVE_LINKS)] = LIVE_LINKS
    hops: Annotated[int, msgspec.Meta(ge=1, le=MAX_HOPS)] = 3
    follow: Annotated[tuple[Id, ...], msgspec.Meta(max_length=MAX_CHOSEN)] = ()
    introduced_logs: Annotated[int, msgspec.Meta(ge=0, le=MAX_QUOTA_LOGS)] = INTRODUCED_LOGS
    introduced_megabytes: Megabytes = INTRODUCED_MEGABYTES
    log_megabytes: Megabytes = LOG_MEGABYTES
    hosts: tuple[HostName, ...] = ()
    lan: bool | None = None
    """None leaves it to the page of settings"""
    photo_megabytes: Annotated[int, msgspec.Meta(ge=0, le=MAX_PHOTO_MEGABYTES)] = 512
    """some two thousand photos as phones send them; a card of 16 GB has room for it beside everything else"""
    log_level: Level = "info"
    log_json: bool = False

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Nodes to talk to, wherever they are. Raises InputError."""
        return tuple(map(parse_address, self.peers))

    @property
    def places(self) -> tuple[Place, ...]:
        """Where this node says that it can be called. Raises InputError."""
        return tuple(dict.fromkeys(map(parse_place, self.public_addresses)))

    @property
    def chosen(self) -> frozenset[bytes]:
        """The communes, by their ids, and the logs, by their keys, that are followed."""
        return frozenset(map(bytes.fromhex, self.follow))


EXPECTED: Final[Mapping[str, str]] = {
    "people-port": N_("a number from 0 to 65535, without quotes"),
    "peer-port": N_("a number from 0 to 65535, without quotes"),
    "peers": N_('a list of addresses, as in ["montes.example:8784"]'),
    "public-addresses": N_('a list of at most four public addresses, as in ["montes.example:8784"]'),
    "discovery": N_("true or false, without quotes"),
    "live-links": N_("a number from 2 to 20, without quotes"),
    "hops": N_("a number from 1 to 8, without quotes"),
    "follow": N_("a list of whole ids of communes or logs, 64 digits each, in quotes"),
    "introduced-logs": N_("a number from 0 to 100000, without quotes"),
    "introduced-megabytes": N_("a number from 1 to 1000000, without quotes"),
    "log-megabytes": N_("a number from 1 to 1000000, without quotes"),
    "hosts": N_('a list of names, as in ["trueque.example"]'),
    "lan": N_("true or false, without quotes"),
    "photo-megabytes": N_("a number from 0 to 1000000, without quotes"),
    "log-level": N_('"debug", "info", "warning" or "error"'),
    "log-json": N_("true or false, without quotes"),
}
"""What may stand behind each setting, in words."""


def read_settings(path: Path) -> Settings:
    """The settings of a file, the defaults if there is none. Raises SettingsError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SETTINGS_BYTES + 1)
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise SettingsError(
            "The settings {path} cannot be read ({reason}): check the file and its permissions.",
            path=path,
            reason=error.strerror,
        ) from error
    if len(data) > MAX_SETTINGS_BYTES:
        raise SettingsError("The settings {path} are too long to be settings: look into the file.", path=path)
    try:
        text = data.decode("utf-8")
        given = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise SettingsError(
            "The settings {path} are not written in UTF-8: save the file as that.", path=path
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _not_toml(path, text, str(error)) from error
    return _settings_of(given, path, text)


def _not_toml(path: Path, text: str, said: str) -> SettingsError:
    matched = re.search(r"line (\d+)", said)
    return SettingsError(
        "The settings {path} cannot be understood in line {line}: a setting is written as in {example}.",
        path=path,
        line=len(text.splitlines()) if matched is None else int(matched[1]),
        example=f"people-port = {PEOPLE_PORT}",
    )


def _settings_of(given: Mapping[str, Any], path: Path, text: str) -> Settings:
    known = {field.encode_name: field for field in msgspec.structs.fields(Settings)}
    found: dict[str, Any] = {}
    for name, value in given.items():
        where: dict[str, object] = {"path": path, "line": _line_of(name, text), "name": name[:70]}
        if name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.6)
            if near:
                raise SettingsError(
                    "The settings {path} name in line {line} '{name}', which is no setting: is {near} meant?",
                    **where,
                    near=near[0],
                )
            raise SettingsError(
                "The settings {path} name in line {line} '{name}', which is no setting: take it out.", **where
            )
        try:
            found[known[name].name] = msgspec.convert(value, known[name].type)
            for each in found["peers"] if name == "peers" else ():
                parse_address(each)
            for each in found["public_addresses"] if name == "public-addresses" else ():
                parse_place(each)
        except (msgspec.ValidationError, InputError) as error:
            raise SettingsError(
                "The settings {path} have something else in line {line} behind {name} than {expected}.",
                **where,
                expected=LocalError(EXPECTED[name]),
            ) from error
    return Settings(**found)


def _line_of(name: str, text: str) -> int:
    """The line in which a setting stands, 1 if it is written in some unusual way."""
    said = re.compile(rf"""\s*\[*\s*["']?{re.escape(name)}["']?\s*[\].=]""")
    return next((number for number, line in enumerate(text.splitlines(), 1) if said.match(line)), 1)
