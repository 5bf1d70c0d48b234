"""Mends the PDF of a part that WeasyPrint wrote, with pikepdf: its fonts and form fields. Tags are mended in `tags`.

Each function says what stock output lacks. WeasyPrint is pinned, so that none of them meets a surprise.
"""

import io
import re

import fontTools.agl
import fontTools.ttLib
import pikepdf
from pikepdf import Array, Dictionary, Name, String

from pipeline import errors
from pipeline.formats.book import squeeze

FAMILY = "Atkinson-Hyperlegible-Next"
FORM_FONT = Name("/BookForm")
_STOCK_LOOK = re.compile(r"([\d.]+ [\d.]+ [\d.]+ rg) (\S+) ([\d.]+) Tf")  # colour, font and size


def finish(pdf: pikepdf.Pdf) -> None:
    """Make the PDF ready for readers, in place. Refuses a font that is not ours, and two fields of one name."""
    _only_our_fonts(pdf)
    _mend_fields(pdf)


def _only_our_fonts(pdf: pikepdf.Pdf) -> None:
    """Refuse a font that slipped in: a character was asked for that ours lacks. All pages draw with the same fonts."""
    for font in pdf.pages[0].obj.Resources.Font.values():
        described = font.DescendantFonts[0].FontDescriptor if "/DescendantFonts" in font else Dictionary()
        name = str(font.BaseFont).rpartition("+")[2].lstrip("/")
        if not name.startswith(FAMILY) or "/FontFile2" not in described:
            msg = f"the book uses the font {name}, which is not its own"
            hint = "look for a drawing that names another font: ours is Atkinson Hyperlegible Next"
            raise errors.RenderProblem(msg, hint=hint)


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
    blanks: dict[tuple[float, float], pikepdf.Object] = {}
    for field in form.Fields:
        area = _size(field)
        if area not in blanks:
            blanks[area] = _blank(pdf, area)
        if Name.Btn == field.FT:
            field.AP.N.Off = blanks[area]
            continue
        field.AP = Dictionary(N=blanks[area])
        stock = _STOCK_LOOK.search(str(field.DA))
        if stock is None:
            msg = f"the field {field.T} of the book has a look that is not understood: {field.DA}"
            raise errors.RenderProblem(msg, hint="WeasyPrint writes fields in another way now: compare its version")
        colour, font, size = stock.groups()
        if FORM_FONT not in form.DR.Font:
            form.DR = Dictionary(Font=Dictionary({str(FORM_FONT): _form_font(pdf, form.DR.Font[font])}))
        field.DA = String(f"{colour} {FORM_FONT} {size} Tf")


def _size(field: pikepdf.Object) -> tuple[float, float]:
    left, first, right, second = (float(edge) for edge in field.Rect)
    return round(abs(right - left), 2), round(abs(second - first), 2)


def _blank(pdf: pikepdf.Pdf, size: tuple[float, float]) -> pikepdf.Object:
    """Return an empty look of that width and height, in points."""
    return pdf.make_stream(b"/Tx BMC\nEMC\n", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, *size]))


def _form_font(pdf: pikepdf.Pdf, whole: pikepdf.Object) -> pikepdf.Object:
    """Make a simple font of the face WeasyPrint embedded whole for the fields, and complete that face's text map."""
    descendant = whole.DescendantFonts[0]
    file = descendant.FontDescriptor.FontFile2
    content = file.read_bytes()
    file.write(squeeze.deflated(content), filter=Name.FlateDecode)  # it goes into the book as it is
    face = fontTools.ttLib.TTFont(io.BytesIO(content))
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
