"""SendGrid v3 as the sandbox plays it: what POST /v3/mail/send takes, and how it answers.

Read from the vendor's contract and error list on its own, not from `pipeline.esps`: two readings that agree
are worth something.
"""

import base64
import functools
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pipeline.sandbox import sendgrid_parts as parts
from pipeline.sandbox import sendgrid_rules, wire
from pipeline.sandbox import sendgrid_words as words

NAME: Final = "sendgrid"
MAX_BYTES: Final = 30 * 1024 * 1024
RATE = 600
"""Calls a minute that the headers speak of; the sandbox never refuses by itself, only by the fault 429."""


def read(call: wire.Call) -> wire.Posting:
    """Check a mail/send call; raises Refused with the vendor's answer."""
    mail = _decoded(call)
    faults = list(itertools.islice(_faults(call, mail), 100))
    if faults:
        raise wire.Refused(refusal(call, 400, *faults))
    if mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False):
        return wire.Posting((), wire.Answer(200, rate_headers(call), b""))
    request_id = base64.urlsafe_b64encode(call.id.bytes).decode().rstrip("=")
    headers = {**rate_headers(call), "X-Message-Id": request_id}
    shape = {name: value for name, value in mail.items() if name != "personalizations"}
    return wire.Posting(
        tuple(_mails(mail, request_id)),
        wire.Answer(202, headers, b""),
        labels=tuple(mail.get("categories", ())),
        shape=wire.shortened(shape),
    )


def authorised(call: wire.Call) -> None:
    """Refuse a call without a key, or with one that begins with "bad"."""
    if not call.bearer or call.bearer.startswith("bad"):
        message = "The provided authorization grant is invalid, expired, or revoked"
        raise wire.Refused(refusal(call, 401, (message, None)))


def _decoded(call: wire.Call) -> Any:
    if call.method != "POST":
        raise wire.Refused(refusal(call, 405, ("method not allowed", None)))
    authorised(call)
    if not call.is_json:
        raise wire.Refused(refusal(call, 415, ("Content-Type should be application/json.", None)))
    try:
        return wire.decode(call.body)
    except ValueError as error:
        message = "Invalid UTF8 in request." if isinstance(error, UnicodeError) else "Bad Request"
        raise wire.Refused(refusal(call, 400, (message, None))) from error


def _faults(call: wire.Call, mail: Any) -> Iterator[parts.Fault]:
    """Yield the request's own faults, then those of the fault `partial`: one bad address refuses all."""
    yield from sendgrid_rules.faults(mail, call.now)
    if isinstance(mail, dict) and isinstance(mail.get("personalizations"), list):
        for index in range(len(mail["personalizations"])):
            if call.refuses(index):
                yield words.BAD_ADDRESS, f"personalizations.{index}.to.0.email"


def _mails(mail: Mapping[str, Any], request_id: str) -> Iterator[wire.Mail]:
    """Render one mail for every recipient, each with an id of its own."""
    bodies = {block["type"]: block["value"] for block in mail["content"]}
    number = itertools.count()
    for entry in mail["personalizations"]:
        fill = functools.partial(_filled, tags=entry.get("substitutions", {}))
        subject = fill(entry.get("subject") or mail["subject"])
        html, text = fill(bodies.get("text/html", "")), fill(bodies.get("text/plain", ""))
        headers = _headers(mail, entry, subject, fill)
        part = wire.shortened(entry)
        sender = entry.get("from", mail["from"])["email"]
        for person in itertools.chain(entry["to"], entry.get("cc", ()), entry.get("bcc", ())):
            service_id = f"{request_id}.recvd-sandbox-1.{next(number)}"
            yield wire.Mail(service_id, person["email"], sender, subject, html, text, headers, part)


def _headers(mail: Mapping[str, Any], entry: Mapping[str, Any], subject: str, fill: Any) -> dict[str, str]:
    """Return what the reader sees. Substitutions reach subject, bodies and reply-to, but no other header."""
    headers = {"From": _person(entry.get("from", mail["from"])), "To": ", ".join(map(_person, entry["to"]))}
    if entry.get("cc"):
        headers["Cc"] = ", ".join(map(_person, entry["cc"]))
    headers["Subject"] = subject
    replies = [mail["reply_to"]] if "reply_to" in mail else mail.get("reply_to_list", [])
    if replies:
        headers["Reply-To"] = fill(", ".join(map(_person, replies)))
    return {**headers, **mail.get("headers", {}), **entry.get("headers", {})}


def _person(value: Mapping[str, str]) -> str:
    return f"{value['name']} <{value['email']}>" if value.get("name") else value["email"]


def _filled(text: str, tags: Mapping[str, str]) -> str:
    """Put in this reader's values, all at once: a value is never searched for tags again."""
    if not tags or not text:
        return text
    return _pattern(tuple(tags)).sub(lambda found: tags[found[0]], text)


@functools.lru_cache(maxsize=64)
def _pattern(tags: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(tag) for tag in sorted(tags, key=len, reverse=True)))


def rate_headers(call: wire.Call, remaining: int = RATE - 1) -> dict[str, str]:
    """Return the three headers every answer has."""
    return {
        "X-RateLimit-Limit": str(RATE),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(int(call.now) // 60 * 60 + 60),
    }


def refusal(call: wire.Call, status: int, *faults: parts.Fault) -> wire.Answer:
    """Return an error in the vendor's form."""
    body = {"errors": [{"message": message, "field": field} for message, field in faults]}
    return wire.Answer(status, {**rate_headers(call), "Content-Type": "application/json"}, wire.encode(body))


def too_many(call: wire.Call, seconds: int) -> wire.Answer:
    """Answer 429, asking to wait so many seconds."""
    answer = refusal(call, 429, ("too many requests", None))
    limits = {**rate_headers(call, remaining=0), "X-RateLimit-Reset": str(int(call.now) + seconds)}
    return wire.Answer(429, {**answer.headers, **limits, "Retry-After": str(seconds)}, answer.body)


def too_large(call: wire.Call) -> wire.Answer:
    """Answer 413."""
    return refusal(call, 413, ("content too large", None))


def broken(call: wire.Call) -> wire.Answer:
    """Answer 500."""
    return refusal(call, 500, ("internal server error", None))


def garbled(answer: wire.Answer) -> wire.Answer:
    """Give a body where none belongs, and it is not even JSON."""
    return wire.Answer(answer.status, {**answer.headers, "Content-Type": "application/json"}, b'{"errors":[{"mess')


def short(answer: wire.Answer, missing: int) -> wire.Answer:  # noqa: ARG001  one id is all there is
    """Leave out the only id that an answer of this service has."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Message-Id"}
    return wire.Answer(answer.status, headers, answer.body)
