"""What goes wrong around a push: threads, clocks, outages, other processes. Nobody twice, nobody lost, no hang."""

import dataclasses
import hashlib
import json
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import house
import pytest
import requests
import sends
import sqlalchemy as sa

from pipeline import audience, database, deliver, errors, ledger, model, report
from pipeline.engine import embedded
from pipeline.esps import _registry
from pipeline.sandbox import faults, server

DAY = 86_400.0


def send_id(world: sends.World) -> int:
    with database.reading(world.engine) as connection:
        return world.freeze_id(connection)


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


# --- a service that is unwell ------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut-before", "500-before"])
def test_an_outage_pauses_the_send_before_the_whole_list_is_in_doubt(tmp_path: Path, fault: str) -> None:
    with sends.world(tmp_path, 200, "sendgrid", f"{fault}@*") as plain:
        world = plain.through(service=sends.small("sendgrid", 5))
        with pytest.raises(errors.ServiceProblem, match="in doubt"):
            world.run(threads=2)
        assert world.state() == "paused"
        assert 0 < world.tally().doubtful <= 3 * 2 * 5
        assert world.taken() == {}


def test_a_service_that_asks_for_a_pause_is_left_alone_by_every_thread(tmp_path: Path) -> None:
    with sends.world(tmp_path, 60, "resend", "429@1=2") as plain:
        world = plain.through(service=sends.small("resend", 2))
        sending = threading.Thread(target=world.run)
        sending.start()
        world.calls(arrived=1, wait=10)
        assert world.calls(arrived=5, wait=1)["arrived"] <= 2  # the other thread's call may have been under way
        sending.join(timeout=30)
        assert world.tally().accepted == 60


def test_a_service_that_asks_for_hours_pauses_the_send_and_says_so(tmp_path: Path) -> None:
    with sends.world(tmp_path, 10, "resend", "429@1=18000") as plain:
        world = plain.through(service=sends.small("resend", 10))
        with pytest.raises(errors.ServiceProblem, match="5 hours"):
            world.run(threads=1)
        assert (world.state(), world.tally().untaken) == ("paused", 10)
        assert world.run().accepted == 10


def test_a_new_run_counts_its_tries_anew(tmp_path: Path) -> None:
    with sends.world(tmp_path, 10, "resend") as world:
        send = world.freeze()
        for _ in range(20):
            held = ledger.claim(world.engine, send.id, "dead", 0.0, model.BatchState.PENDING)
            assert held is not None
            ledger.hand_back(world.engine, held, 0.0, "busy")
        world.set_faults("429@1=0")
        assert world.run().accepted == 10


def test_an_idle_send_does_not_hammer_its_database(tmp_path: Path) -> None:
    """While it waits for the service, a look now and then is enough."""
    with sends.world(tmp_path, 10, "resend", "429@1=2") as plain:
        looks = 0

        def now() -> float:
            nonlocal looks
            looks += 1
            return time.time()

        assert plain.through(now=now).run(threads=3).accepted == 10
        assert looks < 100


def _steps_of_a_claim(folder: Path, readers: int) -> int:
    """Count, in thousands, the steps of SQLite's machine that it takes to claim a batch."""
    folder.mkdir()
    engine = database.open_engine("sqlite:///mscare.db", folder)
    values = {"edition": "e", "slot": "all", "token": "t", "service": "resend", "digest": "d", "mail": "m"}
    with database.writing(engine) as connection:
        send = ledger.freeze(connection, values, (ledger.Seat(number) for number in range(readers)), 1_000, 0.0)
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    @sa.event.listens_for(engine, "checkout")
    def watch(connection: sqlite3.Connection, *_: object) -> None:
        connection.set_progress_handler(count, 1_000)

    assert ledger.claim(engine, send.id, "holder", 0.0, model.BatchState.PENDING)
    engine.dispose()
    return steps


def test_a_claim_does_not_walk_the_whole_audience(tmp_path: Path) -> None:
    assert _steps_of_a_claim(tmp_path / "many", 60_000) < 3 * _steps_of_a_claim(tmp_path / "few", 2_000)


# --- refusals of everybody ---------------------------------------------------------


@pytest.mark.parametrize("dialect", ["resend", "sendgrid"])
def test_a_fault_of_ours_shows_after_a_few_calls_and_costs_nobody_the_edition(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 320, dialect, "partial@*=1") as plain:
        world = plain.through(service=sends.small(dialect, 16))
        with pytest.raises(errors.ServiceProblem, match="accepted none"):
            world.run()
        assert world.calls()["arrived"] < 80
        assert world.tally() == model.Tally(planned=320, accepted=0, refused=0, untaken=320, doubtful=0, excluded=0)
        world.set_faults("")
        assert world.run().accepted == 320
        assert world.taken() == dict.fromkeys(sends.addresses(320), 1)


