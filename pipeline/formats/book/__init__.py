"""The book as a fillable, tagged PDF for screens: PDF/UA-1, made by WeasyPrint, finished by pikepdf.

1. `setting` writes each chapter as HTML; the templates in templates/book put front, chapters and back together.
2. `typography` curls the quotation marks and joins measures.
3. `layout` makes pages, and lays out again what a page number moved.
4. `finish` mends what WeasyPrint's tag tree and form fields lack.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import jinja2
import lxml.html

from pipeline import errors, model, templating
from pipeline.formats import _words
from pipeline.formats._chapters import setting, typography
from pipeline.formats.book import finish

KIND = "book"
TEMPLATES = ("book", "citation", "fonts", "tokens.toml")
FILE = "navigating-your-ms-care.pdf"
FONT = "AtkinsonHyperlegibleNext-400.ttf"  # the four faces have the same characters
UNSETTLED = 88  # stands for a page number in the first round: two digits, as most have


@dataclasses.dataclass(frozen=True, slots=True)
class Word:
    """A glossary entry of the book with printed page and anchor of each chapter's first use."""

    id: str
    name: str
    definition: str
    pages: tuple[tuple[int, str], ...]


Part = Callable[[Mapping[str, int]], str]


def render(book: model.Book, material: model.Material) -> list[model.Output]:
    """Return the book as one PDF: the same book and material give the same bytes.

    Refuses a reference to something that does not exist, a character the font lacks, anything WeasyPrint warns of,
    and a machine without Pango.
    """
    layout = _layout()
    env = templating.environment(material.templates, "book")
    env.filters["day"] = _words.long_date
    colours = templating.tokens(material.templates)
    chapters = [setting.set_chapter(chapter, book, material) for chapter in book.chapters]
    parts = _parts(env, book, material, chapters)
    files = _files(env, material, colours)
    for part in parts:
        typography.check_characters(part({}), files[f"fonts/{FONT}"])
    printed = layout.printed(parts, templating.render(env, "book.css", **colours), files)
    pages = [part(printed.pages) for part in parts]
    return [model.Output(FILE, finish.finished(printed.content, _link_names(pages)))]


def _layout() -> ModuleType:
    try:
        # Imported here because it takes 0.7 s and needs Pango: all else of this program works without.
        from pipeline.formats.book import layout  # noqa: PLC0415
    except (OSError, ImportError) as error:
        msg = f"the book cannot be made: WeasyPrint does not start ({error})"
        hint = "sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        raise errors.MissingPart(msg, hint=hint) from error
    return layout


def _parts(
    env: jinja2.Environment, book: model.Book, material: model.Material, chapters: Sequence[setting.SetChapter]
) -> list[Part]:
    """Return the parts of the book in order, each as a function of the page map."""
    shared = {"spec": book.spec, "identity": material.identity, "chapters": chapters}

    def part(name: str, **values: object) -> Part:
        def write(pages: Mapping[str, int]) -> str:
            numbers = {"page": lambda anchor: pages.get(anchor, UNSETTLED), "words": _index(chapters, material, pages)}
            return typography.set_type(templating.render(env, name, **shared, **values, **numbers))

        return write

    front = part("front.html", review=_review(book))
    return [front, *(part("chapter.html", c=chapter) for chapter in chapters), part("back.html")]


def _index(chapters: Sequence[setting.SetChapter], material: model.Material, pages: Mapping[str, int]) -> list[Word]:
    """List the words that the book explains, by name, each with the page of its first use in every chapter."""
    uses: dict[str, list[tuple[int, str]]] = {}
    for chapter in chapters:
        for name, anchor in chapter.words:
            uses.setdefault(name, []).append((pages.get(anchor, UNSETTLED), anchor))
    terms = sorted((material.library.terms[name] for name in uses), key=lambda term: term.name.casefold())
    return [Word(term.id, term.name, term.definition, tuple(uses[term.id])) for term in terms]


def _review(book: model.Book) -> str:
    """Say for the imprint how much of the book a clinician has read."""
    read = sum(_words.is_reviewed(chapter) for chapter in book.chapters)
    if not read:
        return "Not yet medically reviewed. Each chapter says when its sources were checked."
    return f"{read} of {len(book.chapters)} chapters are medically reviewed. Each chapter says by whom and when."


def _files(env: jinja2.Environment, material: model.Material, colours: Mapping[str, Any]) -> dict[str, bytes]:
    """Collect all that may be read while rendering: our fonts, the content's drawings, the templates' own signs."""
    fonts = {f"fonts/{path.name}": path.read_bytes() for path in (material.templates / "fonts").glob("*.ttf")}
    if f"fonts/{FONT}" not in fonts:
        msg = f"the book's font is missing: {material.templates / 'fonts' / FONT}"
        raise errors.MissingPart(msg, hint="restore the shipped templates/fonts folder")
    images = {f"images/{name}": content for name, content in material.library.images.items()}
    signs = {
        path.name: templating.render(env, path.name, **colours).encode()
        for path in (material.templates / "book").glob("*.svg")
    }
    return fonts | images | signs


def _link_names(pages: Sequence[str]) -> dict[str, str]:
    """Name each link target in words, for people who hear links: the link's title, else its text."""
    names: dict[str, str] = {}
    for page in pages:
        for link in lxml.html.document_fromstring(page).iter("a"):
            words = link.get("title") or "".join(str(text) for text in link.itertext())
            names.setdefault(link.get("href", "").removeprefix("#"), words)
    return names
