"""Does a part's text stay on its pages? What runs past the margin would be cut off, and nobody would be told."""

import itertools
from collections.abc import Iterator
from typing import Any

from weasyprint.formatting_structure import boxes

from pipeline.formats.book import job

SLACK = 2.0  # CSS pixels: a sign may hang over by so much
POINTS = 0.75  # in a CSS pixel
_OUTSIDE = (boxes.MarginBox,)  # running heads have a place of their own


def overruns(page: Any) -> Iterator[job.Overrun]:
    """Yield each table and each line of text that is wider than the page's text, given a page box."""
    right = page.content_box_x() + page.width + SLACK
    margin = f"points past the margin of a text {page.width * POINTS:.0f} points wide"
    for child in page.children:
        if not isinstance(child, _OUTSIDE):
            for what, words, over in _beyond(child, right):
                yield job.Overrun(words, f"{what} runs {over * POINTS:.0f} {margin}")


def _beyond(box: Any, right: float) -> Iterator[tuple[str, str, float]]:
    """Yield what is too wide, the words to find it by, and by how many pixels it is."""
    if isinstance(box, boxes.LineBox):
        if (over := _end(box) - right) > 0:
            words = _text(box)
            yield f"the line {_short(words)!r}", words, over
        return
    if isinstance(box, boxes.TableBox) and (over := box.position_x + box.margin_width() - right) > 0:
        rows = [[_text(cell) for cell in _below(row, boxes.TableCellBox)] for row in _below(box, boxes.TableRowBox)]
        widest = max(rows, key=lambda cells: max(map(len, " ".join(cells).split()), default=0), default=[])
        yield f"the table {_short(' | '.join(itertools.chain(*rows)))!r}", " ".join(widest), over
        return
    if box.style["overflow"] == "visible":  # else it is hidden on purpose, such as what is only read aloud
        for child in getattr(box, "children", ()):
            yield from _beyond(child, right)


def _end(box: Any) -> float:
    """Return where the last letter of a line ends."""
    ends = [_end(child) for child in getattr(box, "children", ())]
    if isinstance(box, boxes.TextBox) and box.text.strip():
        ends.append(box.position_x + box.width)
    return max(ends, default=0.0)


def _text(box: Any) -> str:
    return "".join(_words(box)).strip()


def _words(box: Any) -> Iterator[str]:
    if isinstance(box, boxes.TextBox):
        yield box.text
    for child in getattr(box, "children", ()):
        yield from _words(child)


def _below(box: Any, kind: type) -> Iterator[Any]:
    for child in getattr(box, "children", ()):
        if isinstance(child, kind):
            yield child
        else:
            yield from _below(child, kind)


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:57] + "..."  # noqa: PLR2004  enough to find it
