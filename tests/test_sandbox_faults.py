"""Each fault does what it says, as a real HTTP client sees it; and the witness tells what happened."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import mailbox_client
import pytest
import requests
from mailbox_client import BOTH, Client, people, resend_mail, send, waiting

from pipeline import errors
from pipeline.sandbox import faults


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from mailbox_client.serving(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    yield from mailbox_client.fresh(url)


@BOTH
def test_429_takes_nothing_and_says_how_long_to_wait(client: Client, dialect: str) -> None:
    client.plan("429@1=7")
    answer = send(client, dialect, ["a@example.org"])
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    remaining = "X-RateLimit-Remaining" if dialect == "sendgrid" else "ratelimit-remaining"
    assert answer.headers[remaining] == "0"
    assert client.taken() == {}
    assert send(client, dialect, ["a@example.org"]).ok


@BOTH
@pytest.mark.parametrize(("fault", "count"), [("500-before", 0), ("500-after", 1)])
def test_500_comes_before_or_after_taking(client: Client, dialect: str, fault: str, count: int) -> None:
    client.plan(f"{fault}@*")
    answer = send(client, dialect, ["a@example.org"])
    assert answer.status_code == 500
    assert ("errors" in answer.json()) == (dialect == "sendgrid")
    assert len(client.taken()) == count


@BOTH
@pytest.mark.parametrize(("fault", "count"), [("cut-before", 0), ("cut-after", 1)])
def test_a_cut_breaks_the_connection_before_or_after_taking(
    client: Client, dialect: str, fault: str, count: int
) -> None:
    client.plan(f"{fault}@1")
    with pytest.raises(requests.ConnectionError) as broken:
        send(client, dialect, ["a@example.org"])
    assert "reset" in str(broken.value).lower()
    assert len(client.taken()) == count
    assert client.calls() == {"arrived": 1, "answered": 0, "lookups": 0, "held": 0}


@BOTH
def test_slow_takes_at_once_and_answers_late(client: Client, dialect: str) -> None:
    client.plan("slow@1=30,slow@2=0.05")
    with pytest.raises(requests.ReadTimeout):
        send(client, dialect, ["a@example.org"], timeout=0.2)
    assert client.taken() == {"a@example.org": 1}
    answer = send(client, dialect, ["a@example.org"])
    assert answer.elapsed.total_seconds() >= 0.05
    assert client.taken() == {"a@example.org": 2}


@BOTH
def test_garbled_takes_and_answers_with_broken_json(client: Client, dialect: str) -> None:
    client.plan("garbled@1")
    answer = send(client, dialect, ["a@example.org"])
    assert answer.status_code == (202 if dialect == "sendgrid" else 200)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert client.taken() == {"a@example.org": 1}


def test_short_lists_fewer_ids_than_were_taken(client: Client) -> None:
    client.plan("short@1,short@2=5,short@3-4")
    assert len(send(client, "resend", people(10)).json()["data"]) == 9
    assert len(send(client, "resend", people(10)).json()["data"]) == 5
    assert client.post("/emails", resend_mail("a@example.org")).json() == {}
    assert "X-Message-Id" not in send(client, "sendgrid", people(1)).headers
    assert client.taken()["reader10@example.org"] == 2


def test_partial_refuses_every_nth_recipient_the_way_the_service_does_it(client: Client) -> None:
    client.plan("partial@*=3")
    permissive = send(client, "resend", people(7), x_batch_validation="permissive").json()
    assert [error["index"] for error in permissive["errors"]] == [2, 5]
    assert len(permissive["data"]) == 5
    assert sorted(client.taken()) == [f"reader{number}@example.org" for number in (1, 2, 4, 5, 7)]
    client.post("/_sandbox/reset", {})
    client.plan("partial@*=3")
    assert send(client, "resend", people(7)).status_code == 422
    answer = send(client, "sendgrid", people(7))
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [
        "personalizations.2.to.0.email",
        "personalizations.5.to.0.email",
    ]
    assert client.taken() == {}


@BOTH
@pytest.mark.parametrize(("fault", "count"), [("hold-before", 0), ("hold-after", 1)])
def test_a_held_call_is_answered_after_the_release(client: Client, dialect: str, fault: str, count: int) -> None:
    client.plan(f"{fault}@1")
    with waiting(client, dialect) as answers:
        assert len(client.taken()) == count
        assert client.post("/_sandbox/release", {}).json() == {"released": 1}
    assert answers[0].ok
    assert client.taken() == {"held@example.org": 1}


SENDER = """
import sys, requests
requests.post(sys.argv[1], json=[{"from": "d@example.org", "to": "held@example.org", "subject": "s", "text": "t"}],
    headers={"Authorization": "Bearer test-key", "Idempotency-Key": "k1"})
