"""Resend's dialect: what leaves, what its answers mean, and its webhook."""

import base64
import datetime as dt
import hashlib
import hmac
import json
from typing import Any

import pytest

from pipeline import errors, model
from pipeline.esps import resend

MESSAGE = model.Message(
    edition="2026-12",
    subject="Was hilft? “Ruhe”",
    html='<p>"Hello" \\ [[unsubscribe_url]]</p>\n[[unsubscribe_url]]',
    text="Hello\t[[unsubscribe_url]]",
    sender="digest@example.org",
    sender_name="Selbsthilfe für alle",
    list_id="digest.example.org",
)
READERS = tuple(model.Recipient(n, f"reader{n}@example.net", f"https://example.org/u/{n}") for n in range(4))
BATCH = model.Batch("0f3a", MESSAGE, READERS)
TAKEN = model.Fate.ACCEPTED
REFUSED = model.Fate.REFUSED


def respond(status: int, body: Any = b"", **headers: str) -> model.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return model.Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def ids(*names: str) -> list[dict[str, str]]:
    return [{"id": name} for name in names]


def test_every_mail_is_rendered_with_its_readers_own_link() -> None:
    mails = json.loads(resend.request(BATCH, "https://api.resend.com", "key").body)
    assert mails[2] == {
        "from": "Selbsthilfe für alle <digest@example.org>",
        "subject": "Was hilft? “Ruhe”",
        "to": ["reader2@example.net"],
        "text": "Hello\thttps://example.org/u/2",
        "html": '<p>"Hello" \\ https://example.org/u/2</p>\nhttps://example.org/u/2',
        "headers": {
            "List-Unsubscribe": "<https://example.org/u/2>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": "<digest.example.org>",
            "Message-ID": "<666813839d8dcf43eb0cc5b66ba28fab@digest.example.org>",
        },
    }


def test_one_reader_goes_through_the_batch_endpoint_too_so_that_the_answers_are_alike() -> None:
    request = resend.request(model.Batch("k", MESSAGE, READERS[:1]), "https://api.resend.com", "key")
    assert request.url == "https://api.resend.com/emails/batch"
    assert len(json.loads(request.body)) == 1


def test_the_key_makes_a_repeated_call_one_send_and_one_bad_address_costs_nobody_else() -> None:
    headers = resend.request(BATCH, "https://api.resend.com", "key").headers
    assert headers["Idempotency-Key"] == "0f3a"
    assert headers["x-batch-validation"] == "permissive"


@pytest.mark.parametrize("name", ["Care, Inc.", 'The "Digest"', "Care <b>", "a@b", "Two\nlines"])
def test_a_senders_name_that_resend_would_reject_is_refused_before_anything_is_planned(name: str) -> None:
    message = model.Message("e", "s", "h", "t", "digest@example.org", name, "l.example.org")
    with pytest.raises(errors.ConfigProblem, match="sender's name"):
        resend.batch_size(message)


def test_ids_come_back_in_order() -> None:
    outcomes = resend.outcomes(BATCH, respond(200, {"data": ids("a", "b", "c", "d")}))
    assert outcomes == [model.Outcome(TAKEN, service_id=name) for name in "abcd"]


def test_ids_close_up_over_the_refused_ones_which_are_named_by_index() -> None:
    faults = [{"index": 1, "message": "Invalid `to`: reader1@example"}, {"index": 0, "message": ""}]
    outcomes = resend.outcomes(BATCH, respond(200, {"data": ids("c", "d"), "errors": faults}))
    assert outcomes == [
        model.Outcome(REFUSED, detail="refused without a reason"),
        model.Outcome(REFUSED, detail="Invalid `to`: [address]"),
        model.Outcome(TAKEN, service_id="c"),
        model.Outcome(TAKEN, service_id="d"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        {"data": ids("a", "b", "c")},
        {"data": ids("a", "b", "c", "d", "e")},
        {"data": ids("a", "b", "c", "d"), "errors": [{"index": 0, "message": "no"}]},
        {"data": ids("a", "b", "c"), "errors": [{"index": 4, "message": "no"}]},
        {"data": ids("a", "b", "c"), "errors": [{"index": True, "message": "no"}]},
        {"data": ids("a", "b", "c"), "errors": [{"index": 1, "message": "no"}, {"index": 1, "message": "no"}]},
        {"data": ids("a", "b", "c"), "errors": ["no"]},
        {"data": [{"id": "a"}, {"id": ""}, {"id": None}, {}]},
        {"data": ["a", "b", "c", "d"]},
        {"data": {}, "errors": {}},
        {"errors": [{"index": n, "message": "no"} for n in range(4)]},
    ],
    ids=[
        "one id short",
        "one id too many",
        "taken and refused",
        "index out of range",
        "index no number",
        "index twice",
        "error no object",
        "ids no texts",
        "ids no objects",
        "no lists",
        "no ids at all",
    ],
)
def test_an_answer_that_does_not_add_up_leaves_everybody_in_doubt(answer: dict[str, Any]) -> None:
    outcomes = resend.outcomes(BATCH, respond(200, answer))
    assert [outcome.fate for outcome in outcomes] == [model.Fate.DOUBTFUL] * 4
    assert "do not add up" in outcomes[0].detail


