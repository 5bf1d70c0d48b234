"""Chooses, orders and numbers: a specification with its articles in place, the book with its chapters. Pure."""

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

from pipeline import errors, model

MOST, MOST_LARGE = 8, 4  # questions that one page of an appointment pack holds, and one in large print
PLANNER = "visit-planner"
PAPERS = ("a4", "letter")
_LIST = "`mscare pack --list` shows all questions with their ids"


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


def pack(
    library: model.Library, ids: Sequence[str], *, topic: str = "", paper: str = "a4", large: bool = False
) -> model.Pack:
    """Put an appointment pack together from questions by their ids, or from a topic: one of the two.

    A topic is a group of questions, by id or title, an article or a chapter. Refuses an unknown name, with those most
    like it, more questions than fit on a page, and a library without book or visit planner.
    """
    if bool(ids) == bool(topic):
        msg = "an appointment pack needs questions by their ids, or a topic: one of the two"
        raise errors.UsageProblem(msg, hint=_LIST)
    if paper not in PAPERS:
        msg = f"there is no paper {paper!r} for an appointment pack"
        raise errors.UsageProblem(msg, hint=f"choose one of: {', '.join(PAPERS)}")
    if library.book is None or PLANNER not in library.worksheets:
        msg = f"an appointment pack needs content/book/book.toml, and {PLANNER!r} in content/worksheets.toml"
        raise errors.ContentBlocked(msg, hint="run `mscare check` and mend what it lists")
    title, questions = _topic(library, topic) if topic else ("", _questions(library, ids))
    _refuse_too_many(questions, MOST_LARGE if large else MOST, large=large)
    return model.Pack(library.book, title, questions, library.worksheets[PLANNER], paper, large)


def has_packs(library: model.Library) -> bool:
    """Tell whether appointment packs can be made from this content."""
    return library.book is not None and PLANNER in library.worksheets and bool(library.groups)


def _questions(library: model.Library, ids: Iterable[str]) -> tuple[model.Question, ...]:
    """Return each question once, in the order asked for."""
    wanted = tuple(dict.fromkeys(ids))
    for name in wanted:
        if name in library.groups and name not in library.questions:
            msg = f"{name!r} is a group of questions, not a question"
            raise errors.UsageProblem(msg, hint=f"ask for all of it with --topic {name}; {_LIST}")
        if name not in library.questions:
            msg = f"there is no question {name!r}"
            raise errors.UsageProblem(msg, hint=_nearest(name, library.questions) + _LIST)
    return tuple(library.questions[name] for name in wanted)


def _topic(library: model.Library, name: str) -> tuple[str, tuple[model.Question, ...]]:
    """Return the title of a topic and its questions; a group's name goes before that of a text."""
    groups = [g for g in library.groups.values() if name.casefold() in {g.id.casefold(), g.title.casefold()}]
    if groups:
        return groups[0].title, groups[0].questions
    if article := library.articles.get(name):
        return article.title, _questions(library, article.questions)
    if chapter := library.chapters.get(name):
        asked = [library.groups[group] for group in chapter.question_groups if group in library.groups]
        if len(asked) > 1:  # together they are more than a page holds
            msg = f"the chapter {name!r} has {len(asked)} groups of questions, and a pack holds one"
            raise errors.UsageProblem(msg, hint=f"choose one with --topic: {', '.join(g.id for g in asked)}")
        return chapter.title, asked[0].questions if asked else ()
    known = {name.casefold(): name for g in library.groups.values() for name in (g.title, g.id)}
    known |= {slug: slug for slug in (*library.articles, *library.chapters)}
    msg = f"there is no topic {name!r}"
    raise errors.UsageProblem(msg, hint=_nearest(name, known) + _LIST)


def _nearest(name: str, known: Iterable[str]) -> str:
    """Begin a hint with the names that are most like a mistyped one."""
    near = difflib.get_close_matches(name.casefold(), list(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}? " if near else ""


def _refuse_too_many(questions: Sequence[model.Question], most: int, *, large: bool) -> None:
    if not questions:
        msg = "there is no question in this topic"
        raise errors.UsageProblem(msg, hint=_LIST)
    if len(questions) > most:
        page = "a page in large print" if large else "a page"
        msg = f"{len(questions)} questions do not fit: {page} holds {most}"
        ids = " ".join(question.id for question in questions)
        raise errors.UsageProblem(msg, hint=f"choose three for one visit, by their ids, from: {ids}")
