"""Side by side with Hypercore and Secure Scuttlebutt: one command, one table.

Needs Linux, Node.js with npm, and the first time a network. All that is
fetched and made lies in FOLDER; the packages stay there for the next time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ...support.shared import CHECKOUT
from ..work import verifications
from .course import Course, works
from .packages import PACKAGES, Unavailable, install, node
from .table import SYSTEMS, as_markdown, as_text, failures, rows

TRIES: Final = 3
PATIENCE_SECONDS: Final = 900.0


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("folder", type=Path, help="a scratch folder, not in the checkout")
    parser.add_argument("--quick", action="store_true", help="small logs and one try, to see that it works")
    parser.add_argument("--tries", type=int, default=None, help=f"of everything (default: {TRIES})")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE_SECONDS, help="seconds after which a step has failed"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print all that was measured, as JSON")
    shown.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser.parse_args(given)


def _tell(line: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {line}", file=sys.stderr, flush=True)


def _machine() -> dict[str, Any]:
    model = "unknown"
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": model,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


async def _run(course: Course, given: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    if given.quick:
        await course.run(works(long=(500, 2_000), short=50), given.tries or 1)
    else:
        await course.run(works(), given.tries or TRIES)


def main(arguments: Sequence[str]) -> int:
    """Do what the arguments say; 0 if everything was measured, 1 if something failed, 130 if interrupted."""
    given = _arguments(arguments)
    folder = given.folder.resolve()
    if folder == CHECKOUT or CHECKOUT in folder.parents:
        print(
            "The scratch folder must not be in the checkout: nothing of theirs belongs there.",
            file=sys.stderr,
        )
        return 2
    work = folder / "work"
    shutil.rmtree(work, ignore_errors=True)
    try:
        path = node()
        for system in PACKAGES:
            _tell(f"{SYSTEMS[system]}: fetching the packages, unless they are here")
            install(system, folder / "packages" / system)
    except Unavailable as sentence:
        print(sentence, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    course = Course(work, folder / "packages", path, given.patience, _tell)
    about: dict[str, Any] = {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        **_machine(),
        "load_before": os.getloadavg(),
        "verifications_before": verifications(),
        "packages": PACKAGES,
    }
    interrupted = False
    try:
        asyncio.run(_run(course, given))
    except asyncio.CancelledError:
        interrupted = True
        _tell("Interrupted: what follows was measured until then.")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    about |= {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "load_after": os.getloadavg(),
        "verifications_after": verifications(),
        "payload_bytes": course.payload_bytes,
    }
    failed = _show(course, about, given, folder)
    return 130 if interrupted else int(failed)


def _show(course: Course, about: dict[str, Any], given: argparse.Namespace, folder: Path) -> bool:
    """Print the table and keep all of it in the folder; whether anything failed."""
    measured = rows(course.results)
    failed = failures(measured)
    everything = json.dumps({**about, "results": course.results}, indent=1)
    (folder / "results.json").write_text(everything + "\n", encoding="utf-8")
    (folder / "results.md").write_text(as_markdown(measured) + "\n", encoding="utf-8")
    if given.json:
        print(everything)
        return bool(failed)
    print(as_markdown(measured) if given.markdown else as_text(measured))
    load = ", ".join(f"{about[name][0]:.1f}" for name in ("load_before", "load_after"))
    rates = ", ".join(f"{about[f'verifications_{when}']:,.0f}" for when in ("before", "after"))
    print(f"\n{about['begun']}, {about['cores']} cores; load before and after: {load}")
    print(f"PyNaCl's verifications a second, before and after: {rates}")
    for row in measured:
        for system in row.behind:
            print(f"Trueque is behind {SYSTEMS[system]}: {row.work}, {row.figure.label}.")
    for sentence in failed:
        print(f"Failed: {sentence}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
