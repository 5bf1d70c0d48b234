"""The database: one engine, short transactions, and the schema's migrations.

SQLite in WAL mode with synchronous=FULL: what was committed survives a crash, which is what
"claim, push, record" rests on. Tables are declared where they are used (`audience`, `ledger`).
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.util.exc import CommandError

from pipeline import errors

MIGRATIONS = Path(__file__).parent / "migrations"
metadata = sa.MetaData()


def open_engine(url: str, root: Path) -> sa.Engine:
    """Open the database at `url` (a relative SQLite path starts at `root`) and bring its schema up to date."""
    engine = _engine(_absolute(url, root))
    try:
        _migrate(engine)
    except CommandError as error:
        msg = f"the database at {engine.url.render_as_string()} was made by another version: {error}"
        raise errors.StorageProblem(msg, hint="install the version that made it, or restore a backup") from error
    except sa.exc.DatabaseError as error:
        raise _storage_problem(engine.url, error) from error
    return engine


def _absolute(url: str, root: Path) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        msg = f"database.url {url!r} is not a database address"
        raise errors.ConfigProblem(msg, hint='use for example "sqlite:///var/mscare.db"') from error
    if parsed.get_backend_name() != "sqlite":
        msg = f"database.url: {parsed.get_backend_name()} is not supported yet"
        raise errors.ConfigProblem(msg, hint='use "sqlite:///var/mscare.db"')
    if not parsed.database or parsed.database == ":memory:":
        msg = "database.url must name a file: a ledger in memory would forget who was mailed"
        raise errors.ConfigProblem(msg, hint='use "sqlite:///var/mscare.db"')
    path = root / parsed.database
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {path.parent}: {error.strerror}"
        raise errors.StorageProblem(msg, hint="give this user the right to write there") from error
    return parsed.set(database=str(path))


def _engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": 30})

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver would otherwise begin transactions on its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        # A reader that turns writer in mid-transaction cannot wait for the lock, it fails: so say it at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextlib.contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open one consistent view of the database."""
    with _told(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Open one transaction that is committed at the end, or leaves no trace."""
    with _told(engine), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextlib.contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Turn the driver's errors into a sentence: a full disk, a broken file, a lock held too long."""
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DatabaseError as error:
        raise _storage_problem(engine.url, error) from error


def _storage_problem(url: sa.URL, error: sa.exc.DatabaseError) -> errors.StorageProblem:
    reason = str(error.orig)
    hints = {
        "file is not a database": "move the file away and restore a backup",
        "malformed": "move the file away and restore a backup",
        "full": "free some space on the disk, then run the same command again",
        "locked": "another process holds the database; wait for it to end, then run the same command again",
        "readonly": "give this user the right to write to the file and its folder",
        "unable to open": "check that the folder exists and that this user may write to it",
    }
    hint = next((text for sign, text in hints.items() if sign in reason), "run `mscare doctor`")
    return errors.StorageProblem(f"the database {url.database} does not work: {reason}", hint=hint)


def _migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision; does nothing when it is there."""
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["engine"] = engine
    alembic.command.upgrade(settings, "head")
