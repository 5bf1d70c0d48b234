"""What the book's page tells of each file as it was built: for whom, how large, how many pages, and its sum."""

import dataclasses
import functools
import hashlib
import io
from collections.abc import Iterable, Mapping

import pikepdf

from pipeline import model
from pipeline.formats import _web

_SCREEN = "For screens"
_EBOOK = "For phones, tablets and e-readers: you choose type, size and colors. It cannot keep what you write."


@dataclasses.dataclass(frozen=True, slots=True)
class Volume:
    """One file to download, in the words of the page; `size` in bytes, `digest` its SHA-256 in hex."""

    name: str
    title: str
    facts: tuple[str, ...]
    about: str
    press: str
    size: int
    digest: str


def volumes(editions: Iterable[model.BookEdition], files: Mapping[str, bytes]) -> tuple[Volume, ...]:
    """List what was built: the editions as declared, then PDFs that no edition declares, then the e-book."""
    declared = {edition.file: edition for edition in editions}
    names = [name for name in declared if name in files]
    names += sorted(name for name in files if name.endswith(".pdf") and name not in declared)
    names += sorted(name for name in files if name.endswith(".epub"))
    return tuple(_volume(name, files[name], declared.get(name)) for name in names)


def _volume(name: str, content: bytes, edition: model.BookEdition | None) -> Volume:
    size, digest = len(content), _digest(content)
    if name.endswith(".epub"):
        measures = ("EPUB", _web.megabytes(size))
        return Volume(name, "E-book", measures, _EBOOK, "Download the e-book", size, digest)
    pages = _pages(content)
    facts = ("PDF", _web.megabytes(size), *([f"{pages} pages"] if pages else []))
    facts += (f"page size {edition.page}",) if edition else ()
    title = edition.title if edition else "PDF"
    press = "Download the book" if title in {"PDF", _SCREEN} else f"Download: {title.lower()}"
    return Volume(name, title, facts, _about(edition), press, size, digest)


@functools.lru_cache(maxsize=16)  # the server asks for each visitor, of the same few files
def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@functools.lru_cache(maxsize=16)
def _pages(content: bytes) -> int:
    """Count the pages; 0 for what cannot be read as a PDF."""
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            return len(pdf.pages)
    except pikepdf.PdfError:
        return 0


def _about(edition: model.BookEdition | None) -> str:
    if edition is None or edition.fill_in:
        return "You can fill in its forms on screen or print it."
    if edition.archive:
        return "PDF/A, for libraries and archives: everything that it needs is inside, and its forms are lines."
    return "Its forms are lines to write on."
