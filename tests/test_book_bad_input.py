"""Bad input to the book: each fault is a sentence with file and line, and nothing half-written. Names are claims.

A small publication of two chapters is written to disk and spoiled in one place. What the content says is looked at
without making a page; the real command is used where the machine is what fails.
"""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import book_spoiled
import house
import pytest
import samples_book
from book_spoiled import (
    CHAPTER,
    DRAWING,
    FIRST_LINE,
    SCANS,
    TEMPLATES,
    VISITS,
    found,
    refused,
    svg,
    table,
    with_drawing,
    with_text,
)

from pipeline import errors, model, office
from pipeline.config import load as settings_of
from pipeline.formats import book as format_book
from pipeline.formats.book import crew


@pytest.fixture
def home(tmp_path: Path) -> house.House:
    """Return a publication of its own, without fault."""
    return book_spoiled.publication(tmp_path / "home")


# --- what is sound --------------------------------------------------------------------------------


def test_two_chapters_that_lead_to_each_other_are_no_fault(home: house.House) -> None:
    assert found(home) == {}
    book = office.sit_down(settings_of(home.root / "mscare.toml")).item("book")
    assert isinstance(book, model.Book)
    assert len(book.chapters) == 2


# --- broken Markdown ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "below"),
    [
        ("::: note A title\nNever closed.\n", "markup-broken", 0),
        ("::: note\nNo title.\n:::\n", "markup-broken", 0),
        ("::: hint A title\nNo such box.\n:::\n", "markup-broken", 0),
        ("One line.\nSee [the visit](chapter:scans and more.\n", "markup-broken", 1),
        ("A thing [@bot2004 is open.\n", "markup-broken", 0),
        ("A thing [@bot2004, @bot2004].\n", "markup-broken", 0),
        ("A [thing][nowhere].\n", "markup-broken", 0),
        ("An **open one.\n", "markup-broken", 0),
        ("Some <b>bold</b> text.\n", "markup-broken", 0),
        ('<div onclick="x()">block</div>\n', "markup-broken", 0),
        ("[here](javascript:alert(1))\n", "markup-broken", 0),
        ("#### Deep\n\nText.\n", "heading-order", 0),
        ("# Top\n\nText.\n", "heading-order", 0),
        ("## ![A line](image:scan.svg)\n", "heading-empty", 0),
        ("## What is a [lesion](term:lesion)?\n", "heading-note", 0),
        ("::: table Words\n| A | B |\n| --- | --- |\n| one |\n:::\n", "content-table-rows", 3),
        ("::: table Words\n| A | B |\n| --- | --- |\n| 1 | 2 | 3 |\n:::\n", "content-table-rows", 3),
        ("::: table Words\n| A | B |\n| --- |\n| 1 | 2 |\n:::\n", "content-table-rows", 0),
        ("::: table Words\nNo table.\n:::\n", "content-table-rows", 0),
        ("| A | B |\n| --- | --- |\n| 1 | 2 |\n", "content-table-title", 0),
        ("::: table\n| A | B |\n| --- | --- |\n| 1 | 2 |\n:::\n", "content-table-title", 0),
        ("A [plaque](term:plaque).\n", "content-term-unknown", 0),
        ("A bell\x07rings.\n", "content-encoding", 0),
        ("A zero\x00byte.\n", "content-encoding", 0),
    ],
)
def test_broken_markdown_is_found_at_its_line_and_no_book_is_made(
    home: house.House, text: str, code: str, below: int
) -> None:
    assert (code, CHAPTER, FIRST_LINE + below) in found(with_text(home, text))
    assert f"content/{CHAPTER}:{FIRST_LINE + below}: " in refused(home)


@pytest.mark.parametrize(
    "text",
    [
        "::: table Words\n| A | B |\n| --- | --- |\n| one \\| two | `three` |\n:::\n",
        "1. One\n\n   ::: note A title\n   Inside a list.\n   :::\n",
        "A line. " * 2000,
        "> Somebody said so.\n\n---\n\n`code`\n",
    ],
)
def test_unusual_markdown_that_is_sound_is_no_fault(home: house.House, text: str) -> None:
    assert {key for key in found(with_text(home, text)) if key[0].startswith(("content-", "markup-"))} == set()


