"""The book for screens as Debian's Chromium shows it: its fields take what is typed, in the order of the questions."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import book_pdf
import PIL.Image
import PIL.ImageChops
import playwright.sync_api
import pytest

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
FIRST, TICK, NEXT = ("chapter-1-mri-where-notes", "chapter-1-mri-typical-cord-tick", "chapter-1-mri-typical-cord-notes")
EDGE = 5  # pixels of a field that may show where the cursor is
LOOKS = 8  # in a row that see the same: nothing moves any more
INK = 20  # pixels that have changed where something was written

Box = tuple[int, int, int, int]


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.sync_api.Browser]:
    with playwright.sync_api.sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, "--disable-sync"])
        yield opened
        opened.close()


@pytest.fixture
def book(browser: playwright.sync_api.Browser, tmp_path: Path) -> Iterator[playwright.sync_api.Page]:
    """Open the sample book at the page of the first questions; the window ends before the next page."""
    path = tmp_path / "book.pdf"
    path.write_bytes(book_pdf.rendered())
    shown = browser.new_page(viewport={"width": 800, "height": 600})
    shown.goto(f"{path.as_uri()}#page={place(FIRST)[0]}&toolbar=0&navpanes=0")
    yield shown
    shown.close()


def place(name: str) -> tuple[int, tuple[float, ...]]:
    """Return the number of a field's page, and its box as parts of the page's width, from the top left."""
    with book_pdf.opened() as document:
        for number, sheet in enumerate(document.pages, start=1):
            for field in sheet.get("/Annots", ()):
                if str(field.get("/T", "")) == name:
                    _, _, width, height = (float(edge) for edge in sheet.mediabox)
                    left, foot, right, top = (float(edge) for edge in field.Rect)
                    return number, tuple(edge / width for edge in (left, height - top, right, height - foot))
    raise KeyError(name)


def picture(page: playwright.sync_api.Page) -> PIL.Image.Image:
    return PIL.Image.open(io.BytesIO(page.screenshot())).convert("L")


def sheet(shot: PIL.Image.Image) -> Box | None:
    """Return where the white page is on the viewer's dark ground; None before it is there."""
    return shot.point([0] * 250 + [255] * 6).getbbox()


def field(shot: PIL.Image.Image, name: str) -> Box:
    """Return the inside of a field in pixels."""
    left, top, right, _ = sheet(shot) or (0, 0, 0, 0)
    at = [round(edge * (right - left)) for edge in place(name)[1]]
    return left + at[0] + EDGE, top + at[1] + EDGE, left + at[2] - EDGE, top + at[3] - EDGE


def change(before: PIL.Image.Image, after: PIL.Image.Image, box: Box) -> int:
    """Count the pixels inside a box that have become clearly darker or lighter."""
    difference = PIL.ImageChops.difference(before.crop(box), after.crop(box))
    return sum(difference.point([0] * 60 + [1] * 196).tobytes())


def until(page: playwright.sync_api.Page, is_so: Callable[[PIL.Image.Image], bool]) -> PIL.Image.Image:
    """Look again until it is so, a quarter of a minute at most."""
    for _ in range(150):
        shot = picture(page)
        if is_so(shot):
            return shot
        page.wait_for_timeout(100)
    raise AssertionError(is_so)


def at_rest(page: playwright.sync_api.Page) -> PIL.Image.Image:
    """Look until the page is there with its letters and stays as it is: the viewer draws coarsely first, then again."""
    seen: list[bytes] = []

    def is_so(shot: PIL.Image.Image) -> bool:
        seen.append(shot.tobytes())
        found = sheet(shot)
        is_shown = found is not None and len(shot.crop(found).getcolors(256) or ()) > 99
        return is_shown and seen[-LOOKS:].count(seen[-1]) == LOOKS

    return until(page, is_so)


def click(page: playwright.sync_api.Page, box: Box) -> None:
    page.mouse.click((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def test_a_field_takes_what_is_typed_and_tab_leads_over_the_tick_to_the_next(book: playwright.sync_api.Page) -> None:
    empty = at_rest(book)
    click(book, field(empty, FIRST))
    book.keyboard.type("In the neck")
    book.keyboard.press("Tab")
    book.keyboard.press("Tab")
    book.keyboard.type("Typical")
    full = until(book, lambda shot: change(empty, shot, field(empty, NEXT)) > INK)
    assert change(empty, full, field(empty, FIRST)) > INK
    assert change(empty, full, field(empty, TICK)) == 0


def test_a_tick_is_set_by_a_click(book: playwright.sync_api.Page) -> None:
    empty = at_rest(book)
    click(book, field(empty, TICK))
    full = until(book, lambda shot: change(empty, shot, field(empty, TICK)) > INK)
    assert change(empty, full, field(empty, NEXT)) == 0
