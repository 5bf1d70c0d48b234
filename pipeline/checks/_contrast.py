"""Letters can be told from what they stand on, on a light screen and on a dark one."""

import collections
import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline import model
from pipeline.checks import _pages, _palette, _styles
from pipeline.checks._check import BLOCK, Check, Place

LOW = Check(
    "contrast-low",
    BLOCK,
    "Who sees poorly, or reads in the sun, can read every word in light and in dark mode.",
    "choose a darker or a lighter colour in templates/tokens.toml; large type needs 3:1, all other 4.5:1",
)
CHECKS = (LOW,)

SMALL, LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3
_LARGE_SIZE, _LARGE_BOLD = 24.0, 18.66  # pixels from which type is large
_SHOWN = 40
Pair = tuple[str, str, float]  # ink, ground, and the contrast that is needed
Pairs = Mapping[Pair, Sequence[tuple[int, str]]]  # where each is shown: which element, and its words


def page(
    page: _pages.Page, shown: Mapping[str, Sequence[_styles.Shown]], palette: Callable[[], _palette.Palette]
) -> Iterator[model.Finding]:
    """Yield each pair of colours with too little contrast; `shown` is each element's style by the screen's scheme.

    `palette` is asked only when there is such a pair: for the line on which the colour stands.
    """
    said = _said(next(iter(shown.values())))
    pairs = {scheme: _pairs(elements, said) for scheme, elements in shown.items()}
    if not any(_is_low(pair) for found in pairs.values() for pair in found):
        return
    known = palette()
    for scheme, found in pairs.items():
        judge = _Judge(page, known, scheme, found)
        for pair, where in found.items():
            if _is_low(pair):
                ink, ground, needed = pair
                more = f" and {len(where) - 1} more" if len(where) > 1 else ""
                message = (
                    f"in {scheme} mode, {where[0][1][:_SHOWN]!r}{more}: {ink} on {ground} has a contrast of "
                    f"{contrast(ink, ground):.1f}:1; {needed:g}:1 is the least"
                )
                yield LOW.at(judge.place(pair), message)


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


def _is_low(pair: Pair) -> bool:
    ink, ground, needed = pair
    return contrast(ink, ground) < needed


def _said(elements: Sequence[_styles.Shown]) -> list[tuple[int, str]]:
    """Return the elements that show words of their own, by their place among `elements`, with these words."""
    found = []
    for number, (element, _) in enumerate(elements):
        if element.tag in {"style", "script"}:
            continue
        own = [element.text or "", *(child.tail or "" for child in element)]
        if element.tag == "img":
            own = [element.get("alt") or ""]
        words = _pages.squeeze(" ".join(own))
        found += [(number, words)] if words else []
    return found


def _pairs(elements: Sequence[_styles.Shown], said: Sequence[tuple[int, str]]) -> Pairs:
    found: dict[Pair, list[tuple[int, str]]] = {}
    for number, words in said:
        style = elements[number][1]
        if not style.hidden and style.size:
            large = style.size >= _LARGE_SIZE or (style.bold and style.size >= _LARGE_BOLD)
            found.setdefault((style.ink, style.ground, LARGE if large else SMALL), []).append((number, words))
    return found


class _Judge:
    """Says for a pair of colours which of the two to change, and where it stands."""

    def __init__(self, page: _pages.Page, palette: _palette.Palette, scheme: str, pairs: Pairs) -> None:
        self._palette, self._scheme, self._pairs = palette, scheme, pairs
        self._templates = {name: text for name, text in page.origins.items() if name.startswith("templates/")}
        self._output = page.name
        self._styles = [style for _, style in palette.shown.get(scheme, ())]
        sound = [
            self._styles[at] for pair, said in pairs.items() if not _is_low(pair) for at, _ in said if self._styles
        ]
        self._sound = collections.Counter(colour for style in sound for colour in (style.ink, style.ground))

    def place(self, pair: Pair) -> Place:
        """Return the line of the colour that goes least well with others; the output when no line is known."""
        ink, ground, _ = pair
        style = self._styles[self._pairs[pair][0][0]] if self._styles else None
        colours = (style.ink, style.ground) if style else ()
        if tuple(map(self._palette.value, colours)) != (ink, ground):  # the mail was made from other templates
            return self._by_value(ink, ground)
        least = sorted(colours, key=lambda colour: self._sound[colour])
        places = (self._palette.place(colour) or _pages.find(self._templates, colour) for colour in least)
        return next((place for place in places if place), (self._output, 0))

    def _by_value(self, *colours: str) -> Place:
        """Return the first line of a template that says one of the colours, then that of its palette."""
        found = _pages.find(self._templates, *colours)
        if found:
            return found
        tokens = self._palette.text
        table = re.search(rf"^\[{self._scheme}\].*?(?=^\[|\Z)", tokens, re.DOTALL | re.MULTILINE)
        for colour in colours:
            at = tokens.lower().find(f'"{colour}"', table.start(), table.end()) if table else -1
            if at >= 0:
                return _palette.TOKENS, tokens.count("\n", 0, at) + 1
        return self._output, 0
