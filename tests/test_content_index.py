"""content/index.toml: what is sound is read, what leads nowhere is found with its line. The real index, and the sheets.

The sound publication of tests/checks/_sound/ has one chapter; tests give it sections, an index and more worksheets.
"""

import re
import shutil
from pathlib import Path

import pyphen
import pytest
import samples

from pipeline import content, edition, indexing, model
from pipeline.formats._chapters import index

SOUND = Path(__file__).parent / "checks" / "_sound" / "content"
TEXT = """
## Why do I tire?

You tire sooner than before, and rest helps.

### Does heat matter?

It does. So does sleep.

## Whom do I call?

The team, and nobody else.
"""
# The words of the issue's worksheet list, as its fact page has them (section 24), and where each is asked for.
ASKED = {
    "visit-planner": (
        "date", "with whom", "top concern 1", "top concern 2", "top concern 3", "changed since last time",
        "medicines and supplements", "questions i ticked", "answers in my words", "next step", "who does it", "by when",
    ),
    "weekly-tracker": (
        "symptom", "effect", "0-10", "start", "how long", "fever", "yes/no", "heat", "sleep (hours)",
        "steps or activity", "mood (0-10)", "note",
    ),
    "relapse-record": (
        "first day", "what is new", "infection check", "called my team on", "advice", "treatment", "2 weeks", "6 weeks",
        "12 weeks",
    ),
    "option-page": (
        "option", "how it is taken", "benefit in numbers", "common effects", "serious risks", "checks", "pregnancy",
        "cost", "my view",
    ),
    "option-grid": (
        "option, how taken", "benefit in numbers", "common effects, serious risks", "checks", "pregnancy, cost", "view",
    ),
    "test-tracker": ("test", "date", "place", "result", "copy received"),
    "vaccine-log": ("vaccine", "date"),
    "scan-log": ("date", "area", "scanner", "contrast", "result"),
    "emergency-card": (
        "name", "type of ms", "medicine", "dmt", "last dose", "date", "allergies", "phone of my ms team",
        "person to contact", "i may be immune-suppressed",
    ),
}  # fmt: skip


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a content folder of its own, whose chapter has sections."""
    shutil.copytree(SOUND, tmp_path / "content")
    chapter = tmp_path / "content" / "book" / "01-first-steps.md"
    chapter.write_text(chapter.read_text(encoding="utf-8") + TEXT, encoding="utf-8")
    return tmp_path / "content"


def found(room: Path, text: str) -> list[tuple[str, int]]:
    """Write this index, and return what is found in it."""
    (room / "index.toml").write_text(text, encoding="utf-8")
    _, findings = content.load(room)
    assert all(f.file == "content/index.toml" and f.blocks and f.message and f.hint for f in findings)
    return [(finding.code, finding.line) for finding in findings]


def entry(heading: str, *lines: str) -> str:
    return "\n".join(["[[entry]]", f'heading = "{heading}"', *lines, ""])


@pytest.fixture(scope="module")
def library() -> model.Library:
    """Return the real content."""
    return content.load(samples.ROOT / "content")[0]


# --- reading --------------------------------------------------------------------------------------


def test_a_sound_index_is_read_with_its_subheadings_and_lines(room: Path) -> None:
    text = entry("fatigue", 'find = ["tire"]', "  [[entry.sub]]", '  heading = "and heat"', '  find = ["heat"]')
    assert found(room, text + entry("tiredness", 'see = ["fatigue"]')) == []
    library, _ = content.load(room)
    fatigue, tiredness = library.index
    assert [(sub.heading, sub.line) for sub in fatigue.subs] == [("and heat", 4)]
    assert (tiredness.see, tiredness.line) == (("fatigue",), 7)


def test_content_without_an_index_has_none_and_no_finding(room: Path) -> None:
    library, findings = content.load(room)
    assert (library.index, findings) == ((), [])


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (['find = ["nowhere at all"]'], "content-index-unfound"),
        (['find = ["team"]', 'only_in = ["first-steps#why-do-i-tire"]'], "content-index-unfound"),
        (['find = ["Rest"]'], "content-index-unfound"),
        (['at = ["second-steps"]'], "content-place-unknown"),
        (['at = ["first-steps#does-cold-matter"]'], "content-place-unknown"),
        (['at = ["sheet:none"]'], "content-place-unknown"),
        (['find = ["rest"]', 'only_in = ["second-steps"]'], "content-place-unknown"),
        (['see = ["nothing"]'], "content-index-see"),
        (['find = ["rest"]', 'see_also = ["nothing"]'], "content-index-see"),
        ([], "content-schema"),
        (['find = ["rest"]', 'see = ["calling"]'], "content-schema"),
        (['at = ["first-steps"]', 'only_in = ["first-steps"]'], "content-schema"),
    ],
)
def test_what_leads_nowhere_is_found_at_the_line_of_its_heading(room: Path, lines: list[str], code: str) -> None:
    text = entry("calling", 'at = ["first-steps#whom-do-i-call"]') + "\n" + entry("rest", *lines)
    codes = found(room, text)
    assert (code, 5) in codes
    assert {line for _, line in codes} == {5}


def test_an_unknown_key_is_found_at_its_line(room: Path) -> None:
    assert found(room, entry("rest", 'find = ["rest"]', "page = 3")) == [("content-schema", 4)]


def test_a_heading_given_twice_is_found_whatever_its_capitals_and_hyphens(room: Path) -> None:
    text = entry("day to day", 'find = ["rest"]') + entry("Day-to-Day", 'find = ["tire"]')
    assert found(room, text) == [("content-duplicate", 4)]


def test_a_see_to_a_heading_that_only_sends_on_is_found(room: Path) -> None:
    text = entry("rest", 'find = ["rest"]') + entry("nap", 'see = ["rest"]') + entry("doze", 'see = ["nap"]')
    assert found(room, text) == [("content-index-see", 7)]


# --- worksheets and signposts of book.toml ----------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('sheets = ["nothing"]', "content-link-unknown"),
        ('sheets = ["log"]', "content-duplicate"),
        ('signposts = [{ text = "Help", place = "first-steps#no-such-section" }]', "content-place-unknown"),
    ],
)
def test_a_sheet_or_signpost_that_cannot_be_printed_is_found_at_its_line(room: Path, line: str, code: str) -> None:
    path = room / "book" / "book.toml"
    path.write_text(path.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")
    _, findings = content.load(room)
    last = path.read_text(encoding="utf-8").rstrip("\n").count("\n") + 1
    assert [(f.code, f.file, f.line) for f in findings] == [(code, "content/book/book.toml", last)]


def test_a_field_id_used_in_two_worksheets_is_found_at_the_second(room: Path) -> None:
    path = room / "worksheets.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text.replace('id = "log"', 'id = "other"'), encoding="utf-8")
    _, findings = content.load(room)
    (finding,) = findings
    assert finding.code == "content-duplicate"
    assert finding.line > text.count("\n")


@pytest.mark.parametrize(
    ("name", "entry", "said"),
    [
        (
            "worksheets.toml",
            '[[worksheet]]\nid = "bare"\ntitle = "Bare"\nintro = "Nothing."\n',
            "has nothing to fill in",
        ),
        (
            "worksheets.toml",
            '[[worksheet]]\nid = "bare"\ntitle = "Bare"\nintro = "Nothing."\ntable = { columns = [], rows = 2 }\n',
            "at least 1 item",
        ),
        ("questions.toml", '[[group]]\nid = "silent"\ntitle = "Silent"\nquestion = []\n', "at least 1 item"),
    ],
)
def test_a_worksheet_or_group_with_nothing_in_it_is_found_at_its_line(
    room: Path, name: str, entry: str, said: str
) -> None:
    path = room / name
    before = path.read_text(encoding="utf-8")
    path.write_text(before + entry, encoding="utf-8")
    _, (finding,) = content.load(room)
    assert (finding.code, finding.file) == ("content-schema", f"content/{name}")
    assert finding.line > before.count("\n")
    assert said in finding.message


# --- finding --------------------------------------------------------------------------------------


def test_a_section_goes_from_its_heading_to_its_last_paragraph(room: Path) -> None:
    chapter = content.load(room)[0].chapters["first-steps"]
    passage = indexing.placed("first-steps#why-do-i-tire", chapter)
    assert passage is not None
    blocks = indexing.blocks(chapter)
    assert blocks[passage.start].text == "Why do I tire?"
    assert blocks[passage.end].text == "It does. So does sleep."


def test_an_id_is_written_only_where_an_entry_leads(room: Path) -> None:
    found(room, entry("sleep", 'find = ["sleep"]'))
    library, _ = content.load(room)
    tokens = index.marked(library.chapters["first-steps"], edition.book(library), library)
    marked = [str(token.attrs["id"]) for token in tokens if "id" in token.attrs]
    assert len(marked) == 1
    assert marked[0].startswith("chapter-1-place-")


def test_setting_an_id_leaves_the_parsed_text_alone(room: Path) -> None:
    found(room, entry("sleep", 'find = ["sleep"]'))
    library, _ = content.load(room)
    chapter, book = library.chapters["first-steps"], edition.book(library)
    assert index.marked(chapter, book, library) == index.marked(chapter, book, library)
    assert not [token for token in indexing.marked(chapter, ()) if "id" in token.attrs]


# --- the real index and sheets ----------------------------------------------------------------------


def test_the_books_index_has_a_readers_words_and_no_fault(library: model.Library) -> None:
    _, findings = content.load(samples.ROOT / "content")
    assert [f for f in findings if f.file == "content/index.toml"] == []
    headings = {entry.heading: entry for entry in library.index}
    assert sum(1 for _ in indexing.walk(library.index)) >= 200
    assert headings["tiredness"].see == ("fatigue",)
    for heading in ("warning signs", "support lines", "emergency numbers", "suicide, thoughts of", "crisis lines"):
        assert heading in headings


def test_no_heading_of_the_books_index_has_more_than_six_places(library: model.Library) -> None:
    groups = index.groups(edition.book(library), library)
    lines = [line for group in groups for top in group.lines for line in (top, *top.subs)]
    assert [line.heading for line in lines if len(line.locators) > index.MOST] == []


def test_all_fields_that_the_issue_asks_for_are_on_a_worksheet(library: model.Library) -> None:
    for name, words in ASKED.items():
        sheet = library.worksheets[name]
        labels = " | ".join([sheet.title, *(field.label for field in sheet.fields), *sheet.columns]).lower()
        assert [word for word in words if word not in labels] == [], name


def test_the_book_prints_twenty_four_worksheets_each_once(library: model.Library) -> None:
    book = edition.book(library)
    printed = [*(chapter.worksheet for chapter in book.chapters), *book.spec.sheets]
    assert len(printed) == len(set(printed)) == 24
    assert set(printed) == set(library.worksheets)


def test_no_worksheet_asks_for_a_dose_but_for_the_date_of_the_last(library: model.Library) -> None:
    for sheet in library.worksheets.values():
        for label in (*(field.label for field in sheet.fields), *sheet.columns):
            words = label.lower().replace("date of the last dose", "")
            assert "dose" not in words.split(), label
            assert "mg" not in words.split(), label


def test_every_field_has_a_label_and_an_id_of_its_own(library: model.Library) -> None:
    fields = [field for sheet in library.worksheets.values() for field in sheet.fields]
    assert all(field.label.strip() for field in fields)
    assert len({field.id for field in fields}) == len(fields)


def test_the_glossary_is_sorted_word_by_word_and_says_what_things_are_plainly(library: model.Library) -> None:
    words = index.words((), edition.book(library), library)
    assert len(words) >= 94
    names = [word.name for word in words]
    assert names == sorted(names, key=indexing.sort_key)
    assert names.index("B cell") < names.index("Baseline")
    grades = {word.name: round(_grade(word.definition, library), 1) for word in words}
    assert {name: grade for name, grade in grades.items() if grade > 9} == {}


def _grade(definition: str, library: model.Library) -> float:
    """Return the US grade of a definition: names of the glossary count two syllables, what is in brackets none."""
    parts = pyphen.Pyphen(lang="en_US")
    hard = {word for term in library.terms.values() for name in (term.name, *term.also) for word in _words(name)}
    words = _words(re.sub(r"\([^)]*\)", "", definition))
    counts = [parts.inserted(word).count("-") + 1 for word in words]
    syllables = sum(min(count, 2) if word in hard else count for word, count in zip(words, counts, strict=True))
    return 0.39 * len(words) + 11.8 * syllables / len(words) - 15.59


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())
