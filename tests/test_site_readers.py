"""Leaving the list: a link only shows a page, one POST unsubscribes at once, and no link can be made up."""

import concurrent.futures
import csv
import dataclasses
import logging
import re
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies
import lxml.html
import pytest
import requests
import sends
import sites

from pipeline import audience, database, deliver, office, site
from pipeline.engine import embedded

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as running:
        yield running


def heading(answer: requests.Response) -> str:
    return str(lxml.html.document_fromstring(answer.text).xpath("string(//h1)"))


def ask(method: str, url: str, **options: object) -> requests.Response:
    return requests.request(method, url, timeout=10, allow_redirects=False, **options)  # type: ignore[arg-type]


# --- one click -----------------------------------------------------------------------------


def test_the_link_shows_a_page_with_a_button_and_changes_nothing(world: sites.World) -> None:
    reader = world.reader("get@example.com")
    before = world.rows()
    answer = ask("GET", world.link(reader))
    assert (answer.status_code, heading(answer)) == (200, "Stop the mail?")
    assert world.rows() == before
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert lxml.html.document_fromstring(answer.text).xpath("//meta[@name='robots']/@content") == ["noindex"]
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_one_post_without_cookie_or_redirect_unsubscribes_at_once(world: sites.World) -> None:
    reader = world.reader("post@example.com")
    answer = ask("POST", world.link(reader), data=ONE_CLICK)
    assert (answer.status_code, heading(answer)) == (200, "You are unsubscribed")
    assert "set-cookie" not in answer.headers
    assert world.state(reader) == "unsubscribed"


def test_a_form_with_parts_counts_too(world: sites.World) -> None:
    reader = world.reader("parts@example.com")
    answer = ask("POST", world.link(reader), files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert world.state(reader) == "unsubscribed"


def test_the_button_of_the_page_sends_the_same_post(world: sites.World) -> None:
    reader = world.reader("button@example.com")
    shown = ask("GET", world.link(reader))
    (form,) = lxml.html.document_fromstring(shown.text).xpath("//main//form")
    assert form.get("method").lower() == "post"
    action = urllib.parse.urljoin(shown.url, form.get("action"))
    fields = {field.get("name"): field.get("value") for field in form.xpath(".//input")}
    assert (action, fields) == (world.link(reader), ONE_CLICK)
    assert len(form.xpath(".//button[@type='submit']")) == 1
    ask("POST", action, data=fields)
    assert world.state(reader) == "unsubscribed"


def test_a_second_click_says_the_same_and_writes_nothing_more(world: sites.World) -> None:
    reader = world.reader("twice@example.com")
    first = ask("POST", world.link(reader), data=ONE_CLICK)
    after = world.rows()
    second = ask("POST", world.link(reader), data=ONE_CLICK)
    assert (second.status_code, second.text) == (200, first.text)
    assert world.rows() == after


@pytest.mark.parametrize(
    "body", [b"", b"List-Unsubscribe=", b"list-unsubscribe=one-click", b"a=b", b"\xff\xfe", b"&" * 100, b"x" * 16_000]
)
def test_a_post_that_does_not_say_one_click_shows_the_button_again(world: sites.World, body: bytes) -> None:
    reader = world.reader(f"odd{abs(hash(body))}@example.com")
    answer = ask("POST", world.link(reader), data=body)
    assert (answer.status_code, heading(answer)) == (400, "Stop the mail?")
    assert world.state(reader) == ""


def test_a_body_without_end_is_cut_off(world: sites.World) -> None:
    reader = world.reader("long@example.com")
    assert ask("POST", world.link(reader), data=b"x" * 20_000).status_code == 413
    assert ask("POST", world.link(reader), data=iter([b"x" * 9_000] * 3)).status_code == 413
    assert world.state(reader) == ""


def test_link_scanners_unsubscribe_nobody_however_often_they_come(world: sites.World) -> None:
    reader = world.reader("scanned@example.com")
    before = world.rows()
    link = world.link(reader)
    agents = ["", "Mozilla/5.0", "Outlook-SafeLinks", "Proofpoint"]
    calls = [(method, link + tail, agent) for method in ("GET", "HEAD") for tail in ("", "?x=1") for agent in agents]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda call: ask(call[0], call[1], headers={"User-Agent": call[2]}), calls * 4))
    assert {answer.status_code for answer in answers} == {200}
    assert {ask(method, link).status_code for method in ("PUT", "DELETE", "OPTIONS", "PATCH")} == {405}
    assert world.rows() == before


