"""Interleaved rounds, medians and the table. Standard library only: the peers' processes use it too."""

import contextlib
import dataclasses
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
MEGABYTE = 1_000_000

Sample = dict[str, float]
"""What one run of one side measured, by name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Size:
    """How much to measure."""

    rounds: int
    heavy_rounds: int  # of what takes seconds: the book, the import
    recipients: int
    rows: int  # of the imported file


FULL = Size(rounds=7, heavy_rounds=3, recipients=10_000, rows=100_000)
QUICK = Size(rounds=2, heavy_rounds=1, recipients=2_000, rows=10_000)


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: medians of both sides, and the lowest and highest ratio of a round."""

    name: str
    ours: float
    peer: float | None
    spread: tuple[float, float] = (0.0, 0.0)
    why: str = ""  # said when there is no peer


# --- in the process that is measured -----------------------------------------------


@contextlib.contextmanager
def clock() -> Iterator[Sample]:
    """Measure what runs inside: "cpu" and "wall" in seconds (user and system, all threads), then "peak" in MB."""
    sample: Sample = {}
    cpu, wall = cpu_seconds(), time.perf_counter()
    yield sample
    sample |= {"cpu": cpu_seconds() - cpu, "wall": time.perf_counter() - wall, "peak": peak_megabytes()}


def cpu_seconds() -> float:
    """Return the user and system seconds of this process since it began."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_megabytes() -> float:
    """Return the most memory this process has held.

    Linux reports the parent's peak as its child's in getrusage, so it is read from /proc there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / MEGABYTE
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MEGABYTE


def answer(sample: Sample) -> None:
    """Give a sample to the process that asked for it."""
    print(json.dumps(sample))


# --- in the process that measures ---------------------------------------------------


def child(*command: str | Path) -> Sample:
    """Run a command to its end and return the sample it answers with; raises RuntimeError with its last words."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["without a word"]
        msg = f"{Path(command[1]).name} ended with {done.returncode}: {words[-1]}"
        raise RuntimeError(msg)
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample


def rounds(count: int, *runs: Callable[[], Sample]) -> list[list[Sample]]:
    """Run each once a round, in turns, and backwards every second round, so that the machine's moods fall on all."""
    samples: list[list[Sample]] = [[] for _ in runs]
    for number in range(count):
        order = range(len(runs)) if number % 2 == 0 else reversed(range(len(runs)))
        for index in order:
            samples[index].append(runs[index]())
    return samples


def row(name: str, key: str, ours: Sequence[Sample], peer: Sequence[Sample], *, scale: float = 1, why: str = "") -> Row:
    """Compare both sides' values of `key`, times `scale`; with an empty `peer` say `why` there is none."""
    mine = [sample[key] * scale for sample in ours]
    if not peer:
        return Row(name, statistics.median(mine), None, why=why)
    theirs = [sample[key] * scale for sample in peer]
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    return Row(name, statistics.median(mine), statistics.median(theirs), (min(ratios), max(ratios)))


def table(rows: Sequence[Row]) -> str:
    """Write rows as plain text."""
    width = max(len(line.name) for line in rows)
    lines = [f"{'row':{width}}  {'ours':>10}  {'peer':>10}  {'ratio':>6}  ratios of single rounds"]
    lines += [_line(line, width) for line in rows]
    return "\n".join(lines)


def _line(line: Row, width: int) -> str:
    start = f"{line.name:{width}}  {_figure(line.ours):>10}"
    if line.peer is None:
        return f"{start}  {line.why}"
    low, high = line.spread
    ratio = _figure(line.ours / line.peer)
    return f"{start}  {_figure(line.peer):>10}  {ratio:>6}  {_figure(low)} to {_figure(high)}"


def _figure(value: float) -> str:
    """Write a figure with about three digits that mean something."""
    if value >= 100 or (value >= 10 and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine() -> str:
    """Say in one line what all this ran on."""
    load = os.getloadavg()[0]
    return (
        f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )
