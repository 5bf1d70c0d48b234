"""The plan of a part's tag tree, drawn up from its HTML alone: which tags there are, and which text goes into which.

One tag for each element that means something, nested as in the source. Inline elements without a meaning of their own
(span, em, strong) add no tag; text that stands in a grouping element gets a P. A footnote stands right after the
block that calls it. Elements without text, picture or field are left out, but for the cells of a table.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

Element = Any  # lxml.html and xml.etree alike: the gates read the one, WeasyPrint the other

BLOCKS = {
    "section": "Sect", "nav": "Sect", "aside": "Sect", "article": "Art", "main": "Part", "blockquote": "BlockQuote",
    "div": "Div", "header": "Div", "footer": "Div", "form": "Div", "fieldset": "Div", "hgroup": "Div",
    "p": "P", "pre": "P", "address": "P", "legend": "P",
    "h1": "H1", "h2": "H2", "h3": "H3", "h4": "H4", "h5": "H5", "h6": "H6",
    "ul": "L", "ol": "L", "dl": "L", "li": "LI", "dt": "Lbl", "dd": "LBody",
    "table": "Table", "caption": "Caption", "thead": "THead", "tbody": "TBody", "tfoot": "TFoot",
    "tr": "TR", "th": "TH", "td": "TD", "figure": "Figure", "figcaption": "Caption",
}  # fmt: skip
FIELDS = frozenset({"input", "textarea", "select", "button"})
PICTURES = frozenset({"img", "svg"})
CELLS = frozenset({"td", "th"})
SKIPPED = frozenset({"script", "style", "template", "title", "col", "colgroup"})
WRAPPED = dict.fromkeys(("Document", "Sect", "Art", "Part", "Div", "BlockQuote"), "P") | {
    "TOCI": "Reference",  # what a line of the contents says, and its page number
    "Table": "TBody",  # rows without a body of their own
}
LINES = frozenset({"P", "H1", "H2", "H3", "H4", "H5", "H6"})  # their footnotes stand behind them, others' inside
UNCOUNTED = frozenset({"Document", "Lbl"})  # a list's signs and numbers come from the style sheet


@dataclasses.dataclass(eq=False, slots=True)
class Node:
    """One tag. `order` numbers tags and texts as they are read; `contents` is what the pages draw for it."""

    role: str
    order: int
    parent: "Node | None" = None
    source: Element = None
    facts: dict[str, str] = dataclasses.field(default_factory=dict)
    kids: list["Node"] = dataclasses.field(default_factory=list)
    contents: list[tuple[int, Any]] = dataclasses.field(default_factory=list)
    run: "Node | None" = None  # the tag made for the text that stands loose in this one, while it lasts
    notes: list[Element] = dataclasses.field(default_factory=list)  # called here, not yet placed
    item: "Node | None" = None  # the LI of a definition list that its next dd belongs to

    def walk(self) -> Iterator["Node"]:
        """Yield this tag and all below it, as they are read."""
        yield self
        for kid in self.kids:
            yield from kid.walk()


@dataclasses.dataclass(eq=False, slots=True)
class Slot:
    """One piece of text of the source, before or between elements; `start` is its place in all text as it is read."""

    text: str
    order: int
    start: int
    node: Node | None


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """The tags of a part, and where the text and the other contents of each element belong."""

    document: Node
    slots: Mapping[Element, list[Slot]]
    homes: Mapping[Element, Node]  # the tag of an element that has one
    calls: Mapping[Element, Slot]  # where a footnote is called
    parents: Mapping[Element, Element]
    hidden: frozenset[Element]  # drawn as decoration: not in the tree

    def near(self, element: Element) -> Iterator[Element]:
        """Yield an element and those around it, from the inside out."""
        while element is not None:
            yield element
            element = self.parents.get(element)


def tag(element: Element) -> str:
    """Return the name of an element without a namespace; of a comment, nothing."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def classes(element: Element) -> list[str]:
    """Return the classes of an element."""
    return str(element.get("class", "")).split()


def words(element: Element) -> str:
    """Return the text of an element, its words divided by single spaces."""
    return " ".join("".join(str(text) for text in element.itertext()).split())


