"""Exporting the readers: in plain text, so to a new file for its owner's eyes only, and never unlogged."""

import contextlib
import csv
import datetime as dt
import os
from pathlib import Path

import sqlalchemy as sa

from pipeline import database, errors, vault
from pipeline.audience import _tables

WINDOW = 2_000  # rows fetched at once
COLUMNS = ("email", "state", "consent_at", "consent_source")  # what an import takes


def export(engine: sa.Engine, keys: vault.Vault, path: Path, now: dt.datetime) -> int:
    """Write every reader to a new CSV file that an import can read; return how many.

    Refuses to overwrite. The file appears complete or not at all, after the export is in the log.
    """
    if path.exists():
        msg = f"{path} exists already"
        raise errors.AudienceProblem(msg, hint="name a file that does not exist yet")
    draft = path.with_name(f".{path.name}.part")
    try:
        rows = _write(engine, keys, draft)
        with database.writing(engine) as connection:
            connection.execute(sa.insert(_tables.export_log).values(at=now, rows=rows))
        draft.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise errors.StorageProblem(
            msg, hint="check the disk and the folder, then run the same command again"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return rows


def _write(engine: sa.Engine, keys: vault.Vault, draft: Path) -> int:
    draft.unlink(missing_ok=True)  # what a killed export left behind
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    rows = 0
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file, database.reading(engine) as connection:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        readers = connection.execute(_query(), execution_options={"yield_per": WINDOW})
        for sealed, state, at, source in readers:
            writer.writerow((keys.open(sealed), state, at.isoformat() if at else "", source or ""))
            rows += 1
        file.flush()
        os.fsync(handle)
    return rows


def _query() -> sa.Select[bytes, str, dt.datetime | None, str | None]:
    """Each reader with the newest consent that was given."""
    subscriber, consent, later = _tables.subscriber.c, _tables.consent.c, _tables.consent.alias().c
    newest = (
        sa.select(sa.func.max(later.id))
        .where(later.subscriber_id == subscriber.id, later.kind != _tables.Consent.WITHDRAWN)
        .correlate(_tables.subscriber)
        .scalar_subquery()
    )
    return (
        sa.select(subscriber.address_sealed, subscriber.state, consent.at, consent.source)
        .select_from(sa.outerjoin(_tables.subscriber, _tables.consent, consent.id == newest))
        .where(subscriber.kind == _tables.Kind.READER)
        .order_by(subscriber.id)
    )
