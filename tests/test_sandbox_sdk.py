"""The sandbox is faithful: the vendors' own SDKs send through it, and its answers keep the vendors' own contracts."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import python_http_client.exceptions
import referencing
import referencing.jsonschema
import requests
import resend
import resend.exceptions
import sendgrid
from sendgrid.helpers import mail as sendgrid_mail

from pipeline import sandbox
from pipeline.sandbox import faults

ROOT = Path(__file__).parents[1]
TEMPLATES = ROOT / "templates"
CONTRACTS = ROOT.parent / "shared" / "contracts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = tmp_path_factory.mktemp("sandbox") / "sandbox.db"
    with sandbox.running(path, 0, faults.Plan(), TEMPLATES) as base_url:
        yield base_url


@pytest.fixture
def url(server: str) -> str:
    requests.post(server + "/_sandbox/reset", timeout=10)
    return server


@pytest.fixture
def resend_sdk(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the SDK's module settings at the sandbox; they are its public configuration."""
    monkeypatch.setattr(resend, "api_url", url)
    monkeypatch.setattr(resend, "api_key", "re_test")


def messages(url: str, to: str) -> list[dict[str, Any]]:
    return list(requests.get(f"{url}/_sandbox/messages?to={to}", timeout=10).json()["messages"])


def plan(url: str, spec: str) -> None:
    assert requests.post(f"{url}/_sandbox/faults", json={"spec": spec}, timeout=10).ok


def newsletter() -> sendgrid_mail.Mail:
    """Build a mail to two readers with everything an issue has, by the SDK's own classes."""
    mail = sendgrid_mail.Mail(
        from_email=sendgrid_mail.From("digest@example.org", "Digest"),
        subject="The digest",
        plain_text_content="Hello [name]\n[[unsubscribe_url]]\n",
        html_content="<p>Hello [name]</p><a href='[[unsubscribe_url]]'>Unsubscribe</a>",
    )
    for name in ("ana", "ben"):
        personalization = sendgrid_mail.Personalization()
        personalization.add_to(sendgrid_mail.To(f"{name}@example.org", name.title()))
        personalization.add_substitution(sendgrid_mail.Substitution("[name]", name.title()))
        personalization.add_substitution(
            sendgrid_mail.Substitution("[[unsubscribe_url]]", f"https://example.org/{name}")
        )
        personalization.add_header(sendgrid_mail.Header("List-Unsubscribe", f"<https://example.org/{name}>"))
        personalization.add_custom_arg(sendgrid_mail.CustomArg("reader", name))
        mail.add_personalization(personalization)
    mail.add_header(sendgrid_mail.Header("List-Id", "<digest.example.org>"))
    mail.add_category(sendgrid_mail.Category("batch-7"))
    mail.reply_to = sendgrid_mail.ReplyTo("editors@example.org")
    tracking = sendgrid_mail.TrackingSettings()
    tracking.click_tracking = sendgrid_mail.ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = sendgrid_mail.OpenTracking(enable=False)
    mail.tracking_settings = tracking
    return mail


# --- SendGrid's SDK -----------------------------------------------------------------


def test_what_sendgrids_sdk_sends_is_in_the_store_as_each_reader_gets_it(url: str) -> None:
    answer = sendgrid.SendGridAPIClient("SG.test", host=url).send(newsletter())
    assert (answer.status_code, answer.body) == (202, b"")
    assert answer.headers["X-Message-Id"]
    for name in ("ana", "ben"):
        (taken,) = messages(url, f"{name}@example.org")
        assert taken["text"] == f"Hello {name.title()}\nhttps://example.org/{name}\n"
        assert taken["html"] == f"<p>Hello {name.title()}</p><a href='https://example.org/{name}'>Unsubscribe</a>"
        assert taken["headers"] == {
            "From": "Digest <digest@example.org>",
            "To": f"{name.title()} <{name}@example.org>",
            "Subject": "The digest",
            "Reply-To": "editors@example.org",
            "List-Id": "<digest.example.org>",
            "List-Unsubscribe": f"<https://example.org/{name}>",
        }
        assert (taken["dialect"], taken["batch"]) == ("sendgrid", "batch-7")


def test_sendgrids_sdk_looks_up_what_it_sent(url: str) -> None:
    client = sendgrid.SendGridAPIClient("SG.test", host=url).client
    client.mail.send.post(request_body=newsletter().get())
    query = "to_email = 'ana@example.org' AND categories IN ('batch-7')"
    (found,) = client.logs.post(request_body={"query": query, "limit": 10}).to_dict["messages"]
    details = client.logs._(found["sg_message_id"]).get().to_dict
    assert details["to_email"] == "ana@example.org"


