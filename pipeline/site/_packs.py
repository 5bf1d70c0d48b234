"""The appointment pack: a reader ticks questions and gets two pages as a PDF.

What somebody ticks is health data. It comes in the body of a POST, so that no log of a proxy has it in an address; it
is held only while the PDF is made, told to nobody, and the answer is kept nowhere.
"""

import logging
import urllib.parse
from collections.abc import Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import edition, errors, model, office, packing
from pipeline.site import _bodies, _files, _pages

log = logging.getLogger("mscare.site")

TITLE = "Make an appointment pack"
MOST_FIELDS = 300  # every question of the bank and the two settings, with room for more


class Packs:
    """The page with the questions, and the PDF. One worker makes all packs, with a short queue before it."""

    def __init__(self, desk: office.Desk, pages: _pages.Pages) -> None:
        """Offer the questions of `desk`; whoever stops the server calls `close`."""
        self._desk, self._pages = desk, pages
        self._counter = packing.Counter()
        self.close = self._counter.close

    def routes(self) -> list[Route]:
        """Return the endpoints; none when no pack can be made."""
        if not edition.has_packs(self._desk.library):
            return []
        return [Route("/pack/", self.ask, methods=["GET"]), Route("/pack/", self.give, methods=["POST"])]

    def ask(self, request: Request) -> Response:
        """Show the questions."""
        return self._page(request, {}, "")

    async def give(self, request: Request) -> Response:
        """Give the PDF; or the page again, with a sentence and what was ticked, when it cannot be made of these."""
        body = await _bodies.read(request, _bodies.FORM)
        try:
            form = urllib.parse.parse_qs(body.decode("latin-1"), max_num_fields=MOST_FIELDS)
        except ValueError as error:
            raise HTTPException(400) from error
        try:
            wanted = self._chosen(form)
        except errors.UsageProblem:
            return self._page(request, form, self._sentence(form.get("question", [])), 400)
        try:
            content = await run_in_threadpool(self._counter.make, self._desk, wanted)
        except errors.UsageProblem:
            return self._page(request, form, _TOO_LONG, 400)
        except errors.Problem as problem:
            log.warning("pack-failed kind=%s", type(problem).__name__)  # its sentence could name the questions
            return self._page(request, form, _BUSY if problem.passes else _OURS, 503)
        headers = {
            "Content-Type": _files.TYPES[".pdf"],
            "Content-Disposition": f'attachment; filename="{packing.FILE}"',
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
        }
        return Response(content, headers=headers)

    def _chosen(self, form: dict[str, list[str]]) -> model.Pack:
        paper = form.get("paper", ["a4"])[0]
        return edition.pack(self._desk.library, form.get("question", []), paper=paper, large="large" in form)

    def _sentence(self, ids: Sequence[str]) -> str:
        """Say what to change; the program's own sentence is for people at its command line."""
        if not ids:
            return "Please tick at least one question."
        if not self._desk.library.questions.keys() >= set(ids):
            return "The questions have changed since you opened this page. Please look through your ticks."
        limits = f"A pack holds {edition.MOST}, or {edition.MOST_LARGE} in large print."
        return f"You ticked {len(ids)} questions. {limits} Please take some ticks away."

    def _page(self, request: Request, form: dict[str, list[str]], sentence: str, status: int = 200) -> Response:
        values = {
            "groups": list(self._desk.library.groups.values()),
            "ticked": frozenset(form.get("question", [])),
            "paper": form.get("paper", ["a4"])[0],
            "large": "large" in form,
            "most": edition.MOST,
            "most_large": edition.MOST_LARGE,
            "sentence": sentence,
        }
        return self._pages.page(request, "pack.html", TITLE, status, **values)


_BUSY = "Many people are making a pack just now. Please wait a moment and press the button again."
_TOO_LONG = "These questions are too long for one page together. Please take one tick away and try again."
_OURS = "The pack could not be made, and it is our fault. Please try again later."
