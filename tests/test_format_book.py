"""The book as a file: its pages, its ways through them, what it says of itself, what it refuses. Names are claims."""

import dataclasses
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import book_pdf
import page
import pikepdf
import pytest
import samples
import samples_book

from pipeline import errors, model
from pipeline.formats import book as format_book
from pipeline.formats._chapters import setting

ROOT = samples.ROOT
FONT = "Atkinson-Hyperlegible-Next"


@pytest.fixture
def pdf() -> Iterator[pikepdf.Pdf]:
    with book_pdf.opened() as document:
        yield document


def chapters_with(**changes: object) -> model.Book:
    """Return the sample book with its first chapter changed."""
    whole = samples_book.book()
    first = dataclasses.replace(whole.chapters[0], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(whole, chapters=(first, whole.chapters[1]))


# --- the whole file -------------------------------------------------------------------------------


@book_pdf.BOTH
def test_the_file_conforms_to_pdf_ua(which: str) -> None:
    report = page.validate_pdf_bytes(book_pdf.rendered(which), profile=page.ValidationProfile.PDF_UA_1)
    assert [(failure.rule_id, failure.message) for failure in report.failures] == []


def test_two_fresh_processes_write_the_same_bytes() -> None:
    command = [sys.executable, str(ROOT / "tests" / "samples_book.py")]
    runs = [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "TZ": zone},
        )
        for seed, zone in (("1", "UTC"), ("2", "Pacific/Auckland"))
    ]
    first, second = (run.communicate(timeout=120)[0].decode().strip() for run in runs)
    assert len(first) == len("0" * 64)
    assert first == second


def test_title_language_dates_and_page_labels_are_in_place(pdf: pikepdf.Pdf) -> None:
    assert pdf.docinfo["/Title"] == "Navigating Your MS Care"
    assert pdf.docinfo["/CreationDate"] == "D:20261122"
    assert pdf.Root.Lang == "en"
    assert pdf.Root.ViewerPreferences.DisplayDocTitle
    assert pdf.pages[0].label == "Cover"
    assert [sheet.label for sheet in pdf.pages[1:]] == [str(n) for n in range(2, len(pdf.pages) + 1)]


@book_pdf.BOTH
def test_every_font_is_our_own_and_embedded(which: str) -> None:
    with book_pdf.opened(which) as document:
        fonts = [o for o in document.objects if isinstance(o, pikepdf.Dictionary) and o.get("/Type") == "/Font"]
        descriptors = [o for o in document.objects if isinstance(o, pikepdf.Dictionary) and "/FontName" in o]
        assert all(FONT in str(font.BaseFont) for font in fonts)
        assert all("/FontFile2" in descriptor for descriptor in descriptors)


def test_nothing_points_outside_but_the_links_a_reader_can_read(pdf: pikepdf.Pdf) -> None:
    addresses = {
        str(annotation.A.URI)
        for sheet in pdf.pages
        for annotation in sheet.get("/Annots", ())
        if annotation.Subtype == "/Link" and "/A" in annotation
    }
    assert addresses == {
        "https://www.example.org",
        "https://www.example.org/book/",
        "mailto:editors@example.org",
        "https://www.nice.org.uk/guidance/ng220",
    }
    assert not {"/EmbeddedFile", "/Filespec"} & {
        str(o.get("/Type")) for o in pdf.objects if isinstance(o, pikepdf.Dictionary)
    }
    assert "/JavaScript" not in pdf.Root.get("/Names", {})


# --- finding the way ------------------------------------------------------------------------------


@book_pdf.BOTH
def test_the_contents_name_the_pages_where_the_chapters_are(which: str) -> None:
    real, sheets = book_pdf.pages_of(which), book_pdf.texts(which)
    front = " ".join(sheets[real["Contents"] - 1 : real["Pages to fill in"] - 1])
    book, _ = book_pdf.source(which)
    for chapter in book.chapters:
        title = chapter.title.replace("'", "\u2019")
        assert f"{chapter.number}. {title} {real[title]} " in front
    for title in ("Words used in this book", "About this version"):
        assert f"{title} {real[title]}" in front


