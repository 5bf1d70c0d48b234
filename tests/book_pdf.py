"""The rendered books, each made once a run, and how their PDF is read: pages, outline, fields and tags."""

import dataclasses
import functools
import io
from collections.abc import Iterator

import pikepdf
import pypdfium2
import pytest
import samples
import samples_book

from pipeline import content, edition, model
from pipeline.formats import book as format_book

BOTH = pytest.mark.parametrize("which", ["sample", "real"])


@functools.cache
def source(which: str) -> tuple[model.Book, model.Material]:
    """Return the sample book, or the real one of content/."""
    if which == "sample":
        return samples_book.book(), samples_book.material()
    library, findings = content.load(samples.ROOT / "content")
    assert [finding for finding in findings if finding.blocks and "/book/" in finding.file] == []
    return edition.book(library), dataclasses.replace(samples_book.material(), library=library)


@functools.cache
def outputs(which: str = "sample") -> tuple[model.Output, ...]:
    """Return the PDF for screens and its page map."""
    book, material = source(which)
    screen = dataclasses.replace(book.spec, editions=book.spec.editions[:1])
    return tuple(format_book.render(dataclasses.replace(book, spec=screen), material))


def rendered(which: str = "sample") -> bytes:
    output, _ = outputs(which)
    assert output.name == "navigating-your-ms-care.pdf"
    return output.content


def opened(which: str = "sample") -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(rendered(which)))


@functools.cache
def lines(which: str = "sample") -> tuple[str, ...]:
    """Return each page's words, with its ends of lines."""
    document = pypdfium2.PdfDocument(rendered(which))
    try:
        return tuple(sheet.get_textpage().get_text_range().replace("\xa0", " ") for sheet in document)
    finally:
        document.close()


@functools.cache
def texts(which: str = "sample") -> tuple[str, ...]:
    """Return each page's words, divided by single spaces."""
    return tuple(" ".join(text.split()) for text in lines(which))


def outline(which: str = "sample") -> list[tuple[str, int, float]]:
    """Return title, printed page and height above the page's foot (in points) of every outline entry."""
    with opened(which) as document, document.open_outline() as tree:
        numbers = {sheet.obj.objgen: number for number, sheet in enumerate(document.pages, start=1)}

        def walk(items: list[pikepdf.OutlineItem]) -> Iterator[tuple[str, int, float]]:
            for item in items:
                place = item.destination
                assert isinstance(place, pikepdf.Array)
                yield str(item.title), numbers[place[0].objgen], float(place[3])
                yield from walk(item.children)

        return list(walk(tree.root))


def pages_of(which: str = "sample") -> dict[str, int]:
    """Return the printed page of every outline entry; of entries of the same name, the first one's."""
    return {title: number for title, number, _ in reversed(outline(which))}


def fields(pdf: pikepdf.Pdf) -> dict[str, pikepdf.Object]:
    return {str(field.T): field for field in pdf.Root.AcroForm.Fields}


def elements(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    stack = [pdf.Root.StructTreeRoot.K[0]]
    while stack:
        element = stack.pop()
        yield element
        kids = element.get("/K", [])
        stack += [kid for kid in kids if isinstance(kid, pikepdf.Dictionary) and "/S" in kid]
