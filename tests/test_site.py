"""The public site over HTTP: what was built and nothing else, the book in whole and in parts, a strict policy."""

import base64
import hashlib
import http.client
import re
import shutil
import signal
import socket
import subprocess
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import house
import lxml.html
import pytest
import requests
import sites

from pipeline import config, errors, site

BOOK = f"/book/{sites.BOOK}"
PDF, SIZE = sites.PDF, len(sites.PDF)
ETAG = f'"{hashlib.sha256(PDF).hexdigest()}"'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as running:
        yield running


def get(world: sites.World, path: str, **headers: str) -> requests.Response:
    return requests.get(world.url + path, headers=headers, allow_redirects=False, timeout=10)


def raw(world: sites.World, path: str, method: str = "GET") -> http.client.HTTPResponse:
    """Ask for exactly this path: no client tidies it up."""
    address = urllib.parse.urlsplit(world.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
    connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


# --- pages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/", "Plain facts about MS, with their sources"),
        ("/articles/", "All articles"),
        ("/articles/heat-and-symptoms/", "Why heat can bring old symptoms back for an hour"),
        ("/book/", "Navigating Your MS Care: the book"),
        ("/editions/", "Past issues"),
        (f"/editions/{sites.SLUG}/", "The spine deserves a look of its own"),
        ("/privacy/", "Privacy"),
    ],
)
def test_every_page_is_there(world: sites.World, path: str, heading: str) -> None:
    answer = get(world, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert lxml.html.document_fromstring(answer.text).xpath("string(//h1)") == heading


def test_every_address_on_every_page_is_answered(world: sites.World) -> None:
    waiting, seen = [f"{world.url}/"], set[str]()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = requests.get(address, timeout=10)
        assert answer.status_code == 200, address
        if answer.headers["content-type"].startswith("text/html"):
            page = lxml.html.document_fromstring(answer.text)
            for href in page.xpath("//a/@href | //link[@rel!='canonical']/@href | //img/@src"):
                target = urllib.parse.urldefrag(urllib.parse.urljoin(answer.url, str(href))).url
                if target.startswith(world.url) and target not in seen:
                    waiting.append(target)
    paths = {address.removeprefix(world.url) for address in seen}
    assert {f"/editions/{sites.SLUG}/", BOOK, f"/helpful/{sites.SLUG}/yes", "/feed.xml"} <= paths


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/style.css", "text/css; charset=utf-8"),
        ("/mark.svg", "image/svg+xml"),
        ("/fonts/AtkinsonHyperlegibleNext-400.woff2", "font/woff2"),
        ("/robots.txt", "text/plain; charset=utf-8"),
        ("/feed.xml", "application/xml; charset=utf-8"),
        (f"/editions/{sites.SLUG}/images/ms-and-your-spinal-cord-1200.png", "image/png"),
        (f"/editions/{sites.SLUG}/images/ms-and-your-spinal-cord.svg", "image/svg+xml"),
    ],
)
def test_every_kind_of_file_has_its_type_and_may_be_kept_a_while(world: sites.World, path: str, kind: str) -> None:
    answer = get(world, path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/articles", "/articles/"),
        ("/articles/heat-and-symptoms", "/articles/heat-and-symptoms/"),
        ("/book", "/book/"),
        ("/book/index.html", "/book/"),
        (f"/editions/{sites.SLUG}", f"/editions/{sites.SLUG}/"),
        ("/index.html", "/"),
    ],
)
def test_an_address_without_its_slash_leads_to_the_page_and_never_elsewhere(
    world: sites.World, path: str, to: str
) -> None:
    answer = requests.get(world.url + path, headers={"Host": "evil.example"}, allow_redirects=False, timeout=10)
    assert answer.status_code == 308
    assert "evil" not in answer.headers["location"]
    assert urllib.parse.urljoin(world.url + path, answer.headers["location"]) == world.url + to


def test_an_unknown_address_has_a_calm_page_whose_links_work(world: sites.World) -> None:
    answer = get(world, "/articles/nowhere/at/all")
    assert answer.status_code == 404
    page = lxml.html.document_fromstring(answer.text)
    assert page.xpath("string(//h1)") == "This page is not here"
    for href in page.xpath("//main//a/@href"):
        assert requests.get(urllib.parse.urljoin(answer.url, str(href)), timeout=10).status_code == 200


# --- the book ---------------------------------------------------------------------------


