"""What the services' request bodies share: JSON bytes, a reader's own headers, and how many readers fit.

Pure. The same batch gives the same bytes, in this process and in the next.
"""

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from pipeline import errors, model

MERGE_FIELD = f"[[{model.MERGE_FIELDS[0]}]]"
"""Where a reader's own unsubscribe link goes, in the HTML and in the text."""

LONGEST_ADDRESS = 254  # octets, RFC 5321 with erratum 1690
LONGEST_LINK = 512  # octets; ours are under 200
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$()*+,;=%\[\]-]+")


def to_json(value: Any) -> bytes:
    """Return `value` as compact UTF-8 JSON; the same value gives the same bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def own_link(recipient: model.Recipient) -> str:
    """Return the reader's own unsubscribe link; refuses one that could break out of a header, of HTML or of JSON."""
    url = recipient.unsubscribe_url
    if not _LINK.fullmatch(url) or len(url) > LONGEST_LINK:
        msg = f"the unsubscribe link of subscriber {recipient.subscriber} cannot stand in a mail header"
        raise errors.ConfigProblem(msg, hint="check publication.base_url: plain characters, no spaces or quotes")
    return url


def list_headers(message: model.Message, link: str) -> dict[str, str]:
    """Return the headers of one-click unsubscribe (RFC 8058) and of the list (RFC 2919) for one reader's link."""
    return {
        "List-Unsubscribe": f"<{link}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Id": f"<{message.list_id}>",
    }


def message_id(message: model.Message, link: str) -> str:
    """Return the Message-ID (RFC 5322) of one reader's mail: the same however often it is pushed.

    A mailbox that is given a mail twice can tell. It is made from the reader's own link, which nobody else has, and
    tells nothing about the reader; a test of an edition has another subject, and so another id.
    """
    made_of = f"{message.edition}\0{message.subject}\0{link}"
    return f"<{hashlib.blake2b(made_of.encode(), digest_size=16).hexdigest()}@{message.list_id}>"


def require_size(batch: model.Batch, most: int) -> None:
    """Refuse a batch that the service would refuse as a whole: nobody in it, or more than `most`."""
    count = len(batch.recipients)
    if not 1 <= count <= most:
        msg = f"a batch of {count} recipients cannot be sent: this service takes 1 to {most} in one call"
        raise errors.ServiceProblem(msg, hint="plan the batches with the service's batch_size()")


def fitting(message: model.Message, most: int, max_bytes: int, body: Callable[[model.Batch], bytes]) -> int:
    """Return how many of the longest possible recipients keep `body` within `max_bytes`: 1 to `most`."""
    link = "https://" + "x" * (LONGEST_LINK - len("https://"))
    reader = model.Recipient(subscriber=2**63 - 1, address="x" * LONGEST_ADDRESS, unsubscribe_url=link)
    one = model.Batch(key="x" * 255, message=message, recipients=(reader,))
    first = len(body(one))
    each_more = len(body(dataclasses.replace(one, recipients=(reader, reader)))) - first
    return max(1, min(most, 1 + (max_bytes - first) // each_more))
