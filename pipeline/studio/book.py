"""The book's page: every page as a picture with its printed number, the PDF itself, and appointment packs."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from pipeline import errors
from pipeline.studio import drawn, looks, room, wording

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
            verdict=wording.counted(book.findings),
            checklist_of=wording.checklist(book.findings, book.waivers, wording.OF_THE_BOOK),
        )

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
