"""The sandbox takes mail as the real services do: taking, look-ups and idempotency, by a real HTTP client."""

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mailbox_client
import pytest
import requests
from mailbox_client import TEMPLATES, Client, people, resend_mail, send, sendgrid_mail, waiting

from pipeline import sandbox
from pipeline.sandbox import faults


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from mailbox_client.serving(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    yield from mailbox_client.fresh(url)


def test_sendgrid_answers_202_without_a_body_and_every_reader_gets_one_rendered_mail(client: Client) -> None:
    answer = client.post(
        "/v3/mail/send",
        sendgrid_mail(*people(3), headers={"List-Id": "<digest.example.org>"}, categories=["batch-7"]),
    )
    assert (answer.status_code, answer.content) == (202, b"")
    assert re.fullmatch(r"[\w-]{22}", answer.headers["X-Message-Id"])
    assert answer.headers["X-RateLimit-Remaining"].isdecimal()
    assert client.taken() == dict.fromkeys(people(3), 1)
    (mail,) = client.messages("reader2@example.org")
    assert mail["html"] == "<p>Hello</p><a href='https://example.org/u/1'>Unsubscribe</a>"
    assert mail["text"] == "Hello\nhttps://example.org/u/1\n"
    assert mail["headers"] == {
        "From": "Digest <digest@example.org>",
        "To": "reader2@example.org",
        "Subject": "The digest",
        "List-Id": "<digest.example.org>",
    }
    assert mail["batch"] == "batch-7"
    assert mail["service_id"].startswith(answer.headers["X-Message-Id"] + ".")


def test_sendgrid_puts_values_into_subject_and_bodies_but_not_into_headers(client: Client) -> None:
    mail = sendgrid_mail("a@example.org", subject="For [name]", headers={"X-Name": "[name]"})
    mail["personalizations"][0]["substitutions"] = {"[name]": "[[unsubscribe_url]]", "[[unsubscribe_url]]": "U"}
    client.post("/v3/mail/send", mail)
    (taken,) = client.messages("a@example.org")
    assert taken["subject"] == "For [[unsubscribe_url]]", "a value is not searched for tags again"
    assert taken["text"] == "Hello\nU\n"
    assert taken["headers"]["X-Name"] == "[name]"


def test_sendgrid_sandbox_mode_answers_200_and_takes_nothing(client: Client) -> None:
    answer = client.post(
        "/v3/mail/send", sendgrid_mail("a@example.org", mail_settings={"sandbox_mode": {"enable": True}})
    )
    assert answer.status_code == 200
    assert client.taken() == {}


def test_resend_answers_one_id_a_message_in_order_and_tells_each_message_again(client: Client) -> None:
    answer = client.post("/emails/batch", [resend_mail(address) for address in people(3)])
    assert answer.status_code == 200
    assert answer.headers["ratelimit-remaining"].isdecimal()
    ids = [item["id"] for item in answer.json()["data"]]
    assert [client.get(f"/emails/{email_id}").json()["to"] for email_id in ids] == [[one] for one in people(3)]
    single = client.post("/emails", resend_mail("alone@example.org", cc=["two@example.org"], reply_to="r@example.org"))
    email = client.get(f"/emails/{single.json()['id']}").json()
    assert (email["object"], email["cc"], email["reply_to"]) == ("email", ["two@example.org"], ["r@example.org"])
    assert client.taken() == dict.fromkeys([*people(3), "alone@example.org", "two@example.org"], 1)


def test_a_named_recipient_is_counted_by_the_plain_address(client: Client) -> None:
    client.post("/emails", resend_mail("Ana Müller <ana@example.org>"))
    assert client.taken() == {"ana@example.org": 1}


def test_bodies_of_thousands_of_readers_are_stored_once(tmp_path: Path) -> None:
    filler = "".join(f"<p>paragraph {number} of a digest</p>" for number in range(1500))
    with sandbox.running(tmp_path / "s.db", 0, faults.Plan(), TEMPLATES) as url:
        client = Client(url)
        for batch in range(3):
            mail = sendgrid_mail(*(f"r{number}@b{batch}.example.org" for number in range(1000)))
            mail["content"][1]["value"] += filler
            assert client.post("/v3/mail/send", mail).status_code == 202
        assert len(client.taken()) == 3000
        (taken,) = client.messages("r7@b2.example.org")
        assert taken["html"] == "<p>Hello</p><a href='https://example.org/u/7'>Unsubscribe</a>" + filler
        client.session.close()
    stored = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert stored < 12_000_000, f"{3000 * len(filler):,} characters of HTML went in"


def test_what_was_taken_is_in_the_file_after_a_restart(tmp_path: Path) -> None:
    for address in ("a@example.org", "b@example.org"):
        with sandbox.running(tmp_path / "s.db", 0, faults.Plan(), TEMPLATES) as url:
            client = Client(url)
            send(client, "resend", [address])
            client.session.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as database:
        rows = database.execute("SELECT recipient, dialect, subject FROM message ORDER BY id").fetchall()
    assert rows == [("a@example.org", "resend", "The digest"), ("b@example.org", "resend", "The digest")]


def test_the_log_finds_a_mail_by_address_category_and_time(client: Client) -> None:
    client.post("/v3/mail/send", sendgrid_mail(*people(2), categories=["batch-1", "digest"]))
    client.post("/v3/mail/send", sendgrid_mail("reader1@example.org", categories=["batch-2"]))

    def found(query: str) -> list[str]:
        answer = client.post("/v3/logs", {"query": query, "limit": 1000})
        assert answer.status_code == 200, answer.text
        return sorted(message["to_email"] for message in answer.json()["messages"])

    assert found("categories IN ('batch-1')") == people(2)
    assert found('to_email = "reader1@example.org"') == ["reader1@example.org"] * 2
    assert found("to_email='reader1@example.org' AND categories IN ('batch-2', 'x')") == ["reader1@example.org"]
    assert found("to_email='reader9@example.org'") == []
    assert found("categories IN ('batch-1') AND sg_message_id_created_at > TIMESTAMP \"2020-01-01T00:00:00Z\"") != []
    assert found('sg_message_id_created_at < TIMESTAMP "2020-01-01T00:00:00Z"') == []
    assert found("status IN ('bounced')") == []


def test_the_log_tells_one_message_by_its_id(client: Client) -> None:
    client.post("/v3/mail/send", sendgrid_mail("a@example.org", categories=["batch-1"]))
    service_id = client.messages("a@example.org")[0]["service_id"]
    details = client.get(f"/v3/logs/{service_id}").json()
    assert (details["to_email"], details["category"]) == ("a@example.org", ["batch-1"])
    assert [event["event"] for event in details["events"]] == ["delivered", "processed"]
    assert client.get("/v3/logs/nothing").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "to_email",
        "to_email > 'a'",
        "to_email = 'a' OR subject = 'b'",
        "nothing = 'a'",
        "to_email = 'a' AND",
        "to_email = 'a",
        "categories IN ()",
    ],
)
def test_the_log_refuses_a_query_that_the_grammar_does_not_have(client: Client, query: str) -> None:
    answer = client.post("/v3/logs", {"query": query})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/emails", "/emails/batch"])
