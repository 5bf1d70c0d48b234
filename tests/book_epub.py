"""The EPUB of the sample book and of the real one, each made once a run, and how it is read: files, order, links.

Run as a program it prints the SHA-256 of the sample's EPUB: the test of reproducible bytes starts it twice.
"""

import dataclasses
import functools
import hashlib
import io
import itertools
import json
import zipfile
from collections.abc import Iterator

import book_pdf
import lxml.etree
import samples_book

from pipeline import model
from pipeline.formats import epub

NAMES = {
    "x": "http://www.w3.org/1999/xhtml",
    "e": "http://www.idpf.org/2007/ops",
    "o": "http://www.idpf.org/2007/opf",
    "d": "http://purl.org/dc/elements/1.1/",
}
Tree = lxml.etree._Element


def made(book: model.Book, material: model.Material) -> bytes:
    (output,) = epub.render(book, material)
    assert output.name == "navigating-your-ms-care.epub"
    return output.content


@functools.cache
def rendered(which: str = "sample", *, paged: bool = True) -> bytes:
    book, material = book_pdf.source(which)
    if paged:
        record = {"edition": "screen", "pages": page_map(which), "count": max(page_map(which).values())}
        material = dataclasses.replace(material, made={"pages.json": json.dumps(record).encode()})
    return made(book, material)


@functools.cache
def page_map(which: str) -> dict[str, int]:
    """Return a page for each anchor, as a PDF would have it: some anchors a page, notes on the page of their word."""
    anchors = [name for _, root in texts(which, paged=False) for name in map(str, root.xpath("//@id"))]
    pages = {name: 2 + number // 9 for number, name in enumerate(n for n in anchors if "-note-" not in n)}
    return pages | {name: pages[name.replace("-note-", "-word-")] for name in anchors if "-note-" in name}


def opened(which: str = "sample", *, paged: bool = True) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(rendered(which, paged=paged)))


def read(which: str, name: str, *, paged: bool = True) -> Tree:
    return lxml.etree.fromstring(opened(which, paged=paged).read(f"EPUB/{name}"))


def package(which: str = "sample", *, paged: bool = True) -> Tree:
    return read(which, "package.opf", paged=paged)


def texts(which: str = "sample", *, paged: bool = True) -> Iterator[tuple[str, Tree]]:
    """Yield name and tree of each page of the book, in the order of the spine."""
    opf = package(which, paged=paged)
    files = dict(
        zip(opf.xpath("//o:item/@id", namespaces=NAMES), opf.xpath("//o:item/@href", namespaces=NAMES), strict=True)
    )
    for name in opf.xpath("//o:itemref/@idref", namespaces=NAMES):
        yield str(files[name]), read(which, str(files[name]), paged=paged)


def find(root: Tree, path: str) -> list[Tree]:
    return list(root.xpath(path, namespaces=NAMES))


def words(root: Tree) -> str:
    return " ".join("".join(map(str, root.itertext())).replace("\xa0", " ").split())


def all_words(which: str = "sample") -> str:
    return " ".join(itertools.chain.from_iterable(words(root).split() for _, root in texts(which)))


if __name__ == "__main__":
    print(hashlib.sha256(made(samples_book.book(), samples_book.material())).hexdigest())  # noqa: T201  the test reads this
