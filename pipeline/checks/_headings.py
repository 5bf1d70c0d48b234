"""Headings are how people with a screen reader, or with little strength, find their way."""

import itertools
from collections.abc import Iterator

import lxml.html

from pipeline import markup, model
from pipeline.checks import _pages, _texts
from pipeline.checks._check import BLOCK, Check, Place

ORDER = Check(
    "heading-order",
    BLOCK,
    "The outline has no gaps: who jumps from heading to heading misses nothing.",
    "use ## for a section and ### below it; the title is the only heading above them",
)
EMPTY = Check("heading-empty", BLOCK, "No heading is announced without words.", "write the heading, or take it out")
NOTE = Check(
    "heading-note",
    BLOCK,
    "A heading is read out as it stands, in the outline and in the contents too.",
    "cite the source, or explain the word, in the text below the heading",
)
CHECKS = (ORDER, EMPTY, NOTE)

DEEPEST = 3  # the title is level 1, the body has ## and ###


def source(text: _texts.Text) -> Iterator[model.Finding]:
    """Yield the faults of the headings in a Markdown body."""
    above = 1
    for heading in text.body.headings:
        place = (text.name, heading.line)
        if not heading.text:
            yield EMPTY.at(place, f"a heading of level {heading.level} has no words")
        if heading.level == 1 or heading.level > DEEPEST:
            message = f"{heading.text!r} is a heading of level {heading.level}; only ## and ### are used"
            yield ORDER.at(place, message)
        elif heading.level > above + 1:
            yield ORDER.at(place, f"{heading.text!r} jumps from level {above} to level {heading.level}")
        above = heading.level
    yield from _notes(text)


def _notes(text: _texts.Text) -> Iterator[model.Finding]:
    """Yield a finding for each citation and each explained word inside a heading."""
    for before, inline in itertools.pairwise(text.body.tokens):
        if before.type != "heading_open":
            continue
        line = text.body.first_line + (before.map[0] if before.map else 0)
        for token in inline.children or ():
            if token.type == "citation":
                yield NOTE.at((text.name, line), f"the heading cites {token.content}")
            elif markup.split_target(str(token.attrs.get("href", "")))[0] == "term":
                yield NOTE.at((text.name, line), f"the heading explains a word ({token.attrs['href']})")


def page(page: _pages.Page) -> Iterator[model.Finding]:
    """Yield the faults of the headings in HTML: one h1, which comes first, no gaps, none empty."""
    above, titles = 0, 0
    for element in page.root.iter("h1", "h2", "h3", "h4", "h5", "h6"):
        words, level = _pages.words(element), int(str(element.tag)[1])
        titles += level == 1
        if not words:
            message = f"an h{level} has no words"
            yield EMPTY.at(page.place(element), message, "write the heading, or take it out of the template")
        if level > above + 1:
            message = f"h{level} {words!r} {f'follows h{above}' if above else 'is the first heading'}"
            yield ORDER.at(_place(page, element, words), message, "mend the level, in the text or in the template")
        elif level == 1 and titles > 1:
            yield ORDER.at(_place(page, element, words), f"{words!r} is a second h1", "keep h1 for the title alone")
        above = level
    if not above:
        yield ORDER.at(page.place(page.root, "<mjml", "<html"), "there is no heading at all", "give the page its h1")


def _place(page: _pages.Page, heading: lxml.html.HtmlElement, words: str) -> Place:
    """Return the place of the tag, which decides the level, before that of the words."""
    return page.trace(heading) or page.place(heading, words)
