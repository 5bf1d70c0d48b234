"""Joins the tagged PDFs of the book's parts into one, with nothing lost.

Pages are copied whole, and with them all that hangs on them. The rest is joined by hand: destinations by name, the
outline, form fields, tag trees and their parent tree, one font for each face. `seal` has made every key and id unique
before, and every link to another part a destination, so nothing is searched here.
"""

import dataclasses
import io
import warnings
from collections.abc import Mapping, Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name, String

from pipeline import errors
from pipeline.formats.book import compact, faces, job, squeeze

KEPT = ("/Lang", "/MarkInfo", "/ViewerPreferences", "/Metadata", "/OutputIntents")  # of the first part, for the book


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """What becomes one PDF: the parts in order, and a font file for each face they use.

    `former` is the PDF that was made of nearly the same; it spares work and changes nothing.
    """

    parts: Sequence[job.Laid]
    fonts: Mapping[str, bytes]
    former: bytes = b""


def joined(binding: Binding) -> bytes:
    """Return the book as one PDF. Refuses a link to an anchor that no part has, and a field or anchor twice."""
    book = _Book()
    for part in binding.parts:
        book.add(part)
    book.share_fonts(binding)
    return book.written(binding.former)


class _Book:
    """The PDF that grows part by part."""

    def __init__(self) -> None:
        self._itself = self  # so only the collector frees it: a worker's answer need not wait for that
        self._pdf = pikepdf.new()
        self._places: dict[bytes, pikepdf.Object] = {}
        self._linked: set[bytes] = set()
        self._fields: list[pikepdf.Object] = []
        self._form: pikepdf.Object | None = None
        self._sections: list[pikepdf.Object] = []
        self._owners: list[pikepdf.Object] = []
        self._ids: list[pikepdf.Object] = []
        self._looks: compact.Looks = {}
        self._outlines: list[pikepdf.Object] = []
        self._fonts: list[pikepdf.Object] = []
        tree = self._pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
        self._document = self._pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, P=tree))
        tree.K = Array([self._document])
        self._pdf.Root.StructTreeRoot = tree

    def add(self, part: job.Laid) -> None:
        """Append a part's pages and what belongs to them."""
        with pikepdf.open(io.BytesIO(part.content)) as source:
            self._add(source)

    def _add(self, source: pikepdf.Pdf) -> None:
        before = len(self._pdf.pages)
        with warnings.catch_warnings():  # fields and destinations are joined below
            warnings.simplefilter("ignore", pikepdf.PageCopyWarning)
            self._pdf.pages.extend(source.pages)
        compact.share_looks(self._pdf.pages[before:], self._looks)
        self._fonts.append(self._pdf.pages[before].obj.Resources.Font)
        if before == 0:
            for key in (key for key in KEPT if key in source.Root):
                self._pdf.Root[key] = self._copied(source, key)
            for key, value in source.docinfo.items():
                self._pdf.docinfo[key] = str(value)
        self._add_places(source)
        self._add_tags(source)
        if "/Outlines" in source.Root:
            self._outlines.append(self._copied(source, "/Outlines"))
        if "/AcroForm" in source.Root:
            form = self._copied(source, "/AcroForm")
            self._fields.extend(form.Fields)
            self._form = self._form or form

    def _copied(self, source: pikepdf.Pdf, key: str) -> pikepdf.Object:
        """Copy an entry of the catalog with all it leads to; what has been copied before is not copied again."""
        value = source.Root[key]
        return self._pdf.copy_foreign(value if value.is_indirect else source.make_indirect(value))

    def _add_places(self, source: pikepdf.Pdf) -> None:
        if "/Names" not in source.Root or "/Dests" not in source.Root.Names:
            return
        names = list(self._copied(source, "/Names").Dests.Names)
        for name, place in zip(map(bytes, names[::2]), names[1::2], strict=True):
            if name in self._places:
                msg = f"two parts of the book have the anchor {name.decode()!r}"
                raise errors.RenderProblem(msg, hint="give one of the two another id")
            self._places[name] = place
        for page in source.pages:
            for annotation in page.obj.get("/Annots", ()):
                if "/Dest" in annotation:
                    self._linked.add(bytes(annotation.Dest))

    def _add_tags(self, source: pikepdf.Pdf) -> None:
        tree = self._copied(source, "/StructTreeRoot")
        for section in tree.K[0].K:
            section.P = self._document
            self._sections.append(section)
        self._owners.extend(tree.ParentTree.Nums)
        self._ids.extend(tree.get("/IDTree", Dictionary()).get("/Names", ()))
        for key in ("/RoleMap", "/ClassMap"):
            if key in tree and key not in self._pdf.Root.StructTreeRoot:
                self._pdf.Root.StructTreeRoot[key] = tree[key]

    def share_fonts(self, binding: Binding) -> None:
        """Have all parts draw with the same font of each face; one that is typed with is already whole in its part."""
        used = faces.union([part.faces for part in binding.parts])
        shared: dict[str, pikepdf.Object] = {}
        for part, fonts in sorted(zip(binding.parts, self._fonts, strict=True), key=lambda pair: not pair[0].whole):
            for key, font in list(fonts.items()):
                name = faces.stream_name(font)
                if key not in shared:
                    shared[key] = font
                    if name not in part.whole:
                        faces.embed(self._pdf, font, used[name], binding.fonts[name])
                fonts[key] = shared[key]

    def written(self, former: bytes) -> bytes:
        """Put the joined trees in place and write the file."""
        lost = sorted(self._linked - self._places.keys())
        if lost:
            msg = f"the book links to {', '.join(name.decode() for name in lost)}, which is not in it"
            raise errors.RenderProblem(msg, hint="mend the link in the chapter, or the anchor in templates/book")
        root = self._pdf.Root
        names = [thing for name in sorted(self._places) for thing in (String(name), self._places[name])]
        root.Names = Dictionary(Dests=Dictionary(Names=Array(names)))
        self._document.K = Array(self._sections)
        root.StructTreeRoot.ParentTree = self._pdf.make_indirect(Dictionary(Nums=Array(self._owners)))
        if self._ids:
            root.StructTreeRoot.IDTree = self._pdf.make_indirect(Dictionary(Names=Array(self._ids)))
        if self._outlines:
            root.Outlines = _one_outline(self._outlines)
            root.PageMode = Name.UseOutlines
        if self._form is not None:
            self._form.Fields = Array(self._fields)
            root.AcroForm = self._form
        root.PageLabels = Dictionary(Nums=Array([0, Dictionary(P=String("Cover")), 1, Dictionary(S=Name.D, St=2)]))
        if "/OutputIntents" in root:
            _end_plainly(self._pdf)
        return squeeze.saved(self._pdf, former)


