"""recheck.toml, superseded.toml and names.toml: read strictly, and never needed."""

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import pytest
import samples

from pipeline import checks, content, model

SOUND = Path(__file__).parent / "checks" / "_sound"

FACT = """[[fact]]
id = "warmth"
what = "what warmth does"
why = "more studies are under way"
look = "guidelines"
checked = 2026-01-31
limit = "1 month"
articles = ["heat-and-ms"]
"""
GONE = '[[source]]\nid = "first2020"\nkind = "retracted"\nreason = "its authors took it back"\n'
NAME = '[[name]]\nname = "examplimab"\nexplained = "A medicine made up for the tests."\n'


def load(tmp_path: Path, file: str, text: str) -> tuple[model.Library, list[model.Finding]]:
    room = tmp_path / "content"
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(SOUND / "content", room)
    (room / file).write_text(text, encoding="utf-8")
    return content.load(room)


@pytest.mark.parametrize(
    ("checked", "limit", "due"),
    [
        ("2026-01-31", "1 month", dt.date(2026, 2, 28)),
        ("2024-01-31", "1 month", dt.date(2024, 2, 29)),
        ("2026-11-22", "3 months", dt.date(2027, 2, 22)),
        ("2026-12-31", "12 months", dt.date(2027, 12, 31)),
        ("2026-11-22", "90 days", dt.date(2027, 2, 20)),
        ("9999-12-01", "999 months", dt.date.max),
        ("9999-12-01", "999 days", dt.date.max),
    ],
)
def test_a_fact_is_due_when_its_limit_has_passed(tmp_path: Path, checked: str, limit: str, due: dt.date) -> None:
    library, found = load(tmp_path, "recheck.toml", FACT.replace("2026-01-31", checked).replace("1 month", limit))
    assert found == []
    assert library.rechecks["warmth"].due == due


def test_a_fact_warns_from_the_day_after_it_was_due(tmp_path: Path) -> None:
    library, _ = load(tmp_path, "recheck.toml", FACT)
    for day, codes in ((28, 0), (29, 1)):
        found = checks.source(library, dt.date(2026, 2, 28) + dt.timedelta(days=day - 28))
        assert sum(finding.code == "recheck-due" for finding in found) == codes


@pytest.mark.parametrize(
    ("file", "text", "line", "word"),
    [
        ("recheck.toml", FACT.replace("why =", "wy ="), 4, "wy"),
        ("recheck.toml", FACT.replace("1 month", "soon"), 7, "limit"),
        ("recheck.toml", FACT.replace("1 month", "0 days"), 7, "limit"),
        ("recheck.toml", FACT.replace("2026-01-31", '"yesterday"'), 6, "checked"),
        ("recheck.toml", FACT.replace('articles = ["heat-and-ms"]\n', ""), 1, "used"),
        ("recheck.toml", FACT + FACT, 10, "warmth"),
        ("recheck.toml", FACT.replace("heat-and-ms", "nowhere"), 1, "nowhere"),
        ("recheck.toml", FACT + 'sources = ["nobody1999"]\n', 1, "nobody1999"),
        ("recheck.toml", FACT + 'chapters = ["nowhere"]\n', 1, "nowhere"),
        ("superseded.toml", GONE.replace("retracted", "old"), 3, "kind"),
        ("superseded.toml", GONE.replace("retracted", "superseded"), 1, "replacement"),
        ("superseded.toml", GONE + 'replacement = "nobody1999"\n', 1, "nobody1999"),
        ("names.toml", NAME.replace('explained = "A medicine made up for the tests."\n', ""), 1, "explained"),
        ("names.toml", NAME.replace("A medicine made up for the tests.", "short"), 3, "explained"),
        ("names.toml", NAME + NAME.replace('name = "e', 'name = "E'), 5, "examplimab"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, file: str, text: str, line: int, word: str) -> None:
    if file == "recheck.toml" and text.count("[[fact]]") == 2:
        text = text.replace(FACT + FACT, FACT + "\n" + FACT)
    if file == "names.toml" and text.count("[[name]]") == 2:
        text = text.replace(NAME, NAME + "\n", 1)
    _, found = load(tmp_path, file, text)
    told = [finding for finding in found if (finding.file, finding.line) == (f"content/{file}", line)]
    assert len(told) == 1
    assert word in told[0].message


def test_a_source_that_was_taken_back_may_stay_listed_when_it_is_gone(tmp_path: Path) -> None:
    library, found = load(tmp_path, "superseded.toml", GONE.replace("first2020", "gone1999"))
    assert found == []
    assert "gone1999" in library.superseded


def test_no_publication_needs_these_files() -> None:
    library, found = content.load(SOUND / "content")
    assert found == []
    assert (dict(library.rechecks), dict(library.superseded), dict(library.names)) == ({}, {}, {})


def test_the_shipped_list_holds_the_facts_that_change_and_their_texts() -> None:
    library, _ = content.load(samples.ROOT / "content")
    ids = {"trials-of-early-treatment", "btk-inhibitors", "dmt-labels", "mcdonald-criteria", "world-count"}
    ids |= {"nmosd-and-mogad", "vitamin-d", "law-and-money", "crisis-lines", "vaccines"}
    assert ids <= set(library.rechecks)


def test_every_text_with_a_crisis_line_counts_for_twelve_months_at_most(tmp_path: Path) -> None:
    text = FACT.replace('articles = ["heat-and-ms"]', 'words = ["988"]')
    library, found = load(tmp_path, "recheck.toml", text)
    assert found == []
    article = library.articles["rest-and-ms"]
    late = dataclasses.replace(article, expires=dt.date(2028, 11, 22))
    for item, codes in ((late, []), (dataclasses.replace(late, get_help="Call 988."), ["expires-late"])):
        alone = dataclasses.replace(library, articles={item.slug: item}, chapters={}, editions={}, book=None)
        assert [f.code for f in checks.source(alone, dt.date(2026, 2, 1)) if f.code == "expires-late"] == codes
