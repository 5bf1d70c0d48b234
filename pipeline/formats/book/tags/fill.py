"""Puts what the pages draw into the planned tags, and refuses when anything of the source is missing or out of place.

Every character of the source must be drawn, once and in its order; what is drawn and not of the source (running
heads, page numbers, header rows that are repeated, decoration) becomes an artifact.
"""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline import errors
from pipeline.formats.book.tags import boxes
from pipeline.formats.book.tags import plan as plans

HINT = "look at the page: text that is hidden, moved or cut off by the style sheet cannot be read aloud"
SOFT_HYPHEN = "\N{SOFT HYPHEN}"
_NUMBERING = {"•": "Disc", "◦": "Circle", "▪": "Square"}


@dataclasses.dataclass(slots=True)
class Filled:
    """What is not in the tree, and what it needs to be read well."""

    artifacts: list[boxes.Piece] = dataclasses.field(default_factory=list)
    dropped: list[boxes.Piece] = dataclasses.field(default_factory=list)  # links of repeated header rows
    spaces: list[boxes.Piece] = dataclasses.field(default_factory=list)  # texts after which a space must be drawn


def fill(plan: plans.Plan, pieces: Iterable[boxes.Piece]) -> Filled:
    """Fill the tags of a plan; refuses text that is drawn twice, not at all or in another order."""
    filler = _Filler(plan)
    for piece in pieces:
        filler.place(piece)
    filler.check()
    for node in plan.document.walk():
        node.contents.sort(key=lambda content: content[0])
    _number_lists(plan.document)
    filler.filled.spaces = list(_unspaced(plan))
    return filler.filled


class _Filler:
    """Knows how far each element's text has been read."""

    def __init__(self, plan: plans.Plan) -> None:
        self.filled = Filled()
        self._plan = plan
        self._read: dict[plans.Element, tuple[int, int]] = {}  # element -> number of its slot, characters read of it
        self._first: dict[plans.Element, int] = {}  # header or footer of a table -> page where it is first drawn

    def place(self, piece: boxes.Piece) -> None:
        """Put a piece into its tag, or among the artifacts."""
        if piece.element is None or piece.element in self._plan.hidden or self._repeated(piece):
            (self.filled.artifacts if piece.mark >= 0 else self.filled.dropped).append(piece)
        elif piece.annotation is not None:
            self._annotation(piece)
        elif piece.pseudo:
            self._generated(piece)
        elif piece.text:
            self._text(piece)
        else:
            self._picture(piece)

    def _repeated(self, piece: boxes.Piece) -> bool:
        """Say whether a piece belongs to a header row that an earlier page has shown already."""
        for element in self._plan.near(piece.element):
            if plans.tag(element) in {"thead", "tfoot"}:
                return self._first.setdefault(element, piece.page) != piece.page
        return False

    def _annotation(self, piece: boxes.Piece) -> None:
        kinds = {"Form"} if piece.annotation["Subtype"] == "/Widget" else {"Link"}
        for element in self._plan.near(piece.element):
            node = self._plan.homes.get(element)
            if node is not None and node.role in kinds:
                node.contents.append((node.order, piece))
                return
        msg = f"a link or field of the book belongs to no words of its text: {plans.words(piece.element)!r}"
        raise errors.RenderProblem(msg, hint=HINT)

    def _generated(self, piece: boxes.Piece) -> None:
        """Place what the style sheet added: a list's sign or number, the call of a footnote, words before or after."""
        element, home = piece.element, self._plan.homes.get(piece.element)
        slots = self._plan.slots.get(element)
        if not piece.text.strip() or piece.mark < 0:
            self.filled.artifacts.append(piece)
        elif piece.pseudo.endswith("marker") and home is not None:
            label = home.kids[0] if home.kids and home.kids[0].role == "Lbl" else None
            if label is None:
                label = plans.Node("Lbl", home.order, home)
                home.kids.insert(0, label)
            label.contents.append((home.order, piece))
        elif piece.pseudo == "footnote-call" or slots:
            called = self._plan.calls.get(element) if piece.pseudo == "footnote-call" else None
            slot = called or (slots or [])[0 if piece.pseudo == "before" else -1]
            self._into(slot, piece)
        else:
            self.filled.artifacts.append(piece)

    def _into(self, slot: plans.Slot, piece: boxes.Piece) -> None:
        if slot.node is None:
            self.filled.artifacts.append(piece)
            return
        if piece.start < 0:
            piece.start = piece.end = slot.start
        slot.node.contents.append((slot.order, piece))

    def _text(self, piece: boxes.Piece) -> None:
        if not piece.text.strip():
            self.filled.artifacts.append(piece)  # WeasyPrint draws no such text; see `_unspaced`
            return
        slots = self._plan.slots.get(piece.element, [])
        index, at = self._read.get(piece.element, (0, 0))
        while index < len(slots) and not slots[index].text[at:].strip():
            index, at = index + 1, 0
        end = -1
        if index < len(slots):
            hyphen = piece.box.style["hyphenate_character"]
            drawn = (piece.text, piece.text.removesuffix(hyphen))  # where a word is broken, that is added
            end = max(_match(slots[index].text, at, text) for text in drawn)
        if end < 0:
            msg = f"page {piece.page + 1} of a part shows {piece.text!r} where its source says something else"
            raise errors.RenderProblem(msg, hint=HINT)
        slot = slots[index]
        begin = at + len(slot.text[at:]) - len(slot.text[at:].lstrip())
        piece.start, piece.end = slot.start + begin, slot.start + end
        self._read[piece.element] = index, end
        self._into(slot, piece)

    def _picture(self, piece: boxes.Piece) -> None:
        node = self._plan.homes.get(piece.element)
        if node is None:
            self.filled.artifacts.append(piece)
        else:
            node.contents.append((node.order, piece))

    def check(self) -> None:
        """Refuse text of the source that is on no page, and a tag that nothing was drawn for."""
        lost = [
            slot.text[at if number == index else 0 :].strip()
            for element, slots in self._plan.slots.items()
            for index, at in [self._read.get(element, (0, 0))]
            for number, slot in enumerate(slots)
            if slot.node is not None and number >= index
        ]
        empty = [
            node
            for node in self._plan.document.walk()
            if not node.kids and not node.contents and node.role not in {"Document", "TD", "TH"}
        ]
        told = [repr(text[:60]) for text in lost if text]
        told += [f"{node.role} of {plans.words(node.source)[:60]!r}" for node in empty if node.source is not None]
        if told:
            msg = f"these parts of the book's source are on no page: {'; '.join(told[:8])}"
            raise errors.RenderProblem(msg, hint=HINT)


