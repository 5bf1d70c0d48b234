"""Ledger rows -> report and receipt: the equation that must balance, and the proof behind it."""

import datetime as dt
import json
from collections.abc import Iterator
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


def receipt(connection: sa.Connection, send: ledger.Send, keys: vault.Vault, now: dt.datetime) -> bytes:
    """Return the proof of a send as JSON: every batch and every reader's fate, by number, sealed with our key.

    Readers are numbers of this installation; no address is in it. `seal` is the HMAC-SHA256 of the rest.
    """
    proof: dict[str, Any] = {
        **report(connection, send),
        "approved_digest": send.digest,
        "begun": _instant(send.created_at),
        "finished": _instant(send.finished_at),
        "written": now.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "excluded_because": ledger.exclusions(connection, send.id),
        "batches": [dict(batch) for batch in ledger.batches(connection, send.id)],
        "deliveries": [row._asdict() for row in ledger.deliveries(connection, send.id)],
    }
    proof["seal"] = keys.seal_of(_json(proof))
    return _json(proof)


def _instant(seconds: float | None) -> str:
    return "" if seconds is None else dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()
