"""A server on this machine that answers as a test says: byte by byte, late, or not at all."""

import contextlib
import dataclasses
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

Handler = Callable[[socket.socket, bytes], None]


@dataclasses.dataclass
class Server:
    """What came in, and where."""

    url: str
    connections: int = 0
    requests: list[bytes] = dataclasses.field(default_factory=list)
    hung_up: threading.Event = dataclasses.field(default_factory=threading.Event)


def read_request(connection: socket.socket) -> bytes:
    """Read one request to its end; empty when the other side has hung up."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (piece := connection.recv(65_536)):
        body += piece
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(handler: Handler, *, once: bool = False, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Answer every request with `handler`; with `once` the connection is closed after the first."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(plain: socket.socket) -> None:
        with contextlib.suppress(OSError), tls.wrap_socket(plain, server_side=True) if tls else plain as connection:
            while request := read_request(connection):
                server.requests.append(request)
                handler(connection, request)
                if once:
                    break
        server.hung_up.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                server.connections += 1
                opened.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in opened:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in (acceptor, *threads):
            thread.join()


def answer(status: str, body: bytes = b"", *headers: str) -> Handler:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode() + body)


def raw(content: bytes) -> Handler:
    return lambda connection, _request: connection.sendall(content)


def nothing(_connection: socket.socket, _request: bytes) -> None:
    """Read the request and never answer."""
