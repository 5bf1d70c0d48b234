"""content/ -> Library: what is sound is read, every fault of every file is told in one run, with file and line.

The sound publication of tests/checks/_sound/ is copied, and changed in one place or in many.
"""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import content, errors, model

SOUND = Path(__file__).parent / "checks" / "_sound" / "content"
ARTICLE = "articles/rest-and-ms.md"
OTHER = "articles/heat-and-ms.md"
CHAPTER = "book/01-first-steps.md"
EDITION = "editions/2026-11-test.toml"

Found = list[tuple[str, str, int]]


@pytest.fixture
def room(tmp_path: Path) -> Path:
    """Return a content folder of its own, without fault."""
    shutil.copytree(SOUND, tmp_path / "content")
    return tmp_path / "content"


def change(room: Path, name: str, old: str, new: str) -> None:
    path = room / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def line_of(room: Path, name: str, words: str) -> int:
    """Return the 1-based line of a file that holds these words."""
    lines = (room / name).read_text(encoding="utf-8").split("\n")
    return next(number for number, line in enumerate(lines, 1) if words in line)


def found(room: Path) -> Found:
    """Load, and return the findings as code, file and line."""
    _, findings = content.load(room)
    assert all(finding.severity is model.Severity.BLOCK and finding.message and finding.hint for finding in findings)
    return [(finding.code, finding.file.removeprefix("content/"), finding.line) for finding in findings]


# --- what is sound ----------------------------------------------------------------------


def test_a_sound_folder_is_read_whole_and_without_a_finding() -> None:
    library, findings = content.load(SOUND)
    assert findings == []
    assert list(library.articles) == ["heat-and-ms", "rest-and-ms"]
    assert list(library.chapters) == ["first-steps"]
    assert list(library.editions) == ["2026-11-test"]
    assert library.book is not None
    assert library.book.chapters == ("first-steps",)
    assert list(library.sources) == ["first2020"]
    assert list(library.questions) == ["rest-why", "rest-when", "rest-who"]
    assert list(library.terms) == ["lesion"]
    assert list(library.worksheets) == ["log"]
    assert list(library.images) == ["line.svg"]
    assert [(waiver.code, waiver.line) for waiver in library.waivers] == [("review-missing", 1)]


def test_a_body_starts_on_the_line_that_is_said() -> None:
    library, _ = content.load(SOUND)
    for writing in (library.articles["rest-and-ms"], library.chapters["first-steps"]):
        lines = writing.path.read_text(encoding="utf-8").split("\n")
        assert writing.body.split("\n")[0] == lines[writing.body_line - 1] != ""


def test_dates_and_times_become_dates_and_times() -> None:
    library, _ = content.load(SOUND)
    assert library.articles["rest-and-ms"].published == dt.date(2026, 11, 24)
    assert library.editions["2026-11-test"].not_before == dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)


def test_a_title_that_looks_like_a_date_stays_a_title(room: Path) -> None:
    change(room, ARTICLE, "title: Rest and MS", "title: 2026-11-24")
    library, findings = content.load(room)
    assert findings == []
    assert library.articles["rest-and-ms"].title == "2026-11-24"


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(room: Path) -> None:
    plain, _ = content.load(room)
    path = room / ARTICLE
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert content.load(room) == (plain, [])


def test_there_must_be_a_content_folder(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageProblem, match="no content folder"):
        content.load(tmp_path / "content")


# --- the schema -------------------------------------------------------------------------


def test_an_unknown_key_is_found_at_its_line(room: Path) -> None:
    change(room, ARTICLE, "topic: Daily life", "topic: Daily life\nsumary: A slip of the pen.")
    change(room, EDITION, 'audience = "all"', 'audience = "all"\nsegment = "new"')
    change(room, "glossary.toml", 'also = ["lesions"]', 'also = ["lesions"]\nsee = "plaque"')
    assert found(room) == [
        ("content-schema", ARTICLE, line_of(room, ARTICLE, "sumary")),
        ("content-schema", EDITION, line_of(room, EDITION, "segment")),
        ("content-schema", "glossary.toml", line_of(room, "glossary.toml", "see =")),
    ]


