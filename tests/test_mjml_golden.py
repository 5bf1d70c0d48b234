"""Our MJML compiler against npm's, whose output is kept in mjml_reference/: by token, and by pixel in Chromium."""

import io
from collections.abc import Iterator
from pathlib import Path

import mjml_golden as golden
import PIL.Image
import PIL.ImageChops
import playwright.sync_api
import pytest
import samples

from pipeline import config, edition, mjml, office
from pipeline.formats import email
from pipeline.mjml import components, lint, scan

WIDTHS = (700, 375)
STEP, MOST = 8, 0.0001  # a pixel differs by more than 8 of 255 in a colour; at most 1 pixel in 10,000 may

# Advice, not faults: the corpus shows what the compiler makes of them.
TOLD = {"a <mj-divider> with padding at its sides is too wide in Outlook"}


def stems() -> list[str]:
    return [source.stem for source in golden.sources()]


def mjml_of(stem: str) -> str:
    return (golden.FOLDER / f"{stem}.mjml").read_text(encoding="utf-8")


def written(source: str) -> set[tuple[str, str]]:
    """Return each component of the MJML with each of its attributes, and with "" for itself."""
    tags = [piece for piece in scan.pieces(source) if piece.kind is scan.Kind.OPEN and piece.name.startswith("mj")]
    return {(tag.name, name) for tag in tags for name in ("", *(attribute.name for attribute in tag.attributes))}


# --- the corpus -----------------------------------------------------------------------


def test_the_corpus_uses_every_component_and_every_attribute_that_the_house_allows() -> None:
    used = set[tuple[str, str]]().union(*(written(mjml_of(stem)) for stem in stems()))
    allowed = {(name, part) for name, known in components.ATTRIBUTES.items() for part in ("", *known)}
    assert allowed - used == set()


@pytest.mark.parametrize("stem", stems())
def test_the_lint_takes_what_npm_takes(stem: str) -> None:
    assert {fault.message for fault in lint.lint(mjml_of(stem))} <= TOLD


def test_the_kept_editions_hold_everything_that_the_templates_write() -> None:
    desk = office.sit_down(config.load(config.find(samples.ROOT)))
    kept = set[tuple[str, str]]().union(*(written(mjml_of(stem)) for stem in stems() if stem.startswith("20")))
    now = set[tuple[str, str]]()
    for slug in desk.library.editions:
        now |= written(email.mjml_source(edition.edition(desk.library, slug), desk.material))
    assert now - kept == set(), "run `make mjml-golden`, and read the difference"


# --- token by token -------------------------------------------------------------------


def test_ours_differs_from_npm_mjml_exactly_where_the_readme_explains_it() -> None:
    assert golden.differences() == golden.explained()


def test_a_difference_is_seen_in_a_tag_in_the_words_in_css_and_in_a_comment_for_outlook() -> None:
    whole = '<style>a{b:c}</style><p style="d:e">words</p><!--[if mso]><td width="1"><![endif]-->'
    assert list(golden.compare(whole, whole)) == []
    for old, new in (("b:c", "b:d"), ("d:e", "d:f"), ("words", "word"), ('"1"', '"2"'), ("if mso", "if !mso")):
        assert list(golden.compare(whole, whole.replace(old, new))), old


# --- pixel by pixel -------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.sync_api.Browser]:
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with playwright.sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path="/usr/bin/chromium", args=[*arguments, "--disable-sync"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def picture() -> bytes:
    """A picture for every address: stripes, so that a shift of one pixel is seen."""
    drawn = PIL.Image.linear_gradient("L").resize((600, 300)).convert("P")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()


@pytest.mark.browser
@pytest.mark.parametrize("width", WIDTHS)
def test_chromium_draws_ours_and_npm_mjmls_alike(
    browser: playwright.sync_api.Browser, picture: bytes, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 900}) as context:
        shown = context.new_page()
        pages: dict[str, str] = {}

        def answer(route: playwright.sync_api.Route) -> None:
            name = Path(route.request.url).name
            if name in pages:
                route.fulfill(body=pages[name], content_type="text/html; charset=utf-8")
            else:
                route.fulfill(body=picture, content_type="image/png")

        shown.route("**/*", answer)
        for stem in stems():
            pages["ours"] = mjml.to_html(mjml_of(stem))
            pages["npm"] = (golden.FOLDER / f"{stem}.html").read_text(encoding="utf-8")
            drawn = [_drawn(shown, name) for name in ("ours", "npm")]
            assert drawn[0].size == drawn[1].size, stem
            assert _share(*drawn) <= MOST, stem


def _drawn(shown: playwright.sync_api.Page, name: str) -> PIL.Image.Image:
    shown.goto(f"https://golden.example.org/{name}")
    return PIL.Image.open(io.BytesIO(shown.screenshot(full_page=True))).convert("RGB")


def _share(one: PIL.Image.Image, other: PIL.Image.Image) -> float:
    """Return the share of pixels that differ by more than STEP in any colour."""
    bands = PIL.ImageChops.difference(one, other).split()
    most = PIL.ImageChops.lighter(PIL.ImageChops.lighter(bands[0], bands[1]), bands[2])
    return sum(most.histogram()[STEP + 1 :]) / (one.width * one.height)
