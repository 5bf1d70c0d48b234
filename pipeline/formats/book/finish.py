"""Mends the PDF that WeasyPrint wrote, with pikepdf: tags, links, form fields, page labels, title and file id.

Each function says what stock output lacks. WeasyPrint is pinned, so that none of them meets a surprise.
"""

import io
import re
from collections.abc import Iterator, Mapping

import fontTools.agl
import fontTools.ttLib
import pikepdf
from pikepdf import Array, Dictionary, Name, String

from pipeline import errors

FAMILY = "Atkinson-Hyperlegible-Next"
FORM_FONT = Name("/BookForm")
PRINT = 4  # annotation flag: appears on paper
_STOCK_LOOK = re.compile(r"([\d.]+ [\d.]+ [\d.]+ rg) (\S+) ([\d.]+) Tf")  # colour, font and size
_MARKED = re.compile(rb"/(\w+)\s*<</MCID (\d+)>>\s*BDC")


def finished(content: bytes, links: Mapping[str, str]) -> bytes:
    """Return the PDF ready for readers; `links` names each link target in words. Refuses a font that is not ours."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        _only_our_fonts(pdf)
        elements = list(_elements(pdf.Root.StructTreeRoot.K[0]))
        for element, section in elements:
            _mend_element(pdf, element, section)
        _mark_notes(pdf)
        _mend_artifacts(pdf, {element.objgen for element, _ in elements})
        _mend_annotations(pdf, links)
        _mend_fields(pdf)
        pdf.Root.PageLabels = Dictionary(Nums=Array([0, Dictionary(P=String("Cover")), 1, Dictionary(S=Name.D, St=2)]))
        pdf.Root.PageMode = Name.UseOutlines
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return out.getvalue()


def _kids(element: pikepdf.Object) -> list[pikepdf.Object]:
    kids = element.get("/K")
    return list(kids) if isinstance(kids, Array) else [] if kids is None else [kids]


def _is_element(node: object) -> bool:
    return isinstance(node, Dictionary) and "/S" in node


def _elements(root: pikepdf.Object) -> Iterator[tuple[pikepdf.Object, pikepdf.Object | None]]:
    """Walk the tag tree; with each element goes the part of the table that it stands in, if any."""
    stack: list[tuple[pikepdf.Object, pikepdf.Object | None]] = [(root, None)]
    while stack:
        element, section = stack.pop()
        yield element, section
        inner = element.S if element.S in {Name.THead, Name.TBody} else section
        stack.extend((kid, inner) for kid in _kids(element) if _is_element(kid))


def _only_our_fonts(pdf: pikepdf.Pdf) -> None:
    """Refuse a font that slipped in: a character was asked for that ours lacks."""
    for thing in pdf.objects:
        if isinstance(thing, Dictionary) and thing.get("/Type") == Name.FontDescriptor:
            name = str(thing.FontName).rpartition("+")[2].lstrip("/")
            if not name.startswith(FAMILY) or "/FontFile2" not in thing:
                msg = f"the book uses the font {name}, which is not its own"
                hint = "look for a drawing that names another font: ours is Atkinson Hyperlegible Next"
                raise errors.RenderProblem(msg, hint=hint)


def _mend_element(pdf: pikepdf.Pdf, element: pikepdf.Object, section: pikepdf.Object | None) -> None:
    """Header cells lack the scope; list items hold blocks that must stand in the item's body."""
    if element.S == Name.TH:
        element.A.Scope = Name.Column if section == Name.THead else Name.Row
    elif element.S == Name.LI:
        kids = _kids(element)
        loose = [kid for kid in kids if not (_is_element(kid) and kid.S in {Name.Lbl, Name.LBody})]
        if loose:
            tag = Dictionary(Type=Name.StructElem, S=Name.LBody, P=element, Pg=element.Pg, K=Array(loose))
            body = pdf.make_indirect(tag)
            for kid in loose:
                kid.P = body
            element.K = Array([*(kid for kid in kids if kid not in loose), body])


def _mark_notes(pdf: pikepdf.Pdf) -> None:
    """WeasyPrint writes each page's notes as a nameless element beside the sections; what is in it are notes."""
    number = 0
    for area in _kids(pdf.Root.StructTreeRoot.K[0]):
        for note in _kids(area) if Name.NonStruct == area.S else ():
            number += 1
            note.S = Name.Note
            note.ID = String(f"note-{number}")


