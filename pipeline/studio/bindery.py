"""The book, rendered in the background: in a process of its own, so that a page never waits for it.

A new wish while it works stops it and begins again, since only the newest content matters.
"""

import contextlib
import json
import multiprocessing
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing import connection
from typing import IO, cast

from pipeline import config
from pipeline.studio import looks


class Bindery:
    """One thread that waits for wishes, and the process that fulfils the newest of them."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """Start waiting; `tell` is called when a book is done, or could not be. Whoever makes it closes it."""
        self._tell = tell
        self._lock = threading.Lock()
        self._ear, self._bell = multiprocessing.Pipe(duplex=False)
        self._wish: config.Config | None = None
        self._is_working = self._is_closed = False
        self._trouble: looks.Trouble | None = None
        self._thread = threading.Thread(target=self._serve, name="bindery", daemon=True)
        self._thread.start()

    @property
    def state(self) -> tuple[bool, looks.Trouble | None]:
        """Say whether the book is being rendered, and what went wrong the last time."""
        with self._lock:
            return self._is_working or self._wish is not None, self._trouble

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

    def _take(self) -> config.Config | None:
        """Take the newest wish, and forget the bells that rang for it."""
        with self._lock:
            while self._ear.poll():
                self._ear.recv()
            settings, self._wish = (None if self._is_closed else self._wish), None
            self._is_working = settings is not None
            return settings

    def _work(self, settings: config.Config) -> None:
        """Render in a process of its own until it is done, or the bell rings: then end it."""
        try:
            # A session of its own: Ctrl-C in the window is for this process, which then ends that one in good order.
            with subprocess.Popen(
                [sys.executable, "-m", "pipeline.studio.binding"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            ) as worker:
                asked, answer = cast("IO[bytes]", worker.stdin), cast("IO[bytes]", worker.stdout)
                with contextlib.suppress(BrokenPipeError), asked:
                    asked.write(pickle.dumps(settings))
                if answer.fileno() in connection.wait([answer.fileno(), self._ear]):
                    self._hear(answer.read())
                else:
                    worker.terminate()
        except OSError as error:
            self._keep(looks.Trouble(f"the book cannot be rendered: {error.strerror}", "start `mscare preview` again"))

    def _hear(self, answer: bytes) -> None:
        trouble: looks.Trouble | None = looks.Trouble("rendering the book was cut off", "save a chapter to try again")
        with contextlib.suppress(ValueError, TypeError):
            said = json.loads(answer)
            trouble = looks.Trouble(**said) if said else None
        self._keep(trouble)

    def _keep(self, trouble: looks.Trouble | None) -> None:
        with self._lock:
            self._trouble = trouble
