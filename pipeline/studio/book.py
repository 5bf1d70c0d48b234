"""The book's pages: all of its own as pictures with their numbers, a chapter to be read, the PDF, appointment packs."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from pipeline import errors, model
from pipeline.formats import epub
from pipeline.formats.epub import drawings
from pipeline.studio import drawn, looks, room, wording

KINDS = {".xhtml": "application/xhtml+xml", ".css": "text/css", ".ttf": "font/ttf", **drawings.TYPES}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)
"""No script and nothing from elsewhere. allow-same-origin lets our own page measure the frame."""
KEPT = {**drawn.HEADERS, "Cache-Control": "private, max-age=3600"}  # the address names the digest of the PDF


class BookPages:
    """What is shown of the book."""

    def __init__(self, shown: room.Room, how: drawn.Drawn) -> None:
        """Show the book that is in the room."""
        self._room, self._drawn = shown, how

    def routes(self) -> list[Route]:
        """Return the book's addresses."""
        guarded = self._drawn.guarded
        return [
            Route("/book", guarded(self._book)),
            Route("/book/pages/{number:int}.png", guarded(self._leaf)),
            Route("/book/appointment-pack.pdf", guarded(self._pack)),
            Route("/book/chapters/{slug}", guarded(self._chapter)),
            Route("/book/chapters/{slug}/{name:path}", guarded(self._chapter_file)),
            Route("/book/{name}.pdf", guarded(self._pdf)),
        ]

    def _book(self, request: Request) -> Response:
        book = self._room.book()
        return self._drawn.page(
            "book.html",
            session=request.scope["studio.session"],
            generation=self._room.generation,
            publication=self._room.settings.publication,
            trouble=self._room.trouble,
            path="/book",
            book=book,
            groups=self._room.groups(),
            chapters=self._room.chapters(),
            verdict=wording.counted(book.findings),
            checklist_of=wording.checklist(book.findings, book.waivers, wording.OF_THE_BOOK),
        )

    def _chapter(self, request: Request) -> Response:
        """Show a chapter to be read, a moment after its file was saved; a fault is told in its place."""
        chapter = self._found(request)
        files: Mapping[str, bytes] = {}
        fault = None
        try:
            files = self._room.reading(chapter)
        except errors.Problem as problem:
            fault = looks.told(problem)
        return self._drawn.page(
            "chapter.html",
            session=request.scope["studio.session"],
            generation=self._room.generation,
            publication=self._room.settings.publication,
            trouble=self._room.trouble,
            path=f"/book/chapters/{chapter.slug}",
            chapter=chapter,
            chapters=self._room.chapters(),
            file=epub.TEXT,
            digest=hashlib.sha256(b"".join(files.values())).hexdigest(),
            fault=fault,
        )

    def _chapter_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        files = self._room.reading(self._found(request))
        kind = KINDS.get(PurePosixPath(name).suffix)
        if name not in files or kind is None:
            raise HTTPException(404)
        return Response(files[name], media_type=kind, headers={**drawn.HEADERS, "Content-Security-Policy": POLICY})

    def _found(self, request: Request) -> model.Chapter:
        slug = request.path_params["slug"]
        chapter = next((chapter for chapter in self._room.chapters() if chapter.slug == slug), None)
        if chapter is None:
            raise HTTPException(404)
        return chapter

    def _leaf(self, request: Request) -> Response:
        book = self._room.book()
        if book.file is None:
            raise HTTPException(404)
        picture = self._room.leaves.picture(book.file, book.digest, request.path_params["number"])
        if picture is None:
            raise HTTPException(404)
        return Response(picture, media_type="image/png", headers=KEPT)

    def _pdf(self, request: Request) -> Response:
        book = self._room.book()
        if book.file is None or request.path_params["name"] != book.file.stem:
            raise HTTPException(404)
        return FileResponse(book.file, media_type="application/pdf", headers=drawn.HEADERS)

    def _pack(self, request: Request) -> Response:
        """Give an appointment pack. Nothing is stored, so GET may ask for it; a refusal is told in a sentence."""
        asked = request.query_params
        ids = asked.getlist("question")
        topic = "" if ids else asked.get("topic", "")
        try:
            content = self._room.pack(ids, topic, asked.get("paper", "a4"), large="large" in asked)
        except errors.Problem as problem:
            return self._drawn.page("fault.html", status=400, trouble=looks.told(problem))
        return Response(content, media_type="application/pdf", headers=drawn.HEADERS)
