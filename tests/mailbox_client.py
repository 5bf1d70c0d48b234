"""What the tests of the sandbox share: a running sandbox, a sender with its own connection, and mails to send."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from pipeline import sandbox
from pipeline.sandbox import faults

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "templates"
KEY = {"Authorization": "Bearer test-key"}
BOTH = pytest.mark.parametrize("dialect", ["sendgrid", "resend"])


class Client:
    """A sender with its own connection, and the witness's questions."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(KEY)

    def post(self, path: str, body: Any, *, timeout: float = 30, **headers: str) -> requests.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.post(self.url + path, json=body, headers=names, timeout=timeout)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=30)

    def plan(self, spec: str) -> None:
        assert self.post("/_sandbox/faults", {"spec": spec}).status_code == 200

    def taken(self) -> dict[str, int]:
        answer = self.get("/_sandbox/taken").json()
        assert answer["messages"] == sum(answer["recipients"].values())
        return dict(answer["recipients"])

    def calls(self, query: str = "") -> dict[str, int]:
        return dict(self.get(f"/_sandbox/calls?{query}").json())

    def messages(self, to: str) -> list[dict[str, Any]]:
        return list(self.get(f"/_sandbox/messages?to={to}").json()["messages"])


def serving(folder: Path) -> Iterator[str]:
    """Run a sandbox for a module's tests; yields its URL."""
    with sandbox.running(folder / "sandbox.db", 0, faults.Plan(), TEMPLATES) as url:
        yield url


def fresh(url: str) -> Iterator[Client]:
    """Empty the sandbox for one test; yields its client."""
    client = Client(url)
    client.post("/_sandbox/reset", {})
    with contextlib.closing(client.session):
        yield client


def sendgrid_mail(*addresses: str, **more: Any) -> dict[str, Any]:
    return {
        "personalizations": [
            {"to": [{"email": address}], "substitutions": {"[[unsubscribe_url]]": f"https://example.org/u/{number}"}}
            for number, address in enumerate(addresses)
        ],
        "from": {"email": "digest@example.org", "name": "Digest"},
        "subject": "The digest",
        "content": [
            {"type": "text/plain", "value": "Hello\n[[unsubscribe_url]]\n"},
            {"type": "text/html", "value": "<p>Hello</p><a href='[[unsubscribe_url]]'>Unsubscribe</a>"},
        ],
        **more,
    }


def resend_mail(address: str, **more: Any) -> dict[str, Any]:
    return {
        "from": "Digest <digest@example.org>",
        "to": address,
        "subject": "The digest",
        "html": f"<p>Hello {address}</p>",
        "text": "Hello\n",
        **more,
    }


def people(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(1, count + 1)]


def send(client: Client, dialect: str, addresses: list[str], **options: Any) -> requests.Response:
    if dialect == "sendgrid":
        return client.post("/v3/mail/send", sendgrid_mail(*addresses), **options)
    return client.post("/emails/batch", [resend_mail(address) for address in addresses], **options)


@contextlib.contextmanager
def waiting(client: Client, dialect: str, key: str = "") -> Iterator[list[requests.Response]]:
    """Send one mail from another thread, and wait until the sandbox holds it; its answer is there after the block."""
    answers: list[requests.Response] = []
    other = Client(client.url)
    options = {"Idempotency_Key": key} if key else {}

    def run() -> None:
        with contextlib.suppress(requests.ConnectionError):
            answers.append(send(other, dialect, ["held@example.org"], **options))

    thread = threading.Thread(target=run)
    thread.start()
    assert client.calls("held=1")["held"] == 1
    yield answers
    thread.join(10)
    other.session.close()
    assert not thread.is_alive()