def test_the_book_comes_whole_with_name_type_and_a_strong_etag(world: sites.World) -> None:
    answer = get(world, BOOK)
    assert (answer.status_code, answer.content) == (200, PDF)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["content-disposition"] == f'inline; filename="{sites.BOOK}"'
    assert answer.headers["etag"] == ETAG
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["cache-control"] == "public, no-cache"


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, SIZE),
        ("bytes=-500", SIZE - 500, SIZE),
        ("bytes=1000-999999999", 1000, SIZE),
        (f"bytes=-{SIZE + 1}", 0, SIZE),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=5-200000", 5, 200_001),
    ],
)
def test_a_part_of_the_book_can_be_asked_for(world: sites.World, header: str, start: int, end: int) -> None:
    answer = get(world, BOOK, Range=header)
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.content == PDF[start:end]
    assert answer.headers["etag"] == ETAG


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", "bytes=99999999999-", "bytes=-0"])
def test_a_part_beyond_the_end_is_refused_with_the_true_size(world: sites.World, header: str) -> None:
    answer = get(world, BOOK, Range=header)
    assert (answer.status_code, answer.headers["content-range"], answer.content) == (416, f"bytes */{SIZE}", b"")


@pytest.mark.parametrize(
    "header", ["bytes=0-1,5-6", "bytes=9-5", "bytes=-", "bytes=a-b", "lines=1-2", "bytes", "bytes=" + "9" * 400 + "-"]
)
def test_several_parts_and_nonsense_give_the_whole_book(world: sites.World, header: str) -> None:
    answer = get(world, BOOK, Range=header)
    assert (answer.status_code, answer.content) == (200, PDF)


def test_a_download_goes_on_only_when_the_book_is_still_the_same(world: sites.World) -> None:
    same = get(world, BOOK, Range="bytes=10-", **{"If-Range": ETAG})
    other = get(world, BOOK, Range="bytes=10-", **{"If-Range": '"another"'})
    weak = get(world, BOOK, Range="bytes=10-", **{"If-Range": f"W/{ETAG}"})
    assert (same.status_code, other.status_code, weak.status_code) == (206, 200, 200)


def test_who_has_the_book_already_is_not_sent_it_again(world: sites.World) -> None:
    for header in (ETAG, f'"other", {ETAG}', f"W/{ETAG}", "*"):
        answer = get(world, BOOK, **{"If-None-Match": header})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", ETAG)
    assert get(world, BOOK, **{"If-None-Match": '"other"'}).status_code == 200
    assert get(world, BOOK, **{"If-Match": '"other"'}).status_code == 412
    assert get(world, BOOK, **{"If-Match": ETAG}).status_code == 200


def test_head_says_what_get_would_say_without_the_bytes(world: sites.World) -> None:
    whole = get(world, BOOK).headers
    head = requests.head(world.url + BOOK, headers={"Range": "bytes=0-9"}, timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "content-disposition", "etag", "accept-ranges"):
        assert head.headers[name] == whole[name]


def test_the_landing_page_tells_the_true_size_and_sum(world: sites.World) -> None:
    page = lxml.html.document_fromstring(get(world, "/book/").text)
    text = " ".join(page.text_content().split())
    assert "Version 0.1, November 22, 2026" in text
    assert "PDF, 256 KB" in text
    assert f"{SIZE:,} bytes. Its SHA-256 is {hashlib.sha256(PDF).hexdigest()}" in text
    (button,) = page.xpath("//a[@download]")
    assert requests.get(urllib.parse.urljoin(f"{world.url}/book/", button.get("href")), timeout=10).content == PDF


def test_without_a_book_the_landing_page_says_so_and_offers_no_button(world: sites.World) -> None:
    aside = world.out / "aside"
    (world.out / "book").rename(aside)
    try:
        answer = get(world, "/book/")
        assert "not ready to download just now" in answer.text
        assert not lxml.html.document_fromstring(answer.text).xpath("//a[@download]")
        assert get(world, BOOK).status_code == 404
    finally:
        aside.rename(world.out / "book")


def test_a_book_of_an_older_text_is_called_so(world: sites.World) -> None:
    world.put_book(PDF, text="digest of another version's book.toml")
    try:
        assert "a little older than this page" in get(world, "/book/").text
    finally:
        world.put_book(PDF)
    assert "a little older" not in get(world, "/book/").text


def test_a_new_book_is_served_from_the_next_request_on(world: sites.World) -> None:
    newer = PDF + b"% a second version\n"
    world.put_book(newer)
    try:
        answer = get(world, BOOK, **{"If-None-Match": ETAG})
        assert (answer.status_code, answer.content) == (200, newer)
    finally:
        world.put_book(PDF)


# --- nothing but what was built ------------------------------------------------------------


def test_bytes_that_are_not_those_of_the_manifest_are_never_served(world: sites.World) -> None:
    world.put("2026-12", {"web/index.html": b"<h1>December</h1>"}, {})
    (world.out / "2026-12" / "web" / "index.html").write_bytes(b"<h1>somebody else</h1>")
    assert get(world, "/editions/2026-12/").status_code == 404
    shutil.rmtree(world.out / "2026-12")


SECRET = "the settings of this installation"


