"""The schedule: which moment is meant, and what the worker does while people move things and the database is away."""

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import house
import pytest
import sqlalchemy as sa

from pipeline import agenda, config, database, errors, model, office
from pipeline.ledger import decisions

PAST = dt.datetime(2026, 2, 1, 9, tzinfo=dt.UTC)
FUTURE = dt.datetime(2098, 2, 1, 9, tzinfo=dt.UTC)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[office.Office]:
    """Yield an office in which nothing is built: whatever is due is refused at once."""
    place = house.build(tmp_path / "house")
    opened = office.open_office(config.load(place.root / "mscare.toml"))
    yield opened
    opened.engine.dispose()


def _states(here: office.Office) -> dict[str, str]:
    with database.reading(here.engine) as connection:
        return {item.edition: item.state.value for item in decisions.schedules(connection)}


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-12-01 09:00", "Europe"),
        ("2026-12-01 09:00", ""),
        ("2026-12-01 09:00", "../../etc/passwd"),
        ("2026-12-01 09:00", "x" * 5000),
        ("9999-12-31 23:59", "America/New_York"),
        ("0001-01-01 00:00", "Asia/Tokyo"),
        ("tomorrow", "Europe/London"),
        ("2011-12-30 10:00", "Pacific/Apia"),
    ],
    ids=["half a zone", "no zone", "a path", "a long zone", "the last day", "the first day", "a word", "no such day"],
)
def test_what_is_no_moment_is_refused_in_a_sentence(text: str, zone: str) -> None:
    with pytest.raises(errors.UsageProblem) as caught:
        agenda.moment(text, zone)
    assert caught.value.hint


def test_an_edition_that_is_moved_while_another_goes_out_is_left_alone(here: office.Office) -> None:
    for minute, slug in enumerate(("first", "moved", "last")):
        decisions.put_on_schedule(here.engine, slug, PAST + dt.timedelta(minutes=minute), "UTC")
    stop, said = threading.Event(), []

    def tell(line: str) -> None:
        said.append(line.partition(":")[0])
        if said[-1] == "first":
            decisions.put_on_schedule(here.engine, "moved", FUTURE, "UTC")
        if said[-1] == "last":
            stop.set()

    agenda.work(here, stop, tell)
    assert said == ["first", "last"]
    assert _states(here) == {"first": "refused", "moved": "waiting", "last": "refused"}


def test_a_refusal_is_not_written_over_a_new_date(here: office.Office) -> None:
    decisions.put_on_schedule(here.engine, "moved", FUTURE, "UTC")
    decisions.mark(here.engine, "moved", model.ScheduleState.REFUSED, "too early", due_by=PAST.timestamp())
    assert _states(here) == {"moved": "waiting"}


def test_the_worker_outlives_a_database_that_cannot_be_read(here: office.Office) -> None:
    decisions.put_on_schedule(here.engine, "due", PAST, "UTC")
    with database.writing(here.engine) as connection:
        connection.execute(sa.text("ALTER TABLE schedule RENAME TO away"))
    stop, said = threading.Event(), []

    def tell(line: str) -> None:
        said.append(line.partition(":")[0])
        if len(said) == 1:
            with database.writing(here.engine) as connection:
                connection.execute(sa.text("ALTER TABLE away RENAME TO schedule"))
        else:
            stop.set()

    agenda.work(here, stop, tell)
    assert said == ["the schedule cannot be read", "due"]


def test_an_edition_is_taken_off_the_schedule_and_nothing_else(here: office.Office) -> None:
    for slug in ("kept", "off"):
        decisions.put_on_schedule(here.engine, slug, FUTURE, "UTC")
    agenda.take_off(here, "off")
    assert _states(here) == {"kept": "waiting"}
    with pytest.raises(errors.UsageProblem, match="off does not wait on the schedule"):
        agenda.take_off(here, "off")


def test_what_was_refused_stays_on_the_schedule_for_its_reason(here: office.Office) -> None:
    decisions.put_on_schedule(here.engine, "late", PAST, "UTC")
    decisions.mark(here.engine, "late", model.ScheduleState.REFUSED, "too late")
    with pytest.raises(errors.UsageProblem, match="does not wait"):
        agenda.take_off(here, "late")
    assert _states(here) == {"late": "refused"}
