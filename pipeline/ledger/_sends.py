"""A send as a whole: frozen with its audience, found again, begun, brought to rest."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from pipeline import database, model
from pipeline.ledger import _batches, _reading
from pipeline.ledger._records import Seat, Send
from pipeline.ledger._tables import NO_BATCH, batch, delivery, send

ROWS_AT_ONCE = 5_000  # rows written in one statement while an audience is frozen


def freeze(
    connection: sa.Connection, values: Mapping[str, Any], seats: Iterable[Seat], batch_size: int, now: float
) -> Send:
    """Write a new send with its whole audience. One transaction: either all of it is there, or nothing."""
    row = {"state": model.SendState.SENDING.value, "created_at": now, "note": "", **values}
    send_id = connection.execute(sa.insert(send).values(row).returning(send.c.id)).scalar_one()
    included = 0
    rows: list[dict[str, Any]] = []
    for seat in seats:
        number = NO_BATCH if seat.reason else included // batch_size
        included += not seat.reason
        fate = model.Fate.EXCLUDED if seat.reason else model.Fate.UNTAKEN
        rows.append({"send": send_id, "subscriber": seat.subscriber, "batch": number, "fate": fate.value,
                     "service_id": "", "detail": seat.reason})  # fmt: skip
        if len(rows) == ROWS_AT_ONCE:
            connection.execute(sa.insert(delivery), rows)
            rows = []
    if rows:
        connection.execute(sa.insert(delivery), rows)
    _batches.add(connection, send_id, range(-(-included // batch_size)))
    return by_id(connection, send_id)


def discard(connection: sa.Connection, send_id: int) -> None:
    """Forget a plan of which nothing has left. Only for the holder of the sender's lock."""
    for table, column in ((delivery, delivery.c.send), (batch, batch.c.send), (send, send.c.id)):
        connection.execute(sa.delete(table).where(column == send_id))


def by_id(connection: sa.Connection, send_id: int) -> Send:
    """Return a send that is known to exist."""
    return _send(connection.execute(sa.select(send).where(send.c.id == send_id)).one())


def find(connection: sa.Connection, edition: str, slot: str = "all") -> Send | None:
    """Return the send of an edition, None when it was never begun."""
    row = connection.execute(sa.select(send).where(send.c.edition == edition, send.c.slot == slot)).one_or_none()
    return _send(row) if row else None


def sends(connection: sa.Connection) -> list[Send]:
    """List every send, oldest first."""
    return [_send(row) for row in connection.execute(sa.select(send).order_by(send.c.id))]


def _send(row: sa.Row[Any]) -> Send:
    values = row._asdict()
    return Send(**{**values, "state": model.SendState(values["state"])})


def reopen(engine: sa.Engine, send_id: int) -> None:
    """Begin a run: tries are counted anew, and what had to wait or could not be settled before may be settled now."""
    waiting = [model.BatchState.PENDING.value, model.BatchState.DOUBTFUL.value, model.BatchState.HELD.value]
    mine = batch.c.send == send_id
    held = mine & (batch.c.state == model.BatchState.HELD.value)
    with database.writing(engine) as connection:
        connection.execute(sa.update(batch).where(mine & batch.c.state.in_(waiting)).values(tries=0, not_before=0.0))
        connection.execute(sa.update(batch).where(held).values(state=model.BatchState.DOUBTFUL.value))
        values = {"state": model.SendState.SENDING.value, "note": "", "finished_at": None}
        connection.execute(sa.update(send).where(send.c.id == send_id).values(**values))


def rest(engine: sa.Engine, send_id: int, now: float, note: str) -> model.SendState:
    """End a run: write down how the send stands now that nobody works on it; the note says what stopped it."""
    with database.writing(engine) as connection:
        state = _reading.resting_state(connection, send_id)
        ended = now if state in {model.SendState.SENT, model.SendState.NEEDS_REVIEW} else None
        values = {"state": state.value, "note": "" if state is model.SendState.SENT else note, "finished_at": ended}
        connection.execute(sa.update(send).where(send.c.id == send_id).values(**values))
    return state
