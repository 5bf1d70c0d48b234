"""The book's index and glossary as values: what leads to which anchors. Each format prints them in its own way.

A chapter is set with ids on the blocks that an entry may lead to (`marked`); `groups` chooses the places of every
entry, at most six; `pages` turns them into page numbers, where neighbours are joined: 33-35, 62.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence

from markdown_it.token import Token

from pipeline import indexing, markup, model

MOST = 6  # references of one heading: a longer row of numbers helps nobody
NUMBERS = "Numbers"  # stands above headings that begin with a figure


@dataclasses.dataclass(frozen=True, slots=True)
class Locator:
    """A stretch of the book, from one anchor to another; both are the same for a single place."""

    first: str
    last: str


@dataclasses.dataclass(frozen=True, slots=True)
class Cross:
    """Another heading of the index, and its anchor."""

    heading: str
    anchor: str


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """A heading or subheading with its places in the order of the book."""

    heading: str
    anchor: str
    locators: tuple[Locator, ...]
    see: tuple[Cross, ...]
    see_also: tuple[Cross, ...]
    subs: tuple["Line", ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Group:
    """The headings of one letter."""

    letter: str
    lines: tuple[Line, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A page or a range of pages as it is printed, and the anchor it leads to."""

    text: str
    anchor: str


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """A glossary entry, with the anchor of the first use in each chapter that uses it."""

    id: str
    name: str
    definition: str
    uses: tuple[str, ...]


# --- the places in a chapter --------------------------------------------------------------------------------


def marked(chapter: model.Chapter, book: model.Book, library: model.Library) -> list[Token]:
    """Return the chapter's tokens, with an id on every block to which the index or the glossary may lead."""
    passages = _passages(library.index, chapter).values()
    names = {name for row in passages for passage in row for name in (passage.first, passage.last)}
    uses = (indexing.first(words, chapter) for words in _unlinked(book, library.terms).values())
    return indexing.marked(chapter, names | {block.name for block in uses if block})


_Found = Mapping[model.IndexEntry, Sequence[indexing.Passage]]


@functools.lru_cache(maxsize=64)  # asked for when a chapter is marked and when the index is made, in each build anew
def _passages(entries: tuple[model.IndexEntry, ...], chapter: model.Chapter) -> _Found:
    """Return what each entry names and finds in a chapter; finds inside a place that it names add nothing."""
    passages: dict[model.IndexEntry, list[indexing.Passage]] = {}
    for entry in indexing.walk(entries):
        named = indexing.named(entry, chapter)
        found = [p for p in indexing.found(entry, chapter) if not any(n.start <= p.start <= n.end for n in named)]
        if named or found:
            passages[entry] = named + found
    return passages


# --- the index ----------------------------------------------------------------------------------------------


def groups(book: model.Book, library: model.Library) -> tuple[Group, ...]:
    """Return the index by letter; empty when the content has none. An entry that leads nowhere is left out."""
    found = [_passages(library.index, chapter) for chapter in book.chapters]
    lines = [_line(entry, book, found, entry_anchor(entry.heading)) for entry in library.index]
    known = {line.heading for line in lines if line.locators or line.subs}
    lines = [line for line in lines if line.heading in known or any(cross.heading in known for cross in line.see)]
    by_letter: dict[str, list[Line]] = {}
    for line in sorted(lines, key=lambda line: indexing.sort_key(line.heading)):
        initial = indexing.sort_key(line.heading)[:1].upper()
        by_letter.setdefault(NUMBERS if initial.isdigit() else initial, []).append(_without(line, known))
    return tuple(Group(letter, tuple(found)) for letter, found in by_letter.items())


def entry_anchor(heading: str) -> str:
    """Return the id of a heading of the index, to which `see` leads."""
    return f"index-{markup.anchor(heading)}"


def _line(entry: model.IndexEntry, book: model.Book, found: Sequence[_Found], anchor: str) -> Line:
    subs = [_line(sub, book, found, "") for sub in entry.subs]
    return Line(
        heading=entry.heading,
        anchor=anchor,
        locators=_locators(entry, book, found),
        see=tuple(Cross(heading, entry_anchor(heading)) for heading in entry.see),
        see_also=tuple(Cross(heading, entry_anchor(heading)) for heading in entry.see_also),
        subs=tuple(sorted((s for s in subs if s.locators or s.see), key=lambda s: indexing.sub_sort_key(s.heading))),
    )


def _without(line: Line, known: set[str]) -> Line:
    """Take out what would send to a heading that is not printed."""
    see, also = (tuple(c for c in crosses if c.heading in known) for crosses in (line.see, line.see_also))
    return dataclasses.replace(line, see=see, see_also=also, subs=tuple(_without(sub, known) for sub in line.subs))


