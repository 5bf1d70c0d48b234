"""Request bodies within bounds, and what this site reads of a form."""

import email.message
import email.parser
import email.policy
import urllib.parse

from starlette.exceptions import HTTPException
from starlette.requests import Request

FORM = 16 * 1024  # bytes; a one-click unsubscribe has 26
MOST_FIELDS = 20
ONE_CLICK = ("List-Unsubscribe", "One-Click")  # RFC 8058, section 3


async def read(request: Request, limit: int) -> bytes:
    """Return the whole body; answers 413 as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise HTTPException(413)
    return bytes(body)


def is_one_click(content_type: str, body: bytes) -> bool:
    """Tell whether the body says List-Unsubscribe=One-Click, as a form of either kind; False for anything else."""
    if content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        return ONE_CLICK in _parts(content_type, body)
    try:
        fields = urllib.parse.parse_qsl(body.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return False
    return ONE_CLICK in fields


def field(body: bytes, name: str) -> str:
    """Return the first value of a field of an ordinary form; "" when it is not there or the form makes no sense."""
    try:
        fields = urllib.parse.parse_qsl(body.decode("utf-8"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return ""
    return next((value for key, value in fields if key == name), "")


def _parts(content_type: str, body: bytes) -> list[tuple[str, str]]:
    """Return name and text of each part: a form has the shape of a mail with parts."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    message = email.parser.BytesParser(policy=email.policy.compat32).parsebytes(head + body)
    return [(_name(part), _text(part)) for part in message.walk() if not part.is_multipart()][:MOST_FIELDS]


def _name(part: email.message.Message) -> str:
    name = part.get_param("name", "", "content-disposition")
    return name if isinstance(name, str) else ""


def _text(part: email.message.Message) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("latin-1").strip() if isinstance(payload, bytes) else ""
