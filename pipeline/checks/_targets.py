"""Links are large enough for a hand that shakes."""

from collections.abc import Iterator, Sequence

import lxml.html

from pipeline import model
from pipeline.checks import _pages, _styles
from pipeline.checks._check import WARNING, Check

SMALL = Check(
    "target-small",
    WARNING,
    "Who has unsteady hands hits the link they mean: buttons, headings and single links are 44 pixels high.",
    "give the link the class line-link, heading-link or name, or more padding, in templates/email/",
)
CHECKS = (SMALL,)

LEAST = 44.0  # pixels
_NORMAL = 1.2  # times the size of type, where no line height is said
_BLOCKS = frozenset({"p", "td", "th", "li", "div", "h1", "h2", "h3", "h4", "h5", "h6", "body", "blockquote"})
_BOXES = frozenset({"block", "inline-block", "table-cell"})


def page(page: _pages.Page, shown: Sequence[tuple[lxml.html.HtmlElement, _styles.Style]]) -> Iterator[model.Finding]:
    """Yield each link that stands by itself and is lower than 44 px; one inside a sentence is as high as its line."""
    for element, style in shown:
        words = _pages.words(element) if element.tag == "a" and element.get("href") and not style.hidden else ""
        if not words or _in_a_sentence(element):
            continue
        top, bottom = _styles.sides(style.own, "padding") if style.own.get("display") in _BOXES else (0.0, 0.0)
        high = (style.line or style.size * _NORMAL) + top + bottom
        if high < LEAST:
            place = page.trace(element) or page.place(element, f'href="{element.get("href")}"', words)
            yield SMALL.at(place, f"the link {words!r} is {high:.0f} pixels high; {LEAST:.0f} is the least")


def _in_a_sentence(link: lxml.html.HtmlElement) -> bool:
    """Tell whether words stand beside the link in its own block, outside of any link."""
    block = next((above for above in link.iterancestors() if above.tag in _BLOCKS), None)
    if block is None or str(block.tag).startswith("h"):
        return False
    beside = block.xpath(".//text()[not(ancestor::a)][not(ancestor::style)]")
    return any(letter.isalnum() for text in beside for letter in text)
