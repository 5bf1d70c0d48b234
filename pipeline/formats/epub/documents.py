"""The pages of an EPUB as trees: read from templates, given their meaning, linked across files, written as XHTML."""

import dataclasses
from collections.abc import Iterator, Sequence

import lxml.etree

from pipeline import errors
from pipeline.formats._chapters import typography

XHTML = "http://www.w3.org/1999/xhtml"
OPS = "http://www.idpf.org/2007/ops"
TYPE = f"{{{OPS}}}type"
_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "col"})
_PARSER = lxml.etree.XMLParser(resolve_entities=False, no_network=True)
_BOXES = {  # class of a box -> its element and what it is called by a screen reader
    "note": ("aside", "doc-tip"),
    "example": ("aside", "doc-example"),
    "warning": ("section", "doc-notice"),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Document:
    """One page of the book: its file in the EPUB, its title, and its tree, which the steps below change in place."""

    file: str
    title: str
    root: lxml.etree._Element


def read(file: str, title: str, text: str) -> Document:
    """Parse a filled template and set its type; refuses what is not well-formed XML, naming file and line."""
    try:
        root = lxml.etree.fromstring(text.encode(), _PARSER)
    except lxml.etree.XMLSyntaxError as error:
        line = text.splitlines()[error.lineno - 1].strip() if error.lineno else ""
        msg = f"{file} of the EPUB is not well-formed: {error.msg}: {line[:120]}"
        raise errors.RenderProblem(msg, hint="mend the template in templates/epub, or the text it was given") from error
    typography.curl(root)
    _name_links(root)
    _name_boxes(root)
    _plain_corners(root)
    return Document(file, title, root)


def tag(element: lxml.etree._Element) -> str:
    """Return an element's name without its namespace; a comment has none."""
    return lxml.etree.QName(element).localname if isinstance(element.tag, str) else ""


def elements(root: lxml.etree._Element, name: str) -> Iterator[lxml.etree._Element]:
    """Yield the XHTML elements called `name`, in order; of a list that may be changed meanwhile."""
    return iter(list(root.iter(f"{{{XHTML}}}{name}")))


def make(name: str, **attributes: str) -> lxml.etree._Element:
    """Return an XHTML element that stands in no tree yet."""
    return lxml.etree.Element(f"{{{XHTML}}}{name}", attributes)


def _name_links(root: lxml.etree._Element) -> None:
    """Say what a link of the text is: to a note, to the glossary or to a source."""
    for link in elements(root, "a"):
        parent = link.getparent()
        if link.get("class") == "term":
            kind = "glossref" if link.get("href", "").startswith("#glossary-") else "noteref"
        elif parent is not None and parent.get("class") == "cites":
            kind = "biblioref"
        else:
            continue
        link.set(TYPE, kind)
        link.set("role", f"doc-{kind}")


def _name_boxes(root: lxml.etree._Element) -> None:
    """Tell notes, examples and warnings apart for a screen reader too, and give each its title as a name."""
    own = next((section.get("id", "") for section in elements(root, "section")), "")
    for number, box in enumerate(elements(root, "aside"), start=1):
        name, role = _BOXES.get(box.get("class", "").partition(" ")[0], ("", ""))
        if not name:
            continue
        box.tag = f"{{{XHTML}}}{name}"
        box.set("role", role)
        title = box[0]
        title.set("id", f"{own}-box-{number}")
        box.set("aria-labelledby", f"{own}-box-{number}")


def _plain_corners(root: lxml.etree._Element) -> None:
    """Make a header cell without words a plain cell: it heads nothing."""
    for cell in elements(root, "th"):
        if not "".join(map(str, cell.itertext())).strip():
            cell.tag = f"{{{XHTML}}}td"
            cell.attrib.pop("scope", "")


def link(documents: Sequence[Document]) -> None:
    """Lead each link within the book to its target's file; refuses a target that is not there, or is there twice."""
    files: dict[str, str] = {}
    for document in documents:
        for name in filter(None, (element.get("id") for element in document.root.iter())):
            if name in files:
                _refuse(f"{document.file} of the EPUB has the id {name!r}, which {files[name]} has too")
            files[name] = document.file
    for document in documents:
        for anchor in elements(document.root, "a"):
            target = anchor.get("href", "")
            if target.startswith("#"):
                if target[1:] not in files:
                    _refuse(f"{document.file} of the EPUB leads to {target}, which is nowhere in the book")
                file = files[target[1:]]
                anchor.set("href", target if file == document.file else file + target)


def detach(document: Document) -> None:
    """Let links to other files lead nowhere: a page that is shown alone has none."""
    own = {element.get("id") for element in document.root.iter()}
    for anchor in elements(document.root, "a"):
        target = anchor.get("href", "")
        if target.startswith("#") and target[1:] not in own:
            del anchor.attrib["href"]


def _refuse(msg: str) -> None:
    raise errors.RenderProblem(msg, hint="mend the template in templates/epub, or report this with the chapter's text")


def written(document: Document) -> bytes:
    """Return the page as an XHTML file. An empty element keeps its end tag, for programs that take it for HTML."""
    for element in document.root.iter():
        if isinstance(element.tag, str) and tag(element) not in _VOID and not len(element) and not element.text:
            element.text = ""
    body = lxml.etree.tostring(document.root, encoding="utf-8")
    return b'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n' + bytes(body) + b"\n"
