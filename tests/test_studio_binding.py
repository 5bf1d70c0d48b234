"""The process in which the preview has the book rendered: it stays, and so does what it has read in."""

import contextlib
import dataclasses
import json
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import house
import pytest

from pipeline import config
from pipeline.studio import binding


@dataclasses.dataclass(frozen=True)
class Bound:
    """The process, with the publication it works for."""

    process: subprocess.Popen[bytes]
    place: house.House

    def wish(self) -> None:
        into = cast("IO[bytes]", self.process.stdin)
        into.write(pickle.dumps(config.load(self.place.root / "mscare.toml")))
        into.flush()

    def answer(self) -> Any:
        return json.loads(cast("IO[bytes]", self.process.stdout).readline())

    def last_answer(self) -> Any:
        """Return what ends the wish."""
        said = self.answer()
        return self.answer() if said == binding.PAGES else said

    def pdf(self, folder: str) -> bytes:
        (file,) = (self.place.root / "out" / folder).glob("navigating-your-ms-care.pdf")
        return file.read_bytes()

    def change(self, words: str) -> None:
        self.place.write("book/01-scans.md", house.CHAPTER.replace("Places, not feelings", words))


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[Bound]:
    command = [sys.executable, "-c", "from pipeline.studio import binding; binding.main()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Bound(process, house.build(tmp_path / "house"))
        with contextlib.suppress(BrokenPipeError):
            cast("IO[bytes]", process.stdin).close()


def test_the_edition_for_screens_is_there_first_and_the_same_bytes_as_in_the_whole_book(bound: Bound) -> None:
    bound.wish()
    assert bound.answer() == binding.PAGES
    first = bound.pdf(binding.FIRST)
    assert bound.answer() is None
    assert bound.pdf("book") == first
    assert not list((bound.place.root / "out" / binding.FIRST).glob("*.epub"))


def test_a_wish_that_is_dropped_leaves_a_process_that_fulfils_the_next(bound: Bound) -> None:
    bound.wish()
    assert bound.last_answer() is None
    before = bound.pdf("book")
    bound.change("Places, and no feelings")
    bound.wish()
    bound.process.send_signal(signal.SIGUSR1)
    assert bound.last_answer() is None
    bound.change("Places, and some feelings")
    bound.wish()
    assert bound.last_answer() is None
    assert bound.process.poll() is None
    assert bound.pdf("book") == bound.pdf(binding.FIRST) != before


def test_what_is_wrong_with_a_wish_is_told_and_the_next_is_fulfilled(bound: Bound) -> None:
    bound.place.write("book/01-scans.md", house.CHAPTER.replace("[@bot2004]", "[@nobody1999]"))
    bound.wish()
    assert "nobody1999" in bound.last_answer()["message"]
    bound.change("Places, and no feelings")
    bound.wish()
    assert bound.last_answer() is None


def test_it_ends_with_the_program_that_started_it(bound: Bound) -> None:
    bound.wish()
    assert bound.last_answer() is None
    cast("IO[bytes]", bound.process.stdin).close()
    assert bound.process.wait(timeout=30) == 0
