"""How a page is drawn and answered: templates/studio/ with strict headers, and a sentence in place of any fault."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline import errors, templating
from pipeline.studio import looks, wording

log = logging.getLogger("mscare.preview")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
FONTS = re.compile(r"[A-Za-z]+-\d{3}i?\.ttf")
_COMMAND = re.compile(r"`([^`]+)`")
_FALLBACK = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Preview</title>"
    "<h1>The preview cannot draw its own pages</h1><p>{message}</p><p>What to do: {hint}</p>"
)

Endpoint = Callable[[Request], Response]


class Drawn:
    """The pages' templates, read again for each page: a designer changes them while the preview runs."""

    def __init__(self, templates: Path) -> None:
        """Draw with `templates`, the project's folder; refuses when the preview's own are not there."""
        self._templates = templates
        self.script()

    def page(self, name: str, *, status: int = 200, **values: Any) -> Response:
        """Draw a page; refuses when its template has a fault."""
        text = templating.render(self._environment(), name, **values)
        return HTMLResponse(text, status, {**HEADERS, "Content-Security-Policy": POLICY})

    def style(self) -> Response:
        """Return the style sheet in the house's colours."""
        text = templating.render(self._environment(), "style.css", **templating.tokens(self._templates))
        return Response(text, media_type="text/css", headers=HEADERS)

    def script(self) -> Response:
        """Return the one script."""
        return Response(self._read("studio/live.js"), media_type="text/javascript", headers=HEADERS)

    def icon(self) -> Response:
        """Return the sign in the browser's tab."""
        return Response(self._read("studio/icon.svg"), media_type="image/svg+xml", headers=HEADERS)

    def font(self, name: str) -> Response:
        """Return a font of the house."""
        if not FONTS.fullmatch(name) or not (self._templates / "fonts" / name).is_file():
            raise HTTPException(404)
        return Response(self._read(f"fonts/{name}"), media_type="font/ttf", headers=HEADERS)

    def fault(self, problem: Exception) -> Response:
        """Tell of a fault in a sentence; never refuses, not even when the templates are the fault."""
        trouble = looks.told(problem)
        try:
            return self.page("fault.html", status=500, trouble=trouble)
        except errors.Problem:
            text = _FALLBACK.format(message=escape(trouble.message), hint=escape(trouble.hint))
            return HTMLResponse(text, 500, {**HEADERS, "Content-Security-Policy": POLICY})

    def guarded(self, endpoint: Endpoint) -> Callable[[Request], Any]:
        """Run an endpoint on a thread of its own, with a sentence in place of any fault."""

        async def answer(request: Request) -> Response:
            return await run_in_threadpool(self.answer, endpoint, request)

        return answer

    def answer(self, endpoint: Endpoint, request: Request) -> Response:
        """Answer a request, with a sentence in place of any fault."""
        try:
            return endpoint(request)
        except HTTPException:
            raise
        except Exception as problem:  # noqa: BLE001  the last net: a traceback never reaches a user
            return self.fault(problem)

    def _environment(self) -> jinja2.Environment:
        environment = templating.environment(self._templates, "studio")
        environment.filters |= {
            "ended": wording.ended,
            "marked": marked,
            "moment": wording.moment,
            "sentence": wording.sentence,
        }
        return environment

    def _read(self, name: str) -> bytes:
        path = self._templates / name
        try:
            return path.read_bytes()
        except OSError as error:
            msg = f"the preview's pages are missing: {path} cannot be read"
            raise errors.MissingPart(msg, hint="restore the templates/ folder of this project") from error


def marked(text: str) -> Markup:
    """Return a sentence as HTML, with `commands` set apart."""
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped before it is marked
