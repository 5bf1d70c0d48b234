"""What the book bench lays out: the screen edition of the book's first chapters, and the same as HTML for the peers."""

import concurrent.futures
import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sample

from pipeline import edition, markup, model
from pipeline.formats.book import crew, job

WORDS = (" can ", " may ")  # a one-word edit turns the first into the second
_CHAPTER = re.compile(r"\[([^\]]+)\]\(chapter:([a-z0-9-]+)\)")

_LISTED = re.compile(r'(<a href="(#[^"]+)"[^>]*>(?:(?!</a>).)*</a>)<span class="page">\d+</span>')
_USES = re.compile(r'<span class="pages">.*?</dt>', re.DOTALL)
_USE = re.compile(r'<a href="(#[^"]+)"( title="[^"]*")>\d+</a>')
_ENTRY = re.compile(r'<a class="number" href="(#[^"]+)"( title="[^"]*")>\d+((?:\u2013\d+)?)</a>')
_COUNTED = ".counted::before { content: target-counter(attr(data-to url), page) }"


def book(chapters: int) -> tuple[model.Book, model.Material]:
    """Return the book with its first chapters, in the screen edition; what leads to the others is left out."""
    desk = sample.desk()
    whole = edition.chosen(edition.book(desk.library), ["screen"])
    kept = whole.chapters[:chapters]
    if len(kept) == len(whole.chapters):
        return whole, desk.material
    slugs = {chapter.slug for chapter in kept}
    posts = tuple(post for post in whole.spec.signposts if post.place.partition("#")[0] in slugs)
    spec = dataclasses.replace(whole.spec, signposts=posts, chapters=tuple(chapter.slug for chapter in kept))
    some = dataclasses.replace(whole, spec=spec, chapters=tuple(_without(chapter, slugs) for chapter in kept))
    sheets = {*spec.sheets, *(chapter.worksheet for chapter in kept)}
    index = tuple(_found(entry, sheets) for entry in desk.library.index)
    library = dataclasses.replace(desk.library, index=index)
    return some, dataclasses.replace(desk.material, library=library)


def _without(chapter: model.Chapter, slugs: set[str]) -> model.Chapter:
    """Turn links to chapters that are not there into their words."""

    def words(text: str) -> str:
        return _CHAPTER.sub(lambda match: match[0] if match[2] in slugs else match[1], text)

    return dataclasses.replace(chapter, body=words(chapter.body), get_help=words(chapter.get_help))


def _found(entry: model.IndexEntry, sheets: set[str]) -> model.IndexEntry:
    at = tuple(place for place in entry.at if not place.startswith("sheet:") or place[6:] in sheets)
    return dataclasses.replace(entry, at=at, subs=tuple(_found(sub, sheets) for sub in entry.subs))


def edited(whole: model.Book, words: int) -> model.Book:
    """Return the book with that many words of its middle chapter changed: one more is a one-word edit."""
    chapters = list(whole.chapters)
    middle = chapters[len(chapters) // 2]
    changed = middle.body.replace(*WORDS, words)
    if words and changed == middle.body.replace(*WORDS, words - 1):
        msg = f"{middle.path} has too few words to change"
        raise RuntimeError(msg)
    chapters[len(chapters) // 2] = dataclasses.replace(middle, body=changed)
    return dataclasses.replace(whole, chapters=tuple(chapters))


def middle(whole: model.Book) -> str:
    """Return the name of the part that `edited` changes, as the build tells of it."""
    return f"screen: chapter-{whole.chapters[len(whole.chapters) // 2].number}"


# --- the same as one HTML document ----------------------------------------------------------------


class Overheard(crew.Crew):
    """Workers that remember the sheets they were given."""

    def __init__(self) -> None:
        super().__init__()
        self.sheets: dict[int, job.Sheet] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        """Remember the last sheet of each part: the one whose page numbers held."""
        if fn is job.lay_out:
            self.sheets[args[0].number] = args[0]
        return super().submit(fn, *args, **kwargs)

    def write_html(self, folder: Path) -> None:
        """Write book.html, book.css and the files they name, as our build hands them to WeasyPrint at the end.

        They are taken where our build passes them on, so that the peers get the same and no copy of it can grow old.
        counting.html is the same book with each page number left to whoever prints it.
        """
        sheets = [self.sheets[number] for number in sorted(self.sheets)]
        _write_parts(folder, [sheet.html.replace('href="xref:', 'href="#') for sheet in sheets], sheets[0].style)
        for sheet in sheets:
            for name, content in sheet.files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(content)


def _write_parts(folder: Path, parts: Sequence[str], style: str) -> None:
    head, opening = re.findall(r"^(.*?)</head>\s*(<body[^>]*>)", parts[0], re.DOTALL)[0]
    bodies = [re.sub(r"^.*?<body[^>]*>|</body>.*$", "", part, flags=re.DOTALL) for part in parts]
    pages = "".join(f'<div style="break-before: page">{body}</div>' for body in bodies)
    link = '<link rel="stylesheet" href="book.css">'
    html = f"{head}{link}</head>{opening}{pages}</body></html>".replace("book:/", "")
    (folder / "book.html").write_text(html, encoding="utf-8")
    (folder / "counting.html").write_text(_counting(html), encoding="utf-8")
    (folder / "book.css").write_text(style.replace("book:/", ""), encoding="utf-8")


def _counting(html: str) -> str:
    """Replace the page numbers of contents, glossary and index by `target-counter`, as a document of its own has them.

    The second number of a row such as 33-35 stays as text: no style sheet can leave out the pages in between.
    Refuses HTML in which one of the three is not found.
    """
    html, listed = _LISTED.subn(r'\1<span class="page counted" data-to="\2"></span>', html)
    html, used = _USES.subn(lambda match: _USE.sub(r'<a class="counted" data-to="\1" href="\1"\2></a>', match[0]), html)
    html, found = _ENTRY.subn(r'<a class="number counted" data-to="\1" href="\1"\2>\3</a>', html)
    if not (listed and used and found):
        msg = f"page numbers to be counted: {listed} in lists, {used} in the glossary, {found} in the index"
        raise RuntimeError(msg)
    return html.replace("</head>", f"<style>{_COUNTED}</style></head>", 1)


def words(whole: model.Book) -> int:
    """Count the words of the chapters' texts."""
    return sum(markup.parse(chapter.body).words for chapter in whole.chapters)
