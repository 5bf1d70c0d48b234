"""Checks that run again in the same process: what did not change is kept, and every change is seen.

What is kept is kept by name and content of a file, so a copy of the folder in another place is always judged anew.
"""

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import samples

from pipeline import checks, content, model
from pipeline.checks import _pages, _styles

SOUND = Path(__file__).parent / "checks" / "_sound" / "content"
TODAY = dt.date(2026, 11, 24)
ARTICLE, CHAPTER, EDITION = "articles/rest-and-ms.md", "book/01-first-steps.md", "editions/2026-11-test.toml"


def found(room: Path, today: dt.date = TODAY) -> list[model.Finding]:
    library, _ = content.load(room)
    return checks.source(library, today)


def added(name: str, words: str) -> Callable[[Path], None]:
    def change(room: Path) -> None:
        path = room / name
        path.write_text(path.read_text("utf-8") + words, encoding="utf-8")

    return change


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(room: Path) -> None:
        path = room / name
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return change


CHANGES = {
    "a word of an article": added(ARTICLE, "\nTake 500 mg. TODO\n"),
    "a link of a chapter": added(CHAPTER, "\n[here](http://localhost/)\n"),
    "a heading": added(CHAPTER, "\n#### Too deep\n"),
    "a callout": added(ARTICLE, "\n::: note\n"),
    "a long word": added(ARTICLE, f"\n{'w' * 50}\n"),
    "a picture": added(ARTICLE, "\n![x](https://example.org/x.png)\n"),
    "a number": added(ARTICLE, "\nIt helps 83 % of people.\n"),
    "a hard sentence": added(ARTICLE, f"\n{'Immunological considerations necessitate individualisation, ' * 9}\n"),
    "the words of an edition": replaced(EDITION, 'intro = "', 'intro = "83 % [](https://example.org/) <b> '),
    "a name to spare": added("names.toml", '\n[[name]]\nname = "Unheardofium"\nexplained = "a metal of legend"\n'),
    "a retracted source": added(
        "superseded.toml", '\n[[source]]\nid = "first2020"\nkind = "retracted"\nreason = "made up"\n'
    ),
    "a fact that changes": added(
        "recheck.toml",
        '\n[[fact]]\nid = "x"\nwhat = "y"\nwhy = "z"\nlook = "w"\nchecked = 2026-01-01\nlimit = "1 day"\n'
        'words = ["e"]\n',
    ),
    "a source without its year": replaced("sources.json", '"issued"', '"unissued"'),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_judged_as_if_all_were_judged_for_the_first_time(tmp_path: Path, what: str) -> None:
    room, elsewhere = tmp_path / "once" / "content", tmp_path / "anew" / "content"
    shutil.copytree(SOUND, room)
    for name in ("names.toml", "superseded.toml", "recheck.toml"):
        (room / name).touch()
    before = found(room)
    CHANGES[what](room)
    shutil.copytree(room, elsewhere)
    assert found(room) == found(elsewhere)
    assert found(room) != before


def test_what_is_found_depends_on_the_day() -> None:
    assert found(SOUND) != found(SOUND, dt.date(2099, 1, 1))
    assert found(SOUND) == found(SOUND)


def test_a_chapter_and_an_article_of_the_same_slug_are_both_judged(tmp_path: Path) -> None:
    room = tmp_path / "content"
    shutil.copytree(SOUND, room)
    for name, other in ((ARTICLE, "articles/twin.md"), (CHAPTER, "book/02-twin.md")):
        text = (room / name).read_text("utf-8").replace("number: 1", "number: 2")
        (room / other).write_text(f"{text}\nTODO\n", encoding="utf-8")
        added(other, f"\n{'w' * 50}\n")(room)
    told = {(finding.code, finding.file) for finding in found(room)}
    assert {("word-long", "content/articles/twin.md"), ("word-long", "content/book/02-twin.md")} <= told


# --- the styles of a mail ---------------------------------------------------------------

PAGE = "<html><head><style>{css}</style></head><body><div class='a'>{body}</div></body></html>"


def inks(body: str, css: str) -> dict[str, list[str]]:
    page = _pages.parse("x", PAGE.format(css=css, body=body).encode(), {})
    assert page
    return {scheme: [style.ink for _, style in shown] for scheme, shown in _styles.computed(page).items()}


@pytest.mark.parametrize(
    ("css", "bodies", "last"),
    [
        (".a p { color: #111111 }", ("<p>x</p>", "<div><p>x</p></div>", "<p>y</p>"), "#111111"),
        (".a > p { color: #222222 }", ("<p>x</p>", "<p>x</p><div><p>x</p></div>"), "#000000"),
        ("p + p { color: #333333 }", ("<p>x</p>", "<p>x</p><p>x</p>"), "#333333"),
        ("p ~ p { color: #444444 }", ("<p>x</p><p>x</p>", "<p>x</p>"), "#000000"),
        ("p:first-child { color: #555555 }", ("<p>x</p>", "<i></i><p>x</p>"), "#000000"),
        ("p:not(.b) { color: #666666 }", ("<p class='b'>x</p>", "<p>x</p>"), "#666666"),
        ("p:empty { color: #777777 }", ("<p></p>", "<p>x</p>"), "#000000"),
        ("[title='+'] p { color: #888888 }", ("<p>x</p>", "<div title='+'><p>x</p></div>"), "#888888"),
        ("p { color: #999999 }", ("<p>x</p>", "<p style='color:#aaaaaa'>x</p>"), "#aaaaaa"),
    ],
)
def test_a_mail_after_another_has_the_styles_of_its_own_elements(css: str, bodies: tuple[str, ...], last: str) -> None:
    found = [inks(body, css)[_styles.LIGHT] for body in bodies]
    assert found[-1][-1] == last


def test_a_rule_that_changed_is_seen() -> None:
    dark = "@media (prefers-color-scheme: dark) {{ p {{ color: #{}; }} }}"
    for ink in ("123456", "654321"):
        assert inks("<p>x</p>", dark.format(ink))[_styles.DARK][-1] == f"#{ink}"
        assert inks("<p>x</p>", dark.format(ink))[_styles.LIGHT][-1] == "#000000"


def test_the_templates_are_read_again_for_each_mail(tmp_path: Path) -> None:
    templates = tmp_path / "templates"
    shutil.copytree(samples.ROOT / "templates", templates)
    material = model.Material(samples.sample_material().library, samples.sample_identity(), templates)
    item = samples.sample_edition()
    outputs = {"email.html": b"<html><body><h1>x</h1></body></html>", "email.txt": b"x"}
    before = checks.edition(outputs, item, material)
    path = templates / "email" / "blocks" / "intro.mjml.j2"
    path.write_text(path.read_text("utf-8").replace("<mj-section", '<mj-section bogus="1"', 1), encoding="utf-8")
    after = checks.edition(outputs, item, material)
    assert "mjml-lint" in {finding.code for finding in after} - {finding.code for finding in before}
