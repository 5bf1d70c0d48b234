"""The server of the public site, on this machine only: a proxy with a certificate stands in front of it."""

import contextlib
from collections.abc import Callable, Iterator

from starlette.applications import Starlette

from pipeline import audience, config, loopback, office
from pipeline.site import _app

WHO = "the public site"


def serve(settings: config.Config, port: int, ready: Callable[[str], None]) -> None:
    """Serve on 127.0.0.1 until SIGINT or SIGTERM; `ready` gets the address. Port 0 picks a free one.

    Refuses with MissingPart when the port is taken, with StorageProblem when the database or its key does not fit.
    """
    with loopback.listening(port, WHO) as listener, contextlib.closing(_Opened(settings)) as opened:
        application = _app.app(opened.here)
        server = loopback.Server(application, before_stop=application.state.close)
        loopback.serve(server, listener, lambda: ready(loopback.url(listener)))


@contextlib.contextmanager
def running(application: Starlette, port: int = 0) -> Iterator[str]:
    """Serve from a thread while the block runs; yields the address. Refuses a port that is taken."""
    with loopback.listening(port, WHO) as listener:
        server = loopback.Server(application, before_stop=application.state.close)
        with loopback.running(server, listener, WHO):
            yield loopback.url(listener)


class _Opened:
    """An office whose database is closed at the end."""

    def __init__(self, settings: config.Config) -> None:
        self.here = office.open_office(settings)
        audience.check_key(self.here.engine, self.here.keys)  # with another key every unsubscribe link would be false

    def close(self) -> None:
        self.here.engine.dispose()
