"""What the book's page tells of each file as it was built: for whom, how large, how many pages, and its sum.

The site's build leaves book/editions.json: what each edition is called. The files themselves tell the rest.
"""

import dataclasses
import io
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pikepdf

from pipeline.formats import _web
from pipeline.site import _shelf

log = logging.getLogger("mscare.site")

EDITIONS = "book/editions.json"
_MOST_KNOWN = 100


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """One file to download, in the words of the page."""

    name: str
    title: str
    facts: tuple[str, ...]
    about: str
    press: str
    size: int
    digest: str


class Volumes:
    """Reads the book's folder of the shelf; pages are counted once for each content."""

    def __init__(self, shelf: _shelf.Shelf) -> None:
        """Begin with nothing counted."""
        self._shelf = shelf
        self._counted: dict[str, int] = {}

    def all(self) -> tuple[Volume, ...]:
        """List what was built: the editions as declared, then PDFs that no edition declares, then the e-book."""
        book = self._shelf.manifest("book")
        if not (book and self._shelf.manifest("site")):
            return ()
        declared = {edition["file"]: edition for edition in self._declared()}
        names = [*declared, *sorted(name for name in book.outputs if name.endswith(".pdf") and name not in declared)]
        names += sorted(name for name in book.outputs if name.endswith(".epub"))
        return tuple(volume for name in names if (volume := self._volume(name, declared.get(name, {}))))

    def _declared(self) -> Iterator[Mapping[str, Any]]:
        piece = self._shelf.piece("site", EDITIONS)
        try:
            yield from (json.loads(piece.content) if piece else [])
        except ValueError as error:
            log.warning("editions-broken reason=%s", error)

    def _volume(self, name: str, edition: Mapping[str, Any]) -> Volume | None:
        piece = self._shelf.piece("book", name)
        if piece is None:
            return None
        size = len(piece.content)
        if name.endswith(".epub"):
            measures = ("EPUB", _web.megabytes(size))
            return Volume(name, "E-book", measures, _EBOOK, "Download the e-book", size, piece.digest)
        pages = self._pages(piece)
        facts = ("PDF", _web.megabytes(size), *([f"{pages} pages"] if pages else []))
        facts += (f"page size {edition['page']}",) if edition else ()
        title = str(edition.get("title", "PDF"))
        press = "Download the book" if title in {"PDF", _SCREEN} else f"Download: {title.lower()}"
        return Volume(name, title, facts, _about(edition), press, size, piece.digest)

    def _pages(self, piece: _shelf.Piece) -> int:
        """Count the pages; 0 for what cannot be read as a PDF."""
        if piece.digest not in self._counted:
            try:
                with pikepdf.open(io.BytesIO(piece.content)) as pdf:
                    count = len(pdf.pages)
            except pikepdf.PdfError:
                count = 0
            if len(self._counted) >= _MOST_KNOWN:
                self._counted.clear()
            self._counted[piece.digest] = count
        return self._counted[piece.digest]


_SCREEN = "For screens"
_EBOOK = "For phones, tablets and e-readers: you choose type, size and colors. It cannot keep what you write."


def _about(edition: Mapping[str, Any]) -> str:
    if not edition or edition["fill_in"]:
        return "You can fill in its forms on screen or print it."
    if edition["archive"]:
        return "PDF/A, for libraries and archives: everything that it needs is inside, and its forms are lines."
    return "Its forms are lines to write on."
