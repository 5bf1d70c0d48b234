"""The rejects file: which lines of an import were left out, and why, for the operator's eyes only."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pipeline import errors
from pipeline.audience import _rows


class RejectsFile:
    """A CSV file with the columns line, reason and row; it appears with its first line, readable by its owner only."""

    def __init__(self, path: Path, imported: Path) -> None:
        """Take away the file of an earlier run; refuse when it is the very file to be imported."""
        self._path = path
        self._file: TextIO | None = None
        if path.exists() and imported.exists() and path.samefile(imported):
            msg = f"{imported} is where the rejected lines of this import would be written"
            raise errors.AudienceProblem(msg, hint="copy the file to another name, then import that")
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise self._problem(error) from error

    def write(self, lines: Sequence[_rows.Reject]) -> None:
        """Append lines; they are on disk when this returns, so that an interrupted import has told what it found."""
        if not lines:
            return
        try:
            if self._file is None:
                self._file = self._open()
                csv.writer(self._file).writerow(("line", "reason", "row"))
            csv.writer(self._file).writerows((line.line, line.reason, line.text) for line in lines)
            self._file.flush()
        except OSError as error:
            raise self._problem(error) from error

    def close(self) -> None:
        """Close the file when there is one."""
        if self._file is not None:
            self._file.close()

    def _open(self) -> TextIO:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        # surrogateescape gives a line that is not UTF-8 back with the bytes it came with
        return os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="")

    def _problem(self, error: OSError) -> errors.StorageProblem:
        msg = f"cannot write the rejected lines to {self._path}: {error.strerror}"
        return errors.StorageProblem(msg, hint="check the disk and the folder, then run the same command again")
