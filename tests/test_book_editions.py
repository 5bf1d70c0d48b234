"""The editions of the book: what each one is for, and that a new one is a table and a style sheet. Names are claims."""

import dataclasses
import io
import json
import re
import shutil
import textwrap
import tomllib
from pathlib import Path

import book_editions
import page
import pikepdf
import pypdfium2
import pytest
import samples
import samples_book

from pipeline import content, edition, errors, model
from pipeline.formats import book as format_book

FILES = {
    "screen": "navigating-your-ms-care.pdf",
    "large-print": "navigating-your-ms-care-large-print.pdf",
    "print": "navigating-your-ms-care-print.pdf",
    "archive": "navigating-your-ms-care-archive.pdf",
}


def opened(name: str) -> pikepdf.Pdf:
    return pikepdf.open(io.BytesIO(book_editions.whole()[0][FILES[name]]))


def words(name: str) -> str:
    document = pypdfium2.PdfDocument(book_editions.whole()[0][FILES[name]])
    try:
        return " ".join(" ".join(sheet.get_textpage().get_text_range().split()) for sheet in document)
    finally:
        document.close()


def sizes(name: str) -> list[float]:
    """Return the size in points of every text drawn in an edition, page by page after the cover."""
    with opened(name) as document:
        found = []
        for sheet in list(document.pages)[1:]:
            stream = sheet.Contents.read_bytes()
            scale = 0.75
            found += [float(size) * scale for size in re.findall(rb"/\w+ ([\d.]+) Tf", stream)]
        return found


def millimetres(sheet: pikepdf.Page, box: str) -> list[float]:
    return [float(edge) / 72 * 25.4 for edge in sheet.obj[f"/{box}"]]


def drawn(name: str, number: int, kind: int = pypdfium2.raw.FPDF_PAGEOBJ_FORM) -> list[tuple[float, float, float]]:
    """Return the bottom, width and height in millimetres of what is drawn on a page (from 1): signs, or paths."""
    document = pypdfium2.PdfDocument(book_editions.whole()[0][FILES[name]])
    try:
        found = document[number - 1].get_objects(filter=[kind], max_depth=1)
        edges = [[edge / 72 * 25.4 for edge in one.get_bounds()] for one in found]
    finally:
        document.close()
    return [(bottom, right - left, top - bottom) for left, bottom, right, top in edges]


def texts(name: str, number: int) -> list[tuple[float, str]]:
    """Return each run of text of a page (from 1) with its left edge in millimetres."""
    document = pypdfium2.PdfDocument(book_editions.whole()[0][FILES[name]])
    try:
        page_ = document[number - 1].get_textpage()
        edges = [page_.get_rect(n) for n in range(page_.count_rects())]
        return [(left / 72 * 25.4, page_.get_text_bounded(left, *rest).strip()) for left, *rest in edges]
    finally:
        document.close()


def place(name: str, anchor: str) -> int:
    """Return the page (from 1) of an anchor in an edition."""
    with opened(name) as document:
        numbers = {sheet.obj.objgen: number for number, sheet in enumerate(document.pages, start=1)}
        names = list(document.Root.Names.Dests.Names)
        return next(numbers[names[n + 1][0].objgen] for n in range(0, len(names), 2) if str(names[n]) == anchor)


# --- each edition ---------------------------------------------------------------------------------


def test_all_declared_editions_and_the_page_map_are_made() -> None:
    assert set(book_editions.whole()[0]) == {*FILES.values(), "pages.json"}


@pytest.mark.parametrize("name", FILES)
def test_every_edition_conforms_to_pdf_ua(name: str) -> None:
    report = page.validate_pdf_bytes(book_editions.whole()[0][FILES[name]], profile=page.ValidationProfile.PDF_UA_1)
    assert [(failure.rule_id, failure.message) for failure in report.failures] == []


