"""Nobody twice, nobody lost, every doubt visible: the real ledger, real HTTP, the sandbox as witness."""

import threading
from pathlib import Path

import pytest
import sends

from pipeline import audience, database, deliver, errors, ledger, model
from pipeline.engine import embedded

DIALECTS = ("resend", "sendgrid")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_everyone_gets_the_edition_once(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 250, dialect) as world:
        tally = world.run()
        assert world.taken() == dict.fromkeys(sends.addresses(250), 1)
        assert tally == model.Tally(planned=250, accepted=250, refused=0, untaken=0, doubtful=0, excluded=0)
        assert world.state() == "sent"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_finished_send_is_never_sent_again(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 30, dialect) as world:
        world.run()
        world.run()
        assert world.taken() == dict.fromkeys(sends.addresses(30), 1)


def test_who_left_before_the_plan_is_excluded_with_the_reason(tmp_path: Path) -> None:
    with sends.world(tmp_path, 10) as world:
        audience.suppress(world.engine, world.keys, "reader00003@example.com", audience.Suppression.BOUNCED, sends.NOW)
        world.run()
        assert "reader00003@example.com" not in world.taken()
        with database.reading(world.engine) as connection:
            reasons = ledger.exclusions(connection, world.freeze_id(connection))
        assert sum(reasons.values()) == 1
        assert world.tally().balances


@pytest.mark.parametrize("dialect", DIALECTS)
def test_who_unsubscribes_after_the_plan_is_left_out_of_the_next_batch(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 150, dialect) as world:
        world.freeze()
        with database.reading(world.engine) as connection:
            leaver = next(iter(audience.members(connection)))
        assert audience.unsubscribe(world.engine, leaver.public_id, sends.NOW, source="page")
        tally = world.run()
        assert (tally.accepted, tally.excluded) == (149, 1)
        assert "reader00000@example.com" not in world.taken()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_busy_service_is_asked_again_and_nobody_is_mailed_twice(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 120, dialect, "429@1-2=0") as world:
        assert world.run().accepted == 120
        assert set(world.taken().values()) == {1}


@pytest.mark.parametrize("fault", ["500-before", "500-after", "cut-before", "cut-after", "garbled", "short"])
def test_a_service_that_honours_keys_settles_every_doubt_by_itself(tmp_path: Path, fault: str) -> None:
    with sends.world(tmp_path, 120, "resend", f"{fault}@1") as world:
        tally = world.run()
        assert world.taken() == dict.fromkeys(sends.addresses(120), 1)
        assert (tally.accepted, tally.doubtful) == (120, 0)


@pytest.mark.parametrize("fault", ["500-after", "cut-after"])
def test_a_look_up_settles_what_a_service_without_keys_had_taken(tmp_path: Path, fault: str) -> None:
    with sends.world(tmp_path, 40, "sendgrid", f"{fault}@1") as world:
        tally = world.run()
        assert world.taken() == dict.fromkeys(sends.addresses(40), 1)
        assert (tally.accepted, tally.doubtful) == (40, 0)


@pytest.mark.parametrize("fault", ["500-before", "cut-before"])
def test_what_no_look_up_can_prove_waits_for_a_person(tmp_path: Path, fault: str) -> None:
    with sends.world(tmp_path, 40, "sendgrid", f"{fault}@1") as world:
        tally = world.run()
        assert (tally.accepted, tally.doubtful, world.state()) == (0, 40, "needs_review")
        assert world.taken() == {}
        with database.reading(world.engine) as connection:
            send_id = world.freeze_id(connection)
        assert ledger.settle(world.engine, send_id, 0, taken=False, by="Test", now=0.0) == 40
        assert world.run().accepted == 40
        assert world.taken() == dict.fromkeys(sends.addresses(40), 1)


def test_a_person_who_says_taken_settles_a_batch_without_sending(tmp_path: Path) -> None:
    with sends.world(tmp_path, 5, "sendgrid", "cut-before@1") as world:
        world.run()
        with database.reading(world.engine) as connection:
            send_id = world.freeze_id(connection)
        ledger.settle(world.engine, send_id, 0, taken=True, by="Test", now=0.0)
        tally = world.run()
        assert (tally.accepted, tally.doubtful, world.taken()) == (5, 0, {})


