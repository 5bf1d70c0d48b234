"""From a line and column of the filled-in MJML back to the line and column of the template, which a person can edit."""

import bisect
import re
from pathlib import Path

from pipeline import templating

_FAR = 1500  # characters: as long as a tag with its attributes may be
_PLACE = re.compile(r"(?:the mail's MJML, )?line (\d+), column (\d+)")


class Origins:
    """Maps places of one filled-in MJML to files below templates/; `traced` is the same MJML with its traces."""

    def __init__(self, traced: str, templates: Path, folder: str) -> None:
        self._text, self._traces = templating.untraced(traced)
        self._lines = [0, *(match.end() for match in re.finditer("\n", self._text))]
        self._templates, self._folder = templates, folder

    def of(self, line: int, column: int) -> tuple[str, int, int] | None:
        """Return file, line and column, counted from 1; None for what stands before the first tag of a template."""
        offset = self._lines[min(line, len(self._lines)) - 1] + column - 1
        mark = self._traces.of(offset)
        if mark is None:
            return None
        start, name, line, column = mark
        path = self._templates / self._folder / name
        path = path if path.is_file() else self._templates / name
        shown = f"templates/{path.relative_to(self._templates).as_posix()}"
        return (shown, *self._onward(path.read_text(encoding="utf-8"), (line, column), start, offset))

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