def is_note(element: Element) -> bool:
    """Say whether an element is a footnote."""
    return "note-text" in classes(element) or element.get("role") == "doc-footnote"


def count(document: Node) -> dict[str, int]:
    """Count the tags by their kind, but for those that the style sheet decides."""
    counts: dict[str, int] = {}
    for node in document.walk():
        if node.role not in UNCOUNTED:
            counts[node.role] = counts.get(node.role, 0) + 1
    return dict(sorted(counts.items()))


def draw_up(root: Element) -> Plan:
    """Return the plan of the part whose root element is given."""
    planner = _Planner(root)
    body = next(child for child in root if tag(child) == "body")
    document = Node("Document", 0)
    planner.fill(body, document)
    planner.close(document)
    return planner.plan(document)


class _Planner:
    """Walks the HTML once in reading order; a footnote's turn comes when the block that calls it ends."""

    def __init__(self, root: Element) -> None:
        self._parents = {child: parent for parent in root.iter() for child in parent}
        self._full = set(self._with_content(root))
        self._orders = itertools.count(1)
        self._length = 0
        self._slots: dict[Element, list[Slot]] = {}
        self._homes: dict[Element, Node] = {}
        self._calls: dict[Element, Slot] = {}
        self._hidden: set[Element] = set()

    def plan(self, document: Node) -> Plan:
        return Plan(document, self._slots, self._homes, self._calls, self._parents, frozenset(self._hidden))

    def _with_content(self, root: Element) -> Iterator[Element]:
        """Yield the elements that hold text, a picture, a field or a cell, and all around them."""
        known: set[Element] = set()
        for element in root.iter():
            name = tag(element)
            texts = [] if name in SKIPPED else [element.text, *(child.tail for child in element)]
            if name in {*FIELDS, *PICTURES, *CELLS} or any(text and text.strip() for text in texts):
                for around in self._around(element):
                    if around in known:
                        break
                    known.add(around)
                    yield around

    def fill(self, element: Element, node: Node) -> None:
        """Plan what stands in an element, into the tag `node`."""
        slots = self._slots[element] = []
        text = element.text or ""
        for child in element:
            if tag(child):
                slots.append(self._slot(text, node))
                self._child(child, node)
                text = ""
            text += child.tail or ""  # that of a comment too, which divides nothing
        slots.append(self._slot(text, node))

    def close(self, node: Node) -> None:
        """End the loose text of a tag, and place the footnotes that it called."""
        node.run = None
        notes, node.notes = node.notes, []
        for element in notes:
            note = self._homes[element] = self._new("Note", node, element)
            self.fill(element, note)
            self.close(note)

    def _slot(self, text: str, node: Node) -> Slot:
        home = self._line(node) if text.strip() else node.run or (None if node.role in WRAPPED else node)
        slot = Slot(text, next(self._orders), self._length, home)
        self._length += len(text)
        return slot

    def _line(self, node: Node) -> Node:
        """Return the tag that takes text in `node`: itself, or one made for the loose text of a grouping tag."""
        if node.role not in WRAPPED:
            return node
        if node.run is None:
            node.run = self._new(WRAPPED[node.role], node)
        return node.run

    def _new(self, role: str, parent: Node, source: Element = None) -> Node:
        node = Node(role, next(self._orders), parent, source)
        if source is not None and source.get("lang"):
            node.facts["Lang"] = source.get("lang")
        parent.kids.append(node)
        return node

    def _child(self, child: Element, node: Node) -> None:
        name = tag(child)
        if name == "br":
            self._slots[child] = [self._slot("\n", node)]
        elif child.get("aria-hidden") == "true" or name in SKIPPED or child.get("type") == "hidden":
            self._hidden.update(child.iter())
        elif child not in self._full:
            self._hidden.update(child.iter())
            self._slots[child] = [self._slot("".join(map(str, child.itertext())), node)]  # a space between words
        elif is_note(child):
            _block(node).notes.append(child)
            self._calls[child] = self._slot("", self._line(node))
        elif name in BLOCKS:
            self._block(child, name, node)
        else:
            self._inline(child, name, node)

    def _inline(self, child: Element, name: str, node: Node) -> None:
        if name in PICTURES or name in FIELDS:
            if child not in self._homes:  # the picture of a figure has that figure's tag
                home = node.run or node
                self._homes[child] = self._new("Figure" if name in PICTURES else "Form", home, child)
                self._homes[child].facts |= alternative(child)
            return
        around = {"cites", "term"} & set(classes(child)) or child.get("role") == "doc-noteref"
        holder = self._new("Reference", self._line(node)) if around else node
        if name == "a" and child.get("href"):
            holder = self._homes[child] = self._new("Link", self._line(holder), child)
        elif child.get("lang") or (name == "abbr" and child.get("title")):
            holder = self._homes[child] = self._new("Span", self._line(holder), child)
            if name == "abbr" and child.get("title"):
                holder.facts["E"] = child.get("title")
        self.fill(child, holder)

    def _block(self, child: Element, name: str, node: Node) -> None:
        if name == "tr" and node.role == "Table":
            node = self._line(node)
        self.close(node)
        made, inner = self._tags(child, name, node)
        self._homes[child] = made
        self.fill(child, inner)
        if inner.role in LINES:
            node.notes, inner.notes = inner.notes, []
            self.close(node)
        else:
            self.close(inner)

    def _tags(self, child: Element, name: str, node: Node) -> tuple[Node, Node]:
        """Make the tag of a block; return it, and the tag inside it that takes its contents."""
        role = BLOCKS[name]
        if name == "li":
            if node.role == "TOC":
                item = self._new("TOCI", node, child)
                return item, item
            item = self._new("LI", node, child)
            return item, self._new("LBody", item)
        if name in {"dt", "dd"}:
            if node.item is None or (name == "dt" and any(kid.role == "LBody" for kid in node.item.kids)):
                node.item = self._new("LI", node)
            made = self._new(role, node.item, child)
            return made, made
        if name == "ol" and any(_is_contents(around) for around in self._around(child)):
            role = "TOC"
        made = self._new(role, node, child)
        if name == "figure":
            self._figure(child, made)
        made.facts |= _facts(child, name)
        return made, made

    def _around(self, element: Element) -> Iterator[Element]:
        while element is not None:
            yield element
            element = self._parents.get(element)

    def _figure(self, element: Element, node: Node) -> None:
        """A figure with one picture is that picture's tag; any other only groups."""
        pictures = [inner for inner in element.iter() if tag(inner) in PICTURES]
        if len(pictures) != 1:
            node.role = "Div"
            return
        self._homes[pictures[0]] = node
        node.facts |= alternative(pictures[0])


