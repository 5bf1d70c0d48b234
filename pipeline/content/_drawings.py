"""The drawings of content/images: SVG files that stand alone. One that is broken or reaches out is left out, with why.

A drawing is shown by browsers, mail programs, e-readers and the page maker of the book. So it holds shapes and words,
and nothing that acts, nothing that is fetched, and nothing that grows when it is read.
"""

import codecs
import functools
import hashlib
import math
import re
from collections.abc import Iterator
from pathlib import Path

import lxml.etree

from pipeline import notes
from pipeline.content import _files

MOST_BYTES = 500_000  # the largest drawing of a usual book has 20,000
LONGEST_SIDE = 20_000
FLATTEST = 10  # times as long as wide, or as wide as long
_SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_SHAPES = re.compile(
    "svg|g|defs|symbol|use|title|desc|metadata|style|path|rect|circle|ellipse|line|polyline|polygon|text|tspan|textPath|"
    "linearGradient|radialGradient|stop|pattern|clipPath|mask|marker|image|switch|view"
)
_PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,")
_OUTSIDE = re.compile(r"@import|url\(\s*+[\"']?+\s*+(?!#)[^\s\"')]*|\\", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?:px)?", re.IGNORECASE)
_MEND = "open the file in a browser and mend what is broken, or export it again as plain SVG"
_ALONE = "a drawing stands alone: take that out, or export it again as plain SVG"
_SHRINK = 'give its root a viewBox such as "0 0 1200 675", and draw within it'

Fault = tuple[str, int, str, str]  # code, line, message, hint


def images(desk: _files.Desk) -> dict[str, bytes]:
    """Read the drawings by file name. One with a fault is not among them: its findings say why."""
    read = ((path, _read(desk, path)) for path in desk.paths("images", ".svg"))
    return {path.name: content for path, content in read if content is not None}


def _read(desk: _files.Desk, path: Path) -> bytes | None:
    try:
        size = path.stat().st_size
        content = desk.bytes(path) if size <= MOST_BYTES else b""
    except OSError as error:
        desk.block("content-unreadable", path, 0, f"cannot be read: {error.strerror}", "put the file in its place")
        return None
    if size > MOST_BYTES:
        message = f"has {size:,} bytes, and a drawing may have {MOST_BYTES:,}"
        hint = "simplify its paths, and take pictures out of it: a drawing is made of shapes and words"
        desk.block("content-image-broken", path, 0, message, hint)
        return None
    faults = _kept_faults(content)
    for code, line, message, hint in faults:
        desk.block(code, path, line, message, hint)
    return None if faults else content


@functools.lru_cache(maxsize=256)  # drawings: the preview reads them all again after every key stroke
def _kept_faults(content: bytes) -> tuple[Fault, ...]:
    found = notes.taken("drawing", hashlib.sha256(content).hexdigest(), lambda: list(dict.fromkeys(_faults(content))))
    return tuple((code, line, message, hint) for code, line, message, hint in found)