def test_a_fault_of_ours_in_mid_send_stops_it_too(tmp_path: Path) -> None:
    with sends.world(tmp_path, 300, "resend", "slow@*=0.05") as plain:
        world = plain.through(service=sends.small("resend", 5))
        stop = threading.Event()
        with pytest.raises(errors.Interrupted):
            world.through(service=sends.small("resend", 5, RATE=40.0)).run(
                stop, progress=lambda tally: stop.set() if tally.accepted else None
            )
        before = world.tally()
        assert before.untaken > 100
        world.set_faults("partial@*=1")
        with pytest.raises(errors.ServiceProblem, match="accepted none"):
            world.run()
        assert world.tally() == before


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
        ledger.settle(world.engine, send_id(world), 0, taken=taken, by="Test", now=7.0)
        assert world.state() == state


def test_a_persons_not_taken_is_carried_out_though_the_service_knows_the_old_key(tmp_path: Path) -> None:
    """The site has moved since: under the old key the service would refuse the new body for a day."""
    with sends.world(tmp_path, 5, "resend", "500-after@1") as plain:
        assert deliver.send_next(plain.courier, plain.freeze(), "holder")
        world = plain.through(site="https://moved.publisher.example.com")
        assert world.run().doubtful == 5
        assert ledger.settle(world.engine, send_id(world), 0, taken=False, by="Test", now=0.0) == 5
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


# --- what is sent ------------------------------------------------------------------


OTHER = dataclasses.replace(sends.MESSAGE, subject="Another subject")
OTHER_MANIFEST = dataclasses.replace(sends.MANIFEST, digest="e" * 64)


def _begun(plain: sends.World) -> sends.World:
    """Bring a send halfway: one batch has left."""
    world = plain.through(service=sends.small("resend", 5))
    deliver.send_next(world.courier, world.freeze(), "holder")
    return world


def test_a_send_that_was_begun_goes_on_with_the_same_mail_under_a_new_manifest(tmp_path: Path) -> None:
    """A newer library, or a changed web page, makes a new manifest of the same mail."""
    with sends.world(tmp_path, 10) as plain:
        world = _begun(plain)
        assert deliver.freeze(world.courier, OTHER_MANIFEST, "resend").state is model.SendState.SENDING
        assert world.run().accepted == 10


def test_a_send_that_was_begun_does_not_go_on_with_another_mail(tmp_path: Path) -> None:
    with sends.world(tmp_path, 10) as plain:
        world = _begun(plain)
        with pytest.raises(errors.SendRefused, match="another mail"):
            deliver.freeze(world.through(message=OTHER).courier, OTHER_MANIFEST, "resend")


def test_a_send_of_which_nothing_has_left_is_planned_anew(tmp_path: Path) -> None:
    """The key was wrong: the service, the mail and the list may still change."""
    with sends.world(tmp_path, 10, secret="bad-key") as plain:
        with pytest.raises(errors.ServiceProblem):
            plain.run()
        audience.suppress(plain.engine, plain.keys, "reader00003@example.com", audience.Suppression.BOUNCED, sends.NOW)
        other = plain.through(message=OTHER, service=_registry.get("sendgrid"), secret="good-key")
        begun = deliver.freeze(other.courier, OTHER_MANIFEST, "sendgrid")
        assert (begun.service, begun.digest) == ("sendgrid", OTHER_MANIFEST.digest)
        tally = dataclasses.replace(other, name="sendgrid").run()
        assert (tally.planned, tally.accepted, tally.excluded) == (10, 9, 1)


def test_a_changed_edition_that_was_sent_before_is_not_reported_as_sent(tmp_path: Path) -> None:
    with sends.world(tmp_path, 3) as world:
        world.run()
        with pytest.raises(errors.SendRefused, match="another mail"):
            deliver.freeze(world.through(message=OTHER).courier, OTHER_MANIFEST, "resend")


def test_a_mail_is_put_together_only_from_the_bytes_of_its_manifest() -> None:
    head = json.dumps(
        {"edition": "2026-11", "subject": "s", "sender": "a@b.example", "sender_name": "n", "list_id": "l"}
    ).encode()
    outputs = {"message.json": head, "email.html": b"<p>", "email.txt": b"text"}
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in outputs.items()}
    manifest = dataclasses.replace(sends.MANIFEST, outputs=digests)
    assert deliver.message(manifest, outputs).subject == "s"
    with pytest.raises(errors.NotApproved, match=r"email\.txt"):
        deliver.message(manifest, {**outputs, "email.txt": b"rebuilt meanwhile"})


def test_a_receipt_without_its_last_line_gives_its_seal(tmp_path: Path) -> None:
    with sends.world(tmp_path, 30) as world:
        world.run()
        with database.reading(world.engine) as connection:
            pieces = report.receipt(connection, ledger.by_id(connection, send_id(world)), world.keys, sends.NOW)
            text = b"".join(pieces)
        proof = json.loads(text)
        lines = text.splitlines(keepends=True)
        sealed = b"".join(line for line in lines if not line.startswith(b'"seal"'))
        assert len(lines) == 1 + sealed.count(b"\n")
        seal = world.keys.new_seal()
        seal.update(sealed)
        assert proof["seal"] == seal.hexdigest()
        assert (len(proof["deliveries"]), proof["accepted"], proof["batches"][0]["state"]) == (30, 30, "done")


