"""What is put right from outside a run: batches of a dead process, decisions of a person, refusals that meant us."""

from collections.abc import Sequence

import sqlalchemy as sa

from pipeline import database, errors, model
from pipeline.ledger import _batches, _reading
from pipeline.ledger._tables import batch, delivery, send


def adopt(engine: sa.Engine, send_id: int, now: float) -> tuple[int, int]:
    """Take over what a dead process left: (batches that never left, batches that may have).

    Only for the holder of the sender's lock: every other claim is then known to be dead.
    """
    with database.writing(engine) as connection:
        safe = _orphans(connection, send_id, model.BatchState.CLAIMED, model.BatchState.PENDING, now)
        unsure = _orphans(connection, send_id, model.BatchState.INFLIGHT, model.BatchState.DOUBTFUL, now)
        for number in unsure:
            this = (delivery.c.send == send_id) & (delivery.c.batch == number)
            open_ = this & (delivery.c.fate == model.Fate.UNTAKEN.value)
            connection.execute(sa.update(delivery).where(open_).values(fate=model.Fate.DOUBTFUL.value))
        return len(safe), len(unsure)


def _orphans(
    connection: sa.Connection, send_id: int, found: model.BatchState, left_as: model.BatchState, now: float
) -> list[int]:
    where = (batch.c.send == send_id) & (batch.c.state == found.value)
    change = sa.update(batch).where(where).values(state=left_as.value, claim=None, note="its sender died")
    numbers = list(connection.execute(change.returning(batch.c.number)).scalars())
    for number in numbers:
        _batches.log(connection, (send_id, number), now, "orphaned", left_as.value)
    return numbers


def reprieve(engine: sa.Engine, send_id: int, numbers: Sequence[int], batch_size: int, now: float) -> None:
    """Put the readers refused in these batches back: everybody was refused, so it was not about them.

    A refused reader was surely not mailed, so that nobody is mailed twice by it.
    """
    refused = (delivery.c.send == send_id) & (delivery.c.fate == model.Fate.REFUSED.value)
    query = sa.select(delivery.c.subscriber).where(refused & delivery.c.batch.in_(numbers))
    with database.writing(engine) as connection:
        readers = sorted(connection.execute(query).scalars())
        groups = [readers[at : at + batch_size] for at in range(0, len(readers), batch_size)]
        _batches.regroup(connection, send_id, groups)
        for number in numbers:
            _batches.log(connection, (send_id, number), now, "reprieved")


def settle(engine: sa.Engine, send_id: int, number: int, *, taken: bool, by: str, now: float) -> int:
    """Record a person's decision about a batch in doubt; returns how many readers it settled.

    The send's state follows: SENT when this was the last doubt, PAUSED when there are readers to mail again.
    """
    unsure = (
        (delivery.c.send == send_id) & (delivery.c.batch == number) & (delivery.c.fate == model.Fate.DOUBTFUL.value)
    )
    with database.writing(engine) as connection:
        _close_doubt(connection, send_id, number, now)
        subscribers = list(connection.execute(sa.select(delivery.c.subscriber).where(unsure)).scalars())
        if taken:
            detail = f"settled by {by}: the service took it"
            connection.execute(sa.update(delivery).where(unsure).values(fate=model.Fate.ACCEPTED.value, detail=detail))
        else:
            _batches.regroup(connection, send_id, [subscribers])
        _batches.log(connection, (send_id, number), now, "settled", f"{'taken' if taken else 'not taken'}, by {by}")
        _follow(connection, send_id, now)
        return len(subscribers)


def _close_doubt(connection: sa.Connection, send_id: int, number: int, now: float) -> None:
    in_doubt = batch.c.state.in_([model.BatchState.HELD.value, model.BatchState.DOUBTFUL.value])
    where = (batch.c.send == send_id) & (batch.c.number == number) & in_doubt
    change = sa.update(batch).where(where).values(state=model.BatchState.DONE.value, done_at=now)
    if connection.execute(change).rowcount != 1:
        msg = f"batch {number} is not waiting for a decision"
        raise errors.UsageProblem(msg, hint="`mscare report EDITION` lists the batches that are")


def _follow(connection: sa.Connection, send_id: int, now: float) -> None:
    """Let a send's state follow a decision. One that was cut off stays SENDING: the next run goes on with it."""
    state = _reading.resting_state(connection, send_id)
    change = sa.update(send).where(send.c.id == send_id)
    if state is model.SendState.SENT:
        connection.execute(change.values(state=state.value, note="", finished_at=now))
    elif state is model.SendState.PAUSED:
        reviewed = send.c.state == model.SendState.NEEDS_REVIEW.value
        connection.execute(change.where(reviewed).values(state=state.value, note="", finished_at=None))
