"""SendGrid's Email Logs API: who asks "did it go out?" writes a query; it becomes a condition on the store.

to_email = "a@example.org" AND categories IN ('batch-7') AND sg_message_id_created_at > TIMESTAMP "2026-01-01T00:00:00Z"
"""

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from typing import Any

from pipeline.sandbox import sendgrid, store, wire

TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]+)|(?P<sign><=|>=|=|<|>|\(|\)|,)|'(?P<single>(?:[^'\\]|\\.)*)'|\"(?P<double>(?:[^\"\\]|\\.)*)\")\s*"
)
COLUMNS = {"sg_message_id": "m.service_id", "subject": "m.subject", "to_email": "m.recipient"}
STATUS = "delivered"
"""What every mail here is: it lies in the inbox."""

MAX_LIMIT = 1000
DEFAULT_LIMIT = 10


def search(call: wire.Call, taken: store.Store) -> wire.Answer:
    """Answer POST /v3/logs; refuses a query that the vendor's grammar does not have."""
    try:
        sendgrid.authorised(call)
        where, values, limit = _request(call)
    except wire.Refused as refused:
        return refused.answer
    except ValueError as error:
        return _refusal(call, 400, str(error))
    return _answer(call, {"messages": [_summary(mail) for mail in taken.find("sendgrid", where, values, limit)]})


def one(call: wire.Call, taken: store.Store, service_id: str) -> wire.Answer:
    """Answer GET /v3/logs/{id}."""
    try:
        sendgrid.authorised(call)
    except wire.Refused as refused:
        return refused.answer
    found = taken.by_service_id("sendgrid", service_id)
    return _answer(call, _details(found[0])) if found else _refusal(call, 404, "message not found")


def _answer(call: wire.Call, body: Any) -> wire.Answer:
    headers = {**sendgrid.rate_headers(call), "Content-Type": "application/json"}
    return wire.Answer(200, headers, wire.encode(body))


def _refusal(call: wire.Call, status: int, message: str) -> wire.Answer:
    headers = {**sendgrid.rate_headers(call), "Content-Type": "application/json"}
    return wire.Answer(status, headers, wire.encode({"errors": [{"message": message}]}))


def _request(call: wire.Call) -> tuple[str, Sequence[Any], int]:
    match wire.decode(call.body):
        case {"query": str() as query, **rest}:
            limit = rest.get("limit", DEFAULT_LIMIT)
        case _:
            msg = "the body must be an object with a query"
            raise ValueError(msg)
    if not isinstance(limit, int) or not 1 <= limit <= MAX_LIMIT:
        msg = "limit must be between 1 and 1000"
        raise ValueError(msg)
    where, values = condition(query)
    return where, values, limit


def condition(query: str) -> tuple[str, list[Any]]:
    """Translate a query into SQL; raises ValueError saying what cannot be understood."""
    tokens = _tokens(query)
    wheres, values = ["1"], []
    while tokens:
        where, found = _term(tokens)
        wheres.append(where)
        values += found
        if tokens and _next(tokens, "word").upper() != "AND":
            msg = "conditions can only be combined with AND"
            raise ValueError(msg)
        if tokens == [] and query.rstrip().upper().endswith(" AND"):
            msg = "the query ends in AND"
            raise ValueError(msg)
    return " AND ".join(wheres), values


def _tokens(query: str) -> list[tuple[str, str]]:
    tokens, position = [], 0
    while position < len(query):
        found = TOKEN.match(query, position)
        if not found or not found.lastgroup:
            msg = f"the query cannot be read at character {position + 1}"
            raise ValueError(msg)
        kind = "text" if found.lastgroup in ("single", "double") else found.lastgroup
        text = found[found.lastgroup]
        tokens.append((kind, re.sub(r"\\(.)", r"\1", text) if kind == "text" else text))
        position = found.end()
    return tokens