def _match(text: str, at: int, drawn: str) -> int:
    """Return where `drawn` ends in `text` read from `at`, white space, soft hyphens and case aside; -1 if not there."""
    words = drawn.strip()
    begin = at + len(text[at:]) - len(text[at:].lstrip())
    if words and text.startswith(words, begin):  # as it nearly always is
        return begin + len(words)
    folded = ""
    for char in drawn.casefold():
        if char.isspace() or char == SOFT_HYPHEN:
            continue
        while not folded:
            if at == len(text):
                return -1
            folded = text[at].casefold().strip(SOFT_HYPHEN).strip()
            at += 1
        if folded[0] != char:
            return -1
        folded = folded[1:]
    return at


def _number_lists(document: plans.Node) -> None:
    """Say of each list how its items are signed, as its first item shows."""
    for node in document.walk():
        labels = [kid for item in node.kids for kid in item.kids if item.role == "LI" and kid.role == "Lbl"]
        if node.role == "L" and labels and labels[0].contents and plans.tag(node.source) != "dl":
            sign = labels[0].contents[0][1].text.strip()
            node.facts["ListNumbering"] = _NUMBERING.get(sign) or ("Decimal" if sign[:1].isdigit() else "None")


def _unspaced(plan: plans.Plan) -> Iterator[boxes.Piece]:
    """Yield the texts that a space must follow: WeasyPrint drops those at the end of lines and between elements."""
    source = "".join(slot.text for slot in sorted(_all_slots(plan), key=lambda slot: slot.start))
    last: boxes.Piece | None = None
    block: plans.Node | None = None
    for node, piece in _read_aloud(plan.document, plan.document):
        if last is not None and node is block and not (_is_drawn(last.text[-1]) or _is_drawn(piece.text[0])):
            apart = last.around is not piece.around  # as the page number of a line of the contents
            if apart or any(char.isspace() for char in source[last.end : piece.start]):
                yield last
        last, block = piece, node


def _is_drawn(char: str) -> bool:
    """Say whether a character is a space that is drawn: the end of a line is not."""
    return char.isspace() and char != "\n"


def _all_slots(plan: plans.Plan) -> Iterator[plans.Slot]:
    for slots in plan.slots.values():
        yield from slots


def _read_aloud(node: plans.Node, block: plans.Node) -> Iterator[tuple[plans.Node, boxes.Piece]]:
    """Yield the texts below a tag as they are read, each with the block it stands in."""
    inside = block if node.role in {"Link", "Span", "Reference"} else node
    for _, item in merged(node):
        if isinstance(item, plans.Node):
            yield from _read_aloud(item, inside)
        elif item.text:
            yield inside, item


def merged(node: plans.Node) -> list[tuple[int, Any]]:
    """Return what stands directly in a tag, contents and tags, in the order of the source."""
    return sorted([*node.contents, *((kid.order, kid) for kid in node.kids)], key=lambda item: item[0])
