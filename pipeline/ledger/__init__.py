"""The send ledger: one row a (send, subscriber), written before anything leaves.

For each batch: commit the claim, commit what will be pushed, push, commit the outcome. What a dead
process leaves behind says how far it came: CLAIMED never left, INFLIGHT may have. Nothing is ever
known by a high-water mark. Every function takes an open transaction, or opens one of its own.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from pipeline import database, errors, model
from pipeline.ledger._tables import NO_BATCH, attempt, batch, delivery, send

ROWS_AT_ONCE = 5_000  # rows written in one statement while an audience is frozen


@dataclasses.dataclass(frozen=True, slots=True)
class Send:
    """One send as the ledger knows it."""

    id: int
    edition: str
    slot: str
    token: str = dataclasses.field(repr=False)
    state: model.SendState
    service: str
    digest: str
    note: str
    created_at: float
    finished_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Claim:
    """A batch that this process holds. `subscribers` are those still to be mailed, in a fixed order."""

    send: int
    number: int
    holder: str
    tries: int
    subscribers: tuple[int, ...]
    key: str
    body_hash: str
    first_push_at: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Seat:
    """One subscriber in the audience of a new send: in a batch, or excluded with the reason."""

    subscriber: int
    reason: str = ""


# --- freezing -----------------------------------------------------------------


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
    _add_batches(connection, send_id, range(-(-included // batch_size)))
    return by_id(connection, send_id)


def _add_batches(connection: sa.Connection, send_id: int, numbers: Iterable[int]) -> None:
    rows = [{"send": send_id, "number": number, "state": model.BatchState.PENDING.value} for number in numbers]
    if rows:
        connection.execute(sa.insert(batch), rows)


# --- reading ------------------------------------------------------------------


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
    return connection.execution_options(yield_per=ROWS_AT_ONCE).execute(query)


def open_batches(connection: sa.Connection, send_id: int) -> dict[str, int]:
    """Count the batches that are not yet final, by state."""
    final = [model.BatchState.DONE.value, model.BatchState.SPLIT.value]
    where = (batch.c.send == send_id) & batch.c.state.not_in(final)
    query = sa.select(batch.c.state, sa.func.count()).where(where).group_by(batch.c.state)
    return {row[0]: row[1] for row in connection.execute(query)}


def next_due(connection: sa.Connection, send_id: int) -> float | None:
    """Return the earliest moment at which a batch may be claimed, None when none waits."""
    waiting = [model.BatchState.PENDING.value, model.BatchState.DOUBTFUL.value]
    query = sa.select(sa.func.min(batch.c.not_before)).where(batch.c.send == send_id, batch.c.state.in_(waiting))
    due: float | None = connection.execute(query).scalar_one()
    return due


# --- one batch ----------------------------------------------------------------


def claim(engine: sa.Engine, send_id: int, holder: str, now: float, state: model.BatchState) -> Claim | None:
    """Take the next batch in `state` (PENDING or DOUBTFUL) whose time has come; None when there is none."""
    chosen = (
        sa.select(batch.c.number)
        .where(batch.c.send == send_id, batch.c.state == state.value, batch.c.not_before <= now)
        .where(sa.exists().where(send.c.id == send_id, send.c.state == model.SendState.SENDING.value))
        .order_by(batch.c.number)
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
        open_fates = [model.Fate.UNTAKEN.value, model.Fate.DOUBTFUL.value]
        who = sa.select(delivery.c.subscriber).where(
            delivery.c.send == send_id, delivery.c.batch == row.number, delivery.c.fate.in_(open_fates)
        )
        subscribers = tuple(connection.execute(who.order_by(delivery.c.subscriber)).scalars())
        _log(connection, (send_id, row.number), now, "claimed")
    return Claim(send_id, row.number, holder, row.tries, subscribers, row.key or "", row.body_hash or "",
                 row.first_push_at)  # fmt: skip


def key_of(token: str, subscribers: Sequence[int]) -> str:
    """Return the key of a push: a hash of the send and exactly these recipients, 64 hex digits."""
    return hashlib.sha256(f"{token}:{','.join(map(str, subscribers))}".encode()).hexdigest()


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
        _log(connection, (held.send, held.number), now, "pushing", body_hash)


def hand_back(engine: sa.Engine, held: Claim, now: float, note: str, not_before: float = 0.0) -> None:
    """Put a batch back of which surely nothing left. Its next push makes a new key from its recipients then."""
    values = {"state": model.BatchState.PENDING.value, "claim": None, "note": note, "not_before": not_before,
              "key": None, "body_hash": None, "first_push_at": None}  # fmt: skip
    with database.writing(engine) as connection:
        _move(connection, held, values)
        _log(connection, (held.send, held.number), now, "handed-back", note)


def close(engine: sa.Engine, held: Claim, now: float, note: str) -> None:
    """End a batch that has nobody left to mail."""
    with database.writing(engine) as connection:
        _move(connection, held, {"state": model.BatchState.DONE.value, "claim": None, "done_at": now, "note": note})
        _log(connection, (held.send, held.number), now, "closed", note)


def doubt(engine: sa.Engine, held: Claim, now: float, note: str, *, not_before: float = 0.0, hold: bool) -> None:
    """Mark a whole batch as doubtful: `hold` when only a person can settle it."""
    state = model.BatchState.HELD if hold else model.BatchState.DOUBTFUL
    with database.writing(engine) as connection:
        _move(connection, held, {"state": state.value, "claim": None, "note": note, "not_before": not_before})
        _doubt_rows(connection, held.send, held.number)
        _log(connection, (held.send, held.number), now, state.value, note)


def record(engine: sa.Engine, held: Claim, outcomes: Sequence[model.Outcome], now: float, *, hold: bool) -> None:
    """Commit what became of each recipient of a push, in order, and what is left of the batch."""
    with database.writing(engine) as connection:
        _write_outcomes(connection, held, outcomes)
        doubtful = any(outcome.fate is model.Fate.DOUBTFUL for outcome in outcomes)
        state = (model.BatchState.HELD if hold else model.BatchState.DOUBTFUL) if doubtful else model.BatchState.DONE
        note = next((outcome.detail for outcome in outcomes if outcome.detail), "")
        _move(connection, held, {"state": state.value, "claim": None, "done_at": now, "note": note})
        untaken = [s for s, o in zip(held.subscribers, outcomes, strict=True) if o.fate is model.Fate.UNTAKEN]
        wait = max((outcome.retry_after for outcome in outcomes), default=0.0)
        _regroup(connection, held.send, [untaken], now + wait)
        _log(connection, (held.send, held.number), now, "recorded", note)


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
        _regroup(connection, held.send, [held.subscribers[:middle], held.subscribers[middle:]], 0.0)
        _log(connection, (held.send, held.number), now, "split", note)


def _regroup(connection: sa.Connection, send_id: int, groups: Iterable[Sequence[int]], not_before: float) -> None:
    """Give readers who were surely not mailed new batches with numbers, and so keys, of their own."""
    highest = connection.execute(sa.select(sa.func.max(batch.c.number)).where(batch.c.send == send_id)).scalar_one()
    for number, subscribers in enumerate((group for group in groups if group), highest + 1):
        _add_batches(connection, send_id, [number])
        where = (delivery.c.send == send_id) & delivery.c.subscriber.in_(subscribers)
        connection.execute(sa.update(delivery).where(where).values(batch=number, fate=model.Fate.UNTAKEN.value))
        this = (batch.c.send == send_id) & (batch.c.number == number)
        connection.execute(sa.update(batch).where(this).values(not_before=not_before))


def _move(connection: sa.Connection, held: Claim, values: Mapping[str, Any]) -> None:
    """Change a batch that this process holds; refuses when it does not hold it any more."""
    mine = (batch.c.send == held.send) & (batch.c.number == held.number) & (batch.c.claim == held.holder)
    changed = connection.execute(sa.update(batch).where(mine).values(**values))
    if changed.rowcount != 1:
        msg = f"batch {held.number} of send {held.send} is no longer held by this process"
        raise errors.StorageProblem(msg, hint="another sender took over; run `mscare report` to see where it stands")


def _doubt_rows(connection: sa.Connection, send_id: int, number: int) -> None:
    where = (delivery.c.send == send_id) & (delivery.c.batch == number) & (delivery.c.fate == model.Fate.UNTAKEN.value)
    connection.execute(sa.update(delivery).where(where).values(fate=model.Fate.DOUBTFUL.value))


def _log(connection: sa.Connection, place: tuple[int, int], now: float, what: str, detail: str = "") -> None:
    row = {"send": place[0], "batch": place[1], "at": now, "what": what, "detail": detail}
    connection.execute(sa.insert(attempt).values(row))


# --- the whole send -------------------------------------------------------------


def adopt(engine: sa.Engine, send_id: int, now: float) -> tuple[int, int]:
    """Take over what a dead process left: (batches that never left, batches that may have).

    Only for the holder of the sender's lock: every other claim is then known to be dead.
    """
    with database.writing(engine) as connection:
        safe = _orphans(connection, send_id, model.BatchState.CLAIMED, model.BatchState.PENDING, now)
        unsure = _orphans(connection, send_id, model.BatchState.INFLIGHT, model.BatchState.DOUBTFUL, now)
        for number in unsure:
            _doubt_rows(connection, send_id, number)
        return len(safe), len(unsure)


def _orphans(
    connection: sa.Connection, send_id: int, found: model.BatchState, left_as: model.BatchState, now: float
) -> list[int]:
    where = (batch.c.send == send_id) & (batch.c.state == found.value)
    change = sa.update(batch).where(where).values(state=left_as.value, claim=None, note="its sender died")
    numbers = list(connection.execute(change.returning(batch.c.number)).scalars())
    for number in numbers:
        _log(connection, (send_id, number), now, "orphaned", left_as.value)
    return numbers


def set_state(engine: sa.Engine, send_id: int, state: model.SendState, now: float, note: str = "") -> None:
    """Move a send on; SENT and NEEDS_REVIEW also say when."""
    ended = state in {model.SendState.SENT, model.SendState.NEEDS_REVIEW}
    values = {"state": state.value, "note": note, "finished_at": now if ended else None}
    with database.writing(engine) as connection:
        connection.execute(sa.update(send).where(send.c.id == send_id).values(**values))


def unhold(engine: sa.Engine, send_id: int) -> None:
    """Let held batches be tried again: what could not be settled before may be settled by a look-up now."""
    where = (batch.c.send == send_id) & (batch.c.state == model.BatchState.HELD.value)
    with database.writing(engine) as connection:
        connection.execute(sa.update(batch).where(where).values(state=model.BatchState.DOUBTFUL.value, not_before=0.0))


def settle(engine: sa.Engine, send_id: int, number: int, *, taken: bool, by: str, now: float) -> int:
    """Record a person's decision about a held batch; returns how many readers it settled."""
    unsure = (
        (delivery.c.send == send_id) & (delivery.c.batch == number) & (delivery.c.fate == model.Fate.DOUBTFUL.value)
    )
    held = [model.BatchState.HELD.value, model.BatchState.DOUBTFUL.value]
    where = (batch.c.send == send_id) & (batch.c.number == number) & batch.c.state.in_(held)
    with database.writing(engine) as connection:
        closed = connection.execute(
            sa.update(batch).where(where).values(state=model.BatchState.DONE.value, done_at=now)
        )
        if closed.rowcount != 1:
            msg = f"batch {number} is not waiting for a decision"
            raise errors.UsageProblem(msg, hint="`mscare report EDITION` lists the batches that are")
        subscribers = list(connection.execute(sa.select(delivery.c.subscriber).where(unsure)).scalars())
        if taken:
            detail = f"settled by {by}: the service took it"
            connection.execute(sa.update(delivery).where(unsure).values(fate=model.Fate.ACCEPTED.value, detail=detail))
        else:
            _regroup(connection, send_id, [subscribers], 0.0)
        _log(connection, (send_id, number), now, "settled", f"{'taken' if taken else 'not taken'}, by {by}")
        return len(subscribers)
