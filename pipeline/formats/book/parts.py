"""The parts of an edition, front, chapters and back, each written as HTML from the page map of the book."""

import dataclasses
import functools
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import jinja2

from pipeline import errors, model, templating
from pipeline.formats import _words
from pipeline.formats._chapters import index, setting, typography

UNSETTLED = 88  # stands for a page number that is not known yet: two digits, as most have
_ID = re.compile(r' id="([^"]+)"')
_LOCAL = re.compile(r' href="#([^"]+)"')


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """A part's HTML, and the anchors whose page it asked for while it was written."""

    html: str
    asked: frozenset[str]


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet behind the chapters, and its anchor."""

    anchor: str
    sheet: model.Worksheet


_typeset = functools.lru_cache(maxsize=200)(typography.set_type)  # in a process that builds again and again


class _Pages(Mapping[str, int]):
    """A page map that remembers what it was asked for."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known = known
        self.asked: set[str] = set()

    def __getitem__(self, anchor: str) -> int:
        self.asked.add(anchor)
        return self._known[anchor]

    def __iter__(self) -> Iterator[str]:
        self.asked.update(self._known)
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One part of an edition: what its template needs besides page numbers."""

    name: str
    template: str
    source: str  # the file to mend when something is wrong with the part
    env: jinja2.Environment
    shared: Mapping[str, object]
    own: Mapping[str, Callable[[], object]]  # made when the part is written, from chapters that are set by then
    _fixed: list[Written] = dataclasses.field(default_factory=list)  # once written without asking for a page

    @property
    def is_gathered(self) -> bool:
        """True when it is drawn up from all chapters, as contents, glossary and index are."""
        return self.template != "chapter.html"

    def write(self, known: Mapping[str, int]) -> Written:
        """Write the part; an anchor that `known` lacks is printed as page 88. Links to other parts become xref:ID."""
        if self._fixed:
            return self._fixed[0]
        pages = _Pages(known)

        def page(anchor: str) -> int:
            return pages.get(anchor, UNSETTLED)

        def references(locators: Sequence[index.Locator]) -> tuple[index.Reference, ...]:
            return index.pages(locators, page)

        numbers = {"page": page, "references": references}
        own = {name: make() for name, make in self.own.items()}
        html = _typeset(templating.render(self.env, self.template, **self.shared, **own, **numbers))
        here = set(_ID.findall(html))
        linked = _LOCAL.sub(lambda match: match[0] if match[1] in here else f' href="xref:{match[1]}"', html)
        written = Written(linked, frozenset(pages.asked))
        if not written.asked:
            self._fixed.append(written)
        return written


def parts(
    env: jinja2.Environment,
    book: model.Book,
    material: model.Material,
    chapters: Sequence[setting.SetChapter],
    edition: model.BookEdition,
) -> list[Part]:
    """Return the parts of an edition in their order. Each of the `chapters` is asked for when its part is written."""
    sheets = _sheets(book, material.library)
    shared = {
        "spec": book.spec,
        "identity": material.identity,
        "chapters": chapters,
        "sheets": sheets,
        "groups": functools.cache(lambda: index.groups(book, material.library)),  # when it is asked for: it takes long
        "words": functools.cache(lambda: index.words([one.words for one in chapters], book, material.library)),
        "e": edition,
        "review": _words.book_review_line(book.chapters),
        "anchor_of": lambda place: index.place_anchor(place, book),
    }

    def part(name: str, template: str, source: Path | None = None, **own: Callable[[], object]) -> Part:
        return Part(name, template, str(source or f"templates/book/{template}"), env, shared, own)

    return [
        part("front", "front.html"),
        *(
            part(setting.anchor(one), "chapter.html", one.path, c=functools.partial(operator.getitem, chapters, at))
            for at, one in enumerate(book.chapters)
        ),
        *([part("sheets", "sheets.html")] if sheets else []),
        part("glossary", "glossary.html"),
        part("back", "back.html"),  # the index and the colophon
    ]


def _sheets(book: model.Book, library: model.Library) -> tuple[Sheet, ...]:
    """Return the worksheets behind the chapters; refuses one that does not exist."""
    for name in book.spec.sheets:
        if name not in library.worksheets:
            msg = f"{book.spec.path} names the worksheet {name!r}, which does not exist"
            raise errors.RenderProblem(msg, hint="run `mscare check`, which names the line")
    return tuple(Sheet(index.sheet_anchor(name, book), library.worksheets[name]) for name in book.spec.sheets)
