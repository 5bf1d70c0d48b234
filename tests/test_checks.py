"""Checks: each has a golden folder, tests/checks/<code>/, with what in/ adds to the sound publication of _sound/.

`in/` holds content/, templates/ and built/ (what rendering would have made); a name in `in/removed` is taken away,
and what is in `in/identity.json` changes the publisher.
`pytest tests/test_checks.py --update` writes each golden.json anew, and docs/check-codes.md: read the difference.
"""

import dataclasses
import datetime as dt
import json
import re
import shutil
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import samples
from hypothesis import strategies as st

from pipeline import checks, content, edition, errors, model, render
from pipeline.checks import _frame, _headings, _links

GOLDENS = Path(__file__).parent / "checks"
SOUND = GOLDENS / "_sound"
DOCUMENT = samples.ROOT / "docs" / "check-codes.md"
TODAY = dt.date(2026, 11, 24)
ON_DEMAND = checks.FAMILIES["On demand"]  # test_checks_full.py runs these
CODES = sorted(check.code for check in checks.catalogue() if check not in ON_DEMAND)
BLOCK, WARNING = model.Severity.BLOCK, model.Severity.WARNING


def findings_of(room: Path) -> list[model.Finding]:
    """Run everything on a room with content/, templates/ and built/."""
    library, found = content.load(room / "content")
    settings = json.loads((room / "identity.json").read_text()) if (room / "identity.json").exists() else {}
    identity = dataclasses.replace(samples.sample_identity(), **settings)
    material = model.Material(library, identity, room / "templates")
    found += checks.source(library, TODAY)
    found += checks.letters(library, samples.ROOT / "templates")
    for folder in sorted((room / "built").iterdir()):
        outputs = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        if folder.name == "book":
            found += checks.book(outputs)
        elif folder.name == "site":
            found += checks.site(outputs, material.identity.base_url)
        elif folder.name == "parity":  # a site of its own: most folders change a text and leave the site as it is
            found += checks.parity(library, outputs, {}, {})
        else:
            found += edition_findings(folder.name, outputs, material)
    return checks.apply(found, library.waivers)


def edition_findings(slug: str, outputs: dict[str, bytes], material: model.Material) -> list[model.Finding]:
    try:
        item = edition.edition(material.library, slug)
    except errors.Problem:
        return []  # a text of it cannot be read, which is a finding of its own
    return checks.edition(outputs, item, material)


def room_with(tmp_path: Path, folder: Path) -> Path:
    """Lay a golden folder's in/ over a copy of the sound publication."""
    room = tmp_path / "room"
    shutil.copytree(SOUND, room)
    shutil.copytree(folder / "in", room, dirs_exist_ok=True)
    removed = room / "removed"
    for name in removed.read_text().split() if removed.exists() else ():
        (room / name).unlink()
    return room


def as_json(finding: model.Finding) -> dict[str, Any]:
    return {**dataclasses.asdict(finding), "severity": finding.severity.value}


@pytest.fixture(scope="module")
def sound() -> list[model.Finding]:
    return findings_of(SOUND)


# --- goldens ------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_a_check_finds_what_its_golden_folder_says_and_nothing_else(
    code: str, tmp_path: Path, sound: list[model.Finding], request: pytest.FixtureRequest
) -> None:
    folder = GOLDENS / code
    added = [finding for finding in findings_of(room_with(tmp_path, folder)) if finding not in sound]
    golden = folder / "golden.json"
    if request.config.getoption("--update"):
        golden.write_text(json.dumps([as_json(f) for f in added], indent=2, ensure_ascii=False) + "\n")
    assert [as_json(finding) for finding in added] == json.loads(golden.read_text())
    assert code in {finding.code for finding in added}


def test_each_golden_folder_belongs_to_a_check() -> None:
    assert sorted(path.name for path in GOLDENS.iterdir() if not path.name.startswith("_")) == CODES


def test_a_sound_publication_has_no_finding_but_the_waived_review(sound: list[model.Finding]) -> None:
    assert {(finding.code, finding.waived) for finding in sound} == {("review-missing", True)}


def test_every_finding_has_the_severity_of_its_check_and_a_place_message_and_hint(tmp_path: Path) -> None:
    severity = {check.code: check.severity for check in checks.catalogue()}
    for code in CODES:
        for finding in findings_of(room_with(tmp_path / code, GOLDENS / code)):
            assert finding.severity is severity[finding.code], finding
            assert finding.file, finding
            assert finding.message, finding
            assert finding.hint, finding


