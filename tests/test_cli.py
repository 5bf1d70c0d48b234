"""The command line as other tools rely on it: names, exit codes, JSON on stdout and nothing else there."""

import datetime as dt
import json
import signal
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import house
import pytest
import requests
import sends

from pipeline import agenda, config, errors, flow, office
from pipeline.sandbox import faults, server


@pytest.fixture
def place(tmp_path: Path) -> house.House:
    """Return a fresh publication."""
    return house.build(tmp_path / "house")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[str]:
    """Run the sandbox."""
    with server.running(tmp_path / "sandbox.db", 0, faults.parse(""), sends.ROOT / "templates") as url:
        yield url


@pytest.fixture
def ready(place: house.House, sandbox: str) -> house.House:
    """Return a publication with 12 readers, its edition built and approved, and the sandbox at hand."""
    there = house.House(place.root, {"MSCARE_SERVICES__SANDBOX__BASE_URL": sandbox})
    there.readers(12)
    for command in (("build", house.SLUG), ("approve", house.SLUG, "--by", "Tests")):
        done = there.run(*command)
        assert done.code == 0, done.err
    return there


# --- the contracts ---------------------------------------------------------------


def test_check_prints_a_list_of_findings_with_stable_fields(place: house.House) -> None:
    done = place.run("check", "--json")
    assert done.code == 0
    for finding in done.json():
        assert set(finding) == {"code", "severity", "file", "line", "message", "hint", "waived"}
    assert [f["code"] for f in done.json() if f["severity"] == "block" and not f["waived"]] == []


def test_a_blocking_finding_gives_exit_code_3_with_file_and_line(place: house.House) -> None:
    place.write("articles/scans.md", house.ARTICLE.replace("topic: Diagnosis", "tropic: Diagnosis"))
    done = place.run("check", "--json")
    assert done.code == 3
    assert ("content/articles/scans.md", 4) in {(f["file"], f["line"]) for f in done.json()}


def test_check_can_look_at_one_file(place: house.House) -> None:
    place.write("articles/other.md", house.ARTICLE.replace("title: Scans and what they say\n", ""))
    assert place.run("check", "content/articles/other.md").code == 3
    assert place.run("check", "content/articles/scans.md").code == 0
    assert place.run("check", "content/nowhere.md").code == 2


def test_build_prints_name_path_digest_and_size_of_each_file(place: house.House) -> None:
    rows = place.run("build", house.SLUG, "--json").json()
    assert {"email.html", "email.txt", "message.json"} <= {row["name"] for row in rows}
    for row in rows:
        assert set(row) == {"name", "path", "sha256", "bytes"}
        assert Path(row["path"]).stat().st_size == row["bytes"]


def test_two_builds_of_the_same_content_have_the_same_bytes(place: house.House, tmp_path: Path) -> None:
    first = place.run("build", house.SLUG, "--out", str(tmp_path / "a"), "--json").json()
    second = place.run("build", house.SLUG, "--out", str(tmp_path / "b"), "--json").json()
    assert [row["sha256"] for row in first] == [row["sha256"] for row in second]


def test_an_unchanged_edition_is_not_rendered_again(place: house.House) -> None:
    place.run("build", house.SLUG)
    before = (place.root / "out" / house.SLUG / "email.html").stat().st_mtime_ns
    assert "unchanged" in place.run("build", house.SLUG).err
    assert (place.root / "out" / house.SLUG / "email.html").stat().st_mtime_ns == before


def test_plan_says_who_and_how_many(ready: house.House) -> None:
    facts = ready.run("plan", house.SLUG, "--json").json()
    assert set(facts) == {"edition", "digest", "planned", "excluded", "batches"}
    assert (facts["planned"], facts["excluded"], facts["batches"]) == (12, {}, 1)


def test_send_and_report_print_the_balance(ready: house.House) -> None:
    done = ready.run("send", house.SLUG, "--json")
    assert done.code == 0, done.err
    facts = ready.run("report", house.SLUG, "--json").json()
    assert facts == done.json()
    assert facts == {"edition": house.SLUG, "service": "sandbox", "state": "sent", "planned": 12, "accepted": 12,
                     "refused": 0, "untaken": 0, "doubtful": 0, "excluded": 0}  # fmt: skip


