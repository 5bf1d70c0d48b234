"""How the tests read a PDF as a reading program does: the text of its tag tree, from top to bottom, and the tags."""

import collections
import copy
import dataclasses
import functools
import io
import re
from collections.abc import Iterator

import book_pdf
import lxml.html
import pikepdf

from pipeline import templating
from pipeline.formats._chapters import setting
from pipeline.formats.book import parts

BLOCKS = {
    *("section", "aside", "article", "nav", "header", "footer", "div", "p", "h1", "h2", "h3", "h4", "ul", "ol", "li"),
    *("dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "br", "body"),
}
INLINE = {"/Link", "/Span", "/Reference"}
NUMBERED = {"/Decimal", "/Disc", "/Circle", "/Square"}


def kids(element: pikepdf.Object) -> list[pikepdf.Object | int]:
    inner = element.get("/K")
    return list(inner) if isinstance(inner, pikepdf.Array) else [] if inner is None else [inner]


def is_tag(thing: object) -> bool:
    return isinstance(thing, pikepdf.Dictionary) and "/S" in thing


def tags(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Yield all tags as they are read."""

    def walk(element: pikepdf.Object) -> Iterator[pikepdf.Object]:
        yield element
        for kid in kids(element):
            if is_tag(kid):
                yield from walk(kid)

    yield from walk(pdf.Root.StructTreeRoot.K[0])


def counts(pdf: pikepdf.Pdf) -> dict[str, int]:
    return dict(collections.Counter(str(tag.S).removeprefix("/") for tag in tags(pdf)))


def outline(content: bytes) -> str:
    """Return the tag tree as lines, a block each, indented; what stands in a line of text is in brackets."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        texts = _Texts(pdf)

        def line(element: pikepdf.Object) -> str:
            parts = [texts.of(kid, element) if not is_tag(kid) else inline(kid) for kid in kids(element)]
            return f"{str(element.S)[1:]} {''.join(parts)}"

        def inline(element: pikepdf.Object) -> str:
            return f"[{line(element)}]" if str(element.S) in INLINE else ""

        def walk(element: pikepdf.Object, depth: int) -> Iterator[str]:
            yield ("  " * depth + line(element)).rstrip()
            for kid in kids(element):
                if is_tag(kid) and str(kid.S) not in INLINE:
                    yield from walk(kid, depth + 1)

        return "\n".join(found for kid in kids(pdf.Root.StructTreeRoot.K[0]) for found in walk(kid, 0)) + "\n"


@functools.cache
def written_parts(which: str) -> list[str]:
    """Return the HTML of a book's parts, with the page numbers that its PDF has."""
    whole, material = book_pdf.source(which)
    book = dataclasses.replace(whole, spec=dataclasses.replace(whole.spec, editions=whole.spec.editions[:1]))
    with book_pdf.opened(which) as pdf:
        numbers = {page.obj.objgen: number for number, page in enumerate(pdf.pages, start=1)}
        names = pdf.Root.Names.Dests.Names
        pages = {str(names[n]): numbers[names[n + 1][0].objgen] for n in range(0, len(names), 2)}
    env = templating.environment(material.templates, "book")
    chapters = [setting.set_chapter(chapter, book, material) for chapter in book.chapters]
    edition = book.spec.editions[0]
    return [part.write(pages).html for part in parts.parts(env, book, material, chapters, edition)]


def words_told(pdf: pikepdf.Pdf) -> list[str]:
    """Return the words of the tag tree in order, drawings by what they show, without the signs of lists."""
    texts = _Texts(pdf)

    def tell(element: pikepdf.Object, *, numbered: bool) -> Iterator[str]:
        if str(element.S) == "/Lbl" and numbered:
            return
        inside = str(element.get("/A", {}).get("/ListNumbering")) in NUMBERED if str(element.S) == "/L" else numbered
        inline = str(element.S) in INLINE
        yield "" if inline else " "
        yield str(element.get("/Alt", "")) + " " * ("/Alt" in element)
        for kid in kids(element):
            if is_tag(kid):
                yield from tell(kid, numbered=inside and str(element.S) in {"/L", "/LI"})
            elif "/Alt" not in element:
                yield texts.of(kid, element)
        yield "" if inline else " "

    return "".join(tell(pdf.Root.StructTreeRoot.K[0], numbered=False)).split()


def words_written(html: str) -> list[str]:
    """Return the words of a part's HTML in order, its footnotes behind the blocks that call them."""
    root = lxml.html.document_fromstring(html)
    for note in list(root.xpath("//*[contains(@class, 'note-text')]")):
        block = next(around for around in note.iterancestors() if around.tag in BLOCKS)
        moved = copy.deepcopy(note)
        moved.tag, moved.tail = "div", None
        note.drop_tree()
        if block.tag in {"p", "h1", "h2", "h3"}:
            place = block
            while (following := place.getnext()) is not None and following.get("data-moved"):
                place = following
            moved.set("data-moved", "yes")
            place.addnext(moved)
            moved.tail = place.tail if place is not block else moved.tail
        else:
            block.append(moved)

    def tell(element: lxml.html.HtmlElement) -> Iterator[str]:
        apart = " " if element.tag in BLOCKS or "page" in element.classes else ""
        yield apart + (element.get("alt") or element.text or "" if element.tag != "textarea" else "")
        for child in element:
            if isinstance(child.tag, str):
                yield from tell(child)
            yield child.tail or ""
        yield apart

    return "".join(tell(root.body)).split()


class _Texts:
    """The text of every marked content of a PDF."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self._maps: dict[tuple[int, int], dict[int, str]] = {}
        self._texts = {sheet.obj.objgen: self._page(sheet) for sheet in pdf.pages}

    def of(self, kid: pikepdf.Object | int, element: pikepdf.Object) -> str:
        """Return the text of one kid of a tag that is not a tag itself."""
        if isinstance(kid, int):
            return self._texts[element.Pg.objgen].get(kid, "")
        return self._texts[kid.Pg.objgen].get(int(kid.MCID), "") if "/MCID" in kid else ""

    def _page(self, sheet: pikepdf.Page) -> dict[int, str]:
        texts: dict[int, str] = collections.defaultdict(str)
        fonts = sheet.obj.Resources.Font
        font, kept = "", []
        marks: list[int] = []
        for operands, operator in pikepdf.parse_content_stream(sheet):
            name = str(operator)
            if name == "BDC":
                marks.append(int(operands[1].get("/MCID", -1)))
            elif name == "BMC":
                marks.append(-1)
            elif name == "EMC":
                marks.pop()
            elif name == "q":
                kept.append(font)
            elif name == "Q":
                font = kept.pop()
            elif name == "Tf":
                font = str(operands[0])
            elif name in {"TJ", "Tj"} and marks and marks[-1] >= 0:
                shown = operands[0] if name == "TJ" else operands
                texts[marks[-1]] += "".join(
                    self._read(fonts[font], bytes(s)) for s in shown if isinstance(s, pikepdf.String)
                )
        return texts

    def _read(self, font: pikepdf.Object, codes: bytes) -> str:
        if font.objgen not in self._maps:
            pairs = re.findall(rb"<([0-9a-fA-F]{4})> <([0-9a-fA-F]+)>", font.ToUnicode.read_bytes())
            self._maps[font.objgen] = {int(a, 16): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in pairs}
        known = self._maps[font.objgen]
        return "".join(known.get(int.from_bytes(codes[n : n + 2], "big"), "\ufffd") for n in range(0, len(codes), 2))