def _faults(content: bytes) -> Iterator[Fault]:
    if not content.strip():
        yield "content-image-broken", 0, "is empty", "save the drawing again"
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        yield "content-image-broken", line, "is not an SVG file: it is not UTF-8 text", "export it again as plain SVG"
        return
    if match := re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        line = text.count("\n", 0, match.start()) + 1
        message = f"holds {match[0]}, which can stand for other files or grow without end"
        yield "content-image-unsafe", line, message, "take that declaration out: an SVG file needs none"
        return
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = lxml.etree.fromstring(content.removeprefix(codecs.BOM_UTF8), parser)
    except (lxml.etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        yield "content-image-broken", line, f"is not well-formed XML: {getattr(error, 'msg', error)}", _MEND
        return
    if root.tag != f"{{{_SVG}}}svg":
        message = f"begins with <{_local(root)}>, not with an <svg> of the SVG namespace"
        yield "content-image-broken", _line(root), message, f'begin it with <svg xmlns="{_SVG}" viewBox="0 0 1200 675">'
        return
    yield from _size(root)
    for loading in (*root.itersiblings(preceding=True), *root.iter()):
        if loading.tag is lxml.etree.ProcessingInstruction:
            message = "holds a processing instruction <?...?>, which can load a file"
            yield "content-image-unsafe", _line(loading), message, _ALONE
    for element in root.iter(lxml.etree.Element):
        yield from _element(element)
    yield from _circles(root)


def _local(element: lxml.etree._Element) -> str:
    return lxml.etree.QName(element).localname


def _line(node: lxml.etree._Element) -> int:
    return node.sourceline if isinstance(node.sourceline, int) else 0


def _size(root: lxml.etree._Element) -> Iterator[Fault]:
    """Ask for a size that a page can hold: a viewBox, or width and height."""
    box = root.get("viewBox")
    words = re.split(r"[\s,]+", box.strip()) if box is not None else ["0", "0", root.get("width"), root.get("height")]
    numbers = [float(word.lower().removesuffix("px")) for word in words if word and _NUMBER.fullmatch(word)]
    if len(numbers) != 4 or len(words) != 4:  # noqa: PLR2004  left, top, width, height
        said = f"the viewBox {box!r} is not four numbers" if box is not None else "has neither viewBox nor a size"
        yield "content-image-broken", _line(root), said, _SHRINK
        return
    sides = numbers[2:]
    if not all(math.isfinite(side) and 1 <= side <= LONGEST_SIDE for side in sides):
        message = f"is {words[2]} wide and {words[3]} high; each side may be from 1 to {LONGEST_SIDE:,}"
        yield "content-image-broken", _line(root), message, _SHRINK
    elif max(sides) > FLATTEST * min(sides):
        message = f"is {words[2]} wide and {words[3]} high: a strip that no page can show"
        yield "content-image-broken", _line(root), message, f"make no side more than {FLATTEST} times the other"


def _element(element: lxml.etree._Element) -> Iterator[Fault]:
    """Yield what acts or reaches out in one element."""
    line, name, namespace = _line(element), _local(element), lxml.etree.QName(element).namespace
    if namespace == _XHTML or (namespace == _SVG and not _SHAPES.fullmatch(name)):
        yield "content-image-unsafe", line, f"holds <{name}>, which is no shape and no words", _ALONE
        return
    for key, value in element.attrib.items():
        if what := _reach(name, str(key), str(value)):
            yield "content-image-unsafe", line, f"holds {what} on <{name}>", _ALONE
    if name == "style" and (match := _OUTSIDE.search("".join(map(str, element.itertext())))):
        yield "content-image-unsafe", line, f"holds {match[0][:80]!r} in its <style>", _ALONE


def _reach(name: str, key: str, value: str) -> str:
    """Say what an attribute of the element `name` does or loads; "" when it does neither."""
    attribute = lxml.etree.QName(key).localname
    if attribute.lower().startswith("on"):
        return f"the event handler {attribute}"
    if key in _HREF or attribute in {"src", "base"}:
        is_within = value.startswith("#") or (name == "image" and _PICTURE.match(value))
        return "" if is_within else f"a reference to {value[:80]!r}"
    match = _OUTSIDE.search(value)
    return f"{match[0][:80]!r} in {attribute}" if match else ""


def _circles(root: lxml.etree._Element) -> Iterator[Fault]:
    """Yield each <use> that shows nothing, or what holds a <use> again: such copies may have no end."""
    shown = {str(element.get("id")): element for element in root.iter(lxml.etree.Element) if element.get("id")}
    for use in root.iter(f"{{{_SVG}}}use"):
        name = _target(use)
        target = shown.get(name)
        if not name:
            continue  # it reaches out, which is said already, or shows nothing
        if target is None:
            yield "content-image-broken", _line(use), f"shows {name!r}, which is not in it", _MEND
        elif next(target.iter(f"{{{_SVG}}}use"), None) is not None:
            message = f"shows {name!r}, which holds another <use>: drawn out, it could be without end"
            yield "content-image-unsafe", _line(use), message, "copy the shapes themselves to where they are wanted"


def _target(use: lxml.etree._Element) -> str:
    return next((str(value)[1:] for value in map(use.get, _HREF) if value and str(value).startswith("#")), "")
