"""What an author uses that a large mail program does not know, by the data of caniemail.com (caniemail.json).

What every mail of the MJML compiler has is not the author's choice and is not told. What the templates use on purpose,
because the mail is as readable without it, stands with its reason in templates/email/support.toml.
"""

import dataclasses
import functools
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import lxml.etree
import lxml.html

from pipeline import mjml, model
from pipeline.checks import _pages
from pipeline.checks._check import WARNING, Check

UNKNOWN = Check(
    "client-support",
    WARNING,
    "The mail is whole in the mail programs that people use, not only in the author's.",
    "take it out; or, when the mail is as readable without it, say why in templates/email/support.toml",
)
CHECKS = (UNKNOWN,)

DATA = Path(__file__).with_name("caniemail.json")
ACCEPTED = "templates/email/support.toml"
_NAMED = 4  # mail programs that a message names
_SKELETON = """<mjml lang="en" dir="ltr"><mj-head><mj-title>x</mj-title><mj-preview>x</mj-preview></mj-head><mj-body>
<mj-section><mj-column><mj-text>x</mj-text><mj-image src="x.png" alt="x" /><mj-button href="x">x</mj-button>
<mj-divider /><mj-spacer /><mj-table><tr><td>x</td></tr></mj-table></mj-column></mj-section></mj-body></mjml>"""
_UNITS = re.compile(r"(?<![\w#-])[\d.]+(rem|vw|vh|vmin|vmax|ch|em|ex|cm|mm|in|pc|pt)\b")
_MARKS = re.compile(r"[>+~\[]")


@dataclasses.dataclass(frozen=True, slots=True)
class Feature:
    """A feature of HTML or CSS: its name on caniemail.com, and the mail programs that do not know it."""

    slug: str
    title: str
    unsupported: tuple[str, ...]


def page(page: _pages.Page, accepted: str) -> Iterator[model.Finding]:
    """Yield each feature the author added that one of 16 programs lacks; `accepted` is the text of support.toml."""
    reasons = _reasons(accepted)
    told: set[str] = set()
    for element in page.root.iter(lxml.etree.Element):
        for feature, needle in _added(*_told(element)):
            if feature.slug in reasons or feature.slug in told:
                continue
            told.add(feature.slug)
            count, named = len(feature.unsupported), ", ".join(feature.unsupported[:_NAMED])
            more = ", ..." if count > _NAMED else ""
            message = f"{feature.title}: {count} of {clients()} mail programs do not know it ({named}{more})"
            yield UNKNOWN.at(_pages.find(page.origins, needle, needle.rstrip(":")) or (page.name, 0), message)


@functools.cache
def clients() -> int:
    """Return how many mail programs the data speaks of."""
    return len(_data()["clients"])


@functools.cache
def _data() -> Mapping[str, list[Mapping[str, list[str]]]]:
    data: Mapping[str, list[Mapping[str, list[str]]]] = json.loads(DATA.read_text(encoding="utf-8"))
    return data


@functools.cache
def _features() -> Mapping[str, tuple[Feature, ...]]:
    """Return the features by the signs that tell them in a mail."""
    found: dict[str, list[Feature]] = {}
    for row in _data()["features"]:
        names = tuple(str(_data()["clients"][int(number)]) for number in row["unsupported"])
        for sign in row["signs"]:
            found.setdefault(sign, []).append(Feature(str(row["slug"]), str(row["title"]), names))
    return {sign: tuple(features) for sign, features in found.items()}


@functools.cache
def _skeleton() -> frozenset[str]:
    root = lxml.html.document_fromstring(mjml.to_html(_SKELETON))
    return frozenset(sign for element in root.iter(lxml.etree.Element) for sign, _ in _signs(*_told(element)))


@functools.lru_cache(maxsize=8)
def _reasons(accepted: str) -> frozenset[str]:
    """Return the features that are used on purpose, each with a reason that is not empty."""
    try:
        rows = tomllib.loads(accepted)
    except tomllib.TOMLDecodeError:
        return frozenset()
    return frozenset(slug for slug, reason in rows.items() if str(reason).strip())


@functools.lru_cache(maxsize=4096)  # elements: most of a mail are alike, and are those of the last one
def _added(tag: str, attributes: tuple[tuple[str, str], ...], css: str) -> tuple[tuple[Feature, str], ...]:
    """Return the features that an author added with one element and some program lacks, with letters to look for."""
    signs = ((sign, needle) for sign, needle in _signs(tag, attributes, css) if sign not in _skeleton())
    return tuple((feature, needle) for sign, needle in signs for feature in _features().get(sign, ()))


def _told(element: lxml.html.HtmlElement) -> tuple[str, tuple[tuple[str, str], ...], str]:
    """Return what tells of features: tag and attributes, and the CSS of a style element."""
    return str(element.tag), tuple(element.attrib.items()), (element.text or "") if element.tag == "style" else ""


def _signs(tag: str, attributes: tuple[tuple[str, str], ...], css: str) -> Iterator[tuple[str, str]]:
    """Yield each sign of a feature in an element, with the letters to look for in the templates."""
    yield f"element:{tag}", f"<{tag}"
    for name, value in attributes:
        yield f"attribute:{name}", f"{name}="
        if name == "style":
            yield from _declared(value)
        if name == "src":
            kind = "data" if value.startswith("data:") else value.partition("?")[0].rpartition(".")[2].lower()
            yield f"image:{kind}", value
    if tag in {"meta", "input"}:
        value = dict(attributes).get("name" if tag == "meta" else "type") or ""
        yield f"{tag}:{value}", value
    yield from _sheet(css)


@functools.lru_cache(maxsize=64)
def _sheet(css: str) -> tuple[tuple[str, str], ...]:
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    found: list[tuple[str, str]] = []
    for name, prelude in re.findall(r"@([a-z-]+)([^{;]*)", css):
        found += [(f"at:{name}", f"@{name}")]
        found += [(f"media:{asked}", asked) for asked in re.findall(r"\(\s*([a-z-]+)", prelude)]
    for selector, declarations in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        found += [(f"pseudo:{pseudo}", pseudo) for pseudo in re.findall(r"::?[a-z-]+", selector) if pseudo != ":root"]
        found += [(f"selector:{mark}", "[data-" if mark == "[" else f" {mark} ") for mark in _MARKS.findall(selector)]
        found += _declared(declarations)
    return tuple(found)


@functools.lru_cache(maxsize=1024)
def _declared(style: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for part in style.split(";"):
        name, colon, value = (piece.strip().lower() for piece in part.partition(":"))
        if not colon:
            continue
        found += [(f"property:{name}", f"{name}:"), (f"value:{name}:{value}", f"{name}:")]
        found += [(f"function:{called}", f"{called}(") for called in re.findall(r"([a-z-]+)\(", value)]
        found += [(f"unit:{unit}", unit) for unit in _UNITS.findall(value)]
        found += [(f"word:{word}", word) for word in re.findall(r"[a-z-]+", value)]
    return tuple(found)
