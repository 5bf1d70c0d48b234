"""A service that is unwell, or refuses everybody: it is left alone, the send pauses in time, nobody pays for it."""

import itertools
import socket
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import sends
import sqlalchemy as sa
import wire

from pipeline import database, deliver, errors, ledger, model
from pipeline.engine import _pulse
from pipeline.esps import _registry, resend

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
    """One call of the other thread may be under way: it cuts the pause of two seconds in two, one of them whole."""
    moments = []

    def request(*asked: Any) -> model.Request:
        moments.append(time.monotonic())
        return resend.request(*asked)

    with sends.world(tmp_path, 60, "resend", "429@1=2") as plain:
        world = plain.through(service=sends.small("resend", 2, request=request))
        assert world.run(threads=2).accepted == 60
    assert max(later - earlier for earlier, later in itertools.pairwise(moments)) >= 1.0


def test_a_service_that_asks_for_hours_pauses_the_send_and_says_so(tmp_path: Path) -> None:
    with sends.world(tmp_path, 10, "resend", "429@1=18000") as plain:
        world = plain.through(service=sends.small("resend", 10))
        with pytest.raises(errors.ServiceProblem, match="5 hours"):
            world.run(threads=1)
        assert (world.state(), world.tally().untaken) == ("paused", 10)
        assert world.run().accepted == 10


@pytest.mark.parametrize("dialect", ["resend", "sendgrid"])
def test_a_gateway_that_loses_the_services_answer_gets_nobody_mailed_twice(tmp_path: Path, dialect: str) -> None:
    with sends.world(tmp_path, 10, dialect) as plain:
        place = urlsplit(plain.sandbox)

        def gateway(connection: socket.socket, request: bytes) -> None:
            with socket.create_connection((str(place.hostname), int(place.port or 0))) as onward:
                onward.sendall(request)
                onward.recv(1)  # the service has answered: it took the call
            wire.answer("503 Service Unavailable", b"disconnect/reset before headers")(connection, request)

        def request(batch: model.Batch, _base_url: str, secret: str) -> model.Request:
            return _registry.get(dialect).request(batch, server.url, secret)

        with wire.serving(gateway, once=True) as server:
            world = plain.through(service=sends.service(dialect, request=request))
            assert deliver.send_next(world.courier, world.freeze(), "holder")
        assert plain.run().accepted == 10
        assert plain.taken() == dict.fromkeys(sends.addresses(10), 1)


def test_a_doubt_is_asked_about_at_once_in_a_new_run_however_long_the_last_was_to_wait(tmp_path: Path) -> None:
    """Otherwise the run waits in silence, for hours, and with it whatever else is due."""
    with sends.world(tmp_path, 10, "resend", "cut-after@1,429@2=18000") as world:
        with pytest.raises(errors.ServiceProblem, match="5 hours"):
            world.run(threads=1)
        assert (world.state(), world.tally().doubtful) == ("paused", 10)
        gave_up = threading.Event()
        alarm = threading.Timer(20, gave_up.set)
        alarm.start()
        assert world.run(stop=gave_up).accepted == 10
        alarm.cancel()


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


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def step(call: deliver.Call, **facts: Any) -> deliver.Step:
    return deliver.Step(0, call, **facts)


FAILED = step(deliver.Call.FAILED, words="no connection")
DOUBTED = step(deliver.Call.DOUBTED, words="no answer in time")
ANSWERED = step(deliver.Call.ANSWERED, accepted=1)


def test_a_service_without_an_answer_for_a_minute_pauses_the_send() -> None:
    clock = Clock()
    pulse = _pulse.Pulse(10, clock)
    for failures in range(1, 8):
        pulse.learn(FAILED, clock.now)
        clock.now += deliver.backoff(failures)
    with pytest.raises(errors.ServiceProblem, match="64 seconds: no connection"):
        pulse.learn(FAILED, clock.now)


def test_one_answer_is_enough_to_begin_the_counting_anew() -> None:
    clock = Clock()
    pulse = _pulse.Pulse(10, clock)
    for _ in range(100):
        pulse.learn(DOUBTED, clock.now)
        pulse.learn(DOUBTED, clock.now)
        clock.now += 30.0
        pulse.learn(ANSWERED, clock.now)


def test_calls_that_were_under_way_together_fail_as_one() -> None:
    clock = Clock()
    pulse = _pulse.Pulse(10, clock)
    clock.now += 30.0
    for _ in range(10):
        pulse.learn(DOUBTED, 1_000.0)
        clock.now += 0.1


def test_a_longer_rest_is_never_cut_short_by_a_shorter_one() -> None:
    clock = Clock()
    pulse = _pulse.Pulse(10, clock)
    pulse.learn(step(deliver.Call.FAILED, asked=10.0), clock.now)
    pulse.learn(FAILED, clock.now)
    halt = threading.Event()
    waiting = threading.Thread(target=pulse.wait, args=(halt,), daemon=True)
    waiting.start()
    waiting.join(timeout=0.2)
    assert waiting.is_alive()
    halt.set()
    waiting.join(timeout=10)
    assert not waiting.is_alive()


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


@pytest.mark.parametrize("dialect", ["resend", "sendgrid"])
def test_a_fault_of_ours_in_the_middle_of_a_run_costs_nobody_the_edition(tmp_path: Path, dialect: str) -> None:
    """The service accepts 80 readers and then, in the same run, refuses every one."""
    with sends.world(tmp_path, 320, dialect, "partial@6-9999=1") as plain:
        world = plain.through(service=sends.small(dialect, 16))
        with pytest.raises(errors.ServiceProblem, match="in a row"):
            world.run(threads=1)
        assert world.calls()["arrived"] < 80
        assert world.tally() == model.Tally(planned=320, accepted=80, refused=0, untaken=240, doubtful=0, excluded=0)
        world.set_faults("")
        assert world.run().accepted == 320
        assert world.taken() == dict.fromkeys(sends.addresses(320), 1)


def test_bad_addresses_that_stand_together_in_a_long_list_do_not_stop_it() -> None:
    pulse = _pulse.Pulse(10, Clock())
    refused = step(deliver.Call.ANSWERED, refused=1)
    pulse.learn(step(deliver.Call.ANSWERED, accepted=40_000), 0.0)
    for _ in range(39):
        pulse.learn(refused, 0.0)
    assert pulse.refused_everybody() == []
    pulse.learn(ANSWERED, 0.0)
    for _ in range(39):
        pulse.learn(refused, 0.0)
    with pytest.raises(errors.ServiceProblem, match="40 readers in a row"):
        pulse.learn(refused, 0.0)
