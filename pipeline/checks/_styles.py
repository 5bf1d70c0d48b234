"""The style that each element of a mail ends up with: what it inherits, what its own attributes and the rules say.

Enough of CSS for colours and for the height of a line, in pixels; rules for narrow screens and pointers are left out.
"""

import dataclasses
import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import cssselect2
import lxml.etree
import lxml.html
import tinycss2
import tinycss2.color3

from pipeline.checks import _pages

LIGHT, DARK = "light", "dark"
SCHEMES = (LIGHT, DARK)
Colour = tuple[float, float, float]  # red, green and blue from 0 to 1
WHITE, BLACK = (1.0, 1.0, 1.0), (0.0, 0.0, 0.0)
BOLD = 600  # a weight from which a letter is bold
_SIZES = {"h1": 32.0, "h2": 24.0, "h3": 18.7, "small": 13.3}
_HEAVY = frozenset({"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"})
_BROWSER: Mapping[str, str] = {"display": "inline"}
_BRACKETS = frozenset({"[] block", "() block", "string"})
_MOST_KEPT = 50_000  # elements; a mail has 400
_ASIDE = re.compile(r"[+~]|:(?!root\b)")  # in a selector: it may look at what stands beside an element, or in it

Declarations = tuple[tuple[str, str, bool], ...]  # property, value, and whether it is !important
Rule = tuple[Any, Declarations, bool]  # a selector, what it declares, and whether it looks aside


@dataclasses.dataclass(frozen=True, slots=True)
class Style:
    """How an element's own words are shown; `ink` and `ground` are as written, sizes in pixels."""

    ink: str = "#000000"
    ground: str = "#ffffff"
    size: float = 16.0
    line: float = 0.0  # 0: normal, which is about 1.2 times the size
    bold: bool = False
    hidden: bool = False
    own: Mapping[str, str] = dataclasses.field(default_factory=lambda: _BROWSER)  # what is said at the element itself


Shown = tuple[lxml.html.HtmlElement, Style]


def computed(page: _pages.Page) -> Mapping[str, list[Shown]]:
    """Return each element of the body with its style, in the order of the page, by the scheme of the screen."""
    sheets = _sheets(tuple(style.text or "" for style in page.root.iter("style")))
    wrappers: dict[Any, cssselect2.ElementWrapper] = {}
    found: dict[Any, _Known] = {None: _ABOVE}
    shown: dict[str, list[Shown]] = {scheme: [] for scheme in SCHEMES}
    for element in page.root.iter(lxml.etree.Element):
        above = found[element.getparent()]
        key = (above.number, element.tag, *element.attrib.items())
        known = sheets.kept.get(key)
        if known is None:
            wrappers = wrappers or _wrapped(page.root)
            known = _known(wrappers[element], above, sheets)
            sheets.keep(key, known)
        found[element] = known
        if known.is_shown:
            for scheme, style in zip(SCHEMES, known.styles, strict=True):
                shown[scheme].append((element, style))
    return shown


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """How an element is shown in each scheme. Its number stands for its tag and attributes and all above it."""

    number: int
    styles: tuple[Style, ...]
    is_head: bool
    is_shown: bool


_ABOVE = _Known(0, tuple(Style() for _ in SCHEMES), is_head=False, is_shown=False)  # what the root inherits from
_NUMBERS = itertools.count(1)  # never used again: what is kept below a number is its alone


class _Sheets:
    """The rules of a mail for each scheme, and what came of them so far, for the mail to be made after the next edit.

    What rules look at is an element's tag and attributes and those above it. Where one looks further, at what stands
    beside an element or in it, nothing is kept.
    """

    def __init__(self, sheets: tuple[str, ...]) -> None:
        rules = [[rule for css in sheets for rule in _sheet(css, scheme)] for scheme in SCHEMES]
        self.matchers = [_matcher(of_scheme) for of_scheme in rules]
        self.kept: dict[tuple[Any, ...], _Known] = {}
        self._looks_aside = any(aside for of_scheme in rules for _, _, aside in of_scheme)

    def keep(self, key: tuple[Any, ...], known: _Known) -> None:
        """Keep what is known of an element for its like, where it may be kept; when it is too much, begin anew."""
        if len(self.kept) >= _MOST_KEPT:
            self.kept = {}
        if not self._looks_aside:
            self.kept[key] = known


@functools.lru_cache(maxsize=8)
def _sheets(css: tuple[str, ...]) -> _Sheets:
    return _Sheets(css)


def _wrapped(root: lxml.html.HtmlElement) -> dict[Any, cssselect2.ElementWrapper]:
    wrappers = cssselect2.ElementWrapper.from_html_root(root).iter_subtree()
    return {wrapper.etree_element: wrapper for wrapper in wrappers}