def test_the_same_key_with_the_same_body_repeats_the_answer_and_takes_once(client: Client, path: str) -> None:
    body: Any = resend_mail("a@example.org") if path == "/emails" else [resend_mail(one) for one in people(3)]
    first = client.post(path, body, Idempotency_Key="k1")
    again = client.post(path, body, Idempotency_Key="k1")
    assert (again.status_code, again.json()) == (200, first.json())
    assert set(client.taken().values()) == {1}
    other = client.post(path, body, Idempotency_Key="k2")
    assert other.json() != first.json()
    assert set(client.taken().values()) == {2}


def test_the_same_key_with_another_body_or_endpoint_is_a_final_409(client: Client) -> None:
    client.post("/emails", resend_mail("a@example.org"), Idempotency_Key="k1")
    for path, body in (("/emails", resend_mail("b@example.org")), ("/emails/batch", [resend_mail("a@example.org")])):
        answer = client.post(path, body, Idempotency_Key="k1")
        assert (answer.status_code, answer.json()["name"]) == (409, "invalid_idempotent_request")
    assert client.taken() == {"a@example.org": 1}


def test_a_refused_request_does_not_use_up_its_key(client: Client) -> None:
    assert client.post("/emails", resend_mail("no address"), Idempotency_Key="k1").status_code == 422
    assert client.post("/emails", resend_mail("a@example.org"), Idempotency_Key="k1").status_code == 200


def test_keys_of_two_accounts_never_meet(client: Client) -> None:
    client.post("/emails", resend_mail("a@example.org"), Idempotency_Key="k1")
    answer = client.post("/emails", resend_mail("b@example.org"), Idempotency_Key="k1", Authorization="Bearer other")
    assert answer.status_code == 200


@pytest.mark.parametrize(("key", "status"), [("k" * 256, 200), ("k" * 257, 400), ("", 400)])
def test_a_key_has_1_to_256_characters(client: Client, key: str, status: int) -> None:
    answer = client.post("/emails", resend_mail("a@example.org"), Idempotency_Key=key)
    assert answer.status_code == status
    if status == 400:
        assert answer.json()["name"] == "invalid_idempotency_key"


def test_a_key_is_honoured_after_a_restart_and_for_24_hours(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    path = tmp_path / "s.db"

    def send_once() -> Any:
        with sandbox.running(path, 0, faults.Plan(), TEMPLATES, clock=lambda: now[0]) as url:
            client = Client(url)
            answer = client.post("/emails", resend_mail("a@example.org"), Idempotency_Key="k1").json()
            count = client.taken()["a@example.org"]
            client.session.close()
            return answer["id"], count

    first = send_once()
    now[0] += 24 * 3600 - 1
    assert send_once() == first
    now[0] += 2
    later, count = send_once()
    assert (later != first[0], count) == (True, 2)


def test_a_key_in_use_is_answered_409_until_its_first_call_ends(client: Client) -> None:
    client.plan("hold-before@1")
    with waiting(client, "resend", key="k1") as first:
        answer = client.post("/emails/batch", [resend_mail("held@example.org")], Idempotency_Key="k1")
        assert (answer.status_code, answer.json()["name"]) == (409, "concurrent_idempotent_requests")
        other = client.post("/emails/batch", [resend_mail("other@example.org")], Idempotency_Key="k2")
        assert other.status_code == 200
        client.post("/_sandbox/release", {})
    assert first[0].status_code == 200
    again = client.post("/emails/batch", [resend_mail("held@example.org")], Idempotency_Key="k1")
    assert again.json() == first[0].json()
    assert client.taken() == {"held@example.org": 1, "other@example.org": 1}


def test_after_a_cut_the_same_key_tells_what_was_taken(client: Client) -> None:
    client.plan("cut-after@1")
    with pytest.raises(requests.ConnectionError):
        client.post("/emails/batch", [resend_mail(one) for one in people(3)], Idempotency_Key="k1")
    answer = client.post("/emails/batch", [resend_mail(one) for one in people(3)], Idempotency_Key="k1")
    assert len(answer.json()["data"]) == 3
    assert client.taken() == dict.fromkeys(people(3), 1)
