"""The picture of a page whose link is passed on: 1200 by 630 pixels, from a template and the page's own drawing.

Nobody is asked for it and nothing in it is chance: the same title and drawing give the same bytes.
"""

import base64
import dataclasses
import functools
import hashlib
import importlib.metadata
import io
from pathlib import Path

import fontTools.ttLib

from pipeline import drawing, errors, model, store, templating
from pipeline.formats import _web

TEMPLATES = ("web", "email/mark.svg", "fonts", "tokens.toml")
WIDTH, HEIGHT = 1200, 630  # what Open Graph asks for

_COLUMN = 590  # pixels for a line of the title beside a drawing
_SIZES = (76, 68, 60, 54, 48, 42)  # of the title: the first that fits into the lines there is room for
_ROOM = 350  # pixels for all lines of the title
_LEADING = 1.16
_BOLD = f"{_web.FAMILY}-700.ttf"


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """What the head of a page says for those who pass its link on. `address` leads from the site's root."""

    address: str
    alt: str
    kind: str = "website"
    width: int = WIDTH
    height: int = HEIGHT


def picture(title: str, kicker: str, art: bytes | None, material: model.Material) -> bytes:
    """Return the PNG; `art` is a drawing to stand beside the title. A title our font cannot write is left out.

    The store has it under what is drawn, so that it is not drawn again for another template that draws the same.
    """
    made_of = repr((title, kicker, hashlib.sha256(art).hexdigest() if art else ""))
    templates = material.templates
    key = store.recall(material, "card", made_of, lambda: _key(_svg(title, kicker, art, material), templates))
    return store.taken(material.store, key.decode(), lambda: _drawn(_svg(title, kicker, art, material), templates, key))


def _key(svg: bytes, templates: Path) -> bytes:
    """Return the key of a picture: what is drawn, with which fonts, by what."""
    fonts = [path.read_bytes() for path in sorted((templates / "fonts").glob("*.ttf"))]
    made_of = [hashlib.sha256(part).hexdigest() for part in (svg, *fonts)]
    made_of.append(importlib.metadata.version("resvg-py"))
    return f"social-{hashlib.sha256(' '.join(made_of).encode()).hexdigest()}".encode()


def _svg(title: str, kicker: str, art: bytes | None, material: model.Material) -> bytes:
    size, lines = _set(title, material.templates)
    env = templating.environment(material.templates, "web")
    values = {
        **templating.tokens(material.templates),
        "identity": material.identity,
        "kicker": kicker if _can_write(kicker, material.templates) else "",
        "lines": lines,
        "size": size,
        "leading": round(size * _LEADING),
        "art": base64.b64encode(art).decode() if art else "",
        "mark": base64.b64encode(_mark(material.templates)).decode(),
    }
    return templating.render(env, "social.svg", **values).encode()


@functools.lru_cache(maxsize=50)
def _drawn(svg: bytes, templates: Path, _key: bytes) -> bytes:
    """Draw it, once for each key: a quarter of a second, and an edition's picture is wanted by two formats."""
    return drawing.png(svg, "templates/web/social.svg", WIDTH, templates)


def _mark(templates: Path) -> bytes:
    try:
        return (templates / "email" / "mark.svg").read_bytes()
    except OSError as error:
        msg = f"cannot read {templates / 'email' / 'mark.svg'}: {error.strerror}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/email/mark.svg") from error


def _set(title: str, templates: Path) -> tuple[int, tuple[str, ...]]:
    """Choose the largest size at which the title fits, and break it into lines; no lines when it cannot be written."""
    if not _can_write(title, templates):
        return _SIZES[-1], ()
    for size in _SIZES:
        lines = _broken(title, size, templates)
        if len(lines) * size * _LEADING <= _ROOM and all(_width(line, size, templates) <= _COLUMN for line in lines):
            return size, lines
    most = int(_ROOM // (_SIZES[-1] * _LEADING))
    lines = _broken(title, _SIZES[-1], templates)
    return _SIZES[-1], (*lines[: most - 1], f"{lines[most - 1]} …") if len(lines) > most else lines


def _broken(title: str, size: int, templates: Path) -> tuple[str, ...]:
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and _width(longer, size, templates) > _COLUMN:
            lines.append(word)
        else:
            lines[-1] = longer
    return tuple(lines)


def _width(line: str, size: int, templates: Path) -> float:
    advances, em = _metrics(templates)
    return sum(advances[ord(letter)] for letter in line) * size / em


def _can_write(text: str, templates: Path) -> bool:
    advances, _ = _metrics(templates)
    return all(ord(letter) in advances for letter in text if not letter.isspace())


def _metrics(templates: Path) -> tuple[dict[int, int], int]:
    """Return the advance of each character of the house's bold face, and the units in its em."""
    path = templates / "fonts" / _BOLD
    try:
        return _measured(path.read_bytes())
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.RenderProblem(msg, hint=f"restore the shipped templates/fonts/{_BOLD}") from error


@functools.lru_cache(maxsize=4)
def _measured(content: bytes) -> tuple[dict[int, int], int]:
    font = fontTools.ttLib.TTFont(io.BytesIO(content))
    widths = font["hmtx"]
    return {code: widths[name][0] for code, name in font.getBestCmap().items()}, font["head"].unitsPerEm
