"""What people decided: approvals of an edition's bytes, and when it is due."""

import datetime as dt
import json
import math
from typing import Any

import sqlalchemy as sa

from pipeline import database, model
from pipeline.ledger._tables import approval, schedule


def approve(engine: sa.Engine, given: model.Approval) -> None:
    """Keep an approval; the newest of an edition counts."""
    waivers = [{"code": w.code, "file": w.file, "reason": w.reason, "by": w.by} for w in given.waivers]
    row = {"edition": given.edition, "digest": given.digest, "by": given.by, "at": given.at.timestamp(),
           "waivers": json.dumps(waivers)}  # fmt: skip
    with database.writing(engine) as connection:
        connection.execute(sa.insert(approval).values(row))


def approval_of(connection: sa.Connection, edition: str) -> model.Approval | None:
    """Return the newest approval of an edition, None when there is none."""
    query = sa.select(approval).where(approval.c.edition == edition).order_by(approval.c.id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    waivers = tuple(model.Waiver(**waiver) for waiver in json.loads(row.waivers))
    return model.Approval(row.edition, row.digest, row.by, dt.datetime.fromtimestamp(row.at, dt.UTC), waivers)


def put_on_schedule(engine: sa.Engine, edition: str, due_at: dt.datetime, zone: str) -> None:
    """Plan when an edition goes out; a second call moves it."""
    values = {"due_at": due_at.timestamp(), "zone": zone, "state": model.ScheduleState.WAITING.value, "note": ""}
    with database.writing(engine) as connection:
        connection.execute(sa.delete(schedule).where(schedule.c.edition == edition))
        connection.execute(sa.insert(schedule).values(edition=edition, **values))


def take_off_schedule(engine: sa.Engine, edition: str) -> bool:
    """Plan no longer that an edition goes out; False when it did not wait for its time."""
    waiting = sa.and_(schedule.c.edition == edition, schedule.c.state == model.ScheduleState.WAITING.value)
    with database.writing(engine) as connection:
        return connection.execute(sa.delete(schedule).where(waiting)).rowcount > 0


def schedules(connection: sa.Connection) -> list[model.Schedule]:
    """List every planned send, the next one first."""
    return [_schedule(row) for row in connection.execute(sa.select(schedule).order_by(schedule.c.due_at))]


def due(connection: sa.Connection, now: dt.datetime) -> list[model.Schedule]:
    """List what waits and whose time has come."""
    waiting = schedule.c.state == model.ScheduleState.WAITING.value
    query = sa.select(schedule).where(waiting, schedule.c.due_at <= now.timestamp()).order_by(schedule.c.due_at)
    return [_schedule(row) for row in connection.execute(query)]


def mark(engine: sa.Engine, edition: str, state: model.ScheduleState, note: str = "", due_by: float = math.inf) -> None:
    """Say what became of a planned send; one that was moved beyond `due_by` (UTC seconds) meanwhile stays planned."""
    with database.writing(engine) as connection:
        change = sa.update(schedule).where(schedule.c.edition == edition, schedule.c.due_at <= due_by)
        connection.execute(change.values(state=state.value, note=note))


def _schedule(row: sa.Row[Any]) -> model.Schedule:
    at = dt.datetime.fromtimestamp(row.due_at, dt.UTC)
    return model.Schedule(row.edition, at, row.zone, model.ScheduleState(row.state), row.note)
