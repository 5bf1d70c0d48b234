"""Kill -9 the real command at twenty points, with two services: nobody twice, nobody lost, every doubt told.

The sandbox is the witness: what it holds before or after taking is where the sender dies.
"""

import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import house
import pytest
import requests
import sends

from pipeline import model
from pipeline.sandbox import faults, server

READERS = {"resend": 600, "sendgrid": 5_000}  # six and five batches
KILLS = [
    *(f"hold-before@{n}" for n in range(1, 6)),  # the call has arrived, nothing is taken
    *(f"hold-after@{n}" for n in range(1, 6)),  # taken, and the answer never comes
    *(f"arrived={n}" for n in range(1, 6)),  # at whatever line the sender is when the n-th call arrives
    *(f"answered={n}" for n in range(1, 6)),  # and when the n-th answer has left
]


@pytest.fixture(scope="module", params=["resend", "sendgrid"])
def approved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Prepare once what every kill starts from: readers imported, edition built and approved."""
    dialect = str(request.param)
    root = tmp_path_factory.mktemp(dialect) / "house"
    place = house.build(root, MSCARE_SERVICES__SANDBOX__DIALECT=dialect)
    place.readers(READERS[dialect])
    for command in (("build", house.SLUG), ("approve", house.SLUG, "--by", "Tests")):
        done = place.run(*command)
        assert done.code == 0, done.err
    return dialect, root


@pytest.fixture
def world(approved: tuple[str, Path], tmp_path: Path) -> Iterator[tuple[str, house.House, str]]:
    """Give a kill its own copy of the house and its own sandbox."""
    dialect, prepared = approved
    root = tmp_path / "house"
    shutil.copytree(prepared, root, symlinks=True)
    with server.running(tmp_path / "sandbox.db", 0, faults.parse(""), sends.ROOT / "templates") as url:
        env = {
            "MSCARE_SERVICES__SANDBOX__DIALECT": dialect,
            "MSCARE_SERVICES__SANDBOX__BASE_URL": url,
            "MSCARE_DELIVERY__PATIENCE": "0",  # the sandbox's log is never late
        }
        yield dialect, house.House(root, env), url


@pytest.mark.parametrize("kill", KILLS)
def test_nobody_is_lost_or_mailed_twice_when_the_sender_is_killed(
    world: tuple[str, house.House, str], kill: str
) -> None:
    dialect, place, url = world
    _send_and_kill(place, url, kill)

    report = place.run("report", house.SLUG, "--json")
    facts = report.json()
    assert _balances(facts), "the balance must hold at the moment of death"
    assert facts["doubtful"] == _rows_in_flight(place), "doubtful are exactly the batches in flight"
    assert report.code == (4 if facts["doubtful"] else 0)

    requests.post(f"{url}/_sandbox/faults", json={"spec": ""}, timeout=10)
    requests.post(f"{url}/_sandbox/release", timeout=10)
    resumed = place.run("send", house.SLUG, "--json")
    facts = resumed.json()
    taken = _taken(url)
    assert set(taken.values()) == {1}, "nobody twice"
    assert _balances(facts)
    assert facts["accepted"] == len(taken), "accepted is exactly who was taken"
    assert facts["accepted"] + facts["doubtful"] == READERS[dialect], "nobody lost"
    if dialect == "resend":
        assert (resumed.code, facts["doubtful"], facts["state"]) == (0, 0, "sent")
    else:
        _let_a_person_settle(place, facts)
        assert place.run("send", house.SLUG, "--json").json()["accepted"] == READERS[dialect]
    assert _taken(url) == dict.fromkeys(sends.addresses(READERS[dialect]), 1)


def _send_and_kill(place: house.House, url: str, kill: str) -> None:
    """Start the send, wait for the point, and kill without warning."""
    if "@" in kill:
        requests.post(f"{url}/_sandbox/faults", json={"spec": kill}, timeout=10).raise_for_status()
        name, number = "held", "1"
    else:
        name, _, number = kill.partition("=")
    sender = place.start("send", house.SLUG)
    counts = requests.get(f"{url}/_sandbox/calls", params={name: number, "wait": "30"}, timeout=40).json()
    if counts[name] < int(number):
        sender.kill()
        pytest.fail(f"the point was never reached: {counts}; the sender said: {sender.communicate()}")
    sender.send_signal(signal.SIGKILL)
    sender.communicate(timeout=30)
    assert sender.returncode in {-signal.SIGKILL, 0}  # 0: the last answer was the end of the send


def _balances(facts: dict[str, int]) -> bool:
    parts = ("accepted", "refused", "untaken", "doubtful", "excluded")
    return facts["planned"] == sum(facts[part] for part in parts)


def _rows_in_flight(place: house.House) -> int:
    """Count, past the program, the rows of batches that were pushed and have no outcome."""
    with sqlite3.connect(place.root / "var" / "mscare.db") as database:
        query = (
            "SELECT count(*) FROM delivery d JOIN batch b ON b.send = d.send AND b.number = d.batch"
            " WHERE b.state = ? AND b.done_at IS NULL"
        )
        (count,) = database.execute(query, (model.BatchState.INFLIGHT.value,)).fetchone()
    return int(count)


def _taken(url: str) -> dict[str, int]:
    return dict(requests.get(f"{url}/_sandbox/taken", timeout=10).json()["recipients"])


def _let_a_person_settle(place: house.House, facts: dict[str, int]) -> None:
    """Decide for the batches that the service's log does not know: they were not taken."""
    if not facts["doubtful"]:
        return
    with sqlite3.connect(place.root / "var" / "mscare.db") as database:
        held = [number for (number,) in database.execute("SELECT number FROM batch WHERE state = 'held'")]
    assert held
    for number in held:
        done = place.run("settle", house.SLUG, str(number), "--not-taken", "--by", "Tests")
        assert done.code == 0, done.err


def test_ctrl_c_stops_in_good_order_and_says_how_to_go_on(world: tuple[str, house.House, str]) -> None:
    dialect, place, url = world
    requests.post(f"{url}/_sandbox/faults", json={"spec": "slow@*=0.3"}, timeout=10).raise_for_status()
    sender: subprocess.Popen[str] = place.start("send", house.SLUG)
    requests.get(f"{url}/_sandbox/calls", params={"arrived": "1", "wait": "30"}, timeout=40)
    sender.send_signal(signal.SIGINT)
    _, said = sender.communicate(timeout=60)
    assert sender.returncode == 130
    assert f"mscare send {house.SLUG}" in said
    assert place.run("report", house.SLUG, "--json").json()["doubtful"] == 0
    requests.post(f"{url}/_sandbox/faults", json={"spec": ""}, timeout=10)
    assert place.run("send", house.SLUG, "--json").json()["accepted"] == READERS[dialect]
    assert _taken(url) == dict.fromkeys(sends.addresses(READERS[dialect]), 1)
