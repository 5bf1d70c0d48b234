"""What the ledger can be asked: the balance, the batches, every row, and what is due next."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from pipeline import model
from pipeline.ledger._tables import batch, delivery

ROWS_AT_ONCE = 5_000  # rows fetched at once when all of them are streamed
WAITING = (model.BatchState.PENDING.value, model.BatchState.DOUBTFUL.value)
BUSY = (model.BatchState.CLAIMED.value, model.BatchState.INFLIGHT.value)


def tally(connection: sa.Connection, send_id: int) -> model.Tally:
    """Count a send's fates. A row in flight counts as doubtful: if the process dies now, that is what it is."""
    flying = batch.c.state.in_([model.BatchState.INFLIGHT.value])
    fate = sa.case((sa.and_(delivery.c.fate == model.Fate.UNTAKEN.value, flying), model.Fate.DOUBTFUL.value),
                   else_=delivery.c.fate)  # fmt: skip
    joined = delivery.outerjoin(batch, sa.and_(batch.c.send == delivery.c.send, batch.c.number == delivery.c.batch))
    query = sa.select(fate, sa.func.count()).select_from(joined).where(delivery.c.send == send_id).group_by(fate)
    counts = {row[0]: row[1] for row in connection.execute(query)}
    return model.Tally(planned=sum(counts.values()), **{f.value: counts.get(f.value, 0) for f in model.Fate})


def exclusions(connection: sa.Connection, send_id: int) -> dict[str, int]:
    """Count the excluded by reason."""
    where = (delivery.c.send == send_id) & (delivery.c.fate == model.Fate.EXCLUDED.value)
    query = sa.select(delivery.c.detail, sa.func.count()).where(where).group_by(delivery.c.detail)
    return {row[0]: row[1] for row in connection.execute(query)}


def batches(connection: sa.Connection, send_id: int) -> list[dict[str, Any]]:
    """List a send's batches: number, state, key, body hash, tries and note."""
    columns = (batch.c.number, batch.c.state, batch.c.key, batch.c.body_hash, batch.c.tries, batch.c.note)
    query = sa.select(*columns).where(batch.c.send == send_id).order_by(batch.c.number)
    return [row._asdict() for row in connection.execute(query)]


def deliveries(connection: sa.Connection, send_id: int) -> Iterable[sa.Row[Any]]:
    """Stream a send's rows: subscriber, batch, fate, service_id, detail."""
    columns = (delivery.c.subscriber, delivery.c.batch, delivery.c.fate, delivery.c.service_id, delivery.c.detail)
    query = sa.select(*columns).where(delivery.c.send == send_id).order_by(delivery.c.subscriber)
    return connection.execute(query, execution_options={"yield_per": ROWS_AT_ONCE})


def open_batches(connection: sa.Connection, send_id: int) -> dict[str, int]:
    """Count the batches that are not yet final, by state."""
    unfinished = (*WAITING, *BUSY, model.BatchState.HELD.value)
    where = (batch.c.send == send_id) & batch.c.state.in_(unfinished)
    query = sa.select(batch.c.state, sa.func.count()).where(where).group_by(batch.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def next_due(connection: sa.Connection, send_id: int) -> float | None:
    """Return the earliest moment at which a batch may be claimed, None when none waits."""
    query = sa.select(sa.func.min(batch.c.not_before)).where(batch.c.send == send_id, batch.c.state.in_(WAITING))
    due: float | None = connection.execute(query).scalar_one()
    return due


def resting_state(connection: sa.Connection, send_id: int) -> model.SendState:
    """Return how a send stands while nobody works on it. SENT is said by the readers' rows: none can be overlooked."""
    left = open_batches(connection, send_id)
    if left.keys() - {model.BatchState.HELD.value}:
        return model.SendState.PAUSED
    counts = tally(connection, send_id)
    return model.SendState.NEEDS_REVIEW if counts.untaken + counts.doubtful else model.SendState.SENT
