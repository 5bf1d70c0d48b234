"""The preview as a browser meets it: a real server on loopback, real files saved under it, a real database."""

import contextlib
import html
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import house
import previews
import pytest
import requests

from pipeline import config, errors, model, studio
from pipeline.studio import panes, places, wording

PAGE = previews.PAGE
FORM = previews.FORM
PATIENCE = previews.PATIENCE


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[previews.Browser]:
    """Open a publication that no test changes."""
    with previews.opened(house.build(tmp_path_factory.mktemp("still") / "house")) as browser:
        yield browser


@pytest.fixture
def live(tmp_path: Path) -> Iterator[previews.Browser]:
    """Open a publication of the test's own."""
    with previews.opened(house.build(tmp_path / "house")) as browser:
        yield browser


# --- the door --------------------------------------------------------------------


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    settings = config.load(house.build(tmp_path / "house").root / "mscare.toml")
    with studio.running(settings) as url:
        yield url


def test_the_address_works_once_and_leads_away_from_its_token(address: str) -> None:
    first = requests.get(address, allow_redirects=False, timeout=PATIENCE)
    assert (first.status_code, first.headers["Location"]) == (303, "/")
    second = requests.get(address, timeout=PATIENCE)
    assert second.status_code == 403
    assert "restart <code>mscare preview</code>" in second.text
    assert "Set-Cookie" not in second.headers


def test_a_wrong_token_opens_nothing_and_leaves_the_right_one_as_it_was(address: str) -> None:
    assert requests.get(address + "x", timeout=PATIENCE).status_code == 403
    assert requests.get(address.split("?", maxsplit=1)[0], timeout=PATIENCE).status_code == 403
    assert requests.get(address, allow_redirects=False, timeout=PATIENCE).status_code == 303


