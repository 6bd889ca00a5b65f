"""Throw junk: `python -m tests.fuzz --frames 1000000 --seed 1`; prints what came of it as a line of JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time

from .fuzzer import Fault, Fuzzer


def main() -> int:
    """Run as the arguments say; 1 if something was found, with the seed that shows it again."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    begun = time.perf_counter()
    fuzzer = Fuzzer(given.seed)
    try:
        found = fuzzer.run(given.frames)
    except Fault as fault:
        print(json.dumps(fuzzer.found.to_json()), file=sys.stderr)
        print(f"--frames {given.frames} --seed {given.seed}: {fault}", file=sys.stderr)
        raise
    seconds = round(time.perf_counter() - begun, 1)
    print(json.dumps({"seed": given.seed, "seconds": seconds, **found.to_json()}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
