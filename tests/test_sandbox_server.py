"""The server starts and ends in peace and says in a sentence what is missing; bodies are stored once."""

import contextlib
import json
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import hypothesis
import mailbox_client
import pytest
from hypothesis import strategies
from mailbox_client import ROOT, TEMPLATES, Client, waiting

from pipeline import errors, sandbox
from pipeline.sandbox import faults, folding


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from mailbox_client.serving(tmp_path_factory.mktemp("sandbox"))


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    yield from mailbox_client.fresh(url)


SERVE = """
import sys, pathlib
from pipeline import sandbox
from pipeline.sandbox import faults
sandbox.serve(pathlib.Path(sys.argv[1]), 0, faults.parse(sys.argv[3]), pathlib.Path(sys.argv[2]),
    ready=lambda url: print(url, flush=True))
print("clean end")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly_even_when_calls_are_held(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-W", "error", "-c", SERVE, str(tmp_path / "s.db"), str(TEMPLATES), "hold-before@1"]
    with subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        client = Client(process.stdout.readline().strip())
        with waiting(client, "sendgrid") as answers:
            process.send_signal(number)
        output, complaints = process.communicate(timeout=10)
        client.session.close()
    assert answers == []
    assert (process.returncode, output, complaints) == (0, "clean end\n", "")


def test_a_busy_port_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(errors.MissingPart, match=f"port {port} on 127.0.0.1 is taken"):
            sandbox.serve(tmp_path / "s.db", port, faults.Plan(), TEMPLATES, ready=print)
        with (
            pytest.raises(errors.MissingPart, match="is taken"),
            sandbox.running(tmp_path / "s.db", port, faults.Plan(), TEMPLATES),
        ):
            pass


def test_a_missing_template_folder_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(errors.MissingPart, match="pages are missing"):
        sandbox.app(tmp_path / "s.db", faults.Plan(), tmp_path)


def test_a_store_that_is_no_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(errors.StorageProblem, match="cannot be used"):
        sandbox.app(tmp_path / "s.db", faults.Plan(), TEMPLATES)


def test_a_store_of_another_version_is_told_in_a_sentence(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(errors.StorageProblem, match="another version"):
        sandbox.app(tmp_path / "s.db", faults.Plan(), TEMPLATES)


def test_the_server_listens_on_this_machine_only(url: str) -> None:
    assert urlsplit(url).hostname == "127.0.0.1"


@hypothesis.settings(deadline=None)
@hypothesis.given(strategies.text(), strategies.text(), strategies.text(), strategies.text())
def test_a_folded_text_unfolds_to_itself(head: str, one: str, other: str, tail: str) -> None:
    base, text = head + one + tail, head + other + tail
    assert folding.unfold(base, folding.fold(base, text)) == text
    assert folding.unfold(one, json.loads(json.dumps(folding.fold(one, other)))) == other


def test_two_links_of_one_length_cost_two_blocks() -> None:
    base, text = ("a" * 5000 + link + "b" * 5000 + link + "c" * 5000 for link in ("x" * 43, "y" * 43))
    assert folding.size(folding.fold(base, text)) <= 4 * folding.BLOCK
