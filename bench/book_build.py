"""Our build of the book, the side that is measured.

book_build.py prepare FOLDER CHAPTERS               fill FOLDER/store, and write the peers' HTML and Typst there
book_build.py build STORE CHAPTERS WORDS FILE       one build in a process of its own, with WORDS words changed
book_build.py warm STORE CHAPTERS FILE              one-word edits in a warm process; answers with their cost
"""

import concurrent.futures
import dataclasses
import statistics
import sys
import time
from pathlib import Path

import book_text
import measure
import typst_export

from pipeline import model, store
from pipeline.formats import book, epub
from pipeline.formats.book import crew, job

WARMING = 1  # edits before anything counts
EDITS = 3


def prepare(folder: Path, chapters: int) -> None:
    """Build once with an empty store, and write what the peers begin with."""
    with book_text.Overheard() as workers:
        whole, material = book_text.book(chapters)
        kept = store.FolderStore(folder / "store", "book")
        book.render(whole, dataclasses.replace(material, store=kept, workers=workers))
        workers.write_html(folder)
    typst_export.write(whole, material, folder)


def build(shelf: Path, chapters: int, words: int, target: Path) -> None:
    """Read the content and build the screen edition, as `mscare build --book` does."""
    with book.workers() as workers:
        whole, material = book_text.book(chapters)
        material = dataclasses.replace(material, store=store.FolderStore(shelf, "book"), workers=workers)
        target.write_bytes(book.render(book_text.edited(whole, words), material)[0].content)


def warm(shelf: Path, chapters: int, target: Path) -> None:
    """Read the content, change a word, build: again and again with the same workers.

    "seen" is when the changed chapter was there as pages, while the rest was still to be joined; "alone" is the time
    that a warm worker needs for just that chapter; "read" is when the preview can show the changed chapter as words,
    without pages; "parts" are those that were laid out.
    """
    with book_text.Overheard() as workers:
        samples = [
            _edit(workers, store.FolderStore(shelf, "book"), chapters, number, target)
            for number in range(1, WARMING + EDITS + 1)
        ]
        sheet = next(s for s in workers.sheets.values() if f"screen: {s.name}" == _middle(chapters))
        alone = [_seconds(workers, sheet) for _ in range(EDITS)]
    counted = samples[WARMING:]
    found = {key: statistics.median(sample[key] for sample in counted) for key in counted[0]}
    read = [_reading(store.FolderStore(shelf, "book"), chapters, number) for number in range(WARMING + EDITS)]
    measure.answer({**found, "alone": statistics.median(alone), "read": statistics.median(read[WARMING:])})


def _middle(chapters: int) -> str:
    return book_text.middle(book_text.book(chapters)[0])


def _edit(workers: crew.Crew, kept: model.Store, chapters: int, number: int, target: Path) -> measure.Sample:
    told: dict[str, float] = {}
    cpu, wall = measure.family_seconds(), time.perf_counter()

    def hear(what: str, _done: int, _total: int) -> None:
        told[what] = time.perf_counter() - wall

    whole, material = book_text.book(chapters)
    material = dataclasses.replace(material, store=kept, workers=workers, step=hear)
    target.write_bytes(book.render(book_text.edited(whole, number), material)[0].content)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": measure.family_seconds() - cpu,
        "seen": told[book_text.middle(whole)],
        "parts": len(told) - 2,  # joined and judged are no parts
    }


def _reading(kept: model.Store, chapters: int, number: int) -> float:
    began = time.perf_counter()
    whole, material = book_text.book(chapters)
    changed = book_text.edited(whole, number)
    epub.chapter(changed.chapters[len(changed.chapters) // 2], changed, dataclasses.replace(material, store=kept))
    return time.perf_counter() - began


def _seconds(workers: concurrent.futures.Executor, sheet: job.Sheet) -> float:
    began = time.perf_counter()
    workers.submit(job.lay_out, sheet).result()
    return time.perf_counter() - began


def main(mode: str, place: Path, chapters: int, *more: str) -> None:
    """Do what the mode says."""
    if mode == "prepare":
        prepare(place, chapters)
        measure.answer({})
    elif mode == "build":
        build(place, chapters, int(more[0]), Path(more[1]))
    else:
        warm(place, chapters, Path(more[0]))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