def test_many_clicks_at_once_leave_one_record(world: sites.World) -> None:
    reader = world.reader("storm@example.com")
    before = len(world.rows())
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        clicks = [pool.submit(ask, "POST", world.link(reader), data=ONE_CLICK) for _ in range(16)]
    assert {click.result().status_code for click in clicks} == {200}
    assert len(world.rows()) == before + 1


# --- what cannot be found out or forged --------------------------------------------------------


def test_an_erased_readers_link_gives_the_same_answers_as_anybodys(world: sites.World) -> None:
    stays, goes = world.reader("stays@example.com"), world.reader("goes@example.com")
    assert audience.erase(world.here.engine, world.here.keys, "goes@example.com", sites.NOW)
    unknown = world.here.keys.new_public_id()
    shown = {ask("GET", world.link(public_id)).text for public_id in (stays, goes, unknown)}
    done = {ask("POST", world.link(public_id), data=ONE_CLICK).text for public_id in (stays, goes, unknown)}
    assert (len(shown), len(done)) == (1, 1)


def test_a_broken_link_has_a_calm_page_that_says_what_to_do(world: sites.World) -> None:
    answer = ask("GET", f"{world.link(world.reader('cut@example.com'))[:-5]}")
    assert (answer.status_code, heading(answer)) == (404, "This link is not complete")
    assert f"mailto:{world.here.desk.settings.identity.contact}" in answer.text
    assert "Nothing has changed" in answer.text


# A client takes the steps . and .. out of an address before it asks, so they never arrive as a token.
token_letters = hypothesis.strategies.text("ABCabc019-_=.%/é\x00", min_size=0, max_size=60).filter(
    lambda text: not {".", ".."} & set(text.split("/"))
)


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(forged=token_letters)
def test_no_made_up_link_is_believed(world: sites.World, forged: str) -> None:
    before = world.rows()
    answer = ask("POST", f"{world.url}/u/{urllib.parse.quote(forged)}", data=ONE_CLICK)
    assert answer.status_code == 404
    assert world.rows() == before


@hypothesis.settings(max_examples=60, deadline=None)
@hypothesis.given(at=hypothesis.strategies.integers(0, 42), letter=hypothesis.strategies.sampled_from("AQgwz09-_"))
def test_no_link_is_believed_after_one_letter_was_changed(world: sites.World, at: int, letter: str) -> None:
    genuine = world.here.keys.token(bytes(range(16)))
    forged = genuine[:at] + letter + genuine[at + 1 :]
    answer = ask("POST", f"{world.url}/u/{forged}", data=ONE_CLICK)
    assert answer.status_code == (200 if forged == genuine else 404)


def test_links_and_addresses_are_in_no_log(world: sites.World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    reader = world.reader("logged@example.com")
    for method in ("GET", "POST"):
        ask(method, world.link(reader), data=ONE_CLICK)
        ask(method, world.link(reader)[:-1], data=ONE_CLICK)
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]
    assert "unsubscribed by=link" in ours
    token = world.here.keys.token(reader)
    assert not [line for line in ours if token[:20] in line or "logged@" in line]


# --- in the whole story --------------------------------------------------------------------------


def test_the_address_in_every_mail_works_and_the_next_edition_leaves_these_readers_out(tmp_path: Path) -> None:
    with sites.running(tmp_path / "house") as world, sends.world(tmp_path, 12) as sending:
        here = office.Office(world.here.desk, sending.engine, sending.keys)
        with site.running(site.app(here)) as url:
            _at(sending, url).run()
            mails = [_mail(sending, address) for address in sends.addresses(12)]
            for mail in mails[:5]:
                (link,) = re.findall(r"<(https?://[^>]+)>", mail["headers"]["List-Unsubscribe"])
                assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
                assert link in mail["html"]
                assert link in mail["text"]
                assert ask("POST", link, data=mail["headers"]["List-Unsubscribe-Post"]).status_code == 200
        left = {mail["to"] for mail in mails[:5]}
        assert audience.count(sending.engine)["unsubscribed"] == 5
        requests.post(f"{sending.sandbox}/_sandbox/reset", timeout=10).raise_for_status()
        _next_edition(sending)
        assert sending.taken().keys() == set(sends.addresses(12)) - left


