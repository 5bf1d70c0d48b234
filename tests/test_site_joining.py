"""Joining the list: one mail asks, one press confirms, the proof stays, and nobody learns who is on the list."""

import asyncio
import dataclasses
import datetime as dt
import logging
import re
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import lxml.html
import pytest
import requests
import samples
import samples_web
import sqlalchemy as sa
from starlette.applications import Starlette

from pipeline import audience, config, database, office, site, vault
from pipeline.sandbox import faults, server

NOW = dt.datetime(2026, 11, 24, 9, 30, tzinfo=dt.UTC)
AGREED = "Yes, send me the digest by mail, about once a month, from Example Patient Education Trust."


class Client:
    """Asks the application itself, and has its answer when the work after the answer is done too."""

    def __init__(self, application: Starlette) -> None:
        self._application = application

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._application)
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return await client.request(method, path, **options)

        return asyncio.run(asked())

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("POST", path, **options)


@dataclasses.dataclass
class World:
    """A site whose clock the test turns, and the sandbox that takes its mails."""

    here: office.Office
    sandbox: str
    now: dt.datetime = NOW
    client: Any = None

    def ask(self, address: str) -> str:
        """Send the form; the mail is out when this returns. Gives the heading of the answer."""
        return heading(self.client.post("/join/", data={"address": address}).text)

    def mails(self, address: str) -> list[dict[str, Any]]:
        """Return what the sandbox took for an address, oldest first."""
        answer = requests.get(f"{self.sandbox}/_sandbox/messages", params={"to": address}, timeout=10)
        return list(answer.json()["messages"])

    def link(self, address: str) -> str:
        """Return the path of the link in the last mail to an address."""
        found = re.search(r"https://www\.example\.org(/confirm/\S+)", self.mails(address)[-1]["text"])
        assert found
        return found[1]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the audience."""
        with database.reading(self.here.engine) as connection:
            return [dict(row._mapping) for row in connection.execute(sa.text(f"SELECT * FROM {table}"))]  # noqa: S608  names of our own; the row's public mapping

    def states(self) -> list[str]:
        """Return every reader's state."""
        return [row["state"] for row in self.rows("subscriber")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "templates").symlink_to(samples.ROOT / "templates")
    (tmp_path / "mscare.toml").write_bytes((samples.ROOT / "mscare.toml").read_bytes())
    settings = config.load(tmp_path / "mscare.toml")
    engine = database.open_engine("sqlite:///mscare.db", tmp_path)
    with server.running(tmp_path / "sandbox.db", 0, faults.parse(""), samples.ROOT / "templates") as url:
        sandbox = settings.services.sandbox.model_copy(update={"base_url": url})
        services = settings.services.model_copy(update={"sandbox": sandbox})
        desk = office.Desk(settings.model_copy(update={"services": services}), samples_web.library(), ())
        opened = World(office.Office(desk, engine, vault.Vault(b"k" * 32)), url)
        application = site.app(opened.here, now=lambda: opened.now)
        opened.client = Client(application)
        yield opened
        application.state.close()
    engine.dispose()


def heading(html: str) -> str:
    return str(lxml.html.document_fromstring(html).xpath("string(//h1)"))


def test_an_address_is_on_the_list_only_after_a_mail_and_a_press_with_the_proof_stored(world: World) -> None:
    assert world.ask("reader@example.com") == "Look into your mailbox"
    assert world.states() == ["pending"]
    link = world.link("reader@example.com")
    shown = world.client.get(link)
    assert heading(shown.text) == "One press, and you are on the list"
    assert AGREED in shown.text
    assert world.states() == ["pending"]  # looking changes nothing
    world.now = NOW + dt.timedelta(days=1)
    assert heading(world.client.post(link).text) == "You are on the list"
    assert world.states() == ["active"]
    (proof,) = world.rows("consent")
    assert proof["kind"] == "confirmed"
    assert proof["wording"].startswith(AGREED)
    assert proof["source"] == "the link of a confirmation mail"
    assert dt.datetime.fromtimestamp(proof["at"], dt.UTC) == world.now
    world.client.post(link)
    assert len(world.rows("consent")) == 1  # the same press twice is one


def test_the_mail_holds_one_link_no_picture_and_a_way_out(world: World) -> None:
    world.ask("reader@example.com")
    (mail,) = world.mails("reader@example.com")
    page = lxml.html.document_fromstring(mail["html"])
    assert page.xpath("//a/@href") == [f"https://www.example.org{world.link('reader@example.com')}"]
    assert not page.xpath("//img | //script | //link")
    headers = {name.lower(): value for name, value in mail["headers"].items()}
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "/u/" in headers["list-unsubscribe"]
    assert "reader@example.com" not in mail["html"] + mail["text"]
    assert all(len(line) <= 72 for line in mail["text"].splitlines() if "http" not in line)


