"""Twilio SendGrid, Mail Send v3: the body goes out once, the service merges each reader's own link.

It honours no key, so a doubtful batch is looked up in the Email Logs (30 days) by its category, which is
the batch key. The log can only confirm: SendGrid promises no time by which a message is in it, so an
empty answer proves nothing, and then a person decides. All or nothing: one bad address refuses the whole
batch. A 202 is no delivery: drops, bounces and complaints come as events.
"""

import base64
import binascii
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pipeline import errors, model
from pipeline.esps import _answers, _bodies

BATCH = 1000
MAX_BYTES = 20_000_000  # the documented limit is 30 MB for one mail
KEYED = False
KEY_WINDOW = 0
LOOKUP = True
RATE = 10.0  # the documented limit is 10,000; ten calls already carry 10,000 readers a second
DOC = "Twilio SendGrid: 1,000 readers a call; no keys, but its log can confirm that a batch was taken."

TRACKING_OFF = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
    "subscription_tracking": {"enable": False},
    "ganalytics": {"enable": False},
}

WEBHOOK_WINDOW = dt.timedelta(hours=25)
"""Oldest webhook believed. SendGrid names no limit and repeats a failed call for a day, perhaps unsigned anew."""

_KEY = re.compile(r"[A-Za-z0-9_.:-]{1,255}")  # what can stand in quotes in a log query, and in a category
_KINDS = {
    "delivered": model.EventKind.DELIVERED,
    "bounce": model.EventKind.BOUNCED,
    "spamreport": model.EventKind.COMPLAINED,
    "dropped": model.EventKind.DROPPED,
    "deferred": model.EventKind.DEFERRED,
    "unsubscribe": model.EventKind.UNSUBSCRIBED,
    "group_unsubscribe": model.EventKind.UNSUBSCRIBED,
}


def batch_size(message: model.Message) -> int:
    """Return how many recipients of `message` fit into one call: the mail itself counts once."""
    return _bodies.fitting(message, BATCH, MAX_BYTES, _body)


def request(batch: model.Batch, base_url: str, secret: str) -> model.Request:
    """Return the call that sends `batch`; refuses more than BATCH recipients and links no header can hold."""
    _bodies.require_size(batch, BATCH)
    return _call(f"{base_url}/v3/mail/send", secret, _body(batch))


def _call(url: str, secret: str, body: bytes) -> model.Request:
    return model.Request("POST", url, {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}, body)


def _body(batch: model.Batch) -> bytes:
    message = batch.message
    return _bodies.to_json(
        {
            "personalizations": [_personalization(message, recipient) for recipient in batch.recipients],
            "from": {"email": message.sender, "name": message.sender_name},
            "subject": message.subject,
            "content": [
                {"type": "text/plain", "value": message.text},
                {"type": "text/html", "value": message.html},
            ],
            "categories": [batch.key],
            "custom_args": {"batch": batch.key},
            "tracking_settings": TRACKING_OFF,
        }
    )


def _personalization(message: model.Message, recipient: model.Recipient) -> dict[str, Any]:
    """One envelope: one reader. All headers stand here, for the contract does not say whether they add up."""
    link = _bodies.own_link(recipient)
    return {
        "to": [{"email": recipient.address}],
        "headers": {**_bodies.list_headers(message, link), "Message-ID": _bodies.message_id(message, link)},
        "substitutions": {_bodies.MERGE_FIELD: link},
    }


def outcomes(batch: model.Batch, response: model.Response) -> list[model.Outcome]:
    """Return one outcome a recipient, in order; 202 takes all of them. Raises ServiceProblem for the account."""
    if not 200 <= response.status < 300:  # noqa: PLR2004  the range of HTTP's successes
        return _answers.failed(batch, response, _words(response.body))
    if response.status != 202:  # noqa: PLR2004  200 is what sandbox mode answers, which delivers nothing
        return _answers.garbled(batch, response, "only 202 means that SendGrid took the mails")
    service_id = _answers.identifier(response.headers.get("x-message-id"))
    if response.body and not service_id:
        return _answers.garbled(batch, response, "with a text and without a message id, as SendGrid never does")
    return [model.Outcome(model.Fate.ACCEPTED, service_id=service_id)] * len(batch.recipients)


def _words(body: bytes) -> str:
    """Return SendGrid's own sentences: {"errors": [{"message", "field"}]}."""
    answer = _answers.parsed(body)
    faults = answer.get("errors") if isinstance(answer, dict) else None
    if not isinstance(faults, list):
        return ""
    return "; ".join(filter(None, (_answers.clean(f.get("message")) for f in faults if isinstance(f, dict))))