# --- the catalogue and its page -----------------------------------------------------


def table() -> str:
    """Write docs/check-codes.md's tables: a row for each check, family by family."""
    parts = []
    for family, members in checks.FAMILIES.items():
        rows = [f"| `{c.code}` | {c.severity.value} | {plain(c.promise)} | {plain(c.hint)} |" for c in members]
        parts += [f"### {family}\n", "| Code | Severity | What it protects | What to do |", "| --- | --- | --- | --- |"]
        parts += [*rows, ""]
    return "\n".join(parts)


def plain(text: str) -> str:
    """Write text so that Markdown prints it as it stands."""
    return text.replace("<", "&lt;").replace("[", "\\[").replace("*", "\\*")


def test_docs_check_codes_lists_every_check(request: pytest.FixtureRequest) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    before, mark, _ = text.partition("## All codes\n\n")
    assert mark
    if request.config.getoption("--update"):
        DOCUMENT.write_text(before + mark + table(), encoding="utf-8")
    assert DOCUMENT.read_text(encoding="utf-8") == before + mark + table()


def test_codes_are_unique_and_their_sentences_whole() -> None:
    assert len(set(CODES)) == len(CODES)
    for check in checks.catalogue():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", check.code)
        assert check.promise.endswith(".")
        assert check.hint


def test_the_catalogue_knows_every_code_that_content_gives() -> None:
    folder = Path(content.__file__).parent
    given = {code for path in folder.glob("*.py") for code in re.findall(r'"(content-[a-z-]+)"', path.read_text())}
    assert given == {code for code in CODES if code.startswith("content-")}


# --- waivers and paths --------------------------------------------------------------


def finding(code: str = "text-todo", file: str = "content/articles/rest.md") -> model.Finding:
    return model.Finding(code, BLOCK, file, 3, "'TODO' is left", "finish the text")


@pytest.mark.parametrize("file", ["", "content/articles/rest.md", "content/articles/*.md", "*/rest.md"])
def test_a_waiver_covers_its_code_in_the_files_it_names(file: str) -> None:
    waived = checks.apply([finding()], [model.Waiver("text-todo", file, "The text is printed as a draft.", "Dana")])
    assert [(f.code, f.waived, f.blocks) for f in waived] == [("text-todo", True, False)]


def test_a_waiver_for_another_code_or_file_lets_nothing_pass() -> None:
    for waiver in (
        model.Waiver("text-expired", "", "The text is printed as a draft.", "Dana"),
        model.Waiver("text-todo", "content/book/*", "The text is printed as a draft.", "Dana"),
    ):
        found = checks.apply([finding()], [waiver])
        assert {f.code: f.waived for f in found} == {"text-todo": False, "waiver-unused": False}


def test_a_waiver_of_an_unknown_code_blocks_and_cannot_be_waived() -> None:
    reason = "The text is printed as a draft."
    waivers = [model.Waiver("no-such-code", "", reason, "Dana"), model.Waiver("waiver-unknown", "", reason, "Dana")]
    found = checks.apply([], waivers)
    assert [(f.code, f.blocks) for f in found] == [("waiver-unknown", True), ("waiver-unused", False)]


def test_only_keeps_the_findings_of_the_named_files_and_folders(tmp_path: Path) -> None:
    found = [finding(), finding(file="content/book/01-start.md"), finding(file="templates/email/digest.mjml.j2")]
    book = tmp_path / "content" / "book"
    assert checks.only(found, [book], tmp_path) == found[1:2]
    assert checks.only(found, [book, tmp_path / "content" / "articles" / "rest.md"], tmp_path) == found[:2]
    assert checks.only(found, [tmp_path], tmp_path) == found
    assert checks.only(found, [tmp_path / "content" / "boo"], tmp_path) == []


# --- single rules -------------------------------------------------------------------


@pytest.mark.parametrize(
    "href",
    [
        "https://www.nice.org.uk/guidance/ng220",
        "https://988lifeline.org",
        "https://[2606:4700::1111]/x",
        "mailto:a@b.org?subject=x",
        "tel:+44 116 123",
        "sms:988",
    ],
)
def test_a_public_address_is_sound(href: str) -> None:
    assert _links.fault(href) == ""


