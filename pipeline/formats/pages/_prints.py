"""The book's page, how to get the mail, the log of corrections, and what is kept about readers."""

import dataclasses
import json
from collections.abc import Iterator

from pipeline import model, reach
from pipeline.formats import _joining, _social, _volumes, _words
from pipeline.formats.pages import _site

BOOK_CARD = "social/book.png"


@dataclasses.dataclass(frozen=True, slots=True)
class Note:
    """One correction as the log shows it; `address` is "" when its page is not on the site."""

    entry: model.Correction
    name: str
    address: str


def files(site: _site.Site) -> Iterator[model.Output]:
    """Yield the pages."""
    yield from _book(site)
    yield from (_join(site), _corrections(site))
    description = "What we keep, what we do not, and how to leave."
    yield site.page("privacy/", "privacy.html", "Privacy", description=description)


def _book(site: _site.Site) -> Iterator[model.Output]:
    """The landing page, with sizes, pages and sums of the files as they were built before the site.

    The server tells them anew, of the files that it has; for it, book/editions.json says what each edition is called.
    """
    book, known = site.library.book, site.library.chapters
    chapters = [known[slug] for slug in book.chapters if slug in known] if book else []
    notes = [note for note in site.library.corrections if note.kind in {"book", "chapter"}]
    values = {
        "chapters": chapters,
        "review": _words.book_review_line(chapters),
        "files": _volumes.volumes(book.editions, site.material.made) if book and site.material.book else (),
        "is_current": _is_current(site),
        "corrections": notes,
        "card": _social.Card(BOOK_CARD, f"{site.material.identity.title}: the book"),
    }
    description = f"{book.title}: {book.subtitle}." if book else ""
    yield site.page("book/", "book.html", "The book", description=description, **values)
    title = f"{book.title}: the book" if book else "The book"
    yield model.Output(BOOK_CARD, _social.picture(title, "To read, to print, to fill in", None, site.material))
    editions = [dataclasses.asdict(edition) for edition in book.editions] if book else []
    yield model.Output("book/editions.json", json.dumps(editions, indent=1, sort_keys=True).encode())


def _is_current(site: _site.Site) -> bool:
    """Tell whether the version and date on the page are those printed in the files."""
    built, book, library = site.material.book, site.library.book, site.press.library
    if built is None or book is None:
        return True
    name = book.path.relative_to(library.root.parent).as_posix()
    read = library.files.get(name)
    return read is None or built.inputs.get(name) == reach.sum_of(read, library.root)


def _join(site: _site.Site) -> model.Output:
    values = {"words": _joining.words(site.material.templates, site.material.identity), "fault": "", "typed": ""}
    return site.page("join/", "join.html", "Get the mail", description="One short mail, and how to leave it.", **values)


def _corrections(site: _site.Site) -> model.Output:
    notes = [_note(site, entry) for entry in site.library.corrections]
    description = "Mistakes in our texts, and what we did about them."
    return site.page("corrections/", "corrections.html", "Corrections", description=description, notes=notes)


def _note(site: _site.Site, entry: model.Correction) -> Note:
    if entry.kind == "article":
        address = f"articles/{entry.slug}/" if entry.slug in site.entries else ""
        return Note(entry, site.press.library.articles[entry.slug].title, address)
    if entry.kind == "edition":
        spec = site.press.library.editions[entry.slug]
        address = f"editions/{entry.slug}/" if entry.slug in site.library.editions else ""
        return Note(entry, f"Issue {spec.number}: {spec.title}", address)
    chapter = site.press.library.chapters.get(entry.slug)
    return Note(entry, f"The book, chapter {chapter.number}: {chapter.title}" if chapter else "The book", "book/")
