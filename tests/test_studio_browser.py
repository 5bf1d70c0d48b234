"""The preview as a person uses it: Debian's Chromium, driven from the printed address to the approval."""

import re
from collections.abc import Iterator
from pathlib import Path

import house
import pytest
import sends
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pipeline import config, database, render, studio
from pipeline.ledger import decisions

CHROMIUM = Path("/usr/bin/chromium")
CALM = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PANES = ("desktop", "mobile", "dark", "images-off", "text")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's Chromium is not at /usr/bin/chromium"),
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Start the browser once."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CALM)
        yield browser
        browser.close()


@pytest.fixture
def place(tmp_path: Path) -> house.House:
    """Return a fresh publication."""
    return house.build(tmp_path / "house")


@pytest.fixture
def page(chromium: Browser, place: house.House) -> Iterator[Page]:
    """Open the preview with its token; whatever goes wrong in the page fails the test."""
    faults: list[str] = []
    settings = config.load(place.root / "mscare.toml")
    with studio.running(settings, clock=lambda: sends.NOW) as address:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
        opened = context.new_page()
        opened.set_default_timeout(30_000)
        expect.set_options(timeout=30_000)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on("request", lambda request: faults.append(request.url) if "127.0.0.1" not in request.url else None)
        opened.goto(address)
        yield opened
        context.close()
    assert faults == []


def open_edition(page: Page) -> None:
    page.get_by_role("link", name="Scans and what they say").click()
    expect(page.locator("#live")).to_contain_text("Live")


def heights(page: Page) -> list[int]:
    return [int(page.locator(f"#pane-{name}").evaluate("frame => frame.offsetHeight")) for name in PANES]


def test_an_edition_is_looked_at_changed_and_approved(page: Page, place: house.House) -> None:
    expect(page).to_have_url(re.compile(r":\d+/$"))  # the token is gone from the address
    open_edition(page)
    for name in PANES:
        expect(page.locator(f"#pane-{name}")).to_be_visible()
        expect(page.frame_locator(f"#pane-{name}").locator("body")).to_contain_text("about half of them are silent")
    before = page.evaluate("performance.timeOrigin")

    page.evaluate("scrollTo(0, 300)")
    place.write("articles/scans.md", house.ARTICLE.replace("about half", "around half"))
    for name in PANES:
        expect(page.frame_locator(f"#pane-{name}").locator("body")).to_contain_text("around half of them are silent")
    assert page.evaluate("performance.timeOrigin") == before  # the page itself was never reloaded
    assert page.evaluate("scrollY") == 300

    page.get_by_label("Your name").fill("Dana Editor")
    page.get_by_role("button", name="Approve this version").click()
    expect(page.locator("#approval-state")).to_have_text("Approved by Dana Editor")
    engine = database.open_engine("sqlite:///var/mscare.db", place.root)
    with database.reading(engine) as connection:
        given = decisions.approval_of(connection, house.SLUG)
    engine.dispose()
    assert given is not None
    assert given.digest == render.read(place.root / "out", house.SLUG).digest


def test_the_pages_of_the_book_appear_by_themselves(page: Page) -> None:
    page.get_by_role("link", name="Book", exact=True).click()
    first = page.get_by_alt_text("Page Cover")
    expect(first).to_be_visible()
    page.wait_for_function("() => [...document.images].slice(0, 4).every(one => one.complete && one.naturalWidth)")
    expect(page.get_by_alt_text("Page 2", exact=True)).to_be_visible()


def test_every_pane_is_as_high_as_its_mail_and_dark_is_dark(page: Page) -> None:
    open_edition(page)
    for name in PANES:
        expect(page.frame_locator(f"#pane-{name}").locator("body")).not_to_be_empty()
    page.wait_for_function("() => getComputedStyle(document.querySelector('.pane')).getPropertyValue('--h') != 1600")
    assert all(height > 500 for height in heights(page))
    shade = "getComputedStyle(document.querySelector('.card > table')).backgroundColor"
    colours = [page.locator(f"#pane-{name}").content_frame.owner.evaluate(f"frame => frame.contentWindow.{shade}"
               .replace("document", "frame.contentDocument")) for name in ("desktop", "dark")]  # fmt: skip
    assert colours == ["rgb(255, 255, 255)", "rgb(24, 35, 41)"]
    pictures = page.locator("#pane-images-off").evaluate(
        "frame => [...frame.contentDocument.images].map(image => image.naturalWidth)"
    )
    assert pictures
    assert not any(pictures)


def test_what_is_typed_survives_a_change_and_a_broken_text_is_told(page: Page, place: house.House) -> None:
    open_edition(page)
    page.get_by_label("Your name").fill("Dana")
    place.write("articles/scans.md", house.ARTICLE.replace("A scan shows", "TODO A scan shows"))
    expect(page.locator("#headline")).to_contain_text("1 thing must be mended")
    expect(page.get_by_label("Your name")).to_have_value("Dana")
    expect(page.get_by_label("Why it may pass this once")).to_be_visible()

    place.write("articles/scans.md", house.ARTICLE.replace("topic: Diagnosis", "tropic: Diagnosis"))
    expect(page.locator("#stale")).to_contain_text("This is the last good version, not the newest.")
    expect(page.locator("#checklist")).to_contain_text("content/articles/scans.md, line 4")
    expect(page.frame_locator("#pane-desktop").locator("body")).to_contain_text("TODO A scan shows")

    place.write("articles/scans.md", house.ARTICLE)
    expect(page.locator("#stale")).to_be_empty()
    expect(page.locator("#headline")).to_contain_text("Nothing in the way")


def test_show_me_outlines_the_words_in_the_mail(page: Page, place: house.House) -> None:
    place.write("articles/scans.md", house.ARTICLE.replace("A scan shows", "TODO A scan shows"))
    open_edition(page)
    page.get_by_role("button", name=re.compile("Show me")).first.click()
    for name in ("desktop", "mobile", "dark"):
        expect(page.frame_locator(f"#pane-{name}").locator("[data-shown]")).to_contain_text("TODO A scan shows")


def test_a_link_in_the_mail_tells_where_it_leads_and_is_not_followed(page: Page) -> None:
    open_edition(page)
    mail = page.frame_locator("#pane-desktop")
    mail.get_by_role("link", name="Unsubscribe").click()
    expect(page.locator(".tip")).to_have_text(re.compile("own link to unsubscribe stands here"))
    mail.get_by_role("link", name="Download the book").click()
    expect(page.locator(".tip a")).to_have_attribute("href", "https://www.example.org/book/")
    expect(mail.locator("body")).to_contain_text("about half of them are silent")


@pytest.mark.parametrize("width", [375, 1280, 1920])
def test_no_page_is_wider_than_its_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("/", f"/editions/{house.SLUG}", f"/editions/{house.SLUG}?view=dark", "/book", "/book/chapters/scans"):
        page.goto(re.sub(r"(:\d+)/.*", r"\1", page.url) + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_everything_can_be_reached_and_approved_with_the_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    open_edition(page)
    page.get_by_label("Your name").focus()
    page.keyboard.type("Dana Editor")
    page.keyboard.press("Enter")
    expect(page.locator("#approval-state")).to_have_text("Approved by Dana Editor")