def test_the_receipt_names_every_fate_and_no_address(ready: house.House, tmp_path: Path) -> None:
    ready.run("send", house.SLUG)
    assert ready.run("report", house.SLUG, "--receipt", str(tmp_path / "receipt.json")).code == 0
    text = (tmp_path / "receipt.json").read_text()
    proof = json.loads(text)
    assert len(proof["deliveries"]) == proof["planned"] == 12
    assert len(proof["seal"]) == 64
    assert "@" not in text


# --- what must refuse ------------------------------------------------------------


def test_nothing_is_sent_without_an_approval(place: house.House, sandbox: str) -> None:
    there = house.House(place.root, {"MSCARE_SERVICES__SANDBOX__BASE_URL": sandbox})
    there.readers(3)
    there.run("build", house.SLUG)
    done = there.run("send", house.SLUG)
    assert done.code == errors.NotApproved.exit_code
    assert "mscare approve" in done.err


def test_a_changed_byte_in_out_stops_the_send(ready: house.House) -> None:
    with (ready.root / "out" / house.SLUG / "email.html").open("a") as file:
        file.write(" ")
    done = ready.run("send", house.SLUG)
    assert done.code == errors.NotApproved.exit_code
    assert "email.html" in done.err


def test_a_rebuilt_edition_needs_a_new_approval(ready: house.House) -> None:
    ready.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    ready.run("build", house.SLUG)
    assert ready.run("send", house.SLUG).code == errors.NotApproved.exit_code


def test_other_bytes_than_those_that_were_looked_at_are_not_approved(place: house.House) -> None:
    place.run("build", house.SLUG)
    here = office.open_office(config.load(place.root / "mscare.toml"))
    with pytest.raises(errors.NotApproved, match="built again"):
        flow.grant(here, house.SLUG, "Tests", [], sends.NOW, shown="0" * 64)
    here.engine.dispose()


def test_the_example_identity_never_reaches_a_real_service(ready: house.House, sandbox: str) -> None:
    env = {"MSCARE_SERVICES__RESEND__BASE_URL": sandbox, "MSCARE_SERVICES__RESEND__KEY": "key"}
    done = house.House(ready.root, env).run("send", house.SLUG, "--service", "resend")
    assert done.code == errors.SendRefused.exit_code
    assert "organisation" in done.err


def test_a_real_identity_sends_through_a_service_set_by_the_environment(place: house.House, sandbox: str) -> None:
    env = {**house.PUBLISHER, "MSCARE_DELIVERY__SERVICE": "resend", "MSCARE_SERVICES__RESEND__BASE_URL": sandbox,
           "MSCARE_SERVICES__RESEND__KEY": "key-of-the-publisher"}  # fmt: skip
    there = house.House(place.root, env)
    there.readers(5)
    for command in (("build", house.SLUG), ("approve", house.SLUG, "--by", "Tests"), ("send", house.SLUG)):
        done = there.run(*command)
        assert done.code == 0, done.err
        assert "key-of-the-publisher" not in done.out + done.err
    assert len(requests.get(f"{sandbox}/_sandbox/taken", timeout=10).json()["recipients"]) == 5
    (mail,) = _mails(sandbox, sends.addresses(1)[0])
    assert "4 Quay Lane" in mail["html"]
    assert "4 Quay Lane" in mail["text"]


def _mails(sandbox: str, to: str) -> list[dict[str, str]]:
    """Ask the sandbox for everything one reader got."""
    answer = requests.get(f"{sandbox}/_sandbox/messages", params={"to": to}, timeout=10)
    return list(answer.json()["messages"])


def test_a_test_send_marks_its_subject_and_reaches_the_team_only(ready: house.House, sandbox: str) -> None:
    assert ready.run("send", house.SLUG, "--to", "test").code == 0
    taken = requests.get(f"{sandbox}/_sandbox/taken", timeout=10).json()["recipients"]
    assert taken == {"team@example.org": 1}
    assert _mails(sandbox, "team@example.org")[0]["subject"].startswith("[TEST] ")


