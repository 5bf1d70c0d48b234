"""The sandbox as one ASGI application, and its server on this machine only."""

import contextlib
import functools
import json
import socket
import struct
import time
from asyncio import Transport
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import errors, loopback
from pipeline.sandbox import calls, desk, faults, pages, resend, sendgrid, sendgrid_logs, store, wire, witness

WHO = "the sandbox"


class App(Starlette):
    """The ASGI application, with what its server needs at the end."""

    def __init__(
        self, taken: store.Store, state: calls.Calls, routes: list[Route], missing: Callable[..., Any]
    ) -> None:
        """Answer the routes, to callers that name this machine only."""
        self._taken, self._calls = taken, state
        super().__init__(
            routes=routes,
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[loopback.HOST, "localhost"])],
            exception_handlers={404: missing, 405: missing},
        )

    def drop_held(self) -> None:
        """End every waiting call without an answer."""
        self._calls.drop_held()

    def close(self) -> None:
        """Close the store."""
        self._taken.close()


def app(store_path: Path, faults: faults.Plan, templates: Path, *, clock: Callable[[], float] = time.time) -> App:
    """Build the application; `templates` is the project's templates/ folder, `clock` gives Unix seconds.

    Refuses with StorageProblem or MissingPart. Whoever runs it closes it.
    """
    taken = store.Store(store_path)
    state = calls.Calls(faults)
    try:
        inbox = pages.Pages(templates, taken)
    except errors.Problem:
        taken.close()
        raise
    routes = [
        Route("/v3/mail/send", desk.Desk(sendgrid, taken, state, clock)),
        Route("/emails", desk.Desk(resend, taken, state, clock)),
        Route("/emails/batch", desk.Desk(resend, taken, state, clock)),
        *_lookups(taken, state, clock),
        *witness.routes(taken, state),
        *inbox.routes(),
    ]
    return App(taken, state, routes, functools.partial(_missing, inbox))


def _lookups(taken: store.Store, state: calls.Calls, clock: Callable[[], float]) -> list[Route]:
    def looking(look: Callable[[wire.Call, Request], wire.Answer]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            state.lookups += 1
            call = desk.make_call(request.scope, await request.body(), clock())
            return _response(look(call, request))

        return endpoint

    return [
        Route("/v3/logs", looking(lambda call, _: sendgrid_logs.search(call, taken)), methods=["POST"]),
        Route(
            "/v3/logs/{id}", looking(lambda call, request: sendgrid_logs.one(call, taken, request.path_params["id"]))
        ),
        Route("/emails/{id}", looking(lambda call, request: resend.one(call, taken, request.path_params["id"]))),
    ]


def _response(answer: wire.Answer) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


async def _missing(inbox: pages.Pages, request: Request, problem: Any) -> Response:
    """Answer an unknown address, or a method it does not have, the way its service would."""
    path, status = request.url.path, int(problem.status_code)
    call = desk.make_call(request.scope, b"", 0.0)
    if path.startswith("/v3/"):
        return _response(sendgrid.refusal(call, status, ("not found" if status == 404 else "method not allowed", None)))  # noqa: PLR2004
    if path.startswith("/emails"):
        return _response(resend.no_endpoint(status))
    if path.startswith("/_sandbox/"):
        body = json.dumps({"error": f"{request.method} {path} is not there"})
        return Response(body, status, media_type="application/json")
    return inbox.missing()


class _Connection:
    """The TCP connection under a call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def cut(self) -> None:
        """Reset the connection: the client sees it broken, not closed in good order."""
        connection = self._transport.get_extra_info("socket")
        if connection is not None and connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()


class _Protocol(loopback.Protocol):
    """HTTP that hands the connection to the application."""

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # uvicorn narrows it the same way
        super().connection_made(transport)
        self.app_state = {**self.app_state, "connection": _Connection(transport)}


def _server(application: App) -> loopback.Server:
    return loopback.Server(application, before_stop=application.drop_held, protocol=_Protocol)


def serve(store_path: Path, port: int, faults: faults.Plan, templates: Path, *, ready: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; `ready` gets the base URL. Port 0 picks a free one.

    Refuses with MissingPart when the port is taken or the templates are missing, with StorageProblem for the store.
    """
    with (
        loopback.listening(port, WHO) as listener,
        contextlib.closing(app(store_path, faults, templates)) as application,
    ):
        loopback.serve(_server(application), listener, lambda: ready(loopback.url(listener)))


@contextlib.contextmanager
def running(
    store_path: Path,
    port: int,
    faults: faults.Plan,
    templates: Path,
    *,
    clock: Callable[[], float] = time.time,
) -> Iterator[str]:
    """Serve from a thread while the block runs; yields the base URL. Refuses as `serve` does."""
    with (
        loopback.listening(port, WHO) as listener,
        contextlib.closing(app(store_path, faults, templates, clock=clock)) as application,
        loopback.running(_server(application), listener, WHO),
    ):
        yield loopback.url(listener)
