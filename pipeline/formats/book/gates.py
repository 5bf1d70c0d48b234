"""The gates of the book: what a finished PDF must be before anyone gets it. Each fault found is a sentence.

1. `page-validation` judges it by PDF/UA-1, and an archived one by PDF/A-3a too.
2. Its tags are counted and compared with those that its source must give (`tags.expected`).
3. What no standard asks but a reader needs: page labels, outline, fields with names and labels in the order of the
   text, links that say where they lead and lead there, our own fonts, nothing outside, a size within its budget.
"""

import collections
import dataclasses
import functools
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import lxml.html
import page
import pikepdf
from pikepdf import Array, Dictionary, Name

from pipeline import model
from pipeline.formats.book import finish, tags

OUTSIDE = re.compile(r"(https?|mailto):")  # where a link may lead
TOLD = 5  # examples named in a sentence
_EMPTY_ALLOWED = {"/TD", "/TH"}  # a cell stands for its place in the grid
_ACTIVE = ("/OpenAction", "/AA", "/Collection")
_NEEDLESS = "it carries or asks for what a book has no need of"
_CARRIED = ("/EmbeddedFiles", "/JavaScript")


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """What the source of a book gives: how many tags of each kind, and the label of each form field by its name."""

    tags: Mapping[str, int]
    fields: Mapping[str, str]


def expected(parts: Iterable[str]) -> Expected:
    """Return what the HTML of all parts together must give."""
    counts: collections.Counter[str] = collections.Counter()
    fields: dict[str, str] = {}
    for part in map(_expected, parts):
        counts.update(part.tags)
        fields |= part.fields
    return Expected(dict(sorted(counts.items())), fields)


@functools.lru_cache(maxsize=200)  # in a process that judges again and again: most parts are those of the last time
def _expected(html: str) -> Expected:
    root = lxml.html.document_fromstring(html)
    fields = {str(field.get("name")): str(field.get("title")) for field in root.iter("input", "textarea")}
    return Expected(tags.expected(html), fields)


def judge(content: bytes, wanted: Expected, edition: model.BookEdition, *, first: str = "Cover") -> list[str]:
    """Return what is wrong with the PDF of an edition, a sentence each; none when it may go out.

    `first` is the label of the first page.
    """
    return [*validated(content, edition), *inspected(content, wanted, edition, first=first)]


def validated(content: bytes, edition: model.BookEdition) -> list[str]:
    """Return what is wrong with it by the standards: the first gate."""
    return [f"{edition.file}: {fault}" for fault in _validated(content, edition)]


def inspected(content: bytes, wanted: Expected, edition: model.BookEdition, *, first: str = "Cover") -> list[str]:
    """Return what is wrong with it that no standard asks: the other gates. They need not wait for the first."""
    faults: list[str] = []
    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            faults += [*_looked_at(pdf, wanted, edition), *_ways(pdf, first)]
    except pikepdf.PdfError as error:
        faults.append(f"it cannot be read: {error}")
    size = len(content) / 1000
    if size > edition.size_budget_kb:
        faults.append(f"it has {size:,.0f} KB, and its budget is {edition.size_budget_kb:,} KB")
    return [f"{edition.file}: {fault}" for fault in faults]


def _looked_at(pdf: pikepdf.Pdf, wanted: Expected, edition: model.BookEdition) -> Iterator[str]:
    seen = _Seen(pdf)
    yield from _tags(seen, wanted)
    yield from _links(seen)
    yield from _fields(seen, wanted, edition)
    yield from _inside(pdf)


def _validated(content: bytes, edition: model.BookEdition) -> Iterator[str]:
    profiles = {"PDF/UA-1": page.ValidationProfile.PDF_UA_1}
    if edition.archive:
        profiles["PDF/A-3a"] = page.ValidationProfile.PDF_A_3A
    for name, profile in profiles.items():
        try:
            report = page.validate_pdf_bytes(content, profile=profile)
        except page.PageError as error:
            yield f"it cannot be read as {name}: {error}"
            continue
        for (rule, message), failures in itertools.groupby(sorted((f.rule_id, f.message) for f in report.failures)):
            times = len(list(failures))
            yield f"it is not {name}: {message} ({rule}{f', {times} times' if times > 1 else ''})"


class _Seen:
    """The tags and the links and fields of a PDF, read once."""

    def __init__(self, pdf: pikepdf.Pdf) -> None:
        self.pdf = pdf
        tree = pdf.Root.get("/StructTreeRoot")
        self.tags = list(_walk(tree.K)) if tree is not None else []
        self.annotations = [
            (number, note) for number, one in enumerate(pdf.pages, 1) for note in one.get("/Annots", ())
        ]
        nums = list(tree.ParentTree.Nums) if tree is not None else []
        self._owners = {int(nums[at]): nums[at + 1] for at in range(0, len(nums), 2)}

    def owner(self, annotation: pikepdf.Object) -> str:
        """Return the kind of tag that holds a link or field."""
        owner = self._owners.get(int(annotation.get("/StructParent", -1)))
        return str(owner.S) if isinstance(owner, Dictionary) and "/S" in owner else "no tag"


