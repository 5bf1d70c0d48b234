"""What every sending service promises, today's and tomorrow's: each file of pipeline/esps is found by its name."""

import datetime as dt
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from pipeline import errors, model
from pipeline.esps import _answers, _bodies, _registry

ROOT = Path(__file__).parents[1]
BASE_URL = "https://api.example.org"
KEY = "SG.a-key-that-opens-nothing"
NOW = dt.datetime(2026, 12, 1, 9, 0, tzinfo=dt.UTC)
FATES = {model.Fate.ACCEPTED, model.Fate.REFUSED, model.Fate.UNTAKEN, model.Fate.DOUBTFUL}
MESSAGE = model.Message(
    edition="2026-12",
    subject="Fatigue: «what helps»",
    html='<p>Hello "you" &amp; \\ you</p><a href="[[unsubscribe_url]]">Leave</a> <a href="[[unsubscribe_url]]">too</a>',
    text="Hello\nLeave: [[unsubscribe_url]]\n",
    sender="digest@example.org",
    sender_name="Navigating Your Care",
    list_id="digest.example.org",
)


@pytest.fixture(params=_registry.names())
def service(request: pytest.FixtureRequest) -> _registry.Service:
    return _registry.get(request.param)


def batch_of(*addresses: str, key: str = "batch-key-1", message: model.Message = MESSAGE) -> model.Batch:
    readers = (
        model.Recipient(number, address, f"https://example.org/u/token-{number}-")
        for number, address in enumerate(addresses)
    )
    return model.Batch(key, message, tuple(readers))


def batch_for(count: int) -> model.Batch:
    return batch_of(*(f"reader{number}@example.net" for number in range(count)))


def respond(status: int, body: Any = b"", **headers: str) -> model.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return model.Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, content)


