"""Worker processes that stay warm: an Executor whose jobs run in fresh Python processes, as many as there are cores.

It is not the standard library's process pool, which has each worker run the main program's file again, can wait for
ever when workers are replaced after some jobs (Python 3.11), and cannot replace one that has grown.

- A worker is started when a job needs one, and told on its standard input what to do. It does jobs of one module
  only, so that one which has read in WeasyPrint need not hold a validator too.
- After each job it says how much memory it has needed; one that came near the limit ends and is replaced.
- A worker that dies takes its own job with it, told in a sentence; the others go on.
- A worker ends by itself when its standard input closes, whatever became of the program that started it.
"""

import collections
import concurrent.futures
import contextlib
import ctypes
import errno
import gc
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from pipeline import errors

ROOT = Path(__file__).resolve().parents[3]
MEGABYTES = 210  # a worker that needed more is replaced after its job; 250 is the most one may take
KEPT = 150  # megabytes: a worker that holds more gives back what it has free, so that the next job does not add to it
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_LENGTH = struct.Struct("!Q")
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from pipeline.formats.book import crew; crew.serve(sys.argv[2:])"
)


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Crew(concurrent.futures.Executor):
    """Runs `fn(*arguments)` in worker processes; both must be importable there. Use it in a `with` statement.

    A future gives back what `fn` returned or raised; a RenderProblem when the worker died of the job.
    """

    def __init__(self, size: int = 0, *, limit: int = MEGABYTES) -> None:
        """Start no process yet. `size` 0 is one for each core; `limit` counts megabytes."""
        self._jobs: queue.SimpleQueue[tuple[concurrent.futures.Future[Any], str, bytes] | None] = queue.SimpleQueue()
        self._idle: collections.defaultdict[str, list[_Worker]] = collections.defaultdict(list)  # by module
        self._limit = limit
        self._closed = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(size or cores())]
        for thread in self._threads:
            thread.start()

    def warm(self, module: str, preload: str) -> None:
        """Start a worker for jobs of `module` now: it reads `preload` in while the caller prepares the first job."""
        self._idle[module].append(_Worker(preload))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Queue a job; refuses after shutdown."""
        if self._closed:
            msg = "these workers were sent home"
            raise RuntimeError(msg)
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._jobs.put((future, fn.__module__, pickle.dumps((fn, args, kwargs))))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002  the Executor's signature
        """End every worker; with `cancel_futures`, jobs that have not begun are dropped."""
        self._closed = True
        if cancel_futures:
            with contextlib.suppress(queue.Empty):
                while job := self._jobs.get_nowait():
                    job[0].cancel()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads if wait else ():
            thread.join()
        if wait:
            workers = [worker for idle in self._idle.values() for worker in idle]
            for worker in workers:
                worker.dismiss()  # all at once, for each takes its while to end
            for worker in workers:
                worker.close()
            self._idle.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End every worker; jobs that have not begun are dropped when there was an error."""
        self.shutdown(cancel_futures=kind is not None)

    def _work(self) -> None:
        """Take job after job; the worker that was idle last is the warmest."""
        while job := self._jobs.get():
            future, module, payload = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker = self._idle[module].pop()
            except IndexError:
                worker = None
            try:
                worker = worker or _Worker()
                is_good, value, peak = worker.ask(payload)
            except BaseException as error:  # noqa: BLE001  whatever it is, the future must tell it
                future.set_exception(error)
                if worker:
                    worker.close()
                continue
            if peak > self._limit or self._closed:
                worker.close()
            else:
                self._idle[module].append(worker)
            (future.set_result if is_good else future.set_exception)(value)


