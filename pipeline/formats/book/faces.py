"""One font for each face of the book, with the glyphs that all its parts use.

Every part brings a subset of its own. Glyph numbers are those of the whole font in all of them, so the parts' pages
can share one subset of the union.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence

import fontTools.ttLib
import pikepdf
from pikepdf import Array, Dictionary, Name

from pipeline import errors, model
from pipeline.formats.book import engine, job, squeeze

_UNUSED = ("BASE", "DSIG", "GDEF", "GPOS", "GSUB", "MVAR", "STAT")
_HEAD = """/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo
<< /Registry (Adobe)
/Ordering (UCS)
/Supplement 0
>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange"""
_FOOT = """endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def union(parts: Sequence[Mapping[str, job.Face]]) -> dict[str, job.Face]:
    """Return all glyphs that any part uses, by face."""
    found: dict[str, dict[int, tuple[float, str]]] = {}
    for faces in parts:
        for name, face in faces.items():
            found.setdefault(name, {}).update(face)
    return {name: dict(sorted(face.items())) for name, face in sorted(found.items())}


def subsets(used: Mapping[str, job.Face], files: Mapping[str, bytes], store: model.Store | None) -> dict[str, bytes]:
    """Return a font file for each face with just its glyphs; refuses a face that no font of `files` is.

    `files` are the book's fonts; a face is found by its weight and slope, as its name gives them.
    """
    looks = {_look(content): content for content in files.values()}
    made: dict[str, bytes] = {}
    for name, face in used.items():
        look = ("Bold" in name, "Italic" in name or "Oblique" in name)
        if look not in looks:
            msg = f"the book uses the font face {name.partition('+')[2]}, and there is no file of it"
            raise errors.RenderProblem(msg, hint="restore the shipped templates/fonts folder")
        key = f"face-{_key(looks[look], list(face))}"
        kept = store.get(key) if store is not None else None
        made[name] = kept or _subset(looks[look], list(face))
        if store is not None and not kept:
            store.put(key, made[name])
    return made


def _key(font: bytes, glyphs: Sequence[int]) -> str:
    return hashlib.sha256(
        hashlib.sha256(font).digest() + json.dumps([engine.digest(engine.ALL), *glyphs]).encode()
    ).hexdigest()


def _look(content: bytes) -> tuple[bool, bool]:
    font = fontTools.ttLib.TTFont(io.BytesIO(content), lazy=True)
    return font["OS/2"].usWeightClass >= 600, bool(font["OS/2"].fsSelection & 1)  # noqa: PLR2004  semi-bold and more


def _subset(content: bytes, glyphs: Sequence[int]) -> bytes:
    # Imported here because it takes 0.2 s, and only a build with new glyphs needs it.
    import fontTools.subset  # noqa: PLC0415

    options = fontTools.subset.Options(
        retain_gids=True, hinting=False, notdef_outline=True, layout_features=[], recalc_timestamp=False
    )
    options.drop_tables += _UNUSED
    font = fontTools.ttLib.TTFont(io.BytesIO(content), recalcTimestamp=False)
    subsetter = fontTools.subset.Subsetter(options)
    subsetter.populate(gids=glyphs)
    subsetter.subset(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def embed(pdf: pikepdf.Pdf, font: pikepdf.Object, face: job.Face, content: bytes) -> None:
    """Give a part's font the glyphs, widths and text of the whole book's."""
    descendant = font.DescendantFonts[0]
    file = pdf.make_stream(squeeze.deflated(content), Filter=Name.FlateDecode, Length1=len(content))
    descriptor = {str(key): value for key, value in descendant.FontDescriptor.items() if key != "/CIDSet"}
    descendant.FontDescriptor = pdf.make_indirect(Dictionary(descriptor | {"/FontFile2": file}))
    descendant.W = _widths(face)
    font.ToUnicode = pdf.make_stream(squeeze.deflated(_text_map(face)), Filter=Name.FlateDecode)


def _widths(face: job.Face) -> pikepdf.Array:
    runs: list[object] = []
    for gid, (width, _) in face.items():
        if gid - 1 not in face:
            runs += [gid, Array()]
        run = runs[-1]
        assert isinstance(run, Array)  # noqa: S101  the line above put it there
        run.append(round(width, 3))
    return Array(runs)


def _text_map(face: job.Face) -> bytes:
    lines = [_HEAD]
    pairs = [f"<{gid:04x}> <{text.encode('utf-16-be').hex()}>" for gid, (_, text) in face.items() if text]
    for start in range(0, len(pairs), 100):
        block = pairs[start : start + 100]
        lines += [f"{len(block)} beginbfchar", *block, "endbfchar"]
    return "\n".join([*lines, _FOOT]).encode()


def stream_name(font: pikepdf.Object) -> str:
    """Return the face's name as `job.Laid` has it."""
    return str(font.BaseFont).lstrip("/")
