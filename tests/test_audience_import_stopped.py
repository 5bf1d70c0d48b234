"""Claims about an import that is stopped: what is stored stays whole, and the next run completes it."""

import contextlib
import datetime as dt
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline import audience, database, errors, vault

KEYS = vault.Vault(bytes(range(32)))
NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
Import = Callable[..., audience.ImportReport]
DRIVER = """
import datetime as dt, sys
from pathlib import Path
from pipeline import audience, database, errors, vault
folder = Path(sys.argv[1])
engine = database.open_engine("sqlite:///list.db", folder)
def progress(lines):
    print(lines, flush=True)
    sys.stdin.readline()
try:
    audience.import_csv(engine, vault.Vault(bytes(range(32))), folder / "readers.csv", source="fair",
                        now=dt.datetime.now(dt.UTC), rejects=folder / "rejects.csv", progress=progress)
except errors.Interrupted as stopped:
    print(stopped.message, "|", stopped.hint)
    sys.exit(stopped.exit_code)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database.open_engine("sqlite:///list.db", tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def take(engine: sa.Engine, tmp_path: Path) -> Import:
    """Import a text or bytes as readers.csv."""

    def run(content: str | bytes, progress: Callable[[int], None] | None = None) -> audience.ImportReport:
        file = tmp_path / "readers.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        rejects = tmp_path / "rejects.csv"
        return audience.import_csv(engine, KEYS, file, source="fair", now=NOW, rejects=rejects, progress=progress)

    return run


def numbers(report: audience.ImportReport) -> dict[str, int]:
    names = ("read", "added", "already", "stopped", "suppressed", "rejected")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def many(count: int) -> str:
    return "email\n" + "".join(f"reader{number}@example.org\n" for number in range(count))


def consents(engine: sa.Engine) -> int:
    with database.reading(engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(database.metadata.tables["consent"])) or 0


def test_stopping_keeps_what_is_stored_and_the_next_run_completes_it(
    take: Import, engine: sa.Engine, tmp_path: Path
) -> None:
    def stop(lines: int) -> None:
        if lines >= 4_000:
            raise KeyboardInterrupt

    content = many(5_000) + "bad\n"
    with pytest.raises(errors.Interrupted, match="4,000 lines") as caught:
        take(content, stop)
    assert "same command again" in caught.value.hint
    assert audience.count(engine)["active"] == 4_000
    assert numbers(take(content)) == {"read": 5_001, "added": 1_000, "already": 4_000, "rejected": 1}
    assert audience.count(engine)["active"] == 5_000
    assert consents(engine) == 5_000
    assert len((tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()) == 2


@contextlib.contextmanager
def importing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has stored the first lines and waits before it goes on."""
    command = [sys.executable, "-W", "error", "-c", DRIVER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "2000\n"
        yield process


def test_ctrl_c_in_another_process_ends_in_a_sentence_and_the_next_run_completes(
    take: Import, engine: sa.Engine, tmp_path: Path
) -> None:
    (tmp_path / "readers.csv").write_text(many(5_000), encoding="utf-8")
    with importing(tmp_path) as process:
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate()
    assert process.returncode == errors.Interrupted.exit_code
    assert "stopped after 2,000 lines" in said
    assert audience.count(engine)["active"] == 2_000
    assert numbers(take(many(5_000))) == {"read": 5_000, "added": 3_000, "already": 2_000}


def test_a_killed_import_leaves_whole_transactions_and_the_next_run_completes(
    take: Import, engine: sa.Engine, tmp_path: Path
) -> None:
    (tmp_path / "readers.csv").write_text(many(5_000), encoding="utf-8")
    with importing(tmp_path) as process:
        process.kill()
        process.communicate()
    assert audience.count(engine)["active"] == 2_000
    assert consents(engine) == 2_000
    assert numbers(take(many(5_000))) == {"read": 5_000, "added": 3_000, "already": 2_000}


def test_progress_tells_the_lines_done_so_far(take: Import) -> None:
    told: list[int] = []
    take(many(4_500), told.append)
    assert told == [2_000, 4_000, 4_500]


def test_memory_does_not_grow_with_the_file(take: Import) -> None:
    held: list[int] = []
    take(many(100))  # what is loaded once
    tracemalloc.start()
    try:
        take(many(10_000), lambda _lines: held.append(tracemalloc.get_traced_memory()[0]))
    finally:
        tracemalloc.stop()
    assert max(held[1:]) - held[0] < 1_500_000
