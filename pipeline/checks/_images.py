"""Pictures are described, and nothing in an output asks another computer for anything."""

import re
from collections.abc import Iterator

import lxml.html

from pipeline import markup, model
from pipeline.checks import _links, _pages, _texts
from pipeline.checks._check import BLOCK, Check

ALT = Check(
    "alt-missing",
    BLOCK,
    "Who cannot see a picture, or has pictures switched off, is told what it shows.",
    'write alt="what it shows"; only a decoration has alt=""',
)
REMOTE = Check(
    "remote-resource",
    BLOCK,
    "Nobody else learns who opened a mail or a page: being on this list reveals a diagnosis.",
    "put the drawing into content/images/ and name it with image:, or take it out",
)
CHECKS = (ALT, REMOTE)

_CSS_ADDRESS = re.compile(r"""(?:url\(\s*|@import\s+(?:url\(\s*)?)["']?([^"')\s;]+)""")
_LOADING = ("src", "background", "poster", "data", "srcset")
_LOADERS = " | ".join(  # the elements of a page that may load something
    [f"//*[@{name}]" for name in _LOADING]
    + ["//link", "//style", "//*[contains(@style, 'url(') or contains(@style, '@import')]"]
)


def source(text: _texts.Text) -> Iterator[model.Finding]:
    """Yield a finding for each picture in a body that is not one of our own drawings."""
    for inline in _texts.inlines(text.body):
        src = str(inline.token.attrs.get("src", ""))
        if inline.token.type == "image" and markup.split_target(src)[0] != "image":
            yield REMOTE.at((text.name, inline.line), f"the picture {src!r} is not one of content/images/")


def page(page: _pages.Page, base_url: str) -> Iterator[model.Finding]:
    """Yield a finding for each picture without alt text, and for whatever is loaded from another host than ours."""
    for image in page.root.iter("img"):
        src = image.get("src") or ""
        drawing = re.sub(r"(-\d+)?\.\w+$", ".", src.rpartition("/")[2])  # line-1200.png is drawn from line.svg
        if image.get("alt") is None:
            place = page.trace(image) or page.place(image, drawing)
            yield ALT.at(place, f"the picture {src!r} has no alt text")
        if {image.get("width"), image.get("height")} & {"0", "1"}:
            message = f"the picture {src!r} is as small as a counting pixel"
            yield REMOTE.at(page.place(image, drawing), message, "take it out: nothing in a mail counts who opens it")
    for address, element in _loaded(page):
        if not _links.is_own(address, base_url) and not address.startswith("cid:"):
            message = f"{address[:80]!r} is loaded when the mail is opened, and not from {base_url}"
            yield REMOTE.at(page.place(element, address), message)


def _loaded(page: _pages.Page) -> Iterator[tuple[str, lxml.html.HtmlElement]]:
    """Yield every address that is loaded without a click, with the element that loads it."""
    for element in page.root.xpath(_LOADERS):
        names = (*_LOADING, "href") if element.tag == "link" else _LOADING
        for value in (element.get(name) for name in names):
            if value:
                yield value.strip(), element
        css = (element.text or "") if element.tag == "style" else (element.get("style") or "")
        for match in _CSS_ADDRESS.finditer(css):
            yield match[1], element
