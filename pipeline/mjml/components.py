"""The MJML this house writes: which component stands where, which attributes it has, and what they may say.

It is what npm `mjml` 5 and mjml-python both do, and do alike. Left out on purpose: what mjml-python takes and then
ignores (`gutter`, `gap`, `sizes`, the `role` of a table, the border of one side of a picture), and components that
break in a large mail program.
"""

import re
from typing import NamedTuple


class Values(NamedTuple):
    """What an attribute may say: in words for people, as a pattern for the lint."""

    words: str
    pattern: re.Pattern[str]


_COLOURS = "aqua|black|blue|fuchsia|gray|green|lime|maroon|navy|olive|purple|red|silver|teal|white|yellow|transparent"


def _values(words: str, pattern: str) -> Values:
    return Values(words, re.compile(pattern, re.IGNORECASE))


def _one_of(choices: str) -> Values:
    names = choices.split()
    return _values(f"one of {', '.join(names)}", "|".join(names))


def _lengths(units: str, most: int = 1) -> Values:
    one = rf"(?:\d+(?:\.\d+)?(?:{units})|0)"
    count = "one length" if most == 1 else f"one to {most} lengths"
    return _values(f"{count} in {units.replace('|', ' or ')}, such as 16px", rf"{one}(?:\s+{one}){{0,{most - 1}}}")


TEXT = _values("text", r"[\s\S]*")
FILLED = _values("text that is not empty", r"[\s\S]*\S[\s\S]*")
COLOUR = _values(
    "a colour such as #0b5563", rf"#(?:[0-9a-f]{{3}}|[0-9a-f]{{6}})|rgba?\([\d\s.,%]+\)|none|inherit|{_COLOURS}"
)
PX = _lengths("px")
LENGTH = _lengths("px|%")
SIDES = _lengths("px|%", 4)
SPACING = _values("a length in px or em, such as 0.5px", r"-?\d+(?:\.\d+)?(?:px|em)|0")
LEADING = _values("a line height such as 26px or 1.5", r"\d+(?:\.\d+)?(?:px|%)?")
WIDTH = _values("a length in px or %, or auto", r"\d+(?:\.\d+)?(?:px|%)|auto")
NUMBER = _values("a whole number", r"\d+")
YES_NO = _one_of("true false")
ALIGN = _one_of("left center right")
VERTICAL = _one_of("top middle bottom")
DIRECTION = _one_of("ltr rtl")
LANGUAGE = _values("a language such as en or pt-BR", r"(?!und$)[a-z]{2,3}(?:-[a-z0-9]{2,8})*")

Attributes = dict[str, Values]

_PADDING: Attributes = {"padding": SIDES} | {f"padding-{side}": LENGTH for side in ("top", "right", "bottom", "left")}
_BORDER: Attributes = {f"border{side}": TEXT for side in ("", "-top", "-right", "-bottom", "-left", "-radius")}
_FONT: Attributes = {"font-family": TEXT, "font-size": PX, "font-style": TEXT, "font-weight": TEXT}
_FONT |= {"line-height": LEADING, "text-decoration": TEXT, "color": COLOUR}
_LINK: Attributes = {"href": FILLED, "rel": TEXT, "target": TEXT}
_BLOCK: Attributes = {"container-background-color": COLOUR, "vertical-align": VERTICAL} | _PADDING
_BAND: Attributes = {
    "background-color": COLOUR,
    "background-url": FILLED,
    "background-repeat": _one_of("repeat no-repeat"),
    "background-size": TEXT,
    "background-position": TEXT,
    "background-position-x": TEXT,
    "background-position-y": TEXT,
    "direction": DIRECTION,
    "full-width": _one_of("full-width false"),
    "text-align": ALIGN,
}
_ICON: Attributes = {"icon-size": LENGTH, "icon-height": LENGTH, "icon-padding": SIDES, "text-padding": SIDES}

