"""Claims about importing: every line has an answer, twice is once, and stopping loses nothing."""

import csv
import datetime as dt
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline import audience, database, errors, model, vault
from pipeline.audience import _rows

KEYS = vault.Vault(bytes(range(32)))
NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
Import = Callable[..., audience.ImportReport]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database.open_engine("sqlite:///list.db", tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def take(engine: sa.Engine, tmp_path: Path) -> Import:
    """Import a text or bytes as readers.csv."""

    def run(content: str | bytes, progress: Callable[[int], None] | None = None) -> audience.ImportReport:
        file = tmp_path / "readers.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        rejects = tmp_path / "rejects.csv"
        return audience.import_csv(engine, KEYS, file, source="fair", now=NOW, rejects=rejects, progress=progress)

    return run


def numbers(report: audience.ImportReport) -> dict[str, int]:
    names = ("read", "added", "already", "stopped", "suppressed", "rejected")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def rejects(report: audience.ImportReport) -> list[list[str]]:
    assert report.rejects_path
    with report.rejects_path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["line", "reason", "row"]
    return rows


def reason(take: Import, content: str | bytes) -> str:
    """Import one bad line and return the reason it was given."""
    report = take(content)
    assert numbers(report) == {"read": 1, "rejected": 1}
    ((line, why, _row),) = rejects(report)
    assert line == "2"
    return why


def many(count: int) -> str:
    return "email\n" + "".join(f"reader{number}@example.org\n" for number in range(count))


def stored(engine: sa.Engine) -> list[tuple[str, str]]:
    table = database.metadata.tables["subscriber"].c
    with database.reading(engine) as connection:
        query = sa.select(table.address_sealed, table.state).order_by(table.id)
        return [(KEYS.open(sealed), state) for sealed, state in connection.execute(query)]


def consents(engine: sa.Engine) -> list[tuple[str, str, dt.datetime]]:
    table = database.metadata.tables["consent"].c
    with database.reading(engine) as connection:
        query = sa.select(table.kind, table.source, table.at).order_by(table.id)
        return [(row[0], row[1], row[2]) for row in connection.execute(query)]


# --- the file's form ----------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "email\nanna@example.org\n",
        "email\nanna@example.org",
        "E-Mail\nanna@example.org\n",
        " Address \nanna@example.org\n",
        '"email"\r\n"anna@example.org"\r\n',
        "\ufeffEMAIL\nanna@example.org\n",
        "email\ranna@example.org\r",
        "state;email\nactive;anna@example.org\n",
        "state,email\n, anna@example.org \n",
        "email\n\n\nanna@example.org\n   \n\n",
    ],
)
def test_common_forms_of_a_list_are_read(take: Import, engine: sa.Engine, content: str) -> None:
    assert numbers(take(content)) == {"read": 1, "added": 1}
    assert stored(engine) == [("anna@example.org", "active")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        ("email,name,phone\na@example.org,A,1\n", "never stored: 'name', 'phone'"),
        ("state\nactive\n", "0 columns for email"),
        ("email,address\na@example.org,b@example.org\n", "2 columns for email"),
        ("email,state,State\n", "2 columns for state"),
        ('"email\na@example.org\n', "quotation marks"),
        (b"PK\x03\x04\x14\x00\x06\x00", "does not name the columns"),
        ("email\n".encode("utf-16"), "does not name the columns"),
        ("email\tstate\n", "does not name the columns"),
    ],
)
def test_a_file_without_a_usable_header_is_refused(
    take: Import, engine: sa.Engine, content: str | bytes, said: str
) -> None:
    with pytest.raises(errors.AudienceProblem) as caught:
        take(content)
    assert said in caught.value.message
    assert "readers.csv" in caught.value.message
    assert caught.value.hint
    assert stored(engine) == []


def test_a_list_without_a_header_is_refused_without_repeating_its_first_address(take: Import) -> None:
    with pytest.raises(errors.AudienceProblem, match="does not name the columns") as caught:
        take("anna@example.org\nben@example.org\n")
    assert "anna" not in caught.value.message + caught.value.hint


def test_a_missing_file_and_a_folder_are_told_in_a_sentence(engine: sa.Engine, tmp_path: Path) -> None:
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(errors.AudienceProblem, match="cannot read") as caught:
            audience.import_csv(engine, KEYS, path, source="", now=NOW, rejects=tmp_path / "rejects.csv")
        assert caught.value.hint


