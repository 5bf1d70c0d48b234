"""Interleaved rounds, medians and the tables. Standard library only: the peers' processes use it too.

Run as a program it measures another, with all the processes that one starts: bench/measure.py SECONDS COMMAND...
"""

import contextlib
import ctypes
import dataclasses
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    chapters: tuple[int, ...]  # the book's first ones: the last number is the book that all is measured with
    articles: tuple[int, ...] = (100, 300, 1_000)  # of the generated trees
    is_quick: bool = False  # leave out what takes minutes


FULL = Size(rounds=7, heavy_rounds=3, recipients=10_000, rows=100_000, chapters=(4, 8, 16))
QUICK = Size(rounds=2, heavy_rounds=1, recipients=2_000, rows=10_000, chapters=(1,), articles=(15, 30), is_quick=True)


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
    """Return the user and system seconds of this process since it began, and of the workers that it has ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


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


def family_seconds() -> float:
    """Return `cpu_seconds`, and those of the workers that still run. Linux says it in hundredths, others not at all."""
    total = cpu_seconds()
    for child_id in _children():
        with contextlib.suppress(OSError):  # it has ended meanwhile, and counts as one that has
            fields = Path(f"/proc/{child_id}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
    return total


def answer(sample: Sample) -> None:
    """Give a sample to the process that asked for it."""
    print(json.dumps(sample))


# --- in the process that measures ---------------------------------------------------


def child(*command: str | Path, env: Mapping[str, str] | None = None, seconds: float = 300) -> Sample:
    """Run a command to its end and return the sample it answers with; raises RuntimeError with its last words."""
    told = None if env is None else os.environ | env
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, env=told)
    if done.returncode:
        words = done.stderr.strip().splitlines() or ["without a word"]
        msg = f"{Path(command[1]).name} ended with {done.returncode}: {words[-1]}"
        raise RuntimeError(msg)
    sample: Sample = json.loads(done.stdout.splitlines()[-1])
    return sample


def whole(*command: str | Path, env: Mapping[str, str] | None = None, seconds: int = 600) -> Sample:
    """Run a command that knows nothing of this, and all it starts: "cpu" and "wall" in seconds, "peak" in MB.

    CPU seconds are those of all its processes, the peak is that of the largest one.
    """
    return child(sys.executable, Path(__file__), str(seconds), *command, env=env, seconds=seconds + 60)


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
    start = f"{line.name:{width}}  {figure(line.ours):>10}"
    if line.peer is None:
        return f"{start}  {line.why}"
    low, high = line.spread
    ratio = figure(line.ours / line.peer)
    return f"{start}  {figure(line.peer):>10}  {ratio:>6}  {figure(low)} to {figure(high)}"


def figure(value: float) -> str:
    """Write a figure with about three digits that mean something."""
    if value >= 100 or (value >= 10 and value == int(value)):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Write a table as plain text: the first column to the left, figures to the right, a line's last words as they are.

    A line that is shorter than the first ends with words for people.
    """
    most = len(lines[0])
    whole = [line for line in lines if len(line) == most]
    short = [line[:-1] for line in lines if len(line) < most]
    widths = [max(len(line[at]) for line in [*whole, *short] if at < len(line)) for at in range(most - 1)]
    return "\n".join(_columns(line, widths) for line in lines)


def _columns(line: Sequence[str], widths: Sequence[int]) -> str:
    *cells, last = line
    padded = [f"{cell:{'<' if at == 0 else '>'}{widths[at]}}" for at, cell in enumerate(cells)]
    return "  ".join([*padded, last]).rstrip()


def machine() -> str:
    """Say in one line what all this ran on."""
    load = os.getloadavg()[0]
    return (
        f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load {load:.1f} at the start"
    )


# --- a program with all that it starts ------------------------------------------------


def main(seconds: float, command: Sequence[str]) -> None:
    """Run the command, end every process that is left of it, and answer with what they cost together.

    On Linux this program takes in the orphans of the command, for Chromium does not wait for all its own.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        code = 1
        print(f"not ready after {seconds:.0f} seconds", file=sys.stderr)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    wall = time.perf_counter() - began
    _end_children()
    if code:
        sys.exit(1)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    answer({"cpu": used.ru_utime + used.ru_stime, "wall": wall, "peak": used.ru_maxrss * unit / MEGABYTE})


def _end_children() -> None:
    """Kill what is left of the command, orphans of orphans too. They are own children, so no id is another's by now."""
    while True:
        for child_id in _children():
            os.kill(child_id, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            return


def _children() -> list[int]:
    """Return the processes that this one started or took in; none where the system does not tell."""
    return [int(name) for task in Path("/proc/self/task").glob("*/children") for name in task.read_text().split()]


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