def _kids(element: pikepdf.Object) -> list[pikepdf.Object]:
    inner = element.get("/K")
    return list(inner) if isinstance(inner, Array) else [] if inner is None else [inner]


def _walk(kids: Iterable[pikepdf.Object]) -> Iterator[tuple[pikepdf.Object, str, list[pikepdf.Object]]]:
    """Yield each tag as it is read, with its kind and its contents."""
    stack = list(kids)[::-1]
    while stack:
        element = stack.pop()
        inner = _kids(element)
        yield element, str(element.S), inner
        stack.extend(kid for kid in reversed(inner) if isinstance(kid, Dictionary) and "/S" in kid)


def _some(names: Sequence[object]) -> str:
    """Name the first few of many."""
    more = f" and {len(names) - TOLD} more" if len(names) > TOLD else ""
    return ", ".join(map(str, names[:TOLD])) + more


# --- tags -----------------------------------------------------------------------------------------


def _tags(seen: _Seen, wanted: Expected) -> Iterator[str]:
    if not seen.tags:
        yield "it has no tags"
        return
    counts = collections.Counter(kind.removeprefix("/") for _, kind, _ in seen.tags)
    for kind in sorted({*wanted.tags, *counts} - {"Document", "Lbl"}):
        if counts[kind] != wanted.tags.get(kind, 0):
            yield f"it has {counts[kind]} tags {kind}, and its source gives {wanted.tags.get(kind, 0)}"
    empty = collections.Counter(kind for _, kind, kids in seen.tags if not kids and kind not in _EMPTY_ALLOWED)
    if empty:
        yield f"{empty.total()} tags are empty: {_some(sorted(empty))}"
    loose = [kind for element, kind, _ in seen.tags if kind == "/TH" and "/Scope" not in element.get("/A", {})]
    if loose:
        yield f"{len(loose)} header cells do not say which cells they head"
    mute = [kind for element, kind, _ in seen.tags if kind == "/Figure" and not str(element.get("/Alt", "")).strip()]
    if mute:
        yield f"{len(mute)} drawings do not say what they show"
    yield from _notes(seen)


def _notes(seen: _Seen) -> Iterator[str]:
    """A footnote has an id, listed for the whole file, and a link back to the text."""
    ids = [str(element.get("/ID", "")) for element, kind, _ in seen.tags if kind == "/Note"]
    twice = sorted({name for name in ids if not name or ids.count(name) > 1})
    if twice:
        yield f"footnotes share an id or have none: {_some(twice)}"
    names = seen.pdf.Root.StructTreeRoot.get("/IDTree", Dictionary()).get("/Names", Array())
    if [str(name) for name in list(names)[::2]] != sorted(ids):
        yield "the list of ids of its tags is not that of its footnotes"
    closed = [element for element, kind, _ in seen.tags if kind == "/Note" and not _leads_back(element)]
    if closed:
        yield f"{len(closed)} footnotes have no way back to the text"


def _leads_back(note: pikepdf.Object) -> bool:
    return any(kind == "/Link" for _, kind, _ in _walk([note]))


# --- links and fields -----------------------------------------------------------------------------


def _links(seen: _Seen) -> Iterator[str]:
    names = _places(seen.pdf)
    found: dict[str, list[str]] = collections.defaultdict(list)
    for number, note in seen.annotations:
        if note.get("/Subtype") != Name.Link:
            continue
        said, target = str(note.get("/Contents", "")).strip(), _target(note)
        if not said or said == str(note.get("/Dest", "")):
            found["links do not say where they lead"].append(f"to {target} on page {number}")
        if "/Dest" in note and str(note.Dest) not in names:
            found["links lead nowhere"].append(f"to {target} on page {number}")
        if "/Dest" not in note and not OUTSIDE.match(target):
            found["links lead to what is neither in the book nor on the web"].append(f"{target!r} on page {number}")
        if seen.owner(note) != "/Link":
            found["links stand outside a Link tag"].append(f"to {target} on page {number}")
    for fault, places in found.items():
        yield f"{len(places)} {fault}: {_some(places)}"


def _target(link: pikepdf.Object) -> str:
    if "/Dest" in link:
        return str(link.Dest)
    action = link.get("/A", Dictionary())
    return str(action.get("/URI", action.get("/S", "nothing")))


