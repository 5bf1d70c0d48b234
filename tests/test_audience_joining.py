"""Who has left comes back by asking again, never by a link from before."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline import audience, database, vault

NOW = dt.datetime(2026, 12, 1, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
KEYS = vault.Vault(b"k" * 32)
ADDRESS = "reader@example.com"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = database.open_engine("sqlite:///mscare.db", tmp_path)
    yield opened
    opened.dispose()


def _ask(engine: sa.Engine, now: dt.datetime) -> bytes:
    public_id = audience.sign_up(engine, KEYS, ADDRESS, now)
    assert public_id is not None
    return public_id


def _confirm(engine: sa.Engine, public_id: bytes, now: dt.datetime) -> bool:
    return audience.confirm(engine, public_id, now, source="test", wording="I agree")


def _leave(engine: sa.Engine, public_id: bytes, now: dt.datetime) -> None:
    assert audience.unsubscribe(engine, public_id, now, source="test")


def test_an_old_confirmation_link_brings_nobody_back_who_has_left(engine: sa.Engine) -> None:
    """The page is loaded again, or the mail is opened once more: the link itself works for a week."""
    reader = _ask(engine, NOW)
    assert _confirm(engine, reader, NOW + HOUR)
    _leave(engine, reader, NOW + 2 * HOUR)
    assert not _confirm(engine, reader, NOW + 3 * HOUR)
    assert audience.count(engine)["unsubscribed"] == 1


def test_who_says_no_to_the_confirmation_mail_is_not_put_on_the_list_by_it(engine: sa.Engine) -> None:
    reader = _ask(engine, NOW)
    _leave(engine, reader, NOW + HOUR)
    assert not _confirm(engine, reader, NOW + 2 * HOUR)


def test_who_has_left_and_asks_again_is_back_with_the_new_press(engine: sa.Engine) -> None:
    reader = _ask(engine, NOW)
    assert _confirm(engine, reader, NOW)
    _leave(engine, reader, NOW + HOUR)
    assert _ask(engine, NOW + 2 * HOUR) == reader
    assert audience.count(engine)["unsubscribed"] == 1
    assert _confirm(engine, reader, NOW + 3 * HOUR)
    _leave(engine, reader, NOW + 4 * HOUR)
    assert not _confirm(engine, reader, NOW + 5 * HOUR)
