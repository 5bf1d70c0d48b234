"""The inbox in a browser: the list, one mail, its HTML in a frame that can do nothing. No script anywhere."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pipeline import errors
from pipeline.sandbox import store

PAGE = 50
VIEWS = {"html": "HTML", "text": "Text", "headers": "Headers", "request": "Request"}
LONGEST_SEARCH = 200

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
HEAD = re.compile(r"<head[^>]*>", re.IGNORECASE)


class Pages:
    """The pages, made from templates/sandbox/."""

    def __init__(self, templates: Path, taken: store.Store) -> None:
        """Load the templates; refuses with MissingPart when they are not there."""
        folder = templates / "sandbox"
        self._taken = taken
        self._jinja = jinja2.Environment(
            loader=jinja2.FileSystemLoader(folder),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        try:
            self._css = (folder / "sandbox.css").read_text(encoding="utf-8")
        except OSError as error:
            msg = f"the sandbox's pages are missing: {folder} cannot be read"
            raise errors.MissingPart(msg, hint="restore the templates/ folder of this project") from error

    def routes(self) -> list[Route]:
        """Return the pages' endpoints."""
        return [
            Route("/", self._inbox),
            Route("/count", self._count),
            Route("/sandbox.css", self._style),
            Route("/message/{number:int}", self._message),
            Route("/message/{number:int}/body", self._body),
        ]

    async def _inbox(self, request: Request) -> Response:
        search = request.query_params.get("q", "").strip()[:LONGEST_SEARCH]
        is_live = request.query_params.get("live") != "off"
        total = self._taken.count(search)
        last = max(1, -(-total // PAGE))
        page = min(max(1, _number(request.query_params.get("page", ""))), last)

        def link(number: int, *, live: bool = is_live) -> str:
            values = {"q": search, "page": number if number > 1 else "", "live": "" if live else "off"}
            return "/?" + urlencode({name: value for name, value in values.items() if value})

        return self._page(
            "inbox.html.j2",
            lines=self._taken.page(search, (page - 1) * PAGE, PAGE),
            search=search,
            total=total,
            page=page,
            last=last,
            link=link,
            is_live=is_live,
            count=self._taken.count(),
            base=str(request.base_url).rstrip("/"),
        )

    async def _count(self, _: Request) -> Response:
        return self._page("count.html.j2", ancestors="'self'", count=self._taken.count())

    async def _style(self, _: Request) -> Response:
        return Response(self._css, media_type="text/css", headers=HEADERS)

    async def _message(self, request: Request) -> Response:
        mail = self._taken.message(request.path_params["number"])
        if mail is None:
            return self.missing()
        view = request.query_params.get("view", "")
        if view not in VIEWS:
            view = "html" if mail.html else "text"
        return self._page("message.html.j2", mail=mail, view=view, views=VIEWS, request_text=_request(mail))

    async def _body(self, request: Request) -> Response:
        mail = self._taken.message(request.path_params["number"])
        if mail is None:
            return self.missing()
        return HTMLResponse(_opening_outside(mail.html), headers={**HEADERS, "Content-Security-Policy": MAIL_POLICY})

    def missing(self) -> Response:
        """Return the page for an address that does not exist."""
        return self._page("missing.html.j2", status=404)

    def _page(self, template: str, *, status: int = 200, ancestors: str = "'none'", **values: Any) -> Response:
        text = self._jinja.get_template(template).render(values)
        policy = {"Content-Security-Policy": POLICY.format(ancestors=ancestors)}
        return HTMLResponse(text, status, {**HEADERS, **policy})


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 1  # noqa: PLR2004  no page has ten digits


def _opening_outside(html: str) -> str:
    """Let links open in a new tab: inside the frame they would lead nowhere."""
    found = HEAD.search(html)
    position = found.end() if found else 0
    return f'{html[:position]}<base target="_blank">{html[position:]}'


def _request(mail: store.Taken) -> str:
    """Return the call that brought this mail, as text: long values cut, other readers left out."""
    request = mail.request
    head = [f"{request.method} {request.path} HTTP/1.1"]
    head += [f"{name}: {value}" for name, value in request.headers.items()]
    shape = request.shape
    body = mail.part if shape is None else {"personalizations": [mail.part], **shape}
    return "\n".join([*head, "", json.dumps(body, ensure_ascii=False, indent=2)])
