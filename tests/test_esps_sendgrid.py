"""Twilio SendGrid's dialect: what leaves, what its answers and its log mean, and its webhook."""

import base64
import datetime as dt
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline import errors, model
from pipeline.esps import sendgrid

MESSAGE = model.Message(
    edition="2026-12",
    subject="News",
    html="<p>Hello</p>[[unsubscribe_url]]",
    text="Hello [[unsubscribe_url]]",
    sender="digest@example.org",
    sender_name="Digest",
    list_id="digest.example.org",
)
READERS = tuple(model.Recipient(n, f"Reader{n}@example.net", f"https://example.org/u/{n}") for n in range(3))
BATCH = model.Batch("0f3a", MESSAGE, READERS)


def respond(status: int, body: Any = b"", **headers: str) -> model.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return model.Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def test_the_body_goes_out_once_and_the_service_merges_each_readers_link() -> None:
    body = json.loads(sendgrid.request(BATCH, "https://api.sendgrid.com", "key").body)
    assert body["content"] == [
        {"type": "text/plain", "value": "Hello [[unsubscribe_url]]"},
        {"type": "text/html", "value": "<p>Hello</p>[[unsubscribe_url]]"},
    ]
    assert [envelope["substitutions"] for envelope in body["personalizations"]] == [
        {"[[unsubscribe_url]]": f"https://example.org/u/{n}"} for n in range(3)
    ]
    assert body["from"] == {"email": "digest@example.org", "name": "Digest"}


def test_all_tracking_is_switched_off() -> None:
    body = json.loads(sendgrid.request(BATCH, "https://api.sendgrid.com", "key").body)
    assert set(body["tracking_settings"]) == {"click_tracking", "open_tracking", "subscription_tracking", "ganalytics"}
    assert {flag for setting in body["tracking_settings"].values() for flag in setting.values()} == {False}


def test_the_batch_key_can_be_searched_for_and_comes_back_with_events() -> None:
    body = json.loads(sendgrid.request(BATCH, "https://api.sendgrid.com", "key").body)
    assert body["categories"] == ["0f3a"]
    assert body["custom_args"] == {"batch": "0f3a"}


def test_a_202_takes_everybody_under_one_message_id() -> None:
    outcomes = sendgrid.outcomes(BATCH, respond(202, x_message_id="Xj5LmNkWSOqRbdvOpR34BA"))
    assert outcomes == [model.Outcome(model.Fate.ACCEPTED, service_id="Xj5LmNkWSOqRbdvOpR34BA")] * 3


def test_a_202_from_something_else_than_sendgrid_is_not_believed() -> None:
    outcomes = sendgrid.outcomes(BATCH, respond(202, b"<html>Welcome to the hotel's network</html>"))
    assert {outcome.fate for outcome in outcomes} == {model.Fate.DOUBTFUL}


def test_a_200_is_sandbox_mode_and_takes_nobody_for_sure() -> None:
    outcomes = sendgrid.outcomes(BATCH, respond(200, x_message_id="Xj5LmNkWSOqRbdvOpR34BA"))
    assert {outcome.fate for outcome in outcomes} == {model.Fate.DOUBTFUL}


def test_the_services_own_words_are_told_without_the_address() -> None:
    fault = {"message": "Does not contain a valid address: reader0@example", "field": "personalizations.0.to.0.email"}
    (outcome,) = sendgrid.outcomes(model.Batch("k", MESSAGE, READERS[:1]), respond(400, {"errors": [fault]}))
    assert outcome.fate is model.Fate.REFUSED
    assert outcome.detail == "answered 400: Does not contain a valid address: [address]"


# --- the log ------------------------------------------------------------------


def test_the_log_is_asked_by_category_which_is_the_batch_key() -> None:
    request = sendgrid.lookup(BATCH, "https://api.sendgrid.com", "key")
    assert request is not None
    assert json.loads(request.body) == {"query": "categories IN ('0f3a')", "limit": 1000}


def test_a_key_that_could_change_the_question_is_not_asked_for() -> None:
    assert sendgrid.lookup(model.Batch("x') OR status IN ('delivered", MESSAGE, READERS), "https://x", "key") is None


def line(address: str, status: str = "delivered", **more: str) -> dict[str, str]:
    return {"to_email": address, "status": status, "sg_message_id": "Xj5L.recvd-85-2.1"} | more


def test_who_is_in_the_log_was_taken_and_who_is_missing_stays_in_doubt() -> None:
    lines = [
        line("reader2@example.net", "dropped", reason="Bounced Address: reader2@example.net"),
        line("reader0@example.net"),
        line("stranger@example.net"),
    ]
    found = sendgrid.looked_up(BATCH, respond(200, {"messages": lines}))
    assert found == [
        model.Outcome(model.Fate.ACCEPTED, "Xj5L", "found in the service's log"),
        model.Outcome(model.Fate.DOUBTFUL, "", "not in the service's log, or not yet"),
        model.Outcome(model.Fate.REFUSED, "Xj5L", "dropped by the service: Bounced Address: [address]"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        respond(200, {"messages": []}),
        respond(200, {"messages": [line("stranger@example.net")]}),
        respond(200, b"{"),
        respond(429, {"messages": [line("reader0@example.net")]}),
        respond(403, {"errors": [{"message": "access forbidden"}]}),
    ],
    ids=["empty", "only strangers", "garbled", "too many calls", "no right to the log"],
)
def test_a_log_in_which_nobody_is_found_proves_nothing(answer: model.Response) -> None:
    assert sendgrid.looked_up(BATCH, answer) is None


