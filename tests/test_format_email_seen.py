"""The mail as a browser shows it: every width, light and dark, with pictures and without."""

import re
from collections.abc import Iterator

import colours
import playwright.sync_api
import pytest
import samples

from pipeline.formats import email

PAGE = "https://www.example.org/editions/2026-11-spinal-cord/"


@pytest.fixture(scope="module")
def outputs() -> dict[str, bytes]:
    return {output.name: output.content for output in email.render(samples.sample_edition(), samples.sample_material())}


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.sync_api.Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path="/usr/bin/chromium", args=[*arguments, "--disable-sync"])
        yield opened
        opened.close()


def show(
    browser: playwright.sync_api.Browser,
    outputs: dict[str, bytes],
    width: int,
    scheme: str = "light",
    *,
    images: bool = True,
) -> playwright.sync_api.Page:
    """Open the mail with its pictures taken from the outputs; nothing else answers."""
    shown = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)

    def answer(route: playwright.sync_api.Route) -> None:
        name = route.request.url.removeprefix(PAGE) or "email.html"
        if name in outputs and (images or not name.startswith("images/")):
            route.fulfill(body=outputs[name], content_type="image/png" if "images/" in name else "text/html")
        else:
            route.abort()

    shown.route("**/*", answer)
    shown.goto(PAGE)
    return shown


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 375, 700])
def test_it_fits_every_screen_and_links_are_large_enough_for_an_unsteady_hand(
    browser: playwright.sync_api.Browser, outputs: dict[str, bytes], width: int
) -> None:
    with show(browser, outputs, width) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        inside_a_sentence = "p:not(.last):not(.ruled) a:not(.line-link)"
        for link in shown.locator("a").all():
            if not link.evaluate(f"element => element.matches({inside_a_sentence!r})"):
                box = link.bounding_box()
                assert box
                assert box["height"] >= 44, link.inner_text()


@pytest.mark.browser
def test_dark_mode_leaves_no_dark_text_on_dark_ground(
    browser: playwright.sync_api.Browser, outputs: dict[str, bytes]
) -> None:
    with show(browser, outputs, 375, "dark") as shown:
        pairs = shown.evaluate(PAIRS)
    assert len(pairs) > 30
    for text, ink, ground in pairs:
        assert colours.contrast(_hex(ink), _hex(ground)) >= 7, (text, ink, ground)


@pytest.mark.browser
def test_light_mode_is_as_legible(browser: playwright.sync_api.Browser, outputs: dict[str, bytes]) -> None:
    with show(browser, outputs, 375) as shown:
        pairs = shown.evaluate(PAIRS)
    for text, ink, ground in pairs:
        assert colours.contrast(_hex(ink), _hex(ground)) >= 7, (text, ink, ground)


@pytest.mark.browser
def test_with_pictures_off_their_words_are_seen(
    browser: playwright.sync_api.Browser, outputs: dict[str, bytes]
) -> None:
    with show(browser, outputs, 375, images=False) as shown:
        picture = shown.get_by_alt_text("Illustration, not a scan.")
        box = picture.bounding_box()
        assert box
        assert box["height"] >= 26
        assert picture.evaluate("element => getComputedStyle(element).fontSize") == "16px"


@pytest.mark.browser
@pytest.mark.parametrize("width", [375, 700])
def test_without_its_style_elements_it_is_one_column_and_nothing_juts_out(
    browser: playwright.sync_api.Browser, outputs: dict[str, bytes], width: int
) -> None:
    bare = re.sub(rb"<style.*?</style>", b"", outputs["email.html"], flags=re.DOTALL)
    with show(browser, outputs | {"email.html": bare}, width) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") == width
        starts = shown.evaluate("[...document.querySelectorAll('h1, h2, a[href*=helpful]')].map(" + START + ")")
    assert len(starts) > 5
    assert max(starts) - min(starts) <= 1, starts


# Where an element, or the frame of a button, begins.
START = "element => Math.round((element.closest('td[role=presentation]') ?? element).getBoundingClientRect().left)"

# Every element with words of its own, its colour, and the nearest background that is not transparent.
PAIRS = """() => [...document.querySelectorAll('[role=article] *')].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()) &&
    element.getClientRects().length && getComputedStyle(element).visibility === 'visible'
).map(element => {
    let ground = element
    while (ground && /rgba\\(.*, 0\\)/.test(getComputedStyle(ground).backgroundColor)) ground = ground.parentElement
    return [element.textContent.trim(), getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
})"""


def _hex(colour: str) -> str:
    red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
    return f"#{red:02x}{green:02x}{blue:02x}"
