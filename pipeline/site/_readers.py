"""What a reader does here: leave the list, and say whether a text helped. GET and HEAD never change anything.

Scanners in mail programs fetch every link of a mail, so a link only shows a page. Only POST acts. Nothing here
tells whether anybody is on the list: a genuine link gives the same answers for everyone, also after they were erased.
"""

import datetime as dt
import logging
import os
from collections.abc import Callable
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import audience, errors, office
from pipeline.site import _bodies, _pages, _rooms

log = logging.getLogger("mscare.site")

SOURCE = "the unsubscribe link of a mail"  # what the record of a withdrawal says
ANSWERS = "helpful.csv"  # in var/: date, edition or articles/slug, yes or no; nothing about who answered
MOST_ANSWERS = 20_000_000  # bytes: anybody may answer, and the disk is not theirs to fill


class Readers:
    """The reader's addresses."""

    def __init__(
        self, here: office.Office, pages: _pages.Pages, rooms: _rooms.Rooms, now: Callable[[], dt.datetime]
    ) -> None:
        """Act on the database and the folder var/ of `here`."""
        self._office, self._pages, self._rooms, self._now = here, pages, rooms, now

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("/u/{token:path}", self.ask, methods=["GET"]),
            Route("/u/{token:path}", self.leave, methods=["POST"]),
            Route("/helpful/{slug}/{answer}", self.helpful, methods=["GET"]),
            Route("/helpful/{slug}/{answer}", self.count, methods=["POST"]),
            Route("/helpful/{kind}/{slug}/{answer}", self.helpful, methods=["GET"]),
            Route("/helpful/{kind}/{slug}/{answer}", self.count, methods=["POST"]),
        ]

    def ask(self, request: Request) -> Response:
        """Show the page with the button."""
        if self._public_id(request) is None:
            return self._broken(request)
        return self._pages.page(request, "leave.html", "Unsubscribe", is_incomplete=False)

    async def leave(self, request: Request) -> Response:
        """Unsubscribe at once (RFC 8058): no cookie, no redirect, no second question."""
        body = await _bodies.read(request, _bodies.FORM)
        public_id = self._public_id(request)
        if public_id is None:
            return self._broken(request)
        if not _bodies.is_one_click(request.headers.get("content-type", ""), body):
            return self._pages.page(request, "leave.html", "Unsubscribe", 400, is_incomplete=True)
        await run_in_threadpool(audience.unsubscribe, self._office.engine, public_id, self._now(), source=SOURCE)
        log.info("unsubscribed by=link")
        return self._pages.page(request, "left.html", "You are unsubscribed")

    def helpful(self, request: Request) -> Response:
        """Show the page on which an answer is given."""
        _, answer, what = self._answer(request)
        return self._pages.page(request, "helpful.html", f"Did this {what} help you?", answer=answer, what=what)

    def count(self, request: Request) -> Response:
        """Count one answer."""
        page, answer, what = self._answer(request)
        counted = page.removeprefix("editions/")
        _write(self._office.desk.settings.var / ANSWERS, f"{self._now().date().isoformat()},{counted},{answer}\n")
        return self._pages.page(request, "thanks.html", "Thank you", answer=answer, back=f"{page}/", what=what)

    def _public_id(self, request: Request) -> bytes | None:
        return self._office.keys.public_id(str(request.path_params["token"]))

    def _broken(self, request: Request) -> Response:
        return self._pages.page(request, "broken.html", "This link is not complete", 404)

    def _answer(self, request: Request) -> tuple[str, str, str]:
        """Return the page that is spoken of, the answer, and what kind of page it is; only for pages that exist."""
        kind, slug = request.path_params.get("kind", "editions"), str(request.path_params["slug"])
        answer = str(request.path_params["answer"])
        is_there = {"editions": self._rooms.has_edition, "articles": self._rooms.has_article}.get(kind)
        if answer not in {"yes", "no"} or is_there is None or not is_there(slug):
            raise HTTPException(404)
        return f"{kind}/{slug}", answer, "edition" if kind == "editions" else "article"


def _write(path: Path, line: str) -> None:
    """Append one line in one call, so that several servers may do it at once; refuses when the disk does."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < MOST_ANSWERS:
                os.write(handle, line.encode())
            else:
                log.warning("answers-full file=%s", path)
        finally:
            os.close(handle)
    except OSError as error:
        msg = f"an answer cannot be counted in {path}: {error.strerror}"
        raise errors.StorageProblem(msg, hint="free some space or mend the rights") from error
