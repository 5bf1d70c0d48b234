"""A build and a check after an edit take up what is kept, and give what they would give from nothing, byte for byte."""

import contextlib
import datetime as dt
import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rebuilt

from pipeline import config, findings, flow, render, store

ARTICLE, PARTS, SITE = "content/articles/{}.md", Path("out") / ".parts", Path("out") / "site"
Edit = Callable[[Path], object]

EDITS: dict[str, Edit] = {
    "a word of an article": rebuilt.added(ARTICLE.format("rest"), "Indeed."),
    "the title of an article": rebuilt.replaced(ARTICLE.format("heat"), "title: About heat", "title: Of heat"),
    "the summary of an article": rebuilt.replaced(ARTICLE.format("scans"), "in plain words", "in short words"),
    "the topic of an article": rebuilt.replaced(ARTICLE.format("sleep"), "topic: Diagnosis", "topic: Nights"),
    "the drawing of an article": rebuilt.replaced("content/images/scan.svg", "#0b5563", "#0b5564"),
    "an article published later": rebuilt.replaced(
        ARTICLE.format("walking"), "published: 2026-11-01", "published: 2099-01-01"
    ),
    "a review that counts no more": rebuilt.replaced(
        ARTICLE.format("walking"),
        "related:",
        "review: {reviewer: Dr. Who, reviewed: 2026-11-01, sha256: " + "0" * 64 + "}\nrelated:",
    ),
    "a fault in an article": rebuilt.added(ARTICLE.format("rest"), "TODO 83 % of people take 5 mg <b>"),
    "a new article": lambda root: rebuilt.article(root, "new-one", "scans", "2026-11-20"),
    "an article that is deleted": lambda root: (root / ARTICLE.format("walking")).unlink(),
    "an article of an edition that is deleted": lambda root: (root / ARTICLE.format("heat")).unlink(),
    "the words of an edition": rebuilt.replaced("content/editions/2026-12.toml", "Good morning", "Good evening"),
    "a fault in an edition": rebuilt.replaced("content/editions/2026-12.toml", "Good morning", "TODO [](http://x)"),
    "a comment in an edition": rebuilt.replaced("content/editions/2026-12.toml", "number = 2", "# why\nnumber = 2"),
    "a new edition": lambda root: rebuilt.edition(root, "2027-01", 3, ("walking", "rest")),
    "an edition that is deleted": lambda root: (root / "content/editions/2026-11.toml").unlink(),
    "a source": rebuilt.replaced("content/sources.json", "Spinal cord abnormalities", "What is in the cord"),
    "a source that is gone": rebuilt.replaced("content/sources.json", "bot2004", "bot2005"),
    "a question": rebuilt.replaced("content/questions.toml", "Are some of them new?", "Are any of them new?"),
    "the meaning of a word": rebuilt.replaced("content/glossary.toml", "A spot of damage", "A place of damage"),
    "a word that is spared": rebuilt.added(
        "content/names.toml", '[[name]]\nname = "Unheardofium"\nexplained = "a metal of legend"'
    ),
    "a source that was taken back": rebuilt.added(
        "content/superseded.toml", '[[source]]\nid = "bot2004"\nkind = "retracted"\nreason = "made up"'
    ),
    "a fact that changes": rebuilt.added(
        "content/recheck.toml",
        '[[fact]]\nid = "x"\nwhat = "y"\nwhy = "z"\nlook = "w"\nchecked = 2026-01-01\nlimit = "1 day"\n'
        'words = ["scan"]',
    ),
    "a correction": rebuilt.added(
        "content/corrections.toml",
        '[[correction]]\ndate = 2026-11-02\nitem = "article:rest"\nwrong = "It said so."\nchanged = "It says no."',
    ),
    "a waiver": rebuilt.added(
        "content/waivers.toml", '[[waiver]]\ncode = "expired"\nreason = "A reason that is long enough."\nby = "Tests"'
    ),
    "a waiver that is gone": lambda root: (root / "content/waivers.toml").unlink(),
    "the words of the book's page": rebuilt.replaced("content/book/book.toml", "A small book", "A thin book"),
    "the template of articles": rebuilt.replaced("templates/web/article.html", "On this page", "In this text"),
    "a template that others read in": rebuilt.replaced("templates/web/parts.html", "min read", "minutes"),
    "the template of mails": rebuilt.replaced("templates/email/digest.mjml.j2", "</mj-body>", "<!--x--></mj-body>"),
    "who publishes": rebuilt.replaced("mscare.toml", "Example Patient Education Trust", "Harbour Patient Press"),
    "the address of the site": rebuilt.replaced("mscare.toml", "https://www.example.org", "http://192.168.0.1"),
}


def assert_as_from_nothing(root: Path, day: dt.date = rebuilt.DAY) -> rebuilt.Told:
    told = rebuilt.work(root, day)
    kept = rebuilt.files(root, told)
    from_nothing, files = rebuilt.anew(root, lambda: rebuilt.work(root, day))
    assert told == from_nothing
    assert kept.keys() == files.keys()
    assert [name for name in files if kept[name] != files[name]] == []
    return told


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = rebuilt.publication(tmp_path_factory.mktemp("sound") / "house")
    assert rebuilt.work(root)[0] == []
    return root


