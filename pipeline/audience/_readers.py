"""Readers one by one and all together: who they are in numbers, who may be mailed, and how a person leaves."""

import datetime as dt
import typing
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from pipeline import database, model, vault
from pipeline.audience import _addresses, _tables

WINDOW = 5_000  # rows fetched at once when all readers are streamed


class Sendable(typing.NamedTuple):
    """What a batch needs to know of a subscriber at the moment of sending."""

    address_sealed: bytes
    public_id: bytes
    exclusion: str  # one word why nothing may be sent now; "" when it may

    def __repr__(self) -> str:
        """Show the verdict only."""
        return f"Sendable(exclusion={self.exclusion!r})"


ERASED = Sendable(b"", b"", "erased")


def count(engine: sa.Engine) -> dict[str, int]:
    """Return how many readers are in each state, every state named; the team's test addresses are not readers."""
    table = _tables.subscriber.c
    query = sa.select(table.state, sa.func.count()).where(table.kind == _tables.Kind.READER).group_by(table.state)
    with database.reading(engine) as connection:
        found: dict[str, int] = dict(connection.execute(query).all())
    return {state.value: found.get(state.value, 0) for state in model.State}


def members(connection: sa.Connection) -> Iterator[model.Member]:
    """Stream every reader in the order of their numbers, those that must not be mailed among them."""
    table = _tables.subscriber.c
    query = _with_suppression(table.id, table.public_id, table.state).where(table.kind == _tables.Kind.READER)
    rows = connection.execute(query.order_by(table.id), execution_options={"yield_per": WINDOW})
    for id_, public_id, state, suppressed in rows:
        yield model.Member(id_, public_id, model.State(state), suppressed=bool(suppressed))


def sendable(connection: sa.Connection, ids: Sequence[int]) -> dict[int, Sendable]:
    """Look once more at the subscribers of one batch: each id has an answer, one that is gone says "erased"."""
    table = _tables.subscriber.c
    query = _with_suppression(table.id, table.address_sealed, table.public_id, table.state).where(table.id.in_(ids))
    found = dict.fromkeys(ids, ERASED)
    for id_, sealed, public_id, state, suppressed in connection.execute(query):
        exclusion = model.exclusion(model.State(state), suppressed=bool(suppressed))
        found[id_] = Sendable(sealed, public_id, exclusion)
    return found


def _with_suppression(*columns: sa.ColumnElement[typing.Any]) -> sa.Select[*tuple[typing.Any, ...]]:
    """Select columns of `subscriber`, and as the last one whether the address is suppressed."""
    hit = _tables.suppression.c.hash
    joined = sa.outerjoin(_tables.subscriber, _tables.suppression, _tables.subscriber.c.suppression_hash == hit)
    return sa.select(*columns, hit.is_not(None)).select_from(joined)


def test_members(
    engine: sa.Engine, keys: vault.Vault, addresses: Sequence[str], now: dt.datetime
) -> list[model.Member]:
    """Return the team's own addresses as subscribers, made where they are missing; each call makes them active again.

    A tester tries the unsubscribe link and must still get the next test. A suppressed address stays suppressed.
    """
    plain = dict.fromkeys(_addresses.normalise(address) for address in addresses)
    with database.writing(engine) as connection:
        _tables.require_key(connection, keys)
        ids = dict.fromkeys(_test_subscriber(connection, keys, address, now) for address in plain)
        table = _tables.subscriber.c
        query = _with_suppression(table.id, table.public_id, table.state).where(table.id.in_(ids)).order_by(table.id)
        return [
            model.Member(id_, public_id, model.State(state), suppressed=bool(suppressed))
            for id_, public_id, state, suppressed in connection.execute(query)
        ]


