"""The network as it is: a real server on this machine that refuses, hangs, cuts, lies and redirects."""

import contextlib
import datetime as dt
import gzip
import ipaddress
import json
import socket
import ssl
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import wire
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline import errors, model
from pipeline.esps import _http, _registry

KEY = "SG.a-key-that-opens-nothing"
PATIENCE = 0.3  # seconds, where time must run out
PLENTY = 20.0  # seconds, where it must not, however busy this machine is
BODY = b'{"hello": "world"}'
PLACE = b"\xff\r\nContent-Length: 2\r\n\r\ngo"  # the end of a Location that is no text


def request_to(url: str, **headers: str) -> model.Request:
    return model.Request("POST", f"{url}/mails", headers, BODY)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with _http.new_session() as session:
        yield session


def push(url: str, session: requests.Session, timeout: float = PLENTY, **headers: str) -> model.Response:
    return _http.push(request_to(url, **headers), timeout, session)


# --- what goes well -----------------------------------------------------------


def test_the_request_arrives_as_it_was_made_and_the_answer_comes_back_as_a_value(session: requests.Session) -> None:
    with wire.serving(wire.answer("202 Accepted", b"taken", "X-Message-Id: abc")) as server:
        response = push(server.url, session, Authorization="Bearer key")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /mails HTTP/1.1\r\n")
    assert b"Authorization: Bearer key" in head
    assert b"Content-Length: 18" in head
    assert b"Transfer-Encoding" not in head
    assert body == BODY
    assert (response.status, response.headers["x-message-id"], response.body) == (202, "abc", b"taken")


def test_a_packed_and_chunked_answer_is_unpacked(session: requests.Session) -> None:
    packed = gzip.compress(b"hello")
    chunk = f"{len(packed):x}\r\n".encode() + packed + b"\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    with wire.serving(wire.raw(head + chunk)) as server:
        assert push(server.url, session).body == b"hello"


def test_one_thread_keeps_its_connection_and_another_has_its_own() -> None:
    with wire.serving(wire.answer("200 OK", b"{}")) as server:

        def push_twice() -> None:
            for _ in range(2):
                _http.push(request_to(server.url), PLENTY)

        for thread in [threading.Thread(target=push_twice) for _ in range(2)]:
            thread.start()
            thread.join()
    assert (server.connections, len(server.requests)) == (2, 4)


def test_after_a_pause_a_new_connection_is_opened_before_the_old_one_can_break() -> None:
    with wire.serving(wire.answer("200 OK", b"{}")) as server:
        _http.push(request_to(server.url), PLENTY)
        _http._own.used -= _http.LONGEST_IDLE + 1
        _http.push(request_to(server.url), PLENTY)
    assert server.connections == 2


def test_a_connection_that_the_service_has_closed_meanwhile_is_opened_anew_without_doubt(
    session: requests.Session,
) -> None:
    with wire.serving(wire.answer("200 OK", b"{}"), once=True) as server:
        assert push(server.url, session).status == 200
        assert server.hung_up.wait(PLENTY)
        assert push(server.url, session).status == 200
    assert server.connections == 2


# --- surely not taken ---------------------------------------------------------


def test_a_refused_connection_is_surely_not_taken(session: requests.Session) -> None:
    port = free_port()
    with pytest.raises(_http.Untaken, match=f"nothing was sent to 127.0.0.1:{port}: no connection"):
        push(f"http://127.0.0.1:{port}", session)


def test_an_unknown_host_name_is_surely_not_taken(session: requests.Session) -> None:
    with pytest.raises(_http.Untaken, match="its name is not known"):
        push("https://mail.invalid", session)


def test_a_connection_that_is_never_accepted_is_surely_not_taken(session: requests.Session) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # fill the queue, so that the next caller is left waiting
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listener.getsockname())
        with pytest.raises(_http.Untaken, match="no connection in time"):
            push(f"http://127.0.0.1:{listener.getsockname()[1]}", session, PATIENCE)


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "nobody")])
    day = dt.timedelta(days=1)
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = builder.add_extension(host, critical=False).sign(key, hashes.SHA256())
    file = folder / "nobody.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_a_certificate_nobody_vouches_for_gets_nothing(session: requests.Session, tmp_path: Path) -> None:
    refused = pytest.raises(_http.Untaken, match="no secure connection")
    with wire.serving(wire.answer("202 Accepted"), tls=self_signed(tmp_path)) as server, refused:
        push(server.url.replace("http", "https"), session)
    assert server.requests == []


