"""The pieces of a SendGrid request, each with its rules: a person, headers, substitutions, a content block, files."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.sandbox import sendgrid_words as words
from pipeline.sandbox import wire

Fault = tuple[str, str | None]
"""What is wrong in the vendor's words, and the field it is about."""

MAX_SUBSTITUTIONS = 150
MAX_SUBSTITUTION_BYTES = 10_000
MAX_CUSTOM_ARGS_BYTES = 10_000
MAX_AHEAD = 72 * 3600

RESERVED = frozenset(
    {
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    }
)
TYPES = {bool: "boolean", str: "string", dict: "object", list: "array", int: "integer"}


def unknown(value: Mapping[str, Any], known: Iterable[str], field: str) -> Iterator[Fault]:
    """Refuse every key that is not known."""
    for name in value:
        if name not in known:
            yield f"Additional property {name} is not allowed", field or name


def person(value: Any, field: str) -> Iterator[Fault]:
    """Check `{"email": ..., "name": ...}`."""
    if not isinstance(value, dict):
        yield wrong_type("object", value), field
        return
    yield from unknown(value, ("email", "name"), field)
    if "email" not in value:
        yield words.NO_ADDRESS, f"{field}.email"
    elif not wire.is_address(value["email"]):
        yield words.BAD_ADDRESS, f"{field}.email"
    name = value.get("name", "")
    if not isinstance(name, str):
        yield wrong_type("string", name), f"{field}.name"
    elif "\r" in name or "\n" in name:
        yield words.NAME_LINES, f"{field}.name"


def block(value: Any, field: str) -> Iterator[Fault]:
    """Check one content block: a type and a text."""
    if not isinstance(value, dict):
        yield wrong_type("object", value), field
        return
    yield from unknown(value, ("type", "value"), field)
    kind = value.get("type")
    if not isinstance(kind, str) or not kind:
        yield words.CONTENT_TYPE, f"{field}.type"
    elif any(sign in kind for sign in ";\r\n"):
        yield words.CONTENT_TYPE_SIGNS, f"{field}.type"
    if not is_text(value.get("value")):
        yield words.EMPTY_CONTENT, f"{field}.value"


def attachments(values: Any) -> Iterator[Fault]:
    """Check the list of files."""
    if not isinstance(values, list):
        yield wrong_type("array", values), "attachments"
        return
    for index, value in enumerate(values):
        yield from _attachment(value, f"attachments.{index}")


def _attachment(value: Any, field: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield wrong_type("object", value), field
        return
    yield from unknown(value, ("content", "type", "filename", "disposition", "content_id"), field)
    if not is_text(value.get("content")):
        yield words.EMPTY_FILE, f"{field}.content"
    elif not wire.is_base64(value["content"]):
        yield words.FILE_CODING, f"{field}.content"
    if not is_line(value.get("filename")):
        yield words.FILE_NAME, f"{field}.filename"
    if "type" in value and (not is_line(value["type"]) or ";" in value["type"]):
        yield words.FILE_TYPE, f"{field}.type"
    if value.get("disposition", "attachment") not in ("inline", "attachment"):
        yield words.FILE_DISPOSITION, f"{field}.disposition"
    if "content_id" in value and not is_line(value["content_id"]):
        yield words.FILE_CONTENT_ID, f"{field}.content_id"


def headers(values: Any, field: str) -> Iterator[Fault]:
    """Check own headers: names, reserved names, values."""
    if not isinstance(values, dict):
        yield wrong_type("object", values), field
        return
    if len({name.lower() for name in values}) < len(values):
        yield words.HEADER_TWICE, field
    for name, value in values.items():
        if not wire.is_header_name(name):
            yield words.HEADER_NAME, f"{field}.{name}"
        elif name.lower() in RESERVED:
            yield words.HEADER_RESERVED, f"{field}.{name}"
        if not isinstance(value, str):
            yield words.HEADER_VALUE, f"{field}.{name}"
        elif "\r" in value or "\n" in value:
            yield words.HEADER_LINES, f"{field}.{name}"


def substitutions(tags: Any, field: str) -> Iterator[Fault]:
    """Check one reader's tags and their size."""
    if not isinstance(tags, dict) or not all(tag and isinstance(value, str) for tag, value in tags.items()):
        yield words.SUBSTITUTIONS, field
        return
    if len(tags) > MAX_SUBSTITUTIONS:
        yield words.TOO_MANY_SUBSTITUTIONS, field
    if sum(len(tag.encode()) + len(value.encode()) for tag, value in tags.items()) > MAX_SUBSTITUTION_BYTES:
        yield words.LONG_SUBSTITUTIONS, field


def custom_args(values: Any, field: str) -> Iterator[Fault]:
    """Check the custom arguments: strings, and not too many of them."""
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        yield words.CUSTOM_ARGS, field
    elif len(wire.encode(values)) > MAX_CUSTOM_ARGS_BYTES:
        yield words.LONG_CUSTOM_ARGS, field


def send_at(value: Any, field: str, now: float) -> Iterator[Fault]:
    """Check the time of a scheduled mail, Unix seconds."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield words.SEND_AT, field
    elif value > now + MAX_AHEAD:
        yield words.SEND_AT_FAR, field


def is_text(value: Any) -> bool:
    """True for a text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_line(value: Any) -> bool:
    """True for a text of one line that is not empty."""
    return is_text(value) and "\r" not in value and "\n" not in value


def wrong_type(expected: str, value: Any) -> str:
    """Say which JSON type was expected and which one came."""
    given = "null" if value is None else TYPES.get(type(value), "number")
    return f"Invalid type. Expected: {expected}, given: {given}."
