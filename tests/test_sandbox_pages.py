"""The inbox in a browser: what it shows, and that nothing in a mail can act."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mailbox_client
import pytest
from mailbox_client import Client, people, resend_mail, send, sendgrid_mail
from playwright.sync_api import Browser, sync_playwright


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from mailbox_client.serving(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    yield from mailbox_client.fresh(url)


VIEWS = ("html", "text", "headers", "request")


def test_the_list_shows_the_newest_first_and_finds_by_address_and_subject(client: Client) -> None:
    for address, subject in (("a_1@example.org", "Older"), ("ab1@example.org", "Newer 100%")):
        client.post("/emails", resend_mail(address, subject=subject))
    page = client.get("/").text
    assert page.index("Newer 100%") < page.index("Older")
    assert "ab1@example.org" not in client.get("/?q=A_1").text
    assert "ab1@example.org" in client.get("/?q=100%25").text
    assert "0 messages" in client.get("/?q=nobody").text
    assert "2 messages" in client.get("/count").text


def test_the_list_has_pages(client: Client) -> None:
    send(client, "sendgrid", people(60))
    first, second = client.get("/").text, client.get("/?page=2").text
    assert "reader60@example.org" in first
    assert "reader10@example.org" not in first
    assert "reader10@example.org" in second
    assert "Page 2 of 2" in second
    assert "Page 2 of 2" in client.get("/?page=999").text
    assert 'href="/?q=reader&amp;page=2"' in client.get("/?q=reader").text


def test_an_empty_inbox_says_how_to_fill_it(client: Client) -> None:
    page = client.get("/").text
    assert f"{client.url}/v3/mail/send" in page


def test_a_message_shows_html_text_headers_and_the_request_without_key_and_other_readers(client: Client) -> None:
    client.post("/v3/mail/send", sendgrid_mail(*people(3), headers={"List-Id": "<digest.example.org>"}))
    number = client.messages("reader2@example.org")[0]["id"]
    assert f'src="/message/{number}/body"' in client.get(f"/message/{number}").text
    assert "https://example.org/u/1" in client.get(f"/message/{number}?view=text").text
    assert "&lt;digest.example.org&gt;" in client.get(f"/message/{number}?view=headers").text
    request = client.get(f"/message/{number}?view=request").text
    assert "POST /v3/mail/send" in request
    assert "This call carried 3 messages" in request
    assert "test-key" not in request
    assert "reader1@example.org" not in request
    assert client.get("/message/999999").status_code == 404
    assert client.get("/nothing").status_code == 404


def test_a_mail_to_two_readers_is_marked(client: Client) -> None:
    client.post("/emails", resend_mail("a@example.org", cc="b@example.org"))
    number = client.messages("b@example.org")[0]["id"]
    assert "More than one reader is named" in client.get(f"/message/{number}").text


def test_nothing_in_a_mail_can_act_in_the_inbox(client: Client) -> None:
    evil = "<script>alert(1)</script>"
    client.post("/emails", resend_mail("a@example.org", subject=evil, html=f"<head></head>{evil}", text=evil))
    number = client.messages("a@example.org")[0]["id"]
    for path in ("/", f"/message/{number}", f"/message/{number}?view=text", f"/message/{number}?view=request"):
        answer = client.get(path)
        assert evil not in answer.text
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    body = client.get(f"/message/{number}/body")
    assert "sandbox allow-popups" in body.headers["Content-Security-Policy"]
    assert "allow-scripts" not in body.headers["Content-Security-Policy"]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in client.get(f"/message/{number}").text


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        pytest.skip("Debian's Chromium is not installed")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=[*quiet, "--disable-sync"])
        yield started
        started.close()


ACTIVE = (
    "<html><head></head><body><p>quiet</p><img src='https://tracker.example/pixel.png'>"
    "<script>document.body.innerHTML = 'script ran'</script><a href='https://www.example.org/u'>Unsubscribe</a></body>"
)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_fits_a_phone_and_asks_nobody_else(client: Client, browser: Browser, scheme: Any) -> None:
    long = "a.very.long.address.of.one.reader@subdomain.of.some.hospital.example.org"
    client.post("/emails", resend_mail(long, subject="x" * 120, html=ACTIVE), Idempotency_Key="k" * 200)
    number = client.messages(long)[0]["id"]
    context = browser.new_context(viewport={"width": 375, "height": 700}, color_scheme=scheme)
    page, asked = context.new_page(), []
    page.on("requestfinished", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: asked.append("" if request.failure == "csp" else request.url))
    for path in ("/", "/?q=nobody", f"/message/{number}", *(f"/message/{number}?view={view}" for view in VIEWS)):
        page.goto(client.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") == 375, path
    context.close()
    assert {urlsplit(url).netloc for url in asked if url} == {urlsplit(client.url).netloc}
    assert "" in asked, "the policy stopped the mail's tracking pixel"


@pytest.mark.browser
def test_a_mails_script_does_not_run_and_its_links_open_outside_the_frame(client: Client, browser: Browser) -> None:
    client.post("/emails", resend_mail("a@example.org", html=ACTIVE))
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{client.url}/message/{client.messages('a@example.org')[0]['id']}")
    mail = page.frame_locator("iframe.mail")
    assert mail.locator("p").text_content() == "quiet"
    context.route("https://www.example.org/u", lambda route: route.fulfill(body="unsubscribe page"))
    with context.expect_page() as opened:
        mail.get_by_role("link", name="Unsubscribe").click()
    assert opened.value.url == "https://www.example.org/u"
    context.close()


@pytest.mark.browser
def test_the_count_follows_by_itself_without_a_script(client: Client, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(client.url)
    count = page.frame_locator("iframe.count")
    count.get_by_text("0 messages").wait_for()
    send(client, "resend", people(3))
    count.get_by_text("3 messages").wait_for(timeout=10_000)
    context.close()
