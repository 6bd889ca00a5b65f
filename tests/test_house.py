"""What must hold for the repository as a whole: its documents, its configuration and its borders.

Files are those that git tracks, or would track, so that nobody's leftovers count.
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from .support.shared import CHECKOUT

LAYERS = ("node", "protocol", "ledger")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)

# Spelled so that this file does not hold what it looks for.
REGISTRIES = (
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry." + "npmjs",
    "npmjs" + ".com",
    "piwheels" + ".org",
)
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root|Users|tmp)/\w")


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        capture_output=True,
        check=False,
    )
    if listed.returncode != 0:
        pytest.skip("this is not a git checkout, so which files belong to the project is not known")
    paths = [CHECKOUT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> Iterator[tuple[str, str]]:
    """Path and content of every tracked text file."""
    for path in tracked_files():
        data = path.read_bytes()
        if b"\0" not in data:
            yield str(path.relative_to(CHECKOUT)), data.decode()


def pins(name: str) -> dict[str, str]:
    """Package name to version, from a requirements file."""
    return dict(
        re.findall(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", (CHECKOUT / name).read_text(), re.MULTILINE)
    )


def anchors(markdown: str) -> set[str]:
    """The targets that a page's headings make, as forges spell them."""
    headings = re.findall(r"^#+\s+(.*)$", FENCE.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of whoever installs them."""
    found = [(name, address) for name, text in texts() for address in REGISTRIES if address in text]
    assert not found


def test_no_file_names_a_folder_of_somebodys_machine() -> None:
    found = [(name, match[0]) for name, text in texts() for match in MACHINE_PATH.finditer(text)]
    assert not found


def test_every_link_between_documents_leads_somewhere() -> None:
    broken = []
    for name, text in texts():
        if not name.endswith(".md"):
            continue
        for target in LINK.findall(FENCE.sub("", text)):
            if re.match(r"[a-z]+:", target):
                continue
            place, _, anchor = target.partition("#")
            page = (CHECKOUT / name).parent / place if place else CHECKOUT / name
            if not page.exists() or (anchor and anchor not in anchors(page.read_text())):
                broken.append((name, target))
    assert not broken


def test_every_document_can_be_reached_from_the_readme() -> None:
    """A page that nothing links to is a page that nobody reads or keeps true."""
    reached: set[Path] = set()
    waiting = [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or not page.is_file():
            continue
        reached.add(page)
        if page.suffix == ".md":
            waiting += [page.parent / link.partition("#")[0] for link in LINK.findall(page.read_text())]
    pages = {path.resolve() for path in tracked_files() if path.suffix == ".md"}
    assert {str(page.relative_to(CHECKOUT)) for page in pages - reached} == set()


def test_the_licence_is_the_whole_agpl_and_the_project_says_so() -> None:
    licence = (CHECKOUT / "LICENSE").read_text()
    assert licence.lstrip().startswith("GNU AFFERO GENERAL PUBLIC LICENSE")
    assert "13. Remote Network Interaction" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "AGPL-3.0-or-later"


def test_the_distribution_cannot_be_published_by_accident() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert "Private :: Do Not Upload" in project["classifiers"]


def test_the_changelog_begins_with_what_is_not_released() -> None:
    headings = re.findall(r"^## (.*)$", (CHECKOUT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_pinned_package_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=[a-z0-9])", (CHECKOUT / name).read_text())
    unhashed = [block.split()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]
    assert not unhashed
    assert not re.findall(r"^\s*(?:-i|-f|--[a-z-]*(?:url|host|links|index))", "\n".join(blocks), re.MULTILINE)


def test_what_runs_is_pinned_alike_for_users_and_developers() -> None:
    """Else the tests would try other versions than those that people run."""
    run, development = pins("requirements.txt"), pins("requirements-dev.txt")
    assert run.items() <= development.items()


def test_every_declared_package_is_pinned() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    name = re.compile(r"[A-Za-z0-9-]+")
    run = project["project"]["dependencies"] + project["build-system"]["requires"]
    extras = [package for group in project["project"]["optional-dependencies"].values() for package in group]
    declared = {name.match(package)[0].lower() for package in run}  # type: ignore[index]  # all begin with one
    developing = {name.match(package)[0].lower() for package in extras} - {"trueque"}  # type: ignore[index]
    assert declared <= pins("requirements.txt").keys()
    assert developing <= pins("requirements-dev.txt").keys()


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.12.0", "3.13.0", "3.14.0"])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_pins_serve_every_python_that_the_project_promises(python: str, machine: str) -> None:
    """Debian 12 has 3.11.2: a package that asks for 3.11.5 would end the set-up there."""
    promised = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert SpecifierSet(promised).contains(python)
    pinned = pins("requirements-dev.txt").keys()
    environment = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "platform_machine": machine,
        "extra": "",
    }
    faults = []
    for name in sorted(pinned):
        try:
            package = distribution(name)
        except PackageNotFoundError:  # those that this computer's Python has no need of
            continue
        if not SpecifierSet(package.metadata["Requires-Python"] or "").contains(python):
            faults.append(f"{name} wants Python {package.metadata['Requires-Python']}")
        for text in package.requires or ():
            wanted = Requirement(text)
            needed = wanted.marker is None or wanted.marker.evaluate(environment)
            if needed and canonicalize_name(wanted.name) not in pinned:
                faults.append(f"{name} wants {text}, which is not pinned")
    assert not faults


def test_inside_a_layer_imports_are_relative_and_across_layers_absolute() -> None:
    """So that every crossing of a border can be seen where it is made."""
    wrong = []
    for layer in LAYERS:
        for path in sorted((CHECKOUT / layer).rglob("*.py")):
            depth = len(path.relative_to(CHECKOUT).parts) - 1
            for found in ast.walk(ast.parse(path.read_text())):
                if isinstance(found, ast.Import):
                    inside = any(alias.name.partition(".")[0] == layer for alias in found.names)
                elif isinstance(found, ast.ImportFrom):
                    inside = found.level == 0 and (found.module or "").partition(".")[0] == layer
                    inside = inside or found.level > depth
                else:
                    continue
                if inside:
                    wrong.append((str(path.relative_to(CHECKOUT)), found.lineno))
    assert not wrong


def test_every_folder_of_tests_is_a_package() -> None:
    """`tests/ledger` without an `__init__.py` would hide the package `ledger` from its own tests."""
    folders = {path.parent for path in (CHECKOUT / "tests").rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_module_is_on_the_map_of_its_layer() -> None:
    """The docstring of a layer's `__init__.py` is where a newcomer begins."""
    missing = []
    for layer in LAYERS:
        text = ast.get_docstring(ast.parse((CHECKOUT / layer / "__init__.py").read_text())) or ""
        listed = set(re.findall(r"^    (?: *|[A-Z][a-z]+ +)([a-z0-9_]+)  +\S", text, re.MULTILINE))
        for path in sorted((CHECKOUT / layer).iterdir()):
            is_module = path.suffix == ".py" or (path / "__init__.py").is_file()
            if is_module and path.stem not in listed | {"__init__"}:
                missing.append(f"{layer}.{path.stem}")
    assert not missing
