"""A small publication on disk whose book has two chapters: sound, for tests that spoil one thing of it."""

from pathlib import Path

import house
import pytest
import samples

from pipeline import checks, content, errors, model, office
from pipeline.config import load as settings_of

TEMPLATES = samples.ROOT / "templates"

CHAPTER = "book/02-visits.md"
DRAWING = "images/shape.svg"
RECTANGLE = '<rect width="500" height="400" x="60" y="60" fill="#0b5563"/>'
VISITS = (
    house.CHAPTER.replace("number: 1", "number: 2")
    .replace("title: Scans", "title: Visits")
    .replace("worksheet: log", "worksheet: visit")
    .replace("Places, not feelings", "Read [the chapter on scans](chapter:scans)")
)
SCANS = house.CHAPTER.replace("Places, not feelings", "Read [the chapter on visits](chapter:visits)")
FIRST_LINE = VISITS.count("\n") + 2  # of what a test adds to the second chapter
SHEET = """
[[worksheet]]
id = "visit"
title = "My visits"
intro = "One line."
table = { columns = ["Day"], rows = 2 }
"""


def publication(folder: Path) -> house.House:
    """Write a publication whose book has two chapters that lead to each other."""
    home = house.build(folder, **house.PUBLISHER)
    home.write("book/book.toml", house.BOOK.replace('["scans"]', '["scans", "visits"]'))
    home.write("book/01-scans.md", SCANS)
    home.write(CHAPTER, VISITS)
    home.write("worksheets.toml", house.BANKS["worksheets.toml"] + SHEET)
    return home


def with_text(home: house.House, text: str) -> house.House:
    """Add a text to the second chapter, from line `FIRST_LINE`."""
    home.write(CHAPTER, f"{VISITS}\n{text}")
    return home


def with_drawing(home: house.House, data: bytes) -> house.House:
    """Show a drawing in the second chapter."""
    (home.root / "content" / DRAWING).write_bytes(data)
    return with_text(home, '![A shape. Illustration.](image:shape.svg "A shape.")\n')


def svg(inside: str = RECTANGLE, root: str = 'viewBox="0 0 1200 675"') -> str:
    """Return a drawing; what it holds begins on line 2."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" {root}>\n{inside}\n</svg>\n'


def table(columns: int, rows: int, cell: str = "word") -> str:
    """Return a table with its title; its head stands on the second line."""
    head = f"|{' A |' * columns}\n|{' --- |' * columns}\n"
    return f"::: table Words\n{head}" + f"|{f' {cell} |' * columns}\n" * rows + ":::\n"


Found = tuple[str, str, int]


def found(home: house.House) -> dict[Found, model.Finding]:
    """Return the blocking findings of the texts by code, file and line, as `mscare check` puts them together."""
    library, findings = content.load(home.root / "content")
    findings = [*findings, *checks.source(library, samples.CHECKED), *checks.letters(library, TEMPLATES)]
    told = checks.apply(findings, library.waivers)
    assert all(finding.message and finding.hint for finding in told)
    return {(f.code, f.file.removeprefix("content/"), f.line): f for f in told if f.blocks}


def refused(home: house.House) -> str:
    """Return what a build of the book says before any page is made."""
    with pytest.raises(errors.ContentBlocked, match="what the book is made of has") as caught:
        office.sit_down(settings_of(home.root / "mscare.toml")).item("book")
    assert "mscare check" in caught.value.hint
    return caught.value.message
