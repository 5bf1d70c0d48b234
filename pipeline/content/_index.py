"""The index of the book: read, and held against the chapters. Every heading must lead somewhere."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Self

import pydantic

from pipeline import indexing, model, notes
from pipeline.content import _files
from pipeline.content._banks import Strict, Text

FILE = "index.toml"
Place = Annotated[
    str, pydantic.Field(pattern=r"^(sheet:)?[a-z0-9]+(-[a-z0-9]+)*(#[a-z0-9]+(-[a-z0-9]+)*)?$", max_length=200)
]


_PLACES = "write slug, slug#heading-of-a-section, slug#questions, slug#sheet, slug#help or sheet:id"


class _Line(Strict):
    """What a heading and a subheading have in common."""

    heading: Text
    find: tuple[Text, ...] = ()
    only_in: tuple[Place, ...] = ()
    at: tuple[Place, ...] = ()
    see: tuple[Text, ...] = ()
    see_also: tuple[Text, ...] = ()

    @pydantic.model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        leads = self.find or self.at
        if not (leads or self.see or getattr(self, "sub", ())):
            msg = f"heading {self.heading!r} has neither find, at, see nor a sub"
            raise ValueError(msg)
        if self.see and (leads or self.see_also or getattr(self, "sub", ())):
            msg = f"heading {self.heading!r} has see, which stands alone: with references it is see_also"
            raise ValueError(msg)
        if self.only_in and not self.find:
            msg = f"only_in of {self.heading!r} has nothing to find"
            raise ValueError(msg)
        return self


class _Entry(_Line):
    sub: tuple[_Line, ...] = ()


def index(desk: _files.Desk, library: model.Library) -> tuple[model.IndexEntry, ...]:
    """Read index.toml, when there is one, and note what leads nowhere."""
    path = desk.root / FILE
    if not path.exists():
        return ()
    entries = desk.kept(_entries, path)
    for code, line, message, hint in _kept_faults(entries, _printed(library), library.book):
        desk.block(code, path, line, message, hint)
    return entries


def _printed(library: model.Library) -> tuple[model.Chapter, ...] | None:
    """Return the chapters of the book; None when one is missing, which is told elsewhere, or there is no book."""
    slugs = library.book.chapters if library.book else None
    if slugs is None or any(slug not in library.chapters for slug in slugs):
        return None
    return tuple(library.chapters[slug] for slug in slugs)


def _entries(desk: _files.Desk, path: Path) -> tuple[model.IndexEntry, ...]:
    read = desk.toml(path)
    if read is None:
        return ()
    values, lines = read
    for key in values.keys() - {"entry"}:
        at = _files.line_of(lines, (key,))
        desk.block("content-schema", path, at, f"unknown key {key!r}", "this file holds [[entry]] tables")
    rows = values.get("entry", [])
    checked = [(desk.validate(_Entry, row, path, lines, ("entry", number)), number) for number, row in enumerate(rows)]
    return tuple(_entry(entry, lines, ("entry", number)) for entry, number in checked if entry)


def waymarks(desk: _files.Desk, library: model.Library) -> None:
    """Note a signpost of the book that leads nowhere, and a worksheet that would stand in the book twice."""
    book, chapters = library.book, _printed(library)
    if book is None or chapters is None:
        return
    for post in book.signposts:
        if not is_place(post.place, chapters, book):
            message = f"the signpost {post.text!r} leads to {post.place!r}, and there is no such place"
            desk.block("content-place-unknown", book.path, _line_with(desk, book, post.place), message, _PLACES)
    printed = [chapter.worksheet for chapter in chapters]
    for sheet in book.sheets:
        if sheet in printed:
            message = f"the worksheet {sheet!r} stands in the book already"
            hint = "take it out of sheets, or give the chapter another one"
            desk.block("content-duplicate", book.path, _line_with(desk, book, sheet), message, hint)
        printed.append(sheet)


def _line_with(desk: _files.Desk, book: model.BookSpec, name: str) -> int:
    """Return the last line of book.toml that holds this name in quotes."""
    lines = (desk.text(book.path) or "").split("\n")
    return max((number for number, line in enumerate(lines, 1) if f'"{name}"' in line), default=0)


def _entry(entry: _Line, lines: _files.Lines, place: _files.Place) -> model.IndexEntry:
    subs = entry.sub if isinstance(entry, _Entry) else ()
    return model.IndexEntry(
        heading=entry.heading,
        find=entry.find,
        only_in=entry.only_in,
        at=entry.at,
        see=entry.see,
        see_also=entry.see_also,
        subs=tuple(_entry(sub, lines, (*place, "sub", number)) for number, sub in enumerate(subs)),
        line=_files.line_of(lines, place),
    )


Fault = tuple[str, int, str, str]  # code, line, message, hint


@functools.lru_cache(maxsize=8)  # most edits change neither the index nor a chapter
def _kept_faults(
    entries: tuple[model.IndexEntry, ...], chapters: tuple[model.Chapter, ...] | None, book: model.BookSpec | None
) -> tuple[Fault, ...]:
    found = notes.taken("index", repr((entries, chapters, book)), lambda: _faults(entries, chapters, book))
    return tuple((code, line, message, hint) for code, line, message, hint in found)


def _faults(
    entries: tuple[model.IndexEntry, ...], chapters: tuple[model.Chapter, ...] | None, book: model.BookSpec | None
) -> list[Fault]:
    found = [*_doubles(entries, "")]
    for entry in entries:
        found += _doubles(entry.subs, f" below {entry.heading!r}")
    found += _crossings(entries)
    if book is not None and chapters is not None:
        for entry in indexing.walk(entries):
            found += _places(entry, chapters, book)
    return found


def _doubles(entries: Sequence[model.IndexEntry], where: str) -> Iterator[Fault]:
    lines: dict[str, int] = {}
    for entry in entries:
        key = indexing.sort_key(entry.heading)
        if key in lines:
            message = f"the heading {entry.heading!r}{where} stands already on line {lines[key]}"
            yield "content-duplicate", entry.line, message, "make one entry of the two"
        lines.setdefault(key, entry.line)


def _crossings(entries: Sequence[model.IndexEntry]) -> Iterator[Fault]:
    """Yield a fault for each `see` and `see also` that leads to nothing, or only onwards."""
    known = {entry.heading: entry for entry in entries}
    for entry in indexing.walk(entries):
        for other in (*entry.see, *entry.see_also):
            hint = "name a heading of this file, exactly as it is written there"
            if other == entry.heading:
                message = f"{entry.heading!r} sends to itself"
                yield "content-index-see", entry.line, message, "name another heading, or take it out"
            elif other not in known:
                yield (
                    "content-index-see",
                    entry.line,
                    f"{entry.heading!r} sends to {other!r}, which is no heading",
                    hint,
                )
            elif entry.heading in known[other].see:
                message = f"{entry.heading!r} sends to {other!r}, which sends back: neither has pages"
                yield "content-index-see", entry.line, message, "give one of the two its pages, with find or at"
            elif known[other].see:
                message = f"{entry.heading!r} sends to {other!r}, which only sends on to {known[other].see[0]!r}"
                yield "content-index-see", entry.line, message, "send straight to the heading that has the pages"


def _places(entry: model.IndexEntry, chapters: Sequence[model.Chapter], book: model.BookSpec) -> Iterator[Fault]:
    for place in (*entry.at, *entry.only_in):
        if not is_place(place, chapters, book):
            message = f"{entry.heading!r} leads to {place!r}, and there is no such place"
            yield "content-place-unknown", entry.line, message, _PLACES
    if entry.find and not any(indexing.found(entry, chapter) for chapter in chapters):
        where = f" in {', '.join(entry.only_in)}" if entry.only_in else " in any chapter"
        message = f"{entry.heading!r}: {_either(entry.find)} is not found{where}"
        yield "content-index-unfound", entry.line, message, "find other words, or take the heading out"


def is_place(place: str, chapters: Sequence[model.Chapter], book: model.BookSpec) -> bool:
    """Say whether a place of the index or of a signpost exists."""
    kind, colon, name = place.partition(":")
    if colon:
        return kind == "sheet" and name in {*book.sheets, *(chapter.worksheet for chapter in chapters)}
    return any(indexing.placed(place, chapter) for chapter in chapters)


def _either(words: Sequence[str]) -> str:
    return " or ".join(repr(word) for word in words)