def _block(node: Node) -> Node:
    """Return the tag at whose end the footnotes called in `node` are placed."""
    while node.parent and (node.role in {"Link", "Span", "Reference"} or node.parent.run is node):
        node = node.parent
    return node


def _is_contents(element: Element) -> bool:
    """Say whether the numbered lists in an element lead to pages of the book: contents, lists of worksheets."""
    return tag(element) == "nav" or element.get("role") == "doc-toc" or "contents" in classes(element)


def alternative(element: Element) -> dict[str, str]:
    """Return what a picture shows, in words."""
    if tag(element) == "img":
        alt = element.get("alt")
    else:
        titles = (words(child) for child in element if tag(child) == "title")
        alt = element.get("aria-label") or next(titles, None)
    return {"Alt": alt} if alt else {}


def _facts(element: Element, name: str) -> dict[str, str]:
    """Return what a tag says beside its contents: an aside its title, a header cell which cells it heads."""
    if name == "aside":
        title = element.get("aria-label") or next((words(child) for child in element if tag(child)), "")
        return {"T": title}
    if name not in CELLS:
        return {}
    spans = {"ColSpan": element.get("colspan", "1"), "RowSpan": element.get("rowspan", "1")}
    facts = {key: value for key, value in spans.items() if value != "1"}
    if name == "th":
        scope = element.get("scope", "col")
        facts["Scope"] = "/Row" if scope.startswith("row") else "/Column"
    return facts
