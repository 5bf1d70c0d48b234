"""Parts joined into one book: nothing is lost, doubled or left hanging. Each test's name is its claim."""

import collections
import dataclasses
import functools
import io
import zlib
from collections.abc import Iterator

import book_editions
import book_pdf
import pikepdf
import pytest
import samples

from pipeline import errors
from pipeline.formats.book import faces, job, seal, stitch

SCREEN = "navigating-your-ms-care.pdf"


@pytest.fixture
def pdf() -> Iterator[pikepdf.Pdf]:
    files, _ = book_editions.whole()
    with pikepdf.open(io.BytesIO(files[SCREEN])) as document:
        yield document


@functools.cache
def parts(edition: str = "screen") -> tuple[job.Laid, ...]:
    """Return the parts that an edition was joined from, in their order."""
    kept = book_editions.Memory()
    book_editions.render(book_editions.sample(edition), kept)
    laid = [job.unpacked(content) for key, content in kept.kept.items() if key.startswith("part-")]
    # a part may have been laid out for a page number that did not hold: the last one did
    return tuple(part for _, part in sorted({_number(part): part for part in laid}.items()))


def _number(part: job.Laid) -> int:
    with pikepdf.open(io.BytesIO(part.content)) as document:
        return int(document.pages[0].StructParents) // seal.STEP


def annotations(document: pikepdf.Pdf, kind: str) -> list[pikepdf.Object]:
    return [note for one in document.pages for note in one.get("/Annots", ()) if str(note.Subtype) == kind]


# --- what parts had, the book has -----------------------------------------------------------------


def test_pages_links_fields_tags_and_outline_are_those_of_all_parts_together(pdf: pikepdf.Pdf) -> None:
    before: collections.Counter[str] = collections.Counter()
    for part in parts():
        with pikepdf.open(io.BytesIO(part.content)) as one:
            before.update(_counted(one))
    assert before == _counted(pdf)
    assert before["fields"] > 20
    assert before["links"] > 40


def _counted(document: pikepdf.Pdf) -> collections.Counter[str]:
    with document.open_outline() as outline:
        entries = sum(1 for _ in _entries(outline.root))
    elements = [str(e.S) for e in book_pdf.elements(document) if str(e.S) != "/Document"]
    return collections.Counter(elements) + collections.Counter(
        {
            "pages": len(document.pages),
            "links": len(annotations(document, "/Link")),
            "widgets": len(annotations(document, "/Widget")),
            "fields": len(document.Root.AcroForm.Fields) if "/AcroForm" in document.Root else 0,
            "outline": entries,
        }
    )


def _entries(items: list[pikepdf.OutlineItem]) -> Iterator[pikepdf.OutlineItem]:
    for item in items:
        yield item
        yield from _entries(list(item.children))


def test_every_link_inside_arrives_on_a_page_of_the_book(pdf: pikepdf.Pdf) -> None:
    names = pdf.Root.Names.Dests.Names
    pages = {page.obj.objgen for page in pdf.pages}
    places = {str(names[n]): names[n + 1][0].objgen for n in range(0, len(names), 2)}
    assert set(places.values()) <= pages
    inside = [str(link.Dest) for link in annotations(pdf, "/Link") if "/Dest" in link]
    assert set(inside) <= places.keys()
    assert "chapter-12" in inside  # from the contents and from chapter 1, which are other parts
    assert not any("xref:" in str(link.get("/A", {}).get("/URI", "")) for link in annotations(pdf, "/Link"))


def test_names_of_places_are_sorted_as_a_name_tree_must_be(pdf: pikepdf.Pdf) -> None:
    names = [bytes(name) for name in list(pdf.Root.Names.Dests.Names)[::2]]
    assert names == sorted(set(names))


def test_every_marked_text_and_annotation_finds_its_tag(pdf: pikepdf.Pdf) -> None:
    nums = list(pdf.Root.StructTreeRoot.ParentTree.Nums)
    keys = [int(key) for key in nums[::2]]
    assert keys == sorted(set(keys))
    owners = dict(zip(keys, nums[1::2], strict=True))
    reachable = {element.objgen for element in book_pdf.elements(pdf)}
    for page in pdf.pages:
        held = [owner.objgen for owner in owners[int(page.obj.StructParents)] if owner is not None]
        assert set(held) <= reachable
        for note in page.obj.get("/Annots", ()):
            assert owners[int(note.StructParent)].objgen in reachable
    used = [int(note.StructParent) for page in pdf.pages for note in page.obj.get("/Annots", ())]
    assert len(used) == len(set(used))


