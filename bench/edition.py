"""The mail of one edition: our compile, and the whole build with every check, against npm's mjml on the same MJML."""

import contextlib
import json
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import measure
import sample

from pipeline import mjml, model, office, render
from pipeline.formats import email

WARM = 20  # renders of each side before anything counts: V8 is slow at first
RENDERS = 10  # of each side in one round
Peer = Callable[[int], measure.Sample]


def rows(size: measure.Size) -> list[measure.Row]:
    """Measure both sides in milliseconds of the clock and of the processor, each a median of its round's renders."""
    desk, item = sample.newest()
    # npm's mjml stops at this reference in a font's name; the bare mark means the same to both
    source = email.mjml_source(item, desk.material).replace("&#39;", "'")
    with _peer(source) as (peer, why):

        def compiled() -> measure.Sample:
            return _timed(lambda: mjml.to_html(source), RENDERS)

        def built() -> measure.Sample:
            return _timed(lambda: _build(desk, item), 1)

        _timed(lambda: mjml.to_html(source), WARM)
        built()
        runs = [compiled, built]
        if peer:
            peer(WARM)
            runs.append(lambda: peer(RENDERS))
        compiles, builds, *theirs = measure.rounds(size.rounds, *runs)
    peers = theirs[0] if theirs else []
    return [
        measure.row("edition: MJML to HTML, ms", "wall", compiles, peers, why=why),
        measure.row("edition: MJML to HTML, CPU ms", "cpu", compiles, peers, why=why),
        measure.row("edition: all formats, files and checks, ms", "wall", builds, peers, why=why),
        measure.row("edition: all formats, files and checks, CPU ms", "cpu", builds, peers, why=why),
    ]


def _build(desk: office.Desk, item: model.Edition) -> None:
    """Do what an editor waits for: render everything into an empty out/, then ask for every finding."""
    with tempfile.TemporaryDirectory() as folder:
        render.build(item, desk.material, Path(folder), lambda _words: None)
        desk.findings_of(item.spec.slug, Path(folder), item.spec.date)


def _timed(work: Callable[[], object], times: int) -> measure.Sample:
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return {"wall": statistics.median(walls), "cpu": statistics.median(cpus)}


@contextlib.contextmanager
def _peer(source: str) -> Iterator[tuple[Peer | None, str]]:
    """Start Node with npm's mjml and keep it warm; yield None and the reason when it is not there."""
    node = shutil.which("node")
    if node is None or not (measure.BENCH / "node_modules" / "mjml").is_dir():
        yield None, "Node is not installed" if node is None else "npm's mjml is not installed"
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digest.mjml"
        path.write_text(source, encoding="utf-8")
        command = [node, str(measure.BENCH / "mjml_peer.mjs"), str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            yield lambda times: _asked(process, times), ""
            process.communicate()


def _asked(process: subprocess.Popen[str], times: int) -> measure.Sample:
    process.stdin.write(f"{times}\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        msg = "npm's mjml ended without an answer"
        raise RuntimeError(msg)
    found = json.loads(line)
    if found["errors"]:
        msg = f"npm's mjml does not accept the digest: {found['errors'][0]}"
        raise RuntimeError(msg)
    return {"wall": statistics.median(found["wall"]), "cpu": statistics.median(found["cpu"])}