_Choice = tuple[int, tuple[int, int], Locator]  # how much of it speaks of the heading, where it stands in the book


def _locators(entry: model.IndexEntry, book: model.Book, passages: Sequence[_Found]) -> tuple[Locator, ...]:
    """Choose the places of an entry: those it names, then the passages that say most of it."""
    named: list[_Choice] = []
    found: list[_Choice] = []
    for number, (chapter, said) in enumerate(zip(book.chapters, passages, strict=True)):
        if entry not in said:
            continue
        places = indexing.named(entry, chapter)
        for passage in said[entry]:
            locator = Locator(indexing.anchor(chapter, passage.first), indexing.anchor(chapter, passage.last))
            kept = named if passage in places else found
            kept.append((passage.weight, (number, passage.start), locator))
    named += [(1, (len(book.chapters), n), Locator(a, a)) for n, a in enumerate(_sheets(entry, book))]
    found.sort(key=lambda item: (-item[0], item[1]))
    chosen = (named + found)[: max(MOST, len(named))]
    return tuple(locator for _, _, locator in sorted(chosen, key=lambda item: item[1]))


def _sheets(entry: model.IndexEntry, book: model.Book) -> Iterator[str]:
    """Yield the anchors of the worksheets that an entry names."""
    for place in entry.at:
        if place.startswith("sheet:"):
            yield sheet_anchor(place.removeprefix("sheet:"), book)


def sheet_anchor(worksheet: str, book: model.Book) -> str:
    """Return the id of a worksheet: it stands in the chapter that names it, or behind the chapters."""
    chapter = next((c for c in book.chapters if c.worksheet == worksheet), None)
    return indexing.anchor(chapter, "sheet") if chapter else f"sheet-{worksheet}"


def place_anchor(place: str, book: model.Book) -> str:
    """Return the id of a place as an editor names it; "" when there is none."""
    if place.startswith("sheet:"):
        return sheet_anchor(place.removeprefix("sheet:"), book)
    found = ((chapter, indexing.placed(place, chapter)) for chapter in book.chapters)
    return next((indexing.anchor(chapter, passage.first) for chapter, passage in found if passage), "")


def pages(locators: Sequence[Locator], page: Callable[[str], int]) -> tuple[Reference, ...]:
    """Return the page numbers of these places, given the printed page of an anchor; neighbours are one range."""
    runs: list[tuple[int, int, str]] = []
    for locator in locators:
        first, last = page(locator.first), max(page(locator.first), page(locator.last))
        if runs and first <= runs[-1][1] + 1 and first >= runs[-1][0]:
            runs[-1] = (runs[-1][0], max(runs[-1][1], last), runs[-1][2])
        else:
            runs.append((first, last, locator.first))
    return tuple(Reference(f"{a}" if a == b else f"{a}\N{EN DASH}{b}", anchor) for a, b, anchor in runs)


# --- the glossary -------------------------------------------------------------------------------------------


def words(linked: Sequence[Sequence[tuple[str, str]]], book: model.Book, library: model.Library) -> tuple[Word, ...]:
    """Return the glossary by name. `linked` are, for each chapter, the terms it explains with their anchors.

    A word that no chapter explains is looked for in the text; it may also have no use at all.
    """
    uses: dict[str, list[str]] = {}
    for chapter in linked:
        for name, anchor in chapter:
            uses.setdefault(name, []).append(anchor)
    for name, also in _unlinked(book, library.terms).items():
        found = ((chapter, indexing.first(also, chapter)) for chapter in book.chapters)
        uses[name] = [indexing.anchor(chapter, block.name) for chapter, block in found if block]
    terms = sorted(library.terms.values(), key=lambda term: indexing.sort_key(term.name))
    return tuple(Word(term.id, term.name, term.definition, tuple(uses.get(term.id, ()))) for term in terms)


def _unlinked(book: model.Book, terms: Mapping[str, model.Term]) -> dict[str, tuple[str, ...]]:
    """Return the words to look for of each term that no chapter explains."""
    linked = _explained(tuple((chapter.body, chapter.get_help) for chapter in book.chapters))
    return {
        name: tuple(map(_as_written, (term.name.partition(" (")[0], *term.also)))
        for name, term in terms.items()
        if name not in linked
    }


def _as_written(word: str) -> str:
    """Return a word as the text may have it: a name begins with a capital only where it heads an entry."""
    return word if sum(letter.isupper() for letter in word) > 1 else word.lower()


@functools.lru_cache(maxsize=8)  # asked for every chapter of the same book
def _explained(texts: tuple[tuple[str, str], ...]) -> frozenset[str]:
    parsed = (markup.parse(text) for pair in texts for text in pair)
    return frozenset(ref.target for document in parsed for ref in document.references if ref.kind == "term")
