"""MJML taken apart into tags, text and comments, each with its place: what the wrapper rewrites and the lint judges."""

import bisect
import enum
import functools
import re
from collections.abc import Callable
from typing import NamedTuple

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
RAW = frozenset({"mj-style", "style"})  # what stands in them is CSS, not tags

_ONE = r"""\s+[^\s=/>"'<]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>]+))?"""
_TAG = rf"(?P<name>[A-Za-z][A-Za-z0-9:_.-]*+)(?P<attributes>(?>{_ONE})*+)\s*(?P<empty>/?)>"
_COMMENT = r"(?P<comment><!(?=--).*?-->)|(?P<endless><!--.*)"
_MARKUP = re.compile(rf"{_COMMENT}|<(?P<close>/?){_TAG}", re.DOTALL)
_OPENING = re.compile(  # as _MARKUP, and the CSS of a style element with it
    rf"{_COMMENT}|(?P<style><(?P<raw>{'|'.join(sorted(RAW))})(?>{_ONE})*+\s*>)(?P<css>.*?)(?=</(?P=raw)|\Z)|<{_TAG}",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""\s+([^\s=/>"'<]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+)))?""")


class Kind(enum.StrEnum):
    """What a piece of MJML is."""

    TEXT = "text"  # words, with character references as written
    OPEN = "open"  # <mj-text ...>, or <br /> where `empty` is true
    CLOSE = "close"  # </mj-text>
    RAW = "raw"  # the CSS inside a style element
    COMMENT = "comment"  # <!-- ... -->, conditional comments among them
    BROKEN = "broken"  # a "<" that begins nothing: the rest of the line up to the next tag


class Attribute(NamedTuple):
    """One attribute as written; `value` is None for `<td nowrap>`, `start` is where its name begins."""

    name: str
    value: str | None
    start: int


class Piece(NamedTuple):
    """A run of the source from `start` to `end`; tags bear a name, attributes, and whether they close themselves."""

    kind: Kind
    start: int
    end: int
    name: str = ""
    attributes: tuple[Attribute, ...] = ()
    empty: bool = False


class Places:
    """Turns an offset into the line and column, both from 1, that an editor shows."""

    def __init__(self, source: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", source))]

    def of(self, offset: int) -> tuple[int, int]:
        """Return line and column of `offset`."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@functools.lru_cache(maxsize=8)  # the wrapper and the lint take the same source apart
def pieces(source: str) -> tuple[Piece, ...]:
    """Return the whole source, piece by piece, in order, without gaps. Never raises: what makes no sense is BROKEN."""
    found: list[Piece] = []
    position = 0
    while match := _MARKUP.search(source, position):
        found += _words(source, position, match.start())
        piece = _piece(source, match)
        found.append(piece)
        position = piece.end
        if piece.kind is Kind.OPEN and piece.name in RAW and not piece.empty:
            end = source.find(f"</{piece.name}", position)
            end = len(source) if end < 0 else end
            found.append(Piece(Kind.RAW, position, end))
            position = end
    return (*found, *_words(source, position, len(source)))


def _words(source: str, start: int, end: int) -> list[Piece]:
    """Return what stands between two tags: text, and each "<" in it by itself."""
    found = []
    while (at := source.find("<", start, end)) >= 0:
        found += [Piece(Kind.TEXT, start, at)] if at > start else []
        found.append(Piece(Kind.BROKEN, at, at + 1))
        start = at + 1
    return [*found, Piece(Kind.TEXT, start, end)] if end > start else found


def _piece(source: str, match: re.Match[str]) -> Piece:
    start, end = match.span()
    name = match["name"]
    if name is None:
        return Piece(Kind.COMMENT if match["comment"] else Kind.BROKEN, start, end)
    kind = Kind.CLOSE if match["close"] else Kind.OPEN
    if match["attributes"]:
        attributes = tuple(_attribute(found) for found in _ATTRIBUTE.finditer(source, *match.span("attributes")))
    else:
        attributes = ()
    return Piece(kind, start, end, name, attributes, bool(match["empty"]) or name in VOID)


def _attribute(match: re.Match[str]) -> Attribute:
    name, *values = match.groups()
    return Attribute(name, next((value for value in values if value is not None), None), match.start(1))


def rewritten(source: str, write: Callable[[str, str], str]) -> str:
    """Return the source with each opening tag as `write` makes it, from its name and its text; the rest stays."""

    def changed(match: re.Match[str]) -> str:
        if match["raw"]:
            return write(match["raw"], match["style"]) + match["css"]
        return write(match["name"], match[0]) if match["name"] else match[0]

    return _OPENING.sub(changed, source)