# --- bad lines ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("anna", "must have an @-sign"),
        ("Anna <anna@example.org>", "display name"),
        ("anna@example.org;ben@example.org", "@"),
        ("anna@example.org,active", "2 columns, the header has 1"),
        ('"anna@example.org', "quotation marks"),
        ('"anna"@example.org', "quotation marks"),
        ('""', "no address"),
        ("anna@example.org\x00", "U+0000"),
        ("anna@example.org\x0bBcc: ben@example.org", "U+000B"),
        ("anna@localhost", "@-sign"),
        ("a" * 300 + "@example.org", "longer than 254"),
        ("a" * 20_000, "longer than 10,000"),
    ],
)
def test_a_bad_line_is_reported_with_its_number_and_reason(take: Import, line: str, said: str) -> None:
    assert said in reason(take, f"email\n{line}\n")


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        ("state", "deleted", "state is not one of active"),
        ("consent_at", "31.03.2026", "not an ISO date"),
        ("consent_at", "2026-02-30", "not an ISO date"),
        ("consent_at", "0001-01-01T00:00:00+23:59", "not an ISO date"),
        ("consent_at", "2027-01-01", "lies in the future"),
        ("consent_source", "x" * 201, "longer than 200"),
        ("consent_source", "x\x07y", "control characters"),
        ("state,consent_at", "active", "2 columns, the header has 3"),
    ],
)
def test_a_bad_cell_is_reported_with_what_was_expected(take: Import, columns: str, cells: str, said: str) -> None:
    assert said in reason(take, f"email,{columns}\nanna@example.org,{cells}\n")


def test_a_line_that_is_not_utf8_is_reported_with_its_bytes_and_the_others_are_read(
    take: Import, engine: sa.Engine
) -> None:
    report = take(b"email\nanna@example.org\nj\xf6rg@example.org\nben@example.org\n")
    assert numbers(report) == {"read": 3, "added": 2, "rejected": 1}
    assert rejects(report) == [["3", "the line is not UTF-8 text", "j\udcf6rg@example.org"]]
    assert report.rejects_path
    assert b"j\xf6rg@example.org" in report.rejects_path.read_bytes()
    assert len(stored(engine)) == 2


def test_a_line_break_in_quotes_brings_no_second_header_into_a_mail(take: Import, engine: sa.Engine) -> None:
    report = take('email\n"anna@example.org\r\nBcc: ben@example.org"\ncarl@example.org\n')
    assert numbers(report) == {"read": 3, "added": 1, "rejected": 2}
    assert [row[0] for row in rejects(report)] == ["2", "3"]
    assert stored(engine) == [("carl@example.org", "active")]


def test_a_quotation_mark_left_open_swallows_no_reader(take: Import) -> None:
    report = take('email\n"anna@example.org\n' + "".join(f"r{number}@example.org\n" for number in range(5_000)))
    assert numbers(report) == {"read": 5_001, "added": 5_000, "rejected": 1}


def test_line_numbers_are_those_of_an_editor(take: Import) -> None:
    report = take("email\n\nbad\n\n\nworse\nanna@example.org\n" + "x" * 30_000 + "\nworst\n")
    assert [row[0] for row in rejects(report)] == ["3", "6", "8", "9"]


def test_an_endless_line_takes_no_memory(take: Import) -> None:
    content = b"email\n" + b"x" * 50_000_000
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        report = take(content)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert numbers(report) == {"read": 1, "rejected": 1}
    assert peak < 5_000_000


def test_the_rejects_file_is_for_its_owner_only_and_tells_nothing_when_nothing_is_wrong(
    take: Import, tmp_path: Path
) -> None:
    report = take("email\nbad\n")
    assert report.rejects_path == tmp_path / "rejects.csv"
    assert report.rejects_path.stat().st_mode & 0o777 == 0o600
    assert take("email\nanna@example.org\n").rejects_path is None
    assert not (tmp_path / "rejects.csv").exists()


def test_a_rejects_file_imported_in_place_is_refused_and_kept(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("email\nanna@example.org\n", encoding="utf-8")
    with pytest.raises(errors.AudienceProblem, match="rejected lines") as caught:
        audience.import_csv(engine, KEYS, path, source="", now=NOW, rejects=path)
    assert caught.value.hint
    assert path.read_text(encoding="utf-8") == "email\nanna@example.org\n"


def test_a_place_where_rejects_cannot_be_written_is_told_in_a_sentence(engine: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "readers.csv"
    file.write_text("email\nbad\n", encoding="utf-8")
    with pytest.raises(errors.StorageProblem, match="rejected lines") as caught:
        audience.import_csv(engine, KEYS, file, source="", now=NOW, rejects=file / "rejects.csv")
    assert caught.value.hint


# --- once is enough -------------------------------------------------------------------


def test_a_second_import_adds_nothing(take: Import, engine: sa.Engine) -> None:
    content = many(2_500)
    assert numbers(take(content)) == {"read": 2_500, "added": 2_500}
    assert numbers(take(content)) == {"read": 2_500, "already": 2_500}
    assert len(consents(engine)) == 2_500


def test_an_address_twice_in_a_file_is_one_reader_and_the_first_line_wins(take: Import, engine: sa.Engine) -> None:
    report = take("email,state\nanna@example.org,pending\nAnna@EXAMPLE.org,active\n")
    assert numbers(report) == {"read": 2, "added": 1, "already": 1}
    assert stored(engine) == [("anna@example.org", "pending")]


def test_an_address_twice_but_far_apart_is_one_reader(take: Import) -> None:
    assert numbers(take(many(3_000) + "reader0@example.org\n")) == {"read": 3_001, "added": 3_000, "already": 1}


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "complained", "pending"])
def test_an_import_makes_nobody_active_again(take: Import, engine: sa.Engine, state: str) -> None:
    take(f"email,state\nanna@example.org,{state}\n")
    assert numbers(take("email,state\nanna@example.org,active\n")) == {"read": 1, "already": 1}
    assert stored(engine) == [("anna@example.org", state)]


