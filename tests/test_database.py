"""Claims about opening and using the database: never half, never in silence, never readable by others."""

import contextlib
import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st

from pipeline import audience, database, errors

URL = "sqlite:///var/mscare.db"
NOBODY = 65534
OPEN_WHEN_TOLD = """
import sys
from pathlib import Path
from pipeline import audience, database, errors
print("ready", flush=True)
sys.stdin.readline()
try:
    engine = database.open_engine("sqlite:///var/mscare.db", Path(sys.argv[1]))
except errors.Problem as problem:
    print(type(problem).__name__, problem.message, "|", problem.hint)
else:
    print(sorted(audience.count(engine)))
    engine.dispose()
"""


@contextlib.contextmanager
def opened(root: Path) -> Iterator[sa.Engine]:
    engine = database.open_engine(URL, root)
    try:
        yield engine
    finally:
        engine.dispose()


def refused(root: Path, url: str = URL) -> errors.Problem:
    with pytest.raises(errors.Problem) as caught:
        database.open_engine(url, root)
    assert caught.value.hint
    return caught.value


def pragma(engine: sa.Engine, name: str) -> object:
    with database.reading(engine) as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def revision(root: Path) -> str:
    with contextlib.closing(sqlite3.connect(root / "var" / "mscare.db")) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(found)


# --- opening ------------------------------------------------------------------


def test_a_new_database_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        audience.count(engine)
        modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "var").iterdir()}
    assert modes == {"mscare.db": 0o600, "mscare.db-wal": 0o600, "mscare.db-shm": 0o600}
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_every_connection_writes_ahead_in_full_and_overwrites_what_it_deletes(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        found = {
            name: pragma(engine, name) for name in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}


def test_opening_again_needs_no_lock(tmp_path: Path) -> None:
    with opened(tmp_path) as first, database.writing(first), opened(tmp_path) as second:
        assert audience.count(second)["active"] == 0


def test_the_declared_tables_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    declared = set(database.metadata.tables)
    with opened(tmp_path) as engine, database.reading(engine) as connection:
        differences = compare_metadata(MigrationContext.configure(connection), database.metadata)
    ours = [one for one in differences if not (one[0] == "remove_table" and one[1].name not in declared)]
    assert [one for one in ours if one[0] != "remove_index" or one[1].table.name in declared] == []


def test_six_processes_may_open_a_new_database_at_the_same_moment(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", OPEN_WHEN_TOLD, str(tmp_path)]
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            for _ in range(6)
        ]
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        answers = [process.communicate()[0] for process in processes]
    assert answers == ["['active', 'bounced', 'complained', 'pending', 'unsubscribed']\n"] * 6


def test_two_threads_may_open_a_new_database_at_the_same_moment(tmp_path: Path) -> None:
    start = threading.Barrier(4)
    found: list[dict[str, int]] = []

    def work() -> None:
        start.wait()
        with opened(tmp_path) as engine:
            found.append(audience.count(engine))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4


# --- refusing ------------------------------------------------------------------


def test_a_file_that_is_no_database_is_told_in_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "mscare.db"
    path.parent.mkdir()
    path.write_bytes(b"this is a letter, not a database\n" * 100)
    problem = refused(tmp_path)
    assert isinstance(problem, errors.StorageProblem)
    assert "file is not a database" in problem.message
    assert "backup" in problem.hint
    assert path.read_bytes().startswith(b"this is a letter")


def test_a_damaged_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    path = tmp_path / "var" / "mscare.db"
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)  # the header still says that this is SQLite
    path.write_bytes(content)
    problem = refused(tmp_path)
    assert isinstance(problem, errors.StorageProblem)
    assert "malformed" in problem.message
    assert "backup" in problem.hint


def test_damage_met_while_reading_is_told_in_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path):
        pass
    path = tmp_path / "var" / "mscare.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'subscriber'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)
    with opened(tmp_path) as engine, pytest.raises(errors.StorageProblem, match="malformed") as caught:
        audience.count(engine)
    assert "backup" in caught.value.hint


def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as engine, database.writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    problem = refused(tmp_path)
    assert isinstance(problem, errors.StorageProblem)
    assert "another version" in problem.message
    assert "9999" in problem.message
    assert revision(tmp_path) == "9999"


def test_a_folder_in_place_of_the_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var" / "mscare.db").mkdir(parents=True)
    assert isinstance(refused(tmp_path), errors.StorageProblem)


