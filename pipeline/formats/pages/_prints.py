"""The book's page, how to get the mail, the log of corrections, and what is kept about readers."""

import dataclasses
import json
from collections.abc import Iterator

from pipeline import model
from pipeline.formats import _joining, _social, _words
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
    """The landing page. Sizes, sums and buttons are the server's to fill in: they belong to the files, not the text.

    What the text does know of each edition lies beside it as book/editions.json, for the server.
    """
    book, known = site.library.book, site.library.chapters
    chapters = [known[slug] for slug in book.chapters if slug in known] if book else []
    notes = [note for note in site.library.corrections if note.kind in {"book", "chapter"}]
    values = {
        "chapters": chapters,
        "review": _words.book_review_line(chapters),
        "files": (),
        "is_current": True,
        "corrections": notes,
        "card": _social.Card(BOOK_CARD, f"{site.material.identity.title}: the book"),
    }
    description = f"{book.title}: {book.subtitle}." if book else ""
    yield site.page("book/", "book.html", "The book", description=description, **values)
    title = f"{book.title}: the book" if book else "The book"
    yield model.Output(BOOK_CARD, _social.picture(title, "To read, to print, to fill in", None, site.material))
    editions = [dataclasses.asdict(edition) for edition in book.editions] if book else []
    yield model.Output("book/editions.json", json.dumps(editions, indent=1, sort_keys=True).encode())


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