def test_sendgrids_sdk_meets_the_errors_it_knows(url: str) -> None:
    mail = newsletter()
    with pytest.raises(python_http_client.exceptions.UnauthorizedError) as unauthorised:
        sendgrid.SendGridAPIClient("bad-key", host=url).send(mail)
    assert "errors" in unauthorised.value.to_dict
    mail.from_email = sendgrid_mail.From("no address")
    with pytest.raises(python_http_client.exceptions.BadRequestsError) as refused:
        sendgrid.SendGridAPIClient("SG.test", host=url).send(mail)
    assert refused.value.to_dict["errors"][0]["field"] == "from.email"
    plan(url, "429@1=3")
    with pytest.raises(python_http_client.exceptions.TooManyRequestsError) as limited:
        sendgrid.SendGridAPIClient("SG.test", host=url).send(newsletter())
    assert limited.value.headers["Retry-After"] == "3"


# --- Resend's SDK ---------------------------------------------------------------------


def batch() -> list[resend.Emails.SendParams]:
    return [
        {
            "from": "Digest <digest@example.org>",
            "to": [f"{name}@example.org"],
            "subject": "The digest",
            "html": f"<p>Hello {name}</p>",
            "text": f"Hello {name}\n",
            "headers": {"List-Unsubscribe": f"<https://example.org/{name}>"},
            "tags": [{"name": "edition", "value": "2026-11"}],
        }
        for name in ("ana", "ben")
    ]


@pytest.mark.usefixtures("resend_sdk")
def test_what_resends_sdk_sends_is_in_the_store_as_each_reader_gets_it(url: str) -> None:
    answer = resend.Batch.send(batch(), {"idempotency_key": "k1"})
    again = resend.Batch.send(batch(), {"idempotency_key": "k1"})
    assert [item["id"] for item in again["data"]] == [item["id"] for item in answer["data"]]
    for name, item in zip(("ana", "ben"), answer["data"], strict=True):
        (taken,) = messages(url, f"{name}@example.org")
        assert taken["html"] == f"<p>Hello {name}</p>"
        assert taken["headers"]["List-Unsubscribe"] == f"<https://example.org/{name}>"
        assert (taken["dialect"], taken["batch"], taken["service_id"]) == ("resend", "k1", item["id"])
        assert resend.Emails.get(item["id"])["to"] == [f"{name}@example.org"]


@pytest.mark.usefixtures("resend_sdk")
def test_resends_sdk_sends_one_message(url: str) -> None:
    email_id = resend.Emails.send(batch()[0], {"idempotency_key": "k1"})["id"]
    assert [mail["service_id"] for mail in messages(url, "ana@example.org")] == [email_id]
    assert resend.Emails.get(email_id)["last_event"] == "delivered"


@pytest.mark.usefixtures("resend_sdk")
def test_resends_sdk_reads_the_errors_of_a_permissive_batch(url: str) -> None:
    mails = batch()
    mails[0]["to"] = ["no address"]
    answer = resend.Batch.send(mails, {"batch_validation": "permissive"})
    assert [error["index"] for error in answer["errors"]] == [0]
    assert len(answer["data"]) == 1
    assert len(messages(url, "ben@example.org")) == 1


@pytest.mark.usefixtures("resend_sdk")
def test_resends_sdk_meets_the_errors_it_knows(url: str) -> None:
    mails = batch()
    mails[0]["to"] = ["no address"]
    with pytest.raises(resend.exceptions.ValidationError):
        resend.Batch.send(mails)
    with pytest.raises(resend.exceptions.MissingRequiredFieldsError):
        resend.Emails.send({"from": "digest@example.org", "subject": "s", "text": "t"})  # type: ignore[typeddict-item]
    resend.Batch.send(batch(), {"idempotency_key": "k1"})
    with pytest.raises(resend.exceptions.ResendError) as conflict:
        resend.Batch.send(batch()[:1], {"idempotency_key": "k1"})
    assert (conflict.value.code, conflict.value.error_type) == (409, "invalid_idempotent_request")
    plan(url, "429@1=3")
    with pytest.raises(resend.exceptions.RateLimitError) as limited:
        resend.Batch.send(batch())
    assert limited.value.headers["retry-after"] == "3"


# --- the contracts ----------------------------------------------------------------------


def contract(name: str) -> dict[str, Any]:
    """Return a vendor's contract with `nullable`, an OpenAPI 3.0 word, written in the words of 3.1."""
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"the vendors' contracts are not part of this project: {name} is not beside it")

    def modern(value: Any) -> Any:
        if isinstance(value, list):
            return [modern(item) for item in value]
        if not isinstance(value, dict):
            return value
        schema = {key: modern(item) for key, item in value.items()}
        if schema.pop("nullable", False) is True:
            schema["type"] = [schema["type"], "null"]
        return schema

    document: dict[str, Any] = modern(json.loads(path.read_text(encoding="utf-8")))
    return document


def check(document: dict[str, Any], pointer: str, value: Any) -> None:
    """Raise ValidationError when the value breaks the schema at this place of the contract."""
    resource = referencing.Resource(contents=document, specification=referencing.jsonschema.DRAFT202012)
    registry: referencing.Registry[Any] = referencing.Registry().with_resource("urn:contract", resource)
    schema = {"$ref": f"urn:contract#{pointer}"}
    jsonschema.Draft202012Validator(schema, registry=registry).validate(value)


