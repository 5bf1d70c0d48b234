"""A service that takes everything: answers 202 as SendGrid does and counts the readers, in a process of its own.

`GET /taken` answers with the calls and readers since the last such question. No parsing, no checks, no disk:
what it costs must not be what is measured. Prints its address when it listens.
"""

import http.server
import json
import threading


class Sink(http.server.BaseHTTPRequestHandler):
    """Counts by looking for the recipients' key, which every dialect of the call writes the same way."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    calls = readers = 0

    def do_POST(self) -> None:
        """Take a call."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with Sink.lock:
            Sink.calls += 1
            Sink.readers += body.count(b'"to":')
            name = f"call-{Sink.calls}"
        self.send_response(202)
        self.send_header("X-Message-Id", name)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        """Tell what came, and begin again at nothing."""
        with Sink.lock:
            body = json.dumps({"calls": Sink.calls, "readers": Sink.readers}).encode()
            Sink.calls = Sink.readers = 0
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
