"""What is sent is what was approved, once, also with two commands at a time: the real command and its receipts."""

import dataclasses
import hashlib
import json
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import house
import pytest
import requests
import sends

from pipeline import audience, database, deliver, errors, ledger, model, report
from pipeline.engine import embedded
from pipeline.esps import _registry
from pipeline.sandbox import faults, server

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
            pieces = report.receipt(connection, ledger.by_id(connection, world.send_id()), world.keys, sends.NOW)
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


def test_a_send_that_was_cut_off_is_not_taken_off_the_schedule(ready: tuple[house.House, str]) -> None:
    place, url = ready
    place.schedule()
    assert "off the schedule" in place.run("schedule", house.SLUG, "--off").out
    place.schedule()
    _faults(url, "hold-after@1")
    sender = place.start("send", house.SLUG)
    assert _counts(url, held=1, wait=30)["held"] == 1
    sender.kill()
    sender.communicate(timeout=30)
    done = place.run("schedule", house.SLUG, "--off")
    assert (done.code, _schedule_state(place)) == (errors.SendRefused.exit_code, "waiting")
    assert "has begun to go out" in done.err


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
    place.schedule()
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
    place.schedule()
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
