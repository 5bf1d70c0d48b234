"""Makes the tag tree of a part equal to its source: every element one tag, in the order in which it is written.

    document.write_pdf(finisher=tags.finisher(html), pdf_variant="pdf/ua-1")
    tags.expected(html)  # {"Sect": 5, "H1": 1, "P": 31, ...}

1. `plan` draws the tags up from the HTML alone.
2. `boxes` finds out what the pages draw for each element of it.
3. `fill` puts the one into the other, and refuses when anything is missing, doubled or out of order.
4. `write` replaces WeasyPrint's tags, which are split at every page break and in the order of the page.

It leans on private parts of WeasyPrint, and so refuses every version but the one it was written for.
"""

import importlib.metadata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lxml.html

from pipeline import errors
from pipeline.formats.book.tags import plan

VERSION = "70.0"
Finisher = Callable[[Any, Any], None]


def expected(html: str) -> Mapping[str, int]:
    """Return how many tags of each kind the HTML of a part must give."""
    return plan.count(plan.draw_up(lxml.html.document_fromstring(html)).document)


def finisher(*parts: str) -> Finisher:
    """Return a finisher for `weasyprint.Document.write_pdf` that writes the tag tree of one part, or of several joined.

    It refuses a document that does not show all the text of its source once and in order.
    """
    check_version(importlib.metadata.version("weasyprint"))
    return lambda document, pdf: _finish(document, pdf, parts)


def check_version(version: str) -> None:
    """Refuse a WeasyPrint that the finisher was not written for."""
    if version != VERSION:
        msg = f"the tags of the book cannot be mended with WeasyPrint {version}: they are read as {VERSION} writes them"
        raise errors.MissingPart(msg, hint=f"install weasyprint=={VERSION}, as requirements.lock says")


def _finish(document: Any, pdf: Any, parts: Sequence[str]) -> None:
    # Imported here because they need WeasyPrint, and with it Pango: the gates count tags without.
    from pipeline.formats.book.tags import boxes, fill, write  # noqa: PLC0415

    owners = [boxes.root(page) for page in document.pages]
    pieces: dict[Any, list[boxes.Piece]] = {owner: [] for owner in owners}
    for piece in boxes.pieces(document, pdf):
        pieces[owners[piece.page]].append(piece)
    plans = [plan.draw_up(root) for root in pieces]
    filled = [fill.fill(drawn, mine) for drawn, mine in zip(plans, pieces.values(), strict=True)]
    _compare([plan.count(drawn.document) for drawn in plans], [expected(html) for html in parts])
    writer = write.Writer(document, pdf)
    for drawn in plans:
        writer.tree(drawn.document)
    writer.finish(filled)


def _compare(found: Sequence[Mapping[str, int]], wanted: Sequence[Mapping[str, int]]) -> None:
    """Refuse tags that are not those of the HTML: another document was written, or two parsers read it in two ways."""
    if found != wanted:
        msg = f"the pages of the book give the tags {found}, its source {wanted}"
        raise errors.RenderProblem(msg, hint="look for HTML that a browser would mend, as a p in a p")