def test_the_archive_edition_conforms_to_pdf_a_too_and_says_so() -> None:
    data = book_editions.whole()[0][FILES["archive"]]
    report = page.validate_pdf_bytes(data, profile=page.ValidationProfile.PDF_A_3A)
    assert [(failure.rule_id, failure.message) for failure in report.failures] == []
    with opened("archive") as document:
        declared = document.Root.Metadata.read_bytes()
    assert b'pdfaid:part="3"' in declared
    assert b'pdfuaid:part="1"' in declared


@pytest.mark.parametrize(
    ("name", "fields"), [("screen", True), ("large-print", True), ("print", False), ("archive", False)]
)
def test_editions_have_fields_or_lines_to_write_on(name: str, *, fields: bool) -> None:
    with opened(name) as document:
        assert ("/AcroForm" in document.Root) is fields
        assert (
            any(str(note.Subtype) == "/Widget" for one in document.pages for note in one.get("/Annots", ())) is fields
        )


@pytest.mark.parametrize("name", FILES)
def test_every_edition_holds_the_same_questions_and_chapters(name: str) -> None:
    text = words(name).replace("\u2019", "'")
    for question in samples_book.material().library.groups["mri"].questions:
        assert question.text in text
    assert "Scans and what they show" in text


def test_large_print_is_eighteen_points_or_more_and_its_sources_and_index_sixteen() -> None:
    found = sizes("large-print")
    raised_numbers, heads = 14, 15
    assert {round(size, 1) for size in found if size < 15.9} == {raised_numbers, heads}
    assert sum(size >= 17.9 for size in found) > 0.75 * len(found)


def test_large_print_fits_on_a4_and_on_us_letter_at_full_size() -> None:
    with opened("large-print") as document, opened("screen") as small:
        assert {tuple(sorted(round(x) for x in millimetres(sheet, "MediaBox")[2:])) for sheet in document.pages} == {
            (210, 279)
        }
        assert [round(x) for x in millimetres(small.pages[2], "MediaBox")[2:]] == [148, 210]


def test_a_drawing_in_large_print_is_as_wide_as_its_sheet() -> None:
    number = place("large-print", "chapter-1-text-what-can-a-scan-show")
    paths = [
        one for near in (number, number + 1) for one in drawn("large-print", near, pypdfium2.raw.FPDF_PAGEOBJ_PATH)
    ]
    ground = pytest.approx(210, abs=1), pytest.approx(210 * 675 / 1200, abs=1)
    assert any((width, height) == ground for _, width, height in paths)


def test_a_box_to_tick_in_large_print_is_nine_millimetres_wide() -> None:
    with opened("large-print") as document:
        notes = [note for sheet in document.pages for note in sheet.get("/Annots", ()) if note.get("/FT") == "/Btn"]
        widths = [float(note.Rect[2]) - float(note.Rect[0]) for note in notes]
    assert widths
    assert min(widths) / 72 * 25.4 >= 9