def test_a_settled_batch_cannot_be_settled_again(tmp_path: Path) -> None:
    with sends.world(tmp_path, 5, "sendgrid", "cut-before@1") as world:
        world.run()
        with database.reading(world.engine) as connection:
            send_id = world.freeze_id(connection)
        ledger.settle(world.engine, send_id, 0, taken=True, by="Test", now=0.0)
        with pytest.raises(errors.UsageProblem, match="not waiting"):
            ledger.settle(world.engine, send_id, 0, taken=False, by="Test", now=0.0)


def test_a_reader_who_left_is_never_mailed_by_settling_a_doubt(tmp_path: Path) -> None:
    with sends.world(tmp_path, 20, "resend", "cut-before@*") as world:
        stop = threading.Event()
        send = world.freeze()
        deliver.send_next(world.courier, send, "holder")
        with database.reading(world.engine) as connection:
            leaver = next(iter(audience.members(connection)))
        audience.unsubscribe(world.engine, leaver.public_id, sends.NOW, source="page")
        world.set_faults("")
        tally = world.run(stop)
        assert world.taken() == {}
        assert (tally.doubtful, world.state()) == (20, "needs_review")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_refused_readers_are_told_apart_from_the_rest(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 12, dialect, "partial@1=6") as world:
        tally = world.run()
        assert tally.balances
        assert tally.accepted == len(world.taken())
        assert tally.untaken == tally.doubtful == 0
        assert set(world.taken().values()) == {1}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refused_account_stops_the_send_and_is_nobodys_fate(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 60, dialect, secret="bad-key") as world:
        with pytest.raises(errors.ServiceProblem) as caught:
            world.run()
        assert "bad-key" not in str(caught.value)
        assert "@" not in str(caught.value)
        assert world.tally() == model.Tally(planned=60, accepted=0, refused=0, untaken=60, doubtful=0, excluded=0)
        assert world.state() == "paused"


def test_a_stopped_send_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with sends.world(tmp_path, 300, "resend", "slow@*=0.1") as plain:
        world = plain.through(service=sends.small("resend", 10))
        stop = threading.Event()
        with pytest.raises(errors.Interrupted, match="good order"):
            world.run(stop, 1, lambda tally: stop.set() if tally.accepted else None)
        assert world.state() == "paused"
        assert world.tally().untaken > 0
        world.set_faults("")
        assert world.run().accepted == 300
        assert world.taken() == dict.fromkeys(sends.addresses(300), 1)


def test_only_one_process_sends_at_a_time(tmp_path: Path) -> None:
    with (
        sends.world(tmp_path, 0) as world,
        embedded.only_sender(world.engine),
        pytest.raises(errors.SendRefused, match="another process"),
        embedded.only_sender(world.engine),
    ):
        pass


def test_a_send_cannot_change_its_service_halfway(tmp_path: Path) -> None:
    with sends.world(tmp_path, 5) as world:
        deliver.send_next(world.courier, world.freeze(), "holder")
        with pytest.raises(errors.SendRefused, match="begun through resend"):
            deliver.freeze(world.courier, sends.MANIFEST, "sendgrid")


def test_a_test_send_reaches_the_team_and_no_reader(tmp_path: Path) -> None:
    with sends.world(tmp_path, 5) as world:
        send = deliver.freeze(world.courier, sends.MANIFEST, "resend", ["team@example.net"])
        with embedded.only_sender(world.engine):
            embedded.run(world.courier, send, 1, threading.Event(), lambda _: None)
        assert world.taken() == {"team@example.net": 1}


def test_the_key_of_a_push_names_its_batch_and_exactly_its_recipients() -> None:
    assert ledger.key_of("token", 0, (1, 2)) == ledger.key_of("token", 0, (1, 2))
    others = (("token", 0, (12,)), ("other", 0, (1, 2)), ("token", 1, (1, 2)), ("token", 0, (2, 1)))
    assert ledger.key_of("token", 0, (1, 2)) not in {ledger.key_of(*other) for other in others}


def test_an_empty_list_is_sent_to_nobody_and_balances(tmp_path: Path) -> None:
    with sends.world(tmp_path, 0) as world:
        assert world.run() == model.Tally(planned=0, accepted=0, refused=0, untaken=0, doubtful=0, excluded=0)
        assert world.state() == "sent"