def test_a_build_says_what_is_wrong_with_a_table_instead_of_dropping_its_cells(home: house.House) -> None:
    with_text(home, "::: table Words\n| A | B |\n| --- | --- |\n| 1 | 2 | 3 |\n:::\n")
    assert f"content/{CHAPTER}:{FIRST_LINE + 3}: this row has 3 cells" in refused(home)


# --- ids and ways that lead nowhere ---------------------------------------------------------------


def test_a_question_id_given_twice_is_found_at_the_second_and_no_book_is_made(home: house.House) -> None:
    again = '[[group]]\nid = "other"\ntitle = "Other"\n  [[group.question]]\n  id = "scan-new"\n  text = "Again?"\n'
    before = house.BANKS["questions.toml"]
    home.write("questions.toml", before + again)
    line = before.count("\n") + 5
    assert ("content-duplicate", "questions.toml", line) in found(home)
    assert f"content/questions.toml:{line}: the question id 'scan-new' is used in" in refused(home)


@pytest.mark.parametrize(
    ("index", "line", "said"),
    [
        ('[[entry]]\nheading = "scan"\nfind = ["scan"]\nsee_also = ["scan"]\n', 1, "sends to itself"),
        ('[[entry]]\nheading = "MRI"\nsee = ["scan"]\n[[entry]]\nheading = "scan"\nsee = ["MRI"]\n', 1, "sends back"),
        ("".join(f'[[entry]]\nheading = "{a}"\nsee = ["{b}"]\n' for a, b in ("ab", "bc", "ca")), 1, "only sends on"),
    ],
)
def test_a_circle_in_the_index_is_found(home: house.House, index: str, line: int, said: str) -> None:
    home.write("index.toml", index)
    assert said in found(home)["content-index-see", "index.toml", line].message
    assert f"content/index.toml:{line}" in refused(home)


def test_two_headings_of_the_index_that_have_pages_may_lead_to_each_other(home: house.House) -> None:
    entry = '[[entry]]\nheading = "{}"\nfind = ["scan"]\nsee_also = ["{}"]\n'
    home.write("index.toml", entry.format("scan", "pictures") + entry.format("pictures", "scan"))
    assert found(home) == {}


# --- large tables and long words ------------------------------------------------------------------


def test_a_table_of_10000_rows_is_refused_with_its_limit(home: house.House) -> None:
    told = found(with_text(home, table(3, 10_000)))["content-table-large", CHAPTER, FIRST_LINE + 1]
    assert told.message == "this table has 10,000 rows, and 200 is the most"
    assert "10,000 rows" in refused(home)


def test_a_table_of_14_columns_is_refused(home: house.House) -> None:
    with_text(home, table(14, 2))
    told = found(home)["content-table-large", CHAPTER, FIRST_LINE + 1]
    assert told.message == "this table has 14 columns, and a page holds 8"
    assert "14 columns" in refused(home)


def test_a_table_whose_words_cannot_stand_side_by_side_is_refused(home: house.House) -> None:
    with_text(home, table(8, 2, "immunology"))
    told = found(home)["content-table-large", CHAPTER, FIRST_LINE + 1]
    assert told.message == "its columns' longest words take 96 letters side by side, and a page holds 70"
    assert f"content/{CHAPTER}:{FIRST_LINE + 1}: its columns' longest words" in refused(home)
    with_text(home, table(8, 2, "months"))
    assert found(home) == {}


def test_a_word_that_no_line_can_break_is_found(home: house.House) -> None:
    with_text(home, f"Short words.\nThen {'x' * 200}.\n")
    assert "201 letters" in found(home)["word-long", CHAPTER, FIRST_LINE + 1].message


@pytest.fixture(scope="module")
def workers() -> Iterator[crew.Crew]:
    """Lend the same worker to all that lay out a page."""
    with crew.Crew(1) as lent:
        yield lent


