"""The book on a machine that fails: a full disk, a killed worker, a stop. Nothing half-written stays. Names are claims.

The real command builds a publication of two chapters. The tries share it: what one has laid out, the next one has.
"""

import contextlib
import functools
import os
import resource
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import book_spoiled
import house
import pytest
from book_spoiled import DRAWING, FIRST_LINE, SCANS

from pipeline import errors, office

BUILD = ("build", "--book", "--edition", "screen")


def written(home: house.House) -> list[str]:
    """Name what stands in out/, without what is kept for the next build."""
    out = home.root / "out"
    return sorted(path.name for path in out.iterdir() if path.name != ".parts") if out.is_dir() else []


def parts(home: house.House) -> list[Path]:
    """Return what is kept for the next build, whole or not."""
    return list((home.root / "out" / ".parts").glob("*"))


def wait_for(sign: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something has happened, or the process has ended."""
    tick = threading.Event()
    while not sign() and process.poll() is None:
        tick.wait(0.02)
    assert process.poll() is None, process.communicate()


def children(process: subprocess.Popen[str]) -> list[int]:
    """Return the processes that a process has started."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if stat.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1] == str(process.pid):
                found.append(int(stat.parent.name))
    return found


def is_there(pid: int) -> bool:
    """Tell whether a process still works: one that has ended and waits to be counted does not."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
        return state not in {"Z", "X"}
    return False


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a process; it is a sentence."""
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    return process.returncode, err


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> house.House:
    """Return the publication whose build is disturbed in turn: what one try has laid out the next one has."""
    return book_spoiled.publication(tmp_path_factory.mktemp("disturbed") / "home")


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")


def test_check_and_build_tell_many_faults_at_once_with_file_line_and_exit_code(tmp_path: Path) -> None:
    home = book_spoiled.publication(tmp_path / "home")
    book_spoiled.with_drawing(home, book_spoiled.svg("<script>alert(1)</script>").encode())
    home.write("book/01-scans.md", SCANS + "\n" + book_spoiled.table(14, 1))
    checked, built = home.run("check", "--json"), home.run(*BUILD)
    places = {(f["code"], f["file"], f["line"]) for f in checked.json()}
    assert checked.code == built.code == errors.ContentBlocked.exit_code
    assert places >= {
        ("content-image-unsafe", f"content/{DRAWING}", 2),
        ("content-table-large", "content/book/01-scans.md", FIRST_LINE + 1),
    }
    assert f"content/{DRAWING}:2: holds <script>" in built.err
    assert f"content/book/01-scans.md:{FIRST_LINE + 1}: this table has 14 columns" in built.err
    assert "Traceback" not in checked.err + built.err
    assert written(home) == []


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_build_that_is_stopped_leaves_no_process_and_no_half_written_file(
    shared: house.House, number: signal.Signals
) -> None:
    shutil.rmtree(shared.root / "out", ignore_errors=True)
    process = shared.start(*BUILD)
    wait_for(lambda: [path for path in parts(shared) if path.name.startswith("places-")], process)
    workers = children(process)
    assert workers
    process.send_signal(number)
    code, said = ended(process)
    assert code == errors.Interrupted.exit_code
    assert "stopped" in said
    assert "run the same command again" in said
    assert written(shared) == []
    assert [pid for pid in workers if is_there(pid)] == []


@needs_proc
def test_a_build_whose_worker_is_killed_says_so_and_writes_nothing(shared: house.House) -> None:
    shutil.rmtree(shared.root / "out", ignore_errors=True)
    process = shared.start(*BUILD)
    wait_for(lambda: [path for path in parts(shared) if path.name.startswith("places-")], process)
    for pid in children(process):
        os.kill(pid, signal.SIGKILL)
    code, said = ended(process)
    assert code == errors.RenderProblem.exit_code
    assert "a worker process that lays out the book was ended by signal 9" in said
    assert written(shared) == []


def full(home: house.House, most: int) -> house.Run:
    """Build on a disk on which no file can grow beyond `most` bytes."""
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_FSIZE, (most, most))
    done = subprocess.run(
        [house.MSCARE, *BUILD], cwd=home.root, env=home.environment(), preexec_fn=limit, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return house.Run(done.returncode, done.stdout, done.stderr)


def test_a_disk_that_is_full_in_a_worker_in_the_store_or_at_the_end_leaves_the_last_book_as_it_was(
    shared: house.House,
) -> None:
    """Each try gets further with what the one before it has kept; then the first sound build succeeds."""
    out = shared.root / "out"
    shutil.rmtree(out, ignore_errors=True)
    (out / "book").mkdir(parents=True)
    (out / "book" / "navigating-your-ms-care.pdf").write_bytes(b"the last book")
    said = []
    for most in (20_000, 60_000, 100_000):
        done = full(shared, most)
        assert done.code == errors.StorageProblem.exit_code, done.err
        said.append(done.err)
        assert [path.name for path in (out / "book").iterdir()] == ["navigating-your-ms-care.pdf"]
        assert (out / "book" / "navigating-your-ms-care.pdf").read_bytes() == b"the last book"
        assert written(shared) == ["book"]
        assert {path.name for path in parts(shared) if path.name.startswith(".")} <= {office.NOTES}
    assert "a part of the book could not be laid out: cannot write in" in said[0]
    assert "cannot write" in said[1]
    assert ".parts" in said[1]
    assert "what was there before is untouched" in said[2]
    assert all("free some space" in text for text in said)
    assert shared.run(*BUILD).code == 0
    assert (out / "book" / "navigating-your-ms-care.pdf").read_bytes().startswith(b"%PDF-")
    assert written(shared) == ["book"]


def test_a_place_that_takes_no_folder_is_a_sentence(shared: house.House) -> None:
    taken = shared.root / "taken"
    taken.write_text("a file stands where out/ should be", encoding="utf-8")
    done = shared.run(*BUILD, "--out", str(taken))
    assert done.code == errors.StorageProblem.exit_code
    assert "cannot write" in done.err
    assert "Traceback" not in done.err
    assert taken.read_text(encoding="utf-8") == "a file stands where out/ should be"


def test_a_folder_that_may_not_be_written_is_a_sentence(shared: house.House) -> None:
    out = shared.root / "closed"
    out.mkdir()
    out.chmod(0o500)
    as_anybody = ("setpriv", "--bounding-set=-all") if os.geteuid() == 0 else ()  # root may write everywhere
    done = subprocess.run(
        [*as_anybody, house.MSCARE, *BUILD, "--out", str(out)], cwd=shared.root, env=shared.environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == errors.StorageProblem.exit_code
    assert "mend the rights" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(out.iterdir()) == []
