"""What a screen reader needs to know about an HTML file before its first word."""

from collections.abc import Iterator

from pipeline import model
from pipeline.checks import _pages
from pipeline.checks._check import BLOCK, Check

LANG = Check(
    "lang-missing",
    BLOCK,
    "A screen reader speaks the text in its own language.",
    'write lang="en" on the template\'s first element: the language of mscare.toml',
)
DIR = Check(
    "dir-missing", BLOCK, "Text runs the way its script is read.", 'write dir="ltr" or dir="rtl" on the first element'
)
TITLE = Check(
    "title-missing", BLOCK, "The window and the screen reader name what is open.", "give the template its title"
)
TABLE = Check(
    "table-role",
    BLOCK,
    "A screen reader does not read the layout aloud as tables.",
    'write role="presentation" on a table for layout; give a real table its <th> cells',
)
CHECKS = (LANG, DIR, TITLE, TABLE)


def page(page: _pages.Page, language: str) -> Iterator[model.Finding]:
    """Yield what is wrong with the language, the direction, the title and the layout tables of a page."""
    top = page.place(page.root, "<mjml", "<html")
    lang = page.root.get("lang") or ""
    if lang.partition("-")[0].casefold() != language.partition("-")[0].casefold():
        said = f"says {lang!r}" if lang else "does not say its language"
        yield LANG.at(top, f"the page {said}; the publication's is {language!r}")
    if page.root.get("dir") not in {"ltr", "rtl"}:
        yield DIR.at(top, "the page does not say in which direction it is read")
    if not _pages.squeeze(page.root.findtext("head/title") or ""):
        yield TITLE.at(top, "the page has no title")
    bare = page.root.xpath("//table[not(@role)][not(tr/th | */tr/th)]")
    if bare:
        more = f", and {len(bare) - 1} more have none" if len(bare) > 1 else ""
        yield TABLE.at(page.place(bare[0]), f"a layout table has no role{more}")
