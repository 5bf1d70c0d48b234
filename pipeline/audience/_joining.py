"""Joining the list by oneself: an address is stored as pending, and only its owner's own press makes it active.

Nothing is mailed here. What a caller learns must not reach the person who asked: it tells who is on the list.
"""

import datetime as dt

import sqlalchemy as sa

from pipeline import database, model, vault
from pipeline.audience import _addresses, _tables

UNCONFIRMED = dt.timedelta(days=7)
"""How long a confirmation link works, and how long an address is kept that nobody confirms."""

_MAY_JOIN = frozenset({model.State.PENDING, model.State.UNSUBSCRIBED})


def sign_up(engine: sa.Engine, keys: vault.Vault, address: str, now: dt.datetime) -> bytes | None:
    """Store an address as pending unless it is known; return its public id, or None when no mail is to be sent.

    No mail goes to who is on the list already, to a suppressed address, nor to one that bounced or complained. Who
    left stays unsubscribed until `confirm`. Refuses what is no address, in words that do not repeat it.
    """
    plain = _addresses.normalise(address)
    table = _tables.subscriber.c
    with database.writing(engine) as connection:
        _tables.require_key(connection, keys)
        _forget(connection, now - UNCONFIRMED)
        if _is_suppressed(connection, keys.suppression(plain)):
            return None
        mine = sa.and_(table.address_index == keys.index(plain), table.kind == _tables.Kind.READER)
        row = connection.execute(sa.select(table.public_id, table.state).where(mine)).one_or_none()
        if row is not None:
            asked_again = sa.update(_tables.subscriber).where(mine, table.state.in_(_MAY_JOIN))
            connection.execute(asked_again.values(created_at=now))  # the week begins anew with each link
            return bytes(row.public_id) if row.state in _MAY_JOIN else None
        return _add(connection, keys, plain, now)


def _add(connection: sa.Connection, keys: vault.Vault, address: str, now: dt.datetime) -> bytes:
    public_id = keys.new_public_id()
    values = {
        "public_id": public_id,
        "address_sealed": keys.seal(address),
        "address_index": keys.index(address),
        "suppression_hash": keys.suppression(address),
        "kind": _tables.Kind.READER,
        "state": model.State.PENDING,
        "created_at": now,
    }
    connection.execute(sa.insert(_tables.subscriber).values(values))
    return public_id


def confirm(engine: sa.Engine, public_id: bytes, now: dt.datetime, *, source: str, wording: str) -> bool:
    """Make a reader active, with the proof: when, where, and the sentence that was agreed to.

    False when nobody has this id any more, the address must not be mailed, or the reader has left since the link was
    made: an old link, or a page that a browser loads again, undoes no unsubscribing. Doing it again changes nothing.
    """
    table = _tables.subscriber.c
    columns = (table.id, table.state, table.suppression_hash, table.created_at)
    with database.writing(engine) as connection:
        row = connection.execute(sa.select(*columns).where(table.public_id == public_id)).one_or_none()
        if row is None or _is_suppressed(connection, row.suppression_hash):
            return False
        if row.state == model.State.UNSUBSCRIBED and not _asked_since_leaving(connection, row.id, row.created_at):
            return False
        if row.state in _MAY_JOIN:
            change = sa.update(_tables.subscriber).where(table.id == row.id)
            connection.execute(change.values(state=model.State.ACTIVE))
            proof = {"kind": _tables.Consent.CONFIRMED, "at": now, "source": source, "wording": wording}
            connection.execute(sa.insert(_tables.consent).values(subscriber_id=row.id, **proof))
        return row.state in _MAY_JOIN or row.state == model.State.ACTIVE


def forget_unconfirmed(engine: sa.Engine, now: dt.datetime) -> int:
    """Delete the addresses that were typed into the form a week ago and never confirmed; return how many."""
    with database.writing(engine) as connection:
        return _forget(connection, now - UNCONFIRMED)


def _forget(connection: sa.Connection, before: dt.datetime) -> int:
    """Delete who has no consent of any kind on record: an imported pending reader has one."""
    table, proof = _tables.subscriber.c, _tables.consent.c
    has_proof = sa.exists().where(proof.subscriber_id == table.id)
    stale = sa.and_(table.state == model.State.PENDING, table.created_at < before, sa.not_(has_proof))
    return connection.execute(sa.delete(_tables.subscriber).where(stale)).rowcount


def _asked_since_leaving(connection: sa.Connection, id_: int, asked_at: dt.datetime) -> bool:
    proof = _tables.consent.c
    left = sa.select(sa.func.max(proof.at)).where(proof.subscriber_id == id_, proof.kind == _tables.Consent.WITHDRAWN)
    left_at: dt.datetime | None = connection.scalar(left)
    return left_at is None or asked_at > left_at


def _is_suppressed(connection: sa.Connection, digest: bytes) -> bool:
    table = _tables.suppression.c
    return connection.scalar(sa.select(table.hash).where(table.hash == digest)) is not None
