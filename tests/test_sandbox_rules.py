"""The sandbox refuses what the real services refuse, in their own forms."""

import uuid
from collections.abc import Iterator
from typing import Any

import hypothesis
import mailbox_client
import pytest
from hypothesis import strategies
from mailbox_client import BOTH, KEY, Client, people, resend_mail, send, sendgrid_mail

from pipeline.sandbox import resend, sendgrid, sendgrid_logs, wire


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from mailbox_client.serving(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    yield from mailbox_client.fresh(url)


def changed(mail: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the mail with one place set; "" as value takes it away."""
    place: Any = mail
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
    if isinstance(place, list):
        place[int(last)] = value
    elif value == "":
        place.pop(last, None)
    else:
        place[last] = value
    return mail


LONG = "x" * 10_000
SENDGRID_FAULTS = [
    ("personalizations", "", "personalizations"),
    ("personalizations", [], "personalizations"),
    ("personalizations", [{"to": [{"email": "a@example.org"}]}] * 1001, "personalizations"),
    ("personalizations.0.to", "", "personalizations.0.to"),
    ("personalizations.0.to", [], "personalizations.0.to"),
    ("personalizations.0.to", [{"name": "Ana"}], "personalizations.0.to.0.email"),
    ("personalizations.0.to", [{"email": "no address"}], "personalizations.0.to.0.email"),
    ("personalizations.0.to", [{"email": "a@nodot"}], "personalizations.0.to.0.email"),
    ("personalizations.0.to", [{"email": "a@example.org", "name": 5}], "personalizations.0.to.0.name"),
    ("personalizations.0.to", [{"email": "a@example.org"}, {"email": "A@example.org"}], "personalizations.0"),
    ("personalizations.0.to", [{"email": f"a{n}@example.org"} for n in range(1001)], "personalizations"),
    ("personalizations.0.substitutions", {"[a]": 1}, "personalizations.0.substitutions"),
    ("personalizations.0.substitutions", {"[a]": LONG}, "personalizations.0.substitutions"),
    ("personalizations.0.substitutions", {f"[{n}]": "" for n in range(151)}, "personalizations.0.substitutions"),
    ("personalizations.0.headers", {"To": "x"}, "personalizations.0.headers.To"),
    ("personalizations.0.headers", {"X A": "x"}, "personalizations.0.headers.X A"),
    ("personalizations.0.headers", {"X-A": 1}, "personalizations.0.headers.X-A"),
    ("personalizations.0.headers", {"X-A": "a\r\nBcc: b@example.org"}, "personalizations.0.headers.X-A"),
    ("personalizations.0.custom_args", {"a": 1}, "personalizations.0.custom_args"),
    ("personalizations.0.from", {"email": "x@other.example"}, "personalizations.0.from.email"),
    ("personalizations.0.subject", 5, "personalizations.0.subject"),
    ("personalizations.0.unknown", "x", "personalizations.0"),
    ("from", "", "from.email"),
    ("from", "digest@example.org", "from"),
    ("from", {"email": "no address"}, "from.email"),
    ("subject", "", "subject"),
    ("subject", 5, "subject"),
    ("content", "", "content"),
    ("content", [], "content"),
    ("content", [{"type": "text/html", "value": "h"}, {"type": "text/plain", "value": "t"}], "content"),
    ("content", [{"type": "text/plain", "value": "t"}, {"type": "text/plain", "value": "t"}], "content"),
    ("content", [{"type": "text/plain", "value": ""}], "content.0.value"),
    ("content", [{"type": "text/plain; charset=utf-8", "value": "t"}], "content.0.type"),
    ("headers", {"received": "x"}, "headers.received"),
    ("headers", {"X-A": "1", "x-a": "2"}, "headers"),
    ("categories", [f"c{n}" for n in range(11)], "categories"),
    ("categories", ["a", "a"], "categories"),
    ("categories", ["ü"], "categories.0"),
    ("categories", ["x" * 256], "categories.0"),
    ("categories", "a", "categories"),
    ("custom_args", {"a": LONG}, "custom_args"),
    ("send_at", "tomorrow", "send_at"),
    ("send_at", 99999999999, "send_at"),
    ("reply_to", {"email": "x"}, "reply_to.email"),
    ("mail_settings.sandbox_mode.enable", "true", "mail_settings.sandbox_mode.enable"),
    ("tracking_settings.click_tracking.enable", 1, "tracking_settings.click_tracking.enable"),
    ("tracking_settings.clicks", {}, "tracking_settings"),
    ("attachments", [{"filename": "a.txt", "content": "not base64!"}], "attachments.0.content"),
    ("attachments", [{"content": "YQ=="}], "attachments.0.filename"),
    ("template_id", "d-1", "template_id"),
    ("asm", {"group_id": 1}, "asm.group_id"),
    ("ip_pool_name", "pool", "ip_pool_name"),
    ("batch_id", "b", "batch_id"),
    ("sections", {"a": "b"}, "sections"),
    ("spelled_wrong", "x", "spelled_wrong"),
]


@pytest.mark.parametrize(("place", "value", "field"), SENDGRID_FAULTS)
def test_sendgrid_refuses_with_400_and_names_the_field(client: Client, place: str, value: Any, field: str) -> None:
    answer = client.post("/v3/mail/send", changed(sendgrid_mail("a@example.org"), place, value))
    assert answer.status_code == 400
    assert field in [error["field"] for error in answer.json()["errors"]]
    assert all(error["message"] for error in answer.json()["errors"])
    assert client.taken() == {}


RESEND_FAULTS = [
    ("from", "", "missing_required_field"),
    ("to", "", "missing_required_field"),
    ("subject", "", "missing_required_field"),
    ("to", [], "missing_required_field"),
    ("from", "Digest", "validation_error"),
    ("from", "Digest digest@example.org", "validation_error"),
    ("from", {"email": "digest@example.org"}, "validation_error"),
    ("to", "no address", "validation_error"),
    ("to", ["a@example.org", 5], "validation_error"),
    ("to", [f"a{n}@example.org" for n in range(51)], "validation_error"),
    ("cc", "no address", "validation_error"),
    ("reply_to", "no address", "validation_error"),
    ("subject", "a\nBcc: b@example.org", "validation_error"),
    ("html", 5, "validation_error"),
    ("headers", {"X-A": 1}, "validation_error"),
    ("headers", {"X A": "1"}, "validation_error"),
    ("headers", {"Bcc": "b@example.org"}, "validation_error"),
    ("tags", [{"name": "a b", "value": "c"}], "validation_error"),
    ("tags", [{"name": "a"}], "validation_error"),
    ("template", {"id": "t"}, "validation_error"),
    ("attachments", [{"filename": "a.txt"}], "invalid_attachment"),
    ("replyTo", "r@example.org", "validation_error"),
]


@pytest.mark.parametrize(("place", "value", "name"), RESEND_FAULTS)
def test_resend_refuses_with_422_and_names_the_error(client: Client, place: str, value: Any, name: str) -> None:
    answer = client.post("/emails", changed(resend_mail("a@example.org"), place, value))
    assert answer.status_code == 422
    assert set(answer.json()) == {"statusCode", "name", "message"}
    assert (answer.json()["statusCode"], answer.json()["name"]) == (422, name)
    assert client.taken() == {}


def test_resend_wants_html_or_text(client: Client) -> None:
    mail = resend_mail("a@example.org")
    del mail["html"], mail["text"]
    assert "`html` or `text`" in client.post("/emails", mail).json()["message"]


def test_resend_takes_100_messages_in_a_batch_and_not_101(client: Client) -> None:
    assert send(client, "resend", people(101)).status_code == 422
    assert client.taken() == {}
    assert send(client, "resend", people(100)).status_code == 200
    assert client.post("/emails/batch", []).status_code == 422
    assert "must be an `array`" in client.post("/emails/batch", resend_mail("a@example.org")).json()["message"]


def test_sendgrid_takes_1000_personalizations(client: Client) -> None:
    assert send(client, "sendgrid", people(1000)).status_code == 202
    assert len(client.taken()) == 1000


def test_a_strict_batch_with_one_bad_message_takes_nobody(client: Client) -> None:
    answer = client.post("/emails/batch", [resend_mail("a@example.org"), resend_mail("no address")])
    assert answer.status_code == 422
    assert client.taken() == {}


def test_a_permissive_batch_takes_the_good_ones_and_names_the_others_by_their_place(client: Client) -> None:
    mails = [resend_mail(address) for address in ("a@example.org", "no address", "c@example.org")]
    answer = client.post("/emails/batch", mails, x_batch_validation="permissive").json()
    assert len(answer["data"]) == 2
    assert [error["index"] for error in answer["errors"]] == [1]
    assert client.taken() == {"a@example.org": 1, "c@example.org": 1}


def test_attachments_and_schedules_are_for_single_messages_only(client: Client) -> None:
    more = {"attachments": [{"filename": "a.txt", "content": "YQ=="}], "scheduled_at": "2030-01-01T00:00:00Z"}
    assert client.post("/emails", resend_mail("a@example.org", **more)).status_code == 200
    for field, value in more.items():
        assert client.post("/emails/batch", [resend_mail("a@example.org", **{field: value})]).status_code == 422


@BOTH
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer bad-key", "Basic dGVzdDprZXk="])
def test_a_call_without_a_good_key_is_answered_401_and_takes_nothing(client: Client, dialect: str, header: str) -> None:
    client.session.headers["Authorization"] = header
    answer = send(client, dialect, ["a@example.org"])
    assert answer.status_code == 401
    assert ("errors" in answer.json()) == (dialect == "sendgrid")
    client.session.headers.update(KEY)
    assert client.taken() == {}


@pytest.mark.parametrize(
    ("path", "kind", "body", "status"),
    [
        ("/v3/mail/send", "text/plain", b"{}", 415),
        ("/v3/mail/send", "application/json", b"{", 400),
        ("/v3/mail/send", "application/json", b"[]", 400),
        ("/v3/mail/send", "application/json", b'"\xff"', 400),
        ("/v3/mail/send", "application/json", rb'{"subject": "\ud800"}', 400),
        ("/v3/mail/send", "application/json", b"[" * 100_000, 400),
        ("/emails", "text/plain", b"{}", 400),
        ("/emails", "application/json", b"{", 400),
        ("/emails", "application/json", b"5", 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    client: Client, path: str, kind: str, body: bytes, status: int
) -> None:
    answer = client.session.post(client.url + path, data=body, headers={"Content-Type": kind}, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("method", "path", "status", "form"),
    [
        ("GET", "/v3/mail/send", 405, "errors"),
        ("GET", "/v3/nothing", 404, "errors"),
        ("GET", "/emails", 405, "name"),
        ("PATCH", "/emails/1", 405, "name"),
        ("GET", "/emails/1/nothing", 404, "name"),
        ("GET", "/emails/unknown", 404, "name"),
        ("GET", "/_sandbox/reset", 405, "error"),
    ],
)
def test_an_unknown_endpoint_is_answered_in_the_form_of_its_service(
    client: Client, method: str, path: str, status: int, form: str
) -> None:
    answer = client.session.request(method, client.url + path, timeout=30)
    assert (answer.status_code, form in answer.json()) == (status, True)


def test_a_body_beyond_the_services_limit_is_answered_413(client: Client) -> None:
    mail = sendgrid_mail("a@example.org")
    mail["content"][1]["value"] = "x" * 31 * 1024 * 1024
    assert client.post("/v3/mail/send", mail).status_code == 413
    assert client.taken() == {}


def test_resend_refuses_a_client_without_a_user_agent(client: Client) -> None:
    client.session.headers["User-Agent"] = ""
    assert send(client, "resend", ["a@example.org"]).status_code == 403


JSON = strategies.recursive(
    strategies.none() | strategies.booleans() | strategies.integers() | strategies.text(max_size=9),
    lambda inner: strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=9), inner),
    max_leaves=8,
)
SENDGRID_PLACES = [place for place, _, _ in SENDGRID_FAULTS] + [
    "personalizations.0.to.0",
    "personalizations.0.to.0.email",
    "personalizations.0.cc",
    "personalizations.0.dynamic_template_data",
    "content.0",
    "reply_to_list",
    "tracking_settings",
    "mail_settings.footer",
]
RESEND_PLACES = [place for place, _, _ in RESEND_FAULTS] + ["text", "bcc", "scheduled_at", "topic_id"]


@hypothesis.settings(deadline=None)
@hypothesis.given(place=strategies.sampled_from(SENDGRID_PLACES), value=JSON)
def test_whatever_stands_in_a_sendgrid_mail_it_is_taken_or_refused(place: str, value: Any) -> None:
    judge(sendgrid, "/v3/mail/send", changed(sendgrid_mail("a@example.org"), place, value))


@hypothesis.settings(deadline=None)
@hypothesis.given(place=strategies.sampled_from(RESEND_PLACES), value=JSON)
def test_whatever_stands_in_a_resend_mail_it_is_taken_or_refused(place: str, value: Any) -> None:
    judge(resend, "/emails", changed(resend_mail("a@example.org"), place, value))
    judge(resend, "/emails/batch", value)


WORDS = ["to_email", "categories", "status", "sg_message_id_created_at", "TIMESTAMP", "AND", "IN"]
SIGNS = ["=", ">", "(", ")", ","]
TEXTS = ["'a'", '"b"', "'2026-01-01'", "'0001-01-01T00:00:00+14:00'", "'", "\\"]


@hypothesis.settings(deadline=None)
@hypothesis.given(strategies.lists(strategies.sampled_from(WORDS + SIGNS + TEXTS), max_size=9).map(" ".join))
def test_whatever_the_log_is_asked_it_understands_or_says_why_not(query: str) -> None:
    try:
        where, values = sendgrid_logs.condition(query)
    except ValueError:
        return  # told to the caller as a 400
    assert where.count("?") == len(values)


def judge(dialect: wire.Dialect, path: str, body: Any) -> None:
    """Let the dialect read the body; anything but an answer of its own is a crash."""
    headers = {"content-type": "application/json", "authorization": "Bearer k", "user-agent": "test"}
    call = wire.Call(uuid.UUID(int=1), "POST", path, headers, wire.encode(body), 1_700_000_000.0)
    try:
        answer = dialect.read(call).answer
    except wire.Refused as refused:
        answer = refused.answer
        assert 400 <= answer.status < 500
        assert wire.decode(answer.body)
    assert answer.status in (200, 202, 400, 422)
