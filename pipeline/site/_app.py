"""The public site as one ASGI application: its addresses, its headers, and what it says when something goes wrong."""

import datetime as dt
import functools
import logging
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline import database, edition, errors, office
from pipeline.ledger import decisions
from pipeline.site import _hooks, _joining, _packs, _pages, _readers, _rooms, _shelf

log = logging.getLogger("mscare.site")

HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",  # an address on this site says something about its reader
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "browsing-topics=(), camera=(), geolocation=(), microphone=()",
}
TRY_AGAIN = "60"  # seconds


class _Guarded:
    """Adds the security headers to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)


def clock() -> dt.datetime:
    """Return the time in UTC."""
    return dt.datetime.now(dt.UTC)


def app(here: office.Office, *, now: Callable[[], dt.datetime] = clock) -> Starlette:
    """Build the application over out/ and the database of `here`; `now` gives an aware time.

    Refuses with RenderProblem when the templates are missing. out/ need not exist: unsubscribing works without it.
    """
    settings = here.desk.settings
    pages = _pages.Pages(settings.templates, settings.identity)
    house = _rooms.House(now, functools.partial(_is_approved, here), has_packs=edition.has_packs(here.desk.library))
    rooms = _rooms.Rooms(_shelf.Shelf(settings.out), pages, house)
    packs = _packs.Packs(here.desk, pages)
    routes = [
        *_readers.Readers(here, pages, rooms, now).routes(),
        *_joining.Joining(here, pages, now).routes(),
        *_hooks.Hooks(here, now).routes(),
        *packs.routes(),
        *rooms.routes(),
    ]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(_Guarded)],
        exception_handlers={
            HTTPException: functools.partial(_refused, pages),
            errors.Problem: functools.partial(_failed, pages),
            Exception: functools.partial(_failed, pages),
        },
    )
    application.state.close = packs.close  # called when the server stops
    application.router.redirect_slashes = False  # it would repeat the Host header, which anybody can write
    return application


def _is_approved(here: office.Office, slug: str) -> bool:
    """Tell whether somebody let this edition go out; while the database cannot be read, nobody is believed to have."""
    try:
        with database.reading(here.engine) as connection:
            return decisions.approval_of(connection, slug) is not None
    except errors.StorageProblem as problem:
        log.warning("approval-unread reason=%s", problem.message)
        return False


async def _refused(pages: _pages.Pages, request: Request, refusal: Exception) -> Response:
    """Answer 404 with a page that leads on, anything else that was refused with its bare status."""
    status = refusal.status_code if isinstance(refusal, HTTPException) else 500
    if status == 404:  # noqa: PLR2004  Not Found
        return pages.page(request, "missing.html", "This page is not here", 404)
    headers = refusal.headers if isinstance(refusal, HTTPException) else None
    return Response(status_code=status, headers={**(headers or {}), "Cache-Control": "no-store"})


async def _failed(pages: _pages.Pages, request: Request, fault: Exception) -> Response:
    """Say that it is our fault. 503 lets a mail service repeat its one-click call, and a webhook its report."""
    log.error("failed method=%s kind=%s reason=%s", request.method, type(fault).__name__, fault)
    answer = pages.page(request, "sorry.html", "That did not work", 503)
    answer.headers["Retry-After"] = TRY_AGAIN
    return answer