def test_the_cookie_is_for_this_server_only_and_for_no_script(address: str) -> None:
    cookie = requests.get(address, allow_redirects=False, timeout=PATIENCE).headers["Set-Cookie"]
    assert cookie.startswith(f"mscare-preview-{urlsplit(address).port}=")
    flags = {flag.strip().lower() for flag in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= flags
    assert not any(flag.startswith(("domain", "max-age", "expires")) for flag in flags)


def test_without_a_session_nothing_of_the_content_is_shown(still: previews.Browser) -> None:
    paths = ["/", PAGE, f"{PAGE}/panes/light", f"{PAGE}/panes/text", f"{PAGE}/images/mark-84.png", "/book",
             "/book/pages/1.png", "/book/navigating-your-ms-care.pdf", "/events", "/nothing"]  # fmt: skip
    for path in paths:
        answer = requests.get(still.url + path, timeout=PATIENCE)
        assert answer.status_code == 403, path
        assert "Scans" not in answer.text, path
    forged = {f"mscare-preview-{urlsplit(still.url).port}": "guess"}
    assert requests.get(still.url, cookies=forged, timeout=PATIENCE).status_code == 403
    assert requests.post(still.url + FORM, data={"by": "X"}, timeout=PATIENCE).status_code == 403


def test_another_host_name_is_refused(still: previews.Browser) -> None:
    assert previews.raw(still, "/", Host="preview.example.com")[0] == 400
    assert previews.raw(still, "/", Host="localhost")[0] == 200


def test_it_listens_on_this_machine_only(still: previews.Browser) -> None:
    with pytest.raises(OSError, match="refused"), socket.create_connection(("127.0.0.2", urlsplit(still.url).port)):
        pass


def test_a_link_from_elsewhere_asks_once_more_from_here(still: previews.Browser) -> None:
    answer = requests.get(still.url + PAGE, headers={"Sec-Fetch-Site": "cross-site"}, timeout=PATIENCE)
    assert f'http-equiv="refresh" content="0; url={PAGE}"' in answer.text
    again = requests.get(still.url + PAGE, headers={"Sec-Fetch-Site": "same-origin"}, timeout=PATIENCE)
    assert "http-equiv" not in again.text
    _, astray = previews.raw(still, "//www.example.com/\\x", Cookie="", **{"Sec-Fetch-Site": "cross-site"})
    assert 'url=/www.example.com/%5Cx"' in astray


def test_a_program_that_only_asks_for_the_head_does_not_use_the_address_up(address: str) -> None:
    assert requests.head(address, timeout=PATIENCE).status_code == 403
    assert requests.get(address, allow_redirects=False, timeout=PATIENCE).status_code == 303


# --- the pages --------------------------------------------------------------------


def test_the_first_page_lists_editions_and_the_book(still: previews.Browser) -> None:
    words = still.words("/")
    assert "No. 1 · November 1, 2026 Scans and what they say" in words
    assert "Nothing in the way, 1 let pass" in words
    assert "Not approved yet" in words
    assert "Version 0.1 · November 1, 2026 Navigating Your MS Care" in words


def test_an_edition_shows_five_panes_inbox_size_and_checks(still: previews.Browser) -> None:
    text, words = still.text(PAGE), still.words(PAGE)
    for pane in panes.PANES:
        assert f'id="pane-{pane.name}"' in text
    assert "Navigating Your Care A quiet guide to scans and questions" in words
    assert "Well below 100 KB" in words
    assert "Let pass by Tests: Texts for tests; nobody reads them for care." in words
    in_order = words.partition("In order: ")[2]
    assert "Look, Layout, Waivers." in in_order  # and not what only `mscare check --full` asks


def test_one_pane_can_be_looked_at_alone(still: previews.Browser) -> None:
    dark = still.text(f"{PAGE}?view=dark")
    assert 'id="pane-dark"' in dark
    assert 'id="pane-dark-wide"' in dark
    assert 'id="pane-desktop"' not in dark


def test_the_pages_run_our_script_only_and_the_mail_runs_none(still: previews.Browser) -> None:
    page = still.get(PAGE).headers["Content-Security-Policy"]
    assert "script-src 'self'" in page
    assert "unsafe" not in page
    for source in panes.SOURCES:
        mail = still.get(f"{PAGE}/panes/{source}").headers["Content-Security-Policy"]
        assert "default-src 'none'" in mail
        assert "sandbox allow-same-origin" in mail
        assert "script" not in mail
    frames = re.findall(r"<iframe[^>]*>", still.text(PAGE))
    assert frames
    assert all('sandbox="allow-same-origin"' in frame for frame in frames)


def test_nothing_is_kept_by_a_browser_or_told_to_others(still: previews.Browser) -> None:
    headers = still.get(PAGE).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not re.findall(r'(?:src|href)="https?://', still.text("/") + still.text(PAGE) + still.text("/book"))


def test_the_panes_are_the_mail_but_for_picture_addresses_and_the_answer_to_light_or_dark(
    still: previews.Browser,
) -> None:
    mail = (still.place.root / "out" / house.SLUG / "email.html").read_text()

    def undone(source: str, scheme: str) -> str:
        pane = still.text(f"{PAGE}/panes/{source}")
        pane = pane.replace(f'src="{PAGE}/images/', f'src="https://www.example.org/editions/{house.SLUG}/images/')
        answer = "(min-width: 0)" if scheme == "dark" else "(max-width: 0)"
        pane = pane.replace(f"@media {answer}", "@media (prefers-color-scheme: dark)")
        pane = pane.replace(f'name="color-scheme" content="{scheme}"', 'name="color-scheme" content="light dark"')
        return pane.replace(f"{{ color-scheme: {scheme};", "{ color-scheme: light dark;")

    assert undone("light", "light") == mail
    assert undone("dark", "dark") == mail
    assert still.text(f"{PAGE}/panes/light") != still.text(f"{PAGE}/panes/dark") != mail


def test_images_off_is_the_light_pane_with_pictures_forbidden(still: previews.Browser) -> None:
    light, off = (still.get(f"{PAGE}/panes/{source}") for source in ("light", "images-off"))
    assert off.text == light.text
    assert "img-src 'none'" in off.headers["Content-Security-Policy"]
    assert "img-src 'self'" in light.headers["Content-Security-Policy"]


def test_only_pictures_that_are_published_with_the_mail_are_mapped() -> None:
    mail = '<img src="https://a.example/x/images/a%20b.png"><img src="https://a.example/x/images/other.png">'
    here = panes.document("light", mail, {"a b.png"}, "/here/")
    assert here == '<img src="/here/a%20b.png"><img src="https://a.example/x/images/other.png">'


def test_light_or_dark_is_answered_in_every_spelling() -> None:
    style = "@media screen and ( prefers-color-scheme:light ) {} @media (prefers-color-scheme: dark) {}"
    dark = panes.document("dark", style, (), "/")
    assert dark == "@media screen and (max-width: 0) {} @media (min-width: 0) {}"


def test_the_text_pane_shows_every_letter_of_the_text_part(still: previews.Browser) -> None:
    built = (still.place.root / "out" / house.SLUG / "email.txt").read_text(encoding="utf-8")
    shown = re.search(r"<pre>(.*)</pre>", still.text(f"{PAGE}/panes/text"), re.DOTALL)
    assert shown
    assert html.unescape(shown[1]) == built


def test_the_pictures_are_those_that_will_be_published(still: previews.Browser) -> None:
    answer = still.get(f"{PAGE}/images/scan-1200.png")
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content == (still.place.root / "out" / house.SLUG / "images" / "scan-1200.png").read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        f"{PAGE}/images/../message.json",
        f"{PAGE}/images/..%2fmessage.json",
        f"{PAGE}/images/%2e%2e/%2e%2e/%2e%2e/mscare.toml",
        f"{PAGE}/images/message.json",
        f"{PAGE}/panes/../../../mscare.toml",
        f"{PAGE}/panes/message.json",
        "/editions/../mscare.toml",
        "/editions/%2e%2e",
        "/editions/..%2f..%2fmscare",
        "/fonts/../tokens.toml",
        "/fonts/..%2ftokens.toml",
        "/fonts/OFL.txt",
        "/book/../../mscare.toml",
        "/book/..%2f..%2fvar%2fmscare.pdf",
        "/book/pages/0.png",
        "/book/pages/-1.png",
        "/book/pages/99999.png",
    ],
)
def test_no_address_leads_out_of_what_is_shown(still: previews.Browser, path: str) -> None:
    assert previews.raw(still, path)[0] == 404