def _mend_artifacts(pdf: pikepdf.Pdf, reachable: set[tuple[int, int]]) -> None:
    """Running heads and page numbers are tagged as text that no tree holds: readers' programs must skip them."""
    parents = pdf.Root.StructTreeRoot.ParentTree.Nums
    arrays = {int(parents[index]): parents[index + 1] for index in range(0, len(parents), 2)}
    for page in pdf.pages:
        owners = arrays[int(page.obj.StructParents)]
        loose = {index for index, owner in enumerate(owners) if owner is None or owner.objgen not in reachable}
        if not loose:
            continue

        def marked(match: re.Match[bytes], loose: set[int] = loose) -> bytes:
            return b"/Artifact <</Type /Pagination>> BDC" if int(match[2]) in loose else match[0]

        page.obj.Contents = pdf.make_stream(_MARKED.sub(marked, page.obj.Contents.read_bytes()))
        for index in loose:
            owners[index] = pikepdf.Object.parse(b"null")


def _mend_annotations(pdf: pikepdf.Pdf, links: Mapping[str, str]) -> None:
    """Links are described by their raw target, and left out in print."""
    for page in pdf.pages:
        for annotation in page.obj.get("/Annots", ()):
            annotation.F = int(annotation.get("/F", 0)) | PRINT
            if annotation.Subtype == Name.Link:
                target = str(annotation.A.URI) if "/A" in annotation else str(annotation.Dest)
                annotation.Contents = String(links.get(target, target))


def _mend_fields(pdf: pikepdf.Pdf) -> None:
    """Give every field a look of its own, and text fields a font that all programs can type with.

    Stock output leaves the look to the reading program, and some of those draw no tick then.
    """
    form = pdf.Root.get("/AcroForm")
    if form is None:
        return
    names = [str(field.T) for field in form.Fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        msg = f"two fields of the book have the same name: {', '.join(twice)}"
        raise errors.RenderProblem(msg, hint="give each field of the worksheet an id of its own")
    del form.NeedAppearances
    for field in form.Fields:
        if Name.Btn == field.FT:
            field.AP.N.Off = _blank(pdf, field)
            continue
        field.AP = Dictionary(N=_blank(pdf, field))
        stock = _STOCK_LOOK.search(str(field.DA))
        if stock is None:
            msg = f"the field {field.T} of the book has a look that is not understood: {field.DA}"
            raise errors.RenderProblem(msg, hint="WeasyPrint writes fields in another way now: compare its version")
        colour, font, size = stock.groups()
        if FORM_FONT not in form.DR.Font:
            form.DR = Dictionary(Font=Dictionary({str(FORM_FONT): _form_font(pdf, form.DR.Font[font])}))
        field.DA = String(f"{colour} {FORM_FONT} {size} Tf")


def _blank(pdf: pikepdf.Pdf, field: pikepdf.Object) -> pikepdf.Object:
    left, first, right, second = (float(edge) for edge in field.Rect)
    box = Array([0, 0, round(abs(right - left), 2), round(abs(second - first), 2)])
    return pdf.make_stream(b"/Tx BMC\nEMC\n", Type=Name.XObject, Subtype=Name.Form, BBox=box)


def _form_font(pdf: pikepdf.Pdf, whole: pikepdf.Object) -> pikepdf.Object:
    """Make a simple font of the face WeasyPrint embedded whole for the fields, and complete that face's text map."""
    descendant = whole.DescendantFonts[0]
    face = fontTools.ttLib.TTFont(io.BytesIO(descendant.FontDescriptor.FontFile2.read_bytes()))
    _complete_text_map(pdf, whole, face)
    scale, glyphs, metrics = 1000 / face["head"].unitsPerEm, face.getBestCmap(), face["hmtx"]
    codes = [bytes([code]).decode("cp1252", "replace") for code in range(32, 256)]
    widths = [round(metrics[glyphs[ord(char)]][0] * scale) if ord(char) in glyphs else 0 for char in codes]
    described = {str(key): value for key, value in descendant.FontDescriptor.items()}
    descriptor = Dictionary(described | {"/Flags": 32})  # 32: a plain Latin encoding
    return pdf.make_indirect(
        Dictionary(
            Type=Name.Font,
            Subtype=Name.TrueType,
            BaseFont=descendant.BaseFont,
            Encoding=Name.WinAnsiEncoding,
            FirstChar=32,
            LastChar=255,
            Widths=Array(widths),
            FontDescriptor=pdf.make_indirect(descriptor),
        )
    )


def _complete_text_map(pdf: pikepdf.Pdf, font: pikepdf.Object, face: fontTools.ttLib.TTFont) -> None:
    """A face that is embedded whole maps only its plain glyphs to text; add figures for tables and other forms."""
    known = font.ToUnicode.read_bytes()
    mapped = {int(code, 16) for code in re.findall(rb"<([0-9a-f]{4})> <", known)}
    lines = []
    for code, name in enumerate(face.getGlyphOrder()):
        text = fontTools.agl.toUnicode(name)
        if code not in mapped and text:
            lines.append(f"<{code:04x}> <{text.encode('utf-16-be').hex()}>".encode())
    block = b"\n".join([b"%d beginbfchar" % len(lines), *lines, b"endbfchar", b"endcmap"])
    font.ToUnicode = pdf.make_stream(known.replace(b"endcmap", block, 1))