def test_the_cells_of_a_wide_table_to_fill_in_stand_below_each_other_in_large_print(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(samples.ROOT / "templates", templates)
    sheet = templates / "book" / "sheet.html"
    named = sheet.read_text(encoding="utf-8").replace("<td><textarea", '<td data-column="{{ column }}"><textarea')
    sheet.write_text(named, encoding="utf-8")
    material = dataclasses.replace(samples_book.material(), templates=templates)
    edition_ = next(one for one in book_editions.declared() if one.id == "large-print")
    book = samples_book.book()
    book = dataclasses.replace(book, spec=dataclasses.replace(book.spec, editions=(edition_,)))
    with pikepdf.open(io.BytesIO(format_book.render(book, material)[0].content)) as document:
        assert {round(x) for sheet in document.pages for x in millimetres(sheet, "MediaBox")[2:3]} == {210}
        notes = [note for sheet in document.pages for note in sheet.get("/Annots", ()) if note.get("/FT") == "/Tx"]
        cells = [note for note in notes if "My scan log, row 1:" in str(note.TU)]
        widths = [float(note.Rect[2]) - float(note.Rect[0]) for note in cells]
    assert len(widths) == len(material.library.worksheets["log"].columns)
    assert min(widths) / 72 * 25.4 > 65


def test_the_print_edition_has_three_millimetres_of_bleed_and_its_crop_marks_are_outside_it() -> None:
    with opened("print") as document:
        sheet = document.pages[3]
        media, bleed, trim = (millimetres(sheet, box) for box in ("MediaBox", "BleedBox", "TrimBox"))
    assert [round(trim[2] - trim[0]), round(trim[3] - trim[1])] == [148, 210]
    bleeds = [abs(outer - inner) for outer, inner in zip(bleed, trim, strict=True)]
    marks_begin = [abs(outer - inner) / 2 for outer, inner in zip(media, trim, strict=True)]  # as WeasyPrint draws them
    assert all(3 <= one <= 5 for one in bleeds)
    assert min(marks_begin) > max(bleeds) + 1


def test_pages_of_the_print_edition_have_more_room_where_they_are_bound_and_their_numbers_outside() -> None:
    first = place("print", "chapter-12")
    for number in (first + 1, first + 2):
        found = texts("print", number)
        is_right = bool(number % 2)
        assert min(left for left, _ in found) == pytest.approx(16 if is_right else 12, abs=1)
        assert next(left > 74 for left, text in found if text == str(number)) is is_right


@pytest.mark.parametrize("name", ["print", "archive"])
def test_editions_without_fields_have_boxes_to_tick_and_lines_eight_millimetres_apart(name: str) -> None:
    things = drawn(name, place(name, "chapter-1-questions"))
    boxes = [one for one in things if one[1] == pytest.approx(one[2], abs=0.1) and 6 < one[1] < 8]
    lines = sorted((bottom for bottom, width, height in things if height < 0.5 and width > 90), reverse=True)
    of_questions = lines[: 2 * len(boxes)]
    assert boxes
    assert len(of_questions) == 2 * len(boxes)
    for upper, lower in zip(of_questions[::2], of_questions[1::2], strict=True):
        assert upper - lower == pytest.approx(8, abs=0.05)


@pytest.mark.parametrize("name", FILES)
def test_no_word_is_split_at_the_end_of_a_line(name: str) -> None:
    document = pypdfium2.PdfDocument(book_editions.whole()[0][FILES[name]])
    try:
        pages = [sheet.get_textpage().get_text_range() for sheet in document]
    finally:
        document.close()
    sources = [samples_book.__file__, samples.__file__, *(samples.ROOT / "templates" / "book").glob("*.html")]
    own = " ".join(Path(source).read_text(encoding="utf-8") for source in sources)
    ends = [found for text in pages for found in re.findall("(\\w+)[-\u00ad\ufffe\x02]\\s+(\\w+)", text)]
    assert [f"{first}-{second}" for first, second in ends if f"{first}-{second}" not in own] == []


@pytest.mark.parametrize("name", ["screen", "large-print", "print", "archive"])
def test_no_edition_hyphenates_or_justifies(name: str) -> None:
    spec = next(one for one in book_editions.declared() if one.id == name)
    styles = [
        (samples.ROOT / "templates" / "book" / file).read_text(encoding="utf-8") for file in ("book.css", spec.style)
    ]
    assert "hyphens: none" in styles[0]
    assert not any(re.search(r"justify\b|hyphens: auto|column-count", style) for style in styles)


# --- pages.json -----------------------------------------------------------------------------------


def test_the_page_map_names_the_printed_page_of_each_anchor() -> None:
    record = json.loads(book_editions.whole()[0]["pages.json"])
    assert record["edition"] == "screen"
    with opened("screen") as document:
        numbers = {sheet.obj.objgen: number for number, sheet in enumerate(document.pages, start=1)}
        names = document.Root.Names.Dests.Names
        places = {str(names[n]): numbers[names[n + 1][0].objgen] for n in range(0, len(names), 2)}
        assert record["count"] == len(document.pages)
    assert record["pages"] == places
    assert {"contents", "chapter-1", "chapter-12-questions", "glossary", "colophon"} <= record["pages"].keys()


# --- declaring editions ---------------------------------------------------------------------------


def test_a_new_edition_takes_the_table_and_the_style_sheet_of_the_documentation(tmp_path: Path) -> None:
    text = (samples.ROOT / "docs" / "changing-the-look.md").read_text(encoding="utf-8")
    section = text.partition("## Another edition of the book\n")[2].partition("\n## ")[0]
    table, style = (textwrap.dedent(block[0]) for block in re.finditer(r"(?:^ {4}.+\n)+", section, re.MULTILINE))
    (values,) = tomllib.loads(table)["edition"]
    added = model.BookEdition(**values)
    templates = tmp_path / "templates"
    shutil.copytree(samples.ROOT / "templates", templates)
    (templates / "book" / added.style).write_text(style, encoding="utf-8")
    book = samples_book.book()
    book = dataclasses.replace(book, spec=dataclasses.replace(book.spec, editions=(added,)))
    made = format_book.render(book, dataclasses.replace(samples_book.material(), templates=templates))
    assert [output.name for output in made] == [added.file, "pages.json"]
    with pikepdf.open(io.BytesIO(made[0].content)) as document:
        assert round(float(document.pages[2].MediaBox[2]) / 72 * 25.4) == 176
        assert "/AcroForm" not in document.Root


def test_an_edition_over_its_budget_is_refused_with_its_size() -> None:
    book = samples_book.book()
    small = dataclasses.replace(book.spec.editions[0], size_budget_kb=9)
    with pytest.raises(errors.RenderProblem, match="its budget is 9 KB"):
        format_book.render(
            dataclasses.replace(book, spec=dataclasses.replace(book.spec, editions=(small,))), samples_book.material()
        )


def test_an_edition_whose_style_sheet_is_not_there_is_refused_at_its_line(tmp_path: Path) -> None:
    book = samples_book.book()
    path = tmp_path / "book.toml"
    path.write_text('title = "A book"\n\n[[edition]]\nstyle = "gone.css"\n', encoding="utf-8")
    lost = dataclasses.replace(book.spec.editions[0], style="gone.css")
    spec = dataclasses.replace(book.spec, path=path, editions=(lost,))
    with pytest.raises(errors.RenderProblem, match=r"book\.toml:4: the edition .* names 'gone\.css'") as caught:
        format_book.render(dataclasses.replace(book, spec=spec), samples_book.material())
    assert "screen.css" in caught.value.hint


def test_an_unknown_edition_is_refused_with_those_there_are() -> None:
    with pytest.raises(errors.UsageProblem, match="no edition 'braille'") as caught:
        edition.chosen(book_editions.sample(), ["braille"])
    assert "large-print" in caught.value.hint


def test_chosen_editions_print_what_they_print_among_all() -> None:
    files = book_editions.render(book_editions.sample("archive"))
    assert files[FILES["archive"]] == book_editions.whole()[0][FILES["archive"]]
    assert set(files) == {FILES["archive"], "pages.json"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('style = "screen.css"', 'style = "../screen.css"', "style"),
        ("fill_in = true", "fill_in = 1", "fill_in"),
        ('id = "print"', 'id = "screen"', "the id 'screen' is used by two editions"),
        (
            'file = "navigating-your-ms-care-print.pdf"',
            'file = "navigating-your-ms-care.pdf"',
            "is used by two editions",
        ),
        ("archive = true", "archive = true\npages = 3", "unknown key"),
        ("fill_in = false\narchive = true", "fill_in = true\narchive = true", "fill_in and archive are both true"),
    ],
)
def test_a_fault_in_an_edition_is_a_finding_with_its_line(old: str, new: str, said: str, tmp_path: Path) -> None:
    shutil.copytree(samples.ROOT / "content", tmp_path / "content")
    path = tmp_path / "content" / "book" / "book.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    _, findings = content.load(tmp_path / "content")
    found = [finding for finding in findings if finding.file == "content/book/book.toml" and said in finding.message]
    assert found
    assert found[0].line > text[: text.index("[[edition]]")].count("\n")