def call(url: str, method: str, path: str, **options: Any) -> requests.Response:
    headers = {"Authorization": "Bearer k", **options.pop("headers", {})}
    return requests.request(method, url + path, headers=headers, timeout=10, **options)


MAIL_BODY = "/components/requestBodies/PostMailSend/content/application~1json/schema"
MAIL_ERROR = "/components/schemas/ErrorResponse"


def test_sendgrids_contract_and_the_sandbox_agree_on_a_good_mail(url: str) -> None:
    document = contract("sendgrid.tsg_mail_v3.json")
    body = newsletter().get()
    check(document, MAIL_BODY, body)
    assert call(url, "POST", "/v3/mail/send", json=body).status_code == 202
    assert "202" in document["paths"]["/v3/mail/send"]["post"]["responses"]


def test_sendgrids_contract_and_the_sandbox_agree_on_bad_mails(url: str) -> None:
    document = contract("sendgrid.tsg_mail_v3.json")
    for place, value in (
        ("personalizations", []),
        ("from", {"name": "Digest"}),
        ("subject", ""),
        ("content", [{"type": "text/plain", "value": ""}]),
        ("categories", [str(number) for number in range(11)]),
        ("headers", ["List-Id"]),
        ("send_at", "now"),
    ):
        body = {**newsletter().get(), place: value}
        if place != "personalizations":  # "at least one" is prose in the contract
            with pytest.raises(jsonschema.ValidationError):
                check(document, MAIL_BODY, body)
        assert call(url, "POST", "/v3/mail/send", json=body).status_code == 400


def test_every_error_of_mail_send_keeps_sendgrids_contract(url: str) -> None:
    document = contract("sendgrid.tsg_mail_v3.json")
    plan(url, "500-before@6")
    answers = [
        call(url, "POST", "/v3/mail/send", json={}),
        call(url, "POST", "/v3/mail/send", json=[]),
        call(url, "POST", "/v3/mail/send", data=b"{", headers={"Content-Type": "application/json"}),
        call(url, "POST", "/v3/mail/send", json={}, headers={"Authorization": "Bearer bad"}),
        call(url, "GET", "/v3/mail/send"),
        call(url, "POST", "/v3/mail/send", json={}),
        call(url, "POST", "/v3/mail/nothing", json={}),
    ]
    assert [answer.status_code for answer in answers] == [400, 400, 400, 401, 405, 500, 404]
    for answer in answers:
        check(document, MAIL_ERROR, answer.json())


def test_the_log_keeps_sendgrids_contract(url: str) -> None:
    document = contract("sendgrid.tsg_logs_v3.json")
    call(url, "POST", "/v3/mail/send", json=newsletter().get())
    query = {"query": "categories IN ('batch-7')", "limit": 10}
    check(document, "/components/schemas/EmailLogsGetMessagesByFilterRequest", query)
    found = call(url, "POST", "/v3/logs", json=query).json()
    check(document, "/components/schemas/EmailLogsGetMessagesByFilterResponse", found)
    assert len(found["messages"]) == 2
    details = call(url, "GET", f"/v3/logs/{found['messages'][0]['sg_message_id']}").json()
    check(document, "/components/schemas/EmailLogsGetMessageByIdResponse", details)
    for answer in (call(url, "POST", "/v3/logs", json={"query": "x"}), call(url, "GET", "/v3/logs/nothing")):
        check(document, "/components/schemas/ErrorResponse", answer.json())


def test_resends_answers_keep_its_contract(url: str) -> None:
    document = contract("resend.json")
    mails = json.loads(json.dumps(batch()))
    for mail in mails:
        check(document, "/components/schemas/SendEmailRequest", mail)
    answer = call(url, "POST", "/emails/batch", json=mails).json()
    check(document, "/components/schemas/CreateBatchEmailsResponse", answer)
    assert [set(item) for item in answer["data"]] == [{"id"}, {"id"}]
    single = call(url, "POST", "/emails", json=mails[0]).json()
    check(document, "/components/schemas/SendEmailResponse", single)
    email = call(url, "GET", f"/emails/{single['id']}").json()
    check(document, "/components/schemas/Email", email)
    assert set(email) == set(document["components"]["schemas"]["Email"]["properties"])


def test_resends_contract_and_the_sandbox_agree_on_bad_mails(url: str) -> None:
    document = contract("resend.json")
    for place, value in (
        ("to", 5),
        ("to", [f"a{number}@example.org" for number in range(51)]),
        ("html", 5),
        ("tags", 5),
    ):
        mail = {**json.loads(json.dumps(batch()[0])), place: value}
        with pytest.raises(jsonschema.ValidationError):
            check(document, "/components/schemas/SendEmailRequest", mail)
        assert call(url, "POST", "/emails", json=mail).status_code == 422


def test_the_sandbox_reads_the_contracts_on_its_own() -> None:
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "pipeline" / "sandbox").glob("*.py"))
    imports = [line for text in sources for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert imports
    assert not any("esps" in line for line in imports)