def _end_plainly(pdf: pikepdf.Pdf) -> None:
    """Leave no stream of a PDF/A that ends in a carriage return.

    With the line feed before `endstream` it would read as the end of a line, and the stream as one byte shorter than
    its length says (ISO 19005-3, 6.1.7.1). One byte more of content changes the checksum, the stream's last bytes.
    """
    for thing in pdf.objects:
        if isinstance(thing, pikepdf.Stream) and thing.read_raw_bytes().endswith(b"\r"):
            content, is_font = thing.read_bytes(), "/Length1" in thing
            while (small := squeeze.deflated(content)).endswith(b"\r"):
                content += b"\0" if is_font else b"\n"
            thing.write(small, filter=Name.FlateDecode)
            if is_font:
                thing.Length1 = len(content)


def _one_outline(outlines: Sequence[pikepdf.Object]) -> pikepdf.Object:
    """Hang all top entries below the first outline, one list after the other."""
    first = outlines[0]
    for outline in outlines[1:]:
        entry = outline.First
        entry.Parent = first
        while "/Next" in entry:
            entry = entry.Next
            entry.Parent = first
        first.Last.Next = outline.First
        outline.First.Prev = first.Last
        first.Last = outline.Last
        first.Count = int(first.Count) + int(outline.Count)
    return first
