"""Approving in the preview, and what it shows while files are saved, broken and mended."""

import io
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import house
import PIL.Image
import previews
import pytest
import sends

from pipeline import model, render

PAGE = previews.PAGE
FORM = previews.FORM
PATIENCE = previews.PATIENCE


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[previews.Browser]:
    """Open a publication that no test changes."""
    with previews.opened(house.build(tmp_path_factory.mktemp("still") / "house")) as browser:
        yield browser


@pytest.fixture
def live(tmp_path: Path) -> Iterator[previews.Browser]:
    """Open a publication of the test's own."""
    with previews.opened(house.build(tmp_path / "house")) as browser:
        yield browser


# --- approving --------------------------------------------------------------------


def test_an_approval_is_stored_for_exactly_the_digest_that_was_shown(live: previews.Browser) -> None:
    digest = live.digest()
    answer = live.post()
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}#approval")
    given = live.approval()
    assert given is not None
    assert (given.digest, given.by, given.at) == (digest, "Dana Editor", sends.NOW)
    assert given.digest == render.read(live.place.root / "out", house.SLUG).digest
    told = "Approved by Dana Editor On November 24, 2026, 09:00 UTC, for exactly the version you see"
    assert told in live.words(PAGE)
    assert "Approved by Dana Editor" in live.words("/")


def test_a_form_from_elsewhere_approves_nothing(live: previews.Browser) -> None:
    for key in ("", "guess"):
        answer = live.post(form_key=key)
        assert answer.status_code == 403
        assert "came from another page" in answer.text
    assert live.approval() is None


def test_another_digest_than_the_shown_one_is_refused(live: previews.Browser) -> None:
    answer = live.post(digest="0" * 64)
    assert answer.status_code == 409
    assert "the edition has changed since the page you looked at was shown" in answer.text
    assert 'value="Dana Editor"' in answer.text
    assert live.approval() is None


def test_content_that_changed_since_the_page_was_shown_is_not_approved(live: previews.Browser) -> None:
    digest, key = live.digest(), live.form_key()
    live.place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    values = {"form_key": key, "digest": digest, "by": "Dana Editor"}
    answer = live.session.post(live.url + FORM, data=values, timeout=PATIENCE)
    assert answer.status_code == 409
    assert live.approval() is None


def test_a_change_after_the_approval_is_told(live: previews.Browser) -> None:
    assert live.post().status_code == 303
    live.place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    live.until(lambda: "Changed since it was approved" in live.words(PAGE))
    assert "Dana Editor approved an earlier version" in live.words(PAGE)


def test_a_nameless_approval_is_refused(live: previews.Browser) -> None:
    answer = live.post(by="  ")
    assert answer.status_code == 409
    assert "an approval needs the name of the person who gives it" in answer.text
    assert live.approval() is None


BLOCKED = house.ARTICLE.replace("It shows places, not feelings", "TODO write this. It shows places")


def test_a_blocking_finding_is_approved_only_with_a_reason_for_it(live: previews.Browser) -> None:
    live.place.write("articles/scans.md", BLOCKED)
    live.until(lambda: "1 thing must be mended" in live.words(PAGE))
    place = {"code": "text-todo", "file": "content/articles/scans.md"}
    without = live.post(**place, reason="")
    assert without.status_code == 409
    assert "something still stands in the way" in without.text
    short = live.post(**place, reason="because")
    assert "is too short for others to judge" in short.text
    assert ">because</textarea>" in short.text
    assert live.approval() is None
    assert live.post(**place, reason="The sentence comes tomorrow.").status_code == 303
    given = live.approval()
    assert given is not None
    waiver = model.Waiver("text-todo", "content/articles/scans.md", "The sentence comes tomorrow.", "Dana Editor")
    assert given.waivers == (waiver,)
    assert "Let pass by Dana Editor: The sentence comes tomorrow." in live.words(PAGE)


def test_a_form_that_is_not_ours_is_refused(live: previews.Browser) -> None:
    assert live.post(code=["a", "b"], file="c", reason="d").status_code == 400
    assert live.post(by="x" * 70_000).status_code == 413


def test_looking_never_approves(live: previews.Browser) -> None:
    answer = live.get(FORM)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PAGE}#approval")
    assert live.approval() is None


# --- live, and broken ---------------------------------------------------------------


def test_a_saved_file_is_told_and_shown(live: previews.Browser) -> None:
    assert "about half" in live.text(f"{PAGE}/panes/light")
    live.place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    live.until(lambda: "around half" in live.text(f"{PAGE}/panes/light"))