@pytest.mark.parametrize(
    "href",
    [
        "", "#", " ", "about", "/about", "//cdn.example.net/x", "http://www.nice.org.uk", "HTTPS://localhost/", "ftp://x.org",
        "javascript:alert(1)", "JavaScript:void(0)", "data:text/html,x", "https://", "https://user:secret@nice.org.uk/",
        "https://127.0.0.1/", "https://10.0.0.8/", "https://[::1]/", "https://169.254.1.1/", "https://intranet/",
        "https://staging.nice.org.uk/", "https://www.dev.internal/", "https://nas.local/", "https://www.example.com/",
        "https://[broken/", "https://nice.org.uk/a b", "mailto:", "mailto:me", "tel:", "tel:nine",
    ],
)  # fmt: skip
def test_a_dead_private_or_unsafe_address_is_told(href: str) -> None:
    assert _links.fault(href)


@pytest.mark.parametrize(
    "words", ["83 % of them", "83 in 100 people", "one in three", "a study of 40 people", "a trial published in 2019",
              "about 10 per cent", "32-fold", "2.6 times as likely", "7 out of 10", "104 patients"],
)  # fmt: skip
def test_a_figure_without_a_source_is_told(words: str, tmp_path: Path) -> None:
    assert [f.code for f in of_body(tmp_path, f"Plain words [@first2020].\n\nIt was {words}, they say.")] == [
        "number-unsourced"
    ]
    assert of_body(tmp_path, f"It was {words}, they say [@first2020].") == []


@pytest.mark.parametrize(
    "words",
    ["call 911 or 112", "chapters 1, 2 and 5", "within 24 hours", "three questions", "in 2026", "use a scale to 10"],
)
def test_a_number_that_is_no_finding_of_a_study_needs_no_source(words: str, tmp_path: Path) -> None:
    assert of_body(tmp_path, f"Plain words [@first2020].\n\nYou can {words}.") == []


@pytest.mark.parametrize("words", ["5 < 7 and 7 > 5", "a [bracketed] word", "an arrow ->", "`<b>`"])
def test_a_sign_that_is_no_code_may_be_printed(words: str, tmp_path: Path) -> None:
    assert of_body(tmp_path, f"Plain words, {words} [@first2020].") == []


def of_body(tmp_path: Path, body: str) -> list[model.Finding]:
    """Return the findings on an article with this body, its missing review apart."""
    room = tmp_path / "room"
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(SOUND, room)
    path = room / "content" / "articles" / "heat-and-ms.md"
    head = path.read_text().partition("Warmth")[0]
    path.write_text(f"{head}{body}\n")
    library, found = content.load(room / "content")
    assert found == []
    return [f for f in checks.source(library, TODAY) if f.code != "review-missing"]


