"""A folder that keeps what was costly to make: one file for each key, whole or not there, and nothing that is not used.

It may be deleted at any time. What is read from it is what was written: a file that was cut off or altered is taken for
missing.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from pathlib import Path

from pipeline import errors

BUILDS = 3  # what this many builds of a subject have used is kept
_DIGEST = hashlib.sha256().digest_size


class FolderStore:
    """A model.Store in `folder`. `subject` names what is built with it: `prune` looks after its files only."""

    def __init__(self, folder: Path, subject: str) -> None:
        """Touch nothing yet: the folder is made when something is put into it."""
        self._folder = folder
        self._record = f"used-by-{subject}"
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """Return what was put under `key` last; None when it is not there, or not whole."""
        try:
            data = (self._folder / key).read_bytes()
        except OSError:
            return None
        content = data[_DIGEST:]
        if hashlib.sha256(content).digest() != data[:_DIGEST]:
            return None
        self._note(key)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep `content`, in place of what was there; refuses when the disk does not take it."""
        aside: str | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(prefix=".", dir=self._folder)
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest())
                file.write(content)
            Path(aside).replace(self._folder / key)
        except OSError as error:
            if aside:
                with contextlib.suppress(OSError):
                    Path(aside).unlink()
            msg = f"cannot write {self._folder / key}: {error.strerror}"
            hint = "free some space or mend the rights; the folder out/.parts may be deleted at any time"
            raise errors.StorageProblem(msg, hint=hint) from error
        self._note(key)

    def _note(self, key: str) -> None:
        with self._lock:
            self._used.add(key)

    def prune(self) -> None:
        """Delete what none of the subject's last builds has used, nor any other subject; this is the end of a build."""
        builds = [sorted(self._used - {self._record}), *self._builds(self._record)][:BUILDS]
        self.put(self._record, json.dumps(builds).encode())
        records = {path.name for path in self._folder.glob("used-by-*")}
        kept = records | {key for name in records for build in self._builds(name) for key in build}
        for path in self._folder.iterdir():
            if path.name not in kept and not path.name.startswith("."):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _builds(self, record: str) -> list[list[str]]:
        data = self.get(record)
        builds: list[list[str]] = json.loads(data) if data else []
        return builds
