"""The preview as one ASGI application, and its server on this machine only."""

import contextlib
import datetime as dt
import secrets
import socket
from collections.abc import Callable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from pipeline import config, loopback, office
from pipeline.studio import approving, book, door, drawn, pages, room

WHO = "the preview"


def app(shown: room.Room, how: drawn.Drawn, entrance: door.Door) -> Starlette:
    """Build the application: what is shown, how it is drawn, and who may look."""
    editions = pages.Pages(shown, how)

    async def locked(request: Request) -> Response:
        return how.answer(lambda asked: _locked(how, asked), request)

    async def enter(request: Request) -> Response:
        return entrance.enter(request) or await locked(request)

    async def events(_: Request) -> Response:
        stream = shown.streams.follow(lambda: shown.generation)
        return StreamingResponse(stream, media_type="text/event-stream", headers=drawn.HEADERS)

    async def missing(request: Request, problem: Any) -> Response:
        status = int(problem.status_code)
        return how.answer(lambda _: how.page("missing.html", status=status, code=status), request)

    routes = [
        *editions.routes(),
        *book.BookPages(shown, how).routes(),
        *approving.Approving(shown, how, editions).routes(),
        Route("/events", events),
        Route(door.ENTRANCE, enter),
    ]
    middleware = [
        Middleware(TrustedHostMiddleware, allowed_hosts=[loopback.HOST, "localhost"], www_redirect=False),
        Middleware(door.Guard, door=entrance, is_open=_is_open, locked=locked),
    ]
    codes: dict[Any, Any] = dict.fromkeys((400, 403, 404, 405, 413), missing)
    return Starlette(routes=routes, middleware=middleware, exception_handlers=codes)


def _is_open(path: str) -> bool:
    return path == door.ENTRANCE or pages.is_open(path)


def _locked(how: drawn.Drawn, request: Request) -> Response:
    """Say how to come in. A link from elsewhere brings no cookie: the page then asks once more from here."""
    is_from_elsewhere = request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET"
    here = "/" + request.url.path.lstrip("/")  # never the address of another server
    again = here if is_from_elsewhere and here != door.ENTRANCE else ""
    return how.page("locked.html", status=403, again=again, is_used="token" in request.query_params)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def serve(settings: config.Config, port: int, ready: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; `ready` gets the address to open. Port 0 picks a free one.

    Refuses with MissingPart when the port is taken or the templates are missing, and as `office.open_office` does.
    """
    with loopback.listening(port, WHO) as listener, _opened(settings, listener, _now) as (server, address):
        loopback.serve(server, listener, lambda: ready(address))


@contextlib.contextmanager
def running(settings: config.Config, port: int = 0, clock: room.Clock = _now) -> Iterator[str]:
    """Serve from a thread while the block runs; yields the address to open. Refuses as `serve` does."""
    with (
        loopback.listening(port, WHO) as listener,
        _opened(settings, listener, clock) as (server, address),
        loopback.running(server, listener, WHO),
    ):
        yield address


@contextlib.contextmanager
def _opened(
    settings: config.Config, listener: socket.socket, clock: room.Clock
) -> Iterator[tuple[loopback.Server, str]]:
    """Open the office and begin to watch; everything is closed again at the end."""
    how = drawn.Drawn(settings.templates)
    with contextlib.closing(room.Room(office.open_office(settings), clock)) as shown:
        entrance = door.Door(lambda: secrets.token_urlsafe(32), listener.getsockname()[1])
        server = loopback.Server(app(shown, how, entrance), before_stop=shown.streams.close)
        yield server, loopback.url(listener) + entrance.address
