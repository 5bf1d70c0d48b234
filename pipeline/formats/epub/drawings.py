"""Drawings of an EPUB: SVG files that bring their letters along, what they say of themselves, and the cover as PNG."""

import base64
import hashlib
import importlib.metadata
import io
import json
from collections.abc import Mapping
from pathlib import Path

import lxml.etree
from markupsafe import Markup

from pipeline import drawing, errors, model
from pipeline.formats import _web

COVER_WIDTH = 1600  # pixels: sharp on a tablet, and small as PNG because it is flat
TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_SVG = "http://www.w3.org/2000/svg"
_LINKS = ("href", "{http://www.w3.org/1999/xlink}href")
_PARSER = lxml.etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
FAMILY = "Atkinson Hyperlegible Next"


class Figures:
    """Writes the figures of one chapter, and remembers which files they show."""

    def __init__(self, own: str, images: Mapping[str, bytes]) -> None:
        """Number the descriptions below the chapter's anchor `own`."""
        self._own, self._images = own, images
        self._described = 0

    def figure(self, name: str, alt: str, caption: str) -> Markup:
        """Write a drawing with its caption. Where the file describes itself at more length, that can be opened too."""
        long = description(self._images[name], name)
        words = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
        image = Markup('<img src="images/{}" alt="{}"{} />')
        if len(long.split()) <= len(alt.split()):
            return Markup("<figure>{}{}</figure>").format(image.format(_web.quoted(name), alt, Markup("")), words)
        self._described += 1
        anchor = f"{self._own}-described-{self._described}"
        shown = image.format(_web.quoted(name), alt, Markup(' aria-details="{}"').format(anchor))
        details = Markup(
            '<details class="described" id="{}"><summary>Description of the drawing</summary><p>{}</p></details>'
        )
        return Markup("<figure>{}{}</figure>\n{}").format(shown, words, details.format(anchor, long))


def media_type(name: str) -> str:
    """Return the media type of a drawing's file; refuses one that reading systems need not know."""
    kind = TYPES.get(Path(name).suffix.lower(), "")
    if not kind:
        msg = f"content/images/{name} is of a kind that an EPUB does not show everywhere"
        raise errors.RenderProblem(msg, hint=f"use one of {', '.join(TYPES)}")
    return kind


def description(content: bytes, name: str) -> str:
    """Return what a drawing says of itself at length, in one line; "" when it does not, or is no SVG."""
    if not name.lower().endswith(".svg"):
        return ""
    said = _parsed(content, name).find(f"{{{_SVG}}}desc")
    return " ".join("".join(map(str, said.itertext())).split()) if said is not None else ""


def shipped(content: bytes, name: str, templates: Path, store: model.Store | None = None) -> bytes:
    """Return the drawing's file for the EPUB: an SVG with the letters it uses, because no page lends it a font.

    Refuses an SVG that is broken, holds a script, or needs another file. A `store` spares making the same font twice.
    """
    if media_type(name) != TYPES[".svg"]:
        return content
    root = _parsed(content, name)
    faces = _letters(root)
    if faces:
        style = lxml.etree.Element(f"{{{_SVG}}}style")
        style.text = "".join(
            _face(weight, "".join(sorted(letters)), templates, store) for weight, letters in faces.items()
        )
        root.insert(0, style)
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + bytes(lxml.etree.tostring(root, encoding="utf-8")) + b"\n"


def _parsed(content: bytes, name: str) -> lxml.etree._Element:
    try:
        root = lxml.etree.fromstring(content, _PARSER)
    except lxml.etree.XMLSyntaxError as error:
        msg = f"content/images/{name} is not well-formed: {error.msg}"
        raise errors.RenderProblem(msg, hint="open the file in a browser and mend what is broken") from error
    for element in root.iter():
        outside = [value for value in map(element.get, _LINKS) if value and not value.startswith(("#", "data:"))]
        if element.tag == f"{{{_SVG}}}script" or outside:
            what = "a script" if not outside else f"a reference to {outside[0]}"
            msg = f"content/images/{name} holds {what}"
            raise errors.RenderProblem(msg, hint="a drawing stands alone: take it out")
    return root


def _letters(root: lxml.etree._Element) -> dict[str, set[str]]:
    """Return the letters that a drawing sets in our own font, by weight."""
    faces: dict[str, set[str]] = {}
    for text in root.iter(f"{{{_SVG}}}text"):
        near = [*text.iterancestors(), *text.iter()]
        bold = {element.get("font-weight") in {"700", "bold"} for element in near if element.get("font-weight")}
        for is_bold in bold or {False}:
            letters = faces.setdefault("700" if is_bold else "400", set())
            letters.update("".join(map(str, text.itertext())))
    return {weight: {char for char in faces[weight] if char.isprintable()} for weight in sorted(faces)}


def _face(weight: str, letters: str, templates: Path, store: model.Store | None) -> str:
    """Return the rule that loads these letters of our font from within the file."""
    font = (templates / "fonts" / f"{_web.FAMILY}-{weight}.ttf").read_bytes()
    key = _key(font, letters)
    packed = store.get(key) if store is not None else None
    if packed is None:
        packed = _subset(font, letters)
        if store is not None:
            store.put(key, packed)
    return (
        f'@font-face{{font-family:"{FAMILY}";font-weight:{weight};'
        f"src:url(data:font/woff2;base64,{base64.b64encode(packed).decode()}) format('woff2')}}"
    )


def _key(font: bytes, letters: str) -> str:
    """Return a digest of all that a small font is made from: the whole one, the letters, libraries and this file."""
    versions = [importlib.metadata.version(name) for name in ("fonttools", "brotli")]
    made_of = [hashlib.sha256(font).hexdigest(), letters, versions, Path(__file__).read_text(encoding="utf-8")]
    return f"letters-{hashlib.sha256(json.dumps(made_of).encode()).hexdigest()}"


def _subset(content: bytes, letters: str) -> bytes:
    """Return the font with just these letters, as WOFF2."""
    # Imported here because it takes 0.2 s, and only a drawing that is new needs it.
    import fontTools.subset  # noqa: PLC0415
    import fontTools.ttLib  # noqa: PLC0415

    options = fontTools.subset.Options(notdef_outline=True, layout_features=["kern"], hinting=False)
    subsetter = fontTools.subset.Subsetter(options)
    subsetter.populate(text=letters)
    out = io.BytesIO()
    with fontTools.ttLib.TTFont(io.BytesIO(content), recalcTimestamp=False) as font:
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(out, reorderTables=False)
    return out.getvalue()


def cover(svg: str, templates: Path) -> bytes:
    """Return the cover as PNG, 1600 pixels wide."""
    return drawing.png(svg.encode(), "cover.svg", COVER_WIDTH, templates)