# --- in words -------------------------------------------------------------------------


def test_the_inbox_cuts_as_inboxes_do() -> None:
    message = b'{"sender": "a@b.example", "sender_name": "A", "subject": "%s", "preheader": "%s"}' % (
        b"s" * 45,
        b"p" * 100,
    )
    inbox = wording.inbox(message)
    assert inbox is not None
    assert inbox.subject == ("s" * 40, "s" * 5)
    assert inbox.preheader == ("p" * 90, "p" * 10)
    assert [len(part) for part in inbox.line] == [45, 45, 55]


@pytest.mark.parametrize(("size", "level"), [(10_000, "good"), (90_001, "warn"), (100_001, "stop")])
def test_the_size_meter_knows_the_lines_at_90_and_100_kb(size: int, level: str) -> None:
    assert wording.size(b"x" * size).light.level == level


def test_what_blocks_comes_first_and_what_is_let_pass_last() -> None:
    findings = [
        model.Finding("text-todo", severity, "content/articles/a.md", 1, "x", "y", waived=waived)
        for severity, waived in (
            (model.Severity.BLOCK, True),
            (model.Severity.INFO, False),
            (model.Severity.WARNING, False),
            (model.Severity.BLOCK, False),
        )
    ]
    levels = [item.level for item in wording.checklist(findings, (), wording.OF_A_MAIL).items]
    assert levels == ["stop", "warn", "off", "passed"]


def test_the_place_of_a_finding_is_found_in_the_mail_as_a_reader_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "content" / "a.md"
    file.parent.mkdir()
    file.write_text("## What **helps** you?\nIt isn't [the heat](https://x.example) [@bot2004].\nnot in the mail\n")
    mail = "<h2>What helps you?</h2><p>It isn&rsquo;t <a href=#>the heat</a>.</p>"
    mail += "<div style='display:none'>not in the mail</div>"

    def words(line: int, message: str = "") -> str:
        finding = model.Finding("x", model.Severity.WARNING, "content/a.md", line, message, "")
        return places.words(finding, tmp_path, mail)

    assert words(1) == "What helps you?"
    assert words(2).startswith("It isn't the heat")
    assert words(3) == ""
    assert words(3, "the link 'the heat' leads nowhere") == "the heat"


# --- the command -------------------------------------------------------------------------


@contextlib.contextmanager
def command(place: house.House) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `mscare preview` on a free port; yields the process and the address it prints."""
    process = place.start("preview", "--port", "0")
    assert process.stderr is not None
    with process:
        line = next(line for line in process.stderr if "http" in line)
        try:
            yield process, line.split()[1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_in_peace_while_a_page_is_open(tmp_path: Path, number: signal.Signals) -> None:
    place = house.build(tmp_path / "house")
    with command(place) as (process, address), requests.Session() as session:
        session.get(address, timeout=PATIENCE)
        with session.get(address.split("/enter")[0] + "/events", stream=True, timeout=PATIENCE) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith(b"retry")
            ended = threading.Thread(target=lambda: list(lines))
            ended.start()
            process.send_signal(number)
            _, err = process.communicate(timeout=PATIENCE)
            ended.join(PATIENCE)
    assert process.returncode == 0
    assert "Traceback" not in err
    assert not ended.is_alive()


def test_a_busy_port_is_told_with_what_to_do(tmp_path: Path) -> None:
    place = house.build(tmp_path / "house")
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = place.run("preview", "--port", str(other.getsockname()[1]))
    assert done.code == errors.MissingPart.exit_code
    assert "is taken by another program" in done.err
    assert "--port" in done.err


def test_settings_that_are_not_those_of_the_file_stay(tmp_path: Path) -> None:
    place = house.build(tmp_path / "house")
    settings = config.load(place.root / "mscare.toml")
    own = settings.publication.model_copy(update={"sender_name": "From another file"})
    with (
        studio.running(settings.model_copy(update={"publication": own})) as address,
        requests.Session() as session,
    ):
        session.trust_env = False
        session.get(address, timeout=PATIENCE)
        browser = previews.Browser(address.split("/enter")[0], session, place)
        place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
        browser.until(lambda: "around half" in browser.text(f"{PAGE}/panes/light"))
        assert "From another file" in browser.words(PAGE)