def test_the_answer_is_the_same_whoever_asks_and_only_newcomers_get_a_mail(world: World) -> None:
    world.ask("known@example.com")
    world.client.post(world.link("known@example.com"))
    audience.erase(world.here.engine, world.here.keys, "gone@example.com", NOW)
    world.now = NOW + dt.timedelta(hours=2)
    answers = [
        world.client.post("/join/", data={"address": f"{name}@example.com"}) for name in ("known", "gone", "new")
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
    assert [len(world.mails(f"{name}@example.com")) for name in ("known", "gone", "new")] == [1, 0, 1]


def test_a_reader_who_left_is_asked_again_and_comes_back_only_by_the_press(world: World) -> None:
    world.ask("back@example.com")
    world.client.post(world.link("back@example.com"))
    (row,) = world.rows("subscriber")
    audience.unsubscribe(world.here.engine, row["public_id"], NOW, source="test")
    world.now = NOW + dt.timedelta(hours=2)
    world.ask("back@example.com")
    assert world.states() == ["unsubscribed"]
    world.client.post(world.link("back@example.com"))
    assert world.states() == ["active"]
    assert [row["kind"] for row in world.rows("consent")] == ["confirmed", "withdrawn", "confirmed"]


@pytest.mark.parametrize("typed", ["", "nobody", "a@", "a b@example.com", "<script>@example.com", "x" * 300 + "@a.org"])
def test_what_is_no_address_is_said_beside_the_field_and_stores_nothing(world: World, typed: str) -> None:
    answer = world.client.post("/join/", data={"address": typed})
    assert answer.status_code == 400
    page = lxml.html.document_fromstring(answer.text)
    (field,) = page.xpath("//input[@name='address']")
    assert field.get("aria-invalid") == "true"
    fault = page.get_element_by_id(field.get("aria-describedby"))
    assert fault.get("role") == "alert"
    assert not page.xpath("//script")
    assert world.states() == []


def test_one_address_gets_one_mail_an_hour_and_all_together_a_bounded_number(world: World) -> None:
    for _ in range(3):
        world.ask("reader@example.com")
    assert len(world.mails("reader@example.com")) == 1
    world.now = NOW + dt.timedelta(hours=1)
    world.ask("READER@example.com")
    assert len(world.mails("READER@example.com")) + len(world.mails("reader@example.com")) >= 2
    for number in range(210):
        world.client.post("/join/", data={"address": f"many{number}@example.com"})
    assert len(world.states()) == 200


def test_a_link_ends_after_a_week_and_the_address_goes_with_it(world: World) -> None:
    world.ask("slow@example.com")
    link = world.link("slow@example.com")
    world.now = NOW + dt.timedelta(days=7, seconds=1)
    assert world.client.get(link).status_code == world.client.post(link).status_code == 404
    world.ask("other@example.com")
    assert world.states() == ["pending"]  # the other one
    assert not world.mails("slow@example.com")[1:]


def test_an_imported_reader_who_waits_for_confirmation_is_not_cleaned_up(world: World, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email,state\nwaiting@example.com,pending\n", encoding="utf-8")
    rejects = tmp_path / "rejects.csv"
    audience.import_csv(world.here.engine, world.here.keys, file, source="test", now=NOW, rejects=rejects)
    assert audience.forget_unconfirmed(world.here.engine, NOW + dt.timedelta(days=99)) == 0


@pytest.mark.parametrize("change", ["", "x", "A" * 52, "é" * 52, "../../join"])
def test_no_confirmation_link_can_be_made_up(world: World, change: str) -> None:
    path = f"/confirm/{urllib.parse.quote(change, safe='')}"
    assert world.client.get(path).status_code == world.client.post(path).status_code == 404


def test_an_unsubscribe_link_confirms_nobody(world: World) -> None:
    world.ask("reader@example.com")
    (row,) = world.rows("subscriber")
    assert world.client.post(f"/confirm/{world.here.keys.token(row['public_id'])}").status_code == 404
    assert world.states() == ["pending"]


def test_a_service_that_is_down_is_told_to_the_log_without_the_address_and_to_nobody_else(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    requests.post(f"{world.sandbox}/_sandbox/faults", json={"spec": "500-before@*"}, timeout=10)
    with caplog.at_level(logging.INFO):
        assert world.ask("reader@example.com") == "Look into your mailbox"
    assert "confirmation-unsent" in caplog.text
    assert "reader@example.com" not in caplog.text


def test_example_settings_never_mail_through_a_real_service(world: World, caplog: pytest.LogCaptureFixture) -> None:
    settings = world.here.desk.settings
    real = settings.model_copy(update={"delivery": settings.delivery.model_copy(update={"service": "resend"})})
    desk = dataclasses.replace(world.here.desk, settings=real)
    application = site.app(dataclasses.replace(world.here, desk=desk), now=lambda: NOW)
    with caplog.at_level(logging.INFO):
        Client(application).post("/join/", data={"address": "reader@example.com"})
    application.state.close()
    assert "settings of the publication are examples" in caplog.text
