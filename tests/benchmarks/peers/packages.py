"""The packages of others: which, in which version, and how they come into a scratch folder.

npm fetches them by name and version, wherever this computer's npm is set up to
look. None of their install scripts is run: the libraries bring compiled parts
for the usual systems with them. Nothing is written outside the folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PACKAGES: Final[Mapping[str, Mapping[str, str]]] = {
    "hypercore": {"hypercore": "11.37.1", "hypercore-storage": "3.3.1", "corestore": "7.12.5"},
    "ssb": {
        "secret-stack": "6.4.2",
        "ssb-db2": "8.1.0",
        "ssb-ebt": "9.1.2",
        "ssb-keys": "8.5.0",
        "ssb-classic": "1.1.0",
    },
}
OLDEST_NODE: Final = 20
"""the major version of Node.js below which these are not known to run."""
PATIENCE_SECONDS: Final = 900
"""for npm to fetch one of the two."""

_NO_NETWORK: Final = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH")


class Unavailable(Exception):
    """Something that is needed is not to be had; the message is a sentence for whoever started this."""


def node() -> str:
    """The path of Node.js. Raises Unavailable."""
    found = shutil.which("node")
    if found is None:
        raise Unavailable(
            f"Hypercore and Scuttlebutt run on Node.js, which is not installed here: "
            f"install Node.js {OLDEST_NODE} or newer, with npm, and start this again."
        )
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    major = said.removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST_NODE:
        raise Unavailable(
            f"Node.js {OLDEST_NODE} or newer is needed; this is {said or 'of no known version'}."
        )
    return found


def install(system: str, folder: Path) -> None:
    """Have the packages of a system in a folder, which may hold them already. Raises Unavailable."""
    wanted = PACKAGES[system]
    if installed(system, folder) == wanted:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable(
            "npm, which comes with Node.js, is not installed here: install it, and start this again."
        )
    folder.mkdir(parents=True, exist_ok=True)
    # With a package.json of its own, npm does not look for one in the folders above.
    (folder / "package.json").write_text(json.dumps({"private": True}), encoding="utf-8")
    names = [f"{name}@{version}" for name, version in wanted.items()]
    command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", *names]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"npm has not fetched {', '.join(names)} within {PATIENCE_SECONDS // 60} minutes."
        ) from None
    if done.returncode != 0:
        raise Unavailable(_refusal(names, done.stderr))
    if installed(system, folder) != wanted:
        raise Unavailable(f"npm has installed something else than {', '.join(names)} in {folder}.")


def _refusal(names: list[str], said: str) -> str:
    """Why npm has not installed packages, in a sentence and its own last words."""
    errors = [line for line in said.splitlines() if "error" in line.lower()] or said.splitlines()
    words = "\n".join(f"    {line}" for line in errors[:4])
    if any(code in said for code in _NO_NETWORK):
        return (
            f"npm reaches no network to fetch {', '.join(names)}; "
            f"once they are in the folder, no network is needed.\n{words}"
        )
    return f"npm could not install {', '.join(names)}.\n{words}"


def installed(system: str, folder: Path) -> dict[str, str]:
    """The versions of a system's packages that are in a folder."""
    found = {}
    for name in PACKAGES[system]:
        path = folder / "node_modules" / name / "package.json"
        if path.is_file():
            found[name] = json.loads(path.read_bytes())["version"]
    return found
