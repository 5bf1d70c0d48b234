"""A mail that runs from right to left: the Arabic fixture edition, as markup, as text and in Chromium."""

from collections.abc import Iterator
from pathlib import Path

import lxml.html
import playwright.sync_api
import pytest
import samples_arabic

from pipeline.formats import email, text, web

PAGE = "https://www.example.org/editions/2026-11-spinal-cord/"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    edition, material = samples_arabic.edition(), samples_arabic.material(tmp_path_factory.mktemp("arabic"))
    made = [*email.render(edition, material), *text.render(edition, material)]
    return {output.name: output.content for output in made}


@pytest.fixture(scope="module")
def shown(outputs: dict[str, bytes]) -> Iterator[playwright.sync_api.Page]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=[*arguments, "--disable-sync"])
        page = browser.new_page(viewport={"width": 375, "height": 900})

        def answer(route: playwright.sync_api.Route) -> None:
            name = route.request.url.removeprefix(PAGE) or "email.html"
            route.fulfill(body=outputs[name], content_type="image/png" if "images/" in name else "text/html")

        page.route("**/*", answer)
        page.goto(PAGE)
        yield page
        browser.close()


def test_language_and_direction_are_said_and_nothing_is_aligned_to_the_left(outputs: dict[str, bytes]) -> None:
    page = lxml.html.document_fromstring(outputs["email.html"].decode("ascii"))
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
    assert len(page.xpath("//*[@role='article'][@lang='ar'][@dir='rtl']")) == 1
    styles = [style.replace(" ", "") for style in page.xpath("//@style")]
    assert not page.xpath("//@align[.='left']")
    assert not any("text-align:left" in style and "display:inline-block" not in style for style in styles)
    assert not any("direction:ltr" in style for style in styles)


def test_what_is_written_from_left_to_right_keeps_its_own_order(outputs: dict[str, bytes]) -> None:
    page = lxml.html.document_fromstring(outputs["email.html"].decode("ascii"))
    isolated = [" ".join(element.text_content().split()) for element in page.xpath("//*[@dir='auto']")]
    assert [words[:15] for words in isolated] == ["November 24, 20", *["Not yet medical"] * 4, "Example Patient"]


def test_the_text_part_holds_the_arabic_words_unbroken(outputs: dict[str, bytes]) -> None:
    said = outputs["email.txt"].decode()
    assert "مرحبًا بك في النشرة\n===" in said
    assert "اقرأ «كيف تقرأ هذه النشرة»:\nhttps://www.example.org/articles/ms-and-your-spinal-cord/" in said
    assert max(len(line) for line in said.splitlines() if "://" not in line) <= text.WIDTH


@pytest.mark.browser
def test_lines_bullets_and_boxes_begin_at_the_right(shown: playwright.sync_api.Page) -> None:
    assert shown.evaluate("document.documentElement.scrollWidth") == 375
    right = shown.evaluate(RIGHT)
    assert len(right) > 20
    assert {words for words, gap in right if gap > 60} == set()


# Each element with words of its own: how far the right end of its first line is from the right end of the screen.
RIGHT = """() => [...document.querySelectorAll('h1, h2, h3, p, li, .question')].filter(
    element => element.textContent.trim() && element.getClientRects().length
).map(element => {
    const range = document.createRange()
    range.selectNodeContents(element)
    const first = [...range.getClientRects()].filter(box => box.width > 1)
    const top = Math.min(...first.map(box => box.top))
    const ends = first.filter(box => box.top < top + 12).map(box => box.right)
    const mark = element.matches('.question') ? 60 : 0
    return [element.textContent.trim(), 375 - Math.max(...ends) - mark]
})"""


def test_the_web_page_says_its_direction(tmp_path: Path) -> None:
    material = samples_arabic.material(tmp_path)
    made = {o.name: o.content for o in web.render(samples_arabic.edition(), material)}
    page = lxml.html.document_fromstring(next(v for k, v in made.items() if k.endswith(".html")).decode())
    assert (page.get("lang"), page.get("dir")) == ("ar", "rtl")
