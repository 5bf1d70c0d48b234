"""`mscare check` in its other forms: JUnit XML, and how hard each section is to read."""

from pathlib import Path
from xml.etree import ElementTree as ET

import house
import lxml.html
import pytest

from pipeline import checks, model
from pipeline.cli import _junit

HARD = "Neurological examinations customarily incorporate comprehensive evaluations of coordination. " * 6


@pytest.fixture
def place(tmp_path: Path) -> house.House:
    return house.build(tmp_path / "house", **house.PUBLISHER)


def test_junit_has_a_case_for_each_check_and_each_file_that_it_found_faulty(place: house.House) -> None:
    place.write("articles/scans.md", house.ARTICLE.replace("about half", "about half of them, or 50 %, and").replace(
        " [@bot2004].\n\n## What", ".\n\n## What"))  # fmt: skip
    done = place.run("check", "--format", "junit")
    assert done.code == 3
    root = ET.fromstring(done.out)  # noqa: S314  our own output
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failed = cases["number-unsourced content/articles/scans.md"]
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("type") == "number-unsourced"
    assert "content/articles/scans.md:15" in (failure.text or "")
    assert cases["review-missing content/articles/scans.md"].find("skipped") is not None
    assert len(cases["text-todo"]) == 0
    codes = {(case.get("name") or "").partition(" ")[0] for case in root.iter("testcase")}
    assert codes == {check.code for check in checks.catalogue()}
    assert (root.get("tests"), root.get("failures")) == (str(len(cases)), "1")


def test_junit_can_be_read_whatever_a_text_holds() -> None:
    found = [model.Finding("text-todo", model.Severity.BLOCK, "content/a\x00.md", 3, 'a "b" <c> \x1b \ud800', "&")]
    root = ET.fromstring(_junit.xml(found))  # noqa: S314  our own output
    assert root.get("failures") == "1"


def test_a_warning_is_told_in_junit_and_fails_nothing() -> None:
    found = [model.Finding("section-hard", model.Severity.WARNING, "content/a.md", 3, "is hard", "shorten it")]
    root = ET.fromstring(_junit.xml(found))  # noqa: S314  our own output
    assert root.get("failures") == "0"
    assert "shorten it" in "".join(root.itertext())


def test_readability_prints_every_section_the_hardest_last(place: house.House) -> None:
    place.write("articles/scans.md", f"{house.ARTICLE}\n## What is an examination?\n\n{HARD}\n")
    done = place.run("check", "--readability")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[-2].endswith("What is an examination?")
    assert "content/articles/scans.md:21" in lines[-2]
    assert lines[-1].endswith("1 above grade 9")
    rows = place.run("check", "--readability", "--json", "content/articles").json()
    assert {row["file"] for row in rows} == {"content/articles/scans.md"}
    assert set(rows[0]) == {"file", "line", "heading", "words", "grade", "grade_with_names", "judged"}


def test_the_report_shows_in_chart_and_table_what_the_terminal_shows(place: house.House, tmp_path: Path) -> None:
    place.write("articles/scans.md", f"{house.ARTICLE}\n## A <b> & an examination?\n\n{HARD}\n")
    file = tmp_path / "new" / "reading.html"
    assert place.run("check", "--report", str(file)).code == 3
    rows = place.run("check", "--readability", "--json").json()
    page = lxml.html.fromstring(file.read_bytes())
    assert [cell.text_content() for cell in page.xpath("//tbody//th")] == [
        row["heading"] for row in sorted(rows, key=lambda row: -row["grade"])
    ]
    assert len(page.xpath("//svg//rect")) == len({row["file"] for row in rows if row["judged"]})
    assert len(page.xpath("//svg[@role='img']/title")) == 1
    assert page.xpath("//script | //link | //img | //@href | //@src") == []


def test_a_build_of_everything_writes_the_same_report_beside_what_it_builds(place: house.House, tmp_path: Path) -> None:
    place.write("articles/scans.md", f"{house.ARTICLE}\n## A <b> & an examination?\n\n{HARD}\n")
    place.run("check", "--report", str(tmp_path / "asked.html"))
    for again in ("", " once more"):  # the second time, from what was kept
        assert place.run("build", "--all").code == 0, again
        assert (place.root / "out" / "report.html").read_bytes() == (tmp_path / "asked.html").read_bytes()
    place.write("articles/scans.md", house.ARTICLE)
    place.run("build", "--all")
    assert "an examination?" not in (place.root / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--readability", "--format", "junit"), 2),
        (("--format", "yaml"), 2),
        (("--report", "mscare.toml/page.html"), 10),
    ],
)
def test_what_makes_no_sense_is_refused(place: house.House, arguments: tuple[str, ...], code: int) -> None:
    done = place.run("check", *arguments)
    assert done.code == code
    assert "Traceback" not in done.err