def test_ids_of_tags_are_unique_and_every_cell_finds_its_headers(pdf: pikepdf.Pdf) -> None:
    elements = list(book_pdf.elements(pdf))
    ids = [str(element.ID) for element in elements if "/ID" in element]
    assert len(ids) == len(set(ids))
    headers = [str(header) for element in elements for header in _attribute(element, "/Headers")]
    assert set(headers) <= set(ids)


def _attribute(element: pikepdf.Object, name: str) -> list[pikepdf.Object]:
    owners = element.get("/A", ())
    found = [owner for owner in (owners if isinstance(owners, pikepdf.Array) else [owners]) if owner and name in owner]
    return [value for owner in found for value in owner[name]]


def test_each_face_is_embedded_once_and_all_pages_draw_with_it(pdf: pikepdf.Pdf) -> None:
    fonts = {}
    for page in pdf.pages:
        for font in page.obj.Resources.Font.values():
            fonts.setdefault(str(font.BaseFont), set()).add(font.objgen)
    assert len(fonts) == 2  # roman and bold: the sample has no italics
    assert all(len(objects) == 1 for objects in fonts.values())
    files = [thing for thing in pdf.objects if isinstance(thing, pikepdf.Stream) and "/Length1" in thing]
    assert len(files) == len(fonts)


def test_a_shared_face_has_the_glyphs_and_widths_of_every_part(pdf: pikepdf.Pdf) -> None:
    for part in parts():
        for name, face in part.faces.items():
            font = next(font for font in pdf.pages[0].obj.Resources.Font.values() if str(font.BaseFont) == f"/{name}")
            mapped = font.ToUnicode.read_bytes()
            assert all(f"<{gid:04x}>".encode() in mapped for gid in face)
            widths = list(font.DescendantFonts[0].W)
            known = {int(widths[n]) + k for n in range(0, len(widths), 2) for k in range(len(widths[n + 1]))}
            assert face.keys() <= known


def test_the_outline_is_one_list_in_the_order_of_the_pages(pdf: pikepdf.Pdf) -> None:
    numbers = {page.obj.objgen: number for number, page in enumerate(pdf.pages)}
    with pdf.open_outline() as outline:
        order = [numbers[item.destination[0].objgen] for item in _entries(list(outline.root))]
    assert order == sorted(order)
    assert order[-1] > order[0]


def test_one_form_types_with_one_font(pdf: pikepdf.Pdf) -> None:
    form = pdf.Root.AcroForm
    assert list(form.DR.Font.keys()) == ["/BookForm"]
    assert all("/BookForm" in str(field.DA) for field in form.Fields if field.FT == "/Tx")


# --- what is refused ------------------------------------------------------------------------------


def test_no_stream_of_the_archive_edition_ends_like_a_line() -> None:
    first, *others = parts("archive")
    ending = dataclasses.replace(first, content=_with_a_page_that_ends_in_a_carriage_return(first.content))
    assert b"\r\nendstream" in ending.content
    files = {path.name: path.read_bytes() for path in (samples.ROOT / "templates" / "fonts").glob("*.ttf")}
    fonts = faces.subsets(faces.union([part.faces for part in (ending, *others)]), files, None)
    assert b"\r\nendstream" not in stitch.joined(stitch.Binding([ending, *others], fonts))


def _with_a_page_that_ends_in_a_carriage_return(content: bytes) -> bytes:
    with pikepdf.open(io.BytesIO(content)) as document:
        stream = document.pages[0].obj.Contents
        drawn = stream.read_bytes()
        packed = next(p for n in range(10_000) if (p := zlib.compress(drawn + b"\t" * n)).endswith(b"\r"))
        stream.write(packed, filter=pikepdf.Name.FlateDecode)
        out = io.BytesIO()
        document.save(out, deterministic_id=True)
        return out.getvalue()


def test_a_link_to_a_part_that_is_missing_is_refused() -> None:
    laid = parts()
    fonts = {name: b"" for part in laid for name in part.faces}
    with pytest.raises(errors.RenderProblem, match=r"links to .*chapter-1.*not in it"):
        stitch.joined(stitch.Binding(laid[:1], fonts))


def test_an_anchor_that_two_parts_have_is_refused() -> None:
    laid = parts()
    with pytest.raises(errors.RenderProblem, match="two parts of the book have the anchor"):
        stitch.joined(stitch.Binding([laid[0], laid[0]], {}))