def test_a_fault_found_in_every_mail_is_the_messages_fault_and_not_the_readers() -> None:
    faults = [{"index": n, "message": "Invalid `from` field"} for n in range(4)]
    outcomes = resend.outcomes(BATCH, respond(200, {"data": [], "errors": faults}))
    assert {(outcome.fate, outcome.detail) for outcome in outcomes} == {
        (model.Fate.UNTAKEN, "batch refused as a whole: Invalid `from` field")
    }


def test_a_single_bad_reader_is_refused() -> None:
    alone = model.Batch("k", MESSAGE, READERS[:1])
    answer = {"data": [], "errors": [{"index": 0, "message": "bad"}]}
    assert resend.outcomes(alone, respond(200, answer)) == [model.Outcome(REFUSED, detail="bad")]


def test_a_key_that_is_still_being_worked_on_stays_in_doubt_and_is_asked_again_later() -> None:
    answer = {"name": "concurrent_idempotent_requests", "message": "still in progress", "statusCode": 409}
    outcomes = resend.outcomes(BATCH, respond(409, answer, retry_after="2"))
    assert {(outcome.fate, outcome.retry_after) for outcome in outcomes} == {(model.Fate.DOUBTFUL, 2.0)}


def test_a_key_that_was_used_with_another_body_stays_in_doubt_for_good() -> None:
    answer = {"name": "invalid_idempotent_request", "message": "different payload", "statusCode": 409}
    outcomes = resend.outcomes(BATCH, respond(409, answer))
    assert {outcome.fate for outcome in outcomes} == {model.Fate.DOUBTFUL}
    assert outcomes[0].detail.startswith("final:")


def test_a_quota_that_is_used_up_leaves_everybody_untaken_with_the_services_words() -> None:
    answer = {"name": "daily_quota_exceeded", "message": "You have reached your daily quota", "statusCode": 429}
    (outcome, *_) = resend.outcomes(BATCH, respond(429, answer, ratelimit_reset="30"))
    assert (outcome.fate, outcome.retry_after) == (model.Fate.UNTAKEN, 30.0)
    assert outcome.detail == "answered 429: daily_quota_exceeded: You have reached your daily quota"


def test_there_is_no_look_up_for_the_same_key_replays_the_answer() -> None:
    assert resend.lookup(BATCH, "https://api.resend.com", "key") is None
    assert resend.looked_up(BATCH, respond(200, {"data": ids("a", "b", "c", "d")})) is None


# --- the webhook --------------------------------------------------------------