def render(workers: crew.Crew, text: str = "", **material: object) -> None:
    """Render the sample book with a text added to its first chapter."""
    book = samples_book.book()
    first = dataclasses.replace(book.chapters[0], body=book.chapters[0].body + "\n" + text)
    book = dataclasses.replace(book, chapters=(first, book.chapters[1]))
    given = dataclasses.replace(samples_book.material(), workers=workers, **material)  # type: ignore[arg-type]
    format_book.render(book, given)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (table(8, 2, "immunology"), r"the table 'A \| A \| .* runs \d+ points past the margin"),
        (table(2, 1, "x" * 90), r"the table .* runs \d+ points past the margin"),
        (f"Here is {'x' * 90} now.\n", r"the line 'x+\.\.\.' runs \d+ points past the margin"),
        (f"- One {'x' * 90}\n", r"the line .* runs \d+ points past the margin"),
    ],
)
def test_text_that_would_be_cut_off_at_the_edge_of_a_page_is_refused_with_its_chapter(
    workers: crew.Crew, text: str, what: str
) -> None:
    told = rf"^the book would lose text at the edge of a page:\n- content/book/01-scans\.md: {what}"
    with pytest.raises(errors.RenderProblem, match=told):
        render(workers, text)


WORD = "antineuromyelit" * 4  # what a build lets pass before the lay-out, and no line of a page can hold


@pytest.mark.parametrize(
    ("text", "below"),
    [
        (f"::: table Words\n| A | B |\n| --- | --- |\n| one | two |\n| {WORD} | two |\n:::\n", 4),
        (f"- One\n- Two\n- **{WORD}**, three\n", 2),
        (f'::: note A title\nWords.\n\nMore of 5 mg, "{WORD}".\n:::\n', 3),
        (f"Here is {WORD[:20]}.\n\nHere\nis **{WORD}**\nitself.\n", 3),
    ],
    ids=["table", "list", "callout", "paragraph"],
)
def test_text_that_is_too_wide_for_its_page_is_told_at_its_line(
    home: house.House, workers: crew.Crew, text: str, below: int
) -> None:
    with_text(home, text)
    assert f"content/{CHAPTER}:{FIRST_LINE + below}: the " in laid_out(home, workers)


@pytest.mark.parametrize("field", ["label", "title"])
def test_words_of_a_worksheet_that_are_too_wide_are_told_at_their_line_of_the_bank(
    home: house.House, workers: crew.Crew, field: str
) -> None:
    sheet = book_spoiled.SHEET.replace("My visits", WORD if field == "title" else "My visits")
    label = WORD if field == "label" else "Short"
    more = f'  [[worksheet.field]]\n  id = "what"\n  kind = "line"\n  label = "{label}"\n'
    bank = house.BANKS["worksheets.toml"] + sheet + more
    home.write("worksheets.toml", bank)
    line = bank[: bank.index(WORD)].count("\n") + 1
    assert f"content/worksheets.toml:{line}: the line '{WORD[:57]}" in laid_out(home, workers)


def laid_out(home: house.House, workers: crew.Crew) -> str:
    """Return what the lay-out of a publication's book says, which the checks let pass."""
    desk = office.sit_down(settings_of(home.root / "mscare.toml"))
    book = desk.item("book")
    assert isinstance(book, model.Book)
    with pytest.raises(errors.RenderProblem, match=r"points past the margin of a text \d+ points wide") as caught:
        format_book.render(book, dataclasses.replace(desk.material, workers=workers))
    assert "a hyphen or a space" in caught.value.hint
    return caught.value.message


# --- letters that the font lacks ------------------------------------------------------------------

FOREIGN = {
    "Arabic": "\N{ARABIC LETTER TEH}\N{ARABIC LETTER AIN}\N{ARABIC LETTER BEH}",
    "Hebrew": "\N{HEBREW LETTER AYIN}\N{HEBREW LETTER YOD}",
    "Chinese": "\N{CJK UNIFIED IDEOGRAPH-75B2}\N{CJK UNIFIED IDEOGRAPH-52B3}",
    "emoji": "\N{GRINNING FACE}",
    "a sign that turns the text": "\N{RIGHT-TO-LEFT OVERRIDE}",
    "a space of no width": "\N{ZERO WIDTH SPACE}",
}


