"""What stops a finished book from going out. Each gate is shown a sound book and one with the fault it is for."""

import dataclasses
import io
from collections.abc import Callable, Iterator

import book_pdf
import book_tags
import page
import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String

from pipeline import model
from pipeline.formats import book as format_book
from pipeline.formats.book import gates

EDITION = model.BookEdition()
Change = Callable[[pikepdf.Pdf], None]


@pytest.fixture(scope="module")
def wanted() -> gates.Expected:
    return gates.expected(book_tags.written_parts("sample"))


@pytest.fixture
def pdf() -> Iterator[pikepdf.Pdf]:
    with book_pdf.opened() as document:
        yield document


def saved(pdf: pikepdf.Pdf) -> bytes:
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def first(pdf: pikepdf.Pdf, kind: str) -> pikepdf.Object:
    return next(tag for tag in book_tags.tags(pdf) if f"/{kind}" == tag.S)


def link(pdf: pikepdf.Pdf) -> pikepdf.Object:
    return next(note for sheet in pdf.pages for note in sheet.get("/Annots", ()) if "/Dest" in note)


def outer_link(pdf: pikepdf.Pdf) -> pikepdf.Object:
    return next(note for sheet in pdf.pages for note in sheet.get("/Annots", ()) if "/A" in note)


@book_pdf.BOTH
def test_the_book_passes_every_gate(which: str) -> None:
    book, _ = book_pdf.source(which)
    wanted = gates.expected(book_tags.written_parts(which))
    assert gates.judge(book_pdf.rendered(which), wanted, book.spec.editions[0]) == []


def test_an_archive_edition_is_pdf_a_3a_too_and_a_fillable_one_is_not() -> None:
    book, material = book_pdf.source("sample")
    edition = model.BookEdition(id="archive", file="archive.pdf", style="archive.css", fill_in=False, archive=True)
    spec = dataclasses.replace(book.spec, editions=(edition,))
    archive = format_book.render(dataclasses.replace(book, spec=spec), material)[0].content
    for profile in (page.ValidationProfile.PDF_UA_1, page.ValidationProfile.PDF_A_3A):
        assert page.validate_pdf_bytes(archive, profile=profile).is_compliant
    faults = gates.judge(book_pdf.rendered(), gates.expected([]), edition)
    assert any("it is not PDF/A-3a" in fault for fault in faults)
    assert "archive.pdf: it has form fields, and is not to be filled in" in faults


def no_tags(pdf: pikepdf.Pdf) -> None:
    del pdf.Root["/StructTreeRoot"]


def split_paragraph(pdf: pikepdf.Pdf) -> None:
    one = first(pdf, "P")
    one.P.K = Array([*one.P.K, pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.P, P=one.P, K=Array([])))])


def header_without_scope(pdf: pikepdf.Pdf) -> None:
    del first(pdf, "TH")["/A"]


def mute_drawing(pdf: pikepdf.Pdf) -> None:
    del first(pdf, "Figure")["/Alt"]


def note_without_id(pdf: pikepdf.Pdf) -> None:
    del first(pdf, "Note")["/ID"]


def note_without_way_back(pdf: pikepdf.Pdf) -> None:
    note = first(pdf, "Note")
    note.K = Array([kid for kid in note.K if not book_tags.is_tag(kid)])


def silent_link(pdf: pikepdf.Pdf) -> None:
    link(pdf).Contents = link(pdf).Dest


def dead_link(pdf: pikepdf.Pdf) -> None:
    link(pdf).Dest = String("nowhere")


def link_to_a_file(pdf: pikepdf.Pdf) -> None:
    outer_link(pdf).A = Dictionary(S=Name.Launch, F=String("notes.doc"))


def link_to_a_disk(pdf: pikepdf.Pdf) -> None:
    outer_link(pdf).A.URI = String("file:///etc/hostname")


def stray_link(pdf: pikepdf.Pdf) -> None:
    del link(pdf)["/StructParent"]