@book_pdf.BOTH
def test_the_list_of_pages_to_fill_in_names_the_page_of_every_worksheet(which: str) -> None:
    real, (book, material) = book_pdf.pages_of(which), book_pdf.source(which)
    first, last = real["Pages to fill in"], real[book.chapters[0].title]
    listed = " ".join(book_pdf.texts(which)[first - 1 : last - 1])
    for chapter in book.chapters:
        title = material.library.worksheets[chapter.worksheet].title
        # a long title breaks, and its page number stands behind its first line
        assert re.search(rf"Worksheet: {re.escape(title[:18])}.{{0,40}}? {real[title]}\b", listed), title


def test_the_outline_holds_chapters_headings_and_pages_to_fill_in() -> None:
    titles = [title for title, _, _ in book_pdf.outline()]
    assert list(dict.fromkeys(titles)) == [
        "Contents", "Signs used in this book", "Pages to fill in",
        "Scans and what they show", "What can a scan show?", "Does the place matter?", "Which words may I find?",
        "When to get help", "Questions to ask your doctor", "MRI, brain and cord lesions", "Sources of this chapter",
        "My scan log",
        "Asking", "How do I ask?", "What do I do afterwards?", "Talking", "My visit",
        "Words used in this book", "About this version", "What changed", "How long it holds",
        "Is there a newer version?", "Have you found a mistake?", "Who can read it, and how", "How it was set",
    ]  # fmt: skip


def test_running_heads_page_numbers_and_version_are_on_every_page() -> None:
    for number, text in enumerate(book_pdf.texts()[1:], start=2):
        assert "Version 0.1, November 22, 2026" in text
        assert str(number) in text.split()
    later = next(text for text in book_pdf.texts() if "Write down what was said" in text)
    assert "Navigating Your MS Care" in later
    assert "Asking" in later


def test_the_glossary_names_the_page_of_each_first_use() -> None:
    words = " ".join(book_pdf.texts()[book_pdf.pages_of()["Words used in this book"] - 1 :])
    used = {
        "Lesion (plaque)": "An MRI shows lesions",
        "Myelin": "The wrap of a nerve fiber",
        "Relapse": "for a relapse",
    }
    for name, phrase in used.items():
        number = next(n for n, text in enumerate(book_pdf.texts(), start=1) if phrase in text)
        assert f"{name} page {number} " in words


def test_a_word_and_its_note_are_on_the_same_page() -> None:
    notes, places = _notes("sample")
    assert notes == {name: places[name.replace("-note-", "-word-")] for name in notes}


def test_no_note_of_the_real_book_is_further_than_the_next_page() -> None:
    notes, places = _notes("real")
    moved = [name for name, page in notes.items() if page != places[name.replace("-note-", "-word-")]]
    assert all(notes[name] == places[name.replace("-note-", "-word-")] + 1 for name in moved)
    assert len(moved) <= len(notes) / 20


