"""A part of the book in fewer bytes, which nobody sees or reads. Each test's name is its claim."""

import contextlib
import io
import re
from collections.abc import Iterator

import pikepdf
import pypdfium2
import samples

from pipeline.formats.book import compact, finish, job, layout, squeeze, tags

FONT = "Atkinson Hyperlegible Next"
NAME = "fonts/AtkinsonHyperlegibleNext-400.ttf"
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 50"><path d="M10.123 10.456C40 0 80 60 111.789 20.25"'
    ' fill="none" stroke="#0b5563" stroke-width="3.3"/></svg>'
)
FILES = {NAME: (samples.ROOT / "templates" / NAME).read_bytes(), "line.svg": DRAWING.encode()}
STYLE = f"""
@font-face {{ font-family: "{FONT}"; src: url("book:/{NAME}") }}
@page {{ size: 80mm 80mm; margin: 8mm }}
html {{ font: 11pt/15pt "{FONT}" }}
textarea {{ width: 40mm; height: 12mm; border: 1pt solid black }}
"""
TEXT = "We Took Very fine words, AVAST (in brackets) and 10\N{MINUS SIGN}12 others, to a doctor\u2019s office. " * 6
FIELDS = (
    '<p><textarea name="n{0}" title="Notes {0}"></textarea><input type="checkbox" name="t{0}" title="Tick {0}"></p>'
)
HTML = f"""<html lang="en"><head><title>A part</title></head><body><h1 id="top">Why?</h1><p>{TEXT}</p>
<p>Back <a href="#top" title="To the top">to the top</a>.</p><p><img src="book:/line.svg" alt="A line."></p>
{"".join(map(FIELDS.format, range(3)))}
</body></html>"""


def small() -> tuple[bytes, bytes]:
    """Return a small part as it is laid out, and the same in fewer bytes."""
    sheet = job.Sheet("", "small", 0, 1, HTML, STYLE, FILES, fill_in=True, archive=False)
    pages = layout._press(sheet).lay_out(sheet)
    stock = pages.write_pdf(finisher=tags.finisher(HTML), pdf_variant="pdf/ua-1", pdf_forms=True)
    plain, out = io.BytesIO(), io.BytesIO()
    with pikepdf.open(io.BytesIO(stock)) as pdf:
        finish.finish(pdf)
        pdf.save(plain)
        compact.compacted(pdf)
        pdf.save(out)
    return plain.getvalue(), out.getvalue()


def test_a_part_is_the_same_whatever_its_process_saved_before() -> None:
    sheet = job.Sheet("", "small", 0, 1, HTML, STYLE, FILES, fill_in=True, archive=False)
    first = job.lay_out(sheet)
    with pikepdf.new() as other:
        other.add_blank_page()
        squeeze.saved(other)
    assert job.lay_out(sheet) == first


def test_no_pixel_changes_by_more_than_an_eye_can_see() -> None:
    for before, after in zip(*map(pictures, small()), strict=True):
        assert max(abs(one - other) for one, other in zip(before, after, strict=True)) <= 12  # of 255


def pictures(content: bytes) -> list[bytes]:
    with contextlib.closing(pypdfium2.PdfDocument(content)) as pdf:
        return [page.render(scale=8).to_pil().reduce(4).tobytes() for page in pdf]  # a letter is placed to 1/4 pixel


def test_the_words_stay_with_their_spaces_at_the_ends_of_lines() -> None:
    before, after = map(words, small())
    assert before == after
    assert TEXT.strip() in " ".join(after)


def words(content: bytes) -> list[str]:
    with contextlib.closing(pypdfium2.PdfDocument(content)) as pdf:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in pdf]


def test_pages_have_fewer_bytes_and_no_space_of_its_own_at_the_end_of_a_line() -> None:
    before, after = map(streams, small())
    assert len(b"".join(after)) < 0.65 * len(b"".join(before))
    assert b"Tj ET Q" in before[0]
    assert b"Tj ET Q" not in after[0]