def _test_subscriber(connection: sa.Connection, keys: vault.Vault, address: str, now: dt.datetime) -> int:
    """Return the number of a test address, active."""
    table = _tables.subscriber
    mine = sa.and_(table.c.address_index == keys.index(address), table.c.kind == _tables.Kind.TEST)
    statement = sa.update(table).where(mine).values(state=model.State.ACTIVE).returning(table.c.id)
    id_ = connection.scalar(statement)
    if id_ is None:
        values = {
            "public_id": keys.new_public_id(),
            "address_sealed": keys.seal(address),
            "address_index": keys.index(address),
            "suppression_hash": keys.suppression(address),
            "kind": _tables.Kind.TEST,
            "state": model.State.ACTIVE,
            "created_at": now,
        }
        id_ = connection.scalar(sa.insert(table).values(values).returning(table.c.id))
    return typing.cast("int", id_)


def unsubscribe(engine: sa.Engine, public_id: bytes, now: dt.datetime, *, source: str) -> bool:
    """Stop the digest for one reader at once, with a record of when and how; False when nobody has this id any more.

    Doing it again changes nothing. A bounce or a complaint on record stays on record as a suppression.
    """
    table = _tables.subscriber.c
    with database.writing(engine) as connection:
        row = connection.execute(sa.select(table.id, table.state).where(table.public_id == public_id)).one_or_none()
        if row is None:
            return False
        if row.state != model.State.UNSUBSCRIBED:
            change = sa.update(_tables.subscriber).where(table.id == row.id)
            connection.execute(change.values(state=model.State.UNSUBSCRIBED))
            proof = {"kind": _tables.Consent.WITHDRAWN, "at": now, "source": source, "wording": ""}
            connection.execute(sa.insert(_tables.consent).values(subscriber_id=row.id, **proof))
        return True


def unsubscribe_address(engine: sa.Engine, keys: vault.Vault, address: str, now: dt.datetime, *, source: str) -> bool:
    """Do as `unsubscribe` for the reader with this address, which a service reports; False when nobody has it."""
    table = _tables.subscriber.c
    index = keys.index(_addresses.normalise(address))
    query = sa.select(table.public_id).where(table.address_index == index, table.kind == _tables.Kind.READER)
    with database.reading(engine) as connection:
        public_id = connection.scalar(query)
    return public_id is not None and unsubscribe(engine, public_id, now, source=source)


def suppress(engine: sa.Engine, keys: vault.Vault, address: str, reason: _tables.Suppression, now: dt.datetime) -> None:
    """Never mail an address again, known or not; of two reasons the first stays. To forget a person, use `erase`."""
    plain = _addresses.normalise(address)
    table = _tables.subscriber.c
    state = model.State(reason.value)  # ERASED is no state: nothing of that person is stored
    mailable = (model.State.ACTIVE, model.State.PENDING)
    with database.writing(engine) as connection:
        _tables.require_key(connection, keys)
        _remember(connection, keys.suppression(plain), reason, now)
        mine = sa.and_(table.address_index == keys.index(plain), table.state.in_(mailable))
        connection.execute(sa.update(_tables.subscriber).where(mine).values(state=state))


def erase(engine: sa.Engine, keys: vault.Vault, address: str, now: dt.datetime) -> bool:
    """Forget a person: only a keyed hash stays, so that no import can mail them again. False when nobody was stored.

    An unknown address is kept out all the same. The deleted rows are overwritten, in the file and in its log.
    """
    plain = _addresses.normalise(address)
    with database.writing(engine) as connection:
        _tables.require_key(connection, keys)
        gone = sa.delete(_tables.suppression).where(_tables.suppression.c.hash == keys.suppression(plain))
        connection.execute(gone)
        _remember(connection, keys.suppression(plain), _tables.Suppression.ERASED, now)
        table = _tables.subscriber
        found = connection.execute(sa.delete(table).where(table.c.address_index == keys.index(plain))).rowcount
    database.empty_log(engine)
    return found > 0


def _remember(connection: sa.Connection, digest: bytes, reason: _tables.Suppression, now: dt.datetime) -> None:
    table = _tables.suppression
    if connection.scalar(sa.select(table.c.hash).where(table.c.hash == digest)) is None:
        connection.execute(sa.insert(table).values(hash=digest, reason=reason, at=now))


def unsubscribe_url(base_url: str, keys: vault.Vault, public_id: bytes) -> str:
    """Return a reader's own link: opaque, always the same, and of no use to find the address."""
    return f"{base_url}/u/{keys.token(public_id)}"