# --- the real command --------------------------------------------------------------


@pytest.fixture
def ready(tmp_path: Path) -> Iterator[tuple[house.House, str]]:
    """Yield a publication with 12 readers, its edition built and approved, and the sandbox's address."""
    with server.running(tmp_path / "sandbox.db", 0, faults.parse(""), sends.ROOT / "templates") as url:
        env = {
            "MSCARE_SERVICES__SANDBOX__BASE_URL": url,
            "MSCARE_SERVICES__SANDBOX__DIALECT": "sendgrid",
            "MSCARE_DELIVERY__CONCURRENCY": "1",
            "MSCARE_DELIVERY__PATIENCE": "0",
        }
        place = house.build(tmp_path / "house", **env)
        place.readers(12)
        for command in (("build", house.SLUG), ("approve", house.SLUG, "--by", "Tests")):
            done = place.run(*command)
            assert done.code == 0, done.err
        yield place, url


def _counts(url: str, **asked: Any) -> dict[str, int]:
    return dict(requests.get(f"{url}/_sandbox/calls", params=asked, timeout=60).json())


def _faults(url: str, spec: str) -> None:
    requests.post(f"{url}/_sandbox/faults", json={"spec": spec}, timeout=10).raise_for_status()


def _schedule_state(place: house.House) -> str:
    with sqlite3.connect(place.root / "var" / "mscare.db", timeout=20) as connection:
        (state,) = connection.execute("SELECT state FROM schedule").fetchone()
    return str(state)


def test_a_batch_whose_sender_was_killed_can_be_settled_at_once(ready: tuple[house.House, str]) -> None:
    place, url = ready
    _faults(url, "hold-after@1")
    sender = place.start("send", house.SLUG)
    assert _counts(url, held=1, wait=30)["held"] == 1
    sender.kill()
    sender.communicate(timeout=30)
    assert "batch 0" in place.run("report", house.SLUG).err
    done = place.run("settle", house.SLUG, "0", "--taken", "--by", "Tests")
    assert done.code == 0, done.err
    facts = place.run("report", house.SLUG, "--json").json()
    assert (facts["accepted"], facts["doubtful"], facts["state"]) == (12, 0, "sent")


def test_a_lost_terminal_stops_a_send_in_good_order(ready: tuple[house.House, str]) -> None:
    place, url = ready
    _faults(url, "slow@*=0.5")
    sender = place.start("send", house.SLUG)
    _counts(url, arrived=1, wait=30)
    sender.send_signal(signal.SIGHUP)
    sender.communicate(timeout=60)
    assert sender.returncode in {0, 130}
    assert place.run("report", house.SLUG, "--json").json()["doubtful"] == 0


def test_a_due_edition_waits_while_another_process_sends(ready: tuple[house.House, str]) -> None:
    place, url = ready
    assert place.run("schedule", house.SLUG, "--at", "2026-02-01 09:00", "--tz", "UTC").code == 0
    engine = database.open_engine("sqlite:///var/mscare.db", place.root)
    with embedded.only_sender(engine):
        worker = place.start("work")
        assert worker.stderr is not None
        said = [worker.stderr.readline(), worker.stderr.readline()]
        assert "not yet" in said[1], said
        assert _schedule_state(place) == "waiting"
    engine.dispose()
    _counts(url, answered=1, wait=30)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert place.run("report", house.SLUG, "--json").json()["accepted"] == 12


def test_a_worker_asks_a_service_that_refuses_the_account_ever_more_rarely(ready: tuple[house.House, str]) -> None:
    place, url = ready
    assert place.run("schedule", house.SLUG, "--at", "2026-02-01 09:00", "--tz", "UTC").code == 0
    worker = house.House(place.root, {**place.env, "MSCARE_SERVICES__SANDBOX__KEY": "bad-key"}).start("work")
    assert _counts(url, arrived=1, wait=30)["arrived"] == 1
    assert _counts(url, arrived=2, wait=4)["arrived"] == 1
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert _schedule_state(place) == "waiting"


def test_mail_goes_out_once_when_the_database_is_named_by_two_settings_files(
    ready: tuple[house.House, str], tmp_path: Path
) -> None:
    place, url = ready
    other = house.build(tmp_path / "other", **place.env)
    (tmp_path / "other" / "var" / "keys").mkdir(parents=True)
    key = (place.root / "var" / "keys" / "installation.key").read_bytes()
    (tmp_path / "other" / "var" / "keys" / "installation.key").write_bytes(key)
    other.env["MSCARE_DATABASE__URL"] = f"sqlite:///{place.root}/var/mscare.db"
    assert other.run("build", house.SLUG).code == 0
    _faults(url, "hold-after@1")
    sender = place.start("send", house.SLUG)
    assert _counts(url, held=1, wait=30)["held"] == 1
    assert other.run("send", house.SLUG).code == errors.SendRefused.exit_code
    requests.post(f"{url}/_sandbox/release", timeout=10)
    sender.communicate(timeout=30)
    assert sender.returncode == 0
