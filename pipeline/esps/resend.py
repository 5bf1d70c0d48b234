"""Resend, batch endpoint: every mail is rendered here, and the same key with the same body is one send.

Permissive validation: one bad address refuses one reader, not a hundred. The answer then lists the ids of
the good ones only, closed up, and the bad ones by index. No look-up is needed: a doubtful batch is sent
again under its key, which replays the first answer. Opens and clicks are switched off per domain, in the
account: a request cannot do it.
"""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from pipeline import errors, model
from pipeline.esps import _answers, _bodies

BATCH = 100
MAX_BYTES = 5_000_000  # no limit is documented; this much passes a line of 2 Mbit/s within 20 seconds
KEYED = True
KEY_WINDOW = 23 * 3600  # 24 hours are documented: one is kept for clocks and queues
LOOKUP = False
RATE = 5.0  # an older account may have 2: its 429 answers slow the send down
DOC = "Resend: 100 readers a call; a key makes sending again safe for a day."

WEBHOOK_WINDOW = dt.timedelta(minutes=5)

_NOT_IN_A_NAME = frozenset('",;:<>@()[]\\')
_KINDS = {
    "email.delivered": model.EventKind.DELIVERED,
    "email.bounced": model.EventKind.BOUNCED,
    "email.complained": model.EventKind.COMPLAINED,
    "email.failed": model.EventKind.DROPPED,
    "email.suppressed": model.EventKind.DROPPED,
    "email.delivery_delayed": model.EventKind.DEFERRED,
}


def batch_size(message: model.Message) -> int:
    """Return how many recipients of `message` fit into one call: the mail counts once for each."""
    return _bodies.fitting(message, BATCH, MAX_BYTES, _body)


def request(batch: model.Batch, base_url: str, secret: str) -> model.Request:
    """Return the call that sends `batch`; refuses more than BATCH recipients and a sender's name Resend rejects."""
    _bodies.require_size(batch, BATCH)
    headers = {
        "Authorization": f"Bearer {secret}",
        "Content-Type": "application/json",
        "Idempotency-Key": batch.key,
        "x-batch-validation": "permissive",
    }
    return model.Request("POST", f"{base_url}/emails/batch", headers, _body(batch))


def _body(batch: model.Batch) -> bytes:
    """Escape the mail for JSON once, and join its parts with each reader's own link: no work is done twice."""
    message = batch.message
    mail = {
        "from": _sender(message),
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "headers": _bodies.list_headers(message, _bodies.MERGE_FIELD),
    }
    parts = _bodies.to_json(mail).removesuffix(b"}}").split(_bodies.MERGE_FIELD.encode())  # the headers stay open
    mails = []
    for recipient in batch.recipients:
        link = _bodies.own_link(recipient)
        own = (_bodies.to_json(_bodies.message_id(message, link)), _bodies.to_json(recipient.address))
        mails.append(b'%b,"Message-ID":%b},"to":[%b]}' % (link.encode().join(parts), *own))
    return b"[" + b",".join(mails) + b"]"


def _sender(message: model.Message) -> str:
    """Return `Name <address>` bare: Resend rejects a quoted name, an encoded one and one with these signs."""
    if _NOT_IN_A_NAME.intersection(message.sender_name) or not message.sender_name.isprintable():
        signs = " ".join(sorted(_NOT_IN_A_NAME))
        msg = f"Resend does not take the sender's name {message.sender_name!r}: it must hold none of {signs}"
        raise errors.ConfigProblem(msg, hint="change publication.sender_name in mscare.toml")
    return f"{message.sender_name} <{message.sender}>"


def outcomes(batch: model.Batch, response: model.Response) -> list[model.Outcome]:
    """Return one outcome a recipient, in order; an answer that does not add up leaves everybody in doubt."""
    answer = _answers.parsed(response.body)
    if response.status == 409:  # noqa: PLR2004  Conflict: about the key
        return _conflict(batch, response, answer)
    if not 200 <= response.status < 300:  # noqa: PLR2004  the range of HTTP's successes
        return _answers.failed(batch, response, _words(answer))
    ids, faults = _ids(answer), _faults(answer, len(batch.recipients))
    if ids is None or faults is None or len(ids) + len(faults) != len(batch.recipients):
        return _answers.garbled(batch, response, "the ids and errors in it do not add up to the batch")
    if not ids:
        return _answers.refused(batch, next(iter(faults.values())))
    taken = iter(ids)
    return [_outcome(faults[at]) if at in faults else _taken(next(taken)) for at in range(len(batch.recipients))]


def _taken(service_id: str) -> model.Outcome:
    return model.Outcome(model.Fate.ACCEPTED, service_id=service_id)


def _outcome(detail: str) -> model.Outcome:
    return model.Outcome(model.Fate.REFUSED, detail=detail)


def _conflict(batch: model.Batch, response: model.Response, answer: Any) -> list[model.Outcome]:
    """Another call with this key: still running (ask again under the same key), or with another body (final)."""
    if isinstance(answer, dict) and answer.get("name") == "invalid_idempotent_request":
        detail = "final: this key was used before with another body, so the mails may have been taken then"
        return _answers.alike(batch, model.Fate.DOUBTFUL, detail)
    detail = _answers.clean(f"answered 409: {_words(answer) or 'the same key is in use'}")
    return _answers.alike(batch, model.Fate.DOUBTFUL, detail, _answers.wait(response.headers))


