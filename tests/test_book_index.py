"""The index, the worksheets behind the chapters and the last pages, as a reader finds them in the PDF."""

import dataclasses
import functools
import io
import re

import page
import pikepdf
import pypdfium2
import samples_book

from pipeline import model
from pipeline.formats import book as format_book
from pipeline.formats._chapters import index

FIELDS = tuple(model.WorksheetField(f"card-{kind}", f"My {kind}", kind) for kind in ("line", "area", "date", "tick"))
CARD = model.Worksheet("card", "My card", "Copy it.", FIELDS, (), 0)
LOG = model.Worksheet("vaccines", "My vaccine log", "Ask first.", (), ("Vaccine", "Live?", "Date", "Place"), 3)


def entry(heading: str, **more: object) -> model.IndexEntry:
    plain = model.IndexEntry(heading, find=(), only_in=(), at=(), see=(), see_also=(), subs=(), line=1)
    return dataclasses.replace(plain, **more)  # type: ignore[arg-type]


ENTRIES = (
    entry("spots", see=("lesions",)),
    entry("lesions", find=("lesion*",), subs=(entry("in the cord", find=("cord",)),)),
    entry("asking", at=("asking#how-do-i-ask",), see_also=("lesions",)),
    entry("card for emergencies", at=("sheet:card",)),
    entry("24-hour rule", find=("relapse",)),
    entry("unicorns", find=("unicorn",)),
    entry("horses", see=("unicorns",)),
)


@functools.cache
def source() -> tuple[model.Book, model.Material]:
    """Return the sample book with an index, two worksheets behind its chapters and a signpost."""
    book, material = samples_book.book(), samples_book.material()
    signpost = model.Signpost("When to get help", "asking#help")
    spec = dataclasses.replace(book.spec, sheets=("card", "vaccines"), signposts=(signpost,))
    sheets = material.library.worksheets | {"card": CARD, "vaccines": LOG}
    terms = material.library.terms | {"ataxia": model.Term("ataxia", "Ataxia", "Clumsy movement.", (), 5)}
    library = dataclasses.replace(material.library, index=ENTRIES, worksheets=sheets, terms=terms)
    return dataclasses.replace(book, spec=spec), dataclasses.replace(material, library=library)


@functools.cache
def rendered() -> bytes:
    return format_book.render(*source())[0].content


@functools.cache
def texts() -> tuple[str, ...]:
    """Return each page's words, divided by single spaces."""
    document = pypdfium2.PdfDocument(rendered())
    try:
        pages = [sheet.get_textpage().get_text_range() for sheet in document]
    finally:
        document.close()
    return tuple(" ".join(text.replace("\xa0", " ").split()) for text in pages)


def number_of(phrase: str, *, after: int = 4) -> int:
    """Return the first printed page, behind the contents, that has these words."""
    return next(n for n, text in enumerate(texts(), start=1) if n > after and phrase in text)


def of(heading: str) -> index.Line:
    lines = {line.heading: line for group in index.groups(*_pair()) for line in group.lines}
    return lines[heading]


def _pair() -> tuple[model.Book, model.Library]:
    book, material = source()
    return book, material.library


# --- choosing places ------------------------------------------------------------------------------


def test_headings_stand_by_letter_and_figures_first() -> None:
    groups = index.groups(*_pair())
    assert [group.letter for group in groups] == ["Numbers", "A", "C", "L", "S"]
    assert [line.heading for line in groups[2].lines] == ["card for emergencies"]


def test_a_heading_that_leads_nowhere_is_left_out_with_all_that_sends_to_it() -> None:
    printed = {line.heading for group in index.groups(*_pair()) for line in group.lines}
    assert printed == {"24-hour rule", "asking", "card for emergencies", "lesions", "spots"}


def test_a_subject_with_a_section_of_its_own_goes_from_its_heading_to_its_end() -> None:
    (locator,) = of("asking").locators
    assert locator.first == "chapter-12-text-how-do-i-ask"
    assert locator.last.startswith("chapter-12-place-")


def test_a_heading_has_six_places_at_most_and_those_that_say_most_of_it() -> None:
    far = "\n\n".join(["Rest.", *["Nothing."] * 5]) * 9
    near = "\n\n".join(["Rest."] * 3)
    chapter = samples_book.chapter(1, "scans", "Scans", far + "\n\n## Rest\n\n" + near)
    book = dataclasses.replace(samples_book.book(), chapters=(chapter,))
    (group,) = index.groups(book, dataclasses.replace(_pair()[1], index=(entry("rest", find=("rest",)),)))
    (line,) = group.lines
    assert len(line.locators) == index.MOST
    assert line.locators[-1].first == "chapter-1-text-rest"


def test_neighbouring_pages_are_one_range_and_a_page_is_named_once() -> None:
    pages = {"a": 3, "b": 4, "c": 4, "d": 5, "e": 9, "f": 122, "g": 123}
    locators = [index.Locator(*pair) for pair in ("aa", "bc", "dd", "ee", "fg")]
    found = index.pages(locators, pages.__getitem__)
    assert [(reference.text, reference.anchor) for reference in found] == [
        ("3\N{EN DASH}5", "a"),
        ("9", "e"),
        ("122\N{EN DASH}123", "f"),
    ]