@pytest.fixture
def root(sound: Path, tmp_path: Path) -> Iterator[Path]:
    """Give the built publication, and take back afterwards what was edited, but not what was made."""
    edited = ("content", "templates", "mscare.toml")
    for name in edited:
        _copied(sound / name, tmp_path / name)
    yield sound
    for name in edited:
        shutil.rmtree(sound / name, ignore_errors=True)
        _copied(tmp_path / name, sound / name)


def _copied(place: Path, to: Path) -> None:
    if place.is_dir():
        shutil.copytree(place, to)
    else:
        shutil.copy2(place, to)


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_gives_what_a_build_from_nothing_gives(root: Path, what: str) -> None:
    said = rebuilt.work(root)
    before = rebuilt.files(root, said)
    EDITS[what](root)
    told = assert_as_from_nothing(root)
    assert (told, rebuilt.files(root, told)) != (said, before)


def test_the_same_files_give_the_same_manifests_in_another_folder(root: Path, tmp_path: Path) -> None:
    """An approval must hold on the machine that sends, wherever the project stands there."""
    other = tmp_path / 'another\'s "folder"'
    shutil.copytree(root, other, ignore=shutil.ignore_patterns("out"))
    assert rebuilt.files(other, rebuilt.work(other)) == rebuilt.files(root, rebuilt.work(root))