# --- the webhook --------------------------------------------------------------

# A call as it is printed in the vendor's own library, with the vendor's signature.
REAL_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1"
    "flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
)
REAL_HEADERS = {
    "X-Twilio-Email-Event-Webhook-Signature": (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
    ),
    "X-Twilio-Email-Event-Webhook-Timestamp": "1600112502",
}
REAL_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
REAL_TIME = dt.datetime.fromtimestamp(1600112502, dt.UTC)


def test_a_genuine_call_is_read() -> None:
    (event,) = sendgrid.events(REAL_BODY, REAL_HEADERS, REAL_KEY, REAL_TIME)
    assert event == model.Event(
        kind=model.EventKind.DROPPED,
        service_id="LRzXl_NHStOGhQ4kofSm_A",
        address="hello@world.com",
        at=dt.datetime(2020, 9, 14, 19, 41, 32, tzinfo=dt.UTC),
        detail="Bounced Address",
    )
    assert "hello" not in repr(event)


def test_the_key_is_read_with_and_without_its_pem_frame() -> None:
    framed = f"-----BEGIN PUBLIC KEY-----\n{REAL_KEY[:64]}\n{REAL_KEY[64:]}\n-----END PUBLIC KEY-----\n"
    assert sendgrid.events(REAL_BODY, REAL_HEADERS, framed, REAL_TIME)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (REAL_BODY.replace(b"hello", b"hullo"), {}),
        (REAL_BODY, {"X-Twilio-Email-Event-Webhook-Timestamp": "1600112503"}),
        (REAL_BODY, {"X-Twilio-Email-Event-Webhook-Timestamp": "soon"}),
        (REAL_BODY, {"X-Twilio-Email-Event-Webhook-Signature": ""}),
        (REAL_BODY, {"X-Twilio-Email-Event-Webhook-Signature": "no base64\u2019"}),
    ],
    ids=["body changed", "time changed", "no time", "no signature", "no base64"],
)
def test_a_changed_call_is_refused(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(errors.ServiceProblem, match="no genuine SendGrid signature"):
        sendgrid.events(body, REAL_HEADERS | headers, REAL_KEY, REAL_TIME)


def test_a_repeated_call_is_believed_for_a_day_and_no_longer() -> None:
    assert sendgrid.events(REAL_BODY, REAL_HEADERS, REAL_KEY, REAL_TIME + dt.timedelta(hours=24))
    with pytest.raises(errors.ServiceProblem, match="signed for another time"):
        sendgrid.events(REAL_BODY, REAL_HEADERS, REAL_KEY, REAL_TIME + dt.timedelta(hours=26))


def signed(body: bytes) -> tuple[dict[str, str], str]:
    """Sign as SendGrid does, with a key made for this test."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = key.sign(b"1600112502" + body, ec.ECDSA(hashes.SHA256()))
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    name = "X-Twilio-Email-Event-Webhook-Signature"
    return REAL_HEADERS | {name: base64.b64encode(signature).decode()}, base64.b64encode(public).decode()


def events_of(*lines: dict[str, Any]) -> list[model.Event]:
    body = json.dumps(lines).encode()
    headers, key = signed(body)
    return sendgrid.events(body, headers, key, REAL_TIME)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ({"event": "delivered"}, model.EventKind.DELIVERED),
        ({"event": "bounce", "type": "bounce"}, model.EventKind.BOUNCED),
        ({"event": "bounce", "type": "blocked"}, model.EventKind.DROPPED),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no"}, model.EventKind.BOUNCED),
        ({"event": "bounce", "type": "bounce", "status": "5.7.26"}, model.EventKind.DROPPED),
        ({"event": "bounce", "reason": "550-5.7.26 This mail is unauthenticated"}, model.EventKind.DROPPED),
        ({"event": "bounce", "reason": "550 5.1.1 no mailbox at 10.5.7.26"}, model.EventKind.BOUNCED),
        ({"event": "spamreport"}, model.EventKind.COMPLAINED),
        ({"event": "dropped"}, model.EventKind.DROPPED),
        ({"event": "deferred"}, model.EventKind.DEFERRED),
        ({"event": "unsubscribe"}, model.EventKind.UNSUBSCRIBED),
        ({"event": "group_unsubscribe"}, model.EventKind.UNSUBSCRIBED),
    ],
)
def test_each_kind_of_event_is_understood(line: dict[str, Any], kind: model.EventKind) -> None:
    (event,) = events_of(line | {"email": "a@example.net", "timestamp": 1600112492, "sg_message_id": "Xj5L.recvd-1"})
    assert (event.kind, event.service_id) == (kind, "Xj5L")


def test_lines_that_say_nothing_about_arriving_or_cannot_be_read_cost_no_other_line() -> None:
    good = {"event": "delivered", "email": "a@example.net", "timestamp": 1600112492, "response": "250 OK b@example.net"}
    bad = [{"event": "open"}, good | {"email": 7}, good | {"timestamp": 10**30}, good | {"timestamp": "x"}, {}, good]
    (event,) = events_of(*bad)
    assert event.detail == "250 OK [address]"


def test_a_signed_call_without_a_list_is_refused() -> None:
    headers, key = signed(b"{}")
    with pytest.raises(errors.ServiceProblem, match="holds no list"):
        sendgrid.events(b"{}", headers, key, REAL_TIME)
