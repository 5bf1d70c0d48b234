"""What the tests of the preview share: a browser of requests, on a preview that runs."""

import contextlib
import dataclasses
import html
import http.client
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import house
import pytest
import requests
import sends

from pipeline import config, database, model, studio
from pipeline.ledger import decisions

PAGE = f"/editions/{house.SLUG}"
FORM = f"{PAGE}/approval"
PATIENCE = 30  # seconds: far more than anything takes, so that a fault ends the test


@dataclasses.dataclass(frozen=True)
class Browser:
    """A browser that was let in."""

    url: str
    session: requests.Session
    place: house.House

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(self.url + path, headers=headers, timeout=PATIENCE, allow_redirects=False)

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def words(self, path: str) -> str:
        """Return a page as it is read: without tags, on one line."""
        words = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.text(path))).split())
        return re.sub(r" (?=[,.])", "", words)

    def digest(self) -> str:
        found = re.search(r'name="digest" value="([0-9a-f]{64})"', self.text(PAGE))
        assert found
        return found[1]

    def form_key(self) -> str:
        found = re.search(r'name="form_key" value="([^"]+)"', self.text(PAGE))
        assert found
        return found[1]

    def post(self, **fields: str | list[str]) -> requests.Response:
        """Send the approval form as the page holds it, with these fields changed."""
        values = {"form_key": self.form_key(), "digest": self.digest(), "by": "Dana Editor", **fields}
        return self.session.post(self.url + FORM, data=values, timeout=PATIENCE, allow_redirects=False)

    def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so, asking again each time the preview tells of a new generation."""
        with self.session.get(f"{self.url}/events", stream=True, timeout=PATIENCE) as stream:
            for line in stream.iter_lines():
                if line.startswith(b"data:") and is_so():
                    return
        pytest.fail("the preview ended before it was so")

    def approval(self) -> model.Approval | None:
        """Return what is stored."""
        engine = database.open_engine("sqlite:///var/mscare.db", self.place.root)
        with database.reading(engine) as connection:
            given = decisions.approval_of(connection, house.SLUG)
        engine.dispose()
        return given


@contextlib.contextmanager
def opened(place: house.House) -> Iterator[Browser]:
    """Run the preview of a publication, and come in."""
    settings = config.load(place.root / "mscare.toml")
    with studio.running(settings, clock=lambda: sends.NOW) as address, requests.Session() as session:
        session.trust_env = False
        parts = urlsplit(address)
        assert session.get(address, timeout=PATIENCE).status_code == 200
        yield Browser(f"{parts.scheme}://{parts.netloc}", session, place)


def raw(browser: Browser, path: str, **headers: str) -> tuple[int, str]:
    """Ask for a path exactly as it is written; returns status and page."""
    connection = http.client.HTTPConnection(urlsplit(browser.url).netloc, timeout=PATIENCE)
    cookies = "; ".join(f"{name}={value}" for name, value in browser.session.cookies.items())
    connection.request("GET", path, headers={"Cookie": cookies, **headers})
    answer = connection.getresponse()
    body = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, body
