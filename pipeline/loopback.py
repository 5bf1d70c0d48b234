"""A web application on this machine only: what the site, the preview and the sandbox share of being served."""

import contextlib
import errno
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from pipeline import errors

HOST = "127.0.0.1"
STOP_SECONDS = 5
KEEP_ALIVE_SECONDS = 75
"""Longer than a program pauses between calls: a connection closed meanwhile would look like a fault."""


class Protocol(H11Protocol):
    """HTTP that writes no access log, however logging is set up: a line of it would hold unsubscribe links."""

    def __init__(self, *settings: Any, **more: Any) -> None:
        """Take uvicorn's settings."""
        super().__init__(*settings, **more)
        self.access_log = False


def _nothing() -> None:
    """Stand for what nobody asked to be told."""


class Server(uvicorn.Server):
    """A server that says when it is ready, lets the application end its waiting answers, and stops in peace."""

    def __init__(
        self,
        application: Starlette,
        *,
        before_stop: Callable[[], None] = _nothing,
        protocol: type[H11Protocol] = Protocol,
    ) -> None:
        """Prepare to serve; `before_stop` ends answers that would otherwise wait for ever."""
        super().__init__(_settings(application, protocol))
        self._before_stop = before_stop
        self.on_ready: Callable[[], None] = _nothing

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what waits, then stop."""
        self._before_stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; unlike uvicorn's own, do not raise the signal again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  the signature of a handler
        self.force_exit = self.should_exit  # the second signal does not wait for anybody
        self.should_exit = True


def _settings(application: Starlette, protocol: type[H11Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


def serve(server: Server, listener: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called when connections are answered."""
    server.on_ready = ready
    server.run(sockets=[listener])


@contextlib.contextmanager
def running(server: Server, listener: socket.socket, who: str) -> Iterator[None]:
    """Serve from a thread while the block runs."""
    started = threading.Event()
    server.on_ready = started.set
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name=who, daemon=True)
    thread.start()
    try:
        if not started.wait(STOP_SECONDS):
            msg = f"{who} did not start"
            raise errors.MissingPart(msg, hint="run `mscare doctor`")
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextlib.contextmanager
def listening(port: int, who: str) -> Iterator[socket.socket]:
    """Take the port, 0 for a free one; refuses with MissingPart when it is taken or none.

    From here on connections wait in the queue, so that nobody is turned away at the start.
    """
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named: otherwise each takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError as error:
            is_taken = error.errno == errno.EADDRINUSE
            reason = "is taken by another program" if is_taken else f"cannot be used: {error.strerror}"
            msg = f"{who} cannot start: port {port} on {HOST} {reason}"
            hint = "is one running already? If not, choose another port with --port N; --port 0 picks a free one"
            raise errors.MissingPart(msg, hint=hint) from error
        except OverflowError as error:
            msg = f"{who} cannot start: {port} is not a port"
            hint = "choose one from 1024 to 65535 with --port N; --port 0 picks a free one"
            raise errors.MissingPart(msg, hint=hint) from error
        yield listener


def url(listener: socket.socket) -> str:
    """Return the address that a listener answers."""
    return f"http://{HOST}:{listener.getsockname()[1]}"
