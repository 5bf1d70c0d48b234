"""What was built, under one address: the static pages, the editions with their pictures, the book.

The site is built for a day and holds what the next days bring under held/<day>/; here the day of the request decides.
An edition's page is public when the site of that day has it, or as soon as the edition is approved.
"""

import dataclasses
import datetime as dt
import hashlib
import re
import typing
from collections.abc import Callable, Iterator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import model
from pipeline.formats import _web
from pipeline.site import _files, _pages, _shelf, _volumes

BOOK_TYPES = (".pdf", ".epub")
INDEX = "index.html"
LANDING = "book/index.html"
SITE = "site"
_BOOK_TEXT = "content/book/book.toml"  # where version and date stand; both manifests name it as an input
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")
_EXPIRES = re.compile(rb"<!--expires (\d{4}-\d\d-\d\d)-->")
_DOWNLOAD = re.compile(rb"<!--download-->.*?<!--/download-->", re.DOTALL)


@dataclasses.dataclass(frozen=True, slots=True)
class House:
    """What the rooms need to know of the rest; `now` gives an aware time."""

    now: Callable[[], dt.datetime]
    is_approved: Callable[[str], bool]  # whether somebody let this edition go out
    has_packs: bool = False  # whether to lead to appointment packs


class Rooms:
    """The addresses that show files of out/. Nothing is looked up by path: only by names in a manifest."""

    def __init__(self, shelf: _shelf.Shelf, pages: _pages.Pages, house: House) -> None:
        """Serve from `shelf`."""
        self._shelf, self._pages, self._house = shelf, pages, house

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
        """Tell whether this edition can be read here today."""
        if not _is_edition(slug):
            return False
        if self._name(f"editions/{slug}/{INDEX}"):
            return True
        manifest = self._shelf.manifest(slug)
        return manifest is not None and f"web/{INDEX}" in manifest.outputs and self._house.is_approved(slug)

    def has_article(self, slug: str) -> bool:
        """Tell whether this article can be read here today."""
        return self._name(f"articles/{slug}/{INDEX}") != ""

    def edition(self, request: Request) -> Response:
        """Show the web page of an edition: the one that was built with its mail, else the site's own copy."""
        slug = request.path_params["slug"]
        if not self.has_edition(slug):
            _nowhere()
        piece = self._shelf.piece(slug, f"web/{INDEX}") or self._piece(f"editions/{slug}/{INDEX}")
        return _files.answer(request, INDEX, _there(piece))

    def picture(self, request: Request) -> Response:
        """Show a picture of an edition: the mail's, or its web page's. A test mail needs them before any approval."""
        slug, name = request.path_params["slug"], request.path_params["name"]
        piece = None
        if _is_edition(slug):
            piece = self._shelf.piece(slug, f"images/{name}") or self._shelf.piece(slug, f"web/images/{name}")
            piece = piece or self._piece(f"editions/{slug}/images/{name}")
        return _files.answer(request, name, _there(piece))

    def book(self, request: Request) -> Response:
        """Give the book. It opens where it is; a link with `download` saves it under its name."""
        name = request.path_params["name"]
        if name == INDEX or not name.endswith(BOOK_TYPES):
            return _moved("./") if name == INDEX else _nowhere()
        return _files.answer(request, name, _there(self._shelf.piece("book", name)), disposition="inline")

    def landing(self, request: Request) -> Response:
        """Show the book's page with the true sizes and sums of the files as they were built."""
        page = _there(self._piece(LANDING))
        files = _volumes.on_the_shelf(self._shelf)
        values = {"files": files, "is_current": self._is_current(), "has_packs": self._house.has_packs}
        part = self._pages.part("download.html", **values)
        return _files.answer(request, INDEX, _filled(page, _DOWNLOAD, part))

    def page(self, request: Request) -> Response:
        """Show a file of the site; a folder's address without its slash leads to the one with it."""
        path = str(request.path_params["path"])
        if _web.HELD.fullmatch(path):
            _nowhere()
        if path == INDEX or path.endswith(f"/{INDEX}"):
            return _moved("./")
        name = path + INDEX if not path or path.endswith("/") else path
        piece = self._piece(name)
        if piece is None and self._is_folder(path):
            return _moved(_web.quoted(path.rpartition("/")[2]) + "/")
        piece = _there(piece)
        return _files.answer(request, name.rpartition("/")[2], self._dated(piece) if name.endswith(INDEX) else piece)

    def _dated(self, piece: _shelf.Piece) -> _shelf.Piece:
        """Say on an article whose day has passed that it may be out of date."""
        match = _EXPIRES.search(piece.content)
        expires = dt.date.fromisoformat(match[1].decode()) if match else dt.date.max
        if expires >= self._house.now().date():
            return piece
        return _filled(piece, _EXPIRES, self._pages.part("expired.html", expires=expires))

    def _is_folder(self, path: str) -> bool:
        above, _, last = path.rpartition("/")
        return self._name(f"{path}/{INDEX}") != "" or (above == "editions" and self.has_edition(last))

    def _piece(self, name: str) -> _shelf.Piece | None:
        """Return a file of the site as it is today; None when there is none."""
        found = self._name(name)
        return self._shelf.piece(SITE, found) if found else None

    def _name(self, name: str) -> str:
        """Return under which name the file lies in out/site/ today: that of its last version whose day has come.

        "" when it is not there, or its day has not come.
        """
        manifest = self._shelf.manifest(SITE)
        if manifest is None or _web.HELD.fullmatch(name):
            return ""
        today = self._house.now().date().isoformat()
        newest = max((day for day in _days(manifest, name) if day <= today), default="")
        return _web.held(newest, name) if newest else name * (name in manifest.outputs)

    def _is_current(self) -> bool:
        """Tell whether the version and date on the page are those printed in the files."""
        book, site = self._shelf.manifest("book"), self._shelf.manifest(SITE)
        return bool(book and site and book.inputs.get(_BOOK_TEXT) == site.inputs.get(_BOOK_TEXT))


def _days(manifest: model.Manifest, name: str) -> Iterator[str]:
    """Yield the days, as ISO, on which this build shows another version of a file."""
    for output in manifest.outputs:
        if output.endswith(name) and (match := _web.HELD.fullmatch(output)) and match[2] == name:
            yield match[1]


def _filled(piece: _shelf.Piece, place: re.Pattern[bytes], part: bytes) -> _shelf.Piece:
    """Return a page with `part` at its place; other bytes have another digest."""
    content = place.sub(lambda _: part, piece.content)
    return _shelf.Piece(content, hashlib.sha256(content).hexdigest())


def _is_edition(slug: str) -> bool:
    return _SLUG.fullmatch(slug) is not None and slug not in {"book", "site"}


def _there(piece: _shelf.Piece | None) -> _shelf.Piece:
    return piece or _nowhere()


def _nowhere() -> typing.NoReturn:
    raise HTTPException(404)


def _moved(to: str) -> Response:
    """Lead to an address relative to this one: right behind any proxy, and never to another site."""
    return Response(status_code=308, headers={"Location": to, "Cache-Control": "no-cache"})
