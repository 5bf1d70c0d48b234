"""`mscare check --full`: axe in Chromium, SpamAssassin where it is installed, and links to other sites on loopback."""

import datetime as dt
import http.server
import importlib.util
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import samples

from pipeline import checks, errors, model
from pipeline.checks import _axe, _mail, _reach, _spam
from pipeline.formats import email, text

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
EDITION, MATERIAL = samples.sample_edition(), samples.sample_material()


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    made = [*email.render(EDITION, MATERIAL), *text.render(EDITION, MATERIAL)]
    return {output.name: output.content for output in made}


def mail_of(outputs: dict[str, bytes]) -> _mail.Mail:
    origins = {"content/editions/x.toml": "", "templates/email/words.toml": 'privacy = "Privacy"\n'}
    page = checks._pages.parse("out/x/email.html", outputs["email.html"], origins)
    return _mail.Mail(EDITION, MATERIAL.identity, "out/x", page, outputs["email.txt"].decode(), origins)


# --- axe ------------------------------------------------------------------------------


def judged(outputs: dict[str, bytes]) -> list[model.Finding]:
    if importlib.util.find_spec(_axe.PACKAGE) is None:
        pytest.skip("axe-playwright-python, which brings axe-core, is not installed")
    page = mail_of(outputs).page
    assert page
    return _axe.judge({"x": (page, outputs)})


@pytest.mark.browser
def test_axe_finds_nothing_in_the_digest_and_tells_what_somebody_breaks(outputs: dict[str, bytes]) -> None:
    assert judged(outputs) == []
    html = outputs["email.html"].decode()
    broken = html.replace(' alt="A line', ' data-was="A line').replace("</head>", f"<style>{DARK}</style></head>")
    found = judged({**outputs, "email.html": broken.encode()})
    assert {f.message.partition(":")[0] for f in found} == {"image-alt", "color-contrast"}
    modes = {f.message.partition(":")[0]: f.message for f in found}
    assert "(every mode)" in modes["image-alt"]
    assert "(dark, 375 px; dark, 700 px)" in modes["color-contrast"]
    assert all(f.blocks and f.hint and f.file for f in found)


DARK = "@media (prefers-color-scheme: dark) { h1 { color: #2f5a63 !important; } }"


def test_without_chromium_axe_says_so(monkeypatch: pytest.MonkeyPatch, outputs: dict[str, bytes]) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(errors.MissingPart, match="axe was not run") as caught:
        _axe.judge({"x": (mail_of(outputs).page, outputs)})  # type: ignore[dict-item]  there is a page
    assert caught.value.hint


# --- SpamAssassin -----------------------------------------------------------------------

ANSWER = """\
X-Spam-Status: No, score=1.7 required=5.0 tests=HTML_MESSAGE,
\tMIME_HTML_ONLY autolearn=no
Content analysis details:   (1.7 points, 5.0 required)

 pts rule name              description
 0.0 HTML_MESSAGE           BODY: HTML included in message
 0.7 HTML_FONT_LOW_CONTRAST BODY: HTML font color similar
 1.0 MIME_HTML_ONLY         BODY: Message only has text/html MIME parts
"""


def test_a_score_above_half_a_point_is_told_with_the_rules_that_gave_it(outputs: dict[str, bytes]) -> None:
    (found,) = _spam.judged(mail_of(outputs), ANSWER)
    assert found.message.endswith("1.7 points; 0.5 is the most: MIME_HTML_ONLY 1, HTML_FONT_LOW_CONTRAST 0.7")
    assert _spam.judged(mail_of(outputs), ANSWER.replace("score=1.7", "score=0.5")) == []


def test_an_answer_without_a_score_is_no_score(outputs: dict[str, bytes]) -> None:
    with pytest.raises(errors.MissingPart, match="gave no score"):
        _spam.judged(mail_of(outputs), "nothing")


def test_without_spamassassin_it_says_so(monkeypatch: pytest.MonkeyPatch, outputs: dict[str, bytes]) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(errors.MissingPart, match="it is not installed"):
        _spam.judge(mail_of(outputs), NOW)


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
def test_spamassassin_gives_the_digest_half_a_point_at_most(outputs: dict[str, bytes]) -> None:
    assert _spam.judge(mail_of(outputs), NOW) == []


