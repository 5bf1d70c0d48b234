"""An import: ours, which checks, encrypts and indexes, against csv and sqlite3 as they are.

Run as a program it is the side that is measured: bench/import_.py FILE FOLDER
"""

import csv
import datetime as dt
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import measure

from pipeline import audience, database, vault

KEY = bytes(range(32))


def rows(size: measure.Size) -> list[measure.Row]:
    """Measure rows a second, CPU microseconds a row and peak memory, after the set-up."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "readers.csv"
        _write(file, size.rows)
        mine, theirs = measure.rounds(
            size.heavy_rounds,
            _run(size.rows, lambda folder: (__file__, file, folder)),
            _run(size.rows, lambda folder: (measure.BENCH / "csv_peer.py", file, folder / "floor.db")),
        )
    each = 1_000_000 / size.rows
    return [
        measure.row("import: rows a second (more is better)", "rate", mine, theirs),
        measure.row("import: CPU us a row", "cpu", mine, theirs, scale=each),
        measure.row("import: peak MB", "peak", mine, theirs),
    ]


def _write(file: Path, count: int) -> None:
    with file.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["email", "consent_at", "consent_source"])
        writer.writerows([f"reader{n:06d}@example.com", "2026-03-31", "web form"] for n in range(count))


def _run(count: int, command: Callable[[Path], tuple[str | Path, ...]]) -> Callable[[], measure.Sample]:
    def run() -> measure.Sample:
        with tempfile.TemporaryDirectory() as name:
            found = measure.child(sys.executable, *command(Path(name)))
        if found["rows"] != count:
            msg = f"{found['rows']:.0f} rows were imported instead of {count}"
            raise RuntimeError(msg)
        return {**found, "rate": count / found["wall"]}

    return run


# --- the side that is measured --------------------------------------------------------


def main(file: Path, folder: Path) -> None:
    """Import FILE into a new database; answer with what it cost after the set-up."""
    engine = database.open_engine("sqlite:///mscare.db", folder)
    keys, now = vault.Vault(KEY), dt.datetime.now(dt.UTC)
    with measure.clock() as sample:
        report = audience.import_csv(engine, keys, file, source="bench", now=now, rejects=folder / "rejects.csv")
    engine.dispose()
    measure.answer({**sample, "rows": report.added})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