def _places(pdf: pikepdf.Pdf) -> set[str]:
    """Return the names of the places in the book that can be jumped to."""
    names = pdf.Root.get("/Names", Dictionary()).get("/Dests", Dictionary()).get("/Names", Array())
    return {str(name) for name in list(names)[::2]}


def _fields(seen: _Seen, wanted: Expected, edition: model.BookEdition) -> Iterator[str]:
    form = seen.pdf.Root.get("/AcroForm")
    fields = list(form.get("/Fields", ())) if form is not None else []
    if not edition.fill_in:
        if fields or any(note.get("/Subtype") == Name.Widget for _, note in seen.annotations):
            yield "it has form fields, and is not to be filled in"
        return
    names = [str(field.get("/T", "")) for field in fields]
    if names != list(wanted.fields):
        missing, more = set(wanted.fields) - set(names), set(names) - set(wanted.fields)
        told = _some(sorted(missing)) or _some(sorted(more)) or "they are in another order"
        yield f"its {len(names)} fields are not the {len(wanted.fields)} of its source: {told}"
    unlike = [
        name for name, field in zip(names, fields, strict=True) if str(field.get("/TU")) != wanted.fields.get(name)
    ]
    if unlike:
        yield f"{len(unlike)} fields have another label than in its source: {_some(unlike)}"
    blank = [name for name, field in zip(names, fields, strict=True) if "/AP" not in field]
    if blank:
        yield f"{len(blank)} fields have no look of their own: {_some(blank)}"
    widgets = [note for _, note in seen.annotations if note.get("/Subtype") == Name.Widget]
    loose = [str(note.get("/T")) for note in widgets if seen.owner(note) != "/Form"]
    if loose:
        yield f"{len(loose)} fields stand outside a Form tag: {_some(loose)}"
    if [str(note.get("/T")) for note in widgets] != names:
        yield "the fields stand on its pages in another order than in its form"


# --- ways through the book, and what is in the file -----------------------------------------------


def _ways(pdf: pikepdf.Pdf, first: str) -> Iterator[str]:
    """Page labels are the printed numbers, the tab key follows the text, and the outline follows the pages."""
    labels = [str(one.label) for one in pdf.pages]
    wrong = [number for number, label in enumerate(labels, 1) if label != (first if number == 1 else str(number))]
    if wrong:
        yield f"pages have another label than their printed number: {_some(wrong)}"
    odd = [number for number, one in enumerate(pdf.pages, 1) if one.get("/Tabs") != Name.S]
    if odd:
        yield f"pages do not lead the tab key in the order of the text: {_some(odd)}"
    numbers = {one.obj.objgen: number for number, one in enumerate(pdf.pages, 1)}
    with pdf.open_outline() as outline:
        entries = list(_entries(outline.root))
    places = [numbers.get(target[0].objgen, 0) if isinstance(target, Array) else 0 for _, target in entries]
    if not entries:
        yield "it has no outline"
    if nowhere := [
        title or "an entry without words" for (title, _), at in zip(entries, places, strict=True) if not (at and title)
    ]:
        yield f"entries of the outline lead nowhere: {_some(nowhere)}"
    elif places != sorted(places):
        yield "the outline is not in the order of the pages"


def _entries(items: Iterable[pikepdf.OutlineItem]) -> Iterator[tuple[str, object]]:
    for item in items:
        yield str(item.title).strip(), item.destination
        yield from _entries(item.children)


def _inside(pdf: pikepdf.Pdf) -> Iterator[str]:
    """Everything needed is in the file, and nothing else: our own fonts, no attachment, no script, no outer stream."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for thing in pdf.objects:
        if isinstance(thing, Dictionary):
            for fault, name in _things(thing):
                found[fault].add(name)
        elif isinstance(thing, pikepdf.Stream) and "/F" in thing:
            found[_NEEDLESS].add("a stream in another file")
    names = pdf.Root.get("/Names", Dictionary())
    found[_NEEDLESS] |= {key for key in _ACTIVE if key in pdf.Root} | {key for key in _CARRIED if key in names}
    for fault, which in found.items():
        if which:
            yield f"{fault}: {_some(sorted(which))}"


def _things(thing: pikepdf.Object) -> Iterator[tuple[str, str]]:
    """Say what is wrong with one object of the file, and its name."""
    kind = thing.get("/Type")
    if kind == Name.FontDescriptor:
        name = str(thing.FontName).rpartition("+")[2].lstrip("/")
        if not name.startswith(finish.FAMILY):
            yield "it uses fonts that are not its own", name
        if "/FontFile2" not in thing:
            yield "it does not carry these fonts", name
    elif kind == Name.Font and thing.get("/Subtype") != Name.Type0 and "/FontDescriptor" not in thing:
        yield "it does not carry these fonts", str(thing.get("/BaseFont")).lstrip("/")
    elif kind == Name.Filespec:
        yield _NEEDLESS, "an attachment"
