"""No page of the site has a fault that axe can find: 320 to 1440 pixels, light and dark, and at 200 % zoom.

One browser for all. axe is axe-core as the package axe-playwright-python brings it; nothing is fetched.
"""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import playwright.sync_api
import pytest
import requests
import sites

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
FOUND = importlib.util.find_spec("axe_playwright_python")
AXE = Path(str(FOUND.origin)).with_name("axe.min.js") if FOUND else None

STILL = (
    "/",
    "/articles/",
    "/topics/symptoms/",
    "/articles/ms-and-your-spinal-cord/",
    "/book/",
    "/editions/",
    f"/editions/{sites.SLUG}/",
    "/join/",
    "/corrections/",
    "/privacy/",
    "/nowhere",
    f"/helpful/{sites.SLUG}/yes",
)
MODES = [(320, "light"), (375, "dark"), (768, "light"), (1440, "light"), (1440, "dark"), (640, "dark")]
"""Widths in CSS pixels; 640 is what a window of 1280 shows at 200 % zoom, 320 what it shows at 400 %."""

RUN = """() => axe.run(document, {resultTypes: ['violations']}).then(result =>
    result.violations.flatMap(rule => rule.nodes.map(node => [rule.id, String(node.target)])))"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.sync_api.Browser]:
    if AXE is None:
        pytest.skip("axe-playwright-python, which brings axe-core, is not installed")
    with playwright.sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--disable-sync"])
        yield opened
        opened.close()


def addresses(world: sites.World) -> tuple[str, ...]:
    """Return a page of every kind, those that a reader's own links open among them."""
    keys, reader = world.here.keys, world.reader("axe@example.com")
    invitation = keys.invitation(reader, int(sites.NOW.timestamp()) + 60)
    return (*STILL, f"/u/{keys.token(reader)}", f"/confirm/{invitation}", "/confirm/late")


def faults(page: playwright.sync_api.Page) -> list[Any]:
    page.evaluate(AXE.read_text(encoding="utf-8") if AXE else "")
    return list(page.evaluate(RUN))


def test_axe_finds_nothing_on_any_page_in_any_mode(browser: playwright.sync_api.Browser, world: sites.World) -> None:
    """The site's own policy allows no script, and axe is one: the policy is set aside for it."""
    page = browser.new_page(base_url=world.url, bypass_csp=True)
    found = []
    for path in addresses(world):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        for width, scheme in MODES:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            found += [(width, scheme, path, *fault) for fault in faults(page)]
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
    page.close()
    assert found == []


def test_axe_would_find_what_is_wrong(browser: playwright.sync_api.Browser) -> None:
    page = browser.new_page()
    page.set_content("<html><body><img src='data:,'><input></body></html>")
    assert {rule for rule, _ in faults(page)} >= {"image-alt", "label", "html-has-lang"}
    page.close()


def test_a_wrong_address_in_the_form_leaves_a_page_without_a_fault(
    browser: playwright.sync_api.Browser, world: sites.World
) -> None:
    page = browser.new_page(base_url=world.url, bypass_csp=True)
    page.goto("/join/")
    page.get_by_label("Your e-mail address").fill("nobody@nowhere")
    page.get_by_role("button", name="Send me the confirmation mail").click()
    page.get_by_role("alert").wait_for()
    assert page.get_by_label("Your e-mail address").input_value() == "nobody@nowhere"
    assert faults(page) == []
    page.close()


def test_every_page_weighs_less_than_a_hundred_kilobytes_without_its_pictures(
    browser: playwright.sync_api.Browser, world: sites.World
) -> None:
    for path in STILL:
        context = browser.new_context(base_url=world.url)
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto(path)
        page.evaluate("document.fonts.ready")
        assert all(address.startswith(world.url) for address in asked), path
        weighed = [address for address in asked if not address.endswith((".svg", ".png"))]
        assert sum(len(requests.get(address, timeout=10).content) for address in weighed) < 100_000, path
        context.close()
