"""Writes the filled tags into the PDF in place of WeasyPrint's own, and on the pages what they need."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pydyf
import weasyprint

from pipeline import errors
from pipeline.formats.book.tags import boxes, fill
from pipeline.formats.book.tags import plan as plans

PRINT = 4  # annotation flag: appears on paper
POINTS = 0.75  # a CSS pixel
_TEXTS = ("Alt", "T", "Lang", "E")


class Writer:
    """Writes the trees of one PDF, whose objects for tags are taken over from WeasyPrint's."""

    def __init__(self, document: weasyprint.Document, pdf: pydyf.PDF) -> None:
        self._pages = document.pages
        self._pdf = pdf
        self._spare = iter(boxes.made(pdf))
        tree = boxes.named(pdf, pdf.catalog["StructTreeRoot"])
        self._top = tree["K"][0]
        self._parents = boxes.named(pdf, tree["ParentTree"])
        self._marks: list[dict[int, bytes]] = [{} for _ in document.pages]
        self._annotations: list[tuple[bytes, Any]] = []
        self._ids: dict[str, bytes] = {}
        self._tree = tree
        boxes.named(pdf, self._top)["K"] = pydyf.Array()

    def tree(self, document: plans.Node) -> None:
        """Add the tags of one part to the tree."""
        top = boxes.named(self._pdf, self._top)
        top["K"].extend([self._tag(kid, self._top) for kid in document.kids])

    def finish(self, filled: Iterable[fill.Filled]) -> None:
        """Write the way back from pages and annotations to tags; make artifacts of the rest, and draw the spaces."""
        numbers = pydyf.Array()
        loose, spaces = self._sorted_out(filled)
        for number in range(len(self._pages)):
            marks = self._marks[number]
            last = max([*marks, -1])
            numbers.extend([number, pydyf.Array([marks.get(mark, b"null") for mark in range(last + 1)])])
            found = _redraw(self._stream(number), loose[number], self._drawn_spaces(spaces[number]))
            if missing := {*marks, *loose[number]} - found:
                msg = f"{len(missing)} texts on page {number + 1} of a part are drawn through a layer of their own"
                hint = "it cannot be tagged: look for opacity, filters or blending in templates/book"
                raise errors.RenderProblem(msg, hint=hint)
        for number, (reference, annotation) in enumerate(self._annotations, start=len(self._pages)):
            annotation["StructParent"] = number
            numbers.extend([number, reference])
        self._parents["Nums"] = numbers
        if self._ids:
            names = [part for name in sorted(self._ids) for part in (pydyf.String(name), self._ids[name])]
            self._tree["IDTree"] = pydyf.Dictionary({"Names": pydyf.Array(names)})
        self._sort_annotations()
        for unused in self._spare:
            unused.clear()

    def _page(self, number: int) -> Any:
        return boxes.named(self._pdf, self._pdf.page_references[number])

    def _stream(self, number: int) -> Any:
        return boxes.named(self._pdf, self._page(number)["Contents"])

    def _tag(self, node: plans.Node, parent: bytes) -> bytes:
        made = next(self._spare, None)
        if made is None:
            made = pydyf.Dictionary()
            self._pdf.add_object(made)
        made.clear()
        made.update({"Type": "/StructElem", "S": f"/{node.role}", "P": parent})
        reference: bytes = made.reference
        made |= self._facts(node, reference)
        first = next((piece.page for _, piece in node.contents), None)
        if first is not None:
            made["Pg"] = self._pdf.page_references[first]
        kids = pydyf.Array()
        for _, item in fill.merged(node):
            inner = isinstance(item, plans.Node)
            kids.append(self._tag(item, reference) if inner else self._content(node, item, reference, first))
        made["K"] = kids
        return reference

    def _facts(self, node: plans.Node, reference: bytes) -> dict[str, Any]:
        facts: dict[str, Any] = {key: pydyf.String(node.facts[key]) for key in _TEXTS if key in node.facts}
        if node.role == "Note":
            facts["ID"] = pydyf.String(self._id(node, reference))
        if "ListNumbering" in node.facts:
            facts["A"] = pydyf.Dictionary({"O": "/List", "ListNumbering": f"/{node.facts['ListNumbering']}"})
        elif node.role in {"TD", "TH"} and {"Scope", "ColSpan", "RowSpan"} & set(node.facts):
            cell = {key: node.facts[key] for key in ("Scope", "ColSpan", "RowSpan") if key in node.facts}
            facts["A"] = pydyf.Dictionary({"O": "/Table"} | cell)
        elif node.role == "Figure":
            drawn = [piece for _, piece in node.contents if piece.mark >= 0]
            facts["A"] = pydyf.Dictionary({"O": "/Layout", "Placement": "/Block", "BBox": self._area(drawn[0])})
        return facts

    def _id(self, node: plans.Node, reference: bytes) -> str:
        """Return the id of a footnote, by which it is found; refuses one that has none or another's."""
        name = str(node.source.get("id", ""))
        if not name or name in self._ids:
            msg = f"a footnote of the book has {'the id of another' if name else 'no id'}: {plans.words(node.source)!r}"
            raise errors.RenderProblem(msg, hint="give it an id of its own in the chapter's HTML")
        self._ids[name] = reference
        return name

    def _area(self, piece: boxes.Piece) -> pydyf.Array:
        """Return where a picture stands on its page, in points from the foot."""
        box, height = piece.box, self._pages[piece.page].height
        left, top = box.content_box_x(), box.content_box_y()
        corners = (left, height - top - box.height, left + box.width, height - top)
        return pydyf.Array([round(corner * POINTS, 2) for corner in corners])

    def _content(self, node: plans.Node, piece: boxes.Piece, reference: bytes, first: int | None) -> Any:
        page = self._pdf.page_references[piece.page]
        if piece.annotation is not None:
            self._annotations.append((reference, piece.annotation))
            piece.annotation["F"] = PRINT
            if piece.annotation["Subtype"] == "/Link":
                said = node.source.get("title") or plans.words(node.source)
                piece.annotation["Contents"] = pydyf.String(said)
            return pydyf.Dictionary({"Type": "/OBJR", "Obj": piece.annotation.reference, "Pg": page})
        self._marks[piece.page][piece.mark] = reference
        if piece.page == first:
            return piece.mark
        return pydyf.Dictionary({"Type": "/MCR", "Pg": page, "MCID": piece.mark})

    def _sorted_out(
        self, filled: Iterable[fill.Filled]
    ) -> tuple[list[dict[int, boxes.Piece]], list[dict[int, boxes.Piece]]]:
        """Return by page what becomes an artifact, and after which texts a space is drawn; take dropped links away."""
        loose: list[dict[int, boxes.Piece]] = [{} for _ in self._pages]
        spaces: list[dict[int, boxes.Piece]] = [{} for _ in self._pages]
        for part in filled:
            for piece in part.artifacts:
                loose[piece.page][piece.mark] = piece
            for piece in part.spaces:
                spaces[piece.page][piece.mark] = piece
            for piece in part.dropped:
                self._page(piece.page)["Annots"].remove(piece.annotation.reference)
        return loose, spaces

    def _drawn_spaces(self, wanted: Mapping[int, boxes.Piece]) -> dict[int, bytes]:
        """Return for each mark how the space after it is drawn: nothing is seen of it, but programs read it."""
        font = next(self._with_space(), None)
        if font is None:
            return {}
        name, glyph = font
        drawn = {}
        for mark, piece in wanted.items():
            box = piece.box
            right, base = box.position_x + box.width, box.position_y + box.baseline
            place = b" ".join(pydyf._to_bytes(round(float(part), 3)) for part in (right, base))  # noqa: SLF001  as its streams
            size = pydyf._to_bytes(float(box.style["font_size"]))  # noqa: SLF001  as above
            drawn[mark] = b"q BT /%s %s Tf 1 0 0 -1 %s Tm <%04x> Tj ET Q" % (name, size, place, glyph)
        return drawn

    def _with_space(self) -> Iterator[tuple[bytes, int]]:
        """Yield the fonts of the PDF that hold a space, by their names in it, with the number of its glyph."""
        for font in self._stream(0)._fonts.values():  # noqa: SLF001  the fonts of all pages
            for glyph, text in font.to_unicode.items():
                if text == " " and not font.bitmap:
                    yield str(font.hash).encode(), glyph

    def _sort_annotations(self) -> None:
        """Put links and fields of each page, and the fields of the form, into the order of the source."""
        order = {annotation.reference: number for number, (_, annotation) in enumerate(self._annotations)}
        lists = [self._page(number).get("Annots") for number in range(len(self._pages))]
        lists.append(self._pdf.catalog.get("AcroForm", {}).get("Fields"))
        for references in lists:
            if references:
                references.sort(key=lambda reference: order.get(reference, len(order)))


def _redraw(stream: Any, loose: Mapping[int, boxes.Piece], spaces: Mapping[int, bytes]) -> set[int]:
    """Make artifacts of marks that no tag holds, draw the missing spaces, and return all marks of the page."""
    out: list[Any] = []
    open_mark: int | None = None
    found: set[int] = set()
    for item in stream.stream:
        if isinstance(item, pydyf.Dictionary) and "MCID" in item:
            open_mark = item["MCID"]
            found.add(open_mark)
            if open_mark in loose:
                out[-1] = "/Artifact"
                out.append(pydyf.Dictionary({"Type": "/Pagination"}))
                continue
        elif item == b"EMC" and open_mark is not None:
            if open_mark in spaces:
                out.append(spaces[open_mark])
            open_mark = None
        out.append(item)
    stream.stream[:] = out
    return found
