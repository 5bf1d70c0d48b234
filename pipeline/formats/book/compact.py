"""Makes a part's PDF smaller without a change that can be seen or read.

WeasyPrint writes coordinates to a millionth of a point, one string for each letter, and an appearance of its own for
each empty field. Here a hundredth of a point is enough, letters without kerning between them are one string, the space
that `tags` sets at the end of a line is drawn with the line, and appearances that are the same are one object.
"""

import math
import re
import zlib
from collections.abc import Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name

_NUMBER = re.compile(rb"(?<![\w.<#/-])-?\d{2,}\.\d+(?![\w.>])(?!\s+Tf)")  # of 10 or more; a font's size stays
_SHOWN = re.compile(rb"\[([^\]]*)\] ?TJ")
_PIECE = re.compile(rb"<([0-9A-Fa-f]*)>|(-?[\d.]+)")
_LINE_END = re.compile(
    rb"(?P<head>1 0 0 -1 [\d.-]+ (?P<y>[\d.-]+) Tm\n(?P<font>/\w+) [\d.]+ Tf\n\[[^\]]*)\] ?TJ\nET\n"
    rb"q BT (?P=font) [\d.]+ Tf 1 0 0 -1 [\d.-]+ (?P=y) Tm (?P<space><[0-9a-f]{4}>) Tj ET Q\n"
)
_ESCAPED = re.compile(rb"[\\()]")


def compacted(pdf: pikepdf.Pdf) -> None:
    """Make the pages, appearances and places of a part smaller, in place."""
    looks: dict[tuple[bytes, bytes], pikepdf.Object] = {}
    for page in pdf.pages:
        if isinstance(page.obj.Contents, pikepdf.Stream):
            small = compact(page.obj.Contents.read_bytes())
            page.obj.Contents.write(zlib.compress(small, 9), filter=Name.FlateDecode)
        for annotation in page.obj.get("/Annots", ()):
            annotation.Rect = _outward(annotation.Rect)
            if "/AP" in annotation:
                _share(annotation.AP, looks)
    for place in _places(pdf):
        for index in range(2, len(place)):
            if place[index] is not None:
                place[index] = _short(float(place[index]))


def compact(content: bytes) -> bytes:
    """Return a page's content stream in fewer bytes; one with strings that WeasyPrint does not write stays as it is."""
    if b"(" in content or b"\nBI" in content:
        return content
    content = _NUMBER.sub(lambda match: str(_short(float(match[0]))).encode(), content)
    content = _LINE_END.sub(rb"\g<head>\g<space>]TJ\nET\n", content)
    return _SHOWN.sub(lambda match: _strung(match[1]), content)


def _strung(pieces: bytes) -> bytes:
    """Show letters and the kerning between them, in as few strings as that takes."""
    out: list[bytes] = []
    run = b""
    for letters, kerning in _PIECE.findall(pieces):
        if letters:
            run += bytes.fromhex(letters.decode())
        elif kerning and float(kerning):
            out += [_literal(run), kerning] if run else [kerning]
            run = b""
    if run:
        out.append(_literal(run))
    return b"[" + b"".join(out) + b"]TJ"


def _literal(text: bytes) -> bytes:
    return b"(" + _ESCAPED.sub(rb"\\\g<0>", text).replace(b"\r", rb"\r") + b")"


def _share(appearance: pikepdf.Object, looks: dict[tuple[bytes, bytes], pikepdf.Object]) -> None:
    """Give a field the look that others have already; a program writes a new one when the field is filled in."""
    for key, look in list(appearance.items()):
        if isinstance(look, pikepdf.Stream):
            words = {name: value for name, value in look.stream_dict.items() if name != "/Length"}
            appearance[key] = looks.setdefault((look.read_bytes(), Dictionary(words).unparse()), look)
        elif isinstance(look, Dictionary):
            _share(look, looks)


def _places(pdf: pikepdf.Pdf) -> Iterator[pikepdf.Object]:
    """Yield the destinations that have a name."""
    names = pdf.Root.get("/Names", Dictionary()).get("/Dests", Dictionary()).get("/Names", Array())
    for index in range(1, len(names), 2):
        yield names[index]


def _outward(edges: pikepdf.Object) -> pikepdf.Object:
    """Round a rectangle so that it loses nothing."""
    left, right = sorted((float(edges[0]), float(edges[2])))
    low, high = sorted((float(edges[1]), float(edges[3])))
    small, large = (math.floor(left * 100), math.floor(low * 100)), (math.ceil(right * 100), math.ceil(high * 100))
    return Array([_short(edge / 100) for edge in (*small, *large)])


def _short(number: float) -> float | int:
    rounded = round(number, 2)
    return int(rounded) if rounded == int(rounded) else rounded
