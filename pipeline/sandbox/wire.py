"""What goes between the sandbox's parts: a call as it arrived, what it asks for, and the answer."""

import base64
import dataclasses
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

SHOWN = 300
"""Longer texts are shortened where a request is kept for show: the bodies are kept elsewhere, once."""

_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    r"(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{2,59})"
)
_HEADER_NAME = re.compile(r"[!-9;-~]+")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """One API call that was read to its end; header names are lower case. `refuse_every` is the fault `partial`."""

    id: uuid.UUID  # random: the ids of an answer are derived from it
    method: str
    path: str
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    body: bytes = dataclasses.field(repr=False)
    now: float  # Unix seconds
    refuse_every: int = 0

    @property
    def bearer(self) -> str:
        """The API key, or "" when there is none."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    @property
    def is_json(self) -> bool:
        """True when the body is said to be JSON, not compressed."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" and "content-encoding" not in self.headers

    def refuses(self, index: int) -> bool:
        """True when the fault `partial` is meant for the recipient at this index (from 0)."""
        return self.refuse_every > 0 and (index + 1) % self.refuse_every == 0


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What the service says."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Refused(Exception):
    """The service does not do what the call asks for; carries the answer it gives."""

    def __init__(self, answer: Answer) -> None:
        """Keep the answer."""
        super().__init__(f"answered {answer.status}")
        self.answer = answer


@dataclasses.dataclass(frozen=True, slots=True)
class Mail:
    """One mail as one reader gets it. `part` is the piece of the request that was about this reader."""

    service_id: str
    recipient: str = dataclasses.field(repr=False)
    sender: str
    subject: str
    html: str = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    part: Mapping[str, Any] = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """An idempotency key, and the answers when another call has it now, or has had it with another body."""

    text: str
    in_use: Answer
    other_body: Answer


@dataclasses.dataclass(frozen=True, slots=True)
class Posting:
    """A valid call: the mails to take and the answer to give then. `shape` is the request without its readers."""

    mails: Sequence[Mail]
    answer: Answer
    labels: tuple[str, ...] = ()
    key: Key | None = None
    shape: Any = None


class Dialect(Protocol):
    """What a module that plays a service must have. Its functions are pure."""

    @property
    def NAME(self) -> str:  # noqa: N802  a constant of the module
        """The service's name."""

    @property
    def MAX_BYTES(self) -> int:  # noqa: N802  a constant of the module
        """The largest request body."""

    def read(self, call: Call) -> Posting:
        """Check a sending call as strictly as the vendor; raises Refused."""

    def too_many(self, call: Call, seconds: int) -> Answer:
        """Answer 429, asking to wait so many seconds."""

    def too_large(self, call: Call) -> Answer:
        """Answer 413."""

    def broken(self, call: Call) -> Answer:
        """Answer 500."""

    def garbled(self, answer: Answer) -> Answer:
        """Spoil the JSON of a good answer."""

    def short(self, answer: Answer, missing: int) -> Answer:
        """Leave so many ids out of a good answer."""


def encode(value: Any) -> bytes:
    """Write JSON the way the services do: compact UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes) -> Any:
    """Read JSON; raises ValueError for anything that is not JSON in UTF-8 or holds half a character."""
    try:
        value = json.loads(body.decode("utf-8"))
    except RecursionError as error:
        msg = "nested too deeply"
        raise ValueError(msg) from error
    if b"\\ud" in body or b"\\uD" in body:
        encode(value)  # half a surrogate pair can be written in JSON, but is no text: UnicodeEncodeError
    return value


def is_address(value: Any) -> bool:
    """True for a plain address name@domain in ASCII, as both vendors ask for."""
    return isinstance(value, str) and len(value) <= 254 and _ADDRESS.fullmatch(value) is not None  # noqa: PLR2004  RFC 5321


def is_header_name(value: str) -> bool:
    """True for what RFC 5322 allows as a header's name: printable ASCII without space and colon."""
    return _HEADER_NAME.fullmatch(value) is not None


def is_base64(value: str) -> bool:
    """True for an attachment's content."""
    try:
        return bool(base64.b64decode(value, validate=True))
    except ValueError:
        return False


def shortened(value: Any) -> Any:
    """Copy a piece of a request for show, with every long text cut."""
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]} (cut here: {len(value):,} characters in all)"
    if isinstance(value, Mapping):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    return value