ATTRIBUTES: dict[str, Attributes] = {
    "mjml": {"lang": LANGUAGE, "dir": DIRECTION},
    "mj-head": {},
    "mj-attributes": {},
    "mj-breakpoint": {"width": PX},
    "mj-preview": {},
    "mj-title": {},
    "mj-style": {"inline": _one_of("inline")},
    "mj-raw": {},
    "mj-body": {"width": PX, "background-color": COLOUR},
    "mj-wrapper": _BAND | _PADDING | _BORDER,
    "mj-section": _BAND | _PADDING | _BORDER,
    "mj-group": {"background-color": COLOUR, "direction": DIRECTION, "vertical-align": VERTICAL, "width": LENGTH},
    "mj-column": _PADDING
    | _BORDER
    | {"background-color": COLOUR, "inner-background-color": COLOUR, "direction": DIRECTION}
    | {"vertical-align": VERTICAL, "width": LENGTH}
    | {f"inner-{name}": values for name, values in _BORDER.items()},
    "mj-text": _BLOCK
    | _FONT
    | {"align": _one_of("left center right justify"), "height": LENGTH, "letter-spacing": SPACING}
    | {"text-transform": TEXT},
    "mj-button": _BLOCK
    | _BORDER
    | _FONT
    | _LINK
    | {"align": ALIGN, "text-align": ALIGN, "background-color": COLOUR, "inner-padding": SIDES}
    | {"height": LENGTH, "width": LENGTH, "letter-spacing": SPACING, "text-transform": TEXT, "name": TEXT},
    "mj-image": _PADDING
    | _LINK
    | {"border": TEXT, "border-radius": TEXT, "alt": TEXT, "src": FILLED}
    | {"srcset": TEXT, "title": TEXT, "align": ALIGN, "container-background-color": COLOUR, "font-size": PX}
    | {"fluid-on-mobile": YES_NO, "width": PX, "height": _values("a length in px, or auto", r"\d+px|auto")}
    | {"max-height": LENGTH, "usemap": TEXT},
    "mj-divider": _PADDING
    | {"border-color": COLOUR, "border-style": TEXT, "border-width": PX, "container-background-color": COLOUR}
    | {"width": LENGTH, "align": ALIGN},
    "mj-spacer": _PADDING | {"container-background-color": COLOUR, "height": LENGTH},
    "mj-table": _BLOCK
    | {name: _FONT[name] for name in ("font-family", "font-size", "line-height", "color")}
    | {"align": ALIGN, "border": TEXT, "cellpadding": NUMBER, "cellspacing": NUMBER, "width": WIDTH}
    | {"table-layout": _one_of("auto fixed initial inherit")},
    "mj-social": _BLOCK
    | _FONT
    | _ICON
    | {"align": ALIGN, "border-radius": TEXT, "inner-padding": SIDES, "mode": _one_of("horizontal vertical")},
    "mj-social-element": _PADDING
    | _FONT
    | _LINK
    | _ICON
    | {"align": ALIGN, "background-color": COLOUR, "border-radius": TEXT, "src": FILLED, "alt": TEXT, "title": TEXT}
    | {"vertical-align": VERTICAL},
}

PARENTS: dict[str, tuple[str, ...]] = {
    "mjml": (),
    "mj-head": ("mjml",),
    "mj-body": ("mjml",),
    "mj-attributes": ("mj-head",),
    "mj-breakpoint": ("mj-head",),
    "mj-preview": ("mj-head",),
    "mj-title": ("mj-head",),
    "mj-style": ("mj-head",),
    "mj-raw": ("mj-head", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-social"),
    "mj-wrapper": ("mj-body",),
    "mj-section": ("mj-body", "mj-wrapper"),
    "mj-group": ("mj-section",),
    "mj-column": ("mj-section", "mj-group"),
    "mj-social-element": ("mj-social",),
} | dict.fromkeys(
    ("mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-social"), ("mj-column",)
)

CONTENT = frozenset(
    {"mj-text", "mj-button", "mj-table", "mj-raw", "mj-title", "mj-preview", "mj-style", "mj-social-element"}
)
"""Components that hold words and HTML; all others hold only components."""

EVERYWHERE = frozenset({"css-class", "mj-class"})

REQUIRED: dict[str, tuple[tuple[str, str], ...]] = {
    "mjml": (("lang", 'write the language, such as lang="en"'), ("dir", 'write dir="ltr", or "rtl" for Arabic')),
    "mj-image": (
        ("alt", 'say in words what the picture shows; alt="" when it says nothing that the text does not'),
        ("src", "give the picture's address"),
    ),
    "mj-button": (("href", "give the address that the button opens"),),
    "mj-social-element": (("src", "give an icon of your own: without one, a picture is fetched from a third party"),),
}
"""What has to be there, with the hint for when it is not."""

REFUSED: dict[str, str] = {
    "mj-accordion": "mail programs open or close it as they like: write headings and text",
    "mj-carousel": "its arrows come out wrong, and it cannot be used from a keyboard: show one picture",
    "mj-font": "nothing is fetched from elsewhere in this mail: use the fonts of tokens.toml",
    "mj-hero": "its height comes out wrong: use mj-section with a background colour",
    "mj-html-attributes": "mjml-python stops at it: write the attribute in the HTML of mj-text or mj-raw",
    "mj-html-attribute": "mjml-python stops at it: write the attribute in the HTML of mj-text or mj-raw",
    "mj-include": "includes are the template's business: use {% include %}",
    "mj-navbar": "its menu button works in few mail programs: write plain links",
    "mj-selector": "mjml-python stops at it: write the attribute in the HTML of mj-text or mj-raw",
}
"""Components of MJML that this house does not use, and what to do instead."""
