"""Claims about subscribers: none can be read at rest, none who left is mailed, one erased leaves a hash only."""

import csv
import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline import audience, database, errors, model, vault

KEYS = vault.Vault(bytes(range(32)))
OTHER_KEYS = vault.Vault(bytes(32))
NOW = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)
ANNA, BEN, CARL, DORA = (f"{name}@patients.example.org" for name in ("anna", "ben", "carl", "dora"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = database.open_engine("sqlite:///list.db", tmp_path)
    yield engine
    engine.dispose()


def add(engine: sa.Engine, *rows: str) -> None:
    """Import lines of the form `address,state`."""
    folder = Path(str(engine.url.database)).parent
    file = folder / "rows.csv"
    file.write_text("email,state\n" + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    audience.import_csv(engine, KEYS, file, source="fair", now=NOW, rejects=folder / "rejects.csv")
    file.unlink()


def everyone(engine: sa.Engine) -> list[model.Member]:
    with database.reading(engine) as connection:
        return list(audience.members(connection))


def look_again(engine: sa.Engine, *ids: int) -> dict[int, audience.Sendable]:
    with database.reading(engine) as connection:
        return audience.sendable(connection, ids)


def exclusions(engine: sa.Engine) -> list[str]:
    return [member.exclusion for member in everyone(engine)]


def consents(engine: sa.Engine) -> list[tuple[int, str, str, dt.datetime]]:
    table = database.metadata.tables["consent"].c
    with database.reading(engine) as connection:
        query = sa.select(table.subscriber_id, table.kind, table.source, table.at).order_by(table.id)
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def everything_on_disk(engine: sa.Engine) -> bytes:
    path = Path(str(engine.url.database))
    return b"".join(file.read_bytes() for file in path.parent.glob(path.name + "*"))


# --- at rest --------------------------------------------------------------------


def test_no_file_of_the_database_contains_an_address(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active", f"{BEN},pending")
    audience.test_members(engine, KEYS, [CARL], NOW)
    audience.suppress(engine, KEYS, ANNA, audience.Suppression.COMPLAINED, NOW)
    audience.erase(engine, KEYS, BEN, NOW)
    content = everything_on_disk(engine)
    assert b"fair" in content  # the source is there in plain text, so this looks in the right place
    assert not [word for word in (b"anna", b"ben@", b"carl", b"patients", b"example") if word in content.lower()]


def test_a_printed_member_shows_neither_address_nor_link(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    (member,) = everyone(engine)
    shown = repr(member) + repr(look_again(engine, member.id))
    assert "public_id" not in shown
    assert "sealed" not in shown
    assert repr(member.public_id) not in shown


def test_an_address_comes_back_for_sending(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    (member,) = everyone(engine)
    again = look_again(engine, member.id)[member.id]
    assert KEYS.open(again.address_sealed) == ANNA
    assert again.public_id == member.public_id
    assert again.exclusion == ""


def test_another_key_is_refused_before_anything_is_written(engine: sa.Engine, tmp_path: Path) -> None:
    """With another key everyone would be unknown, and an import would mail those who left."""
    add(engine, f"{ANNA},unsubscribed")
    file = tmp_path / "again.csv"
    file.write_text(f"email\n{ANNA}\n", encoding="utf-8")
    refusals: list[Callable[[], object]] = [
        lambda: audience.import_csv(engine, OTHER_KEYS, file, source="", now=NOW, rejects=tmp_path / "r.csv"),
        lambda: audience.erase(engine, OTHER_KEYS, ANNA, NOW),
        lambda: audience.suppress(engine, OTHER_KEYS, ANNA, audience.Suppression.BOUNCED, NOW),
        lambda: audience.test_members(engine, OTHER_KEYS, [ANNA], NOW),
        lambda: audience.export(engine, OTHER_KEYS, tmp_path / "out.csv", NOW),
        lambda: audience.check_key(engine, OTHER_KEYS),
    ]
    for refusal in refusals:
        with pytest.raises(errors.StorageProblem, match="key") as caught:
            refusal()
        assert "restore" in caught.value.hint
    assert exclusions(engine) == ["unsubscribed"]
    assert not (tmp_path / "out.csv").exists()
    audience.check_key(engine, KEYS)


# --- who is who -----------------------------------------------------------------


def test_readers_are_counted_by_state_and_testers_are_not(engine: sa.Engine) -> None:
    none = {"active": 0, "pending": 0, "unsubscribed": 0, "bounced": 0, "complained": 0}
    assert audience.count(engine) == none
    add(engine, f"{ANNA},active", f"{BEN},pending", f"{CARL},active")
    audience.test_members(engine, KEYS, [DORA], NOW)
    assert audience.count(engine) == none | {"active": 2, "pending": 1}


def test_everyone_is_a_member_and_each_exclusion_has_its_word(engine: sa.Engine) -> None:
    rows = [f"{state}@example.org,{state}" for state in model.State]
    add(engine, *rows)
    audience.test_members(engine, KEYS, [DORA], NOW)
    assert exclusions(engine) == ["", "unconfirmed", "unsubscribed", "bounced", "complained"]
    members = everyone(engine)
    again = look_again(engine, *(member.id for member in members))
    assert [again[member.id].exclusion for member in members] == [member.exclusion for member in members]


def test_members_stream_beyond_one_window(engine: sa.Engine) -> None:
    add(engine, *(f"reader{number}@example.org,active" for number in range(5_500)))
    members = everyone(engine)
    assert len(members) == 5_500
    assert [member.id for member in members] == sorted(member.id for member in members)
    assert len({member.public_id for member in members}) == 5_500


def test_a_suppressed_address_is_excluded_even_where_the_state_says_active(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    audience.suppress(engine, KEYS, ANNA, audience.Suppression.BOUNCED, NOW)
    with database.writing(engine) as connection:
        connection.exec_driver_sql("UPDATE subscriber SET state = 'active'")
    (member,) = everyone(engine)
    assert member.suppressed
    assert member.exclusion == "suppressed"
    assert look_again(engine, member.id)[member.id].exclusion == "suppressed"


def test_an_id_that_is_gone_is_answered_as_erased(engine: sa.Engine) -> None:
    assert look_again(engine, 7, 9) == {7: (b"", b"", "erased"), 9: (b"", b"", "erased")}


# --- leaving --------------------------------------------------------------------


def test_unsubscribing_stops_the_digest_at_once_and_is_recorded_once(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active", f"{BEN},active")
    anna = everyone(engine)[0]
    assert audience.unsubscribe(engine, anna.public_id, LATER, source="one-click")
    assert audience.unsubscribe(engine, anna.public_id, LATER, source="one-click")
    assert exclusions(engine) == ["unsubscribed", ""]
    assert [row for row in consents(engine) if row[0] == anna.id] == [
        (anna.id, "imported", "fair", NOW),
        (anna.id, "withdrawn", "one-click", LATER),
    ]


def test_an_unknown_public_id_unsubscribes_nobody(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    assert not audience.unsubscribe(engine, bytes(16), LATER, source="one-click")
    assert exclusions(engine) == [""]


def test_the_link_of_a_reader_leads_back_to_the_reader_and_shows_nothing(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    (anna,) = everyone(engine)
    url = audience.unsubscribe_url("https://www.example.org", KEYS, anna.public_id)
    start, token = url.rsplit("/", 1)
    assert start == "https://www.example.org/u"
    assert KEYS.public_id(token) == anna.public_id
    assert "anna" not in url


@pytest.mark.parametrize("reason", [audience.Suppression.BOUNCED, audience.Suppression.COMPLAINED])
def test_suppressing_stops_a_known_reader_and_keeps_an_unknown_one_out(
    engine: sa.Engine, reason: audience.Suppression
) -> None:
    add(engine, f"{ANNA},active")
    audience.suppress(engine, KEYS, ANNA.upper(), reason, NOW)
    audience.suppress(engine, KEYS, BEN, reason, NOW)
    audience.suppress(engine, KEYS, BEN, reason, LATER)
    add(engine, f"{BEN},active")
    assert exclusions(engine) == [reason.value]


def test_a_complaint_after_unsubscribing_leaves_the_reader_unsubscribed(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},unsubscribed")
    audience.suppress(engine, KEYS, ANNA, audience.Suppression.COMPLAINED, NOW)
    assert exclusions(engine) == ["unsubscribed"]


def test_erasing_leaves_a_hash_and_nothing_else(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active", f"{BEN},active")
    audience.test_members(engine, KEYS, [ANNA], NOW)
    anna, ben = everyone(engine)
    traces = [look_again(engine, anna.id)[anna.id].address_sealed, anna.public_id, KEYS.index(ANNA)]
    assert all(trace in everything_on_disk(engine) for trace in traces)
    assert audience.erase(engine, KEYS, "Anna@Patients.example.org", LATER)
    content = everything_on_disk(engine)
    assert not [trace for trace in traces if trace in content]
    assert KEYS.suppression(ANNA) in content
    assert everyone(engine) == [ben]
    assert [row[0] for row in consents(engine)] == [ben.id]
    assert look_again(engine, anna.id)[anna.id].exclusion == "erased"
    assert not audience.unsubscribe(engine, anna.public_id, LATER, source="one-click")


def test_an_erased_person_cannot_be_imported_again(engine: sa.Engine) -> None:
    add(engine, f"{ANNA},active")
    audience.erase(engine, KEYS, ANNA, LATER)
    add(engine, f"{ANNA},active")
    assert everyone(engine) == []


def test_erasing_someone_unknown_keeps_them_out_all_the_same(engine: sa.Engine) -> None:
    assert not audience.erase(engine, KEYS, ANNA, NOW)
    assert not audience.erase(engine, KEYS, ANNA, LATER)
    add(engine, f"{ANNA},active")
    assert everyone(engine) == []


def test_erasing_after_a_complaint_says_erased(engine: sa.Engine) -> None:
    audience.suppress(engine, KEYS, ANNA, audience.Suppression.COMPLAINED, NOW)
    audience.erase(engine, KEYS, ANNA, LATER)
    table = database.metadata.tables["suppression"].c
    with database.reading(engine) as connection:
        assert connection.execute(sa.select(table.reason, table.at)).all() == [("erased", LATER)]


def test_the_number_of_an_erased_reader_is_never_given_again(engine: sa.Engine) -> None:
    """The ledger speaks of numbers: a second owner would inherit what was sent to the first."""
    add(engine, f"{ANNA},active")
    (anna,) = everyone(engine)
    audience.erase(engine, KEYS, ANNA, NOW)
    add(engine, f"{BEN},active")
    (ben,) = everyone(engine)
    assert ben.id > anna.id


def test_erasing_what_is_no_address_is_refused_without_repeating_it(engine: sa.Engine) -> None:
    with pytest.raises(errors.AudienceProblem) as caught:
        audience.erase(engine, KEYS, "anna at patients", NOW)
    assert "anna" not in str(caught.value)


# --- the team ---------------------------------------------------------------------


def test_a_tester_who_tries_the_unsubscribe_link_still_gets_the_next_test(engine: sa.Engine) -> None:
    (first,) = audience.test_members(engine, KEYS, [DORA, DORA.upper()], NOW)
    audience.unsubscribe(engine, first.public_id, NOW, source="one-click")
    assert look_again(engine, first.id)[first.id].exclusion == "unsubscribed"
    (second,) = audience.test_members(engine, KEYS, [DORA], LATER)
    assert second == first
    assert second.exclusion == ""


def test_a_tester_may_be_a_reader_too_and_each_leaves_alone(engine: sa.Engine) -> None:
    add(engine, f"{DORA},active")
    (tester,) = audience.test_members(engine, KEYS, [DORA], NOW)
    (reader,) = everyone(engine)
    assert tester.id != reader.id
    audience.unsubscribe(engine, tester.public_id, NOW, source="one-click")
    assert exclusions(engine) == [""]


def test_a_tester_imported_as_a_reader_becomes_one(engine: sa.Engine) -> None:
    audience.test_members(engine, KEYS, [DORA], NOW)
    add(engine, f"{DORA},active")
    assert audience.count(engine)["active"] == 1


def test_a_suppressed_test_address_stays_suppressed(engine: sa.Engine) -> None:
    audience.erase(engine, KEYS, DORA, NOW)
    (tester,) = audience.test_members(engine, KEYS, [DORA], NOW)
    assert tester.exclusion == "suppressed"


# --- export -------------------------------------------------------------------------


def exported(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_an_export_holds_every_reader_and_is_for_its_owner_only(engine: sa.Engine, tmp_path: Path) -> None:
    add(engine, f"{ANNA},active", f"{BEN},active")
    audience.unsubscribe(engine, everyone(engine)[1].public_id, LATER, source="one-click")
    audience.test_members(engine, KEYS, [DORA], NOW)
    path = tmp_path / "export.csv"
    assert audience.export(engine, KEYS, path, LATER) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert exported(path) == [
        ["email", "state", "consent_at", "consent_source"],
        [ANNA, "active", "2026-11-22T10:00:00+00:00", "fair"],
        [BEN, "unsubscribed", "2026-11-22T10:00:00+00:00", "fair"],
    ]


def test_an_export_imported_elsewhere_gives_the_same_list(engine: sa.Engine, tmp_path: Path) -> None:
    add(engine, *(f"{state}@example.org,{state}" for state in model.State))
    audience.export(engine, KEYS, tmp_path / "one.csv", NOW)
    other = database.open_engine("sqlite:///other.db", tmp_path)
    rejects = tmp_path / "rejects.csv"
    audience.import_csv(other, OTHER_KEYS, tmp_path / "one.csv", source="move", now=LATER, rejects=rejects)
    audience.export(other, OTHER_KEYS, tmp_path / "two.csv", LATER)
    other.dispose()
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


def test_every_export_is_logged(engine: sa.Engine, tmp_path: Path) -> None:
    add(engine, f"{ANNA},active")
    audience.export(engine, KEYS, tmp_path / "one.csv", NOW)
    audience.export(engine, KEYS, tmp_path / "two.csv", LATER)
    table = database.metadata.tables["export_log"].c
    with database.reading(engine) as connection:
        assert connection.execute(sa.select(table.at, table.rows)).all() == [(NOW, 1), (LATER, 1)]


def test_an_export_never_overwrites(engine: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(errors.AudienceProblem, match="exists already") as caught:
        audience.export(engine, KEYS, path, NOW)
    assert caught.value.hint
    assert path.read_text(encoding="utf-8") == "mine"


def test_an_export_into_a_missing_folder_is_told_and_leaves_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(errors.StorageProblem, match="cannot write") as caught:
        audience.export(engine, KEYS, tmp_path / "missing" / "export.csv", NOW)
    assert caught.value.hint
    assert not list(tmp_path.rglob("*.part"))


def test_an_export_that_fails_leaves_no_half_file(engine: sa.Engine, tmp_path: Path) -> None:
    add(engine, f"{ANNA},active", f"{BEN},active")
    with database.writing(engine) as connection:
        connection.exec_driver_sql("UPDATE subscriber SET address_sealed = x'00' WHERE id = 2")
    with pytest.raises(errors.StorageProblem, match="damaged"):
        audience.export(engine, KEYS, tmp_path / "export.csv", NOW)
    assert not [path for path in tmp_path.iterdir() if "export" in path.name]
