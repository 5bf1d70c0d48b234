"""Saved files: content/, templates/ and mscare.toml are watched, and each change is told once it is whole."""

import logging
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import watchfiles

from pipeline import config

log = logging.getLogger("mscare.preview")

QUIET = 30  # milliseconds without a further change until a save counts as whole
LONGEST = 400  # milliseconds: an editor that never stops writing is told of all the same
LOOK = 500  # milliseconds between two looks at mscare.toml, whose folder is too full to be watched

Tell = Callable[[Collection[Path]], None]


class Watch:
    """A thread that tells of changed files until it is closed."""

    def __init__(self, settings: config.Config, tell: Tell) -> None:
        """Start watching; `tell` gets the changed files."""
        self._settings, self._tell = settings, tell
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        for force_polling in (None, True):  # None: as the system tells; it may have no watches left
            try:
                self._follow(force_polling)
            except (OSError, RuntimeError) as error:
                log.warning("watch-failed polling=%s reason=%s", bool(force_polling), error)
            else:
                return
        log.warning("watch-ended: saved files are not seen any more; start `mscare preview` again")

    def _follow(self, force_polling: bool | None) -> None:  # noqa: FBT001  the library's own three-way switch
        file = self._settings.root / config.FILE_NAME
        known = _stamp(file)
        for changes in self._changes(force_polling):
            paths = {Path(path) for _, path in changes}
            now = _stamp(file)
            if now != known:
                paths.add(file)
                known = now
            if paths:
                self._tell(paths)

    def _changes(self, force_polling: bool | None) -> Iterator[set[tuple[watchfiles.Change, str]]]:  # noqa: FBT001  the same
        return watchfiles.watch(
            self._settings.content,
            self._settings.templates,
            debounce=LONGEST,
            step=QUIET,
            stop_event=self._stop,
            rust_timeout=LOOK,
            yield_on_timeout=True,
            raise_interrupt=False,
            force_polling=force_polling,
        )


def _stamp(path: Path) -> tuple[int, int]:
    """Tell two states of a file apart; a missing one has a state too."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size
