"""What was built, under one address: the static pages, the editions with their pictures, the book."""

import datetime as dt
import hashlib
import re
import typing
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import model
from pipeline.formats import _web
from pipeline.site import _files, _pages, _shelf

BOOK_TYPES = (".pdf", ".epub")
INDEX = "index.html"
LANDING = "book/index.html"
_BOOK_TEXT = "content/book/book.toml"  # where version and date stand; both manifests name it as an input
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_EXPIRES = re.compile(rb"<!--expires (\d{4}-\d\d-\d\d)-->")
_DOWNLOAD = re.compile(rb"<!--download-->.*?<!--/download-->", re.DOTALL)


class Rooms:
    """The addresses that show files of out/. Nothing is looked up by path: only by names in a manifest."""

    def __init__(self, shelf: _shelf.Shelf, pages: _pages.Pages, now: Callable[[], dt.datetime]) -> None:
        """Serve from `shelf`; `now` gives an aware time."""
        self._shelf, self._pages, self._now = shelf, pages, now

    def routes(self) -> list[Route]:
        """Return the endpoints; the last one takes every address that no other has."""
        return [
            Route("/editions/{slug}/", self.edition),
            Route("/editions/{slug}/images/{name}", self.picture),
            Route("/book/", self.landing),
            Route("/book/{name}", self.book),
            Route("/{path:path}", self.page),
        ]

    def has_edition(self, slug: str) -> bool:
        """Tell whether this edition can be read here."""
        manifest = self._shelf.manifest(slug) if _is_edition(slug) else None
        return manifest is not None and f"web/{INDEX}" in manifest.outputs

    def edition(self, request: Request) -> Response:
        """Show the web page of an edition."""
        slug = request.path_params["slug"]
        piece = self._shelf.piece(slug, f"web/{INDEX}") if _is_edition(slug) else None
        return _files.answer(request, INDEX, _there(piece))

    def picture(self, request: Request) -> Response:
        """Show a picture of an edition: the mail's, or its web page's."""
        slug, name = request.path_params["slug"], request.path_params["name"]
        piece = None
        if _is_edition(slug):
            piece = self._shelf.piece(slug, f"images/{name}") or self._shelf.piece(slug, f"web/images/{name}")
        return _files.answer(request, name, _there(piece))

    def book(self, request: Request) -> Response:
        """Give the book. It opens where it is; a link with `download` saves it under its name."""
        name = request.path_params["name"]
        if name == INDEX or not name.endswith(BOOK_TYPES):
            return _moved("./") if name == INDEX else _nowhere()
        return _files.answer(request, name, _there(self._shelf.piece("book", name)), disposition="inline")

    def landing(self, request: Request) -> Response:
        """Show the book's page with the true size and sum of the file as it was built."""
        page = _there(self._shelf.piece("site", LANDING))
        part = self._pages.part("download.html", file=self._facts())
        return _files.answer(request, INDEX, _filled(page, _DOWNLOAD, part))

    def page(self, request: Request) -> Response:
        """Show a file of the site; a folder's address without its slash leads to the one with it."""
        path = str(request.path_params["path"])
        if path == INDEX or path.endswith(f"/{INDEX}"):
            return _moved("./")
        name = path + INDEX if not path or path.endswith("/") else path
        piece = self._shelf.piece("site", name)
        if piece is None and self._is_folder(path):
            return _moved(_web.quoted(path.rpartition("/")[2]) + "/")
        piece = _there(piece)
        return _files.answer(request, name.rpartition("/")[2], self._dated(piece) if name.endswith(INDEX) else piece)

    def _dated(self, piece: _shelf.Piece) -> _shelf.Piece:
        """Say on an article whose day has passed that it may be out of date."""
        match = _EXPIRES.search(piece.content)
        expires = dt.date.fromisoformat(match[1].decode()) if match else dt.date.max
        if expires >= self._now().date():
            return piece
        return _filled(piece, _EXPIRES, self._pages.part("expired.html", expires=expires))

    def _is_folder(self, path: str) -> bool:
        site = self._shelf.manifest("site")
        above, _, last = path.rpartition("/")
        is_page = site is not None and f"{path}/{INDEX}" in site.outputs
        return is_page or (above == "editions" and self.has_edition(last))

    def _facts(self) -> dict[str, object] | None:
        """Return what the landing page says of the PDF; None while there is none."""
        book, site = self._shelf.manifest("book"), self._shelf.manifest("site")
        name = (model.main_pdf(book.outputs) if book else None) or ""
        piece = self._shelf.piece("book", name) if name else None
        if not (book and site and piece):
            return None
        facts = {"name": name, "size": len(piece.content), "digest": piece.digest}
        return facts | {"is_current": _same_text(book, site), "ebook": self._ebook(book)}

    def _ebook(self, book: model.Manifest) -> dict[str, object] | None:
        """Return what the landing page says of the EPUB, which is built with the PDF; None when there is none."""
        name = next((name for name in book.outputs if name.endswith(".epub")), "")
        piece = self._shelf.piece("book", name) if name else None
        return {"name": name, "size": len(piece.content)} if piece else None


def _filled(piece: _shelf.Piece, place: re.Pattern[bytes], part: bytes) -> _shelf.Piece:
    """Return a page with `part` at its place; other bytes have another digest."""
    content = place.sub(lambda _: part, piece.content)
    return _shelf.Piece(content, hashlib.sha256(content).hexdigest())


def _same_text(book: model.Manifest, site: model.Manifest) -> bool:
    """Tell whether the version and date on the page are those printed in the file."""
    return book.inputs.get(_BOOK_TEXT) == site.inputs.get(_BOOK_TEXT)


def _is_edition(slug: str) -> bool:
    return _SLUG.fullmatch(slug) is not None and slug not in {"book", "site"}


def _there(piece: _shelf.Piece | None) -> _shelf.Piece:
    return piece or _nowhere()


def _nowhere() -> typing.NoReturn:
    raise HTTPException(404)


def _moved(to: str) -> Response:
    """Lead to an address relative to this one: right behind any proxy, and never to another site."""
    return Response(status_code=308, headers={"Location": to, "Cache-Control": "no-cache"})
