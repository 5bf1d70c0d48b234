"""Resend as the sandbox plays it: what POST /emails and /emails/batch take, and how they answer.

Read from the vendor's contract and documentation on its own, not from `pipeline.esps`.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pipeline.sandbox import resend_rules, store, wire

NAME: Final = "resend"
MAX_BYTES: Final = 50 * 1024 * 1024
MAX_BATCH = 100
MAX_KEY = 256
RATE = 5
"""Calls a second that the headers speak of; the sandbox never refuses by itself, only by the fault 429."""


def read(call: wire.Call) -> wire.Posting:
    """Check a sending call; raises Refused with the vendor's answer."""
    if call.method != "POST":
        raise wire.Refused(refusal(405, "method_not_allowed", "Method is not allowed for the requested path."))
    authorised(call)
    key = _key(call)
    value = _decoded(call)
    if call.path == "/emails":
        return _single(call, value, key)
    return _batch(call, value, key)


def authorised(call: wire.Call) -> None:
    """Refuse a call without a user agent, without a key, or with a key that begins with "bad"."""
    if not call.headers.get("user-agent"):
        raise wire.Refused(wire.Answer(403, {"Content-Type": "text/plain"}, b"error code: 1010"))
    if not call.bearer:
        message = "Missing API key in the authorization header."
        raise wire.Refused(refusal(401, "missing_api_key", message))
    if call.bearer.startswith("bad"):
        raise wire.Refused(refusal(401, "validation_error", "API key is invalid"))


def _key(call: wire.Call) -> wire.Key | None:
    text = call.headers.get("idempotency-key")
    if text is None:
        return None
    if not 1 <= len(text) <= MAX_KEY:
        message = "The key must be between 1-256 chars."
        raise wire.Refused(refusal(400, "invalid_idempotency_key", message))
    in_use = "Same idempotency key used while original request is still in progress."
    other_body = "Same idempotency key used with a different request payload."
    return wire.Key(
        text,
        in_use=refusal(409, "concurrent_idempotent_requests", in_use),
        other_body=refusal(409, "invalid_idempotent_request", other_body),
    )


def _decoded(call: wire.Call) -> Any:
    if not call.is_json:
        message = "The request must have the content type application/json."
        raise wire.Refused(refusal(400, "validation_error", message))
    try:
        return wire.decode(call.body)
    except ValueError as error:
        raise wire.Refused(refusal(400, "validation_error", "The request body is not valid JSON.")) from error


def _single(call: wire.Call, value: Any, key: wire.Key | None) -> wire.Posting:
    fault = resend_rules.fault(value, in_batch=False) or (resend_rules.BAD_ADDRESS if call.refuses(0) else None)
    if fault:
        raise wire.Refused(refusal(fault.status, fault.name, fault.message))
    email_id = str(call.id)
    answer = wire.Answer(200, _json_headers(), wire.encode({"id": email_id}))
    return wire.Posting(_mails(value, email_id), answer, key=key)


def _batch(call: wire.Call, value: Any, key: wire.Key | None) -> wire.Posting:
    items = _items(value)
    faults = [
        resend_rules.fault(item, in_batch=True) or (resend_rules.BAD_ADDRESS if call.refuses(index) else None)
        for index, item in enumerate(items)
    ]
    permissive = _is_permissive(call)
    first = next((fault for fault in faults if fault), None)
    if first and not permissive:
        raise wire.Refused(refusal(first.status, first.name, first.message))
    good = [
        (str(uuid.uuid5(call.id, str(index))), item)
        for index, (item, fault) in enumerate(zip(items, faults, strict=True))
        if not fault
    ]
    body: dict[str, Any] = {"data": [{"id": email_id} for email_id, _ in good]}
    if permissive:
        body["errors"] = [{"index": index, "message": fault.message} for index, fault in enumerate(faults) if fault]
    mails = [mail for email_id, item in good for mail in _mails(item, email_id)]
    return wire.Posting(mails, wire.Answer(200, _json_headers(), wire.encode(body)), key=key)


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list):
        message = "The `request.body` field must be an `array`."
    elif not 1 <= len(value) <= MAX_BATCH:
        message = f"The `request.body` field must have 1 to {MAX_BATCH} emails, but it has {len(value)}."
    else:
        return value
    raise wire.Refused(refusal(422, "validation_error", message))


def _is_permissive(call: wire.Call) -> bool:
    mode = call.headers.get("x-batch-validation", "strict")
    if mode not in ("strict", "permissive"):
        message = "The `x-batch-validation` header must be `strict` or `permissive`."
        raise wire.Refused(refusal(422, "validation_error", message))
    return mode == "permissive"


