"""The pages: the list of editions and the book, one edition with its panes, and what these load."""

import urllib.parse
from pathlib import PurePosixPath
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from pipeline.studio import drawn, looks, panes, room, wording

NOTHING_SAID: dict[str, Any] = {"refusal": "", "hint": "", "by": "", "reasons": {}}
VIEWS = ("all", *(pane.name for pane in panes.PANES))
STATIC = {"/studio.css", "/live.js", "/icon.svg"}


def is_open(path: str) -> bool:
    """True for what may be had without a session: nothing of the content."""
    return path in STATIC or path.startswith("/fonts/")


class Pages:
    """Every page that only shows something."""

    def __init__(self, shown: room.Room, how: drawn.Drawn) -> None:
        """Show what is in the room."""
        self._room, self._drawn = shown, how

    def routes(self) -> list[Route]:
        """Return the pages' addresses."""
        guarded = self._drawn.guarded
        return [
            Route("/", guarded(self._home)),
            Route("/editions/{slug}", guarded(self._edition)),
            Route("/editions/{slug}/panes/{source}", guarded(self._pane)),
            Route("/editions/{slug}/images/{name}", guarded(self._picture)),
            Route("/studio.css", guarded(lambda _: self._drawn.style())),
            Route("/live.js", guarded(lambda _: self._drawn.script())),
            Route("/icon.svg", guarded(lambda _: self._drawn.icon())),
            Route("/fonts/{name}", guarded(lambda request: self._drawn.font(request.path_params["name"]))),
        ]

    def edition(self, request: Request, *, status: int = 200, said: dict[str, Any] | None = None) -> Response:
        """Draw the page of an edition; `said` is what a refused form had said, and why it was refused."""
        look = self._look(request)
        standing = self._room.standing(look.slug)
        given = wording.in_force(look, standing)
        view = request.query_params.get("view", "all")
        return self._page(
            "edition.html",
            request,
            status=status,
            path=f"/editions/{_quoted(look.slug)}",
            look=look,
            view=view if view in VIEWS else "all",
            standing=standing,
            verdict=wording.verdict(look, given),
            approval=wording.approval(look, standing),
            plans=list(wording.plans(standing)),
            checklist_of=wording.checklist(look.findings, [*look.waivers, *given], wording.OF_A_MAIL, look),
            inbox=wording.inbox(look.outputs.get("message.json", b"")),
            size=wording.size(look.outputs.get(panes.HTML, b"")),
            stands=wording.stands(look.findings),
            said=said or NOTHING_SAID,
            panes=panes,
            fingerprint=wording.fingerprint(look.digest),
        )

    def _home(self, request: Request) -> Response:
        cards = []
        for slug in self._room.slugs():
            if look := self._room.look(slug):
                standing = self._room.standing(slug)
                given = wording.in_force(look, standing)
                lights = [wording.verdict(look, given), wording.approval(look, standing), *wording.plans(standing)]
                cards.append({"look": look, "path": f"/editions/{_quoted(slug)}", "lights": lights})
        return self._page("home.html", request, path="/", cards=cards, book=self._room.book(), counted=wording.counted)

    def _edition(self, request: Request) -> Response:
        return self.edition(request)

    def _page(self, name: str, request: Request, *, status: int = 200, **values: Any) -> Response:
        session = request.scope["studio.session"]
        return self._drawn.page(
            name,
            status=status,
            session=session,
            generation=self._room.generation,
            publication=self._room.settings.publication,
            trouble=self._room.trouble,
            **values,
        )

    def _look(self, request: Request) -> looks.Look:
        look = self._room.look(request.path_params["slug"])
        if look is None:
            raise HTTPException(404)
        return look

    def _pane(self, request: Request) -> Response:
        """Serve one document of a pane: what is in out/, as `panes` says."""
        look, source = self._look(request), request.path_params["source"]
        name = panes.TEXT if source == "text" else panes.HTML
        if source not in panes.SOURCES or name not in look.outputs:
            raise HTTPException(404)
        mail = look.outputs[name].decode("utf-8", "replace")
        if source == "text":
            page = panes.text_page(mail, self._room.settings.publication.language)
        else:
            page = panes.document(source, mail, _pictures(look), f"/editions/{_quoted(look.slug)}/images/")
        headers = {**drawn.HEADERS, "Content-Security-Policy": panes.policy(source)}
        return HTMLResponse(page, headers=headers)

    def _picture(self, request: Request) -> Response:
        look = self._look(request)
        name = f"images/{request.path_params['name']}"
        if request.path_params["name"] not in _pictures(look):
            raise HTTPException(404)
        return Response(look.outputs[name], media_type="image/png", headers=drawn.HEADERS)


def back_to_edition(request: Request) -> Response:
    """Lead to the page of the edition whose form has been sent."""
    return RedirectResponse(f"/editions/{_quoted(request.path_params['slug'])}#approval", status_code=303)


def _pictures(look: looks.Look) -> frozenset[str]:
    """Name the pictures that are published with the mail."""
    paths = (PurePosixPath(name) for name in look.outputs)
    return frozenset(path.name for path in paths if path.parent.as_posix() == "images" and path.suffix == ".png")


def _quoted(slug: str) -> str:
    return urllib.parse.quote(slug, safe="")
