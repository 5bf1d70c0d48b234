"""The book as an EPUB 3.3: the same chapters as the PDF, for phones, tablets, e-readers and voices.

1. `setting` writes each chapter as HTML; the templates in templates/epub put the files of the book together.
2. `documents` reads them as trees: quotation marks curled, links and boxes named for a screen reader.
3. `pages` marks where the PDF's pages begin, and `documents` leads each link to the file of its target.
4. `package` says what the book is made of and how accessible it is; `container` zips it, the same bytes each time.
"""

import dataclasses
import functools
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from pipeline import errors, model, templating
from pipeline.formats import _web, _words
from pipeline.formats._chapters import index, setting, style
from pipeline.formats.epub import container, documents, drawings, package, pages

KIND = "book"
TEMPLATES = ("epub", "book/note.svg", "book/example.svg", "book/warning.svg", "citation", "fonts", "tokens.toml")
FILE = "navigating-your-ms-care.epub"
TEXT = "text.xhtml"  # a chapter that is shown alone
FACES = (("normal", 400, "400"), ("italic", 400, "400i"), ("normal", 700, "700"))
SIGNS = ("note.svg", "example.svg", "warning.svg")
LINE = {"title_lines": 14, "subtitle_lines": 40, "foot_lines": 60}  # characters that fit the cover's width


@dataclasses.dataclass(frozen=True, slots=True)
class _Book:
    """What the files of one book share."""

    book: model.Book
    material: model.Material
    env: jinja2.Environment
    printed: Mapping[str, int]  # anchor -> page of the PDF; empty when no PDF was made
    chapters: tuple[setting.SetChapter, ...]
    index: tuple[index.Group, ...]


def render(book: model.Book, material: model.Material) -> list[model.Output]:
    """Return the book as one EPUB: the same book, material and page list give the same bytes.

    Refuses a reference to something that does not exist, a template that is not well-formed, a drawing that needs
    another file, and a page list it cannot read.
    """
    chapters = tuple(_set(chapter, book, material) for chapter in book.chapters)
    groups = index.groups(book, material.library)
    env = templating.environment(material.templates, "epub")
    whole = _Book(book, material, env, pages.known(material.made), chapters, groups)
    texts = _texts(whole)
    files = {text.file: documents.written(text) for text in texts} | _looks(whole, texts) | _cover(whole)
    facts = package.facts(book.spec, material.identity, _features(whole))
    files[container.PACKAGE] = package.document(whole.env, facts, files.keys(), [text.file for text in texts])
    return [model.Output(FILE, container.packed(files))]


def chapter(shown: model.Chapter, book: model.Book, material: model.Material) -> dict[str, bytes]:
    """Return one chapter of the book as the EPUB has it, for a look at it alone: TEXT, and the files it shows, by name.

    What leads out of the chapter leads nowhere. Refuses what `render` refuses of this chapter.
    """
    chapters = (_set(shown, book, material),)
    whole = _Book(book, material, templating.environment(material.templates, "epub"), {}, chapters, ())
    (text,) = _chapters(whole)
    documents.detach(text)
    return {TEXT: documents.written(text)} | _looks(whole, [text])


def _set(shown: model.Chapter, book: model.Book, material: model.Material) -> setting.SetChapter:
    figure = drawings.Figures(setting.anchor(shown), material.library.images).figure
    return setting.set_chapter(shown, book, material, style.Style(note=style.apart, figure=figure))


def _texts(whole: _Book) -> list[documents.Document]:
    """Write every page of the book in reading order. The contents come last, because they list the marks of pages."""
    before = [_page(whole, name, title) for name, title in (("cover", "Cover"), ("imprint", "About this book"))]
    behind = list(_behind(whole))
    after = [_page(whole, "fill-in", "Pages to fill in", sheets=_sheets(whole)), *_chapters(whole), *behind]
    marked = pages.mark([*before, *after], whole.printed)
    listed = [(text.file.removesuffix(".xhtml"), text.title) for text in behind]
    shown: dict[str, Any] = {"pages": marked, "behind": listed, "signposts": _signposts(whole), "index": whole.index}
    texts = [*before, _page(whole, "contents", "Contents", **shown), *after]
    documents.link(texts)
    return texts


def _page(whole: _Book, name: str, title: str, template: str = "", **values: Any) -> documents.Document:
    """Fill a template of templates/epub into one file of the book."""
    shared: dict[str, object] = {
        "spec": whole.book.spec,
        "identity": whole.material.identity,
        "chapters": whole.chapters,
        "title": title,
    }
    shared["review"] = _words.book_review_line(whole.book.chapters)
    shared |= {"printed": whole.printed, "on_paper": functools.partial(_on_paper, whole.printed)}
    text = templating.render(whole.env, f"{template or name}.xhtml.j2", **{**shared, **values})
    return documents.read(f"{name}.xhtml", title, text)


def _on_paper(printed: Mapping[str, int], anchor: str) -> str:
    page = f", on page {printed[anchor]}" if anchor in printed else ""
    return f"Copy this onto paper or into your notes. In the PDF of this book it is a form to fill in{page}."


def _chapters(whole: _Book) -> Iterator[documents.Document]:
    for chapter in whole.chapters:
        yield _page(whole, f"chapter-{chapter.number:02d}", chapter.title, "chapter", c=chapter)


