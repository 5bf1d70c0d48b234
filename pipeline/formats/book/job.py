"""One piece of the book's work that a worker process does: what goes in, what comes out. Needs no WeasyPrint itself."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

from pipeline import errors

MOST_TOLD = 5  # overruns named in one message
Face = Mapping[int, tuple[float, str]]
"""What a part uses of a font face: glyph number -> width in thousandths of the size, and its text."""


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """A part as it goes to the press: its HTML, printed number of its first page, style sheet and the files it needs.

    `key` is a digest of all that can change the part. `number` counts the parts of an edition: ids and keys of a part
    begin with it, so that parts can be joined.
    """

    key: str
    name: str
    number: int
    first: int
    html: str
    style: str
    files: Mapping[str, bytes]
    fill_in: bool
    archive: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Overrun:
    """A piece of text that runs off its page: the words to find it by, and the sentence that tells of it."""

    words: str
    said: str


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """How many pages a part has, and on which of them, from 0, each anchor stands.

    A part with an overrun is for nobody: `refuse_overruns` says where it is to be mended.
    """

    count: int
    anchors: Mapping[str, int]
    over: tuple[Overrun, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Laid:
    """A part as it comes from the press: a tagged PDF of its own, its places, and its font faces by name.

    `whole` names the faces that form fields type with: they are embedded whole.
    """

    content: bytes
    places: Places
    faces: Mapping[str, Face]
    whole: frozenset[str]

    def packed(self) -> bytes:
        """Return it as bytes for a store."""
        head = {
            "count": self.places.count,
            "anchors": dict(self.places.anchors),
            "faces": {name: [[gid, *glyph] for gid, glyph in face.items()] for name, face in self.faces.items()},
            "whole": sorted(self.whole),
        }
        return json.dumps(head).encode() + b"\n" + self.content


def unpacked(data: bytes) -> Laid:
    """Return the part that was packed."""
    line, _, content = data.partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    faces = {name: {gid: (width, text) for gid, width, text in face} for name, face in head["faces"].items()}
    return Laid(content, Places(head["count"], head["anchors"]), faces, frozenset(head["whole"]))


def refuse_overruns(over: Sequence[Overrun], place: Callable[[str], str]) -> None:
    """Refuse text that would be cut off; `place` says for its words where they are typed, as "file:line: "."""
    if over:
        told = "\n".join(f"- {place(piece.words)}{piece.said}" for piece in over[:MOST_TOLD])
        msg = f"the book would lose text at the edge of a page:\n{told}"
        hint = "give a long word a hyphen or a space, shorten what stands in the table, or give it fewer columns"
        raise errors.RenderProblem(msg, hint=hint)


def lay_out(sheet: Sheet) -> Laid:
    """Make the pages of a part and write them; see `layout`."""
    laid: Laid = _layout().laid(sheet)
    return laid


def place(sheet: Sheet) -> Places:
    """Make the pages of a part only to see where its anchors fall."""
    places: Places = _layout().placed(sheet)
    return places


def room_below(sheet: Sheet) -> dict[str, tuple[int, float]]:
    """Make the pages of a part only to see how much room is left below its anchors; see `layout`."""
    room: dict[str, tuple[int, float]] = _layout().room_below(sheet)
    return room


def _layout() -> ModuleType:
    try:
        # Imported here because it takes 0.7 s and needs Pango: all else of this program works without.
        from pipeline.formats.book import layout  # noqa: PLC0415
    except (OSError, ImportError) as error:
        msg = f"the book cannot be made: WeasyPrint does not start ({error})"
        hint = "sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        raise errors.MissingPart(msg, hint=hint) from error
    return layout
