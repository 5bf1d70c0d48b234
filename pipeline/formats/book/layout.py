"""Pages, made by WeasyPrint: parts are laid out one by one, and only those that a page number moved again.

1. Each part (front, chapters, back) is HTML written from the page map {anchor: printed page}.
2. It is laid out as a document of its own, whose first page bears the number after the last part's.
3. The anchors found give the map; parts whose HTML or first page changed are laid out again until nothing moves.
4. The pages of all parts are written as one tagged PDF.
"""

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import weasyprint
import weasyprint.logger
import weasyprint.urls
from weasyprint.text.fonts import FontConfiguration

from pipeline import errors

SCHEME = "book:/"  # the only address that can be read while rendering
ROUNDS = 4  # two were the most a book ever needed
OPTIONS = {"pdf_variant": "pdf/ua-1", "pdf_forms": True}
_TYPES = {"svg": "image/svg+xml", "ttf": "font/ttf"}

Part = Callable[[Mapping[str, int]], str]
"""Writes a part's HTML, given the printed page of every anchor; empty in the first round."""


@dataclasses.dataclass(frozen=True, slots=True)
class Printed:
    """The PDF as WeasyPrint wrote it, and the printed page of every anchor."""

    content: bytes
    pages: Mapping[str, int]


class _Shelf(weasyprint.urls.URLFetcher):  # type: ignore[misc]
    """Serves the files it was given, and stops the rendering at any other address."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__()
        self._files = files

    def fetch(self, url: str, headers: object = None) -> weasyprint.urls.URLFetcherResponse:  # noqa: ARG002
        """Return a file of the shelf."""
        name = url.removeprefix(SCHEME)
        if not url.startswith(SCHEME) or name not in self._files:
            raise weasyprint.urls.FatalURLFetchingError(url)
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return weasyprint.urls.URLFetcherResponse(url, self._files[name], {"Content-Type": kind})


class _Complaints(logging.Handler):
    """Keeps what WeasyPrint warns of: a dropped rule or a dead link must not slip into a book."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one message."""
        self.said.append(record.getMessage())


@contextmanager
def _strict() -> Iterator[None]:
    """Turn WeasyPrint's warnings, and any wish to read from outside, into a RenderProblem."""
    complaints, logger = _Complaints(), weasyprint.logger.LOGGER
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(complaints)
    try:
        yield
    except weasyprint.urls.FatalURLFetchingError as error:
        msg = f"the book wants to read {error}, which is not among its own fonts and drawings"
        raise errors.RenderProblem(msg, hint="mend the address in templates/book or in the chapter") from error
    finally:
        logger.removeHandler(complaints)
        logger.propagate = propagate
    if any("HarfBuzz-Subset" in message for message in complaints.said):
        msg = "the book's fonts cannot be made small: libharfbuzz-subset is missing"
        raise errors.MissingPart(msg, hint="sudo apt-get install libharfbuzz-subset0")
    if complaints.said:
        msg = f"the book could not be set without faults: {'; '.join(dict.fromkeys(complaints.said))}"
        raise errors.RenderProblem(msg, hint="mend templates/book, or the chapter that the message names")


def printed(parts: Sequence[Part], style: str, files: Mapping[str, bytes]) -> Printed:
    """Lay out the parts and return the PDF with its page map.

    `files` are the fonts and drawings, by their name after `book:/`. Refuses anything WeasyPrint warns of, any
    other address, and page numbers that do not settle.
    """
    with _strict():
        press = _Press(style, files)
        documents, pages = press.settle(parts)
        sheets = [page for document in documents for page in document.pages]
        return Printed(documents[0].copy(sheets).write_pdf(**OPTIONS), pages)


class _Press:
    """Holds the fonts and the style sheet that all parts share."""

    def __init__(self, style: str, files: Mapping[str, bytes]) -> None:
        self._fonts = FontConfiguration()
        self._shelf = _Shelf(files)
        self._sheet = self._css(style)

    def _css(self, text: str) -> weasyprint.CSS:
        return weasyprint.CSS(string=text, font_config=self._fonts, url_fetcher=self._shelf, base_url=SCHEME)

    def _lay_out(self, html: str, first: int) -> weasyprint.Document:
        start = self._css(f"@page :first {{ counter-reset: page {first} }}")
        source = weasyprint.HTML(string=html, url_fetcher=self._shelf, base_url=SCHEME)
        return source.render(font_config=self._fonts, stylesheets=[self._sheet, start], **OPTIONS)

    def settle(self, parts: Sequence[Part]) -> tuple[list[weasyprint.Document], dict[str, int]]:
        """Lay out until no page number moves; refuses after four rounds."""
        pages: dict[str, int] = {}
        keys: list[tuple[str, int] | None] = [None] * len(parts)
        documents: list[weasyprint.Document] = [None] * len(parts)
        for _ in range(ROUNDS):
            found: dict[str, int] = {}
            first = 1
            for index, part in enumerate(parts):
                key = (part(pages), first)
                if key != keys[index]:
                    keys[index], documents[index] = key, self._lay_out(*key)
                for number, page in enumerate(documents[index].pages, start=first):
                    found |= {name: number for name in page.anchors if name not in found}
                first += len(documents[index].pages)
            if found == pages:
                return documents, pages
            pages = found
        msg = f"the page numbers of the book did not settle in {ROUNDS} rounds"
        raise errors.RenderProblem(msg, hint="shorten a heading of the contents by a word; one line decides a page")