class _Worker:
    """One process and the two pipes to it."""

    def __init__(self, preload: str = "") -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  what it says on stderr, kept while it lives
        self._is_new = True
        command = [sys.executable, "-c", _PROGRAM, str(ROOT), *([preload] if preload else [])]
        try:
            self._process = subprocess.Popen(  # noqa: S603  our own program
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, start_new_session=True
            )
        except OSError as error:
            self._said.close()
            msg = f"cannot start a worker process: {error.strerror}"
            raise errors.MissingPart(msg, hint="free some memory, or end other programs") from error

    def ask(self, payload: bytes) -> tuple[bool, Any, int]:
        """Have one job done; refuses with a RenderProblem when the process died."""
        self._is_new = False
        into, out = self._process.stdin, self._process.stdout
        assert into is not None  # noqa: S101  both are pipes
        assert out is not None  # noqa: S101
        answer = None
        with contextlib.suppress(OSError):
            _send(into, payload)
            answer = _receive(out)
        if answer is None:
            raise self._obituary()
        is_good, value, peak = pickle.loads(answer)  # noqa: S301  from our own process
        return is_good, value, peak

    def _obituary(self) -> errors.RenderProblem:
        code = self._process.wait()
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        self._said.seek(0)
        last = self._said.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        msg = f"a worker process that lays out the book {how}{': ' + last if last else ''}"
        return errors.RenderProblem(msg, hint="run it again; if it fails again, the machine may be short of memory")

    def dismiss(self) -> None:
        """Tell the process that there are no more jobs."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()

    def close(self) -> None:
        """End the process and wait for it; one that was never asked is not waited for until it is ready."""
        if self._is_new:
            self._process.kill()
        self.dismiss()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # in the middle of a job that nobody waits for
            self._process.kill()
            self._process.wait()
        self._said.close()


def _send(pipe: IO[bytes], payload: bytes) -> None:
    pipe.write(_LENGTH.pack(len(payload)))
    pipe.write(payload)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """Return the next message; None at the end, or when it is cut off."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    payload = pipe.read(length)
    return payload if len(payload) == length else None


# --- in the worker --------------------------------------------------------------------------------


def serve(preload: list[str]) -> None:
    """Do jobs from standard input until it closes. Ctrl-C is for the program that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that a library prints may fall among the answers
    gc.disable()
    for name in preload:
        with contextlib.suppress(ImportError, OSError):  # the job that needs it says so
            __import__(name)
    is_new = True
    while (payload := _receive(jobs)) is not None:
        is_good, value = _done(payload)
        try:
            answer = pickle.dumps((is_good, value, _megabytes("VmHWM:")))
        except Exception as error:  # noqa: BLE001  told to the one who waits
            answer = pickle.dumps((False, _told(error), _megabytes("VmHWM:")))
        with contextlib.suppress(BrokenPipeError):
            _send(answers, answer)
        del payload, value, answer
        gc.collect()  # now that nobody waits
        if _megabytes("VmRSS:") > KEPT:
            _give_back()
        if is_new:
            gc.freeze()  # the modules, fonts and style that the first job needed are not gone through after each job
            is_new = False
    gc.freeze()  # the program waits for the end, which would go through all objects once more


def _done(payload: bytes) -> tuple[bool, Any]:
    try:
        fn, args, kwargs = pickle.loads(payload)  # noqa: S301  from the program that started us
        return True, fn(*args, **kwargs)
    except errors.Problem as problem:
        return False, problem
    except OSError as error:
        return False, _out_of_space(error) if error.errno in _FULL else _told(error)
    except MemoryError:
        return False, errors.RenderProblem("the memory is not enough to lay out a part of the book", hint="free some")
    except Exception as error:  # noqa: BLE001  told to the one who waits
        return False, _told(error)


def _out_of_space(error: OSError) -> errors.StorageProblem:
    """Say what a full disk means in a worker, which writes nothing but the files its libraries need for a moment."""
    msg = f"a part of the book could not be laid out: cannot write in {tempfile.gettempdir()}: {error.strerror}"
    return errors.StorageProblem(msg, hint="free some space there, or set TMPDIR to a folder that has some")


def _told(error: Exception) -> errors.RenderProblem:
    msg = f"a part of the book could not be laid out: {type(error).__name__}: {error}"
    return errors.RenderProblem(msg, hint="undo the last change to the chapter or to templates/book")


def _give_back() -> None:
    """Have the C library return free memory to the system, where it can: the validator leaves 80 MB behind."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _megabytes(name: str) -> int:
    """Return what this process holds (VmRSS:), or the most it ever held (VmHWM:); 0 where the system does not tell.

    The usual way, getrusage, would count what the program that started this one holds.
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith(name)), 0)
