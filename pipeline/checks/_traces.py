"""From an element of a compiled mail back to the tag of the template that it comes from."""

import re
from collections.abc import Callable

import lxml.etree
import lxml.html

from pipeline import errors, model
from pipeline.checks import _pages
from pipeline.checks._check import Place
from pipeline.formats import email

_MARK = re.compile(rf"\b{email.MARK}(\d+)\b")


def tracer(edition: model.Edition, material: model.Material) -> Callable[[lxml.html.HtmlElement], Place | None]:
    """Return what finds file and line of the template's tag; None for an element of a mail that is made otherwise.

    The mail is compiled once more, with marks, and that only when somebody asks.
    """
    found: list[dict[int, Place]] = []

    def of(element: lxml.html.HtmlElement) -> Place | None:
        root = element.getroottree().getroot()
        if not found:
            found.append(_places(root, edition, material))
        number = next((at for at, other in enumerate(root.iter()) if other is element), -1)
        return found[0].get(number)

    return of


def _places(root: lxml.html.HtmlElement, edition: model.Edition, material: model.Material) -> dict[int, Place]:
    """Return the place of each element by its number; nothing when the templates make another mail than this one."""
    try:
        html, origins = email.marked(edition, material)
    except errors.Problem:
        return {}  # another finding tells why
    again = _pages.parse("", html.encode(), {})
    if again is None or [e.tag for e in again.root.iter()] != [e.tag for e in root.iter()]:
        return {}
    places: dict[int, Place] = {}
    for number, element in enumerate(again.root.iter()):
        offset = _offset(element)
        place = origins.at(offset) if offset is not None else None
        if place:
            places[number] = place[:2]
    return places


def _offset(element: lxml.etree._Element) -> int | None:
    """Return the mark of the element itself, or of the nearest one around it."""
    for near in (element, *element.iterancestors()):
        match = _MARK.search(f"{near.get(email.MARKED, '')} {near.get('class', '')}")
        if match:
            return int(match[1])
    return None
