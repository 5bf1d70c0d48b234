"""The typesetter's last touch on finished HTML: curled quotation marks and spaces that must not break."""

import functools
import io
import re
import struct
from collections.abc import Callable
from pathlib import Path

import fontTools.ttLib
import lxml.etree
import lxml.html

from pipeline import errors

INLINE = frozenset({"a", "abbr", "b", "br", "code", "em", "i", "span", "strong", "sub", "sup"})
KEPT = frozenset({"script", "style", "textarea", "title"})  # never touched
FONT = "AtkinsonHyperlegibleNext-400.ttf"  # the four faces have the same characters
FACES = (FONT, *(f"AtkinsonHyperlegibleNext-{face}.ttf" for face in ("400i", "700", "700i")))
NO_BREAK = "\N{NO-BREAK SPACE}"
_UNITS = "tesla|mm|cm|km|m|mg|kg|g|ml|°C|percent|million|billion|am|pm"
_JOINED = re.compile(
    rf"(?<=\d) (?=(?:{_UNITS})\b)"  # a measure
    r"|(?<=[a-z]) (?=\d{1,2}, \d{4}\b)"  # a date: its month and day
    r"|(?<=[Pp]age) (?=\d)|(?<=[Cc]hapter) (?=\d)"
    r"|(?<=\d\d\d) (?=\d\d\d\b)"  # a telephone number
)
_OPENING_BEFORE = re.compile(r"[\s(\[\u2013\u2014/\u201c\u2018]")


def set_type(page: str) -> str:
    """Return the HTML document with typographic quotes and no-break spaces; tags, attributes and addresses are kept."""
    root = lxml.html.document_fromstring(page)
    curl(root)
    for element in list(root.iter()):
        if _is_set(element):
            _free_spaces(element)
    return "<!DOCTYPE html>\n" + str(lxml.etree.tostring(root, method="html", encoding="unicode"))


def curl(element: lxml.etree._Element, before: str = " ") -> str:
    """Set the text below `element`, of HTML or XHTML, where `before` is the last character read; return the new last.

    Only text changes: no element is added, moved or taken away.
    """
    inline = _tag(element) in INLINE
    last = before if inline else " "
    if _is_set(element):
        if element.text:
            element.text, last = _curled(element.text, last)
        for child in list(element):
            last = curl(child, last)
            if child.tail:
                child.tail, last = _curled(child.tail, last)
    return last if inline else " "


def _is_set(element: lxml.etree._Element) -> bool:
    """Tell whether the typesetter may touch it: no comment, no address, no text of a program."""
    return isinstance(element.tag, str) and _tag(element) not in KEPT and "url" not in element.get("class", "").split()


def _tag(element: lxml.etree._Element) -> str:
    return lxml.etree.QName(element).localname if isinstance(element.tag, str) else ""


def _free_spaces(element: lxml.etree._Element) -> None:
    """Give the space between a run of text and an inline element an element of its own.

    Where such a run fits its last line but for that space, WeasyPrint 70 breaks the line after the first word.
    """
    for child in list(element):
        previous = child.getprevious()
        text = element.text if previous is None else previous.tail
        if _tag(child) not in INLINE or not text or not text.strip() or not text.endswith((" ", "\n")):
            continue
        space = element.makeelement("span")
        space.text = " "
        child.addprevious(space)
        if previous is None:
            element.text = text.rstrip(" \n")
        else:
            previous.tail = text.rstrip(" \n")


def _curled(text: str, before: str) -> tuple[str, str]:
    """Curl the quotation marks and join measures; a mark opens after a space, a bracket, a dash or another opening."""
    out: list[str] = []
    last = before
    for char in text:
        opening = bool(_OPENING_BEFORE.match(last))
        if char == '"':
            last = "\u201c" if opening else "\u201d"
        elif char == "'":
            last = "\u2018" if opening else "\u2019"
        else:
            last = char
        out.append(last)
    return _JOINED.sub(NO_BREAK, "".join(out)), last


def check_characters(page: str, font: bytes, place: Callable[[str], str] = lambda _: "") -> None:
    """Refuse a character that the font file lacks: another font would slip in, or the reader would see a box.

    `place` says for a character where it is typed, as "file:line: ".
    """
    if lacking := _lacking(page, font):
        char, text = lacking
        msg = f"{place(char)}the book's font has no {char!r} (U+{ord(char):04X}), used in: {text[:60]!r}"
        raise errors.RenderProblem(msg, hint='write it in words, for example "or more" for the sign')


@functools.lru_cache(maxsize=200)  # in a process that builds again and again
def _lacking(page: str, font: bytes) -> tuple[str, str] | None:
    """Return the first character that the font lacks, and the text around it."""
    known = letters(font)
    for text in map(str, lxml.html.document_fromstring(page).itertext()):
        for char in text:
            if ord(char) not in known and not char.isspace():
                return char, text.strip()
    return None


def fonts(templates: Path) -> dict[str, bytes]:
    """Return the files of the book's font by name; refuses when one is missing or broken."""
    found: dict[str, bytes] = {}
    hint = "restore the shipped templates/fonts folder"
    for path in (templates / "fonts" / name for name in FACES):
        try:
            found[path.name] = path.read_bytes()
            letters(found[path.name])
        except OSError as error:
            msg = f"the book's font is missing: {path}: {error.strerror}"
            raise errors.MissingPart(msg, hint=hint) from error
        except (fontTools.ttLib.TTLibError, KeyError, ValueError, struct.error) as error:
            msg = f"the book's font is broken: {path}: {error}"
            raise errors.MissingPart(msg, hint=hint) from error
    return found


def printable(templates: Path) -> frozenset[int]:
    """Return the code points that the book's font can print; refuses as `fonts` does."""
    return letters(fonts(templates)[FONT])


@functools.lru_cache(maxsize=8)
def letters(font: bytes) -> frozenset[int]:
    """Return the code points of all characters that a font file has."""
    return frozenset(fontTools.ttLib.TTFont(io.BytesIO(font)).getBestCmap())
