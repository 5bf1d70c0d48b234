"""Who may look: the printed address carries a token that works once and becomes a session of one browser."""

import dataclasses
import hmac
import threading
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

ENTRANCE = "/enter"
Mint = Callable[[], str]
"""Makes a secret that nobody can guess."""


@dataclasses.dataclass(frozen=True, slots=True)
class Session:
    """One browser that was let in; a form must bring `form_key` back."""

    id: str = dataclasses.field(repr=False)
    form_key: str = dataclasses.field(repr=False)

    def sent(self, form_key: str) -> bool:
        """True when a form came from one of our own pages in this session."""
        return hmac.compare_digest(form_key.encode(), self.form_key.encode())


class Door:
    """The token, and the sessions it has become. Sessions end with this process."""

    def __init__(self, mint: Mint, port: int) -> None:
        """Make the token. The cookie's name has the port in it: cookies of one host are shared by all its ports."""
        self._mint = mint
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._token: str | None = mint()
        self.address = f"{ENTRANCE}?token={self._token}"
        self._cookie = f"mscare-preview-{port}"

    def enter(self, request: Request) -> Response | None:
        """Take the token and answer with a session, leading away from the address that holds it; None: no entry."""
        if request.method != "GET":  # a program that looks at links before a person does must not use it up
            return None
        with self._lock:
            if self._token is None or not hmac.compare_digest(
                request.query_params.get("token", "").encode(), self._token.encode()
            ):
                return None
            self._token = None
            session = Session(self._mint(), self._mint())
            self._sessions[session.id] = session
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(self._cookie, session.id, httponly=True, samesite="strict", path="/")
        return answer

    def session(self, request: Request) -> Session | None:
        """Return the session a request belongs to."""
        return self._sessions.get(request.cookies.get(self._cookie, ""))


class Guard:
    """Lets nothing through without a session; `locked` answers instead. `is_open` names what needs none."""

    def __init__(
        self, app: ASGIApp, door: Door, is_open: Callable[[str], bool], locked: Callable[[Request], Awaitable[Response]]
    ) -> None:
        """Stand before `app`."""
        self._app, self._door, self._is_open, self._locked = app, door, is_open, locked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            request = Request(scope)
            session = self._door.session(request)
            if session is None and not self._is_open(request.url.path):
                await (await self._locked(request))(scope, receive, send)
                return
            scope["studio.session"] = session
        await self._app(scope, receive, send)
