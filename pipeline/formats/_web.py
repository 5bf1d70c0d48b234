"""What every web page shares: templates, style, addresses. The files of the site, and the pages a server answers with.

A page names everything on the site by a path from itself ("../../style.css"), so that it works under any address.
"""

import datetime as dt
import functools
import hashlib
import re
import urllib.parse
from pathlib import Path

import jinja2
from markupsafe import Markup

from pipeline import model, templating

FONTS = ("400", "400i", "700")  # the faces a page may need; the fourth, bold italics, is not used
FAMILY = "AtkinsonHyperlegibleNext"
SHAPE = (1200, 675)
HELD = re.compile(r"held/(\d{4}-\d\d-\d\d)/(.+)")  # a file of the site as it will be: from which day on, and its name
EMERGENCY = "911 in the US, 999 or 112 in the UK, 112 in the EU"


def held(day: dt.date | str, name: str) -> str:
    """Return the name that HELD reads again; `day` is a date, or its ISO text."""
    return f"held/{day}/{name}"


def environment(templates: Path, identity: model.Identity) -> jinja2.Environment:
    """Return the environment of templates/web; every template knows the publisher."""
    env = templating.environment(templates, "web")
    env.filters["megabytes"] = megabytes
    env.globals.update(identity=identity, emergency=EMERGENCY, url=quoted)
    return env


@functools.lru_cache(maxsize=4096)  # the mark of the house, a drawing, is quoted into each page
def quoted(name: str) -> str:
    """Write a file name or slug as a part of an address."""
    return urllib.parse.quote(name, safe="")


def style(env: jinja2.Environment, templates: Path, root: str = "") -> Markup:
    """Return the style sheet; `root` leads from the file it stands in to the site's root."""
    values = templating.tokens(templates)
    text = templating.render(env, "style.css", **values, root=root, faces=FONTS, family=FAMILY)
    return Markup(text)  # noqa: S704  our own template and tokens; nothing of a reader or an editor is in it


@functools.lru_cache(maxsize=1_000)
def size(drawing: bytes) -> tuple[int, int]:
    """Return width and height of an SVG in whole pixels, so that a page does not jump while it loads.

    What does not say its size has the shape that articles' drawings have.
    """
    head = drawing[:2_000].decode("utf-8", "replace")
    box = re.search(r'\bviewBox\s*=\s*["\']\s*[-\d.]+[\s,]+[-\d.]+[\s,]+([\d.]+)[\s,]+([\d.]+)', head)
    try:
        width, height = (round(float(side)) for side in box.groups()) if box else SHAPE
    except ValueError:
        return SHAPE
    return (width, height) if width > 0 and height > 0 else SHAPE


def version(content: bytes) -> str:
    """Return a short mark of a file's content, for an address that changes when the file does."""
    return hashlib.sha256(content).hexdigest()[:10]


def megabytes(size: int) -> str:
    """Write a file's size for people: 1.4 MB, 870 KB."""
    return f"{size / 1_000_000:.1f} MB" if size >= 1_000_000 else f"{max(1, round(size / 1000))} KB"  # noqa: PLR2004
