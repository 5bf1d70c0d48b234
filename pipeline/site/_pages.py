"""Pages made at the moment of asking. Each holds its own style: they work while out/ is empty."""

import functools
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pipeline import model, templating
from pipeline.formats import _web
from pipeline.site import _files

DEEPEST = 8  # levels of an address for which the way back is written out


class Pages:
    """The templates of templates/web that are filled in for one request."""

    def __init__(self, templates: Path, identity: model.Identity) -> None:
        """Read the templates; refuses with RenderProblem when they are missing or broken."""
        self._env = _web.environment(templates, identity)
        self._style = functools.cache(functools.partial(_web.style, self._env, templates))
        self._style("")

    def page(self, request: Request, name: str, title: str, status: int = 200, **values: Any) -> Response:
        """Fill a template for this request; the answer is kept nowhere and found by no search engine."""
        root = _root(request)
        frame = {"title": title, "description": "", "address": None, "root": root, "card": None}
        frame |= {"inline_style": self._style(root)}
        html = templating.render(self._env, name, **frame, **values).encode()
        headers = {
            "Content-Type": _files.TYPES[".html"],
            "Content-Security-Policy": _files.policy(html),
            "Cache-Control": "no-store",
            "X-Robots-Tag": "noindex",
        }
        return Response(html, status, headers)

    def part(self, name: str, **values: Any) -> bytes:
        """Fill a template that is a part of a page."""
        return templating.render(self._env, name, **values).encode()


def _root(request: Request) -> str:
    """Return the way from the page that was asked for to the site's root, under any prefix that a proxy took off."""
    depth = bytes(request.scope["raw_path"]).count(b"/") - 1
    return "../" * depth if depth <= DEEPEST else "/"
