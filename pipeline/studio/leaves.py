"""Pages of a PDF as PNG pictures, drawn when they are asked for and kept until the PDF changes."""

import dataclasses
import io
import threading
from pathlib import Path

import pypdfium2
from pypdfium2 import PdfiumError

from pipeline import errors

WIDTH = 360  # pixels: twice as wide as a thumbnail is shown


@dataclasses.dataclass(frozen=True, slots=True)
class Leaf:
    """One page: `number` counts from 1, `label` is the number printed on it, `starts` the chapter that begins here."""

    number: int
    label: str
    starts: str
    width: int
    height: int


class Leaves:
    """The pages of one PDF at a time, named by its digest. Safe between threads, which PDFium itself is not."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self._lock = threading.Lock()
        self._digest = ""
        self._pdf: pypdfium2.PdfDocument | None = None
        self._list: tuple[Leaf, ...] = ()
        self._pictures: dict[int, bytes] = {}

    def pages(self, path: Path, digest: str) -> tuple[Leaf, ...]:
        """List the pages; refuses a file that is no PDF."""
        with self._lock:
            self._open(path, digest)
            return self._list

    def picture(self, path: Path, digest: str, number: int) -> bytes | None:
        """Return page `number` as PNG, WIDTH pixels wide; None when there is no such page."""
        with self._lock:
            pdf = self._open(path, digest)
            if not 1 <= number <= len(self._list):
                return None
            if number not in self._pictures:
                self._pictures[number] = _draw(pdf, number - 1)
            return self._pictures[number]

    def close(self) -> None:
        """Let the PDF go."""
        with self._lock:
            self._forget()

    def _open(self, path: Path, digest: str) -> pypdfium2.PdfDocument:
        if self._pdf is not None and self._digest == digest:
            return self._pdf
        self._forget()
        try:
            pdf = pypdfium2.PdfDocument(path.read_bytes())
            self._list = _list(pdf)
        except (OSError, PdfiumError) as error:
            msg = f"{path} cannot be read as a PDF: {error}"
            raise errors.StorageProblem(msg, hint="delete out/book; it is made again") from error
        self._pdf, self._digest = pdf, digest
        return pdf

    def _forget(self) -> None:
        if self._pdf is not None:
            self._pdf.close()
        self._pdf, self._digest, self._list, self._pictures = None, "", (), {}


def _list(pdf: pypdfium2.PdfDocument) -> tuple[Leaf, ...]:
    chapters: dict[int, str] = {}
    for mark in pdf.get_toc():
        target = mark.get_dest()
        if target is not None and not mark.level:
            chapters.setdefault(target.get_index(), mark.get_title())
    leaves = []
    for index in range(len(pdf)):
        width, height = pdf.get_page_size(index)
        label = pdf.get_page_label(index) or str(index + 1)
        leaves.append(Leaf(index + 1, label, chapters.get(index, ""), WIDTH, round(WIDTH * height / width)))
    return tuple(leaves)


def _draw(pdf: pypdfium2.PdfDocument, index: int) -> bytes:
    page = pdf[index]
    try:
        picture = io.BytesIO()
        page.render(scale=WIDTH / page.get_width()).to_pil().save(picture, "PNG")
    finally:
        page.close()
    return picture.getvalue()
