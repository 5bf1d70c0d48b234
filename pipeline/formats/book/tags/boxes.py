"""What the pages of a WeasyPrint document draw, piece by piece, each with the element of the source it is drawn for.

WeasyPrint numbers the marked contents of a page while it draws, and forgets which box got which number. It keeps the
tags that it made of them, in the order of its walk through the boxes; so the same walk is made here once more, and
each tag taken in turn. A tag that is not the expected one is refused: this is written for one version only.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pydyf
import weasyprint
from weasyprint.formatting_structure import boxes
from weasyprint.layout.absolute import AbsolutePlaceholder
from weasyprint.pdf import tags as stock

from pipeline import errors

HINT = "WeasyPrint tags in another way than it did: compare its version with requirements.lock"


@dataclasses.dataclass(eq=False, slots=True)
class Piece:
    """Something drawn on the page number `page` (from 0): a text, a picture, or the place of a link or field.

    `element` is None in the page's margins; `pseudo` is "marker", "before"... for what the style sheet adds;
    `around` is the element of the block whose lines hold the piece. Texts and pictures have a `mark`.
    """

    page: int
    element: Any
    pseudo: str
    around: Any
    box: Any
    mark: int = -1
    text: str = ""
    annotation: Any = None
    start: int = -1  # place of the text in the source, filled in when it is found there
    end: int = -1


def root(page: weasyprint.document.Page) -> Any:
    """Return the root element of the document that a page was laid out from."""
    return next(box.element for box in page._page_box.children if box.element_tag == "html")  # noqa: SLF001  no public way


def made(pdf: pydyf.PDF) -> list[pydyf.Dictionary]:
    """Return WeasyPrint's own tags and references to annotations, as they were made; refuses an untagged document."""
    if "StructTreeRoot" not in pdf.catalog:
        msg = "the book is written without tags"
        raise errors.RenderProblem(msg, hint="give WeasyPrint the option pdf_variant or pdf_tags")
    first = named(pdf, pdf.catalog["StructTreeRoot"])["K"][0]
    kinds = ("/StructElem", "/OBJR")
    rest = pdf.objects[int(first.split()[0]) + 1 :]
    return [thing for thing in rest if isinstance(thing, pydyf.Dictionary) and thing.get("Type") in kinds]


def named(pdf: pydyf.PDF, reference: bytes) -> Any:
    """Return the object that a reference names."""
    return pdf.objects[int(reference.split()[0])]


def pieces(document: weasyprint.Document, pdf: pydyf.PDF) -> Iterator[Piece]:
    """Yield what is drawn on all pages; refuses when the tags are not those that the boxes ask for."""
    things = iter(made(pdf))
    for number, page in enumerate(document.pages):
        yield from _Walk(number, pdf, things).boxes(page._page_box, "Document", None)  # noqa: SLF001  no public way
    if next(things, None) is not None:
        msg = "WeasyPrint made more tags for the book than its pages have boxes"
        raise errors.RenderProblem(msg, hint=HINT)


class _Walk:
    """The walk through the boxes of one page: `weasyprint.pdf.tags._build_box_tree`, but for what it writes."""

    def __init__(self, number: int, pdf: pydyf.PDF, things: Iterator[pydyf.Dictionary]) -> None:
        self._number = number
        self._pdf = pdf
        self._things = things
        self._margin = False

    def _take(self, expected: str) -> pydyf.Dictionary:
        thing: pydyf.Dictionary = next(self._things, {})
        if expected not in (thing.get("S"), thing.get("Type")):
            msg = f"WeasyPrint tagged {thing.get('S')} on page {self._number + 1} where {expected} was expected"
            raise errors.RenderProblem(msg, hint=HINT)
        return thing

    def _piece(self, box: Any, around: Any, **facts: Any) -> Piece:
        pseudo = (box.element_tag or "").partition("::")[2].removeprefix("first-letter")  # that is text of the source
        return Piece(self._number, None if self._margin else box.element, pseudo, around, box, **facts)

    def boxes(self, box: Any, parent: str, around: Any) -> Iterator[Piece]:
        """Yield what a box draws; `parent` is the tag that WeasyPrint gave to the box around it."""
        if isinstance(box, AbsolutePlaceholder):
            box = box._box  # noqa: SLF001  as WeasyPrint does it
        name = None if box.element is None else box.element_tag
        kind = stock._get_pdf_tag(name)  # noqa: SLF001  the walk must agree with WeasyPrint's
        if isinstance(box, boxes.MarginBox):
            self._margin = True
            for child in box.children:
                yield from self.boxes(child, parent, None)
            self._margin = False
            return
        if (name in {"html", "body"} and _holds_blocks(box)) or isinstance(box, boxes.PageBox):
            for child in box.children:
                yield from self.boxes(child, parent, around)
            return
        if kind in {"TD", "TH"} and parent in {"TD", "TH"}:
            kind = "NonStruct"
        elif kind == "LI":
            kind = self._item(box, name, parent)
            if kind == "LI/LBody":
                self._take("/LI")
                kind, parent = "LBody", "LI"
        yield from self._tagged(box, kind, parent, around)

    def _item(self, box: Any, name: str | None, parent: str) -> str:
        """Return the tag of a list item's box, or of a box that WeasyPrint made for its inside."""
        if parent in {"LI", "LBody"}:
            return "LBody" if parent == "LI" else "NonStruct"
        loose = "list-item" not in box.style["display"] or box.style["list_style_type"] == "none"
        return "LI/LBody" if name in {"dt", "dd"} or (name == "li" and loose) else "LI"

    def _tagged(self, box: Any, kind: str, parent: str, around: Any) -> Iterator[Piece]:
        tag = self._take(f"/{kind}")
        if isinstance(box, boxes.BlockContainerBox):
            around = box.element
        if box.link_annotation:
            self._take("/OBJR")
            yield self._piece(box, around, annotation=box.link_annotation)
        if box.widget_annotation:
            self._take("/OBJR")
            self._take("/Form")
            yield self._piece(box, around, annotation=box.widget_annotation)
        marks = iter([kid for kid in tag["K"] if isinstance(kid, int)])  # of links and pictures only
        for child in _lines_opened(_rows_opened(box, kind)):
            if isinstance(child, boxes.TextBox):
                mark = next(marks) if kind == "Link" else self._take("/Span")["K"][0]
                yield self._piece(child, around, mark=mark, text=child.text)
            else:
                nested = kind == "LI" and child.element_tag in {"ul", "ol"}
                yield from self.boxes(child, parent if nested else kind, around)
        if isinstance(box, boxes.ReplacedBox):
            yield self._piece(box, around, mark=next(marks))


def _holds_blocks(box: Any) -> bool:
    return isinstance(box, boxes.ParentBox) and not isinstance(box, boxes.LineBox)


def _rows_opened(box: Any, kind: str) -> list[Any]:
    """Return the children of a box; of a table's, its captions and the children of its grid."""
    if kind == "Table" and box.is_table_wrapper and (table := box.get_wrapped_table()):
        return [inner for child in box.children for inner in (child.children if child is table else [child])]
    return list(box.children)


def _lines_opened(children: list[Any]) -> Iterator[Any]:
    for child in children:
        yield from child.children if isinstance(child, boxes.LineBox) else [child]