# --- bad input ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("send", "nowhere"), 2, "has not been built"),
        (("build", "nowhere"), 2, "no edition"),
        (("report", house.SLUG), 2, "never sent"),
        (("plan", house.SLUG, "--service", "pigeon"), 5, "no sending service"),
        (("send", house.SLUG, "--to", "everybody"), 2, "neither test nor all"),
        (("approve", house.SLUG, "--by", "T", "--waive", "x"), 2, "--reason"),
        (("schedule", house.SLUG), 2, "needs a time and its zone, or --off"),
        (("schedule", house.SLUG, "--at", "2027-01-01 09:00", "--tz", "UTC", "--off"), 2, "or --off alone"),
        (("schedule", house.SLUG, "--at", "tomorrow", "--tz", "Europe/London"), 2, "not a time"),
        (("schedule", house.SLUG, "--at", "2027-01-01 09:00", "--tz", "Mars/Base"), 2, "no time zone"),
        (("schedule", house.SLUG, "--at", "2026-02-01 09:00", "--tz", "Europe/London"), 2, "has passed"),
        (("new", "poem", "x"), 2, "no kind"),
        (("new", "article", "Bad Slug"), 2, "not a slug"),
        (("new", "article", "scans"), 2, "already there"),
        (("sandbox", "--fault", "meteor@1"), 2, "meteor"),
        (("subscribers", "import", "nowhere.csv"), 9, "nowhere.csv"),
        (("check", "--config", "nowhere.toml"), 5, "nowhere.toml"),
        (("nonsense",), 2, "nonsense"),
    ],
)
def test_a_wrong_call_gets_a_sentence_and_its_exit_code(
    place: house.House, arguments: tuple[str, ...], code: int, words: str
) -> None:
    done = place.run(*arguments)
    assert done.code == code, done.err
    assert words in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("mscare.toml", "[publication", 5),
        ("mscare.toml", "[publication]\ntitel = 1\n", 5),
        ("templates/email/digest.mjml.j2", "{{ nobody_knows_this }}", 12),
        ("templates/email/digest.mjml.j2", "{% if %}", 12),
        ("templates/tokens.toml", "[light", 12),
    ],
)
def test_a_broken_setting_or_template_is_told_with_its_file(
    place: house.House, tmp_path: Path, file: str, text: str, code: int
) -> None:
    copied = tmp_path / "templates"
    for path in sorted((sends.ROOT / "templates").rglob("*")):
        if path.is_file():
            target = copied / path.relative_to(sends.ROOT / "templates")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (place.root / "templates").unlink()
    copied.rename(place.root / "templates")
    (place.root / file).write_text(text)
    done = place.run("build", house.SLUG)
    assert done.code == code, done.err
    assert Path(file).name in done.err
    assert "Traceback" not in done.err


def test_a_broken_database_file_is_told_and_left_alone(ready: house.House) -> None:
    path = ready.root / "var" / "mscare.db"
    for extra in path.parent.glob("mscare.db-*"):
        extra.unlink()
    path.write_bytes(b"this is not a database, but it is long enough to be looked at as one" * 20)
    before = path.read_bytes()
    done = ready.run("status")
    assert done.code == errors.StorageProblem.exit_code
    assert "restore a backup" in done.err
    assert path.read_bytes() == before


def test_a_lost_key_is_told_before_anything_is_sent(ready: house.House) -> None:
    (ready.root / "var" / "keys" / "installation.key").write_text("00" * 32)
    done = ready.run("send", house.SLUG)
    assert done.code in {errors.StorageProblem.exit_code, errors.ConfigProblem.exit_code}
    assert "installation.key" in done.err


