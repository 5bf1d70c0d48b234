"""The book and the site as they are built: small promises about whole folders of files."""

import posixpath
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from pipeline import model
from pipeline.checks import _links, _pages
from pipeline.checks._check import BLOCK, Check

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


def site(outputs: Mapping[str, bytes], base_url: str, served: tuple[str, ...]) -> Iterator[model.Finding]:
    """Yield a finding for each link between pages that leads to no page, file or anchor of the site."""
    html = ((name, data) for name, data in outputs.items() if name.endswith(".html"))
    pages = {name: page for name, data in html if (page := _pages.parse(f"out/site/{name}", data, {}))}
    targets = {name: frozenset[str]() for name in outputs}
    targets |= {name: frozenset(page.root.xpath("//@id | //a/@name")) for name, page in pages.items()}
    for name, page in pages.items():
        for element in page.root.iter("a"):
            href = (element.get("href") or "").strip()
            path = _path(href, name, base_url)
            if path is None or path.startswith(served) or _arrives(path, urlsplit(href).fragment, targets):
                continue
            message = f"the link {_pages.words(element)!r} leads to {href!r}, which is not on the site"
            yield NOWHERE.at((page.name, int(element.sourceline or 0)), message)


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
