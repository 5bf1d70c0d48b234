"""Importing a file: streamed, in short transactions, the same result however often it runs."""

import collections
import contextlib
import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from pipeline import database, errors, model, vault
from pipeline.audience import _rejects, _rows, _tables

CHUNK = 2_000  # lines in one transaction: it holds the write lock for about a tenth of a second
STOPPED = frozenset({model.State.UNSUBSCRIBED, model.State.BOUNCED, model.State.COMPLAINED})


@dataclasses.dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of every line: read = added + already + suppressed + rejected. `stopped` is a part of `already`."""

    read: int  # lines below the header, blank ones left out
    added: int
    already: int  # known before, or named twice in the file
    stopped: int  # known, and the file says unsubscribed, bounced or complained: not mailed from now on
    suppressed: int  # erased, bounced or complained before: not taken in
    rejected: int
    rejects_path: Path | None  # line and reason of every suppressed and rejected line; None when there is none


@dataclasses.dataclass(frozen=True, slots=True)
class _Entry:
    """A row with the two keyed hashes of its address."""

    row: _rows.Row
    index: bytes
    suppression: bytes


@dataclasses.dataclass(frozen=True, slots=True)
class _Proof:
    """One row of `consent` to be written."""

    subscriber: int
    kind: _tables.Consent
    at: dt.datetime
    source: str


@dataclasses.dataclass(frozen=True, slots=True)
class _Stage:
    """What one chunk is to change, sorted out before anything is written."""

    fresh: dict[bytes, _Entry]
    stopped: dict[int, _Entry]  # by subscriber id
    rejects: list[_rows.Reject]
    tally: collections.Counter[str]


def import_csv(
    engine: sa.Engine,
    keys: vault.Vault,
    path: Path,
    *,
    source: str,
    now: dt.datetime,
    rejects: Path,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Add the readers of a CSV file; `source` says where their consent comes from when a row does not.

    A second run adds nothing. Nobody known is made active again; a row that says unsubscribed,
    bounced or complained stops a known reader. Lines that cannot be used go with their reason into
    the file `rejects`. `progress` gets the number of lines done, after each transaction.
    Refuses a file without a usable header; Ctrl-C keeps what is committed and says how to go on.
    """
    tally: collections.Counter[str] = collections.Counter()
    with (
        contextlib.closing(_rejects.RejectsFile(rejects, path)) as out,
        contextlib.closing(_rows.read(path, now)) as lines,
    ):
        try:
            while chunk := list(itertools.islice(lines, CHUNK)):
                stage = _import_chunk(engine, keys, chunk, source=source, now=now)
                out.write(stage.rejects)
                tally.update(stage.tally)
                if progress:
                    progress(tally["read"])
        except KeyboardInterrupt:
            msg = f"the import of {path} was stopped after {tally['read']:,} lines; what they hold is stored"
            hint = "run the same command again: it goes through the file anew and adds nobody twice"
            raise errors.Interrupted(msg, hint=hint) from None
    names = [field.name for field in dataclasses.fields(ImportReport) if field.name != "rejects_path"]
    left_out = tally["suppressed"] + tally["rejected"]
    return ImportReport(**{name: tally[name] for name in names}, rejects_path=rejects if left_out else None)


def _import_chunk(
    engine: sa.Engine, keys: vault.Vault, chunk: Sequence[_rows.Row | _rows.Reject], *, source: str, now: dt.datetime
) -> _Stage:
    """Store one chunk in one transaction; whatever is slow and needs no database comes before it."""
    entries = [
        _Entry(line, keys.index(line.address), keys.suppression(line.address))
        for line in chunk
        if isinstance(line, _rows.Row)
    ]
    with database.writing(engine) as connection:
        _tables.require_key(connection, keys)
        stage = _sort_out(connection, entries)
        fresh = _insert_subscribers(connection, keys, stage.fresh, now)
        _stop(connection, stage.stopped)
        proofs = [*_given(fresh, now), *_withdrawn(fresh | stage.stopped, now)]
        _insert_consents(connection, proofs, source)
    bad = [line for line in chunk if isinstance(line, _rows.Reject)]
    stage.tally.update(read=len(chunk), added=len(stage.fresh), stopped=len(stage.stopped), rejected=len(bad))
    rejects = sorted([*bad, *stage.rejects], key=lambda reject: reject.line)
    return dataclasses.replace(stage, rejects=rejects)


