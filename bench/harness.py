"""Runs the benches one after the other and prints their tables; ends with 1 when one of them could not be measured."""

import argparse
import dataclasses
import datetime as dt
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import book
import edition
import import_
import measure
import scale
import send

from pipeline import errors

BENCHES: Mapping[str, Callable[[measure.Size], list[measure.Row] | str]] = {
    "edition": edition.rows,
    "send": send.rows,
    "book": book.tables,
    "import": import_.rows,
    "scale": scale.tables,
}


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench/run", description="Ratios of medians against peers, in one run.")
    parser.add_argument("names", nargs="*", metavar="|".join(BENCHES), help="what to measure; all of it by default")
    parser.add_argument("--quick", action="store_true", help="few rounds of little: says that it runs, not how fast")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of the book and the import")
    parser.add_argument("--chapters", type=int, nargs="+", metavar="N", help="sizes of the book, in chapters")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHES.keys():
        parser.error(f"there is no bench called {', '.join(sorted(unknown))}")
    print(measure.machine(), f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC", sep="; ")
    print(_peers(), end="\n\n")
    size = measure.QUICK if options.quick else measure.FULL
    size = dataclasses.replace(size, heavy_rounds=options.rounds or size.heavy_rounds)
    size = dataclasses.replace(size, chapters=tuple(sorted(options.chapters or size.chapters)))
    return _run(options.names or list(BENCHES), size)


def _run(names: list[str], size: measure.Size) -> int:
    began = time.monotonic()
    rows: list[measure.Row] = []
    texts, failed = [], 0
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        try:
            found = BENCHES[name](size)
            if isinstance(found, str):
                texts.append(found)
            else:
                rows += found
        except (RuntimeError, OSError, subprocess.TimeoutExpired, errors.Problem) as error:
            print(f"{name} could not be measured: {error}", file=sys.stderr)
            failed = 1
    if rows:
        texts.insert(0, measure.table(rows))
    print(*texts, sep="\n\n")
    print(f"\nSmaller is better except where a row says otherwise. {time.monotonic() - began:.0f} s in all.")
    return failed


def _peers() -> str:
    """Name the peers with the versions that are pinned."""
    mjml = json.loads((measure.BENCH / "package.json").read_text())["dependencies"]["mjml"]
    lock = (measure.BENCH / "requirements.lock").read_text()
    pinned = {name: re.search(rf"^{name}==(\S+)", lock, re.MULTILINE) for name in ("inkletter", "django-anymail")}
    peers = [f"npm mjml {mjml}", *(f"{name} {found[1]}" for name, found in pinned.items() if found)]
    return f"Peers: {', '.join(peers)}, csv and sqlite3; the book names its own"


if __name__ == "__main__":
    sys.exit(main())
