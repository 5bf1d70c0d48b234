"""From a line and column of the filled-in MJML back to the line and column of the template, which a person can edit."""

import bisect
import re
from pathlib import Path

from pipeline import templating
from pipeline.mjml import scan

_FAR = 1500  # characters: as long as a tag with its attributes may be
MARKED, MARK = "data-from", "from-"  # an attribute of HTML, a class of MJML: both come out of the compiler
_CLASS = "css-class"
_PLACE = re.compile(r"(?:the mail's MJML, )?line (\d+), column (\d+)")


class Origins:
    """Maps places of one filled-in MJML to files below templates/; `traced` is the same MJML with its traces."""

    def __init__(self, traced: str, templates: Path, folder: str) -> None:
        self._text, self._traces = templating.untraced(traced)
        self._lines = [0, *(match.end() for match in re.finditer("\n", self._text))]
        self._templates, self._folder = templates, folder

    def of(self, line: int, column: int) -> tuple[str, int, int] | None:
        """Return file, line and column, counted from 1; None for what stands before the first tag of a template."""
        return self.at(self._lines[min(line, len(self._lines)) - 1] + column - 1)

    def at(self, offset: int) -> tuple[str, int, int] | None:
        """Return the same for an offset of the filled-in MJML."""
        mark = self._traces.of(offset)
        if mark is None:
            return None
        start, name, line, column = mark
        path = self._templates / self._folder / name
        path = path if path.is_file() else self._templates / name
        shown = f"templates/{path.relative_to(self._templates).as_posix()}"
        return (shown, *self._onward(path.read_text(encoding="utf-8"), (line, column), start, offset))

    def marked(self) -> str:
        """Return the MJML with the offset of each tag of its body written into that tag."""
        parts, end = [], 0
        for piece in scan.pieces(self._text):
            if piece.kind is scan.Kind.OPEN and piece.start > self._text.find("<mj-body"):
                at, words = _mark(piece)
                parts += [self._text[end:at], words]
                end = at
        return "".join([*parts, self._text[end:]])

    def in_words(self, message: str) -> str:
        """Return a message with each place of the filled-in MJML replaced by file:line:column of the template."""

        def placed(match: re.Match[str]) -> str:
            found = self.of(int(match[1]), int(match[2]))
            return ":".join(map(str, found)) if found else match[0]

        return _PLACE.sub(placed, message)

    def _onward(self, template: str, place: tuple[int, int], start: int, offset: int) -> tuple[int, int]:
        """Go on from the tag in the template to the attribute or word that stands at `offset` of what is filled in."""
        lines = [0, *(match.end() for match in re.finditer("\n", template))]
        at = lines[place[0] - 1] + place[1] - 1
        passed = self._text[start:offset]
        if template.startswith(passed, at):
            at += len(passed)
        elif word := re.match(r"\s?[\w:-]+", self._text[offset - 1 :]):
            found = template.find(word[0], at, at + _FAR)
            at = at if found < 0 else found + len(word[0]) - len(word[0].lstrip())
        line = bisect.bisect_right(lines, at)
        return line, at - lines[line - 1] + 1


def _mark(piece: scan.Piece) -> tuple[int, str]:
    """Return where in the source the mark of a tag goes, and the mark."""
    after = piece.start + len(f"<{piece.name}")
    if not piece.name.startswith("mj"):
        return after, f' {MARKED}="{MARK}{piece.start}"'
    own = next((attribute for attribute in piece.attributes if attribute.name == _CLASS), None)
    if own is None:
        return after, f' {_CLASS}="{MARK}{piece.start}"'
    return own.start + len(f'{_CLASS}="'), f"{MARK}{piece.start} "