def _sort_out(connection: sa.Connection, entries: Sequence[_Entry]) -> _Stage:
    """Tell new entries from known, stopping and suppressed ones. The first line wins, but a stop always counts."""
    stage = _Stage({}, {}, [], collections.Counter())
    known = _known(connection, [entry.index for entry in entries])
    suppressed = _suppressed(connection, [entry.suppression for entry in entries])
    for entry in entries:
        if entry.suppression in suppressed:
            stage.tally["suppressed"] += 1
            stage.rejects.append(_suppressed_line(entry.row))
            continue
        stops = entry.row.state in STOPPED
        if entry.index in known:
            stage.tally["already"] += 1
            id_, state = known[entry.index]
            if stops and state not in STOPPED:
                stage.stopped.setdefault(id_, entry)
        elif entry.index in stage.fresh:
            stage.tally["already"] += 1
            if stops and stage.fresh[entry.index].row.state not in STOPPED:
                stage.fresh[entry.index] = entry
        else:
            stage.fresh[entry.index] = entry
    return stage


def _suppressed_line(row: _rows.Row) -> _rows.Reject:
    """Name the line, not the address: nothing is kept of a person who asked to be forgotten."""
    return _rows.Reject(row.line, "suppressed: this person must not be mailed; take the line out of your file", "")


def _known(connection: sa.Connection, indexes: Sequence[bytes]) -> dict[bytes, tuple[int, model.State]]:
    table = _tables.subscriber.c
    query = sa.select(table.address_index, table.id, table.state).where(
        table.address_index.in_(indexes), table.kind == _tables.Kind.READER
    )
    return {index: (id_, model.State(state)) for index, id_, state in connection.execute(query)}


def _suppressed(connection: sa.Connection, hashes: Sequence[bytes]) -> set[bytes]:
    table = _tables.suppression.c
    return set(connection.scalars(sa.select(table.hash).where(table.hash.in_(hashes))))


def _insert_subscribers(
    connection: sa.Connection, keys: vault.Vault, fresh: dict[bytes, _Entry], now: dt.datetime
) -> dict[int, _Entry]:
    """Insert the new readers; return their entries by subscriber id."""
    if not fresh:
        return {}
    values = [
        {
            "public_id": keys.new_public_id(),
            "address_sealed": keys.seal(entry.row.address),
            "address_index": entry.index,
            "suppression_hash": entry.suppression,
            "kind": _tables.Kind.READER,
            "state": entry.row.state,
            "created_at": now,
        }
        for entry in fresh.values()
    ]
    table = _tables.subscriber
    inserted = connection.execute(sa.insert(table).returning(table.c.id, table.c.address_index), values)
    return {id_: fresh[index] for id_, index in inserted}


def _stop(connection: sa.Connection, stopped: dict[int, _Entry]) -> None:
    if stopped:
        table = _tables.subscriber
        statement = sa.update(table).where(table.c.id == sa.bindparam("of")).values(state=sa.bindparam("to"))
        connection.execute(statement, [{"of": id_, "to": entry.row.state} for id_, entry in stopped.items()])


def _given(entries: dict[int, _Entry], now: dt.datetime) -> Iterator[_Proof]:
    for id_, entry in entries.items():
        yield _Proof(id_, _tables.Consent.IMPORTED, entry.row.consent_at or now, entry.row.consent_source)


def _withdrawn(entries: dict[int, _Entry], now: dt.datetime) -> Iterator[_Proof]:
    """A file says that a reader has stopped, not when: it counts from now."""
    for id_, entry in entries.items():
        if entry.row.state in {model.State.UNSUBSCRIBED, model.State.COMPLAINED}:
            yield _Proof(id_, _tables.Consent.WITHDRAWN, now, entry.row.consent_source)


def _insert_consents(connection: sa.Connection, proofs: Sequence[_Proof], source: str) -> None:
    values = [
        {
            "subscriber_id": proof.subscriber,
            "kind": proof.kind,
            "at": proof.at,
            "source": proof.source or source,
            "wording": "",
        }
        for proof in proofs
    ]
    if values:
        connection.execute(sa.insert(_tables.consent), values)
