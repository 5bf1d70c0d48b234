"""MJML judged before it is compiled, because the compiler takes everything: each fault with its line and column."""

import dataclasses
import difflib

from pipeline.mjml import components, scan

_DEFAULTS = frozenset({"mj-all", "mj-class"})
_SHOWN = 40  # characters of a wrong value or text that a message repeats


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class LintFault:
    """One fault; line and column count from 1. `blocking`: the mail would be broken, or not look as meant."""

    line: int
    column: int
    message: str
    hint: str
    blocking: bool


def lint(source: str) -> list[LintFault]:
    """Return every fault of `source`, in reading order; an empty list is a promise that it compiles as written."""
    judge = _Judge(source)
    for piece in scan.pieces(source):
        judge.take(piece)
    return judge.finish()


class _Judge:
    """Walks the pieces once and remembers what is open."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._places = scan.Places(source)
        self._open: list[scan.Piece] = []
        self._faults: list[LintFault] = []
        self._seen: set[str] = set()
        self._classes: set[str] = set()
        self._classes_used: list[tuple[str, int]] = []
        self._body_width = 600.0
        self._divider_padding = "10px 25px"

    def take(self, piece: scan.Piece) -> None:
        """Judge one piece."""
        if piece.kind is scan.Kind.OPEN:
            self._begin(piece)
        elif piece.kind is scan.Kind.CLOSE:
            self._end(piece)
        elif piece.kind is scan.Kind.TEXT:
            self._text(piece)
        elif piece.kind is scan.Kind.RAW:
            self._style(piece)
        elif piece.kind is scan.Kind.BROKEN:
            self._fault(piece.start, 'a "<" that begins no tag', "write &lt;, or close the tag, quote or comment")

    def finish(self) -> list[LintFault]:
        """Judge what can only be known at the end."""
        for piece in self._open:
            self._fault(piece.start, f"<{piece.name}> is never closed", f"write </{piece.name}> where it ends")
        for name in ("mjml", "mj-body", "mj-title"):
            if name not in self._seen:
                self._fault(0, f"there is no <{name}>", "every mail has one; see templates/email/digest.mjml.j2")
        for name, start in self._classes_used:
            if name not in self._classes:
                self._fault(start, f'mj-class "{name}" is defined nowhere', f'add <mj-class name="{name}" ... />')
        return sorted(self._faults)

    def _fault(self, offset: int, message: str, hint: str, *, blocking: bool = True) -> None:
        line, column = self._places.of(offset)
        self._faults.append(LintFault(line, column, message, hint, blocking))

    def _component(self) -> str:
        """Return the name of the innermost open component, "" outside of all."""
        return next((piece.name for piece in reversed(self._open) if piece.name.startswith("mj")), "")

    def _begin(self, piece: scan.Piece) -> None:
        self._duplicates(piece)
        if piece.name.startswith("mj"):
            self._begin_component(piece, self._component())
        elif self._component() not in components.CONTENT:
            self._misplaced_html(piece)
        if not piece.empty:
            self._open.append(piece)

    def _end(self, piece: scan.Piece) -> None:
        names = [other.name for other in self._open]
        if piece.name in scan.VOID:
            self._fault(piece.start, f"</{piece.name}> ends nothing", f"write <{piece.name} /> alone")
        elif piece.name not in names:
            self._fault(piece.start, f"</{piece.name}> was never opened", "take it out, or open it before")
        else:
            while self._open[-1].name != piece.name:
                left = self._open.pop()
                self._fault(left.start, f"<{left.name}> is never closed", f"close it before </{piece.name}>")
            self._open.pop()

    def _text(self, piece: scan.Piece) -> None:
        words = self._source[piece.start : piece.end].strip()
        parent = self._component()
        if words and parent not in components.CONTENT:
            first = piece.start + self._source[piece.start : piece.end].index(words[0])
            where = f"directly in <{parent}>" if parent else "outside of everything"
            self._fault(first, f"text {words[:_SHOWN]!r} {where}", "put it into <mj-text>")

    def _style(self, piece: scan.Piece) -> None:
        css = self._source[piece.start : piece.end]
        opened, closed = css.count("{"), css.count("}")
        if opened != closed:
            message = f"this style opens {opened} braces and closes {closed}: mail programs drop what follows"
            self._fault(piece.start, message, "close every rule and every @media with }")

    def _misplaced_html(self, piece: scan.Piece) -> None:
        parent = self._component()
        if parent not in components.PARENTS and parent:
            return  # an unknown component, told already
        where = f"directly in <{parent}>" if parent else "outside of everything"
        self._fault(piece.start, f"HTML <{piece.name}> {where}", "put it into <mj-text>, or into <mj-raw>")

    def _duplicates(self, piece: scan.Piece) -> None:
        seen: set[str] = set()
        for attribute in piece.attributes:
            if attribute.name in seen:
                self._fault(attribute.start, f"<{piece.name}> has {attribute.name} twice", "keep one of the two")
            seen.add(attribute.name)

    def _begin_component(self, piece: scan.Piece, parent: str) -> None:
        if parent == "mj-attributes":
            self._default(piece)
            return
        self._seen.add(piece.name)
        if piece.name not in components.PARENTS:
            self._unknown(piece)
            return
        self._nesting(piece, parent)
        self._required(piece)
        if piece.name == "mj-divider":
            self._divider(piece)
        for attribute in piece.attributes:
            self._attribute(piece, attribute)

    def _unknown(self, piece: scan.Piece) -> None:
        family = next((name for name in components.REFUSED if piece.name.startswith(name)), "")
        if family:
            self._fault(piece.start, f"<{piece.name}> is not used in this house", components.REFUSED[family])
        else:
            self._fault(piece.start, f"there is no <{piece.name}>", _nearest(piece.name, components.PARENTS))

    def _nesting(self, piece: scan.Piece, parent: str) -> None:
        allowed = components.PARENTS[piece.name]
        if parent in allowed or (not parent and not allowed):
            return
        where = f"in <{parent}>" if parent else "outside of everything"
        place = " or ".join(f"<{name}>" for name in allowed) or "the outermost place"
        self._fault(piece.start, f"<{piece.name}> cannot stand {where}", f"it belongs into {place}")

    def _required(self, piece: scan.Piece) -> None:
        given = {attribute.name for attribute in piece.attributes}
        for name, hint in components.REQUIRED.get(piece.name, ()):
            if name not in given:
                self._fault(piece.start, f"<{piece.name}> has no {name}", hint)

    def _attribute(self, piece: scan.Piece, attribute: scan.Attribute) -> None:
        value = attribute.value or ""
        if attribute.name == "mj-class":
            self._classes_used += [(name, attribute.start) for name in value.split()]
        elif attribute.name not in components.EVERYWHERE:
            known = components.ATTRIBUTES[piece.name]
            self._value(piece.name, attribute, known)
            self._trap(piece.name, attribute)

    def _value(self, name: str, attribute: scan.Attribute, known: components.Attributes) -> None:
        value = attribute.value or ""
        values = known.get(attribute.name)
        if values is None:
            self._fault(attribute.start, f"<{name}> has no {attribute.name} here", _nearest(attribute.name, known))
        elif not values.pattern.fullmatch(value.strip()):
            message = f'{attribute.name}="{value[:_SHOWN]}" makes no sense in <{name}>'
            self._fault(attribute.start, message, f"write {values.words}")

    def _trap(self, name: str, attribute: scan.Attribute) -> None:
        """Refuse what is valid MJML and comes out wrong."""
        value = (attribute.value or "").strip()
        if name == "mj-wrapper" and attribute.name.startswith("padding") and value.strip("0px% "):
            hint = 'write padding="0" and pad the sections inside'
            self._fault(attribute.start, "a padded <mj-wrapper> gets wrong widths in Outlook", hint)
        width = _px(value) if attribute.name == "width" else 0.0
        if name == "mj-body" and width:
            self._body_width = width
        if name == "mj-image" and width > self._body_width:
            message = f"this picture is {value} wide, the mail is {self._body_width:g}px"
            self._fault(attribute.start, message, "give a smaller width: the compiler does not clamp it")

    def _divider(self, piece: scan.Piece) -> None:
        """Tell of side padding, which the compiler leaves out of the width it gives to Outlook."""
        own = {attribute.name: attribute.value or "" for attribute in piece.attributes}
        sides = own.get("padding", self._divider_padding).split()
        left_right = [sides[1 % len(sides)], sides[-1] if len(sides) == len("trbl") else sides[1 % len(sides)]]
        left_right += [own.get("padding-left", ""), own.get("padding-right", "")]
        if any(side.strip("0px%") for side in left_right):
            message = "a <mj-divider> with padding at its sides is too wide in Outlook"
            hint = 'write padding="12px 0", or give the text below it a border in inline.css.j2'
            self._fault(piece.start, message, hint, blocking=False)

    def _default(self, piece: scan.Piece) -> None:
        """Judge an entry of mj-attributes: a component's defaults, mj-all or an mj-class."""
        attributes = [attribute for attribute in piece.attributes if attribute.name not in components.EVERYWHERE]
        if piece.name in _DEFAULTS:
            known = {name: values for table in components.ATTRIBUTES.values() for name, values in table.items()}
            for attribute in attributes:
                if piece.name == "mj-class" and attribute.name == "name":
                    self._classes.add(attribute.value or "")
                elif attribute.name not in known:
                    self._value(piece.name, attribute, known)
        elif piece.name not in components.PARENTS:
            self._unknown(piece)
        else:
            for attribute in attributes:
                self._value(piece.name, attribute, components.ATTRIBUTES[piece.name])
                self._trap(piece.name, attribute)
                if (piece.name, attribute.name) == ("mj-divider", "padding"):
                    self._divider_padding = attribute.value or "0"


def _nearest(name: str, known: components.Attributes | dict[str, tuple[str, ...]]) -> str:
    """Name the word that was probably meant, or all that there are."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"there are: {', '.join(sorted(known)) or 'none'}"


def _px(value: str) -> float:
    number = value.removesuffix("px")
    return float(number) if number.replace(".", "", 1).isdigit() else 0.0
