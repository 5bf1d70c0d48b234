"""Pages, made by WeasyPrint: one part of the book becomes a tagged PDF of its own. Runs in a worker process.

The only module that imports WeasyPrint. A part's links to other parts are written `xref:ID`, which becomes a plain
destination here: it arrives once the parts are joined.
"""

import gc
import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pydyf
import weasyprint
import weasyprint.logger
import weasyprint.urls
from weasyprint.text.fonts import FontConfiguration

from pipeline import errors
from pipeline.formats.book import fit, job, metadata, seal, tags

SCHEME = "book:/"  # the only address that can be read while rendering
PRESSES = 4  # fonts and style sheets kept ready: one for each edition of a usual book
_TYPES = {"svg": "image/svg+xml", "ttf": "font/ttf"}


class _Shelf(weasyprint.urls.URLFetcher):  # type: ignore[misc]
    """Serves the files it was given, and stops the rendering at any other address."""

    def __init__(self) -> None:
        super().__init__()
        self.files: Mapping[str, bytes] = {}

    def fetch(self, url: str, headers: object = None) -> weasyprint.urls.URLFetcherResponse:  # noqa: ARG002
        """Return a file of the shelf."""
        name = url.removeprefix(SCHEME)
        if not url.startswith(SCHEME) or name not in self.files:
            raise weasyprint.urls.FatalURLFetchingError(url)
        kind = _TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        return weasyprint.urls.URLFetcherResponse(url, self.files[name], {"Content-Type": kind})


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


@contextmanager
def _without_collector() -> Iterator[None]:
    """Let the collector of reference cycles rest: a page's boxes all live until it is written."""
    was_on = gc.isenabled()  # off in a worker, which collects when its answer is given
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def placed(sheet: job.Sheet) -> job.Places:
    """Lay out a part and say where its anchors are. Refuses as `laid` does."""
    with _strict(), _without_collector():
        return _places(_press(sheet).lay_out(sheet))


def laid(sheet: job.Sheet) -> job.Laid:
    """Lay out a part and write it as a tagged PDF, ready to be joined with others.

    Refuses anything WeasyPrint warns of, an address outside `sheet.files`, and a font that is not the book's own.
    """
    with _strict(), _without_collector():
        document = _press(sheet).lay_out(sheet)
        places = _places(document)
        metadata.declare(document.metadata, archive=sheet.archive)
        plain = {"uncompressed_pdf": True}  # the streams are packed when they are mended
        content = document.write_pdf(finisher=_finisher(sheet.html), **plain, **_options(sheet))
        fonts = list(document.fonts.values())
        whole = frozenset(_name(font) for font in fonts if font.used_in_forms)
    return job.Laid(seal.sealed(content, sheet.number), places, _faces(fonts), whole)


def room_below(sheet: job.Sheet) -> dict[str, tuple[int, float]]:
    """Lay out a part; return the page of each anchor, from 0, and how many points are free from there to its foot."""
    with _strict(), _without_collector():
        pages = _press(sheet).lay_out(sheet).pages
        feet = [page._page_box.content_box_y() + page._page_box.height for page in pages]  # noqa: SLF001  not told otherwise
        return {
            name: (number, (feet[number] - spot[1]) * fit.POINTS)
            for number, page in enumerate(pages)
            for name, spot in page.anchors.items()
        }


def _options(sheet: job.Sheet) -> dict[str, object]:
    return {"pdf_variant": "pdf/a-3a" if sheet.archive else "pdf/ua-1", "pdf_forms": sheet.fill_in}


def _places(document: weasyprint.Document) -> job.Places:
    anchors: dict[str, int] = {}
    for number, page in enumerate(document.pages):
        anchors |= {name: number for name in page.anchors if name not in anchors}
    over = tuple(piece for page in document.pages for piece in fit.overruns(page._page_box))  # noqa: SLF001  not told otherwise
    return job.Places(len(document.pages), anchors, over)


def _name(font: Any) -> str:
    return str(font.name.decode()).lstrip("/")


def _faces(fonts: Sequence[Any]) -> dict[str, dict[int, tuple[float, str]]]:
    """Return the glyphs of each face that were drawn, in the order of their numbers."""
    faces: dict[str, dict[int, tuple[float, str]]] = {}
    for font in fonts:
        glyphs = {gid: (float(font.widths[gid]), text) for gid, text in font.to_unicode.items()}
        faces[_name(font)] = dict(sorted((faces.get(_name(font), {}) | glyphs).items()))
    return dict(sorted(faces.items()))


def _finisher(html: str) -> Callable[[weasyprint.Document, pydyf.PDF], None]:
    """Return what WeasyPrint calls before it writes: links to other parts, then the tag tree."""
    merge = tags.finisher(html)

    def finish_part(document: weasyprint.Document, pdf: pydyf.PDF) -> None:
        for thing in pdf.objects:
            if isinstance(thing, dict) and thing.get("Subtype") == "/Link" and "A" in thing:
                address = thing["A"]["URI"].string
                if isinstance(address, str) and address.startswith("xref:"):
                    thing["Dest"] = pydyf.String(address.removeprefix("xref:"))
                    del thing["A"]
        merge(document, pdf)

    return finish_part


class _Press:
    """Holds the fonts and the style sheet that the parts of an edition share."""

    def __init__(self, style: str, files: Mapping[str, bytes]) -> None:
        self._fonts = FontConfiguration()
        self._shelf = _Shelf()
        self._shelf.files = files
        self._sheet = self._css(style)

    def _css(self, text: str) -> weasyprint.CSS:
        return weasyprint.CSS(string=text, font_config=self._fonts, url_fetcher=self._shelf, base_url=SCHEME)

    def lay_out(self, sheet: job.Sheet) -> weasyprint.Document:
        """Make the pages; the first one bears the number it should, and is a left-hand one when that is even."""
        self._shelf.files = sheet.files
        side = "right" if sheet.first % 2 else "left"
        start = self._css(f"@page :first {{ counter-reset: page {sheet.first} }} html {{ break-before: {side} }}")
        source = weasyprint.HTML(string=sheet.html, url_fetcher=self._shelf, base_url=SCHEME)
        return source.render(font_config=self._fonts, stylesheets=[self._sheet, start], **_options(sheet))


_kept: dict[str, _Press] = {}


def _press(sheet: job.Sheet) -> _Press:
    """Return the press for the sheet's style, made ready at its first use."""
    fonts = {name: content for name, content in sheet.files.items() if name.startswith("fonts/")}
    digest = hashlib.sha256(sheet.style.encode())
    for name, content in sorted(fonts.items()):
        digest.update(name.encode() + hashlib.sha256(content).digest())
    key = digest.hexdigest()
    if key not in _kept:
        if len(_kept) >= PRESSES:
            del _kept[next(iter(_kept))]
        _kept[key] = _Press(sheet.style, sheet.files)
    return _kept[key]
