"""Makes a part's PDF smaller without a change that can be seen or read.

WeasyPrint writes coordinates to a millionth of a point, one string for each letter, a mark and a text object for each
line, and an appearance of its own for each empty field. Here a hundredth of a point is enough, letters without
kerning between them are one string, the space that `tags` sets at the end of a line is drawn with the line, lines of
one tag share a mark and a text object, and appearances that are the same are one object.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Iterable, Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name

from pipeline.formats.book import squeeze

_NUMBER = re.compile(rb"(?<![\w.<#/-])-?\d{2,}\.\d+(?![\w.>])(?!\s+Tf)")  # of 10 or more; a font's size stays
_SHOWN = re.compile(rb"\[([^\]]*)\] ?TJ")
_PIECE = re.compile(rb"<([0-9A-Fa-f]*)>|(-?[\d.]+)")
_LINE_END = re.compile(
    rb"(?P<head>1 0 0 -1 [\d.-]+ (?P<y>[\d.-]+) Tm\n(?P<font>/\w+) [\d.]+ Tf\n\[[^\]]*)\] ?TJ\nET\n"
    rb"q BT (?P=font) [\d.]+ Tf 1 0 0 -1 [\d.-]+ (?P=y) Tm (?P<space><[0-9a-f]{4}>) Tj ET Q\n"
)
_EMPTY = re.compile(rb"/Artifact\n<</Type /Pagination>>\nBDC\n(?:BT\nET\n)?EMC\n")
_MARK = re.compile(rb"(?P<end>EMC\n)?/(?P<role>\w+)\n(?:<</MCID (?P<number>\d+)>>|<<[^\n]*>>)\nBDC\n|/\w+\nBMC\n|EMC\n")
_LINE = re.compile(
    rb"BT\n(?P<place>1 0 0 -1 [\d.-]+ [\d.-]+ Tm\n)(?P<font>/\w+ [\d.]+ Tf\n)(?P<shown>\[[^\]]*\] ?TJ\n)ET\n"
)
_ESCAPED = re.compile(rb"[\\()]")

Looks = dict[tuple[bytes, bytes], pikepdf.Object]


@dataclasses.dataclass(frozen=True, slots=True)
class Owned:
    """A page, and the tags by the numbers of the page's marks."""

    page: pikepdf.Object
    owners: pikepdf.Object


def compacted(pdf: pikepdf.Pdf) -> None:
    """Make the pages, appearances and places of a part smaller, in place."""
    owners = _owners(pdf)
    for page in pdf.pages:
        if isinstance(page.obj.Contents, pikepdf.Stream):
            small = compact(page.obj.Contents.read_bytes(), Owned(page.obj, owners[int(page.obj.StructParents)]))
            page.obj.Contents.write(squeeze.deflated(small), filter=Name.FlateDecode)
        for annotation in page.obj.get("/Annots", ()):
            annotation.Rect = _outward(annotation.Rect)
    share_looks(pdf.pages, {})
    for place in _places(pdf):
        for index in range(2, len(place)):
            if place[index] is not None:
                place[index] = _short(float(place[index]))


def share_looks(pages: Iterable[pikepdf.Page], looks: Looks) -> None:
    """Give fields the look that others have already; a program writes a new one when the field is filled in."""
    for page in pages:
        for annotation in page.obj.get("/Annots", ()):
            if "/AP" in annotation:
                _share(annotation.AP, looks)


def compact(content: bytes, owned: Owned | None = None) -> bytes:
    """Return a page's content stream in fewer bytes; one with strings that WeasyPrint does not write stays as it is.

    Lines share a mark when it is known which tags have the page's marks; these tags are told.
    """
    if b"(" in content or b"\nBI" in content:
        return content
    content = _NUMBER.sub(lambda match: _rounded(match[0]), content)
    content = _LINE_END.sub(rb"\g<head>\g<space>]TJ\nET\n", content)
    content = _EMPTY.sub(b"", content)
    if owned is not None:
        content = _with_fewer_marks(content, owned)
    return _SHOWN.sub(lambda match: _strung(match[1]), _in_one_text(content))


