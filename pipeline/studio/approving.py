"""The form that lets exactly the shown bytes go: the same step as `mscare approve`, with refusals in plain words."""

import urllib.parse
from collections.abc import Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pipeline import approve, errors, model
from pipeline.studio import drawn, pages, room

LARGEST = 65_536  # bytes of a form

Form = Mapping[str, Sequence[str]]


class Approving:
    """Takes the form of an edition's page."""

    def __init__(self, shown: room.Room, how: drawn.Drawn, editions: pages.Pages) -> None:
        """Approve what the room shows; a refusal is drawn on the edition's own page."""
        self._room, self._drawn, self._pages = shown, how, editions

    def routes(self) -> list[Route]:
        """Return the form's address; who reloads the answer comes back to the edition."""
        return [
            Route("/editions/{slug}/approval", self._take, methods=["POST"]),
            Route("/editions/{slug}/approval", pages.back_to_edition),
        ]

    async def _take(self, request: Request) -> Response:
        form = await _read(request)
        return await run_in_threadpool(self._drawn.answer, lambda asked: self._answer(asked, form), request)

    def _answer(self, request: Request, form: Form) -> Response:
        if not request.scope["studio.session"].sent(_one(form, "form_key")):
            raise HTTPException(403)
        if self._room.look(request.path_params["slug"]) is None:
            raise HTTPException(404)
        try:
            waivers = _waivers(form)
            self._room.approve(request.path_params["slug"], _one(form, "digest"), _name(form), waivers)
        except (errors.NotApproved, errors.ContentBlocked, errors.UsageProblem) as refusal:
            said = {
                "refusal": _in_plain_words(refusal),
                "hint": "" if isinstance(refusal, errors.ContentBlocked) else refusal.hint,
                "by": _one(form, "by"),
                "reasons": {(code, file): reason for code, file, reason in _rows(form)},
            }
            return self._pages.edition(request, status=409, said=said)
        return pages.back_to_edition(request)


async def _read(request: Request) -> Form:
    """Read a form of text fields; refuses one that is too large to be ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413)
    return urllib.parse.parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)


def _one(form: Form, name: str) -> str:
    return form.get(name, [""])[0].strip()


def _name(form: Form) -> str:
    name = " ".join(_one(form, "by").split())
    if not name:
        msg = "an approval needs the name of the person who gives it"
        raise errors.UsageProblem(msg, hint="write your name above the button")
    return name


def _rows(form: Form) -> list[tuple[str, str, str]]:
    columns = [form.get(name, []) for name in ("code", "file", "reason")]
    if len({len(column) for column in columns}) > 1:
        raise HTTPException(400)
    return list(zip(*columns, strict=True))


def _waivers(form: Form) -> list[model.Waiver]:
    """Return a waiver for each reason that was written; one covers a code in one file."""
    waivers = [model.Waiver(code, file, reason.strip(), _name(form)) for code, file, reason in _rows(form) if reason]
    for waiver in waivers:
        if len(waiver.reason) < approve.SHORTEST_REASON:
            msg = f"the reason to let {waiver.code} pass is too short for others to judge"
            raise errors.UsageProblem(msg, hint=f"write at least {approve.SHORTEST_REASON} letters")
    return waivers


def _in_plain_words(refusal: errors.Problem) -> str:
    if isinstance(refusal, errors.ContentBlocked):
        return "Not approved: something still stands in the way. Mend it, or write below why it may pass this once."
    return f"Not approved: {refusal.message}."