def test_a_new_edition_appears(live: previews.Browser) -> None:
    second = house.EDITION.replace("number = 1", "number = 2").replace("Scans and what they say", "The second one")
    live.place.write("editions/2026-12.toml", second)
    live.until(lambda: "No. 2 · November 1, 2026 The second one" in live.words("/"))


def test_a_broken_article_shows_its_finding_and_the_last_good_mail_stays(live: previews.Browser) -> None:
    before = live.text(f"{PAGE}/panes/light")
    live.place.write("articles/scans.md", house.ARTICLE.replace("topic: Diagnosis", "tropic: Diagnosis"))
    live.until(lambda: "This is the last good version, not the newest." in live.words(PAGE))
    words = live.words(PAGE)
    assert "Unknown key 'tropic'." in words
    assert "content/articles/scans.md, line 4" in words
    assert "It can be approved once the fault is mended." in words
    assert "Traceback" not in words
    assert live.text(f"{PAGE}/panes/light") == before
    live.place.write("articles/scans.md", house.ARTICLE)
    live.until(lambda: "last good version" not in live.words(PAGE))


def test_an_edition_that_was_never_sound_has_a_page_with_its_findings(live: previews.Browser) -> None:
    live.place.write("editions/2026-12.toml", 'number = 2\nsubject = "x\n')
    live.until(lambda: "/2026-12" in live.text("/") and "2026-12.toml, line 2" in live.words("/editions/2026-12"))
    assert "There is nothing to show yet." in live.words("/editions/2026-12")
    assert live.get("/editions/2026-12/panes/light").status_code == 404


def test_broken_settings_are_told_in_a_sentence_until_they_are_mended(live: previews.Browser) -> None:
    file = live.place.root / "mscare.toml"
    sound = file.read_text()
    file.write_text(sound + "\nport = \n")
    live.until(lambda: "The files cannot be read as they are now." in live.words("/"))
    assert "is not valid TOML" in live.words(PAGE)
    file.write_text(sound.replace('sender_name = "Navigating Your Care"', 'sender_name = "The Quiet Digest"'))
    live.until(lambda: "The Quiet Digest" in live.words(PAGE))
    assert "cannot be read as they are now" not in live.words(PAGE)


@pytest.fixture
def designer(tmp_path: Path) -> Iterator[previews.Browser]:
    """Open a publication with templates of its own."""
    place = house.build(tmp_path / "house")
    (place.root / "templates").unlink()
    shutil.copytree(sends.ROOT / "templates", place.root / "templates")
    with previews.opened(place) as browser:
        yield browser


def test_a_broken_template_is_told_with_its_line_and_no_traceback(designer: previews.Browser) -> None:
    designer.text(PAGE)
    template = designer.place.root / "templates" / "email" / "blocks" / "intro.mjml.j2"
    template.write_text(template.read_text().replace("{{ intro }}", "{{ introduction }}"))
    designer.until(lambda: "'introduction' is undefined" in designer.words(PAGE))
    assert re.search(r"templates/email/blocks/intro\.mjml\.j2:\d+", designer.words(PAGE))
    assert "Traceback" not in designer.text(PAGE)
    assert "A quiet guide to scans" in designer.words(PAGE)


def test_a_broken_page_of_our_own_is_told_in_a_sentence(designer: previews.Browser) -> None:
    template = designer.place.root / "templates" / "studio" / "edition.html"
    template.write_text("{% extends 'studio.html' %}{% block main %}{{ nobody.knows }}{% endblock %}")
    answer = designer.get(PAGE)
    assert answer.status_code == 500
    assert "Edition.html:1: 'nobody' is undefined" in answer.text or "edition.html:1" in answer.text
    assert "Traceback" not in answer.text
    (designer.place.root / "templates" / "studio" / "page.html").write_text("{% broken %}")
    assert "The preview cannot draw its own pages" in designer.get(PAGE).text


# --- the book -----------------------------------------------------------------------


def test_the_book_is_shown_as_numbered_pages_drawn_from_the_pdf(still: previews.Browser) -> None:
    still.until(lambda: "Rendering the book…" not in still.words("/book"))
    text = still.text("/book")
    assert re.findall(r'alt="([^"]*)"', text)[:3] == ["Page Cover", "Page 2", "Page 3"]
    built = next((still.place.root / "out" / "book").glob("*.pdf")).read_bytes()
    assert still.get(re.findall(r'href="(/book/[^"?]+\.pdf)', text)[0]).content == built
    pages = set(re.findall(r"/book/pages/\d+\.png\?v=[0-9a-f]{12}", text))
    assert len(pages) > 5
    for page in pages:
        picture = PIL.Image.open(io.BytesIO(still.get(page).content))
        assert (picture.format, picture.width) == ("PNG", 360)
        assert picture.getextrema() != ((255, 255), (255, 255), (255, 255))