def _known(wrapper: cssselect2.ElementWrapper, above: _Known, sheets: _Sheets) -> _Known:
    element = wrapper.etree_element
    is_head = above.is_head or element.tag == "head"
    declared = [_declared(wrapper, matcher) for matcher in sheets.matchers]
    styles = tuple(_style(element, style, own) for style, own in zip(above.styles, declared, strict=True))
    return _Known(next(_NUMBERS), styles, is_head, not is_head and element.tag != "html")


@functools.lru_cache(maxsize=256)
def colour(written: str) -> Colour | None:
    """Return a colour as numbers; None for what is no colour, or cannot be seen."""
    parsed = tinycss2.color3.parse_color(written)
    if parsed is None or isinstance(parsed, str) or parsed.alpha == 0:
        return None
    return parsed.red, parsed.green, parsed.blue


def pixels(value: str, base: float = 0.0) -> float:
    """Return a length in pixels; a bare number and a percentage count of `base`; 0 for what is none."""
    match = re.fullmatch(r"(\d*\.?\d+)(px|%|em)?", value.strip())
    if not match:
        return 0.0
    number = float(match[1])
    return number if match[2] == "px" else number * base / 100 if match[2] == "%" else number * base


def sides(own: Mapping[str, str], name: str) -> tuple[float, float]:
    """Return top and bottom of a padding, in pixels."""
    parts = [pixels(part) for part in own.get(name, "").split()] or [0.0]
    bottom = parts[2] if len(parts) > 2 else parts[0]  # noqa: PLR2004  CSS: top, right, bottom, left
    top = pixels(own[f"{name}-top"]) if f"{name}-top" in own else parts[0]
    return top, pixels(own[f"{name}-bottom"]) if f"{name}-bottom" in own else bottom


def _style(element: lxml.html.HtmlElement, above: Style, own: Mapping[str, str]) -> Style:
    tag = str(element.tag)
    size = pixels(own.get("font-size", ""), above.size) if "font-size" in own else _SIZES.get(tag, above.size)
    weight = own.get("font-weight", "")
    bold = weight == "bold" or (weight.isdigit() and int(weight) >= BOLD) if weight else above.bold or tag in _HEAVY
    ground = _ground(own) or (element.get("bgcolor") or "" if "background-color" not in own else "")
    return Style(
        ink=own.get("color", above.ink),
        ground=ground if colour(ground) else above.ground,
        size=size,
        line=pixels(own["line-height"], size) if "line-height" in own else above.line,
        bold=bold,
        hidden=above.hidden or own.get("display") == "none" or own.get("visibility") == "hidden",
        own=own,
    )


def _ground(own: Mapping[str, str]) -> str:
    return next((part for part in own.get("background-color", "").split() if colour(part)), "")


def _declared(wrapped: Any, rules: cssselect2.Matcher) -> Mapping[str, str]:
    """Return what is said at one element, by property: `!important` wins over its attribute, which wins over rules."""
    plain: dict[str, str] = {}
    important: dict[str, str] = {}
    for _specificity, _order, _pseudo, declarations in rules.match(wrapped):  # the strongest last
        for name, value, urgent in declarations:
            (important if urgent else plain)[name] = value
    for name, value, urgent in _inline(wrapped.etree_element.get("style") or ""):
        if urgent:
            important.setdefault(name, value)
        else:
            plain[name] = value
    return plain | important


@functools.lru_cache(maxsize=1024)
def _inline(style: str) -> Declarations:
    """Take a style attribute apart; `background` counts as the colour in it."""
    parts = (part.partition(":") for part in style.split(";"))
    return tuple(_declaration(name, value) for name, colon, value in parts if colon)


def _declaration(name: str, value: str) -> tuple[str, str, bool]:
    name, urgent = name.strip().lower(), "!important" in value
    return "background-color" if name == "background" else name, value.replace("!important", "").strip().lower(), urgent


def _matcher(rules: Iterable[Rule]) -> cssselect2.Matcher:
    """Return what finds the rules that hold at an element."""
    matcher = cssselect2.Matcher()
    for selector, declarations, _ in rules:
        matcher.add_selector(selector, declarations)
    return matcher


@functools.lru_cache(maxsize=64)
def _sheet(css: str, scheme: str) -> tuple[Rule, ...]:
    rules = tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)
    return tuple(found for rule in rules for found in _within(rule, scheme))


def _within(rule: Any, scheme: str) -> Iterator[Rule]:
    if rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content is not None:
        asked = tinycss2.serialize(rule.prelude)
        if re.search(rf"prefers-color-scheme\s*:\s*{scheme}", asked) and "width" not in asked:
            for inner in tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True):
                yield from _within(inner, scheme)
    elif rule.type == "qualified-rule":
        text = tinycss2.serialize(rule.content)
        aside = _ASIDE.search(tinycss2.serialize([part for part in rule.prelude if part.type not in _BRACKETS]))
        try:
            selectors = cssselect2.compile_selector_list(rule.prelude)
        except cssselect2.SelectorError:
            return
        for selector in selectors:
            if selector.pseudo_element is None and not selector.never_matches:
                yield selector, _inline(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)), bool(aside)