def _mails(item: Mapping[str, Any], email_id: str) -> Sequence[wire.Mail]:
    """Return one mail for every recipient; they share the id, as the vendor has one a message."""
    headers = {"From": item["from"], "To": ", ".join(_list(item["to"]))}
    if item.get("cc"):
        headers["Cc"] = ", ".join(_list(item["cc"]))
    headers["Subject"] = item["subject"]
    if item.get("reply_to"):
        headers["Reply-To"] = ", ".join(_list(item["reply_to"]))
    headers |= item.get("headers") or {}
    everyone = [person for name in ("to", "cc", "bcc") for person in _list(item.get(name))]
    part = wire.shortened(item)
    return [
        wire.Mail(
            email_id,
            resend_rules.address(person),
            resend_rules.address(item["from"]),
            item["subject"],
            item.get("html") or "",
            item.get("text") or "",
            headers,
            part,
        )
        for person in everyone
    ]


def _list(value: Any) -> list[str]:
    if not value:
        return []
    return [value] if isinstance(value, str) else list(value)


def rate_headers(remaining: int = RATE - 1, reset: int = 1) -> dict[str, str]:
    """Return the headers every answer has."""
    return {
        "ratelimit-policy": f"{RATE};w=1",
        "ratelimit-limit": str(RATE),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(reset),
    }


def _json_headers() -> dict[str, str]:
    return {**rate_headers(), "Content-Type": "application/json"}


def refusal(status: int, name: str, message: str) -> wire.Answer:
    """Return an error in the vendor's form."""
    body = {"statusCode": status, "name": name, "message": message}
    return wire.Answer(status, _json_headers(), wire.encode(body))


def too_many(call: wire.Call, seconds: int) -> wire.Answer:  # noqa: ARG001  the other dialect needs it
    """Answer 429, asking to wait so many seconds."""
    message = f"Too many requests. You can only make {RATE} requests per second. See rate limit response headers."
    answer = refusal(429, "rate_limit_exceeded", message)
    limits = {**rate_headers(remaining=0, reset=seconds), "retry-after": str(seconds)}
    return wire.Answer(429, {**answer.headers, **limits}, answer.body)


def too_large(call: wire.Call) -> wire.Answer:  # noqa: ARG001  the other dialect needs it
    """Answer 413."""
    return refusal(413, "validation_error", "The request body is too large.")


def broken(call: wire.Call) -> wire.Answer:  # noqa: ARG001  the other dialect needs it
    """Answer 500."""
    return refusal(500, "internal_server_error", "An unexpected error occurred.")


def garbled(answer: wire.Answer) -> wire.Answer:
    """Break the JSON off in the middle."""
    return wire.Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])


def short(answer: wire.Answer, missing: int) -> wire.Answer:
    """Leave so many ids out of the answer, from its end."""
    body = wire.decode(answer.body)
    if "data" in body:
        body["data"] = body["data"][: max(0, len(body["data"]) - missing)]
    else:
        body.pop("id")
    return wire.Answer(answer.status, answer.headers, wire.encode(body))


def one(call: wire.Call, taken: store.Store, email_id: str) -> wire.Answer:
    """Answer GET /emails/{id}."""
    try:
        authorised(call)
    except wire.Refused as refused:
        return refused.answer
    mails = taken.by_service_id(NAME, email_id)
    if not mails:
        return refusal(404, "not_found", "Email not found")
    return wire.Answer(200, _json_headers(), wire.encode(_email(mails[0])))


def _email(mail: store.Taken) -> dict[str, Any]:
    people = {name: _list(mail.part.get(name)) for name in ("to", "cc", "bcc", "reply_to")}
    return {
        "object": "email",
        "id": mail.service_id,
        "message_id": f"<{mail.service_id}@sandbox>",
        "from": mail.headers["From"],
        "created_at": mail.taken_at.strftime("%Y-%m-%d %H:%M:%S.%f+00"),
        "subject": mail.subject,
        "html": mail.html,
        "text": mail.text,
        **people,
        "last_event": "delivered",
    }


def no_endpoint(status: int) -> wire.Answer:
    """Answer an address, or a method, that the service does not have (404 or 405)."""
    if status == 405:  # noqa: PLR2004  HTTP: method not allowed
        return refusal(status, "method_not_allowed", "Method is not allowed for the requested path.")
    return refusal(status, "not_found", "The requested endpoint does not exist.")