def test_an_unknown_table_in_a_bank_is_found_at_its_line(room: Path) -> None:
    change(room, "glossary.toml", "[[term]]", '[[word]]\nid = "axon"\n\n[[term]]')
    assert found(room) == [("content-schema", "glossary.toml", 1)]


@pytest.mark.parametrize("date", ["2026-02-30", "tomorrow", "24.11.2026", "2026-13-01", "12"])
def test_a_bad_date_is_found_at_its_line(room: Path, date: str) -> None:
    change(room, ARTICLE, "published: 2026-11-24", f"published: {date}")
    assert found(room) == [("content-schema", ARTICLE, line_of(room, ARTICLE, "published"))]


def test_a_bad_date_in_toml_is_found_at_its_line(room: Path) -> None:
    change(room, EDITION, "date = 2026-11-24", "date = 2026-11-31")
    assert found(room) == [("content-syntax", EDITION, line_of(room, EDITION, "date ="))]


def test_a_time_without_its_zone_is_found_at_its_line(room: Path) -> None:
    change(room, EDITION, "T08:00:00Z", "T08:00:00")
    assert found(room) == [("content-schema", EDITION, line_of(room, EDITION, "not_before"))]


@pytest.mark.parametrize(
    ("name", "old", "new", "at"),
    [
        (ARTICLE, "expires: 2027-11-22", "expires: 2026-11-22", "expires"),
        (EDITION, "not_after = 2027-11-01T", "not_after = 2026-11-01T", "not_after"),
        (EDITION, '["heat-and-ms"]', '["heat-and-ms", "rest-and-ms"]', "lead ="),
    ],
)
def test_values_that_contradict_each_other_are_found_at_one_of_them(
    room: Path, name: str, old: str, new: str, at: str
) -> None:
    change(room, name, old, new)
    assert found(room) == [("content-schema", name, line_of(room, name, at))]


def test_a_missing_title_is_found(room: Path) -> None:
    change(room, ARTICLE, "title: Rest and MS\n", "")
    change(room, CHAPTER, "title: First steps", "title:")
    change(room, "worksheets.toml", 'title = "My log"\n', "")
    _, findings = content.load(room)
    assert [(f.code, f.file, f.line) for f in findings] == [
        ("content-schema", f"content/{ARTICLE}", 1),
        ("content-schema", f"content/{CHAPTER}", line_of(room, CHAPTER, "title:")),
        ("content-schema", "content/worksheets.toml", 1),
    ]
    assert "title" in findings[0].message


def test_a_chapter_title_too_long_for_its_opening_is_found(room: Path) -> None:
    change(room, CHAPTER, "title: First steps", f"title: {'First steps ' * 6}")
    assert found(room) == [("content-schema", CHAPTER, line_of(room, CHAPTER, "title:"))]


def test_a_key_given_twice_is_found_at_the_second(room: Path) -> None:
    change(room, ARTICLE, "topic: Daily life", "topic: Daily life\ntopic: Work")
    assert found(room) == [("content-schema", ARTICLE, line_of(room, ARTICLE, "topic: Work"))]


def test_a_chapter_whose_number_is_not_that_of_its_file_is_found(room: Path) -> None:
    change(room, CHAPTER, "number: 1", "number: 2")
    assert found(room) == [("content-schema", CHAPTER, line_of(room, CHAPTER, "number"))]


# --- names ------------------------------------------------------------------------------


def test_a_slug_used_twice_is_found_in_the_second_file(room: Path) -> None:
    text = (room / CHAPTER).read_text(encoding="utf-8")
    (room / "book" / "02-first-steps.md").write_text(text.replace("number: 1", "number: 2"), encoding="utf-8")
    assert found(room) == [("content-duplicate", "book/02-first-steps.md", 0)]


