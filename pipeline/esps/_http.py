"""Sends a request value and gives back an answer value: the only importer of `requests`.

Whether a fault leaves doubt is decided by one fact: had anything begun to read the request's body? If not,
the service cannot have taken it (refused connection, DNS, TLS, connect time-out). If so, it may have.
Nothing is repeated, redirected, proxied or remembered here: no retries, no environment, no netrc, no cookies.
"""

import dataclasses
import ipaddress
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import requests
import urllib3

from pipeline import errors, model
from pipeline.esps import _registry

LARGEST_ANSWER = 10_000_000  # bytes
LONGEST_IDLE = 15.0  # seconds; a service closes idle connections, and a closed one found out too late is a doubt
PIECE = 65_536  # bytes read at a time
FINAL = 200  # a lower status only says that an answer is to come
SHORTEST_SECRET = 8  # characters; shorter ones are words, which would be torn out of good answers
USER_AGENT = "mscare"

_own = threading.local()


class Untaken(Exception):
    """The request surely did not reach the service; the sentence says why."""


class Doubtful(Exception):
    """The service may have taken the request; the sentence says what went wrong after it had begun."""


class _Body:
    """A request's bytes that know whether anybody has begun to read them."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.begun = False

    def __len__(self) -> int:
        return len(self.content)

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        yield self.content


def exchange(
    service: _registry.Service, batch: model.Batch, request: model.Request, secret: str, timeout: float
) -> list[model.Outcome]:
    """Send `batch` by its `request`; return one outcome a recipient, in order.

    Raises ServiceProblem when the account is at fault. `timeout` is in seconds, for connecting and for each
    silence of the service.
    """
    return judge(batch, service, lambda: _without(secret, push(request, timeout)))


def inquire(
    service: _registry.Service, batch: model.Batch, base_url: str, secret: str, timeout: float
) -> list[model.Outcome] | None:
    """Ask what became of `batch`; None when the service cannot be asked, cannot be reached or does not tell."""
    request = service.lookup(batch, base_url, secret)
    if request is None:
        return None
    try:
        response = push(request, timeout)
    except (Untaken, Doubtful):
        return None
    return service.looked_up(batch, _without(secret, response))


def judge(batch: model.Batch, service: _registry.Service, call: Callable[[], model.Response]) -> list[model.Outcome]:
    """Return one outcome a recipient for what `call` answers, or for the fault that kept it from answering."""
    try:
        response = call()
    except Untaken as fault:
        return [model.Outcome(model.Fate.UNTAKEN, detail=str(fault))] * len(batch.recipients)
    except Doubtful as fault:
        return [model.Outcome(model.Fate.DOUBTFUL, detail=str(fault))] * len(batch.recipients)
    return service.outcomes(batch, response)


def push(request: model.Request, timeout: float, session: requests.Session | None = None) -> model.Response:
    """Send `request` once and return the answer, whatever its status; raises Untaken or Doubtful.

    Refuses (ConfigProblem) an address that is neither https nor this machine, and a key no header can hold.
    """
    place = _place(request.url)
    body = _Body(request.body)
    session = session or _session()
    prepared = _prepared(session, request, body)
    try:
        return _sent(session, prepared, timeout)
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        if body.begun:
            msg = f"{place} may have taken it: {_reason(error)}"
            raise Doubtful(msg) from error
        msg = f"nothing was sent to {place}: {_reason(error)}"
        raise Untaken(msg) from error


def _prepared(session: requests.Session, request: model.Request, body: _Body) -> requests.PreparedRequest:
    """Return the library's form of `request`; its own words about a bad header would quote the key."""
    try:
        "".join(request.headers.values()).encode("latin-1")
        return session.prepare_request(
            requests.Request(request.method, request.url, headers=dict(request.headers), data=body)
        )
    except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
        msg = "the service's key holds characters that no HTTP header can hold"
        raise errors.ConfigProblem(msg, hint="set MSCARE_SERVICES__NAME__KEY again, without line breaks") from None
    except requests.exceptions.InvalidURL as error:
        msg = "a service's base_url is no address that can be called"
        raise errors.ConfigProblem(msg, hint="mend services.*.base_url in mscare.toml") from error


