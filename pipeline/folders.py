"""A folder of files is written whole or not at all: aside first, then swapped with the one that was there."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipeline import errors, model


def replace(folder: Path, files: Iterable[model.Output]) -> None:
    """Write all files aside, then swap the folders: nobody ever sees half a build.

    A file that is the same as before is not written again but taken along. Refuses a name that leads outside, and a
    disk that cannot be written; what was there before is then untouched.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise problem(folder, error) from error
    old = aside.with_name(aside.name + "-old")
    try:
        aside.chmod(0o755)
        for file in files:
            _write(aside, file, folder)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except OSError as error:
        raise problem(folder, error) from error
    finally:
        if old.exists() and not folder.exists():
            old.rename(folder)
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def problem(path: Path, error: OSError) -> errors.StorageProblem:
    """Return what to say when `path` cannot be written."""
    msg = f"cannot write {path}: {error.strerror}"
    return errors.StorageProblem(msg, hint="free some space or mend the rights; what was there before is untouched")


def _write(aside: Path, file: model.Output, former: Path) -> None:
    path = (aside / file.name).resolve()
    if not path.is_relative_to(aside.resolve()):
        msg = f"a format wants to write outside its folder: {file.name}"
        raise errors.RenderProblem(msg, hint="mend the name in formats/")
    path.parent.mkdir(parents=True, exist_ok=True)
    if _taken_along(former / file.name, path, file.content):
        return
    with path.open("wb") as written:
        written.write(file.content)
        written.flush()
        os.fsync(written.fileno())


def _taken_along(former: Path, path: Path, content: bytes) -> bool:
    """Give a file that holds these bytes a second name; False when it does not, or the disk knows no second names."""
    with contextlib.suppress(OSError):
        if not former.is_symlink() and former.stat().st_size == len(content) and former.read_bytes() == content:
            path.hardlink_to(former)
            return True
    return False
