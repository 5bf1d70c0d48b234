"""One batch: claimed, pushed, recorded; handed back, split, or left in doubt."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from pipeline import database, errors, model
from pipeline.ledger._records import Claim
from pipeline.ledger._tables import attempt, batch, delivery, send


def add(connection: sa.Connection, send_id: int, numbers: Iterable[int]) -> None:
    """Write new batches, ready to be claimed."""
    rows = [{"send": send_id, "number": number, "state": model.BatchState.PENDING.value} for number in numbers]
    if rows:
        connection.execute(sa.insert(batch), rows)


def claim(engine: sa.Engine, send_id: int, holder: str, now: float, state: model.BatchState) -> Claim | None:
    """Take the next batch in `state` (PENDING or DOUBTFUL) whose time has come; None when there is none.

    The least tried comes first, so that a batch that always fails keeps nobody back. Among those the newest:
    the halves of a split batch go before the rest, and a fault that is ours shows after a few calls.
    """
    chosen = (
        sa.select(batch.c.number)
        .where(batch.c.send == send_id, batch.c.state == state.value, batch.c.not_before <= now)
        .where(sa.exists().where(send.c.id == send_id, send.c.state == model.SendState.SENDING.value))
        .order_by(batch.c.tries, batch.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    # A doubtful batch stays doubtful on the books while it is being settled: it must never count as untaken.
    held = model.BatchState.CLAIMED if state is model.BatchState.PENDING else model.BatchState.INFLIGHT
    take = sa.update(batch).where(batch.c.send == send_id, batch.c.number == chosen)
    take = take.values(state=held.value, claim=holder, tries=batch.c.tries + 1).returning(batch)
    with database.writing(engine) as connection:
        row = connection.execute(take).one_or_none()
        if row is None:
            return None
        subscribers = _unsettled(connection, send_id, row.number)
        log(connection, (send_id, row.number), now, "claimed")
    return Claim(send_id, row.number, holder, row.tries, subscribers, row.key or "", row.body_hash or "",
                 row.first_push_at)  # fmt: skip


def _unsettled(connection: sa.Connection, send_id: int, number: int) -> tuple[int, ...]:
    """Return who of a batch has no final fate yet, in the order of their numbers.

    The inner query and the sorting here keep SQLite from walking the whole audience for each batch.
    """
    open_fates = [model.Fate.UNTAKEN.value, model.Fate.DOUBTFUL.value]
    mine = delivery.c.send == send_id
    members = sa.select(delivery.c.subscriber).where(mine, delivery.c.batch == number)
    query = sa.select(delivery.c.subscriber).where(
        mine, delivery.c.subscriber.in_(members), delivery.c.fate.in_(open_fates)
    )
    return tuple(sorted(connection.execute(query).scalars()))


def key_of(token: str, number: int, subscribers: Sequence[int]) -> str:
    """Return the key of a push: a hash of the send, the batch and exactly these recipients, 64 hex digits.

    The batch is in it because a service remembers its answer by the key: readers who are put into a new
    batch, after a decision or a refusal, must not get the old answer again.
    """
    return hashlib.sha256(f"{token}:{number}:{','.join(map(str, subscribers))}".encode()).hexdigest()


def exclude(connection: sa.Connection, held: Claim, reasons: Mapping[int, str]) -> None:
    """Take readers out of a batch that has not left: they unsubscribed or were suppressed since it was planned."""
    for subscriber, reason in reasons.items():
        connection.execute(
            sa.update(delivery)
            .where(delivery.c.send == held.send, delivery.c.subscriber == subscriber)
            .values(fate=model.Fate.EXCLUDED.value, detail=reason)
        )


def pushing(engine: sa.Engine, held: Claim, key: str, body_hash: str, now: float) -> None:
    """Commit that these bytes are about to leave. After this, only the service knows what happened."""
    values = {"state": model.BatchState.INFLIGHT.value, "key": key, "body_hash": body_hash,
              "first_push_at": sa.func.coalesce(batch.c.first_push_at, now)}  # fmt: skip
    with database.writing(engine) as connection:
        _move(connection, held, values)
        log(connection, (held.send, held.number), now, "pushing", body_hash)


def hand_back(engine: sa.Engine, held: Claim, now: float, note: str) -> None:
    """Put a batch back of which surely nothing left. Its next push makes a new key from its recipients then."""
    values = {"state": model.BatchState.PENDING.value, "claim": None, "note": note,
              "key": None, "body_hash": None, "first_push_at": None}  # fmt: skip
    with database.writing(engine) as connection:
        _move(connection, held, values)
        log(connection, (held.send, held.number), now, "handed-back", note)


def close(engine: sa.Engine, held: Claim, now: float, note: str) -> None:
    """End a batch that has nobody left to mail."""
    with database.writing(engine) as connection:
        _move(connection, held, {"state": model.BatchState.DONE.value, "claim": None, "done_at": now, "note": note})


def doubt(engine: sa.Engine, held: Claim, now: float, note: str) -> None:
    """Put a doubtful batch back as it was: it could not even be asked about."""
    with database.writing(engine) as connection:
        _move(connection, held, {"state": model.BatchState.DOUBTFUL.value, "claim": None, "note": note})
        log(connection, (held.send, held.number), now, model.BatchState.DOUBTFUL.value, note)


def record(
    engine: sa.Engine, held: Claim, outcomes: Sequence[model.Outcome], now: float, *, again_at: float | None
) -> None:
    """Commit what became of each recipient of a push, in order, and what is left of the batch.

    What stays in doubt may be asked for from `again_at` on (UTC seconds); None: it is held for a person.
    """
    doubtful = [outcome for outcome in outcomes if outcome.fate is model.Fate.DOUBTFUL]
    note = next((outcome.detail for outcome in doubtful or outcomes if outcome.detail), "")
    values: dict[str, Any] = {"claim": None, "note": note}
    if not doubtful:
        values |= {"state": model.BatchState.DONE.value, "done_at": now}
    elif again_at is None:
        values |= {"state": model.BatchState.HELD.value}
    else:
        values |= {"state": model.BatchState.DOUBTFUL.value, "not_before": again_at}
    untaken = [s for s, o in zip(held.subscribers, outcomes, strict=True) if o.fate is model.Fate.UNTAKEN]
    with database.writing(engine) as connection:
        _write_outcomes(connection, held, outcomes)
        _move(connection, held, values)
        regroup(connection, held.send, [untaken])
        log(connection, (held.send, held.number), now, "recorded", note)


def _write_outcomes(connection: sa.Connection, held: Claim, outcomes: Sequence[model.Outcome]) -> None:
    change = (
        sa.update(delivery)
        .where(delivery.c.send == held.send, delivery.c.subscriber == sa.bindparam("who"))
        .values(fate=sa.bindparam("its_fate"), service_id=sa.bindparam("its_id"), detail=sa.bindparam("words"))
    )
    rows = [
        {"who": subscriber, "its_fate": outcome.fate.value, "its_id": outcome.service_id, "words": outcome.detail}
        for subscriber, outcome in zip(held.subscribers, outcomes, strict=True)
    ]
    if rows:
        connection.execute(change, rows)


def split(engine: sa.Engine, held: Claim, now: float, note: str) -> None:
    """Replace a batch that was refused as a whole by its two halves: the bad address is in one of them."""
    middle = len(held.subscribers) // 2
    with database.writing(engine) as connection:
        _move(connection, held, {"state": model.BatchState.SPLIT.value, "claim": None, "done_at": now, "note": note})
        regroup(connection, held.send, [held.subscribers[:middle], held.subscribers[middle:]])
        log(connection, (held.send, held.number), now, "split", note)


def regroup(connection: sa.Connection, send_id: int, groups: Iterable[Sequence[int]]) -> None:
    """Give readers who were surely not mailed new batches with numbers, and so keys, of their own."""
    highest = connection.execute(sa.select(sa.func.max(batch.c.number)).where(batch.c.send == send_id)).scalar_one()
    for number, subscribers in enumerate((group for group in groups if group), highest + 1):
        add(connection, send_id, [number])
        where = (delivery.c.send == send_id) & delivery.c.subscriber.in_(subscribers)
        connection.execute(sa.update(delivery).where(where).values(batch=number, fate=model.Fate.UNTAKEN.value))


def _move(connection: sa.Connection, held: Claim, values: Mapping[str, Any]) -> None:
    """Change a batch that this process holds; refuses when it does not hold it any more."""
    mine = (batch.c.send == held.send) & (batch.c.number == held.number) & (batch.c.claim == held.holder)
    changed = connection.execute(sa.update(batch).where(mine).values(**values))
    if changed.rowcount != 1:
        msg = f"batch {held.number} of send {held.send} is no longer held by this process"
        raise errors.StorageProblem(msg, hint="another sender took over; run `mscare report` to see where it stands")


def log(connection: sa.Connection, place: tuple[int, int], now: float, what: str, detail: str = "") -> None:
    """Add a line to the history of a batch; `place` is its send and its number."""
    row = {"send": place[0], "batch": place[1], "at": now, "what": what, "detail": detail}
    connection.execute(sa.insert(attempt).values(row))