# The example printed in the signing standard's own documentation.
KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HEADERS = {
    "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "svix-timestamp": "1614265330",
    "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
PRINTED = b'{"test": 2432232314}'
TIME = dt.datetime.fromtimestamp(1614265330, dt.UTC)


def signed(body: bytes) -> dict[str, str]:
    content = f"{HEADERS['svix-id']}.{HEADERS['svix-timestamp']}.".encode() + body
    digest = hmac.new(base64.b64decode(KEY.removeprefix("whsec_")), content, hashlib.sha256).digest()
    return HEADERS | {"svix-signature": f"v1,{base64.b64encode(digest).decode()}"}


def test_the_printed_example_is_genuine_but_holds_no_event() -> None:
    with pytest.raises(errors.ServiceProblem, match="signed, but holds no event"):
        resend.events(PRINTED, HEADERS, KEY, TIME)


def call(kind: str, **data: Any) -> list[model.Event]:
    whole = {"email_id": "4ef9", "to": ["a@example.net"], "subject": "s", "from": "d@example.org"} | data
    body = json.dumps({"type": kind, "created_at": "2021-02-25T15:02:10.000Z", "data": whole}).encode()
    return resend.events(body, signed(body), KEY, TIME)


DEAD = ["smtp; 550 5.1.1 user unknown"]
NO_DMARC = ["smtp; 550 5.7.515 Access denied, sending domain does not meet the required authentication level"]


@pytest.mark.parametrize(
    ("kind", "data", "meaning"),
    [
        ("email.delivered", {}, model.EventKind.DELIVERED),
        ("email.bounced", {"bounce": {"type": "Permanent"}}, model.EventKind.BOUNCED),
        ("email.bounced", {"bounce": {"type": "Transient", "subType": "MailboxFull"}}, model.EventKind.DROPPED),
        ("email.bounced", {}, model.EventKind.DROPPED),
        ("email.bounced", {"bounce": {"type": "Permanent", "diagnosticCode": DEAD}}, model.EventKind.BOUNCED),
        ("email.bounced", {"bounce": {"type": "Permanent", "diagnosticCode": NO_DMARC}}, model.EventKind.DROPPED),
        ("email.bounced", {"bounce": {"type": "Permanent", "message": NO_DMARC[0]}}, model.EventKind.DROPPED),
        ("email.complained", {}, model.EventKind.COMPLAINED),
        ("email.failed", {"failed": {"reason": "reached_daily_quota"}}, model.EventKind.DROPPED),
        ("email.suppressed", {"suppressed": {"reason": "previous_bounce"}}, model.EventKind.DROPPED),
        ("email.delivery_delayed", {}, model.EventKind.DEFERRED),
    ],
)
def test_each_kind_of_event_is_understood(kind: str, data: dict[str, Any], meaning: model.EventKind) -> None:
    (event,) = call(kind, **data)
    assert (event.kind, event.service_id, event.address) == (meaning, "4ef9", "a@example.net")
    assert event.at == dt.datetime(2021, 2, 25, 15, 2, 10, tzinfo=dt.UTC)


def test_the_reason_is_told_without_the_address() -> None:
    (event,) = call("email.bounced", bounce={"type": "Permanent", "message": "no mailbox a@example.net here"})
    assert event.detail == "no mailbox [address] here"
    assert call("email.failed", failed={"reason": "reached_daily_quota"})[0].detail == "reached_daily_quota"


@pytest.mark.parametrize("kind", ["email.sent", "email.opened", "email.clicked", "contact.updated", "something.new"])
def test_what_says_nothing_about_arriving_is_left_out(kind: str) -> None:
    assert call(kind) == []


@pytest.mark.parametrize("data", [{"to": "a@example.net"}, {"to": [7]}, {"to": None}])
def test_an_event_for_nobody_is_left_out(data: dict[str, Any]) -> None:
    assert call("email.delivered", **data) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"svix-signature": "v1,AAAA"},
        {"svix-signature": ""},
        {"svix-signature": "v1"},
        {"svix-signature": "v1,\u2019"},
        {"svix-signature": HEADERS["svix-signature"].replace("v1,", "v2,")},
        {"svix-id": "msg_other"},
        {"svix-timestamp": "1614265331"},
        {"svix-timestamp": "soon"},
    ],
)
def test_a_changed_call_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(errors.ServiceProblem, match="no genuine Resend signature"):
        resend.events(PRINTED, HEADERS | headers, KEY, TIME)


def test_a_second_signature_is_believed_while_the_secret_is_being_changed() -> None:
    both = HEADERS | {"svix-signature": "v1,AAAA " + HEADERS["svix-signature"]}
    with pytest.raises(errors.ServiceProblem, match="holds no event"):
        resend.events(PRINTED, both, KEY, TIME)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_call_off_by_more_than_five_minutes_is_refused(minutes: int) -> None:
    with pytest.raises(errors.ServiceProblem, match="signed for another time"):
        resend.events(PRINTED, HEADERS, KEY, TIME + dt.timedelta(minutes=minutes))
