"""Races around a push: threads, signals, clocks, decisions, other processes. Nobody twice, nobody lost, no hang."""

import dataclasses
import threading
import time
from pathlib import Path

import pytest
import sends
import wire

from pipeline import audience, database, deliver, errors, ledger, model
from pipeline.engine import embedded
from pipeline.esps import _registry

DAY = 86_400.0


# --- threads and signals -----------------------------------------------------------


def test_a_display_that_breaks_stops_the_send_in_good_order(tmp_path: Path) -> None:
    with sends.world(tmp_path, 60, "resend", "slow@*=0.1") as plain:
        world = plain.through(service=sends.small("resend", 2))

        def broken(_tally: model.Tally) -> None:
            raise BrokenPipeError

        with pytest.raises(BrokenPipeError):
            world.run(progress=broken)
        assert world.state() == "paused"
        assert world.tally().untaken > 0
        assert world.run(threads=8).accepted == 60
        assert world.taken() == dict.fromkeys(sends.addresses(60), 1)


def test_a_stop_that_comes_before_the_first_push_lets_nothing_leave(tmp_path: Path) -> None:
    with sends.world(tmp_path, 20) as plain:
        world = plain.through(service=sends.small("resend", 1))
        stop = threading.Event()
        stop.set()
        with pytest.raises(errors.Interrupted):
            world.run(stop)
        assert (world.calls()["arrived"], world.state()) == (0, "paused")


@pytest.mark.parametrize("fault", [RuntimeError, SystemExit, MemoryError])
@pytest.mark.parametrize("dialect", ["resend", "sendgrid"])
def test_a_fault_of_any_kind_after_the_push_leaves_a_doubt_and_nobody_is_mailed_twice(
    tmp_path: Path, dialect: str, fault: type[BaseException]
) -> None:
    with sends.world(tmp_path, 30, dialect) as plain:
        faulty = iter([True])
        real = _registry.get(dialect)

        def outcomes(batch: model.Batch, response: model.Response) -> list[model.Outcome]:
            if next(faulty, False):
                raise fault
            return real.outcomes(batch, response)

        world = plain.through(service=sends.small(dialect, 10, outcomes=outcomes))
        with pytest.raises(fault):
            world.run(threads=1)
        assert (world.tally().doubtful, world.state()) == (10, "paused")
        assert world.run().accepted == 30
        assert world.taken() == dict.fromkeys(sends.addresses(30), 1)


def test_many_threads_that_split_at_once_give_every_reader_one_batch(tmp_path: Path) -> None:
    with sends.world(tmp_path, 160, "sendgrid", "partial@1-40=4") as plain:
        world = plain.through(service=sends.small("sendgrid", 16))
        tally = world.run(threads=8)
        assert (tally.accepted + tally.refused, tally.untaken, tally.doubtful) == (160, 0, 0)
        assert len(world.taken()) == tally.accepted
        assert set(world.taken().values()) == {1}


def test_a_run_ends_when_somebody_else_has_paused_the_send(tmp_path: Path) -> None:
    """Another sender does, where the lock was deleted by hand: no batch can be claimed any more."""
    with sends.world(tmp_path, 60, "resend", "slow@*=0.05") as plain:
        world = plain.through(service=sends.small("resend", 2))
        gave_up = threading.Event()
        alarm = threading.Timer(20, gave_up.set)
        alarm.start()

        def pause(tally: model.Tally) -> None:
            if tally.accepted and tally.untaken:
                ledger.rest(world.engine, world.send_id(), time.time(), "paused from outside")

        with pytest.raises(errors.Interrupted):
            world.run(stop=gave_up, progress=pause)
        alarm.cancel()
        assert not gave_up.is_set()
        assert world.tally().untaken > 0
        assert world.run().accepted == 60
        assert world.taken() == dict.fromkeys(sends.addresses(60), 1)


# --- clocks ------------------------------------------------------------------------


def test_a_clock_that_went_back_never_renews_a_key(tmp_path: Path) -> None:
    with sends.world(tmp_path, 20, "resend", "cut-after@1") as world:
        assert deliver.send_next(world.courier, world.freeze(), "holder")
        tally = world.through(now=lambda: time.time() - 2 * DAY).run()
        assert (tally.doubtful, world.state(), world.calls()["arrived"]) == (20, "needs_review", 1)


def test_a_clock_that_went_back_never_makes_a_look_up_endless(tmp_path: Path) -> None:
    with sends.world(tmp_path, 20, "sendgrid", "cut-before@1") as world:
        assert deliver.send_next(world.courier, world.freeze(), "holder")
        tally = world.through(now=lambda: time.time() - DAY, patience=600.0).run()
        assert (tally.doubtful, world.state()) == (20, "needs_review")