def lookup(batch: model.Batch, base_url: str, secret: str) -> model.Request | None:
    """Return the question to the Email Logs by category; None when the key cannot stand in a query."""
    if not _KEY.fullmatch(batch.key):
        return None
    query = {"query": f"categories IN ('{batch.key}')", "limit": 1000}
    return _call(f"{base_url}/v3/logs", secret, _bodies.to_json(query))


def looked_up(batch: model.Batch, response: model.Response) -> list[model.Outcome] | None:
    """Return who is in the log as taken and the rest as doubtful; None when nobody is, which proves nothing."""
    if response.status != 200:  # noqa: PLR2004  OK
        return None
    answer = _answers.parsed(response.body)
    messages = answer.get("messages") if isinstance(answer, dict) else None
    if not isinstance(messages, list):
        return None
    lines = {str(line.get("to_email")).casefold(): line for line in messages if isinstance(line, dict)}
    found = [lines.get(recipient.address.casefold()) for recipient in batch.recipients]
    return [_settled(line) for line in found] if any(found) else None


def _settled(line: dict[str, Any] | None) -> model.Outcome:
    if line is None:
        return model.Outcome(model.Fate.DOUBTFUL, detail="not in the service's log, or not yet")
    service_id = _first_part(line.get("sg_message_id"))
    if line.get("status") == "dropped":
        detail = _answers.clean(f"dropped by the service: {line.get('reason') or 'no reason given'}")
        return model.Outcome(model.Fate.REFUSED, service_id, detail)
    return model.Outcome(model.Fate.ACCEPTED, service_id, "found in the service's log")


def _first_part(value: object) -> str:
    """Return the part of sg_message_id that names the call: what X-Message-Id said when it was sent."""
    return _answers.identifier(value).partition(".")[0]


def events(body: bytes, headers: Mapping[str, str], secret: str, now: dt.datetime) -> list[model.Event]:
    """Return a webhook call's events; `secret` is the webhook's public key. Refuses a false or old signature.

    Left out: what says nothing about arriving (processed, opens, clicks) and lines without address or time.
    """
    _verify(body, {name.lower(): value for name, value in headers.items()}, secret, now)
    lines = _answers.parsed(body)
    if not isinstance(lines, list):
        msg = "a webhook call from SendGrid is signed, but holds no list of events"
        raise errors.ServiceProblem(msg, hint="compare its form with SendGrid's documentation of the Event Webhook")
    return [event for line in lines if isinstance(line, dict) and (event := _event(line)) is not None]


def _verify(body: bytes, headers: Mapping[str, str], secret: str, now: dt.datetime) -> None:
    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    try:
        signature = base64.b64decode(headers.get("x-twilio-email-event-webhook-signature", ""), validate=True)
        _public_key(secret).verify(signature, stamp.encode(errors="replace") + body, ec.ECDSA(hashes.SHA256()))
        age = now - dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    except (InvalidSignature, ValueError, OverflowError, OSError) as error:
        msg = "a webhook call has no genuine SendGrid signature"
        raise errors.ServiceProblem(msg, hint="check the webhook's verification key") from error
    if abs(age) > WEBHOOK_WINDOW:
        msg = f"a webhook call from SendGrid is signed for another time, {abs(age)} away"
        raise errors.ServiceProblem(msg, hint="check this machine's clock; somebody may be repeating old calls")


def _public_key(secret: str) -> ec.EllipticCurvePublicKey:
    """Read the verification key as SendGrid shows it: base64 of DER, with or without PEM's first and last line."""
    text = re.sub(r"-----[A-Z ]+-----|\s", "", secret)
    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        msg = "the verification key of SendGrid's webhook cannot be read"
        raise errors.ConfigProblem(msg, hint="copy it again from SendGrid, Settings, Mail Settings, Event Webhook")
    return key


def _event(line: dict[str, Any]) -> model.Event | None:
    kind = _KINDS.get(str(line.get("event")))
    address, stamp = line.get("email"), line.get("timestamp")
    if kind is None or not isinstance(address, str) or not isinstance(stamp, int):
        return None
    words = (line.get("status"), line.get("reason"))
    if kind is model.EventKind.BOUNCED and (line.get("type") == "blocked" or _answers.blames_the_sender(*words)):
        kind = model.EventKind.DROPPED  # the sender was turned away, not the address
    try:
        at = dt.datetime.fromtimestamp(stamp, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None
    detail = _answers.clean(line.get("reason") or line.get("response") or "")
    return model.Event(kind, _first_part(line.get("sg_message_id")), address, at, detail)