def test_a_file_in_place_of_the_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a folder")
    problem = refused(tmp_path)
    assert isinstance(problem, errors.StorageProblem)
    assert "right to write" in problem.hint


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that another user may enter, which those of pytest are not."""
    path = Path(tempfile.mkdtemp(prefix="mscare-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def as_nobody(root: Path) -> str:
    """Open the database as a user without rights; the program is loaded before the rights are dropped."""
    drop = f"import os; os.setgid({NOBODY}); os.setuid({NOBODY})" if os.getuid() == 0 else ""
    script = OPEN_WHEN_TOLD.replace('print("ready", flush=True)', drop)
    command = [sys.executable, "-W", "error", "-c", script, str(root)]
    return subprocess.run(command, input="go\n", capture_output=True, text=True, check=True).stdout


def test_a_folder_without_the_right_to_write_is_told_in_a_sentence(shared_folder: Path) -> None:
    (shared_folder / "var").mkdir()
    (shared_folder / "var").chmod(0o555)
    answer = as_nobody(shared_folder)
    assert answer.startswith("StorageProblem the database ")
    assert "Permission denied" in answer
    assert "give this user the right to write" in answer


def test_a_place_where_no_folder_can_be_made_is_told_in_a_sentence(shared_folder: Path) -> None:
    shared_folder.chmod(0o555)
    answer = as_nobody(shared_folder)
    assert answer.startswith("StorageProblem the database ")
    assert "give this user the right to write" in answer


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://localhost/mscare", "not supported yet"),
        ("sqlite+aiosqlite:///var/mscare.db", "not supported yet"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("var/mscare.db", "not a database address"),
    ],
)
def test_an_address_that_is_no_sqlite_file_is_refused(tmp_path: Path, url: str, said: str) -> None:
    problem = refused(tmp_path, url)
    assert isinstance(problem, errors.ConfigProblem)
    assert said in problem.message
    assert list(tmp_path.iterdir()) == []


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "50% of it" / "list.db"
    database.open_engine(f"sqlite:///{place}", tmp_path / "elsewhere").dispose()
    assert place.exists()
    assert not (tmp_path / "elsewhere").exists()


# --- transactions ----------------------------------------------------------------


def suppress_something(connection: sa.Connection, digest: bytes) -> None:
    table = database.metadata.tables["suppression"]
    connection.execute(sa.insert(table).values(hash=digest, reason="erased", at=dt.datetime.now(dt.UTC)))


def suppressed(engine: sa.Engine) -> int:
    with database.reading(engine) as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(database.metadata.tables["suppression"])) or 0


def test_a_transaction_that_fails_leaves_no_trace(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        with contextlib.suppress(KeyboardInterrupt), database.writing(engine) as connection:
            suppress_something(connection, b"1")
            raise KeyboardInterrupt
        assert suppressed(engine) == 0


def test_a_reader_sees_one_moment_and_does_not_hold_up_a_writer(tmp_path: Path) -> None:
    table = database.metadata.tables["suppression"]
    with opened(tmp_path) as engine:
        with database.reading(engine) as connection:
            assert connection.execute(sa.select(table)).all() == []
            with database.writing(engine) as other:
                suppress_something(other, b"1")
            assert connection.execute(sa.select(table)).all() == []
        assert suppressed(engine) == 1


def test_a_full_disk_is_told_in_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        with database.reading(engine) as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no further page; the pool gives it out again
        with pytest.raises(errors.StorageProblem, match="full") as caught, database.writing(engine) as connection:
            suppress_something(connection, b"x" * 1_000_000)
        assert "free some space" in caught.value.hint
        assert suppressed(engine) == 0


def test_a_lock_held_too_long_is_told_in_a_sentence(tmp_path: Path) -> None:
    with opened(tmp_path) as engine, opened(tmp_path) as other:
        with database.reading(other) as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout = 1")  # this pooled connection is used again below
        with (
            database.writing(engine),
            pytest.raises(errors.StorageProblem, match="locked") as caught,
            database.writing(other),
        ):
            pass
    assert "another process" in caught.value.hint


def test_an_error_of_the_database_shows_no_stored_value(tmp_path: Path) -> None:
    with opened(tmp_path) as engine:
        with database.writing(engine) as connection:
            suppress_something(connection, b"secret-hash")
        with pytest.raises(sa.exc.IntegrityError) as caught, database.writing(engine) as connection:
            suppress_something(connection, b"secret-hash")
    assert "secret-hash" not in str(caught.value)


# --- instants ----------------------------------------------------------------------

zones = st.integers(-1439, 1439).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
seconds = st.floats(-60_000_000_000, 250_000_000_000)  # from the year 68 to 9892
instants = st.builds(dt.datetime.fromtimestamp, seconds, zones)


@given(instants)
def test_a_stored_instant_comes_back_to_the_second_in_utc(moment: dt.datetime) -> None:
    column, dialect = database.Instant(), sa.create_engine("sqlite://").dialect
    back = column.process_result_value(column.process_bind_param(moment, dialect), dialect)
    assert back is not None
    assert back.tzinfo is dt.UTC
    assert abs(back - moment) < dt.timedelta(seconds=1)


def test_a_time_without_a_zone_is_not_stored(tmp_path: Path) -> None:
    table = database.metadata.tables["export_log"]
    naive = dt.datetime(2026, 1, 1)  # noqa: DTZ001  the claim is about such a time
    with opened(tmp_path) as engine, database.writing(engine) as connection:
        with pytest.raises(sa.exc.StatementError, match="without a zone"):
            connection.execute(sa.insert(table).values(at=naive, rows=1))
        assert connection.execute(sa.select(table)).all() == []
