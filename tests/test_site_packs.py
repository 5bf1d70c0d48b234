"""Appointment packs at two servers: the public page, which keeps and tells nothing, and the form of the preview."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import house
import lxml.html
import previews
import pypdfium2
import pytest
import requests

from pipeline import config, edition, errors, office, packing, site

PLANNER = (
    '[[worksheet]]\nid = "visit-planner"\ntitle = "My visit planner"\nintro = "Fill this in."\n'
    '[[worksheet.field]]\nid = "planner-answers"\nlabel = "Answers"\nkind = "area"\n'
)
IDS = ["scan-where", "scan-new", "scan-copy"]
STUDIO = "/book/appointment-pack.pdf"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> house.House:
    there = house.build(tmp_path_factory.mktemp("packs") / "house")
    there.write("worksheets.toml", house.BANKS["worksheets.toml"] + PLANNER)
    more = "".join(f'  [[group.question]]\n  id = "scan-{n}"\n  text = "Question {n}?"\n' for n in range(7))
    there.write("questions.toml", house.BANKS["questions.toml"] + more)
    return there


@contextlib.contextmanager
def opened(place: house.House) -> Iterator[office.Office]:
    here = office.open_office(config.load(place.root / "mscare.toml"))
    try:
        yield here
    finally:
        here.engine.dispose()


@pytest.fixture(scope="module")
def url(place: house.House) -> Iterator[str]:
    with opened(place) as here, site.running(site.app(here)) as address:
        yield f"{address}/pack/"


def post(url: str, *ids: str, **more: str) -> requests.Response:
    return requests.post(url, data={"question": list(ids), **more}, timeout=30)


def pages(pdf: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return [" ".join(sheet.get_textpage().get_text_range().split()) for sheet in document]
    finally:
        document.close()


# --- the public page ------------------------------------------------------------------------------


def test_the_page_offers_every_question_with_a_label(url: str) -> None:
    form = lxml.html.fromstring(requests.get(url, timeout=30).text).forms[0]
    boxes = form.xpath(".//input[@name='question']")
    assert [box.get("value") for box in boxes][:3] == IDS
    assert boxes[0].getparent().text_content().strip() == "Where are my lesions?"
    assert form.get("method") == "post"


def test_the_ticked_questions_come_as_two_pages_that_nothing_keeps(url: str, place: house.House) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in place.root.rglob("*") if path.is_file())
    answer = post(url, *IDS, paper="letter")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="appointment-pack.pdf"'
    first, second = pages(answer.content)
    assert "Where are my lesions?" in first
    assert "My visit planner" in second
    after = sorted((path, path.stat().st_mtime_ns) for path in place.root.rglob("*") if path.is_file())
    assert before == after


@pytest.mark.parametrize(
    ("ids", "more", "said"),
    [
        ((), {}, "Please tick at least one question."),
        ((*IDS, *(f"scan-{n}" for n in range(6))), {}, "You ticked 9 questions. A pack holds 8"),
        ((*IDS, "scan-1", "scan-2"), {"large": "yes"}, "You ticked 5 questions. A pack holds 8, or 4 in large print."),
        (("no-such-question",), {}, "The questions have changed since you opened this page."),
    ],
)
def test_what_does_not_fit_is_told_and_the_ticks_are_kept(
    url: str, ids: tuple[str, ...], more: dict[str, str], said: str
) -> None:
    answer = post(url, *ids, **more)
    root = lxml.html.fromstring(answer.text)
    assert answer.status_code == 400
    assert root.xpath("//*[@role='alert']")[0].text_content().startswith(said)
    ticked = [box.get("value") for box in root.xpath("//input[@name='question'][@checked]")]
    assert set(ticked) == set(ids) - {"no-such-question"}
    assert "mscare" not in answer.text.lower().partition("<main")[2].partition("</main")[0]


def test_no_log_line_names_a_question(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        post(url, "scan-where")
        post(url, "scan-where", "no-such-question")
    assert "scan-where" not in caplog.text
    assert "no-such-question" not in caplog.text


def test_a_body_that_is_no_form_of_ours_is_refused(url: str) -> None:
    assert requests.post(url, data=b"x" * 20_000, timeout=30).status_code == 413
    assert requests.post(url, data="&".join(["question=a"] * 400), timeout=30).status_code == 400
    assert requests.put(url, timeout=30).status_code == 405


def test_when_too_many_wait_the_next_one_is_asked_to_try_again(place: house.House) -> None:
    with opened(place) as here:
        counter = packing.Counter(waiting=0)
        with pytest.raises(errors.MissingPart, match="too many") as told:
            counter.make(here.desk, edition.pack(here.desk.library, IDS))
        counter.close()
    assert told.value.passes


def test_a_site_without_a_visit_planner_offers_no_packs(tmp_path: Path) -> None:
    with opened(house.build(tmp_path / "house")) as here, site.running(site.app(here)) as address:
        assert requests.get(f"{address}/pack/", timeout=30).status_code == 404


# --- the preview ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(place: house.House) -> Iterator[previews.Browser]:
    with previews.opened(place) as inside:
        yield inside


def test_the_books_page_of_the_preview_has_a_form_that_gives_a_pack(browser: previews.Browser) -> None:
    root = lxml.html.fromstring(browser.text("/book"))
    (form,) = (form for form in root.forms if form.get("action") == STUDIO)
    assert form.get("method").lower() == "get"
    answer = browser.get(f"{STUDIO}?question=scan-new&question=scan-copy&topic=scan&paper=a4")
    assert answer.status_code == 200
    assert "May I have a copy?" in pages(answer.content)[0]
    assert "Where are my lesions?" not in pages(answer.content)[0]  # single questions go before the topic
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_preview_says_in_a_sentence_what_cannot_be_packed(browser: previews.Browser) -> None:
    for query, said in (
        ("topic=scan", "10 questions do not fit"),
        ("question=x", "no question"),
        ("", "needs questions"),
    ):
        answer = browser.get(f"{STUDIO}?{query}")
        assert answer.status_code == 400
        assert said in answer.text


def test_nobody_gets_a_pack_from_the_preview_without_coming_in_by_its_door(browser: previews.Browser) -> None:
    assert requests.get(f"{browser.url}{STUDIO}?question=scan-new", timeout=30).status_code == 403