def test_lines_of_one_tag_share_a_mark_and_pages_and_tags_agree_on_the_marks() -> None:
    before, after = map(marks, small())
    assert all(drawn == owned == held for drawn, owned, held in (*before, *after))
    assert [len(drawn) for drawn, _, _ in before] == [1 + 9, 7 + 3, 1, 0]
    assert [len(drawn) for drawn, _, _ in after] == [1 + 1, 1 + 3, 1, 0]


def marks(content: bytes) -> list[tuple[set[int], set[int], set[int]]]:
    """Return for each page the marks on it, those that its key leads from, and those that tags hold."""
    with pikepdf.open(io.BytesIO(content)) as pdf:
        nums = pdf.Root.StructTreeRoot.ParentTree.Nums
        owners = {
            int(nums[n]): list(nums[n + 1])
            for n in range(0, len(nums), 2)
            if isinstance(nums[n + 1], list | pikepdf.Array)
        }
        tags_ = [o for o in pdf.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/StructElem"]
        found = []
        for page in pdf.pages:
            drawn = {int(mark) for mark in re.findall(rb"MCID (\d+)", page.Contents.read_bytes())}
            owned = {mark for mark, tag in enumerate(owners[int(page.StructParents)]) if tag is not None}
            found.append((drawn, owned, set(_held(tags_, page))))
        return found


def _held(tags_: list[pikepdf.Object], page: pikepdf.Page) -> Iterator[int]:
    for tag in tags_:
        for kid in tag.get("/K", ()):
            if isinstance(kid, int) and tag.Pg.objgen == page.objgen:
                yield kid
            elif isinstance(kid, pikepdf.Dictionary) and "/MCID" in kid and kid.Pg.objgen == page.objgen:
                yield int(kid.MCID)


def streams(content: bytes) -> list[bytes]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        return [page.Contents.read_bytes() for page in pdf.pages]


def test_empty_fields_of_one_size_share_one_look_and_no_field_gets_smaller() -> None:
    before, after = (looks(content) for content in small())
    assert (len(set(before)), len(set(after))) == (1 + 1 + 3, 3)  # a box, a tick that is off, and three that are on
    for one, other in zip(*(edges(content) for content in small()), strict=True):
        assert other[0] <= one[0] + 1e-6
        assert other[1] <= one[1] + 1e-6
        assert other[2] >= one[2] - 1e-6
        assert other[3] >= one[3] - 1e-6


def looks(content: bytes) -> list[tuple[int, int]]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        normal = [
            annotation.AP.N for page in pdf.pages for annotation in page.get("/Annots", ()) if "/AP" in annotation
        ]
        return [
            one.objgen for look in normal for one in ([look] if isinstance(look, pikepdf.Stream) else look.values())
        ]


def edges(content: bytes) -> list[tuple[float, ...]]:
    with pikepdf.open(io.BytesIO(content)) as pdf:
        rects = [
            [float(edge) for edge in annotation.Rect] for page in pdf.pages for annotation in page.get("/Annots", ())
        ]
    return [(min(x, z), min(y, w), max(x, z), max(y, w)) for x, y, z, w in rects]


def test_a_size_of_type_and_what_is_nearer_than_ten_points_stay_as_they_are() -> None:
    assert compact.compact(b"/F 16.666016 Tf 1.234567 0 0 9.876543 12.345678 -345.678901 cm") == (
        b"/F 16.666016 Tf 1.234567 0 0 9.876543 12.35 -345.68 cm"
    )


def test_letters_without_kerning_are_one_string_and_what_a_string_cannot_hold_is_escaped() -> None:
    assert compact.compact(b"[<0041>0<0042>-20<0028>0<005c>0<000d>0] TJ") == b"[(\0A\0B)-20(\0\\(\0\\\\\0\\r)]TJ"


def test_a_page_with_strings_of_another_hand_is_left_alone() -> None:
    page = b"BT (12.345678) Tj ET 12.345678 0 m"
    assert compact.compact(page) == page
