"""Appointment packs: two pages to take along, made at the moment somebody asks.

Which questions somebody chooses is health data. Nothing here keeps it or says it: not in a log, not in a file's name.
"""

import concurrent.futures
import hashlib
import threading

from pipeline import errors, model, office
from pipeline.formats.book import crew
from pipeline.formats.book import pack as format_pack

FILE = "appointment-pack.pdf"  # what a browser saves it as
WAITING = 8  # people at a server whose packs are being made; each takes about a quarter of a second


def make(desk: office.Desk, wanted: model.Pack) -> bytes:
    """Return the PDF of a pack, made in this process; refuses as `formats.book.pack.render` does."""
    return format_pack.render(wanted, desk.settings.identity, desk.settings.templates)


def file_name(content: bytes) -> str:
    """Name a pack so that other questions have another name, which says nothing of them."""
    return f"appointment-pack-{hashlib.sha256(content).hexdigest()[:8]}.pdf"


class Counter:
    """Makes packs for people at a server: one worker process that stays warm, and a short queue before it."""

    def __init__(self, waiting: int = WAITING) -> None:
        """Start nothing yet; at most `waiting` packs are asked for at once. Whoever makes it closes it."""
        self._lock = threading.Lock()
        self._crew: crew.Crew | None = None
        self._is_closed = False
        self._places = threading.BoundedSemaphore(waiting)

    def make(self, desk: office.Desk, wanted: model.Pack) -> bytes:
        """Return the PDF of a pack; refuses when too many wait, and as `make` does."""
        if not self._places.acquire(blocking=False):
            msg = "too many appointment packs are being made at this moment"
            raise errors.MissingPart(msg, hint="try again in a few seconds", passes=True)
        try:
            return self._ask(desk, wanted).result()
        finally:
            self._places.release()

    def _ask(self, desk: office.Desk, wanted: model.Pack) -> "concurrent.futures.Future[bytes]":
        with self._lock:
            if self._is_closed:
                msg = "the server is being stopped"
                raise errors.Interrupted(msg, hint="start it again", passes=True)
            if self._crew is None:
                self._crew = crew.Crew(1)
            return self._crew.submit(format_pack.render, wanted, desk.settings.identity, desk.settings.templates)

    def close(self) -> None:
        """End the worker; no pack is made any more."""
        with self._lock:
            workers, self._crew, self._is_closed = self._crew, None, True
        if workers is not None:
            workers.shutdown()