def _words(answer: Any) -> str:
    """Return Resend's own words: {"name", "message"}; "" without a name, for so speak the gateways of its host too."""
    if not isinstance(answer, dict) or not _answers.clean(answer.get("name")):
        return ""
    return ": ".join(filter(None, (_answers.clean(answer.get(part)) for part in ("name", "message"))))


def _ids(answer: Any) -> list[str] | None:
    """Return the ids of the mails taken, closed up; None when the list is missing or holds anything else."""
    items = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(items, list):
        return None
    ids = [_answers.identifier(item.get("id")) if isinstance(item, dict) else "" for item in items]
    return ids if all(ids) else None


def _faults(answer: Any, count: int) -> dict[int, str] | None:
    """Return a sentence by index of the batch; None when an index is missing, twice there or out of range."""
    items = answer.get("errors", []) if isinstance(answer, dict) else None
    if not isinstance(items, list):
        return None
    faults = {}
    for item in items:
        index = item.get("index") if isinstance(item, dict) else None
        if type(index) is not int or not 0 <= index < count or index in faults:
            return None
        faults[index] = _answers.clean(item.get("message")) or "refused without a reason"
    return faults


def lookup(batch: model.Batch, base_url: str, secret: str) -> model.Request | None:  # noqa: ARG001  every service's signature
    """Return None: the same key with the same body replays the first answer."""
    return None


def looked_up(batch: model.Batch, response: model.Response) -> list[model.Outcome] | None:  # noqa: ARG001  every service's signature
    """Return None: there is no question, so no answer tells."""
    return None


def events(body: bytes, headers: Mapping[str, str], secret: str, now: dt.datetime) -> list[model.Event]:
    """Return a webhook call's events; `secret` is `whsec_…`. Refuses a false signature and one off by 5 minutes.

    Left out: what says nothing about arriving (sent, scheduled, opened, clicked, contacts, domains).
    """
    _verify(body, {name.lower(): value for name, value in headers.items()}, secret, now)
    answer = _answers.parsed(body)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        msg = "a webhook call from Resend is signed, but holds no event"
        raise errors.ServiceProblem(msg, hint="compare its form with Resend's documentation of webhooks")
    return _events(answer, data)


def _verify(body: bytes, headers: Mapping[str, str], secret: str, now: dt.datetime) -> None:
    """Check the Svix signature: HMAC-SHA256 over id, time and raw body; several are sent while a key is changed."""
    name, stamp = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    expected = hmac.new(_hmac_key(secret), f"{name}.{stamp}.".encode(errors="replace") + body, hashlib.sha256).digest()
    genuine = any(hmac.compare_digest(expected, given) for given in _signatures(headers.get("svix-signature", "")))
    try:
        age = now - dt.datetime.fromtimestamp(int(stamp), dt.UTC)
    except (ValueError, OverflowError, OSError):
        genuine, age = False, dt.timedelta()
    if not genuine:
        msg = "a webhook call has no genuine Resend signature"
        raise errors.ServiceProblem(msg, hint="check the webhook's signing secret")
    if abs(age) > WEBHOOK_WINDOW:
        msg = f"a webhook call from Resend is signed for another time, {abs(age)} away"
        raise errors.ServiceProblem(msg, hint="check this machine's clock; somebody may be repeating old calls")


def _signatures(header: str) -> list[bytes]:
    """Return every v1 signature of `v1,base64 v1,base64`; what cannot be read is no signature."""
    found = []
    for entry in header.split():
        version, _, text = entry.partition(",")
        try:
            found.append(base64.b64decode(text, validate=True) if version == "v1" else b"")
        except (binascii.Error, ValueError):
            continue
    return found


def _hmac_key(secret: str) -> bytes:
    """Read `whsec_` and base64; refuses an empty key, with which anybody could sign."""
    try:
        key = base64.b64decode(secret.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        msg = "the signing secret of Resend's webhook cannot be read"
        raise errors.ConfigProblem(msg, hint="copy it again from Resend, Webhooks: it starts with whsec_")
    return key


def _events(answer: dict[str, Any], data: dict[str, Any]) -> list[model.Event]:
    kind = _KINDS.get(str(answer.get("type")))
    addresses = data.get("to")
    try:
        at = dt.datetime.fromisoformat(str(answer.get("created_at")))
    except ValueError:
        return []
    if kind is None or not isinstance(addresses, list):
        return []
    bounce = data.get("bounce")
    if kind is model.EventKind.BOUNCED and not (isinstance(bounce, dict) and _is_dead(bounce)):
        kind = model.EventKind.DROPPED  # a full mailbox, refused content or a refused sender: the address may be good
    service_id, detail = _answers.identifier(data.get("email_id")), _detail(data)
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    return [model.Event(kind, service_id, address, at, detail) for address in addresses if isinstance(address, str)]


def _is_dead(bounce: dict[str, Any]) -> bool:
    codes = bounce.get("diagnosticCode")
    said = [bounce.get("message"), *(codes if isinstance(codes, list) else [codes])]
    return bounce.get("type") == "Permanent" and not _answers.blames_the_sender(*said)


def _detail(data: dict[str, Any]) -> str:
    """Return the reason, wherever this kind of event keeps it."""
    for part in ("bounce", "suppressed", "failed"):
        reason = data.get(part)
        if isinstance(reason, dict):
            return _answers.clean(reason.get("message")) or _answers.clean(reason.get("reason"))
    return ""
