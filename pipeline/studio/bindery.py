"""The book, rendered in the background: in a process of its own, so that a page never waits for it.

The process stays for the next wish. A new wish while it works ends the old one, since only the newest content matters.
"""

import contextlib
import dataclasses
import json
import multiprocessing
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import IO, cast

from pipeline import config
from pipeline.studio import binding, looks


@dataclasses.dataclass(frozen=True, slots=True)
class State:
    """Whether the book is being rendered, and what went wrong the last time.

    `has_pages`: of the newest content, the edition that is made first is there; `is_ahead`: it is newer than the book.
    """

    is_rendering: bool
    has_pages: bool
    is_ahead: bool
    trouble: looks.Trouble | None


class Bindery:
    """One thread that waits for wishes, and the process that fulfils the newest of them."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """Start waiting; `tell` is called when its pages are there, and when all is done or could not be.

        Whoever makes it closes it.
        """
        self._tell = tell
        self._lock = threading.Lock()
        self._ear, self._bell = multiprocessing.Pipe(duplex=False)
        self._wish: config.Config | None = None
        self._is_working = self._is_closed = self._has_pages = self._is_ahead = False
        self._trouble: looks.Trouble | None = None
        self._worker: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._serve, name="bindery", daemon=True)
        self._thread.start()

    @property
    def state(self) -> State:
        """Say how the newest wish stands."""
        with self._lock:
            is_rendering = self._is_working or self._wish is not None
            return State(is_rendering, self._has_pages and self._wish is None, self._is_ahead, self._trouble)

    def ask(self, settings: config.Config) -> None:
        """Wish for the book of the content as it is now."""
        with self._lock:  # wish and bell are one: a bell heard after a wish was taken means a newer wish
            self._wish = settings
            self._bell.send(None)

    def close(self) -> None:
        """Stop the work and the waiting; what was rendered before stays."""
        with self._lock:
            self._is_closed = True
            self._bell.send(None)
        self._thread.join()
        self._ear.close()
        self._bell.close()

    def _serve(self) -> None:
        while not self._is_closed:
            connection.wait([self._ear])
            while settings := self._take():
                self._work(settings)
            if not self._is_closed:
                self._tell()
        self._dismiss()

    def _take(self) -> config.Config | None:
        """Take the newest wish, and forget the bells that rang for it."""
        with self._lock:
            while self._ear.poll():
                self._ear.recv()
            settings, self._wish = (None if self._is_closed else self._wish), None
            self._is_working, self._has_pages = settings is not None, False
            return settings

    def _work(self, settings: config.Config) -> None:
        """Have the process fulfil a wish, until it is done or the bell rings: then the wish is dropped."""
        try:
            worker = self._ready()
            asked, answer = cast("IO[bytes]", worker.stdin), cast("IO[bytes]", worker.stdout)
            with contextlib.suppress(BrokenPipeError):
                asked.write(pickle.dumps(settings))
            while True:
                if answer.fileno() not in connection.wait([answer.fileno(), self._ear]):
                    self._drop(worker, answer)
                    return
                said = answer.readline()
                if not _is_of_pages(said):
                    break
                with self._lock:
                    self._has_pages = self._is_ahead = True
                self._tell()
            self._hear(said)
            if not said:  # it has died: the next wish starts another
                self._dismiss()
        except OSError as error:
            self._keep(looks.Trouble(f"the book cannot be rendered: {error.strerror}", "start `mscare preview` again"))

    def _ready(self) -> subprocess.Popen[bytes]:
        """Return the process, started at the first wish.

        It has a session of its own: Ctrl-C in the window is for this process, which then ends that one in good order.
        """
        if self._worker is not None and self._worker.poll() is not None:
            self._dismiss()  # it died while it had nothing to do
        if self._worker is None:
            self._worker = subprocess.Popen(
                [sys.executable, "-c", "from pipeline.studio import binding; binding.main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,  # so that no answer waits where `connection.wait` does not see it
                start_new_session=True,
            )
        return self._worker

    def _drop(self, worker: subprocess.Popen[bytes], answer: IO[bytes]) -> None:
        """End the wish the process is at; it stays warm for the next one, unless it could not listen yet."""
        if self._is_closed:
            return
        worker.send_signal(signal.SIGUSR1)
        while (said := answer.readline()) and _is_of_pages(said):
            continue
        if not said:
            self._dismiss()

    def _dismiss(self) -> None:
        """End the process and wait for it."""
        if self._worker is not None:
            with self._worker as worker:
                worker.terminate()
            self._worker = None

    def _hear(self, answer: bytes) -> None:
        trouble: looks.Trouble | None = looks.Trouble("rendering the book was cut off", "save a chapter to try again")
        with contextlib.suppress(ValueError, TypeError):
            said = json.loads(answer)
            trouble = looks.Trouble(**said) if said else None
        self._keep(trouble)

    def _keep(self, trouble: looks.Trouble | None) -> None:
        with self._lock:
            self._trouble = trouble
            self._is_ahead = self._is_ahead and trouble is not None


def _is_of_pages(answer: bytes) -> bool:
    """Tell whether it says that the pages are there, and the rest is still to come."""
    return answer == json.dumps(binding.PAGES).encode() + b"\n"
