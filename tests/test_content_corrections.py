"""corrections.toml: read strictly, never needed, told on the site and on the page it is about."""

import dataclasses
import datetime as dt
import shutil
from pathlib import Path

import lxml.html
import pytest
import samples_web

from pipeline import content, model
from pipeline.formats import pages

SOUND = Path(__file__).parent / "checks" / "_sound"
ENTRY = '[[correction]]\ndate = 2026-12-01\nitem = "{item}"\nwrong = "It said ten."\nchanged = "It says two."\n'


def load(tmp_path: Path, text: str) -> tuple[model.Library, list[model.Finding]]:
    room = tmp_path / "content"
    shutil.copytree(SOUND / "content", room)
    (room / "corrections.toml").write_text(text, encoding="utf-8")
    return content.load(room)


def test_corrections_are_read_with_the_newest_first(tmp_path: Path) -> None:
    older = ENTRY.format(item="article:heat-and-ms").replace("12-01", "11-30")
    library, found = load(tmp_path, older + ENTRY.format(item="article:heat-and-ms"))
    assert found == []
    assert [entry.date.day for entry in library.corrections] == [1, 30]
    assert (library.corrections[0].kind, library.corrections[0].slug) == ("article", "heat-and-ms")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (ENTRY.format(item="article:gone"), "content-link-unknown", "'gone'"),
        (ENTRY.format(item="poem:heat-and-ms"), "content-schema", "item"),
        (ENTRY.format(item="article:heat-and-ms") + 'by = "me"\n', "content-schema", "by"),
        (ENTRY.format(item="article:heat-and-ms").replace('"It said ten."', '""'), "content-schema", "wrong"),
        (ENTRY.format(item="article:heat-and-ms").replace("2026-12-01", '"soon"'), "content-schema", "date"),
        ("[[mistake]]\n", "content-schema", "mistake"),
        ("[[correction]\n", "content-syntax", "TOML"),
    ],
)
def test_what_is_wrong_with_an_entry_is_named_with_its_file(tmp_path: Path, text: str, code: str, said: str) -> None:
    library, found = load(tmp_path, text)
    (finding,) = found
    assert (finding.code, finding.file, finding.blocks) == (code, "content/corrections.toml", True)
    assert said in finding.message
    assert library.corrections == ()


def page(corrections: tuple[model.Correction, ...], name: str, day: dt.date = dt.date.max) -> str:
    library = dataclasses.replace(samples_web.library(), corrections=corrections)
    made = pages.render(library, dataclasses.replace(samples_web.material(), library=library, day=day))
    (html,) = (output.content.decode() for output in made if output.name == name)
    return " ".join(lxml.html.document_fromstring(html).text_content().split())


NOTES = tuple(
    model.Correction(dt.date(2026, 12, 1), kind, slug, "It said ten.", "It says two.", 1)
    for kind, slug in (
        ("article", "heat-and-symptoms"),
        ("edition", "2026-11-spinal-cord"),
        ("chapter", "what-ms-is"),
        ("book", ""),
    )
)


def test_the_log_says_when_there_is_nothing_to_say() -> None:
    assert "No corrections so far." in page((), "corrections/index.html")


def test_the_log_names_each_item_with_what_was_wrong_and_what_changed() -> None:
    text = page(NOTES, "corrections/index.html")
    for part in ("Why heat can bring", "Issue 1: The spine", "The book, chapter 2: What MS is", "It said ten."):
        assert part in text
    assert text.count("It says two.") == len(NOTES)


def test_a_corrected_article_says_so_on_its_own_page_from_that_day_on() -> None:
    name = "articles/heat-and-symptoms/index.html"
    assert "Corrected on December 1, 2026: It says two." in page(NOTES, name)
    assert "Corrected on" not in page(NOTES, name, dt.date(2026, 11, 30))