def test_an_issue_number_used_twice_is_found_in_the_second_file(room: Path) -> None:
    shutil.copy(room / EDITION, room / "editions" / "2026-12-test.toml")
    assert found(room) == [("content-duplicate", "editions/2026-12-test.toml", 0)]


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("glossary.toml", '\n[[term]]\nid = "lesion"\nname = "Plaque"\ndefinition = "The same."\n'),
        ("questions.toml", '\n[[group]]\nid = "rest"\ntitle = "Again"\nquestion = [{ id = "new", text = "Why?" }]\n'),
        (
            "worksheets.toml",
            '\n[[worksheet]]\nid = "log"\ntitle = "Again"\nintro = "One."\ntable = { columns = ["Day"], rows = 2 }\n',
        ),
    ],
)
def test_an_id_used_twice_is_found_at_the_second(room: Path, name: str, entry: str) -> None:
    path = room / name
    before = path.read_text(encoding="utf-8")
    path.write_text(before + entry, encoding="utf-8")
    assert found(room) == [("content-duplicate", name, before.count("\n") + 2)]


def test_a_source_id_used_twice_is_found_at_the_second(room: Path) -> None:
    path = room / "sources.json"
    records = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([*records, {**records[0], "title": "Another"}], indent=2), encoding="utf-8")
    lines = [n for n, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1) if '"id"' in line]
    assert found(room) == [("content-duplicate", "sources.json", lines[1])]


@pytest.mark.parametrize("name", ["Rest.md", "rest_ms.md", "ruhe-für-ms.md", "rest--ms.md", "-rest.md"])
def test_a_file_name_that_makes_no_address_is_found(room: Path, name: str) -> None:
    (room / OTHER).rename(room / "articles" / name)
    change(room, ARTICLE, "related: [heat-and-ms]", "related: []")
    change(room, ARTICLE, " There is more in [heat and MS](article:heat-and-ms).", "")
    change(room, EDITION, 'read_next = ["heat-and-ms"]', "read_next = []")
    assert found(room) == [("content-slug", f"articles/{name}", 0)]


@pytest.mark.parametrize(
    ("name", "old", "new", "code"),
    [
        (ARTICLE, "reason [@first2020]", "reason [@nobody1999]", "content-source-unknown"),
        (ARTICLE, "(term:lesion)", "(term:axon)", "content-term-unknown"),
        (ARTICLE, "(article:heat-and-ms)", "(article:cold)", "content-link-unknown"),
        (ARTICLE, "get_help: If you", "get_help: See [the list](chapter:no-such). If you", "content-link-unknown"),
        (ARTICLE, "rest-when, rest-who]", "rest-when, rest-nobody]", "content-question-unknown"),
        (ARTICLE, "related: [heat-and-ms]", "related: [cold]", "content-link-unknown"),
        (ARTICLE, "image: line.svg", "image: curve.svg", "content-image-missing"),
        (CHAPTER, "question_groups: [rest]", "question_groups: [sleep]", "content-question-unknown"),
        (CHAPTER, "worksheet: log", "worksheet: diary", "content-link-unknown"),
        ("book/book.toml", '["first-steps"]', '["first-steps", "more"]', "content-link-unknown"),
        (EDITION, 'lead = "rest-and-ms"', 'lead = "sleep-and-ms"', "content-link-unknown"),
        (EDITION, 'intro = "Welcome', 'intro = "[Welcome](article:cold)', "content-link-unknown"),
    ],
)
def test_a_name_that_stands_for_nothing_is_found_at_its_line(
    room: Path, name: str, old: str, new: str, code: str
) -> None:
    change(room, name, old, new)
    assert found(room) == [(code, name, line_of(room, name, new.split("\n", maxsplit=1)[0]))]


def test_a_drawing_in_a_text_must_exist_and_be_described(room: Path) -> None:
    change(room, ARTICLE, "## What helps?", "![A wave.](image:wave.svg)\n\n![](image:line.svg)\n\n## What helps?")
    assert found(room) == [
        ("content-image-missing", ARTICLE, line_of(room, ARTICLE, "wave.svg")),
        ("content-image-alt", ARTICLE, line_of(room, ARTICLE, "![](image")),
    ]


# --- files that cannot be read ------------------------------------------------------------


def spoil(room: Path, name: str, how: Callable[[bytes], bytes]) -> None:
    path = room / name
    path.write_bytes(how(path.read_bytes()))


