"""The book and the site as they are built: small promises about whole folders of files."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

from pipeline import model
from pipeline.checks import _links, _pages
from pipeline.checks._check import BLOCK, Check
from pipeline.formats import _web

PDF = Check(
    "book-pdf-missing",
    BLOCK,
    "The book that every mail offers can be downloaded.",
    "build it again: `mscare build --book`",
)
NOWHERE = Check(
    "site-link-nowhere",
    BLOCK,
    "Every link from one page of the site to another arrives.",
    "mend the link in the text or in templates/web/",
)
CHECKS = (PDF, NOWHERE)

Targets = Mapping[str, frozenset[str]]  # page or file -> the anchors in it


def book(outputs: Mapping[str, bytes]) -> Iterator[model.Finding]:
    """Yield a finding when there is no PDF, or one that is none."""
    names = [name for name in outputs if name.endswith(".pdf")]
    if not names:
        yield PDF.at(("out/book", 0), "the book has no PDF")
    for name in names:
        if not outputs[name].startswith(b"%PDF-"):
            yield PDF.at((f"out/book/{name}", 0), "this is not a PDF file")


def site(
    outputs: Mapping[str, bytes], base_url: str, served: tuple[str, ...], origins: Mapping[str, str]
) -> Iterator[model.Finding]:
    """Yield a finding for each link between pages that leads to no page, file or anchor of the site.

    Today's site is judged, and that of each day which is prepared. `origins` are the templates of its pages, by name.
    """
    html = ((name, data) for name, data in outputs.items() if name.endswith(".html"))
    pages = {name: page for name, data in html if (page := _pages.parse(f"out/site/{name}", data, origins))}
    anchors = {name: frozenset[str]() for name in outputs}
    anchors |= {name: frozenset(page.root.xpath("//@id | //a/@name")) for name, page in pages.items()}
    for view in _views(outputs):
        targets = {address: anchors[name] for address, name in view.items()}
        for address, name in view.items():
            if name in pages:
                yield from _nowhere(pages[name], address, base_url, served, targets)


def _views(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Yield the site as it is now and on each day that is prepared: by address, the name of the file that is there."""
    held = [(name, match[1], match[2]) for name in names if (match := _web.HELD.fullmatch(name))]
    view = {name: name for name in names if not _web.HELD.fullmatch(name)}
    yield view
    for day in sorted({day for _, day, _ in held}):
        view = view | {address: name for name, when, address in held if when == day}
        yield view


def _nowhere(
    page: _pages.Page, address: str, base_url: str, served: tuple[str, ...], targets: Targets
) -> Iterator[model.Finding]:
    for element in page.root.iter("a"):
        href, words = (element.get("href") or "").strip(), _pages.words(element)
        path = _path(href, address, base_url)
        if path is None or path.startswith(served) or _arrives(path, urlsplit(href).fragment, targets):
            continue
        message = f"the link {words!r} leads to {href!r}, which is not on the site"
        written = f'href="{{{{ root }}}}{href.lstrip("./")}"'
        place = page.place(element, f"{written}>{words}</a>", written, f'href="{href}"')
        yield NOWHERE.at(place, message)


def _path(href: str, page: str, base_url: str) -> str | None:
    """Return the path below the site's root to which a link on `page` leads; None for another site."""
    if _links.is_own(href, base_url):
        href = "/" + href.removeprefix(base_url).lstrip("/")
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return page
    path = posixpath.normpath(posixpath.join("/", posixpath.dirname(page), unquote(parts.path))).lstrip("/")
    return f"{path}/".lstrip("/") if parts.path.endswith("/") else path


def _arrives(path: str, fragment: str, targets: Targets) -> bool:
    name = next((name for name in (path, posixpath.join(path, "index.html")) if name in targets), None)
    return name is not None and (not fragment or not name.endswith(".html") or fragment in targets[name])