def test_a_log_that_lags_is_asked_again_before_a_person_must(tmp_path: Path) -> None:
    with sends.world(tmp_path, 20, "sendgrid", "cut-after@1") as plain:
        real = _registry.get("sendgrid")
        asked = 0

        def looked_up(batch: model.Batch, response: model.Response) -> list[model.Outcome] | None:
            nonlocal asked
            asked += 1
            found = real.looked_up(batch, response)
            assert found is not None
            unknown = model.Outcome(model.Fate.DOUBTFUL, detail="not in the log yet")
            return [unknown if asked < 3 and at >= 5 * asked else outcome for at, outcome in enumerate(found)]

        began = time.time()
        world = plain.through(
            service=sends.service("sendgrid", looked_up=looked_up),
            patience=600.0,
            now=lambda: began + 50 * (time.time() - began),
        )
        assert (world.run().accepted, asked, world.state()) == (20, 3, "sent")


def test_nothing_is_claimed_after_the_window_has_closed(tmp_path: Path) -> None:
    with sends.world(tmp_path, 100, "resend", "slow@*=0.1") as plain:
        late = threading.Event()
        closes = time.time() + DAY
        world = plain.through(
            service=sends.small("resend", 2), closes=closes, now=lambda: time.time() + (2 * DAY if late.is_set() else 0)
        )
        with pytest.raises(errors.SendRefused, match="not_after"):
            world.run(progress=lambda tally: late.set() if tally.accepted else None)
        assert world.state() == "paused"
        assert world.tally().untaken > 0
        assert world.tally().doubtful == 0


def test_a_key_is_not_pushed_to_an_account_that_does_not_know_it(tmp_path: Path) -> None:
    with (
        sends.world(tmp_path, 20, "resend", "cut-after@1") as world,
        wire.serving(wire.answer("500 Fault")) as elsewhere,
    ):
        assert deliver.send_next(world.courier, world.freeze(), "holder")
        for other in ({"secret": "key-of-another-account"}, {"base_url": elsewhere.url}):
            tally = world.through(**other).run()
            assert (tally.doubtful, world.state(), world.calls()["arrived"]) == (20, "needs_review", 1)
        assert elsewhere.requests == []
        assert world.run().accepted == 20
        assert world.taken() == dict.fromkeys(sends.addresses(20), 1)


# --- doubt -------------------------------------------------------------------------


def test_an_erased_reader_does_not_keep_the_others_from_being_looked_up(tmp_path: Path) -> None:
    with sends.world(tmp_path, 40, "sendgrid", "cut-after@1") as world:
        assert deliver.send_next(world.courier, world.freeze(), "holder")
        audience.erase(world.engine, world.keys, "reader00003@example.com", sends.NOW)
        tally = world.run()
        assert (tally.accepted, tally.doubtful, world.state()) == (39, 1, "needs_review")


@pytest.mark.parametrize(("taken", "state"), [(True, "sent"), (False, "paused")])
def test_a_persons_decision_about_the_last_doubt_shows_in_the_sends_state(
    tmp_path: Path, *, taken: bool, state: str
) -> None:
    with sends.world(tmp_path, 5, "sendgrid", "cut-before@1") as world:
        world.run()
        ledger.settle(world.engine, world.send_id(), 0, taken=taken, by="Test", now=7.0)
        assert world.state() == state


def test_a_persons_not_taken_is_carried_out_though_the_service_knows_the_old_key(tmp_path: Path) -> None:
    """The site has moved since: under the old key the service would refuse the new body for a day."""
    with sends.world(tmp_path, 5, "resend", "500-after@1") as plain:
        assert deliver.send_next(plain.courier, plain.freeze(), "holder")
        world = plain.through(site="https://moved.publisher.example.com")
        assert world.run().doubtful == 5
        assert ledger.settle(world.engine, world.send_id(), 0, taken=False, by="Test", now=0.0) == 5
        assert world.run().accepted == 5


def test_a_mended_sender_is_not_answered_with_the_old_refusal(tmp_path: Path) -> None:
    with sends.world(tmp_path, 40, "resend", "partial@*=1") as plain:
        world = plain.through(service=sends.small("resend", 20))
        with pytest.raises(errors.ServiceProblem):
            world.run()
        world.set_faults("")
        mended = world.through(message=dataclasses.replace(sends.MESSAGE, sender="hello@publisher.example.com"))
        assert mended.run().accepted == 40
        assert mended.taken() == dict.fromkeys(sends.addresses(40), 1)


# --- the sender's lock -------------------------------------------------------------


def test_two_settings_files_with_one_database_have_one_sender(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    first = database.open_engine("sqlite:///mscare.db", tmp_path / "a")
    second = database.open_engine(f"sqlite:///{tmp_path}/b/mscare.db", tmp_path)
    with (
        embedded.only_sender(first),
        pytest.raises(errors.SendRefused, match="another process"),
        embedded.only_sender(second),
    ):
        pass
    first.dispose()
    second.dispose()


def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    engine = database.open_engine("sqlite:///mscare.db", tmp_path)
    (tmp_path / "mscare.db.sender.lock").mkdir()
    with pytest.raises(errors.StorageProblem, match="sender"), embedded.only_sender(engine):
        pass
    engine.dispose()
