"""Does a part's text stay on its pages? What runs past the margin would be cut off, and nobody would be told."""

from collections.abc import Iterator
from typing import Any

from weasyprint.formatting_structure import boxes

SLACK = 2.0  # CSS pixels: a sign may hang over by so much
_OUTSIDE = (boxes.MarginBox,)  # running heads have a place of their own


def overruns(page: Any) -> Iterator[str]:
    """Yield a sentence for each table and each line of text that is wider than the page's text, given a page box."""
    right = page.content_box_x() + page.width + SLACK
    for child in page.children:
        if not isinstance(child, _OUTSIDE):
            yield from _beyond(child, right)


def _beyond(box: Any, right: float) -> Iterator[str]:
    if isinstance(box, boxes.LineBox):
        if (over := _end(box) - right) > 0:
            words = "".join(_words(box)).strip()
            yield f"the line {_short(words)!r} runs {over * 0.75:.0f} points past the margin"
        return
    if isinstance(box, boxes.TableBox) and (over := box.position_x + box.margin_width() - right) > 0:
        words = " | ".join("".join(_words(cell)).strip() for cell in _cells(box))
        yield f"the table {_short(words)!r} runs {over * 0.75:.0f} points past the margin"
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


def _words(box: Any) -> Iterator[str]:
    if isinstance(box, boxes.TextBox):
        yield box.text
    for child in getattr(box, "children", ()):
        yield from _words(child)


def _cells(box: Any) -> Iterator[Any]:
    for child in getattr(box, "children", ()):
        if isinstance(child, boxes.TableCellBox):
            yield child
        else:
            yield from _cells(child)


def _short(words: str) -> str:
    return words if len(words) <= 60 else words[:57] + "..."  # noqa: PLR2004  enough to find it