@pytest.mark.parametrize(
    "path",
    [
        "/../mscare.toml",
        "/%2e%2e/mscare.toml",
        "/..%2fmscare.toml",
        "/articles/../../mscare.toml",
        "/articles/..%2f..%2f..%2fmscare.toml",
        "/editions/../site/manifest.json",
        "/editions/%2e%2e/",
        "/editions/..%2fsite/",
        f"/editions/{sites.SLUG}/images/..%2f..%2fmanifest.json",
        f"/editions/{sites.SLUG}/images/%2e%2e%2fmessage.json",
        f"/editions/{sites.SLUG}/email.html",
        f"/editions/{sites.SLUG}/message.json",
        f"/editions/{sites.SLUG}/manifest.json",
        "/editions/site/images/cover.svg",
        "/editions/book/",
        "/book/manifest.json",
        "/book/..%2f..%2fmscare.toml",
        "/manifest.json",
        "/.hidden",
        "/secret.txt",
        "/link.txt",
        "//etc/passwd",
        "/articles\\..\\..\\mscare.toml",
        "/%00",
        "/style.css%00.html",
        "/style.css/",
        "/var/mscare.db",
    ],
)
def test_no_path_leads_out_of_what_was_built(world: sites.World, path: str) -> None:
    (world.out / "site" / ".hidden").write_text(SECRET, encoding="utf-8")
    (world.out / "site" / "secret.txt").write_text(SECRET, encoding="utf-8")
    (world.out / "site" / "link.txt").unlink(missing_ok=True)
    (world.out / "site" / "link.txt").symlink_to(world.root / "mscare.toml")
    assert raw(world, path).status in {404, 400}


def test_a_symbolic_link_in_place_of_a_built_file_is_not_followed_to_other_bytes(world: sites.World) -> None:
    world.put("2026-12", {"web/index.html": b"<h1>December</h1>"}, {})
    page = world.out / "2026-12" / "web" / "index.html"
    page.unlink()
    page.symlink_to(world.root / "mscare.toml")
    assert get(world, "/editions/2026-12/").status_code == 404
    shutil.rmtree(world.out / "2026-12")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_pages_take_no_other_method(world: sites.World, method: str) -> None:
    assert raw(world, "/", method).status == 405
    assert raw(world, BOOK, method).status == 405


# --- headers -------------------------------------------------------------------------------


PATHS = ["/", "/book/", BOOK, f"/editions/{sites.SLUG}/", "/nowhere", "/u/nothing", f"/helpful/{sites.SLUG}/no"]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_is_guarded_and_sets_no_cookie(world: sites.World, path: str) -> None:
    headers = get(world, path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in headers
    assert "server" not in headers


@pytest.mark.parametrize("path", [path for path in PATHS if path != BOOK])
def test_the_policy_allows_no_script_and_of_styles_only_the_pages_own(world: sites.World, path: str) -> None:
    answer = get(world, path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == policy["img-src"] == policy["font-src"] == "'self'"
    assert "script-src" not in policy
    styles = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    sums = [base64.b64encode(hashlib.sha256(style.encode()).digest()).decode() for style in styles]
    assert policy["style-src"].split() == ["'self'", *(f"'sha256-{digest}'" for digest in sums)]


def test_a_drawing_opened_by_itself_may_do_nothing(world: sites.World) -> None:
    assert get(world, "/mark.svg").headers["content-security-policy"].endswith("sandbox")


# --- the server ------------------------------------------------------------------------------


def test_a_taken_port_is_told_in_a_sentence_with_what_to_do(world: sites.World) -> None:
    port = urllib.parse.urlsplit(world.url).port or 0
    settings = config.load(world.root / "mscare.toml")
    with pytest.raises(errors.MissingPart, match=f"port {port} on 127.0.0.1 is taken") as caught:
        site.serve(settings, port, lambda _url: None)
    assert "--port" in caught.value.hint


def test_it_listens_on_this_machine_only(world: sites.World) -> None:
    port = urllib.parse.urlsplit(world.url).port or 0
    with socket.socket() as other:
        other.settimeout(2)
        assert other.connect_ex(("127.0.0.2", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_and_stops_in_peace(tmp_path: Path, number: signal.Signals) -> None:
    place = house.build(tmp_path / "house")
    running = place.start("serve", "--port", "0")
    try:
        assert running.stderr is not None
        line = running.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line
        assert requests.get(f"{found[0]}/", timeout=10).status_code == 404  # nothing is built yet
        running.send_signal(number)
        _, said = running.communicate(timeout=20)
    except BaseException:
        running.kill()
        running.communicate()
        raise
    assert (running.returncode, said) == (0, "")


def test_another_key_than_the_readers_were_stored_with_is_refused_at_the_start(tmp_path: Path) -> None:
    place = house.build(tmp_path / "house")
    place.readers(1)
    (place.root / "var" / "keys" / "installation.key").write_text("ab" * 32 + "\n", encoding="ascii")
    done: subprocess.Popen[str] = place.start("serve", "--port", "0")
    _, said = done.communicate(timeout=20)
    assert done.returncode == errors.StorageProblem.exit_code
    assert "installation key" in said