def _at(sending: sends.World, url: str) -> sends.World:
    """Let the mails name the public site at `url`."""
    return dataclasses.replace(sending, courier=dataclasses.replace(sending.courier, site=url))


def _mail(sending: sends.World, address: str) -> dict[str, Any]:
    """Return the one mail that the sandbox took for this address."""
    answer = requests.get(f"{sending.sandbox}/_sandbox/messages", params={"to": address}, timeout=10)
    (mail,) = answer.json()["messages"]
    return dict(mail)


def _next_edition(sending: sends.World) -> None:
    """Send another edition to everybody who may be mailed."""
    manifest = dataclasses.replace(sends.MANIFEST, subject="2026-12", digest="e" * 64)
    message = dataclasses.replace(sending.courier.message, edition="2026-12")
    courier = dataclasses.replace(sending.courier, message=message)
    begun = deliver.freeze(courier, manifest, sending.name)
    with embedded.only_sender(sending.engine):
        embedded.run(courier, begun, 1, threading.Event(), lambda _: None)


# --- did it help? ----------------------------------------------------------------------------------


def answers(world: sites.World) -> list[list[str]]:
    path = world.root / "var" / "helpful.csv"
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []


def test_only_a_pressed_button_counts_an_answer_and_nobody_is_named(world: sites.World) -> None:
    address = f"{world.url}/helpful/{sites.SLUG}/no"
    before = answers(world)
    shown = [ask(method, address) for method in ("GET", "HEAD", "GET")]
    assert {answer.status_code for answer in shown} == {200}
    assert answers(world) == before
    page = lxml.html.document_fromstring(shown[0].text)
    actions = [urllib.parse.urljoin(address, str(form.get("action"))) for form in page.xpath("//main//form")]
    assert actions == [f"{world.url}/helpful/{sites.SLUG}/{answer}" for answer in ("yes", "no")]
    assert heading(ask("POST", actions[1])) == "Thank you"
    assert answers(world) == [*before, ["2026-11-24", sites.SLUG, "no"]]
    assert (world.root / "var" / "helpful.csv").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("path", ["2020-01/yes", "site/yes", "book/yes", f"{sites.SLUG}/maybe", "..%2fx/yes"])
def test_an_answer_about_nothing_is_not_counted(world: sites.World, path: str) -> None:
    before = answers(world)
    assert ask("POST", f"{world.url}/helpful/{path}").status_code in {404, 405}
    assert answers(world) == before


def test_when_the_disk_refuses_the_reader_is_told_to_try_again(world: sites.World) -> None:
    path = world.root / "var" / "helpful.csv"
    path.unlink(missing_ok=True)
    path.mkdir()
    try:
        answer = ask("POST", f"{world.url}/helpful/{sites.SLUG}/yes")
    finally:
        path.rmdir()
    assert (answer.status_code, answer.headers["retry-after"], heading(answer)) == (503, "60", "That did not work")


def test_when_the_database_fails_nobody_is_told_to_have_left(tmp_path: Path) -> None:
    with sites.running(tmp_path / "house") as world:
        reader = world.reader("unlucky@example.com")
        with database.writing(world.here.engine) as connection:
            connection.exec_driver_sql("ALTER TABLE consent RENAME TO elsewhere")
        answer = ask("POST", world.link(reader), data=ONE_CLICK)
        assert (answer.status_code, answer.headers["retry-after"], heading(answer)) == (503, "60", "That did not work")
        assert world.state(reader) == ""


# --- without out/ ------------------------------------------------------------------------------------


def test_readers_can_leave_while_nothing_is_built(tmp_path: Path) -> None:
    with sites.running(tmp_path / "house") as world:
        (world.out).rename(tmp_path / "gone")
        reader = world.reader("early@example.com")
        assert ask("GET", world.url + "/").status_code == 404
        shown = ask("GET", world.link(reader))
        assert shown.status_code == 200
        assert "<style>" in shown.text
        assert ask("POST", world.link(reader), data=ONE_CLICK).status_code == 200
        assert world.state(reader) == "unsubscribed"
