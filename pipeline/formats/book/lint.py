"""A look at the book's HTML before any page is made: faults that every validator of PDFs lets pass, or names too late.

    lint.check([("content/book/01-start-here.md", html), ...])

A fault is a sentence that begins with the file it was found in. Ids and links are compared over all parts together.
"""

import collections
import re
from collections.abc import Callable, Iterator, Sequence

import lxml.html

from pipeline import errors
from pipeline.formats.book.tags import plan

Element = plan.Element
Rule = Callable[[Element], str]
Part = tuple[str, str]
"""The file that a part's text comes from, and its HTML."""

HEADING = re.compile(r"h([1-6])")
_LOCAL = re.compile(r"(?:#|xref:)(.*)")


def check(parts: Sequence[Part]) -> None:
    """Refuse parts that have a fault, and list them all."""
    found = faults(parts)
    if found:
        msg = f"the book's text has {len(found)} faults:\n" + "\n".join(f"- {fault}" for fault in found)
        raise errors.RenderProblem(msg, hint="mend the chapter, or the template in templates/book that wrote it")


def faults(parts: Sequence[Part]) -> list[str]:
    """Return a sentence for each fault, in the order of the book."""
    read = [(file, lxml.html.document_fromstring(html)) for file, html in parts]
    found = [f"{file}: {fault}" for file, root in read for fault in _of_part(root)]
    return [*found, *_of_book(read)]


def _of_part(root: Element) -> Iterator[str]:
    level = 0
    for element in root.iter():
        name = plan.tag(element)
        if match := HEADING.fullmatch(name):
            if int(match[1]) > level + 1:
                yield f"the heading {_told(element)} is {name}, and the one before it h{level}"
            level = int(match[1])
        for rule in _RULES.get("h" if match else name, ()):
            if said := rule(element):
                yield said
        if plan.is_note(element) and (said := _closed_note(element)):
            yield said


def _of_book(read: Sequence[tuple[str, Element]]) -> Iterator[str]:
    """Compare ids and links over all parts."""
    ids: dict[str, list[str]] = collections.defaultdict(list)
    for file, root in read:
        for name in root.xpath("//@id"):
            ids[str(name)].append(file)
    for name, files in ids.items():
        if len(files) > 1:
            yield f"{files[0]}: the id {name!r} is used {len(files)} times, last in {files[-1]}"
    for file, root in read:
        for link in root.iter("a"):
            target = _LOCAL.fullmatch(str(link.get("href", "")))
            if target and target[1] not in ids:
                yield f"{file}: the link {_told(link)} leads to {target[1]!r}, which is not in the book"


def _told(element: Element) -> str:
    """Name an element by its first words, or by its target or id."""
    words = plan.words(element)
    return repr(words[:60] if words else element.get("href") or element.get("id") or f"<{plan.tag(element)}>")


def _line(element: Element) -> str:
    """Name the place of an element without words by what stands before it."""
    before = " ".join(" ".join(map(str, element.xpath("preceding::text()"))).split())
    return f"after {before[-50:]!r}" if before else "at its beginning"


# --- the rules: each returns a sentence, or nothing -----------------------------------------------


def _empty_heading(heading: Element) -> str:
    return "" if plan.words(heading) else f"a heading {plan.tag(heading)} is empty, {_line(heading)}"


def _note_in_heading(heading: Element) -> str:
    notes = any(plan.is_note(inner) for inner in heading.iter() if plan.tag(inner))
    return f"the heading {_told(heading)} calls a footnote: it would be read out in the outline" if notes else ""


def _mute_picture(picture: Element) -> str:
    if plan.alternative(picture).get("Alt", "").strip():
        return ""
    name = picture.get("src", "").rpartition("/")[2] or f"<{plan.tag(picture)}>"
    return f"the drawing {name!r} has no words for people who cannot see it ({_line(picture)})"


def _silent_link(link: Element) -> str:
    if not link.get("href") or plan.words(link):
        return ""
    return f"the link to {link.get('href')!r} has no text"


def _filled_link(link: Element) -> str:
    inner = next((child for child in link if plan.tag(child) and not _is_space(child)), None)
    if inner is None or not link.get("href"):
        return ""
    return f"the link {_told(link)} holds an element {plan.tag(inner)}, which would fall out of its tag"


def _is_space(element: Element) -> bool:
    """Say whether an element is the space that `typography` sets between words."""
    return plan.tag(element) == "span" and not element.attrib and not plan.words(element)


def _unnamed_table(table: Element) -> str:
    captions = [child for child in table if plan.tag(child) == "caption" and plan.words(child)]
    return "" if captions else f"a table has no caption ({_line(table)})"


def _headless_table(table: Element) -> str:
    return "" if next(table.iter("th"), None) is not None else f"a table has no header cells ({_line(table)})"


def _vague_header(cell: Element) -> str:
    if cell.get("scope") in {"col", "row", "colgroup", "rowgroup"}:
        return ""
    return f"the header cell {_told(cell)} does not say whether it heads a row or a column"


def _unlabelled_field(field: Element) -> str:
    if field.get("type") == "hidden" or (field.get("name") and (field.get("title") or "").strip()):
        return ""
    return f"the field {field.get('name') or ''!r} needs a name and a title that says what to fill in ({_line(field)})"


def _closed_note(note: Element) -> str:
    if not note.get("id"):
        return f"the footnote {_told(note)} has no id"
    back = any(_LOCAL.fullmatch(str(link.get("href", ""))) for link in note.iter("a"))
    return "" if back else f"the footnote {_told(note)} has no way back to the text"


_RULES: dict[str, tuple[Rule, ...]] = {
    "h": (_empty_heading, _note_in_heading),
    "img": (_mute_picture,),
    "svg": (_mute_picture,),
    "a": (_silent_link, _filled_link),
    "table": (_unnamed_table, _headless_table),
    "th": (_vague_header,),
    "input": (_unlabelled_field,),
    "textarea": (_unlabelled_field,),
    "select": (_unlabelled_field,),
}
