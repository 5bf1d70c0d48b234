"""What Resend refuses in one e-mail, in the vendor's words: https://resend.com/docs/api-reference/errors.

In two places the sandbox is stricter than the vendor is known to be, because what the vendor would do is to
drop something without a word: unknown fields, and own headers that stand for a field.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from pipeline.sandbox import wire

MAX_RECIPIENTS = 50
MAX_TAG = 256
NAMED = re.compile(r"(?P<name>[^<>\r\n]+) <(?P<address>[^<>\s]+)>")
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
FIELDS = frozenset(
    {
        "from",
        "to",
        "subject",
        "bcc",
        "cc",
        "reply_to",
        "html",
        "text",
        "template",
        "headers",
        "scheduled_at",
        "attachments",
        "tags",
        "topic_id",
    }
)
RESERVED = frozenset(
    {"to", "from", "subject", "cc", "bcc", "content-type", "content-transfer-encoding", "received", "dkim-signature"}
)


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One refusal: HTTP status, the error's name, a sentence."""

    status: int
    name: str
    message: str


def _invalid(message: str) -> Fault:
    return Fault(422, "validation_error", message)


def _bad_address(field: str) -> Fault:
    return _invalid(
        f"Invalid `{field}` field. The email address needs to follow the `email@example.com` or "
        "`Name <email@example.com>` format."
    )


BAD_ADDRESS = _bad_address("to")


def address(value: str) -> str:
    """Return the plain address of `Name <email@example.com>` or of a plain one."""
    found = NAMED.fullmatch(value)
    return found["address"] if found else value


def fault(item: Any, *, in_batch: bool) -> Fault | None:
    """Return the first thing that is wrong with an e-mail; None when Resend would take it."""
    if not isinstance(item, dict):
        return _invalid("Each email must be an `object`.")
    checks = (_unknown, _missing, _people, _texts, _headers, _tags, _files)
    found = next((problem for check in checks if (problem := check(item))), None)
    return found or (_not_in_batch(item) if in_batch else None)


def _unknown(item: Mapping[str, Any]) -> Fault | None:
    names = [name for name in item if name not in FIELDS]
    return _invalid(f"Unrecognized field `{names[0]}`.") if names else None


def _missing(item: Mapping[str, Any]) -> Fault | None:
    for field in ("from", "to", "subject"):
        if item.get(field) in (None, "", []):
            return Fault(422, "missing_required_field", f"Missing `{field}` field.")
    if "template" in item:
        return _invalid("The `template` was not found: this account has none.")
    if not item.get("html") and not item.get("text"):
        return _invalid("Missing `html` or `text` field.")
    return None


def _people(item: Mapping[str, Any]) -> Fault | None:
    if not _is_person(item["from"]):
        return _bad_address("from")
    for field in ("to", "cc", "bcc", "reply_to"):
        people = item.get(field)
        if people is None:
            continue
        listed = [people] if isinstance(people, str) else people
        if not isinstance(listed, list) or not all(_is_person(person) for person in listed):
            return _bad_address(field)
        if len(listed) > MAX_RECIPIENTS:
            return _invalid(f"The `{field}` field must have at most {MAX_RECIPIENTS} addresses.")
    return None


def _is_person(value: Any) -> bool:
    return isinstance(value, str) and wire.is_address(address(value))


def _texts(item: Mapping[str, Any]) -> Fault | None:
    for field in ("subject", "html", "text", "scheduled_at", "topic_id"):
        if not isinstance(item.get(field, ""), str):
            return _invalid(f"The `{field}` field must be a `string`.")
    if "\r" in item["subject"] or "\n" in item["subject"]:
        return _invalid("The `\\n` is not allowed in the `subject` field.")
    return None


def _headers(item: Mapping[str, Any]) -> Fault | None:
    headers = item.get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        return _invalid("The `headers` field must be an `object` of strings.")
    for name, value in headers.items():
        if not wire.is_header_name(name) or "\r" in value or "\n" in value:
            return _invalid(f"The header `{name}` is not valid.")
        if name.lower() in RESERVED:
            return _invalid(f"The header `{name}` is reserved: use the field of that name.")
    return None


def _tags(item: Mapping[str, Any]) -> Fault | None:
    tags = item.get("tags", [])
    if not isinstance(tags, list):
        return _invalid("The `tags` field must be an `array`.")
    for tag in tags:
        if not isinstance(tag, dict) or set(tag) != {"name", "value"}:
            return _invalid("Each tag must have a `name` and a `value`.")
        if not all(isinstance(text, str) and TAG.fullmatch(text) for text in tag.values()):
            return _invalid(
                "Tags should only contain ASCII letters, numbers, underscores, or dashes, and at most "
                f"{MAX_TAG} characters."
            )
    return None


def _files(item: Mapping[str, Any]) -> Fault | None:
    files = item.get("attachments", [])
    if not isinstance(files, list):
        return _invalid("The `attachments` field must be an `array`.")
    if not all(isinstance(file, dict) and (file.get("content") or file.get("path")) for file in files):
        return Fault(422, "invalid_attachment", "Attachment must have either a `content` or `path`.")
    return None


def _not_in_batch(item: Mapping[str, Any]) -> Fault | None:
    for field in ("attachments", "scheduled_at"):
        if field in item:
            return _invalid(f"The `{field}` field is not supported in a batch.")
    return None
