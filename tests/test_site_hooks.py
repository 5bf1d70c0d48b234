"""What sending services report: believed only with their own signature, and nobody is mailed after it."""

import base64
import datetime as dt
import hashlib
import hmac
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import sites
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline import config, errors

RESEND_KEY = b"a signing key for tests"
SENDGRID_KEY = ec.derive_private_key(987654321, ec.SECP256R1())
SECRETS = {
    "resend": "whsec_" + base64.b64encode(RESEND_KEY).decode(),
    "sandbox": "whsec_" + base64.b64encode(RESEND_KEY).decode(),
    "sendgrid": base64.b64encode(
        SENDGRID_KEY.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    ).decode(),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house", **SECRETS) as running:
        yield running


def resend_event(kind: str, address: str) -> bytes:
    data = {"email_id": "id-1", "to": [address], "bounce": {"type": "Permanent", "message": "no such mailbox"}}
    return json.dumps({"type": kind, "created_at": sites.NOW.isoformat(), "data": data}).encode()


def sendgrid_events(*lines: tuple[str, str]) -> bytes:
    stamp = int(sites.NOW.timestamp())
    return json.dumps(
        [{"event": kind, "email": to, "timestamp": stamp, "sg_message_id": "m.1"} for kind, to in lines]
    ).encode()


def signed_by_resend(body: bytes, at: dt.datetime = sites.NOW) -> dict[str, str]:
    stamp = str(int(at.timestamp()))
    mac = hmac.digest(RESEND_KEY, f"msg_1.{stamp}.".encode() + body, hashlib.sha256)
    return {"svix-id": "msg_1", "svix-timestamp": stamp, "svix-signature": "v1," + base64.b64encode(mac).decode()}


def signed_by_sendgrid(body: bytes) -> dict[str, str]:
    stamp = str(int(sites.NOW.timestamp()))
    signature = SENDGRID_KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return {
        "x-twilio-email-event-webhook-timestamp": stamp,
        "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
    }


def call(world: sites.World, service: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    return requests.post(f"{world.url}/hooks/{service}", data=body, headers=headers, timeout=10)


@pytest.mark.parametrize(
    ("kind", "state"), [("email.bounced", "bounced"), ("email.complained", "complained"), ("email.delivered", "")]
)
@pytest.mark.parametrize("service", ["resend", "sandbox"])
def test_a_signed_report_of_resend_counts_at_once(world: sites.World, service: str, kind: str, state: str) -> None:
    address = f"{service}-{kind}@example.com"
    reader = world.reader(address)
    body = resend_event(kind, address)
    assert call(world, service, body, signed_by_resend(body)).status_code == 200
    assert world.state(reader) == state


def test_a_signed_report_of_sendgrid_may_hold_many_events(world: sites.World) -> None:
    kinds = {"bounce": "bounced", "spamreport": "complained", "unsubscribe": "unsubscribed", "delivered": ""}
    readers = {kind: world.reader(f"{kind}@example.com") for kind in kinds}
    body = sendgrid_events(*((kind, f"{kind.upper()}@example.com") for kind in kinds))
    assert call(world, "sendgrid", body, signed_by_sendgrid(body)).status_code == 200
    assert {kind: world.state(reader) for kind, reader in readers.items()} == kinds


def test_the_same_report_twice_changes_nothing_more(world: sites.World) -> None:
    world.reader("again@example.com")
    body = sendgrid_events(("unsubscribe", "again@example.com"), ("bounce", "never-seen@example.com"))
    assert call(world, "sendgrid", body, signed_by_sendgrid(body)).status_code == 200
    after = world.rows()
    assert call(world, "sendgrid", body, signed_by_sendgrid(body)).status_code == 200
    assert world.rows() == after


def test_one_address_that_makes_no_sense_does_not_spoil_the_others(world: sites.World) -> None:
    reader = world.reader("sound@example.com")
    body = sendgrid_events(("bounce", "not an address"), ("bounce", "sound@example.com"))
    assert call(world, "sendgrid", body, signed_by_sendgrid(body)).status_code == 200
    assert world.state(reader) == "bounced"


BODY = resend_event("email.bounced", "victim@example.com")


@pytest.mark.parametrize(
    ("service", "headers"),
    [
        ("resend", {}),
        ("resend", {**signed_by_resend(BODY), "svix-signature": "v1,AAAA"}),
        ("resend", {**signed_by_resend(BODY), "svix-id": "another"}),
        ("resend", signed_by_resend(BODY, sites.NOW - dt.timedelta(hours=1))),
        ("resend", signed_by_resend(BODY + b" ")),
        ("sendgrid", {}),
        ("sendgrid", signed_by_resend(BODY)),
        ("sendgrid", signed_by_sendgrid(BODY + b" ")),
    ],
)
def test_a_report_without_a_genuine_signature_is_turned_away(
    world: sites.World, service: str, headers: dict[str, str]
) -> None:
    before = world.rows()
    assert call(world, service, BODY, headers).status_code == 401
    assert world.rows() == before


def test_nobody_is_believed_while_no_secret_is_set(tmp_path_factory: pytest.TempPathFactory) -> None:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as world:
        assert call(world, "resend", BODY, signed_by_resend(BODY)).status_code == 401


@pytest.mark.parametrize("service", ["postmark", "..%2fresend", "_http", "resend%00"])
def test_a_service_that_is_none_is_not_there(world: sites.World, service: str) -> None:
    assert call(world, service, BODY, signed_by_resend(BODY)).status_code in {404, 405}


def test_a_get_tells_nothing_and_a_huge_report_is_cut_off(world: sites.World) -> None:
    assert requests.get(f"{world.url}/hooks/resend", timeout=10).status_code == 404
    assert call(world, "resend", b"x" * 6_000_000, {}).status_code == 413


def test_a_secret_that_cannot_be_read_lets_the_service_try_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    with sites.running(tmp_path_factory.mktemp("site") / "house", resend="whsec_???") as world:
        answer = call(world, "resend", BODY, signed_by_resend(BODY))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")


def test_no_address_is_logged(world: sites.World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lines: list[Any] = [("bounce", "quiet@example.com"), ("bounce", "quiet at example.com")]
    body = sendgrid_events(*lines)
    assert call(world, "sendgrid", body, signed_by_sendgrid(body)).status_code == 200
    call(world, "sendgrid", body, {})
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("event-taken service=sendgrid kind=bounced reader=") for line in said)
    assert any(line.startswith("hook-refused service=sendgrid") for line in said)
    assert not [line for line in said if "quiet" in line]


def test_a_webhook_secret_in_the_settings_file_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("settings")
    text = (sites.samples.ROOT / "mscare.toml").read_text(encoding="utf-8")
    marked = text.replace("[services.resend]", '[services.resend]\nwebhook_secret = "whsec_abc"')
    (folder / "mscare.toml").write_text(marked, encoding="utf-8")
    with pytest.raises(errors.ConfigProblem, match=r"services\.resend\.webhook_secret") as caught:
        config.load(folder / "mscare.toml")
    assert "MSCARE_SERVICES__RESEND__WEBHOOK_SECRET" in caught.value.hint
