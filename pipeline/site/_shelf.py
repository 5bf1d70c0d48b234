"""The files of out/ as they were built: served only when the manifest names them, and only with the bytes it names."""

import dataclasses
import hashlib
import logging
import threading
from pathlib import Path

from pipeline import errors, model, render

log = logging.getLogger("mscare.site")


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
    """One file, whole; `digest` is the SHA-256 of exactly these bytes, in hex."""

    content: bytes = dataclasses.field(repr=False)
    digest: str


Seen = tuple[int, int, int]  # inode, time and size of a manifest: another build has another one


class Shelf:
    """Looks at out/ anew for each request, and keeps in memory what has not changed."""

    def __init__(self, out: Path) -> None:
        """Begin with nothing held; `out` need not exist yet."""
        self._out = out
        self._lock = threading.Lock()
        self._manifests: dict[str, tuple[Seen, model.Manifest]] = {}
        self._pieces: dict[tuple[str, str], Piece] = {}

    def manifest(self, subject: str) -> model.Manifest | None:
        """Return what was built of an edition, "book" or "site"; None when nothing was, or it cannot be read."""
        try:
            found = (self._out / subject / render.MANIFEST).stat()
            seen = (found.st_ino, found.st_mtime_ns, found.st_size)
            held = self._manifests.get(subject)
            if held and held[0] == seen:
                return held[1]
            manifest = render.read(self._out, subject)
        except (OSError, errors.UsageProblem):
            return None
        except errors.StorageProblem as problem:
            log.warning("manifest-broken subject=%s reason=%s", subject, problem.message)
            return None
        with self._lock:
            self._manifests[subject] = (seen, manifest)
        return manifest

    def piece(self, subject: str, name: str) -> Piece | None:
        """Return a file of out/<subject>/; None when it was not built, or is no longer what was built."""
        found = self._look(subject, name)
        # A build swaps whole folders. Between the manifest and the file, or between two folders, look once more.
        return found or self._look(subject, name)

    def _look(self, subject: str, name: str) -> Piece | None:
        manifest = self.manifest(subject)
        digest = manifest.outputs.get(name) if manifest else None
        if digest is None:
            return None
        held = self._pieces.get((subject, name))
        if held and held.digest == digest:
            return held
        try:
            content = (self._out / subject / name).read_bytes()
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != digest:
            log.warning("file-altered file=%s/%s", subject, name)
            return None
        piece = Piece(content, digest)
        with self._lock:
            self._pieces[subject, name] = piece
        return piece