def envelopes(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object that says to whom a mail goes."""
    if isinstance(value, dict):
        if any(name.lower() in {"to", "cc", "bcc"} for name in value):
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from envelopes(item)


# --- the folder ---------------------------------------------------------------


def test_services_are_found_by_file_name() -> None:
    assert set(_registry.names()) >= {"resend", "sendgrid"}
    assert not [name for name in _registry.names() if name.startswith("_")]


def test_an_unknown_service_is_refused_with_the_choices() -> None:
    with pytest.raises(errors.ConfigProblem, match="pigeon") as caught:
        _registry.get("pigeon")
    assert "resend, sendgrid" in caught.value.hint


def test_a_service_states_its_facts(service: _registry.Service) -> None:
    assert service.BATCH >= 1
    assert service.MAX_BYTES >= 1_000_000
    assert service.KEYED is (service.KEY_WINDOW > 0)
    assert isinstance(service.LOOKUP, bool)
    assert service.RATE > 0
    assert service.DOC.endswith(".")
    assert "\n" not in service.DOC


def test_a_service_has_every_function_with_the_agreed_signature(service: _registry.Service) -> None:
    agreed = [name for name, value in vars(_registry.Service).items() if inspect.isfunction(value) and name[0] != "_"]
    assert "request" in agreed
    for name in agreed:
        wanted = inspect.signature(getattr(_registry.Service, name))
        found = inspect.signature(getattr(service, name))
        assert list(found.parameters.values()) == list(wanted.parameters.values())[1:], name
        assert found.return_annotation == wanted.return_annotation, name


# --- the request --------------------------------------------------------------


def test_the_request_goes_to_the_given_address_and_carries_the_key_in_a_header_only(service: _registry.Service) -> None:
    request = service.request(batch_for(3), BASE_URL, KEY)
    assert request.method == "POST"
    assert request.url.startswith(f"{BASE_URL}/")
    assert [name for name, value in request.headers.items() if KEY in value] == ["Authorization"]
    assert KEY.encode() not in request.body


def test_a_request_shows_neither_key_nor_reader_when_printed(service: _registry.Service) -> None:
    shown = repr(service.request(batch_for(3), BASE_URL, KEY)) + repr(batch_for(3))
    assert KEY not in shown
    assert "example.net" not in shown
    assert "token" not in shown


def test_the_batch_key_is_sent(service: _registry.Service) -> None:
    request = service.request(batch_for(3), BASE_URL, KEY)
    assert "batch-key-1" in request.body.decode() + " ".join(request.headers.values())


def test_the_same_batch_gives_the_same_bytes_in_another_process(service: _registry.Service) -> None:
    name = service.__name__
    program = (
        f"import pickle, sys; import {name} as service\n"
        f"request = service.request(pickle.load(sys.stdin.buffer), {BASE_URL!r}, {KEY!r})\n"
        "sys.stdout.buffer.write(request.body + repr(request.headers).encode())"
    )
    request = service.request(batch_for(3), BASE_URL, KEY)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "7"},
        input=pickle.dumps(batch_for(3)),
        capture_output=True,
        check=True,
    )
    assert done.stdout == request.body + repr(request.headers).encode()


@hypothesis.given(addresses=st.lists(st.emails(), min_size=1, max_size=5, unique_by=str.casefold))
@hypothesis.settings(
    deadline=None, max_examples=40, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
def test_no_message_names_two_subscribers(service: _registry.Service, addresses: list[str]) -> None:
    found = list(envelopes(json.loads(service.request(batch_of(*addresses), BASE_URL, KEY).body)))
    assert len(found) == len(addresses)
    for number, (envelope, address) in enumerate(zip(found, addresses, strict=True)):
        assert not [name for name in envelope if name.lower() in {"cc", "bcc"}]
        assert json.dumps(envelope["to"]).count("@") == address.count("@")
        assert json.dumps(address) in json.dumps(envelope["to"])
        assert set(re.findall(r"/u/token-(\d+)-", json.dumps(envelope))) == {str(number)}


def test_every_message_has_one_click_unsubscribe_with_the_readers_own_link(service: _registry.Service) -> None:
    found = list(envelopes(json.loads(service.request(batch_for(3), BASE_URL, KEY).body)))
    for number, envelope in enumerate(found):
        own = envelope["headers"].pop("Message-ID")
        assert re.fullmatch(r"<[0-9a-f]{32}@digest\.example\.org>", own)
        assert envelope["headers"] == {
            "List-Unsubscribe": f"<https://example.org/u/token-{number}->",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": "<digest.example.org>",
        }


@pytest.mark.parametrize(
    "link", ["https://example.org/u/a b", "https://example.org/u/a>\r\nBcc: x", "javascript:x", ""]
)
def test_a_link_that_could_break_out_of_a_header_is_refused_without_being_quoted(
    service: _registry.Service, link: str
) -> None:
    batch = model.Batch("key", MESSAGE, (model.Recipient(17, "reader@example.net", link),))
    with pytest.raises(errors.ConfigProblem, match="subscriber 17") as caught:
        service.request(batch, BASE_URL, KEY)
    assert "example" not in caught.value.message


def test_a_batch_with_nobody_or_with_too_many_is_refused(service: _registry.Service) -> None:
    for count in (0, service.BATCH + 1):
        with pytest.raises(errors.ServiceProblem, match=f"a batch of {count} recipients"):
            service.request(batch_for(count), BASE_URL, KEY)


# --- sizes --------------------------------------------------------------------


@pytest.mark.parametrize("letters", ["plain words ", 'quotes " and \\ ', "हिन्दी"], ids=["ascii", "escaped", "wide"])
def test_as_many_readers_as_the_service_says_fit_into_one_body(service: _registry.Service, letters: str) -> None:
    html = (letters * 100_000)[:100_000] + "[[unsubscribe_url]]" * 3
    message = model.Message("e", "s", html, html[-20_000:], "d@example.org", "D", "l.example.org")
    count = service.batch_size(message)
    assert 1 <= count <= service.BATCH
    link = "https://" + "x" * (_bodies.LONGEST_LINK - 8)
    readers = tuple(model.Recipient(n, f"{n:0>241}@example.org", link) for n in range(count))
    body = service.request(model.Batch("k" * 64, message, readers), BASE_URL, KEY).body
    assert len(body) <= service.MAX_BYTES


def test_a_small_message_goes_to_a_full_batch_and_a_huge_one_to_single_readers(service: _registry.Service) -> None:
    assert service.batch_size(MESSAGE) == service.BATCH
    huge = model.Message("e", "s", "x" * (service.MAX_BYTES + 1), "t", "d@example.org", "D", "l.example.org")
    assert service.batch_size(huge) == 1


# --- answers ------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("reader1@example.net"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["data", "errors", "id", "index", "message", "name", "messages", "to_email", "status"]),
            inner,
        )
    ),
    max_leaves=12,
)
bodies = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())
statuses = st.sampled_from([200, 201, 202, 204, 400, 409, 413, 422, 429, 451, 500, 503]) | st.integers(0, 999)
header_values = st.text(max_size=40) | st.sampled_from(
    ["1", "-1", "nan", "1e400", "9" * 400, "Tue, 01 Dec 2026 09:00:00 GMT"]
)
answer_headers = st.dictionaries(
    st.sampled_from(["retry-after", "ratelimit-reset", "x-ratelimit-reset", "date", "x-message-id"]), header_values
)
relaxed = hypothesis.settings(
    deadline=None, max_examples=150, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)


@hypothesis.given(status=statuses, body=bodies, headers=answer_headers, count=st.integers(1, 4))
@relaxed
def test_whatever_a_service_answers_nobody_is_lost_and_nothing_else_is_raised(
    service: _registry.Service, status: int, body: bytes, headers: dict[str, str], count: int
) -> None:
    response = model.Response(status, headers, body)
    if status in _answers.STOPS:
        with pytest.raises(errors.ServiceProblem) as caught:
            service.outcomes(batch_for(count), response)
        assert "@" not in caught.value.message + caught.value.hint
        return
    outcomes = service.outcomes(batch_for(count), response)
    assert len(outcomes) == count
    assert {outcome.fate for outcome in outcomes} <= FATES
    assert "@" not in repr(outcomes)
    assert all(0 <= outcome.retry_after <= 86_400 for outcome in outcomes)
    if not 200 <= status < 300:
        assert model.Fate.ACCEPTED not in {outcome.fate for outcome in outcomes}


@hypothesis.given(status=statuses, body=bodies)
@relaxed
def test_whatever_a_look_up_answers_nobody_is_lost_and_nothing_is_raised(
    service: _registry.Service, status: int, body: bytes
) -> None:
    outcomes = service.looked_up(batch_for(3), model.Response(status, {}, body))
    assert outcomes is None or len(outcomes) == 3
    assert "@" not in repr(outcomes)


# What gateways and caches say of a service that went away, also after it had taken the call.
GATEWAYS = [
    b"",
    b"upstream connect error or disconnect/reset before headers. reset reason: connection termination",
    b"<html><h1>503 Backend fetch failed</h1></html>",
    {"message": "Service Unavailable"},
]


def test_too_many_calls_leaves_everybody_untaken_for_as_long_as_the_service_says(service: _registry.Service) -> None:
    outcomes = service.outcomes(batch_for(3), respond(429, retry_after="7"))
    assert [(outcome.fate, outcome.retry_after) for outcome in outcomes] == [(model.Fate.UNTAKEN, 7.0)] * 3


@pytest.mark.parametrize("status", [408, 503])
@pytest.mark.parametrize("body", GATEWAYS, ids=["empty", "envoy", "varnish", "host"])
def test_a_busy_answer_that_may_be_a_gateways_leaves_everybody_in_doubt(
    service: _registry.Service, status: int, body: Any
) -> None:
    outcomes = service.outcomes(batch_for(3), respond(status, body, retry_after="7"))
    assert [(outcome.fate, outcome.retry_after) for outcome in outcomes] == [(model.Fate.DOUBTFUL, 7.0)] * 3


@pytest.mark.parametrize("status", [408, 503])
def test_a_busy_answer_in_the_services_own_form_leaves_everybody_untaken(
    service: _registry.Service, status: int
) -> None:
    own = {"name": "application_error", "message": "busy", "errors": [{"message": "busy"}]}
    outcomes = service.outcomes(batch_for(3), respond(status, own, retry_after="7"))
    assert [(outcome.fate, outcome.retry_after) for outcome in outcomes] == [(model.Fate.UNTAKEN, 7.0)] * 3


@pytest.mark.parametrize("status", [500, 502, 504, 302, 303, 199])
def test_a_fault_of_the_service_leaves_everybody_in_doubt(service: _registry.Service, status: int) -> None:
    outcomes = service.outcomes(batch_for(3), respond(status, {"message": "oops"}))
    assert [outcome.fate for outcome in outcomes] == [model.Fate.DOUBTFUL] * 3
    assert f"answered {status}" in outcomes[0].detail


@pytest.mark.parametrize("status", [401, 402, 403, 404, 405, 407, 301, 307, 308])
def test_what_is_about_the_account_or_the_place_stops_the_send_and_is_nobodys_fate(
    service: _registry.Service, status: int
) -> None:
    with pytest.raises(errors.ServiceProblem, match=f"answered {status}") as caught:
        service.outcomes(batch_for(3), respond(status))
    assert caught.value.hint


@pytest.mark.parametrize("status", [400, 413, 422, 451])
def test_a_refusal_holds_for_a_single_reader_but_not_for_all_in_a_batch(
    service: _registry.Service, status: int
) -> None:
    (alone,) = service.outcomes(batch_for(1), respond(status))
    assert alone.fate is model.Fate.REFUSED
    together = service.outcomes(batch_for(3), respond(status))
    assert {outcome.fate for outcome in together} == {model.Fate.UNTAKEN}
    assert together[0].detail.startswith(_answers.AS_A_WHOLE)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b"[]",
        b'"ok"',
        b"<html>Welcome</html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"data": {}}',
        b'{"data": null}',
    ],
    ids=["cut", "null", "list", "text", "html", "no text", "deep", "object", "nothing"],
)
def test_a_200_that_proves_nothing_leaves_everybody_in_doubt(service: _registry.Service, body: bytes) -> None:
    assert {outcome.fate for outcome in service.outcomes(batch_for(3), respond(200, body))} == {model.Fate.DOUBTFUL}


# --- webhooks -----------------------------------------------------------------


@hypothesis.given(body=bodies, headers=st.dictionaries(st.text(max_size=20), st.text(max_size=60), max_size=4))
@relaxed
def test_a_webhook_without_a_genuine_signature_is_refused(
    service: _registry.Service, body: bytes, headers: dict[str, str]
) -> None:
    names = ("svix-id", "svix-timestamp", "svix-signature", "X-Twilio-Email-Event-Webhook-Timestamp")
    forged = headers | dict.fromkeys(names, str(int(NOW.timestamp())))
    for secret in ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "no key"):
        with pytest.raises((errors.ServiceProblem, errors.ConfigProblem)):
            service.events(body, forged, secret, NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "====", "no key at all", "Zm9v\u2019"])
def test_an_empty_or_broken_webhook_secret_is_refused_before_anything_is_believed(
    service: _registry.Service, secret: str
) -> None:
    with pytest.raises(errors.ConfigProblem):
        service.events(b"[]", {}, secret, NOW)


# --- the page about services --------------------------------------------------


def test_the_page_about_services_tells_the_facts_of_each(service: _registry.Service) -> None:
    page = (ROOT / "docs" / "adding-a-service.md").read_text(encoding="utf-8")
    name = service.__name__.rpartition(".")[2]
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}` |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")][1:6]
    assert cells == [
        f"{service.BATCH:,}",
        f"{service.MAX_BYTES / 1_000_000:g} MB",
        f"{service.KEY_WINDOW // 3600} h" if service.KEYED else "no",
        "yes" if service.LOOKUP else "no",
        f"{service.RATE:g}/s",
    ]