def test_a_service_that_does_not_speak_tls_gets_nothing(session: requests.Session) -> None:
    with wire.serving(wire.answer("202 Accepted"), once=True) as server, pytest.raises(_http.Untaken):
        push(server.url.replace("http", "https"), session, PATIENCE)
    assert server.requests == []


# --- perhaps taken ------------------------------------------------------------


def drip(connection: socket.socket, _request: bytes) -> None:
    """Send one byte after another, each in time, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    never = threading.Event()
    while not never.wait(PATIENCE / 10):
        connection.sendall(b" ")


def flood(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b" " * 1_000_000)


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        pytest.param(wire.nothing, "the connection broke", id="hangs up after reading"),
        pytest.param(wire.raw(b"SMTP ready\r\n\r\n"), "the connection broke", id="sends garbage"),
        pytest.param(wire.raw(b"HTTP/1.1 20"), "the connection broke", id="cuts the status line"),
        pytest.param(
            wire.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"),
            "the connection broke",
            id="sends half a body",
        ),
        pytest.param(
            wire.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf"),
            "the connection broke",
            id="cuts a chunk",
        ),
        pytest.param(
            wire.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
            "the connection broke",
            id="sends a chunk without a size",
        ),
        pytest.param(
            wire.answer("200 OK", b"not packed", "Content-Encoding: gzip"),
            "cannot be unpacked",
            id="sends a false gzip",
        ),
        pytest.param(flood, "larger than 10000000 bytes", id="never stops"),
    ],
)
def test_a_service_that_fails_after_the_body_had_begun_may_have_taken_it(
    session: requests.Session, handler: wire.Handler, reason: str
) -> None:
    with (
        wire.serving(handler, once=True) as server,
        pytest.raises(_http.Doubtful, match=f"may have taken it.*{reason}"),
    ):
        push(server.url, session)
    assert len(server.requests) == 1, "and nothing is repeated"


def test_a_service_that_never_answers_may_have_taken_it(session: requests.Session) -> None:
    with wire.serving(wire.nothing) as server, pytest.raises(_http.Doubtful, match="no answer in time"):
        push(server.url, session, PATIENCE)


def test_a_service_that_drips_its_answer_is_not_waited_for_without_end(session: requests.Session) -> None:
    with wire.serving(drip, once=True) as server, pytest.raises(_http.Doubtful, match="did not end in time"):
        push(server.url, session, PATIENCE)


def test_an_answer_that_is_only_announced_is_not_waited_for_and_never_becomes_the_next_batchs(
    session: requests.Session,
) -> None:
    """The first call's answer comes while the second is under way, and says that it was taken: it was not."""
    taken, busy = wire.answer("202 Accepted", b"", "X-Message-Id: first"), wire.answer("503 Busy")

    def handler(connection: socket.socket, request: bytes) -> None:
        if len(server.requests) == 1:
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
            second.wait(PLENTY)
            taken(connection, request)
        else:
            second.set()
            busy(connection, request)

    second = threading.Event()
    with wire.serving(handler) as server:
        with pytest.raises(_http.Doubtful, match="only announced"):
            push(server.url, session)
        assert push(server.url, session).status == 503


def test_a_service_that_hangs_up_without_reading_may_have_taken_it(session: requests.Session) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        connection, _ = listener.accept()
        connection.close()

    with listener:
        thread = threading.Thread(target=hang_up)
        thread.start()
        large = model.Request("POST", f"http://127.0.0.1:{listener.getsockname()[1]}", {}, b" " * 20_000_000)
        with pytest.raises(_http.Doubtful, match="the connection broke"):
            _http.push(large, PLENTY, session)
        thread.join()