def test_an_expired_text_stops_no_edition_whose_window_is_over(tmp_path: Path) -> None:
    room = room_with(tmp_path, GOLDENS / "expired")
    library, _ = content.load(room / "content")
    spec = library.editions["2026-11-test"]
    over = dataclasses.replace(spec, not_after=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    found = checks.source(dataclasses.replace(library, editions={over.slug: over}), TODAY)
    assert [f.file for f in found if f.code == "expired"] == ["content/book/book.toml"]


def test_a_review_of_the_very_words_is_accepted() -> None:
    library, _ = content.load(SOUND / "content")
    article = library.articles["rest-and-ms"]
    review = model.Review("A made-up name for this test", TODAY, checks.fingerprint(article.body))
    reviewed = dataclasses.replace(article, review=review)
    changed = dataclasses.replace(reviewed, body=article.body + " ")
    for item, codes in ((reviewed, set()), (changed, {"review-outdated"})):
        found = checks.source(dataclasses.replace(library, articles={item.slug: item}, chapters={}, editions={}), TODAY)
        assert {f.code for f in found if f.file.endswith("rest-and-ms.md")} == codes


def test_a_pdf_that_is_none_is_told() -> None:
    assert [(f.code, f.file) for f in checks.book({"large-print.pdf": b"<html>", "book.pdf": b"%PDF-1.7"})] == [
        ("book-pdf-missing", "out/book/large-print.pdf")
    ]


def test_addresses_that_the_site_answers_without_a_file_are_not_missing() -> None:
    page = {"index.html": b'<html><body><a href="/helpful/x/yes">Yes</a> <a href="helpful/">All</a></body></html>'}
    assert checks.site(page, "https://www.example.org", served=("helpful/",)) == []
    assert [f.code for f in checks.site(page, "https://www.example.org")] == ["site-link-nowhere"] * 2


def test_a_link_may_lead_to_what_becomes_public_on_the_same_day_and_not_to_what_comes_later() -> None:
    def page(*links: str) -> bytes:
        return "".join(["<html><body>", *(f'<a href="{link}">x</a>' for link in links)]).encode()

    site = {"index.html": page("old/"), "old/index.html": page("../new/")}
    site |= {"held/2026-12-08/index.html": page("old/", "new/"), "held/2026-12-08/new/index.html": page("../old/")}
    (found,) = checks.site(site, "https://www.example.org")
    assert (found.file, found.code) == ("out/site/old/index.html", "site-link-nowhere")
    assert checks.site(site | {"old/index.html": page("../")}, "https://www.example.org") == []


def test_a_link_that_leads_nowhere_is_told_at_its_line_in_the_template() -> None:
    web = samples.ROOT / "templates"
    line = (web / "web" / "page.html").read_text().split('href="{{ root }}privacy/"')[0].count("\n") + 1
    page = {"a/index.html": b'<html><body><a href="../privacy/">Privacy</a></body></html>'}
    (found,) = checks.site(page, "https://www.example.org", (), web)
    assert (found.file, found.line) == ("templates/web/page.html", line)


def test_an_unrendered_edition_is_a_finding_at_its_file() -> None:
    library, _ = content.load(SOUND / "content")
    problem = errors.RenderProblem(f"{SOUND}/content/articles/x.md: no drawing", hint="add it")
    found = checks.unrendered(library.editions["2026-11-test"], problem, library.root)
    assert (found.file, found.message, found.hint) == (
        "content/editions/2026-11-test.toml",
        "content/articles/x.md: no drawing",
        "add it",
    )
    assert found.blocks


PIECES = (
    "[x](", "## ", "### ", "::: note", ":::", "\n", "\n\n", "[@a]", "[@", "[^1]", "![a](", "image:x.svg", ")",
    "https://", "http://[", "mailto:", "| a |\n|--|\n", "**", "<b>", "<!--", '<a href="', '">', "</a>", '<img src="',
    "<h1>", "<table>", "{{", "}}", "*|", "[[", "\x00", "&#0;", "1 in 3", "%", "<style>@import ", ' style="url(',
    '<html lang="en">', "é",
)  # fmt: skip


@hypothesis.settings(max_examples=80, deadline=None, derandomize=True)
@hypothesis.given(pieces=st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_text_and_no_html_stops_the_checks(pieces: list[str]) -> None:
    text = "".join(pieces)
    library, _ = content.load(SOUND / "content")
    article = dataclasses.replace(library.articles["rest-and-ms"], body=text, get_help=text)
    library = dataclasses.replace(library, articles={**library.articles, article.slug: article})
    checks.source(library, TODAY)
    material = model.Material(library, samples.sample_identity(), SOUND / "templates")
    outputs = {"email.html": text.encode(), "email.txt": text.encode()}
    checks.edition(outputs, edition.edition(library, "2026-11-test"), material)
    checks.site({"a/index.html": text.encode()}, "https://www.example.org")


# --- the shipped publication --------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> list[model.Finding]:
    """Return all findings of the shipped content and of every edition as it would be mailed."""
    library, found = content.load(samples.ROOT / "content")
    material = model.Material(library, samples.sample_identity(), samples.ROOT / "templates")
    found += checks.source(library, TODAY)
    for slug in library.editions:
        item = edition.edition(library, slug)
        outputs = {output.name: output.content for output in render.outputs(item, material)}
        found += checks.edition(outputs, item, material)
    return checks.apply(found, library.waivers)


def test_nothing_blocks_the_shipped_content_but_what_is_waived_in_the_open(shipped: list[model.Finding]) -> None:
    assert [as_json(finding) for finding in shipped if finding.blocks] == []
    assert {finding.code for finding in shipped if finding.waived} == {"review-missing"}


def test_the_digest_has_no_fault_that_a_screen_reader_would_meet(shipped: list[model.Finding]) -> None:
    families = (_headings, _links, _frame)
    codes = {check.code for family in families for check in family.CHECKS} | {"alt-missing"}
    assert [finding for finding in shipped if finding.code in codes] == []


def test_a_digest_as_it_is_rendered_has_no_finding_at_all() -> None:
    item, material = samples.sample_edition(), samples.sample_material()
    outputs = {output.name: output.content for output in render.outputs(item, material)}
    assert [as_json(finding) for finding in checks.edition(outputs, item, material)] == []