def test_a_row_of_edits_gives_what_a_new_process_gives_from_nothing(root: Path) -> None:
    dice = random.Random(20261124)  # noqa: S311  the same row each time
    for what in dice.sample(sorted(EDITS), len(EDITS) // 2):
        with contextlib.suppress(FileNotFoundError, AssertionError):  # another edit has taken its place away
            EDITS[what](root)
        told = rebuilt.work(root)
    kept = rebuilt.files(root, told)
    from_nothing, files = rebuilt.anew(root, lambda: rebuilt.elsewhere(root))
    assert told == from_nothing
    assert kept == files


def test_new_processes_take_up_what_others_have_noted(root: Path) -> None:
    """A process parses no text that an earlier one has noted: it must say the same as if it had."""
    dice = random.Random(20261123)  # noqa: S311  the same row each time
    for _ in range(3):
        for what in dice.sample(sorted(EDITS), 5):
            with contextlib.suppress(FileNotFoundError, AssertionError):  # another edit has taken its place away
                EDITS[what](root)
        told = rebuilt.elsewhere(root)
    kept = rebuilt.files(root, told)
    from_nothing, files = rebuilt.anew(root, lambda: rebuilt.elsewhere(root))
    assert told == from_nothing
    assert kept == files


def test_an_edit_is_seen_whatever_the_time_of_its_file_says(root: Path) -> None:
    """No time, size or place of a file is believed: an editor, a copy or a checkout may set each of them."""
    before = rebuilt.files(root, rebuilt.work(root))
    path = root / ARTICLE.format("rest")
    _swapped_unseen(path, "About rest", "About rust")
    told = assert_as_from_nothing(root)
    assert rebuilt.files(root, told) != before


def test_a_page_altered_in_out_is_mended_whatever_the_time_of_its_file_says(root: Path) -> None:
    before = rebuilt.files(root, rebuilt.work(root))
    _swapped_unseen(root / SITE / "articles" / "rest" / "index.html", "About rest", "About rust")
    assert rebuilt.files(root, rebuilt.work(root)) == before


def _swapped_unseen(path: Path, old: str, new: str) -> None:
    """Put words of the same length into a file, in place, and set its times back."""
    was, text = path.stat(), path.read_text("utf-8")
    assert old in text
    with path.open("r+", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    now = path.stat()
    assert (now.st_size, now.st_mtime_ns, now.st_ino) == (was.st_size, was.st_mtime_ns, was.st_ino)


def test_a_file_saved_between_reading_and_building_is_seen_by_the_next_build(root: Path) -> None:
    """The manifest names the files as they were read, and not as they were when it was written."""
    rebuilt.work(root)
    desk = flow.read(config.load(root / "mscare.toml"))
    name = ARTICLE.format("rest")
    old = (root / name).read_bytes()
    rebuilt.added(name, "Indeed.")(root)
    made = flow.build(desk, [*desk.library.editions, "site"], root / "out", lambda _line: None, day=rebuilt.DAY)
    named = {manifest.inputs[name] for manifest in made if name in manifest.inputs}
    assert named == {hashlib.sha256(old).hexdigest()}
    assert_as_from_nothing(root)


def test_a_day_that_has_come_is_seen_by_what_is_kept(root: Path) -> None:
    rebuilt.article(root, "tomorrow", "rest", "2026-11-25")
    for day, codes in ((rebuilt.DAY, False), (dt.date(2026, 11, 25), False), (dt.date(2100, 1, 1), True)):
        told = assert_as_from_nothing(root, day)
        assert ("text-expired" in {finding[0] for finding in told[1:]}) is codes
        assert (root / SITE / "articles" / "tomorrow").exists() is (day > rebuilt.DAY)


def _spoil_every_kept_file(root: Path) -> None:
    for number, path in enumerate(sorted((root / PARTS).iterdir())):
        path.write_bytes(path.read_bytes()[: -1 - number % 40])


HANDS: dict[str, Edit] = {
    "a page that is written over": lambda root: (root / SITE / "articles/rest/index.html").write_text("spoilt"),
    "a page that is gone": lambda root: (root / SITE / "articles/rest/index.html").unlink(),
    "a mail that is written over": lambda root: (root / "out/2026-11/email.html").write_text("spoilt"),
    "a manifest that is cut off": lambda root: (root / SITE / render.MANIFEST).write_text("{"),
    "a folder that is gone": lambda root: shutil.rmtree(root / SITE),
    "a store that is gone": lambda root: shutil.rmtree(root / PARTS),
    "a store of files that were cut off": _spoil_every_kept_file,
}


@pytest.mark.parametrize("what", HANDS)
def test_what_is_spoilt_in_out_is_mended(root: Path, what: str) -> None:
    rebuilt.work(root)
    HANDS[what](root)
    rebuilt.added(ARTICLE.format("heat"), "Indeed.")(root)
    assert_as_from_nothing(root)


def test_a_page_that_lost_its_words_by_hand_is_found_by_a_check_without_a_build(root: Path) -> None:
    rebuilt.work(root)
    page = root / SITE / "articles" / "rest" / "index.html"
    page.write_text(page.read_text("utf-8").replace("What does a scan show?", ""), encoding="utf-8")
    told = flow.check(flow.read(config.load(root / "mscare.toml")), rebuilt.DAY)
    assert [(f.code, f.file) for f in told if f.code == "parity-lost"] == [("parity-lost", "content/articles/rest.md")]


def test_after_an_edit_only_the_pages_that_it_changes_are_written(root: Path) -> None:
    rebuilt.work(root)
    before = _places(root)
    rebuilt.added(ARTICLE.format("rest"), "Indeed.")(root)
    rebuilt.work(root)
    after = _places(root)
    assert {name for name in after if after[name] != before[name]} == {"articles/rest/index.html", render.MANIFEST}


def _places(root: Path) -> dict[str, int]:
    paths = (path for path in (root / SITE).rglob("*") if path.is_file())
    return {path.relative_to(root / SITE).as_posix(): path.stat().st_ino for path in paths}


def test_a_build_or_check_of_the_same_writes_nothing(root: Path) -> None:
    for _ in range(2):
        rebuilt.work(root)
    before = {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")}
    rebuilt.work(root)
    assert {path: path.stat().st_mtime_ns for path in (root / "out").rglob("*")} == before


def test_a_template_that_changes_in_the_midst_of_a_build_is_not_kept_under_the_old_one(root: Path) -> None:
    template = root / "templates" / "web" / "parts.html"
    old = template.read_text("utf-8")
    rebuilt.added(ARTICLE.format("rest"), "Indeed.")(root)

    def disturb(line: str) -> None:
        if "rendering pages" in line:
            template.write_text(old.replace("min read", "minutes"), encoding="utf-8")

    desk = flow.read(config.load(root / "mscare.toml"))
    flow.build(desk, ["site"], root / "out", disturb)
    assert_as_from_nothing(root)
    template.write_text(old, encoding="utf-8")
    assert_as_from_nothing(root)


def test_what_an_article_left_in_the_store_goes_when_it_is_deleted(root: Path) -> None:
    rebuilt.article(root, "short-lived", "scans")
    rebuilt.work(root)
    kept = _kept(root)
    (root / ARTICLE.format("short-lived")).unlink()
    for number in range(store.BUILDS):
        rebuilt.added(ARTICLE.format("rest"), f"Indeed {number}.")(root)
        rebuilt.work(root)
        assert not (root / SITE / "articles" / "short-lived").exists()
    gone = {name.partition("-")[0] for name in kept - _kept(root)}
    assert {"page", "card", "social", "text", "parity"} <= gone


def _kept(root: Path) -> set[str]:
    """Name everything in the store: its files, and what stands in the one with the findings."""
    found = json.loads((root / PARTS / findings.KEPT).read_bytes()[hashlib.sha256().digest_size :])
    return {*found, *(path.name for path in (root / PARTS).iterdir())}


def test_the_record_of_an_edition_goes_when_it_is_deleted(root: Path) -> None:
    rebuilt.work(root)
    assert (root / PARTS / "used-by-2026-12").exists()
    (root / "content/editions/2026-12.toml").unlink()
    rebuilt.work(root)
    assert not (root / PARTS / "used-by-2026-12").exists()
    assert (root / PARTS / "used-by-2026-11").exists()


def test_a_check_needs_no_folder_that_can_be_written(root: Path) -> None:
    desk = flow.read(config.load(root / "mscare.toml"))
    told = flow.check(desk, rebuilt.DAY)
    shutil.rmtree(root / "out")
    (root / "out").write_text("a file where the folder should be", encoding="utf-8")
    try:
        assert flow.check(desk, rebuilt.DAY) == [f for f in told if f.code != "parity-lost"]
    finally:
        (root / "out").unlink()
