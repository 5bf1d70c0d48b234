"""Letters can be told from what they stand on, on a light screen and on a dark one."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence

import lxml.html

from pipeline import model
from pipeline.checks import _pages, _styles
from pipeline.checks._check import BLOCK, Check, Place

LOW = Check(
    "contrast-low",
    BLOCK,
    "Who sees poorly, or reads in the sun, can read every word in light and in dark mode.",
    "choose a darker or a lighter colour in templates/tokens.toml; large type needs 3:1, all other 4.5:1",
)
CHECKS = (LOW,)

TOKENS = "templates/tokens.toml"
SMALL, LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3
_LARGE_SIZE, _LARGE_BOLD = 24.0, 18.66  # pixels from which type is large
_SHOWN = 40
Shown = tuple[lxml.html.HtmlElement, _styles.Style]


def page(page: _pages.Page, shown: Mapping[str, Sequence[Shown]], tokens: str) -> Iterator[model.Finding]:
    """Yield each pair of colours with too little contrast; `shown` is each element's style by the screen's scheme.

    `tokens` is the text of tokens.toml, where most colours stand.
    """
    for scheme, elements in shown.items():
        for (ink, ground, needed), said in _pairs(elements).items():
            ratio = contrast(ink, ground)
            if ratio < needed:
                more = f" and {len(said) - 1} more" if len(said) > 1 else ""
                message = (
                    f"in {scheme} mode, {said[0][:_SHOWN]!r}{more}: {ink} on {ground} has a contrast of "
                    f"{ratio:.1f}:1; {needed:g}:1 is the least"
                )
                yield LOW.at(_place(page, tokens, scheme, ink, ground), message)


@functools.lru_cache(maxsize=256)
def contrast(ink: str, ground: str) -> float:
    """Return the contrast of two colours by WCAG 2.2: 1 (none) to 21."""
    one, other = sorted((_luminance(ink, _styles.BLACK), _luminance(ground, _styles.WHITE)))
    return (other + 0.05) / (one + 0.05)


def _luminance(written: str, otherwise: _styles.Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  the curve of sRGB
        for part in _styles.colour(written) or otherwise
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _pairs(elements: Sequence[Shown]) -> Mapping[tuple[str, str, float], list[str]]:
    found: dict[tuple[str, str, float], list[str]] = {}
    for element, style in elements:
        if style.hidden or not style.size or element.tag in {"style", "script"}:
            continue
        own = [element.text or "", *(child.tail or "" for child in element)]
        if element.tag == "img":
            own = [element.get("alt") or ""]
        words = _pages.squeeze(" ".join(own))
        if words:
            large = style.size >= _LARGE_SIZE or (style.bold and style.size >= _LARGE_BOLD)
            found.setdefault((style.ink, style.ground, LARGE if large else SMALL), []).append(words)
    return found


def _place(page: _pages.Page, tokens: str, scheme: str, *colours: str) -> Place:
    """Return the line of a template that says one of the colours, then that of its palette; else the output."""
    templates = {name: text for name, text in page.origins.items() if name.startswith("templates/")}
    found = _pages.find(templates, *colours)
    if found:
        return found
    palette = re.search(rf"^\[{scheme}\].*?(?=^\[|\Z)", tokens, re.DOTALL | re.MULTILINE)
    for colour in colours:
        at = tokens.lower().find(f'"{colour}"', palette.start(), palette.end()) if palette else -1
        if at >= 0:
            return TOKENS, tokens.count("\n", 0, at) + 1
    return page.name, 0
