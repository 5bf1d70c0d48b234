"""A folder of files is written whole or not at all: aside first, then swapped with the one that was there."""

import contextlib
import os
import shutil
import stat
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
        made = {str(aside)}
        for file in files:
            _write(_place(aside, file.name, made), file.content, f"{folder}{os.sep}{file.name}")
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


def _place(aside: Path, name: str, made: set[str]) -> str:
    """Return where a file is to be written, its folder made; `made` are those that are there. Plain paths: for speed.

    The folder aside is new and holds no links, so that what stays below it by its name does so on the disk.
    """
    path = os.path.normpath(os.path.join(aside, name))  # noqa: PTH118  thousands at each build
    if not path.startswith(f"{aside}{os.sep}"):
        msg = f"a format wants to write outside its folder: {name}"
        raise errors.RenderProblem(msg, hint="mend the name in formats/")
    parent = os.path.dirname(path)  # noqa: PTH120  as above
    if parent not in made:
        os.makedirs(parent, exist_ok=True)  # noqa: PTH103  as above
        made.add(parent)
    return path


def _write(path: str, content: bytes, former: str) -> None:
    if _taken_along(former, path, content):
        return
    with open(path, "wb") as written:  # noqa: PTH123  as above
        written.write(content)
        written.flush()
        os.fsync(written.fileno())


def _taken_along(former: str, path: str, content: bytes) -> bool:
    """Give a file that holds these bytes a second name; False when it does not, or the disk knows no second names."""
    with contextlib.suppress(OSError):
        found = os.lstat(former)
        if stat.S_ISREG(found.st_mode) and found.st_size == len(content):
            with open(former, "rb", buffering=0) as file:  # noqa: PTH123  as above
                is_same = file.read() == content
            if is_same:
                os.link(former, path)
            return is_same
    return False
