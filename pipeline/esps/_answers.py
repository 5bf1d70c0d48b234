"""What an answer means when it is not a plain success: judged here, once for every service.

Pure. A service reads its own success and its own words; what may be sent again must not differ between
services. The words of a service are cleaned: they like to repeat the address they complain about.
"""

import datetime as dt
import email.utils
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from pipeline import errors, model

_ACCOUNT = "check the account: its key, its bill and its verified sender; MSCARE_SERVICES__NAME__KEY holds the key"
_PLACE = "check the service's base_url in mscare.toml"
STOPS = dict.fromkeys((401, 402, 403), _ACCOUNT) | dict.fromkeys((301, 307, 308, 404, 405, 407), _PLACE)
"""Status and hint of what stops the send: it says something about us and nothing about any reader."""

TOO_MANY = 429
"""Surely not taken, whoever says so: come again later."""

BUSY = frozenset({408, 503})
"""Surely not taken when the service itself says so; gateways say it too when they lost the line behind them."""

AS_A_WHOLE = "batch refused as a whole:"
"""How the detail starts when one bad entry made a service refuse everybody: split the batch and send again."""

LONGEST_WAIT = 86_400.0  # seconds: more than a day is no answer to work with
LONGEST_DETAIL = 200  # characters
EPOCH_FROM = 1e9  # a larger "reset" is a Unix time, not a number of seconds

_ADDRESS = re.compile(r"\S*(?:@|%40|&#64;|&#x40;|&commat;|＠)\S*", re.IGNORECASE)  # noqa: RUF001  the fullwidth sign is meant
_SECONDS = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,6})?", re.ASCII)
_POLICY = re.compile(r"(?<![0-9.])[45]\.7\.[0-9]{1,3}(?![0-9.])", re.ASCII)
_IDENTIFIER = re.compile(r"[A-Za-z0-9._:+=/-]{1,200}")


def alike(batch: model.Batch, fate: model.Fate, detail: str, retry_after: float = 0.0) -> list[model.Outcome]:
    """Return the same outcome for every recipient."""
    return [model.Outcome(fate, detail=detail, retry_after=retry_after)] * len(batch.recipients)


def failed(batch: model.Batch, response: model.Response, said: str) -> list[model.Outcome]:
    """Judge an answer that is no success; raises when the account is at fault.

    `said` is what the service says in its own form, cleaned; "" when the answer may be that of a gateway before it.
    """
    status = response.status
    detail = clean(f"answered {status}: {said}" if said else f"answered {status}")
    if status in STOPS:
        msg = f"the sending service {detail}"
        raise errors.ServiceProblem(msg, hint=STOPS[status])
    if status == TOO_MANY or (status in BUSY and said):
        return alike(batch, model.Fate.UNTAKEN, detail, wait(response.headers))
    if 400 <= status < 500 and status not in BUSY:  # noqa: PLR2004  the range of HTTP's client errors
        return refused(batch, detail)
    return alike(batch, model.Fate.DOUBTFUL, detail, wait(response.headers))


def refused(batch: model.Batch, detail: str) -> list[model.Outcome]:
    """Return REFUSED for a single recipient; a larger batch is UNTAKEN, for most of its readers are good."""
    if len(batch.recipients) == 1:
        return alike(batch, model.Fate.REFUSED, detail)
    return alike(batch, model.Fate.UNTAKEN, f"{AS_A_WHOLE} {detail}")


def garbled(batch: model.Batch, response: model.Response, what: str) -> list[model.Outcome]:
    """Return DOUBTFUL for everybody: the answer says success and does not prove it."""
    return alike(batch, model.Fate.DOUBTFUL, f"answered {response.status}, but {what}")


def parsed(body: bytes) -> Any:
    """Return the JSON in `body`, or None when it holds none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def clean(words: object) -> str:
    """Return `words` as one short line without anything that looks like an address; "" when it is no text."""
    if not isinstance(words, str):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    line = _ADDRESS.sub("[address]", line)
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 1] + "…"


def blames_the_sender(*words: object) -> bool:
    """Return whether a mail server's words name policy (X.7.X of RFC 3463): no DKIM or DMARC, a bad reputation.

    Then the sender was turned away. The reader's address may be good, and must not be suppressed for it.
    """
    return any(isinstance(text, str) and _POLICY.search(text) for text in words)


def identifier(value: object) -> str:
    """Return `value` when it can be a service's id for a message, else ""."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else ""


def wait(headers: Mapping[str, str]) -> float:
    """Return the seconds a service asks to wait (0 to a day): Retry-After, else when its rate limit resets."""
    sent = _moment(headers.get("date", ""))
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        seconds = _seconds(headers.get(name, "").strip(), sent)
        if seconds is not None:
            return min(max(seconds, 0.0), LONGEST_WAIT)
    return 0.0


def _seconds(value: str, sent: dt.datetime | None) -> float | None:
    """Read seconds, a Unix time or an HTTP date; the last two need the moment the answer was sent."""
    if _SECONDS.fullmatch(value) and float(value) < EPOCH_FROM:
        return float(value)
    if _SECONDS.fullmatch(value):
        return math.ceil(float(value) - sent.timestamp()) if sent else None
    until = _moment(value)
    return (until - sent).total_seconds() if until and sent else None


def _moment(value: str) -> dt.datetime | None:
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
