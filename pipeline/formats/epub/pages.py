"""Page numbers of the PDF in the EPUB: a mark where the text reaches a page, and the list that leads there.

The PDF tells on which page each anchor stands. The first anchor of a page gets its mark, so the mark stands where the
page begins, or a few lines below. Without the PDF's list there are no marks and no list.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence

import lxml.etree

from pipeline import errors
from pipeline.formats.epub import documents

MADE = "pages.json"  # an output of the format `book`
_BEFORE = frozenset(
    {"h1", "h2", "h3", "h4", "p", "figure", "table", "ul", "ol", "dl"}
)  # a mark precedes these as a block
_WITHIN = frozenset({"section", "aside", "div", "header", "li", "dt", "dd"})  # and opens these
_BLOCKS = frozenset({"section", "aside", "div", "header"})  # where a block may stand


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A printed page that the text reaches: its number, and its mark in the EPUB."""

    number: int
    anchor: str


def known(made: Mapping[str, bytes]) -> Mapping[str, int]:
    """Return the printed page of each anchor; nothing when no list was made. Refuses a list it cannot read."""
    if MADE not in made:
        return {}
    try:
        return {str(anchor): int(page) for anchor, page in json.loads(made[MADE])["pages"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{MADE} of the format `book` does not give the page of each anchor: {error!r}"
        raise errors.RenderProblem(msg, hint="it holds `pages`, from anchor to page number") from error


def mark(texts: Sequence[documents.Document], pages: Mapping[str, int]) -> list[Page]:
    """Put a mark at the first anchor of each page, in reading order, and return the pages that have one."""
    marked: list[Page] = []
    last = 0
    for text in texts:
        for element in _anchors(text.root):
            number = pages.get(element.get("id", ""), 0)
            if number > last:
                last = number
                marked.append(Page(number, f"page-{number}"))
                _put(element, marked[-1])
    return marked


def _anchors(root: lxml.etree._Element) -> Iterator[lxml.etree._Element]:
    """Yield what may be marked, in order: no list of links, and no note, which stands elsewhere in the PDF."""
    for element in [element for element in root.iter() if isinstance(element.tag, str) and element.get("id")]:
        apart = any(documents.tag(above) in {"nav", "table"} for above in element.iterancestors())
        if not apart and element.get("role") != "doc-footnote":
            yield element


def _put(element: lxml.etree._Element, page: Page) -> None:
    name = documents.tag(element)
    block = name in _BEFORE or name in _BLOCKS
    mark_ = documents.make("div" if block else "span", id=page.anchor, role="doc-pagebreak")
    mark_.set("aria-label", f" Page {page.number}. ")  # with a stop: a voice then pauses
    mark_.set(documents.TYPE, "pagebreak")
    if name in _WITHIN:
        mark_.tail, element.text = element.text, None
        element.insert(0, mark_)
    else:
        element.addprevious(mark_)
