"""The database: one engine, short transactions, and the schema's migrations.

SQLite in WAL mode with synchronous=FULL: what was committed survives a crash, which is what
"claim, push, record" rests on. Tables are declared where they are used (`audience`, `ledger`).
The file is readable by its owner only, and what is deleted is overwritten.
"""

import contextlib
import datetime as dt
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from pipeline import errors

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 30.0  # seconds to wait for a lock that another process holds
metadata = sa.MetaData()


class Instant(sa.types.TypeDecorator[dt.datetime]):
    """A moment as whole seconds UTC: one spelling, sorts and compares as it is, free of zones; refuses a naive time."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, _dialect: sa.Dialect) -> int | None:
        """Turn an aware time into seconds."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a time without a zone cannot be stored"
            raise ValueError(msg)
        return int(value.timestamp())

    def process_result_value(self, value: int | None, _dialect: sa.Dialect) -> dt.datetime | None:
        """Turn seconds into an aware time, UTC."""
        return None if value is None else dt.datetime.fromtimestamp(value, dt.UTC)


def open_engine(url: str, root: Path) -> sa.Engine:
    """Open the database at `url` (a relative SQLite path starts at `root`) and bring its schema up to date.

    Refuses an address that is no SQLite file, a place that cannot be written, a file that is damaged
    and a schema newer than this program. Any number of processes may do this at the same moment.
    """
    location = _absolute(url, root)
    engine = _engine(location)
    try:
        _prepare_file(Path(str(location.database)))
        _use_write_ahead_log(engine)
        _migrate(engine)
    except (sa.exc.DatabaseError, sqlite3.Error) as error:
        engine.dispose()
        raise _storage_problem(location, error) from error
    except BaseException:
        engine.dispose()
        raise
    return engine


def _absolute(url: str, root: Path) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        msg = f"database.url {url!r} is not a database address"
        raise errors.ConfigProblem(msg, hint='use for example "sqlite:///var/mscare.db"') from error
    if parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        msg = f"database.url: {parsed.drivername} is not supported yet"
        raise errors.ConfigProblem(msg, hint='use "sqlite:///var/mscare.db"')
    if not parsed.database or parsed.database == ":memory:":
        msg = "database.url must name a file: a ledger in memory would forget who was mailed"
        raise errors.ConfigProblem(msg, hint='use "sqlite:///var/mscare.db"')
    return parsed.set(database=str(root / parsed.database))


def _prepare_file(path: Path) -> None:
    """Make an absent file before SQLite does: its own would be readable by every user of the machine."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        msg = f"the database {path} cannot be opened: {error.strerror}"
        raise errors.StorageProblem(msg, hint="give this user the right to write to the file and its folder") from error


def _engine(url: sa.URL) -> sa.Engine:
    # hide_parameters: no blind index and no sealed address in any error text
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver would otherwise begin transactions on its own
        for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        # A reader that turns writer in mid-transaction cannot wait for the lock, it fails: so say it at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _use_write_ahead_log(engine: sa.Engine) -> None:
    """Switch a new file to WAL mode, which then stays: SQLite does not wait for the lock this takes, so we do."""
    give_up = time.monotonic() + PATIENCE
    with contextlib.closing(engine.raw_connection()) as connection:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > give_up:
                    raise
                time.sleep(0.01)
            else:
                return


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


def empty_log(engine: sa.Engine) -> None:
    """Move the write-ahead log into the file and empty it, so that what was deleted is in neither of them.

    Waits a second for other readers at most: with them, SQLite does it later by itself.
    """
    with _told(engine), contextlib.closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout=1000")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")


@contextlib.contextmanager
def _told(engine: sa.Engine) -> Iterator[None]:
    """Turn the driver's errors into a sentence: a full disk, a broken file, a lock held too long."""
    try:
        yield
    except (sa.exc.IntegrityError, sqlite3.IntegrityError):
        raise
    except (sa.exc.DatabaseError, sqlite3.Error) as error:
        raise _storage_problem(engine.url, error) from error


def _storage_problem(url: sa.URL, error: sa.exc.DatabaseError | sqlite3.Error) -> errors.StorageProblem:
    reason = str(error.orig if isinstance(error, sa.exc.DatabaseError) else error)
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
    """Bring the schema to the newest revision; takes no lock when it is there."""
    newest = max(path.stem.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
    if _revision(engine) != newest:
        from pipeline.migrations import upgrading  # noqa: PLC0415  Alembic is slow to import and seldom needed

        upgrading.upgrade(engine)


def _revision(engine: sa.Engine) -> str | None:
    """Return the revision that the database says it has, None for a new one."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