def test_an_index_of_pages_nobody_knows_yet_is_written_all_the_same() -> None:
    found = index.pages(of("lesions").locators, lambda _: 88)
    assert [reference.text for reference in found] == ["88"]


# --- on paper -------------------------------------------------------------------------------------


def test_the_file_conforms_to_pdf_ua() -> None:
    report = page.validate_pdf_bytes(rendered(), profile=page.ValidationProfile.PDF_UA_1)
    assert [(failure.rule_id, failure.message) for failure in report.failures] == []


def test_the_index_names_the_pages_where_the_words_are() -> None:
    words = texts()[number_of("Index") - 1]
    assert f"lesions, {number_of('shows lesions')}\N{EN DASH}{number_of('One short lesion')}" in words
    assert f"in the cord, {number_of('The cord counts too')}" in words
    assert f"card for emergencies, {number_of('My card Copy it.')}" in words
    assert "spots, see lesions" in words
    first, last = number_of("How do I ask?"), number_of("What do I do afterwards?")
    assert re.search(f"asking, {first}\N{EN DASH}(\\d+)\\. See also lesions", words)
    assert last - 1 <= int(re.findall(f"asking, {first}\N{EN DASH}(\\d+)", words)[0]) <= last


def test_every_reference_of_the_index_arrives_on_the_page_that_it_names() -> None:
    with pikepdf.open(io.BytesIO(rendered())) as pdf:
        numbers = {sheet.obj.objgen: number for number, sheet in enumerate(pdf.pages, start=1)}
        names = pdf.Root.Names.Dests.Names
        places = {str(names[n]): numbers[names[n + 1][0].objgen] for n in range(0, len(names), 2)}
    for group in index.groups(*_pair()):
        for line in group.lines:
            for reference in index.pages(line.locators, places.__getitem__):
                assert f"{line.heading}, " in texts()[places["index"] - 1]
                assert reference.text in texts()[places["index"] - 1]


def test_contents_name_help_first_and_then_sheets_glossary_and_index() -> None:
    contents = texts()[2]
    sheets, index_ = number_of("More pages to fill in"), number_of("Index")
    help_ = re.search(r"When to get help (\d+) 1\. Scans", contents)
    assert help_
    assert f"More pages to fill in {sheets}" in contents
    assert f"Index {index_}" in contents
    assert "Call your team the same day." in texts()[int(help_[1]) - 1]
    assert int(help_[1]) < sheets < index_


def test_the_sheets_behind_the_chapters_are_listed_and_can_be_filled_in() -> None:
    listed = " ".join(texts()[3:5])
    assert f"Worksheet: My card {number_of('My card Copy it.')}" in listed
    with pikepdf.open(io.BytesIO(rendered())) as pdf:
        fields = {str(field.T): str(field.TU) for field in pdf.Root.AcroForm.Fields}
    assert {name: fields[name] for name in fields if name.startswith("sheets-card")} == {
        f"sheets-card-{kind}": f"My {kind}" for kind in ("line", "area", "date", "tick")
    }
    assert fields["sheets-vaccines-3-4"] == "My vaccine log, row 3: Place"


def test_a_word_that_no_chapter_uses_is_explained_without_a_page() -> None:
    words = texts()[number_of("Words used in this book") - 1]
    assert "Ataxia Clumsy movement." in words


def test_the_last_pages_say_version_review_address_and_where_to_write() -> None:
    words = " ".join(texts()[number_of("About this version") - 1 :])
    assert "Version 0.1, November 22, 2026." in words
    assert "1 of 2 chapters are medically reviewed." in words
    assert "https://www.example.org/book/" in words
    assert "Please write to editors@example.org, and name the page." in words
    assert "November 22, 2027: chapters 1, 12" in words


def test_a_book_without_index_and_sheets_has_no_empty_pages_for_them() -> None:
    made = format_book.render(samples_book.book(), samples_book.material())[0].content
    document = pypdfium2.PdfDocument(made)
    try:
        words = " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    finally:
        document.close()
    assert "Index" not in words
    assert "More pages to fill in" not in words


def test_the_index_of_a_changed_chapter_or_of_changed_words_is_made_anew() -> None:
    book, material = source()
    first, *others = book.chapters

    def headings(book: model.Book, library: model.Library) -> set[str]:
        return {line.heading for group in index.groups(book, library) for line in group.lines}

    assert "unicorns" not in headings(book, material.library)
    told = dataclasses.replace(first, body=f"{first.body}\n\nA unicorn walks by.\n")
    assert "unicorns" in headings(dataclasses.replace(book, chapters=(told, *others)), material.library)
    assert "unicorns" not in headings(book, material.library)
    sought = tuple(dataclasses.replace(one, find=("lesion",)) if one.find == ("unicorn",) else one for one in ENTRIES)
    assert "unicorns" in headings(book, dataclasses.replace(material.library, index=sought))
