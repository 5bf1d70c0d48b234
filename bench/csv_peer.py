"""The floor of an import: csv and sqlite3 as they are, the same rows in the open, as durable as ours.

python bench/csv_peer.py FILE DATABASE
"""

import contextlib
import csv
import itertools
import sqlite3
import sys
from pathlib import Path

import measure

CHUNK = 2_000  # rows in one transaction, as in our import


def main(path: Path, database: Path) -> None:
    """Import FILE; answer with what it cost after the set-up."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("CREATE TABLE reader (id INTEGER PRIMARY KEY, email TEXT UNIQUE, at TEXT, source TEXT)")
        with measure.clock() as sample, path.open(newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            next(lines)
            while chunk := list(itertools.islice(lines, CHUNK)):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO reader (email, at, source) VALUES (?, ?, ?)", chunk)
                connection.execute("COMMIT")
        sample["rows"] = connection.execute("SELECT count(*) FROM reader").fetchone()[0]
    measure.answer(sample)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