def test_a_file_that_is_not_utf_8_is_found_at_the_line_of_the_first_wrong_byte(room: Path) -> None:
    spoil(room, ARTICLE, lambda data: data.replace(b"What helps?", b"What h\xe9lps?"))
    spoil(room, "glossary.toml", lambda data: data.replace(b"A spot", b"\xff spot"))
    assert found(room) == [
        ("content-encoding", ARTICLE, 16),
        ("content-encoding", "glossary.toml", 4),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"---\ntitle", b"title", 1),  # never opened
        (b"---\nMany", b"Many", 1),  # never closed
        (b"title: Rest and MS", b"title: Rest: a plan", 2),
        (b"topic: Daily life", b"topic: [Daily life", 5),
        (b"summary: Why", b"\tsummary: Why", 3),
    ],
)
def test_front_matter_that_cannot_be_read_is_found(room: Path, old: bytes, new: bytes, line: int) -> None:
    spoil(room, ARTICLE, lambda data: data.replace(old, new, 1))
    assert found(room) == [("content-front-matter", ARTICLE, line)]


def test_an_empty_file_is_found(room: Path) -> None:
    spoil(room, ARTICLE, lambda _: b"")
    assert found(room) == [("content-front-matter", ARTICLE, 1)]


def test_a_bank_that_cannot_be_read_is_found_once_and_not_again_at_each_use(room: Path) -> None:
    spoil(room, "glossary.toml", lambda data: data.replace(b'"A spot of damage."', b'"A spot of damage.'))
    spoil(room, "sources.json", lambda data: data.replace(b'"article-journal",', b'"article-journal"'))
    (room / "questions.toml").unlink()
    assert found(room) == [
        ("content-syntax", "glossary.toml", 4),
        ("content-unreadable", "questions.toml", 0),
        ("content-syntax", "sources.json", 5),
    ]


def test_a_source_without_a_title_is_found_at_its_line(room: Path) -> None:
    spoil(room, "sources.json", lambda data: data.replace(b'"title": "A source made up for the tests",\n', b""))
    change(room, "sources.json", '"first2020"', '"first2020x"')
    codes = found(room)
    assert ("content-schema", "sources.json", 3) in codes


# --- all at once --------------------------------------------------------------------------


def test_every_fault_of_every_file_is_found_in_one_run(room: Path) -> None:
    change(room, ARTICLE, "title: Rest and MS\n", "")
    change(room, ARTICLE, "topic: Daily life", "topics: Daily life")
    change(room, ARTICLE, "published: 2026-11-24", "published: 2026-02-30")
    change(room, OTHER, "wrap [@first2020]", "wrap [@second2020], in a [nerve](term:nerve)")
    change(room, OTHER, "rest-who]", "rest-how]")
    change(room, OTHER, "\nWarmth", "\n![](image:line.svg)\n\nWarmth")
    spoil(room, CHAPTER, lambda data: data.replace(b"---\nChoose", b"Choose"))
    spoil(room, "worksheets.toml", lambda data: data.replace(b"My log", b"My l\xf6g"))
    change(room, EDITION, "number = 1", "numbers = 1")
    assert found(room) == [
        ("content-question-unknown", OTHER, 10),
        ("content-image-alt", OTHER, 14),
        ("content-source-unknown", OTHER, 16),
        ("content-term-unknown", OTHER, 16),
        ("content-schema", ARTICLE, 1),
        ("content-schema", ARTICLE, 1),
        ("content-schema", ARTICLE, 3),
        ("content-schema", ARTICLE, 4),
        ("content-front-matter", CHAPTER, 1),
        ("content-schema", EDITION, 1),
        ("content-schema", EDITION, 1),
        ("content-encoding", "worksheets.toml", 3),
    ]


def test_a_text_with_a_fault_in_its_head_is_left_out_and_those_that_name_it_are_not_blamed(room: Path) -> None:
    change(room, OTHER, "title: Heat and MS\n", "")
    library, findings = content.load(room)
    assert list(library.articles) == ["rest-and-ms"]
    assert [finding.file for finding in findings] == [f"content/{OTHER}"]