# --- what it never does -------------------------------------------------------


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_is_an_answer_and_is_never_followed(session: requests.Session, status: str) -> None:
    with contextlib.ExitStack() as stack:
        elsewhere = stack.enter_context(wire.serving(wire.answer("202 Accepted")))
        # A place that is no UTF-8 makes the library fail when it only looks at it.
        server = stack.enter_context(
            wire.serving(wire.raw(f"HTTP/1.1 {status}\r\nLocation: {elsewhere.url}/".encode() + PLACE))
        )
        assert push(server.url, session).status == int(status[:3])
    assert elsewhere.requests == []


def test_proxies_and_passwords_of_the_environment_are_not_used(
    session: requests.Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with wire.serving(wire.answer("200 OK")) as server:
        assert push(server.url, session).status == 200
    assert b"authorization" not in server.requests[0].lower()


def test_a_cookie_is_forgotten(session: requests.Session) -> None:
    with wire.serving(wire.answer("200 OK", b"", "Set-Cookie: reader=17")) as server:
        push(server.url, session)
        push(server.url, session)
    assert b"cookie" not in server.requests[1].lower()


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.org",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://user:word@api.example.org",
        "https://:443",
        "https://[::1",
        "https://api.example.org:99999",
        "127.0.0.1:80",
        "",
    ],
)
def test_an_address_that_is_neither_https_nor_this_machine_is_refused(session: requests.Session, url: str) -> None:
    with pytest.raises(errors.ConfigProblem) as caught:
        push(url, session)
    assert caught.value.hint
    assert "word" not in caught.value.message


@pytest.mark.parametrize("key", ["SG.secret\r\nX: y", " SG.secret", "SG.secret\u2019s"])
def test_a_key_that_no_header_can_hold_is_refused_without_being_quoted(session: requests.Session, key: str) -> None:
    with wire.serving(wire.answer("200 OK")) as server, pytest.raises(errors.ConfigProblem) as caught:
        push(server.url, session, Authorization=key if key.startswith(" ") else f"Bearer {key}")
    assert "secret" not in "".join(traceback.format_exception(caught.value))
    assert server.requests == []


# --- from a fault to an outcome for everybody ---------------------------------

LINK = "[[unsubscribe_url]]"
MESSAGE = model.Message("2026-12", "News", f"<p>{LINK}</p>", LINK, "digest@example.org", "Digest", "digest.example.org")
READERS = tuple(model.Recipient(n, f"reader{n}@example.net", f"https://x.org/u/{n}") for n in range(3))
BATCH = model.Batch("key-1", MESSAGE, READERS)
every_service = pytest.mark.parametrize("name", _registry.names())


def echo(status: str) -> wire.Handler:
    """Answer with everything a careless service could repeat: the key and the addresses."""

    def handler(connection: socket.socket, request: bytes) -> None:
        fault = {"name": "validation_error", "message": f"{READERS[0].address} {KEY} {request.decode()}"}
        wire.answer(status, json.dumps(fault | {"errors": [fault]}).encode())(connection, request)

    return handler


@every_service
def test_a_service_that_repeats_the_key_and_the_addresses_is_not_quoted_on_them(name: str) -> None:
    with wire.serving(echo("400 Bad")) as server:
        service = _registry.get(name)
        outcomes = _http.exchange(service, BATCH, service.request(BATCH, server.url, KEY), KEY, PLENTY)
    assert len(outcomes) == 3
    assert "SG." not in repr(outcomes)
    assert "@" not in repr(outcomes)


@every_service
def test_a_refused_key_stops_the_send_without_being_told(name: str) -> None:
    service = _registry.get(name)
    with wire.serving(echo("401 Unauthorized")) as server:
        request = service.request(BATCH, server.url, KEY)
        with pytest.raises(errors.ServiceProblem) as caught:
            _http.exchange(service, BATCH, request, KEY, PLENTY)
    assert "answered 401" in caught.value.message
    assert "SG." not in caught.value.message
    assert "@" not in caught.value.message


@every_service
def test_a_look_up_that_cannot_be_made_tells_nothing(name: str) -> None:
    service = _registry.get(name)
    assert _http.inquire(service, BATCH, f"http://127.0.0.1:{free_port()}", KEY, PLENTY) is None
    with wire.serving(echo("403 Forbidden")) as server:
        assert _http.inquire(service, BATCH, server.url, KEY, PLENTY) is None