# --- links ------------------------------------------------------------------------------


PAGES = {"/ok": 200, "/gone": 410, "/refused": 403, "/moved": 301}


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another site: pages that are there, gone, moved, or refuse a program."""

    asked: list[str]

    def do_HEAD(self) -> None:  # the name http.server looks for
        self._answer(PAGES.get(self.path, 404))

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/no-head" else PAGES.get(self.path, 404))

    def _answer(self, status: int) -> None:
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Elsewhere,), {"asked": asked})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def places(site: str, *paths: str) -> dict[str, tuple[str, int]]:
    return {f"{site}{path}": ("content/articles/a.md", number) for number, path in enumerate(paths, 1)}


def test_a_page_that_is_gone_is_told_at_its_line_and_others_are_not(
    elsewhere: tuple[str, list[str]], tmp_path: Path
) -> None:
    site, _ = elsewhere
    wanted = places(site, "/ok", "/gone", "/refused", "/moved", "/no-head", "/never")
    found = _reach.check(wanted, tmp_path / "links.json", NOW)
    assert [(f.line, f.message) for f in found] == [
        (2, f"{site}/gone answers 410: the page is not there"),
        (6, f"{site}/never answers 404: the page is not there"),
    ]
    assert not any(f.blocks for f in found)


def test_an_answer_is_believed_for_a_week(elsewhere: tuple[str, list[str]], tmp_path: Path) -> None:
    site, asked = elsewhere
    wanted, cache = places(site, "/ok", "/gone"), tmp_path / "var" / "links.json"
    first = _reach.check(wanted, cache, NOW)
    count = len(asked)
    assert _reach.check(wanted, cache, NOW + dt.timedelta(days=6)) == first
    assert len(asked) == count
    _reach.check(wanted, cache, NOW + dt.timedelta(days=8))
    assert len(asked) > count
    assert set(json.loads(cache.read_text())) == set(wanted)


def test_one_address_that_does_not_answer_is_told_and_asked_again(
    elsewhere: tuple[str, list[str]], tmp_path: Path
) -> None:
    site, _ = elsewhere
    wanted = {**places(site, "/ok"), "http://127.0.0.1:9/": ("content/sources.json", 4)}
    for _ in range(2):
        (found,) = _reach.check(wanted, tmp_path / "links.json", NOW)
        assert (found.file, found.line, found.message) == (
            "content/sources.json", 4, "http://127.0.0.1:9/ does not answer"
        )  # fmt: skip


def test_without_a_network_nothing_is_called_dead(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingPart, match="none of 1 addresses could be reached"):
        _reach.check({"http://127.0.0.1:9/": ("a", 1)}, tmp_path / "links.json", NOW)


@pytest.mark.parametrize("broken", ["", "[]", "{", '{"http://x/": 3}', '{"http://x/": {"status": "a", "at": "b"}}'])
def test_a_broken_memory_is_an_empty_one(elsewhere: tuple[str, list[str]], tmp_path: Path, broken: str) -> None:
    cache = tmp_path / "links.json"
    cache.write_text(broken)
    assert _reach.check(places(elsewhere[0], "/ok"), cache, NOW) == []


def test_every_web_address_of_texts_and_sources_is_asked_and_no_other() -> None:
    library = MATERIAL.library
    texts = checks._texts.of(library)
    assert list(_reach.addresses(library, texts)) == ["https://www.nice.org.uk/guidance/ng220"]


def test_a_part_that_is_missing_keeps_the_others_going(
    monkeypatch: pytest.MonkeyPatch, outputs: dict[str, bytes], tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", "")
    library = model.Library(**{f: getattr(MATERIAL.library, f) for f in MATERIAL.library.__slots__} | {"articles": {}})
    material = model.Material(library, MATERIAL.identity, MATERIAL.templates)
    made = checks.full(material, [(EDITION, outputs)], tmp_path / "links.json", NOW)
    assert made.findings == ()
    assert [str(problem.message).partition(" was")[0] for problem in made.unasked] == ["axe", "SpamAssassin"]