def _notes(which: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return the page of every footnote, and of every place that can be jumped to."""
    with book_pdf.opened(which) as document:
        numbers = {sheet.obj.objgen: number for number, sheet in enumerate(document.pages, start=1)}
        names = document.Root.Names.Dests.Names
        places = {str(names[n]): numbers[names[n + 1][0].objgen] for n in range(0, len(names), 2)}
    notes = {name: number for name, number in places.items() if "-note-" in name}
    assert notes
    return notes, places


def test_a_paragraph_that_goes_on_over_the_page_has_three_lines_on_either_side() -> None:
    lines = [
        sum(" " in line.strip() and line.strip() in samples_book.PARAGRAPH * 4 for line in text.splitlines())
        for text in book_pdf.lines()
    ]
    each, rest = divmod(sum(lines), 12)
    assert (each > 5, rest) == (True, 0)
    cuts = {total % each for total in itertools.accumulate(lines)} - {0}
    assert cuts
    assert min(cuts) >= 3
    assert max(cuts) <= each - 3


@book_pdf.BOTH
def test_no_heading_stands_at_the_foot_of_a_page(which: str) -> None:
    low = 49 + 23 + 2 * 16  # points: the margin, the heading, two lines below it
    assert [title for title, _, height in book_pdf.outline(which) if height < low] == []


# --- honest lines ---------------------------------------------------------------------------------


def test_an_unread_chapter_says_so_and_a_read_one_names_its_reader() -> None:
    words = " ".join(book_pdf.texts())
    assert "Not yet medically reviewed. Sources checked on November 22, 2026, by the editorial team." in words
    assert "Medically reviewed by Dr. A. Example on November 20, 2026." in words
    assert "1 of 2 chapters are medically reviewed." in words


def test_a_changed_text_loses_its_mark() -> None:
    book = samples_book.book()
    changed = dataclasses.replace(book.chapters[1], body=book.chapters[1].body + "\nOne more line.\n")
    line = setting.set_chapter(changed, book, samples_book.material()).review
    assert line.startswith("Not yet medically reviewed.")


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"body": "Known [@nobody1999]."}, "source 'nobody1999'"),
        ({"body": "A [word](term:nowhere)."}, "glossary term 'nowhere'"),
        ({"body": "![x](image:gone.svg)"}, "drawing 'gone.svg'"),
        ({"body": "See [there](chapter:gone)."}, "chapter 'gone'"),
        ({"body": "See [there](article:gone)."}, "article:gone"),
        ({"worksheet": "gone"}, "worksheet 'gone'"),
        ({"question_groups": ("gone",)}, "question group 'gone'"),
    ],
)
def test_a_reference_to_nothing_is_refused_with_the_chapters_file(change: dict[str, object], said: str) -> None:
    with pytest.raises(errors.RenderProblem, match=re.escape(said)) as caught:
        format_book.render(chapters_with(**change), samples_book.material())
    assert "01-scans.md" in caught.value.message


def test_a_character_the_font_lacks_is_refused_by_name() -> None:
    with pytest.raises(errors.RenderProblem, match=r"no '≥' \(U\+2265\).*12 ≥ 3"):
        format_book.render(chapters_with(body="Take 12 ≥ 3 as it is."), samples_book.material())


def test_a_drawing_in_a_font_that_is_not_ours_is_refused() -> None:
    material = samples_book.material()
    library = dataclasses.replace(material.library, images={"line.svg": samples.drawing("Strange")})
    with pytest.raises(errors.RenderProblem, match="is not its own"):
        format_book.render(samples_book.book(), dataclasses.replace(material, library=library))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('body { background: url("https://www.example.org/x.png") }', "wants to read https://www.example.org/x.png"),
        ('body { background: url("file:///etc/hostname") }', "wants to read file:///etc/hostname"),
        ("body { colour: red }", "colour"),
    ],
)
def test_a_style_sheet_that_reads_from_outside_or_is_wrong_is_refused(rule: str, said: str, tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(ROOT / "templates", templates)
    with (templates / "book" / "book.css").open("a") as file:
        file.write(rule)
    material = dataclasses.replace(samples_book.material(), templates=templates)
    with pytest.raises(errors.RenderProblem, match=re.escape(said)):
        format_book.render(samples_book.book(), material)


def test_two_fields_of_one_name_are_refused() -> None:
    material = samples_book.material()
    sheet = material.library.worksheets["visit"]
    twice = dataclasses.replace(sheet, fields=(sheet.fields[0], sheet.fields[0]))
    library = dataclasses.replace(material.library, worksheets=material.library.worksheets | {"visit": twice})
    with pytest.raises(errors.RenderProblem, match="same name: chapter-12-line"):
        format_book.render(samples_book.book(), dataclasses.replace(material, library=library))


def test_a_machine_without_pango_is_told_what_to_install(tmp_path: Path) -> None:
    broken = tmp_path / "weasyprint"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError(\"cannot load library 'libpango-1.0-0'\")\n")
    program = (
        "import samples_book\nfrom pipeline import errors\nfrom pipeline.formats import book\n"
        "try: book.render(samples_book.book(), samples_book.material())\n"
        "except errors.MissingPart as error: print(error.message, error.hint)\n"
    )
    places = os.pathsep.join(map(str, (tmp_path, ROOT, ROOT / "tests")))
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "libpango-1.0-0" in told
    assert "sudo apt-get install libpango-1.0-0" in told