@pytest.mark.parametrize("command", ["sandbox", "serve", "preview"])
def test_a_busy_port_is_told(place: house.House, command: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = place.run(command, "--port", str(taken.getsockname()[1]))
    assert done.code == errors.MissingPart.exit_code
    assert "--port" in done.err


def test_a_full_disk_leaves_the_last_build_as_it_was(place: house.House, tmp_path: Path) -> None:
    place.run("build", house.SLUG)
    good = (place.root / "out" / house.SLUG / "email.html").read_bytes()
    place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    (place.root / "out").chmod(0o500)
    try:
        done = place.run("build", house.SLUG, "--out", "/dev/full/out")
    finally:
        (place.root / "out").chmod(0o700)
    assert done.code == errors.StorageProblem.exit_code
    assert (place.root / "out" / house.SLUG / "email.html").read_bytes() == good
    assert not list(tmp_path.glob("**/.2026-11-*"))


def test_every_command_explains_itself_with_an_example(place: house.House) -> None:
    names = [
        line.split()[1] for line in place.run("--help").out.splitlines() if line.startswith("│ ") and line[2] != " "
    ]
    assert {"demo", "check", "build", "send", "report", "preview"} <= set(names)
    for name in (n for n in names if n not in {"--help", "subscribers"}):
        done = place.run(name, "--help")
        assert "Example:" in done.out, name
        assert "--config" in done.out, name


# --- the schedule ------------------------------------------------------------------


def test_work_sends_what_is_due_once_also_after_a_restart(ready: house.House, sandbox: str) -> None:
    ready.schedule()
    for _ in range(2):
        worker = _working(ready)
        requests.get(f"{sandbox}/_sandbox/calls", params={"answered": "1", "wait": "20"}, timeout=30)
        _wait_until_done(ready)
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=30)
        assert worker.returncode == 0, said
    taken = requests.get(f"{sandbox}/_sandbox/taken", timeout=10).json()["recipients"]
    assert taken == dict.fromkeys(sends.addresses(12), 1)


def _working(place: house.House) -> subprocess.Popen[str]:
    """Start `mscare work` and return when it says that it works."""
    worker = place.start("work")
    assert worker.stderr is not None
    assert "working" in worker.stderr.readline()
    return worker


def _wait_until_done(place: house.House) -> None:
    deadline = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=20)
    while dt.datetime.now(dt.UTC) < deadline:
        with sqlite3.connect(place.root / "var" / "mscare.db", timeout=20) as database:
            (state,) = database.execute("SELECT state FROM schedule").fetchone()
        if state != "waiting":
            return
    pytest.fail("the schedule was never marked")


def test_an_unapproved_edition_is_refused_by_work_and_the_reason_is_kept(place: house.House, sandbox: str) -> None:
    there = house.House(place.root, {"MSCARE_SERVICES__SANDBOX__BASE_URL": sandbox})
    there.readers(2)
    there.run("build", house.SLUG)
    there.schedule()
    worker = _working(there)
    _wait_until_done(there)
    worker.send_signal(signal.SIGTERM)
    worker.communicate(timeout=30)
    assert "refused" in there.run("status", house.SLUG).out
    assert requests.get(f"{sandbox}/_sandbox/taken", timeout=10).json()["messages"] == 0


def test_an_edition_is_not_sent_after_its_not_after(ready: house.House) -> None:
    ready.write("editions/2026-11.toml", house.EDITION.replace("2099-01-01T", "2026-02-01T"))
    ready.run("build", house.SLUG)
    ready.run("approve", house.SLUG, "--by", "Tests")
    done = ready.run("send", house.SLUG)
    assert done.code == errors.SendRefused.exit_code
    assert ready.run("schedule", house.SLUG, "--at", "2027-02-01 09:00", "--tz", "UTC").code == 7


@pytest.mark.parametrize(
    ("text", "words"), [("2026-03-29 01:30", "skip"), ("2026-10-25 01:30", "twice"), ("2026-03-29T01:30+01:00", "zone")]
)
def test_a_local_time_that_is_not_exactly_one_moment_is_refused(text: str, words: str) -> None:
    with pytest.raises(errors.UsageProblem, match=words):
        agenda.moment(text, "Europe/London")


def test_a_local_time_becomes_the_right_moment_in_summer_and_winter() -> None:
    assert agenda.moment("2026-07-01 09:00", "Europe/London") == dt.datetime(2026, 7, 1, 8, tzinfo=dt.UTC)
    assert agenda.moment("2026-12-01 09:00", "Europe/London") == dt.datetime(2026, 12, 1, 9, tzinfo=dt.UTC)
