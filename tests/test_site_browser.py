"""The public site as people meet it, in Debian's Chromium: small and large screens, dark, paper, keyboard only."""

from collections.abc import Iterator
from pathlib import Path

import playwright.sync_api
import pytest
import sites

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
LEAD = "/articles/ms-and-your-spinal-cord/"
PAGES = ("/", "/articles/", LEAD, "/book/", "/privacy/", "/editions/", f"/editions/{sites.SLUG}/", "/nowhere")

CONTRASTS = """() => {
  const light = c => { const l = c.slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2] };
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const ground = e => { for (; e; e = e.parentElement) { const c = parts(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c } return [255, 255, 255] };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const element = node.parentElement, box = element.getBoundingClientRect();
    if (!node.data.trim() || !box.width || !element.checkVisibility()) continue;
    const pair = [light(parts(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
    found.push([(pair[0] + 0.05) / (pair[1] + 0.05), node.data.trim().slice(0, 40)]);
  }
  return found }"""

TARGETS = "nav a, footer li a, a.button, a.choice, button, a.next, summary, label, .back a, a.back, .brand, .card a"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sites.World]:
    with sites.running(tmp_path_factory.mktemp("site") / "house") as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.sync_api.Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Debian's Chromium is not installed")
    with playwright.sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--disable-sync"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: playwright.sync_api.Browser, world: sites.World) -> Iterator[playwright.sync_api.Page]:
    """Open a page that may ask this site only, and whose browser complains about nothing."""
    context = browser.new_context(base_url=world.url, viewport={"width": 1280, "height": 900})
    shown = context.new_page()
    shown.set_default_timeout(10_000)
    said: list[str] = []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("request", lambda request: said.append(request.url) if not request.url.startswith(world.url) else None)
    yield shown
    context.close()
    assert [line for line in said if "404 (Not Found)" not in line] == []


def test_a_reader_comes_home_reads_an_article_and_leaves_the_list_by_the_button(
    page: playwright.sync_api.Page, world: sites.World
) -> None:
    reader = world.reader("reader@example.com")
    page.goto("/")
    page.get_by_role("link", name="MS and your spinal cord").click()
    assert page.url == world.url + LEAD
    assert page.locator("h1").inner_text().startswith("MS and your spinal cord")
    page.goto(world.link(reader))
    assert world.state(reader) == ""
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_role("heading", name="You are unsubscribed").wait_for()
    assert world.state(reader) == "unsubscribed"
    page.get_by_role("link", name="Go to the home page").click()
    assert page.url == f"{world.url}/"


def test_a_reader_says_that_an_edition_helped(page: playwright.sync_api.Page, world: sites.World) -> None:
    page.goto(f"/editions/{sites.SLUG}/")
    page.get_by_role("link", name="Yes, it helped").click()
    page.get_by_role("button", name="Yes, it helped").click()
    page.get_by_role("heading", name="Thank you").wait_for()
    assert (world.root / "var" / "helpful.csv").read_text(encoding="utf-8") == f"2026-11-24,{sites.SLUG},yes\n"


def test_a_citation_opens_the_list_of_sources_and_leads_back(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    source = page.locator("#source_2")
    assert not source.is_visible()
    page.get_by_role("link", name="Source 2").click()
    source.wait_for(state="visible")
    source.get_by_role("link", name="Back to where source 2 is used").click()
    assert page.url.endswith("#cite_2_1")


def test_a_term_is_read_out_with_its_meaning(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    term = page.locator("dfn a")
    playwright.sync_api.expect(term).to_have_accessible_description("A spot of damage.")


@pytest.mark.parametrize("width", [320, 375, 768, 1440])
def test_no_page_is_wider_than_the_screen(page: playwright.sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path


def test_text_twice_as_large_still_fits_a_phone(page: playwright.sync_api.Page) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    for path in PAGES:
        page.goto(path)
        page.evaluate("document.documentElement.style.setProperty('font-size', '36px')")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_stands_out_from_its_ground(page: playwright.sync_api.Page, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for path in PAGES:
        page.goto(path)
        found = page.evaluate(CONTRASTS)
        assert len(found) > 10, path
        assert [(path, text, round(ratio, 2)) for ratio, text in found if ratio < 7] == []


@pytest.mark.parametrize("width", [375, 1280])
def test_everything_to_press_is_large_enough_for_an_unsteady_hand(page: playwright.sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in PAGES:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        small = page.eval_on_selector_all(
            TARGETS,
            "all => all.filter(e => e.checkVisibility() && !e.closest('.card'))"
            ".map(e => [e.getBoundingClientRect().height, e.innerText]).filter(pair => pair[0] < 44)",
        )
        assert (path, small) == (path, [])


def test_text_is_large_and_lines_are_short(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    sizes = page.eval_on_selector_all(
        "main p, main li, main td, footer p", "all => all.map(e => parseFloat(getComputedStyle(e).fontSize))"
    )
    assert min(sizes) >= 18
    characters = page.eval_on_selector(
        ".text > p",
        """p => { const range = document.createRange(), tops = new Set();
          range.selectNodeContents(p); for (const r of range.getClientRects()) tops.add(Math.round(r.top / 20));
          return p.innerText.length / tops.size }""",
    )
    assert characters < 80
    assert page.eval_on_selector(".text > p", "p => getComputedStyle(p).textAlign") == "start"


def test_the_house_font_is_used_and_comes_from_here(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    page.evaluate("document.fonts.ready")
    assert page.evaluate("document.fonts.check('700 18px \"Atkinson Hyperlegible Next\"')")
    loaded = page.evaluate("[...document.fonts].filter(f => f.status == 'loaded').length")
    assert loaded >= 2


def test_the_keyboard_alone_gets_everywhere_and_is_always_seen(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the text"
    assert page.locator(".skip").bounding_box()["x"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        tag, outline = page.evaluate(
            "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle + "
            "getComputedStyle(document.activeElement, '::after').outlineStyle]"
        )
        reached.add(tag)
        assert tag == "BODY" or "solid" in outline
    assert {"A", "INPUT", "SUMMARY", "DIV"} <= reached  # the DIV is the table, which scrolls by keyboard


def test_paper_shows_the_sources_and_boxes_to_tick_and_no_way_around(page: playwright.sync_api.Page) -> None:
    page.goto(LEAD)
    page.emulate_media(media="print")
    for shown in ("#source_1", ".questions input", "#part_help", ".on-paper", ".notice"):
        assert page.locator(shown).first.is_visible(), shown
        box = page.locator(shown).first.bounding_box()
        assert box
        assert box["height"] > 5, shown
    for hidden in (".skip", "nav.jump", "header nav", ".related", "main > .band", "footer ul"):
        assert not page.locator(hidden).first.is_visible(), hidden


def test_ticks_stay_on_the_page_and_are_seen(page: playwright.sync_api.Page, world: sites.World) -> None:
    before = world.rows()
    page.goto(LEAD)
    box = page.get_by_role("checkbox", name="Where are my lesions")
    ground = "e => getComputedStyle(e).backgroundColor"
    empty = box.evaluate(ground)
    page.get_by_text("Where are my lesions").click()
    assert box.is_checked()
    assert box.evaluate(ground) != empty
    assert world.rows() == before