@functools.lru_cache(maxsize=50_000)  # lines begin at the same places from page to page
def _rounded(number: bytes) -> bytes:
    return str(_short(float(number))).encode()


def _with_fewer_marks(content: bytes, owned: Owned) -> bytes:
    """Let what follows on each other and belongs to one tag have one mark, and forget the others."""
    out: list[bytes] = []
    done = 0
    current: re.Match[bytes] | None = None  # the mark that is open, when none is open inside it
    for match in _MARK.finditer(content):
        first = int(current["number"]) if current and match["role"] == current["role"] else -1
        if first >= 0 and match["end"] and match["number"] and _joined(owned, first, int(match["number"])):
            out.append(content[done : match.start()])
            done = match.end()
        else:
            current = match if match["number"] else None
    return b"".join([*out, content[done:]])


def _joined(owned: Owned, first: int, second: int) -> bool:
    """Take the second of two marks out of the tag that has both, one after the other; tell whether it was so."""
    tag, other = owned.owners[first], owned.owners[second]
    if tag is None or other is None or tag.objgen != other.objgen:
        return False
    marks = [_mark(kid, tag, owned.page) for kid in tag.K]
    behind = marks.index(first) + 1
    if marks[behind : behind + 1] != [second]:
        return False
    del tag.K[behind]
    owned.owners[second] = None
    return True


def _mark(kid: pikepdf.Object | int, tag: pikepdf.Object, page: pikepdf.Object) -> int:
    """Return the number of a mark of this page that a tag holds; -1 for anything else."""
    if isinstance(kid, int):
        return kid if tag.Pg.objgen == page.objgen else -1
    is_here = isinstance(kid, Dictionary) and "/MCID" in kid and kid.Pg.objgen == page.objgen
    return int(kid.MCID) if is_here else -1


def _in_one_text(content: bytes) -> bytes:
    """Show lines that follow on each other in one text object, and name their font once."""
    out: list[bytes] = []
    done = 0
    font = b""
    for match in _LINE.finditer(content):
        if match.start() == done and font:
            out[-1] = out[-1].removesuffix(b"ET\n")
            out += [match["place"], match["font"] if match["font"] != font else b"", match["shown"] + b"ET\n"]
        else:
            out += [content[done : match.start()], match[0]]
        done, font = match.end(), match["font"]
    return b"".join([*out, content[done:]])


def _strung(pieces: bytes) -> bytes:
    """Show letters and the kerning between them, in as few strings as that takes."""
    out: list[bytes] = []
    run = b""
    for letters, kerning in _PIECE.findall(pieces.replace(b">0<", b"")):  # most letters have no kerning behind them
        if letters:
            run += bytes.fromhex(letters.decode())
        elif float(kerning):
            out += [_literal(run), kerning] if run else [kerning]
            run = b""
    if run:
        out.append(_literal(run))
    return b"[" + b"".join(out) + b"]TJ"


def _literal(text: bytes) -> bytes:
    return b"(" + _ESCAPED.sub(rb"\\\g<0>", text).replace(b"\r", rb"\r") + b")"


def _share(appearance: pikepdf.Object, looks: Looks) -> None:
    for key, look in list(appearance.items()):
        if isinstance(look, pikepdf.Stream):
            words = {name: value for name, value in look.stream_dict.items() if name != "/Length"}
            appearance[key] = looks.setdefault((look.read_bytes(), Dictionary(words).unparse()), look)
        elif isinstance(look, Dictionary):
            _share(look, looks)


def _owners(pdf: pikepdf.Pdf) -> dict[int, pikepdf.Object]:
    """Return the tags of each page's marks by the page's key."""
    nums = pdf.Root.StructTreeRoot.ParentTree.Nums
    return {int(nums[index]): nums[index + 1] for index in range(0, len(nums), 2)}


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