@pytest.mark.parametrize("word", FOREIGN.values(), ids=FOREIGN)
def test_a_letter_that_the_book_cannot_print_is_found_where_it_is_typed(home: house.House, word: str) -> None:
    with_text(home, f"A line.\nThe word {word} here.\n")
    told = found(home)
    assert list(told) == [("letter-unprinted", CHAPTER, FIRST_LINE + 1)]
    assert f"U+{ord(word[0]):04X}" in told["letter-unprinted", CHAPTER, FIRST_LINE + 1].message


def test_such_a_letter_is_found_in_the_head_of_a_chapter_in_the_banks_and_in_a_drawing(home: house.House) -> None:
    word = FOREIGN["emoji"]
    home.write(CHAPTER, VISITS.replace("title: Visits", f"title: Visits {word}"))
    home.write("glossary.toml", house.BANKS["glossary.toml"].replace("a scan", f"a scan {word}"))
    home.write("sources.json", house.BANKS["sources.json"].replace("Spinal", f"{word} Spinal"))
    home.write("book/01-scans.md", SCANS + "\n![A shape.](image:shape.svg)\n")
    home.write(DRAWING, svg(f'<text font-family="Atkinson Hyperlegible Next">{word}</text>'))
    lines = [("book/02-visits.md", 3), ("glossary.toml", 4), ("images/shape.svg", 2), ("sources.json", 3)]
    assert [key for key in found(home) if key[0] == "letter-unprinted"] == [("letter-unprinted", *at) for at in lines]
    assert f"content/{DRAWING}:2: the book's font has no {word!r}" in refused(home)


def test_a_foreign_letter_in_an_address_is_no_fault(home: house.House) -> None:
    with_text(home, f"See [a page](https://www.nice.org.uk/{FOREIGN['Hebrew']}).\n")
    assert found(home) == {}


def test_words_of_a_drawing_in_another_font_are_found(home: house.House) -> None:
    with_drawing(home, svg('<text font-family="Comic Sans MS">Hi</text>').encode())
    assert list(found(home)) == [("drawing-font", DRAWING, 2)]
    assert f"content/{DRAWING}:2: the text 'Hi' is set in 'Comic Sans MS'" in refused(home)


def test_a_build_names_file_and_line_of_a_letter_that_it_cannot_print(home: house.House, workers: crew.Crew) -> None:
    with_text(home, f"A line.\nThe word {FOREIGN['Arabic']} here.\n")
    desk = office.sit_down(settings_of(home.root / "mscare.toml"))
    book = desk.item("book")
    assert isinstance(book, model.Book)
    with pytest.raises(
        errors.RenderProblem, match=rf"02-visits\.md:{FIRST_LINE + 1}: the book's font has no .*U\+062A"
    ):
        format_book.render(book, dataclasses.replace(desk.material, workers=workers))


# --- a font that is missing -----------------------------------------------------------------------


@pytest.mark.parametrize("face", ["400", "400i", "700", "700i"])
@pytest.mark.parametrize(("content", "said"), [(None, "missing"), (b"", "broken"), (b"no font at all", "broken")])
def test_a_font_that_is_missing_or_broken_is_named(
    tmp_path: Path, workers: crew.Crew, face: str, content: bytes | None, said: str
) -> None:
    templates = tmp_path / "templates"
    templates.mkdir()
    for path in TEMPLATES.iterdir():
        (templates / path.name).symlink_to(path)
    (templates / "fonts").unlink()
    shutil.copytree(TEMPLATES / "fonts", templates / "fonts")
    file = templates / "fonts" / f"AtkinsonHyperlegibleNext-{face}.ttf"
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(errors.MissingPart, match=rf"the book's font is {said}: .*-{face}\.ttf") as caught:
        render(workers, templates=templates)
    assert "restore" in caught.value.hint