def _next(tokens: list[tuple[str, str]], kind: str) -> str:
    if not tokens or tokens[0][0] != kind:
        msg = f"the query has {tokens[0][1]!r} where a {kind} should be" if tokens else "the query ends too early"
        raise ValueError(msg)
    return tokens.pop(0)[1]


def _term(tokens: list[tuple[str, str]]) -> tuple[str, list[Any]]:
    field = _next(tokens, "word")
    if field in COLUMNS:
        _expect(tokens, "=")
        return f"{COLUMNS[field]} = ? COLLATE NOCASE", [_next(tokens, "text")]
    if field == "reason":
        _expect(tokens, "=")
        return "? = ''", [_next(tokens, "text")]
    if field == "categories":
        names = _list(tokens)
        marks = ", ".join("?" * len(names))
        return f"EXISTS (SELECT 1 FROM label l WHERE l.request = m.request AND l.label IN ({marks}))", list(names)  # noqa: S608  only question marks
    if field == "status":
        return ("1" if STATUS in _list(tokens) else "0"), []
    if field == "sg_message_id_created_at":
        sign = _next(tokens, "sign")
        if sign not in ("<", ">", "<=", ">=") or _next(tokens, "word").upper() != "TIMESTAMP":
            msg = 'a time is compared like this: sg_message_id_created_at > TIMESTAMP "2026-01-01T00:00:00Z"'
            raise ValueError(msg)
        return f"m.taken_at {sign} ?", [_seconds(_next(tokens, "text"))]
    msg = f"the field {field} cannot be searched"
    raise ValueError(msg)


def _seconds(text: str) -> float:
    """Return Unix seconds of an ISO 8601 time; one without a zone is in UTC. Raises ValueError."""
    time = dt.datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=dt.UTC)).timestamp()


def _expect(tokens: list[tuple[str, str]], sign: str) -> None:
    if _next(tokens, "sign") != sign:
        msg = f"only {sign} may stand here"
        raise ValueError(msg)


def _list(tokens: list[tuple[str, str]]) -> list[str]:
    if _next(tokens, "word").upper() != "IN":
        msg = "this field is searched with IN ('...')"
        raise ValueError(msg)
    _expect(tokens, "(")
    names = [_next(tokens, "text")]
    while (sign := _next(tokens, "sign")) == ",":
        names.append(_next(tokens, "text"))
    if sign != ")":
        msg = "the list does not end in )"
        raise ValueError(msg)
    return names


def _summary(mail: store.Taken) -> dict[str, Any]:
    return {
        "from_email": mail.sender,
        "sg_message_id": mail.service_id,
        "subject": mail.subject,
        "to_email": mail.recipient,
        "reason": "",
        "status": STATUS,
        "sg_message_id_created_at": mail.taken_at.isoformat().replace("+00:00", "Z"),
    }


def _details(mail: store.Taken) -> dict[str, Any]:
    category = mail.request.shape.get("categories", [])
    shared = {
        "email": mail.recipient,
        "sg_message_id": mail.service_id,
        "timestamp": int(mail.taken_at.timestamp()),
        "smtp-id": f"<{mail.service_id.partition('.')[0]}@sandbox>",
        "category": category,
    }
    return {
        "from_email": mail.sender,
        "sg_message_id": mail.service_id,
        "subject": mail.subject,
        "to_email": mail.recipient,
        "status": STATUS,
        "api_key_id": "sandbox",
        "client_ip": "127.0.0.1",
        "category": category,
        "events": [
            {
                "event": "delivered",
                "sg_event_id": _event_id(mail, 2),
                "ip": "127.0.0.1",
                "response": "250 OK",
                **shared,
            },
            {"event": "processed", "sg_event_id": _event_id(mail, 1), **shared},
        ],
    }


def _event_id(mail: store.Taken, number: int) -> str:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(f"{mail.service_id}/{number}".encode()).digest()[:16])
        .decode()
        .rstrip("=")
    )
