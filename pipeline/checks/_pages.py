"""A parsed HTML output, and the search for the place where a person can mend what is wrong in it."""

import dataclasses
import re
from collections.abc import Callable, Mapping

import lxml.etree
import lxml.html

from pipeline.checks._check import Place

SHORTEST = 3  # a needle of fewer letters is found everywhere
_INVISIBLE = re.compile("[\u034f\u200b\u200c\u200d\ufeff\u00ad]")


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """One HTML file: `name` as findings print it, and the files its words come from, by name, most likely first.

    `trace` finds the template's tag that an element comes from.
    """

    name: str
    html: str
    root: lxml.html.HtmlElement
    origins: Mapping[str, str]
    trace: Callable[[lxml.html.HtmlElement], Place | None] = lambda _: None

    def place(self, element: lxml.html.HtmlElement, *needles: str) -> Place:
        """Return the first place in the origins that holds a needle, else the template's tag.

        When both are unknown, the element's own line in the output: it was not made from these files.
        """
        return find(self.origins, *needles) or self.trace(element) or (self.name, int(element.sourceline or 0))


def find(origins: Mapping[str, str], *needles: str) -> Place | None:
    """Return the first file and line that holds one of the needles, which are tried in order; None when none does."""
    for needle in needles:
        if len(needle) >= SHORTEST:
            for name, text in origins.items():
                offset = text.find(needle)
                if offset >= 0:
                    return name, text.count("\n", 0, offset) + 1
    return None


def parse(
    name: str,
    data: bytes,
    origins: Mapping[str, str],
    trace: Callable[[lxml.html.HtmlElement], Place | None] = lambda _: None,
) -> Page | None:
    """Parse HTML as browsers do; None when there is nothing in it."""
    html = data.decode("utf-8", "replace")
    try:
        root = lxml.html.document_fromstring(data, parser=lxml.html.HTMLParser(encoding="utf-8"))
    except lxml.etree.ParserError:
        return None
    return Page(name, html, root, origins, trace)


def words(element: lxml.html.HtmlElement) -> str:
    """Return what is read aloud for an element: its label, or its text with the alt texts of its pictures."""
    label = element.get("aria-label") or ""
    if label.strip():
        return squeeze(label)
    alts = [image.get("alt") or "" for image in element.iter("img")]
    return squeeze(" ".join([str(element.text_content()), *alts]))


def squeeze(text: str) -> str:
    """Return the text with single spaces and without the invisible letters that fill a preheader."""
    return " ".join(_INVISIBLE.sub("", text).split())


def letters(text: str) -> str:
    """Return the text without any space, for finding words wherever their lines are broken."""
    return "".join(squeeze(text).split())


def visible(root: lxml.html.HtmlElement) -> str:
    """Return every letter of the page's body, without spaces; style and script are not words."""
    return letters("".join(root.xpath("//body//text()[not(parent::style) and not(parent::script)]")))