def renamed_field(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm.Fields[0].T = String("other")


def shuffled_fields(pdf: pikepdf.Pdf) -> None:
    pdf.Root.AcroForm.Fields = Array(list(pdf.Root.AcroForm.Fields)[::-1])


def field_without_label(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.AcroForm.Fields[0]["/TU"]


def field_without_look(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.AcroForm.Fields[0]["/AP"]


def stray_field(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.AcroForm.Fields[0]["/StructParent"]


def no_page_labels(pdf: pikepdf.Pdf) -> None:
    del pdf.Root["/PageLabels"]


def no_tab_order(pdf: pikepdf.Pdf) -> None:
    del pdf.pages[2].obj["/Tabs"]


def no_outline(pdf: pikepdf.Pdf) -> None:
    del pdf.Root["/Outlines"]


def outline_backwards(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        outline.root.reverse()


def outline_without_words(pdf: pikepdf.Pdf) -> None:
    with pdf.open_outline() as outline:
        outline.root[0].title = " "


def foreign_font(pdf: pikepdf.Pdf) -> None:
    descriptor(pdf).FontName = Name("/ABCDEF+DejaVu-Sans")


def font_left_out(pdf: pikepdf.Pdf) -> None:
    del descriptor(pdf)["/FontFile2"]


def descriptor(pdf: pikepdf.Pdf) -> pikepdf.Object:
    things = (thing for thing in pdf.objects if isinstance(thing, Dictionary))
    return next(thing for thing in things if thing.get("/Type") == Name.FontDescriptor)


def attachment(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["notes.txt"] = b"notes"


def script(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = Dictionary(S=Name.JavaScript, JS=String("app.alert(1)"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (no_tags, "it has no tags"),
        (split_paragraph, "tags P, and its source gives"),
        (split_paragraph, "1 tags are empty: /P"),
        (header_without_scope, "1 header cells do not say which cells they head"),
        (mute_drawing, "1 drawings do not say what they show"),
        (note_without_id, "footnotes share an id or have none"),
        (note_without_id, "the list of ids of its tags is not that of its footnotes"),
        (note_without_way_back, "1 footnotes have no way back to the text"),
        (silent_link, "1 links do not say where they lead"),
        (dead_link, "1 links lead nowhere: to nowhere on page"),
        (link_to_a_file, "1 links lead to what is neither in the book nor on the web: '/Launch'"),
        (link_to_a_disk, "neither in the book nor on the web: 'file:///etc/hostname'"),
        (stray_link, "1 links stand outside a Link tag"),
        (renamed_field, "its 44 fields are not the 44 of its source: chapter-1-mri-where-tick"),
        (shuffled_fields, "they are in another order"),
        (shuffled_fields, "the fields stand on its pages in another order than in its form"),
        (field_without_label, "1 fields have another label than in its source"),
        (field_without_look, "1 fields have no look of their own"),
        (stray_field, "1 fields stand outside a Form tag"),
        (no_page_labels, "pages have another label than their printed number: 1"),
        (no_tab_order, "pages do not lead the tab key in the order of the text: 3"),
        (no_outline, "it has no outline"),
        (outline_backwards, "the outline is not in the order of the pages"),
        (outline_without_words, "entries of the outline lead nowhere: an entry without words"),
        (foreign_font, "it uses fonts that are not its own: DejaVu-Sans"),
        (font_left_out, "it does not carry these fonts: Atkinson"),
        (attachment, "what a book has no need of"),
        (script, "what a book has no need of: /OpenAction"),
    ],
)
def test_a_fault_is_told_in_a_sentence_that_names_the_file(
    pdf: pikepdf.Pdf, wanted: gates.Expected, change: Change, told: str
) -> None:
    change(pdf)
    faults = gates.judge(saved(pdf), wanted, EDITION)
    assert any(told in fault for fault in faults), faults
    assert all(fault.startswith("navigating-your-ms-care.pdf: ") for fault in faults)


def test_what_no_standard_allows_is_told_with_its_rule(pdf: pikepdf.Pdf, wanted: gates.Expected) -> None:
    del pdf.Root["/Lang"]
    assert any("it is not PDF/UA-1" in fault and "LANG" in fault for fault in gates.judge(saved(pdf), wanted, EDITION))


def test_a_file_over_its_budget_is_told_with_both_sizes(wanted: gates.Expected) -> None:
    (fault,) = gates.judge(book_pdf.rendered(), wanted, dataclasses.replace(EDITION, size_budget_kb=50))
    size = len(book_pdf.rendered()) / 1000
    assert fault == f"navigating-your-ms-care.pdf: it has {size:,.0f} KB, and its budget is 50 KB"


def test_what_is_not_a_pdf_is_told_not_raised(wanted: gates.Expected) -> None:
    assert "cannot be read" in gates.judge(b"%PDF-1.7 broken", wanted, EDITION)[0]
