"""MJML taken apart into tags, text and comments, each with its place: what the wrapper rewrites and the lint judges."""

import bisect
import dataclasses
import enum
import re
from collections.abc import Iterator

VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
RAW = frozenset({"mj-style", "style"})  # what stands in them is CSS, not tags

_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:_.-]*)")
_ATTRIBUTE = re.compile(
    r"""\s+(?P<name>[^\s=/>"'<]+)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s"'<>]+)))?"""
)
_END = re.compile(r"\s*(/?)>")


class Kind(enum.StrEnum):
    """What a piece of MJML is."""

    TEXT = "text"  # words, with character references as written
    OPEN = "open"  # <mj-text ...>, or <br /> where `empty` is true
    CLOSE = "close"  # </mj-text>
    RAW = "raw"  # the CSS inside a style element
    COMMENT = "comment"  # <!-- ... -->, conditional comments among them
    BROKEN = "broken"  # a "<" that begins nothing: the rest of the line up to the next tag


@dataclasses.dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute as written; `value` is None for `<td nowrap>`, `start` is where its name begins."""

    name: str
    value: str | None
    start: int


@dataclasses.dataclass(frozen=True, slots=True)
class Piece:
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


def pieces(source: str) -> Iterator[Piece]:
    """Yield the whole source, piece by piece, in order, without gaps. Never raises: what makes no sense is BROKEN."""
    position = 0
    while position < len(source):
        piece = _next(source, position)
        yield piece
        position = piece.end
        if piece.kind is Kind.OPEN and piece.name in RAW and not piece.empty:
            end = source.find(f"</{piece.name}", position)
            end = len(source) if end < 0 else end
            yield Piece(Kind.RAW, position, end)
            position = end


def _next(source: str, start: int) -> Piece:
    if source[start] != "<":
        end = source.find("<", start)
        return Piece(Kind.TEXT, start, len(source) if end < 0 else end)
    if source.startswith("<!--", start):
        end = source.find("-->", start)
        return Piece(Kind.COMMENT, start, end + 3) if end > 0 else Piece(Kind.BROKEN, start, len(source))
    return _tag(source, start) or Piece(Kind.BROKEN, start, start + 1)


def _tag(source: str, start: int) -> Piece | None:
    """Read a tag, or return None where there is none."""
    head = _NAME.match(source, start)
    if not head:
        return None
    position, found = head.end(), []
    while attribute := _ATTRIBUTE.match(source, position):
        value = next((v for v in attribute.group("double", "single", "bare") if v is not None), None)
        found.append(Attribute(attribute["name"], value, attribute.start("name")))
        position = attribute.end()
    tail = _END.match(source, position)
    if not tail:
        return None
    kind = Kind.CLOSE if head[1] else Kind.OPEN
    return Piece(kind, start, tail.end(), head[2], tuple(found), bool(tail[1]) or head[2] in VOID)
