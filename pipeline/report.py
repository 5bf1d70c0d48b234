"""Ledger rows -> report and receipt: the equation that must balance, and the proof behind it."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from pipeline import ledger, model, vault


def report(connection: sa.Connection, send: ledger.Send) -> dict[str, Any]:
    """Return the report's stable fields; planned = accepted + refused + untaken + doubtful + excluded, always."""
    counts = ledger.tally(connection, send.id)
    return {
        "edition": send.edition,
        "service": send.service,
        "state": send.state.value,
        "planned": counts.planned,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "untaken": counts.untaken,
        "doubtful": counts.doubtful,
        "excluded": counts.excluded,
    }


def waiting(connection: sa.Connection, send: ledger.Send) -> Iterator[str]:
    """Say of each batch in doubt what it waits for."""
    unsure = {model.BatchState.HELD.value, model.BatchState.DOUBTFUL.value, model.BatchState.INFLIGHT.value}
    for batch in ledger.batches(connection, send.id):
        if batch["state"] in unsure:
            yield f"batch {batch['number']}: {batch['state']}; {batch['note'] or 'its outcome was never recorded'}"


def receipt(connection: sa.Connection, send: ledger.Send, keys: vault.Vault, now: dt.datetime) -> Iterator[bytes]:
    """Write the proof of a send as JSON, piece by piece: every batch and every reader's fate, sealed with our key.

    Readers are numbers of this installation; no address is in it. `seal`, on a line of its own, is the
    HMAC-SHA256 of all other lines. Take the pieces while `connection` is open: a million readers are streamed.
    """
    facts = {
        **report(connection, send),
        "approved_digest": send.digest,
        "mail_sha256": send.mail,
        "begun": _instant(send.created_at),
        "finished": _instant(send.finished_at),
        "written": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "excluded_because": ledger.exclusions(connection, send.id),
    }
    deliveries = (row._asdict() for row in ledger.deliveries(connection, send.id))
    seal = keys.new_seal()
    for piece in _pieces(facts, {"batches": ledger.batches(connection, send.id), "deliveries": deliveries}):
        seal.update(piece)
        yield piece
    seal.update(b"}\n")
    yield f'"seal": "{seal.hexdigest()}"\n}}\n'.encode()


def _pieces(facts: Mapping[str, Any], lists: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[bytes]:
    """Yield the beginning of a JSON object: a line for each fact and for each row of the lists."""
    yield b"{\n"
    for name, value in facts.items():
        yield f'"{name}": {json.dumps(value)},\n'.encode()
    for name, rows in lists.items():
        before = f'"{name}": [\n'
        for row in rows:
            yield f"{before}{json.dumps(row)}".encode()
            before = ",\n"
        yield (f"{before}],\n" if before != ",\n" else "\n],\n").encode()


def _instant(seconds: float | None) -> str:
    return "" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
