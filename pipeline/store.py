"""A folder that keeps what was costly to make: one file for each key, whole or not there, and nothing that is not used.

It may be deleted at any time. What is read from it is what was written: a file that was cut off or altered is taken for
missing. A key is a digest of all that went into the making: what is found under it is what would be made again.
"""

import contextlib
import functools
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from pipeline import errors, model

BUILDS = 3  # what this many builds of a subject have used is kept
_DIGEST = hashlib.sha256().digest_size
_RECORD = "used-by-"


def recall(material: model.Material, kind: str, made_of: str, make: Callable[[], bytes]) -> bytes:
    """Return what `make` makes, or made before of the same code, templates and identity, and of `made_of`.

    `made_of` says all else that `make` reads. Without a store, and without a mark, it is made each time.
    """
    if material.store is None or not material.mark:
        return make()
    digest = hashlib.sha256(f"{material.mark}\n{made_of}".encode("utf-8", "surrogatepass")).hexdigest()
    return taken(material.store, f"{kind}-{digest}", make)


def taken(place: model.Store | None, key: str, make: Callable[[], bytes]) -> bytes:
    """Return what `place` has under `key`, else what `make` makes, put there for the next time if it can be."""
    if place is None:
        return make()
    kept = place.get(key)
    if kept is not None:
        return kept
    made = make()
    with contextlib.suppress(errors.StorageProblem):  # it is made all the same, only not kept
        place.put(key, made)
    return made


class FolderStore:
    """A model.Store in `folder`. `subject` names what is built with it: `prune` looks after its files only."""

    def __init__(self, folder: Path, subject: str) -> None:
        """Touch nothing yet: the folder is made when something is put into it."""
        self._folder = folder
        self._record = f"{_RECORD}{subject}"
        self._used: set[str] = set()
        self._put: set[str] = set()
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
        _write(self._folder / key, content)
        self._note(key)
        with self._lock:
            self._put.add(key)

    def disown(self) -> None:
        """Delete what was put: it was made while something changed of which its key knows nothing."""
        for key in self._put:
            with contextlib.suppress(OSError):
                (self._folder / key).unlink()

    def _note(self, key: str) -> None:
        with self._lock:
            self._used.add(key)

    def prune(self) -> None:
        """Delete what none of the subject's last builds has used, nor any other subject; this is the end of a build.

        The records of others are read only when a build has fallen out of this one's.
        """
        former = self._builds(self._record)
        used = sorted(self._used - {self._record})
        if former and former[0] == used:
            return  # the same build once more: nothing falls out
        builds = [used, *former][:BUILDS]
        self.put(self._record, json.dumps(builds).encode())
        if _all_of(former) - _all_of(builds):
            self._sweep()

    def _sweep(self) -> None:
        records = {path.name for path in self._folder.glob(f"{_RECORD}*")}
        kept = records.union(*(_all_of(self._builds(name)) for name in records))
        for path in self._folder.iterdir():
            if path.name not in kept and not path.name.startswith("."):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _builds(self, record: str) -> list[list[str]]:
        data = self.get(record)
        builds: list[list[str]] = json.loads(data) if data else []
        return builds


class PackStore:
    """A model.Store in one file, for what is small and much: read when it is first asked, written by `prune` alone."""

    def __init__(self, path: Path) -> None:
        """Touch nothing yet."""
        self._path = path
        self._used: set[str] = set()
        self._put: dict[str, str] = {}

    @functools.cached_property
    def _kept(self) -> Mapping[str, tuple[int, str]]:
        """What the file has: how many builds ago each was used last, and its content."""
        with contextlib.suppress(OSError):
            data = self._path.read_bytes()
            if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST]:
                kept: Mapping[str, tuple[int, str]] = json.loads(data[_DIGEST:])
                return kept
        return {}

    def get(self, key: str) -> bytes | None:
        """Return what was put under `key` last; None when it is not there."""
        if key in self._put:
            return self._put[key].encode()
        if key not in self._kept:
            return None
        self._used.add(key)
        return self._kept[key][1].encode()

    def put(self, key: str, content: bytes) -> None:
        """Keep `content`, which is UTF-8."""
        self._put[key] = content.decode()

    def prune(self) -> None:
        """Write what was used or put, and what the last builds used; refuses when the disk does not take it."""
        if not self._put and self._used == {key for key, (age, _) in self._kept.items() if age == 0}:
            return  # the same build once more: nothing falls out
        aged = {key: (0 if key in self._used else age + 1, content) for key, (age, content) in self._kept.items()}
        kept = {key: entry for key, entry in aged.items() if entry[0] < BUILDS}
        kept |= {key: (0, content) for key, content in self._put.items()}
        _write(self._path, json.dumps(kept, separators=(",", ":")).encode())


def _write(path: Path, content: bytes) -> None:
    """Write a file with its digest at its head: aside, then renamed."""
    aside: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = tempfile.mkstemp(prefix=".", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        Path(aside).replace(path)
    except OSError as error:
        if aside:
            with contextlib.suppress(OSError):
                Path(aside).unlink()
        msg = f"cannot write {path}: {error.strerror}"
        hint = "free some space or mend the rights; the folder out/.parts may be deleted at any time"
        raise errors.StorageProblem(msg, hint=hint) from error


def retire(folder: Path, subjects: Collection[str]) -> None:
    """Forget the records of all but these subjects: what they alone used goes with the next sweep."""
    for path in folder.glob(f"{_RECORD}*"):
        if path.name.removeprefix(_RECORD) not in subjects:
            with contextlib.suppress(OSError):
                path.unlink()


def _all_of(builds: list[list[str]]) -> set[str]:
    return {key for build in builds for key in build}