def _sent(session: requests.Session, prepared: requests.PreparedRequest, timeout: float) -> model.Response:
    """Send through the adapter itself: the session's own `send` looks into redirects, even unfollowed ones."""
    adapter = session.get_adapter(prepared.url or "")
    with adapter.send(prepared, stream=True, timeout=timeout, verify=True, proxies={}) as answer:
        if answer.status_code < FINAL:  # left open, the line would give the answer itself to the next batch
            msg = "the answer was only announced"
            raise urllib3.exceptions.HTTPError(msg)
        content = _content(answer.raw, time.monotonic() + timeout)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return model.Response(answer.status_code, headers, content)


def _content(raw: urllib3.BaseHTTPResponse, until: float) -> bytes:
    """Read the answer's body; a service that drips or never ends is cut off, and leaves doubt."""
    content = bytearray()
    while piece := raw.read1(PIECE, decode_content=True):
        content += piece
        if len(content) > LARGEST_ANSWER:
            msg = f"the answer is larger than {LARGEST_ANSWER} bytes"
            raise urllib3.exceptions.HTTPError(msg)
        if time.monotonic() > until:
            msg = "the answer did not end in time"
            raise urllib3.exceptions.HTTPError(msg)
    return bytes(content)


def _place(url: str) -> str:
    """Return host and port for a sentence; refuses an address over which a reader's address must not travel."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if not host or parts.username is not None:
        msg = "a service's base_url must name a host, and no user"
    elif parts.scheme != "https" and not (parts.scheme == "http" and _is_this_machine(host)):
        msg = f"the service at {host} must be called with https://, for it is not on this machine"
    else:
        return host if port is None else f"{host}:{port}"
    raise errors.ConfigProblem(msg, hint="mend services.*.base_url in mscare.toml")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _session() -> requests.Session:
    """Return this thread's own session; a new one after a pause, for the service has hung up meanwhile."""
    now = time.monotonic()
    session: requests.Session | None = getattr(_own, "session", None)
    if session is not None and now - _own.used > LONGEST_IDLE:
        session.close()
        session = None
    session = session or new_session()
    _own.session, _own.used = session, now
    return session


def new_session() -> requests.Session:
    """Return a pool of open connections that takes nothing from the environment."""
    session = requests.Session()
    session.trust_env = False
    session.headers.clear()
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "identity"})
    return session


def _reason(error: BaseException) -> str:
    """Say in plain words what broke; the libraries' own words hold addresses of the network, and of memory."""
    reasons = {
        urllib3.exceptions.NameResolutionError: "its name is not known",
        urllib3.exceptions.ConnectTimeoutError: "no connection in time",
        urllib3.exceptions.NewConnectionError: "no connection",
        urllib3.exceptions.SSLError: "no secure connection",
        urllib3.exceptions.ReadTimeoutError: "no answer in time",
        urllib3.exceptions.DecodeError: "the answer cannot be unpacked",
        urllib3.exceptions.ProtocolError: "the connection broke",
    }
    for cause in _causes(error):
        for kind, words in reasons.items():
            if isinstance(cause, kind):
                return words
        if type(cause) is urllib3.exceptions.HTTPError:
            return str(cause)
    return "the call failed"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk from the outermost error to what it wraps: the libraries keep the cause in three different places."""
    seen: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and not any(cause is known for known in seen):
            seen.append(cause)
            yield cause
            waiting += [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]


def _without(secret: str, response: model.Response) -> model.Response:
    """Take the key out of an answer that repeats it, before any word of it is kept."""
    if len(secret) < SHORTEST_SECRET:
        return response
    return dataclasses.replace(response, body=response.body.replace(secret.encode(), b"[key]"))