def _behind(whole: _Book) -> Iterator[documents.Document]:
    """Yield what stands behind the chapters. Each file is named by the anchor of its section."""
    book, library = whole.book, whole.material.library
    if _sheets(whole):
        yield _page(whole, "worksheets", "More worksheets", sheets=_sheets(whole))
    words = index.words([chapter.words for chapter in whole.chapters], book, library)
    yield _page(whole, "glossary", "Words used in this book", words=words, chapter_of=_chapter_of)
    if whole.index:
        unit, located = _located(whole)
        yield _page(whole, "index", "Index", index=whole.index, located=located, unit=unit)
    yield _page(whole, "colophon", "About this version", accessibility=package.summary(_features(whole)))


def _sheets(whole: _Book) -> list[tuple[model.Worksheet, str]]:
    """List the worksheets that no chapter has, with their anchors."""
    known = whole.material.library.worksheets
    for name in whole.book.spec.sheets:
        if name not in known:
            msg = f"{whole.book.spec.path} uses the worksheet {name!r}, which does not exist"
            raise errors.RenderProblem(msg, hint="run `mscare check`, which names the line")
    return [(known[name], index.sheet_anchor(name, whole.book)) for name in whole.book.spec.sheets]


def _features(whole: _Book) -> frozenset[str]:
    """Name what this book offers beyond what every EPUB of this house does, in the words of schema.org."""
    described = any("-described-" in chapter.body for chapter in whole.chapters)
    offered = {
        "index": bool(whole.index),
        "longDescription": described,
        "pageBreakMarkers": bool(whole.printed),
        "pageNavigation": bool(whole.printed),
    }
    return frozenset(name for name, is_there in offered.items() if is_there)


def _located(whole: _Book) -> tuple[str, Callable[[Sequence[index.Locator]], tuple[index.Reference, ...]]]:
    """Say how places of the index are named, and by what: pages of the PDF, or chapters where it does not know them."""

    def by_chapter(locators: Sequence[index.Locator]) -> tuple[index.Reference, ...]:
        firsts = {_chapter_of(place.first): place.first for place in reversed(locators)}
        return tuple(index.Reference(number, firsts[number]) for number in sorted(firsts, key=_in_order))

    def by_page(locators: Sequence[index.Locator]) -> tuple[index.Reference, ...]:
        return index.pages(locators, lambda anchor: whole.printed[anchor])

    lines = [line for group in whole.index for above in group.lines for line in (above, *above.subs)]
    anchors = {anchor for line in lines for place in line.locators for anchor in (place.first, place.last)}
    return ("page", by_page) if anchors <= whole.printed.keys() else ("chapter", by_chapter)


def _chapter_of(anchor: str) -> str:
    """Return the number of the chapter in which an anchor stands; a worksheet behind the chapters says so."""
    return anchor.split("-")[1] if anchor.startswith("chapter-") else "worksheets"


def _in_order(number: str) -> tuple[bool, int]:
    return (not number.isdigit(), int(number) if number.isdigit() else 0)


def _signposts(whole: _Book) -> list[tuple[str, str]]:
    found = [(post.text, index.place_anchor(post.place, whole.book)) for post in whole.book.spec.signposts]
    return [(text, anchor) for text, anchor in found if anchor]


def _looks(whole: _Book, texts: Sequence[documents.Document]) -> dict[str, bytes]:
    """Return what texts look like: style, type and its licence, drawings and signs."""
    colours = templating.tokens(whole.material.templates)
    templates, images = whole.material.templates, whole.material.library.images
    faces = [(style, weight, f"{_web.FAMILY}-{face}.ttf") for style, weight, face in FACES]
    files = {"style.css": templating.render(whole.env, "style.css.j2", **colours, faces=faces).encode()}
    for name in [*(file for _, _, file in faces), "OFL.txt"]:
        files[f"fonts/{name}"] = _read(templates / "fonts" / name)
    used = {image.get("src") for text in texts for image in documents.elements(text.root, "img")}
    for name, content in images.items():
        if f"images/{_web.quoted(name)}" in used:
            files[f"images/{name}"] = drawings.shipped(content, name, templates, whole.material.store)
    either = {"brand": colours["reader"]["line"], "accent": colours["reader"]["warning"], "card": "#ffffff"}
    for name in SIGNS:
        files[f"signs/{name}"] = templating.render(whole.env, f"book/{name}", light=either).encode()
    return files


def _cover(whole: _Book) -> dict[str, bytes]:
    templates = whole.material.templates
    lines = templating.render(whole.env, "cover.svg.j2", **templating.tokens(templates), **_cover_lines(whole))
    return {package.COVER: drawings.cover(lines, templates)}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.MissingPart(msg, hint="restore the shipped templates/fonts folder") from error


def _cover_lines(whole: _Book) -> dict[str, list[str]]:
    spec, organisation = whole.book.spec, whole.material.identity.organisation
    notice = spec.notice.partition(". ")[0].removesuffix(".") + "."
    foot = [notice, f"Version {spec.version}, {templating.day(spec.date)}", organisation]
    words = {"title_lines": [spec.title], "subtitle_lines": [spec.subtitle], "foot_lines": foot}
    return {name: [line for text in texts for line in textwrap.wrap(text, LINE[name])] for name, texts in words.items()}
