"""Chooses, orders and numbers: a specification with its articles in place, the book with its chapters. Pure."""

import dataclasses
from collections.abc import Sequence

from pipeline import errors, model


def edition(library: model.Library, slug: str) -> model.Edition:
    """Put an edition together; refuses an unknown slug, and an article that is missing or has blocking faults."""
    if slug not in library.editions:
        msg = f"there is no edition {slug!r} without a fault in its file"
        known = ", ".join(library.editions) or "none yet"
        raise errors.UsageProblem(msg, hint=f"run `mscare check`; sound editions are: {known}")
    spec = library.editions[slug]
    missing = [name for name in (spec.lead, *spec.read_next) if name not in library.articles]
    if missing:
        msg = f"edition {slug} names articles that are missing or faulty: {', '.join(missing)}"
        raise errors.ContentBlocked(msg, hint="run `mscare check` and mend what it lists")
    return model.Edition(
        spec=spec,
        lead=library.articles[spec.lead],
        read_next=tuple(library.articles[name] for name in spec.read_next),
    )


def newest(library: model.Library) -> str:
    """Return the slug of the edition with the highest number; refuses when there is none."""
    if not library.editions:
        msg = "there is no edition yet"
        raise errors.UsageProblem(msg, hint="write one with `mscare new edition SLUG`")
    return max(library.editions.values(), key=lambda spec: spec.number).slug


def book(library: model.Library) -> model.Book:
    """Put the book together in the order of book.toml; refuses when a chapter is missing or faulty."""
    if library.book is None:
        msg = "there is no book: content/book/book.toml is missing or faulty"
        raise errors.ContentBlocked(msg, hint="run `mscare check` and mend what it lists")
    missing = [slug for slug in library.book.chapters if slug not in library.chapters]
    if missing:
        msg = f"the book names chapters that are missing or faulty: {', '.join(missing)}"
        raise errors.ContentBlocked(msg, hint="run `mscare check` and mend what it lists")
    return model.Book(spec=library.book, chapters=tuple(library.chapters[slug] for slug in library.book.chapters))


def chosen(book: model.Book, ids: Sequence[str]) -> model.Book:
    """Return the book to be made in just the editions named; all of them for none. Refuses an unknown id."""
    known = {edition.id: edition for edition in book.spec.editions}
    unknown = [name for name in ids if name not in known]
    if unknown:
        msg = f"the book has no edition {', '.join(map(repr, unknown))}"
        raise errors.UsageProblem(msg, hint=f"content/book/book.toml declares: {', '.join(known)}")
    return dataclasses.replace(book, only=tuple(ids))