"""


@pytest.mark.parametrize(("fault", "taken"), [("hold-before", {}), ("hold-after", {"held@example.org": 1})])
@pytest.mark.parametrize("releases", [True, False])
def test_a_sender_killed_at_a_held_call_is_taken_only_when_it_was_taken_before(
    client: Client, fault: str, taken: dict[str, int], *, releases: bool
) -> None:
    client.plan(f"{fault}@1")
    with subprocess.Popen([sys.executable, "-c", SENDER, client.url + "/emails/batch"]) as sender:
        assert client.calls("held=1")["held"] == 1
        sender.kill()
    if releases:
        client.post("/_sandbox/release", {})
    assert client.calls("held=0")["held"] == 0
    assert client.taken() == taken
    assert client.calls()["answered"] == 0
    mails = [{"from": "d@example.org", "to": "held@example.org", "subject": "s", "text": "t"}]
    assert client.post("/emails/batch", mails, Idempotency_Key="k1").status_code == 200
    assert client.taken() == {"held@example.org": 1}, "the key makes one send of two calls"


def test_a_client_that_leaves_in_the_middle_of_its_request_has_not_arrived(client: Client) -> None:
    connection = http.client.HTTPConnection(urlsplit(client.url).netloc, timeout=10)
    connection.putrequest("POST", "/emails")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b'{"from"')
    connection.close()
    assert client.calls() == {"arrived": 0, "answered": 0, "lookups": 0, "held": 0}


def test_a_plan_counts_calls_from_the_moment_it_is_set(client: Client) -> None:
    send(client, "resend", ["a@example.org"])
    client.plan("429@2,500-before@every:3")
    statuses = [send(client, "resend", ["a@example.org"]).status_code for _ in range(6)]
    assert statuses == [200, 429, 500, 200, 200, 500]
    assert client.calls() == {"arrived": 7, "answered": 7, "lookups": 0, "held": 0}
    assert client.get("/_sandbox/faults").json() == {"spec": "429@2,500-before@every:3"}


def test_a_held_call_keeps_the_plan_it_arrived_under(client: Client) -> None:
    client.plan("hold-before@1,500-after@1")
    with waiting(client, "resend") as answers:
        client.plan("")
        client.post("/_sandbox/release", {})
    assert answers[0].status_code == 500
    assert client.taken() == {"held@example.org": 1}


@pytest.mark.parametrize(
    ("spec", "hits"),
    [("429@3", [3]), ("429@2-4", [2, 3, 4]), ("429@*", [1, 2, 3, 4, 5, 6]), ("429@every:2", [2, 4, 6]), ("", [])],
)
def test_a_plan_hits_the_calls_it_names(spec: str, hits: list[int]) -> None:
    plan = faults.parse(spec)
    assert [call for call in range(1, 7) if plan.value(call, faults.Kind.TOO_MANY) is not None] == hits


@pytest.mark.parametrize(
    "part",
    [
        "503@1",
        "429",
        "@1",
        "429@",
        "429@0",
        "429@x",
        "429@5-3",
        "429@every:0",
        "429@1=x",
        "429@1=0.5",
        "429@1=-1",
        "slow@1=-1",
        "slow@1=inf",
        "slow@1=nan",
        "short@1=0",
        "garbled@1=3",
        "429@1 @2",
    ],
)
def test_a_bad_fault_is_refused_by_name_with_the_list_of_kinds(client: Client, part: str) -> None:
    with pytest.raises(errors.UsageProblem) as refused:
        faults.parse(f"cut-after@1, {part}")
    assert repr(part) in refused.value.message
    assert all(kind in refused.value.hint for kind in faults.Kind)
    answer = client.post("/_sandbox/faults", {"spec": part})
    assert (answer.status_code, answer.json()["error"]) == (400, refused.value.message)


def test_a_reset_forgets_mails_keys_counts_and_faults(client: Client) -> None:
    client.post("/emails", resend_mail("a@example.org"), Idempotency_Key="k1")
    client.plan("500-before@*")
    client.post("/_sandbox/reset", {})
    assert client.calls() == {"arrived": 0, "answered": 0, "lookups": 0, "held": 0}
    assert client.post("/emails", resend_mail("b@example.org"), Idempotency_Key="k1").status_code == 200
    assert client.taken() == {"b@example.org": 1}


def test_a_reset_drops_a_held_call(client: Client) -> None:
    client.plan("hold-before@1")
    with waiting(client, "sendgrid") as answers:
        client.post("/_sandbox/reset", {})
    assert answers == []
    assert client.taken() == {}


def test_look_ups_are_counted_apart(client: Client) -> None:
    client.post("/v3/logs", {"query": "to_email='a@example.org'"})
    client.get("/emails/unknown")
    assert client.calls() == {"arrived": 0, "answered": 0, "lookups": 2, "held": 0}


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"spec": 5}'])
def test_a_plan_that_is_no_text_is_refused(client: Client, body: bytes) -> None:
    assert client.session.post(client.url + "/_sandbox/faults", data=body, timeout=30).status_code == 400


@pytest.mark.parametrize("query", ["held=x", "hold=1"])
def test_a_question_about_calls_that_makes_no_sense_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/_sandbox/calls?{query}").status_code == 400


def test_a_page_of_another_site_can_neither_read_nor_change_anything(client: Client) -> None:
    assert client.post("/_sandbox/reset", {}, Origin="https://evil.example").status_code == 403
    assert client.post("/_sandbox/reset", {}, Origin=client.url).status_code == 200
    assert (
        client.session.get(client.url + "/_sandbox/taken", headers={"Host": "evil.example"}, timeout=30).status_code
        == 400
    )