def test_a_saved_chapter_is_rendered_in_the_background_and_told(live: previews.Browser) -> None:
    live.until(lambda: 'src="/book/pages/1.png' in live.text("/book"))
    before = re.search(r"pages/1\.png\?v=(\w+)", live.text("/book"))
    assert before
    live.place.write("book/01-scans.md", house.CHAPTER.replace("Places, not feelings", "Places, and no feelings"))
    live.until(lambda: "Rendering the book…" in live.words("/book"))
    assert 'src="/book/pages/1.png' in live.text("/book")
    live.until(lambda: "Rendering the book…" not in live.words("/book"))
    assert before[1] not in live.text("/book")


def test_a_change_while_the_book_is_rendered_is_rendered_next(live: previews.Browser) -> None:
    live.until(lambda: "Rendering the book…" in live.words("/book"))
    for words in ("Few places, not feelings", "Some places, not feelings", "Many places, not feelings"):
        live.place.write("book/01-scans.md", house.CHAPTER.replace("Places, not feelings", words))

    def is_there() -> bool:
        return any("Many places, not" in words_of(book) for book in (live.place.root / "out").glob("book/*.epub"))

    live.until(is_there)


def words_of(book: Path) -> str:
    with zipfile.ZipFile(book) as files:
        return "".join(files.read(name).decode("utf-8", "replace") for name in files.namelist())


def test_a_broken_chapter_is_told_and_the_last_good_pages_stay(live: previews.Browser) -> None:
    live.until(lambda: 'src="/book/pages/1.png' in live.text("/book"))
    live.place.write("book/01-scans.md", house.CHAPTER.replace("[@bot2004]", "[@nobody1999]"))
    live.until(lambda: "These are the last good pages" in live.words("/book"))
    words = live.words("/book")
    assert "content/book/01-scans.md, line" in words
    assert "nobody1999" in words
    assert 'src="/book/pages/1.png' in live.text("/book")


# --- a chapter to be read --------------------------------------------------------------


def test_a_chapter_is_read_as_it_is_saved_without_waiting_for_the_book(live: previews.Browser) -> None:
    page = "/book/chapters/scans"
    assert f'href="{page}"' in live.text("/book")
    assert "The words as they are saved now" in live.words(page)
    live.place.write("book/01-scans.md", house.CHAPTER.replace("Places, not feelings", "Many places, not feelings"))
    live.until(lambda: "Many places, not" in live.text(frame(live, page)))
    assert 'id="chapter-1"' in live.text(frame(live, page))


def test_a_chapter_is_shown_as_in_the_epub_and_may_do_nothing(still: previews.Browser) -> None:
    address = frame(still, "/book/chapters/scans")
    answer = still.get(address)
    assert answer.headers["Content-Type"].startswith("application/xhtml+xml")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    ids = set(re.findall(r' id="([^"]+)"', answer.text))
    assert set(re.findall(r' href="#([^"]+)"', answer.text)) <= ids
    for name in re.findall(r' (?:src|href)="([^"#:]+)"', answer.text):
        assert still.get(f"/book/chapters/scans/{name}").status_code == 200, name


def test_there_is_no_other_chapter_and_no_other_file(still: previews.Browser) -> None:
    for path in (
        "nothing",
        "scans/nothing.css",
        "scans/../../mscare.toml",
        "scans/OFL.txt",
        "..%2f..%2fmscare.toml/a.css",
    ):
        assert still.get(f"/book/chapters/{path}").status_code == 404, path


def test_a_chapter_that_cannot_be_set_says_why(live: previews.Browser) -> None:
    live.place.write("book/01-scans.md", house.CHAPTER.replace("[@bot2004]", "[@nobody1999]"))
    live.until(lambda: "This chapter cannot be set as it is now" in live.words("/book/chapters/scans"))
    assert "nobody1999" in live.words("/book/chapters/scans")


def frame(browser: previews.Browser, page: str) -> str:
    found = re.search(r'<iframe[^>]* src="([^"]+)"', browser.text(page))
    assert found
    return found[1]
