"""The process in which the book is rendered: wishes come in on stdin, answers go out on stdout, a line of JSON each.

1. The edition for screens alone, into out/.first: its pages are what the preview shows. The answer is "pages".
2. The whole book. The answer is null, or the sentence that says why not; this one ends the wish.

It stays, and with it the workers and all that they have read in, so that the next wish is fulfilled sooner. SIGUSR1
ends the wish it is at: there is a newer one.
"""

import contextlib
import dataclasses
import json
import pickle
import signal
import sys
from collections.abc import Iterator
from multiprocessing import connection

from pipeline import config, edition, errors, flow, folders, model, render, store
from pipeline.formats import book
from pipeline.formats.book import crew
from pipeline.studio import looks

FIRST = ".first"  # the folder of out/ with the edition that is made first
PAGES = "pages"
PATIENCE = 600  # seconds without a wish until the workers go home, for they hold much memory


class _Newer(BaseException):
    """There is a newer wish."""


class _Ear:
    """Hears of a newer wish while there is one to drop."""

    def __init__(self) -> None:
        self._is_open = False
        signal.signal(signal.SIGUSR1, self._hear)

    def _hear(self, *_: object) -> None:
        if self._is_open:
            self._is_open = False
            raise _Newer

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Let a newer wish end the block, which is left without a word then."""
        with contextlib.suppress(_Newer):
            self._is_open = True
            try:
                yield
            finally:
                self._is_open = False


def main() -> None:
    """Fulfil wish after wish until stdin closes."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(errors.Interrupted.exit_code))  # so that render tidies up
    ear, workers = _Ear(), book.workers()
    try:
        while True:
            if not connection.wait([sys.stdin.fileno()], PATIENCE):
                workers.shutdown()
                workers = crew.Crew()
            settings = pickle.load(sys.stdin.buffer)  # noqa: S301  written by our own parent process
            trouble = None
            with ear.open():
                try:
                    _render(settings, workers)
                except Exception as problem:  # noqa: BLE001  told on the book's page, in a sentence
                    trouble = dataclasses.asdict(looks.told(problem))
            _say(trouble)
    except EOFError:
        return
    finally:
        workers.shutdown(cancel_futures=True)


def _render(settings: config.Config, workers: crew.Crew) -> None:
    """Render the edition for screens, say so, then render all: what it is made of comes from the store then."""
    desk = flow.read(settings)
    whole = desk.book()
    material = dataclasses.replace(desk.material, workers=workers)
    main = model.main_pdf([one.file for one in whole.editions])
    first = edition.chosen(whole, [one.id for one in whole.editions if one.file == main])
    kept = store.FolderStore(settings.out / render.PARTS, "book")
    folders.replace(settings.out / FIRST, book.render(first, dataclasses.replace(material, store=kept)))
    _say(PAGES)
    render.build(whole, material, settings.out, _silent)


def _silent(_: str) -> None:
    """Say nothing of what is done meanwhile."""


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201  stdout is the pipe to the parent
