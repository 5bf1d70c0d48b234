"""The server of the public site, on this machine only: a proxy with a certificate stands in front of it."""

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

from pipeline import audience, config, errors, office
from pipeline.site import _app

HOST = "127.0.0.1"
STOP_SECONDS = 5


class _Protocol(H11Protocol):
    """HTTP that writes no access log, however logging is set up: a line of it would hold unsubscribe links."""

    def __init__(self, *settings: Any, **more: Any) -> None:
        super().__init__(*settings, **more)
        self.access_log = False


class _Server(uvicorn.Server):
    """A server that says when it is ready and ends in peace on a signal."""

    def __init__(self, settings: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

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


def serve(settings: config.Config, port: int, ready: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; `ready` gets the address. Port 0 picks a free one.

    Refuses with MissingPart when the port is taken, with StorageProblem when the database or its key does not fit.
    """
    with _listening(port) as listener, contextlib.closing(_Opened(settings)) as opened:
        server = _Server(_config(_app.app(opened.here)), lambda: ready(_url(listener)))
        server.run(sockets=[listener])


@contextlib.contextmanager
def running(application: Starlette, port: int = 0) -> Iterator[str]:
    """Serve from a thread while the block runs; yields the address. Refuses a port that is taken."""
    with _listening(port) as listener:
        started = threading.Event()
        server = _Server(_config(application), started.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="site", daemon=True)
        thread.start()
        try:
            if not started.wait(STOP_SECONDS):
                msg = "the public site did not start"
                raise errors.MissingPart(msg, hint="run `mscare doctor`")
            yield _url(listener)
        finally:
            server.should_exit = True
            thread.join()


class _Opened:
    """An office whose database is closed at the end."""

    def __init__(self, settings: config.Config) -> None:
        self.here = office.open_office(settings)
        audience.check_key(self.here.engine, self.here.keys)  # with another key every unsubscribe link would be false

    def close(self) -> None:
        self.here.engine.dispose()


def _config(application: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )


@contextlib.contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    """Take the port; from here on connections wait in the queue, so that nobody is turned away at the start."""
    # asyncio sends small answers at once (TCP_NODELAY) only where the protocol is named: otherwise each takes 40 ms.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(128)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "is taken by another program" if taken else f"cannot be used: {error.strerror}"
            msg = f"the public site cannot listen: port {port} on {HOST} {reason}"
            hint = "stop that program, or choose another port with --port N; 0 picks a free one"
            raise errors.MissingPart(msg, hint=hint) from error
        except OverflowError as error:
            msg = f"the public site cannot listen: {port} is not a port"
            raise errors.MissingPart(msg, hint="choose a port from 1024 to 65535, or 0 for a free one") from error
        yield listener


def _url(listener: socket.socket) -> str:
    return f"http://{HOST}:{listener.getsockname()[1]}"