@pytest.mark.parametrize("state", ["unsubscribed", "bounced", "complained"])
def test_a_file_that_says_a_known_reader_has_stopped_is_believed(take: Import, engine: sa.Engine, state: str) -> None:
    take("email\nanna@example.org\nben@example.org\n")
    content = f"email,state\nanna@example.org,{state}\n"
    assert numbers(take(content)) == {"read": 1, "already": 1, "stopped": 1}
    assert numbers(take(content)) == {"read": 1, "already": 1}
    assert stored(engine) == [("anna@example.org", state), ("ben@example.org", "active")]


def test_a_stop_counts_even_below_a_line_that_says_active(take: Import, engine: sa.Engine) -> None:
    report = take("email,state\nanna@example.org,active\nanna@example.org,unsubscribed\n")
    assert numbers(report) == {"read": 2, "added": 1, "already": 1}
    assert stored(engine) == [("anna@example.org", "unsubscribed")]


def test_a_suppressed_address_is_counted_apart_and_not_copied(take: Import, engine: sa.Engine) -> None:
    audience.erase(engine, KEYS, "anna@example.org", NOW)
    report = take("email\nben@example.org\nANNA@example.org\nbad\n")
    assert numbers(report) == {"read": 3, "added": 1, "suppressed": 1, "rejected": 1}
    assert [row[0] for row in rejects(report)] == ["3", "4"]
    assert "take the line out" in rejects(report)[0][1]
    assert report.rejects_path
    assert b"anna" not in report.rejects_path.read_bytes().lower()


# --- consent ----------------------------------------------------------------------------


def test_consent_is_recorded_with_its_own_time_and_source_or_those_of_the_import(
    take: Import, engine: sa.Engine
) -> None:
    take(
        "email,consent_at,consent_source\n"
        "anna@example.org,2026-03-31,paper form\n"
        "ben@example.org,2026-03-31T10:00:00+02:00,\n"
        "carl@example.org,,\n"
    )
    assert consents(engine) == [
        ("imported", "paper form", dt.datetime(2026, 3, 31, tzinfo=dt.UTC)),
        ("imported", "fair", dt.datetime(2026, 3, 31, 8, tzinfo=dt.UTC)),
        ("imported", "fair", NOW),
    ]


def test_an_end_of_consent_in_a_file_is_recorded_as_learnt_now(take: Import, engine: sa.Engine) -> None:
    take("email,state,consent_at\nanna@example.org,unsubscribed,2026-03-31\n")
    assert consents(engine) == [
        ("imported", "fair", dt.datetime(2026, 3, 31, tzinfo=dt.UTC)),
        ("withdrawn", "fair", NOW),
    ]


# --- whatever comes -------------------------------------------------------------------------

cells = st.text(st.characters(exclude_characters="\r\n"), max_size=30) | st.emails()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.tuples(cells, cells), max_size=12))
def test_every_line_has_exactly_one_answer(take: Import, rows: list[tuple[str, str]]) -> None:
    report = take(b"email,consent_source\n" + "".join(f"{a},{b}\n" for a, b in rows).encode())
    assert report.read == report.added + report.already + report.suppressed + report.rejected
    assert report.read == sum(1 for a, b in rows if f"{a},{b}".strip())
    assert len(rejects(report) if report.rejects_path else []) == report.suppressed + report.rejected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_break_an_import(take: Import, content: bytes) -> None:
    report = take(b"email\n" + content)
    assert report.read == report.added + report.already + report.suppressed + report.rejected


# --- documentation ----------------------------------------------------------------------------


def test_the_page_for_operators_names_every_column_state_and_count() -> None:
    page = (Path(__file__).parents[1] / "docs" / "subscribers.md").read_text(encoding="utf-8")
    words = [*_rows.ADDRESS_NAMES, *_rows.OPTIONAL_NAMES, *model.State, "stopped"]
    assert [word for word in words if f"`{word}`" not in page] == []
