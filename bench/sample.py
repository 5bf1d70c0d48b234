"""What is measured: the newest edition of content/, or a made-up one while there is none."""

import dataclasses
import datetime as dt
from pathlib import Path

import measure

from pipeline import config, edition, errors, model, office

SLUGS = ("one", "two", "three", "four")
BODY = """\
A scan shows places, not feelings [@made2026]. What it shows, and what it cannot show, takes a few words to say, and
this is a made-up text of about the length that an article has: a digest made of it weighs what a digest weighs.

- The first thing is usually **short** and easy to overlook.
- The second thing takes longer, and a list has room for it.

## What does it tell you?

It tells you what to ask next. A person who has the words for a question is half way to the answer [@made2026].

::: note A made-up note
It holds a sentence or two, as notes do.
:::
"""
PICTURE = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1200 675">
<rect width="1200" height="675" fill="#fdfbf7"/>
<path d="M140 560C300 120 520 620 700 300S1010 120 1080 200" fill="none" stroke="#2f8f9d" stroke-width="26"/></svg>"""


def desk() -> office.Desk:
    """Return the publication as it is set up here."""
    return office.sit_down(config.load(config.find(measure.ROOT)))


def newest() -> tuple[office.Desk, model.Edition]:
    """Return the desk and its newest edition; a desk with a made-up edition while content/ has none that is sound."""
    found = desk()
    try:
        return found, edition.edition(found.library, edition.newest(found.library))
    except errors.Problem:
        library = _library(found.library.root)
        return dataclasses.replace(found, library=library, findings=()), edition.edition(library, "made-up")


def _library(root: Path) -> model.Library:
    questions = tuple(model.Question(f"q-{n}", "q", f"Is this question {n} of three?") for n in (1, 2, 3))
    spec = _spec(root)
    return model.Library(
        root=root,
        articles={slug: _article(root, slug) for slug in SLUGS},
        chapters={},
        editions={spec.slug: spec},
        book=None,
        sources={"made2026": model.Source("made2026", {"id": "made2026", "type": "webpage", "title": "Made up"}, 1)},
        questions={question.id: question for question in questions},
        groups={"q": model.QuestionGroup("q", "Questions", questions)},
        terms={},
        worksheets={},
        waivers=(),
        images={f"{slug}.svg": PICTURE for slug in SLUGS},
    )


def _article(root: Path, slug: str) -> model.Article:
    return model.Article(
        slug=slug,
        path=root / "articles" / f"{slug}.md",
        title=f"A made-up article, number {slug}",
        summary="What is known about this, what is not, and what you can ask about it, in plain words.",
        topic="Care",
        published=dt.date(2026, 11, 24),
        checked=dt.date(2098, 11, 22),
        expires=dt.date(2099, 11, 22),
        image=f"{slug}.svg",
        image_alt="A line that rises and falls.",
        questions=("q-1", "q-2", "q-3"),
        get_help="Call your team the same day if a new symptom has lasted for a day.",
        related=(),
        review=None,
        body=BODY,
        body_line=1,
    )


def _spec(root: Path) -> model.EditionSpec:
    return model.EditionSpec(
        slug="made-up",
        path=root / "editions" / "made-up.toml",
        number=1,
        date=dt.date(2026, 11, 24),
        title="A made-up edition",
        subject="A made-up subject of the usual length",
        preheader="Three questions for your next visit, and why one of them matters.",
        intro="Every month we take **one question** that readers ask.\n\nThis time it is a made-up one.",
        lead=SLUGS[0],
        read_next=SLUGS[1:],
        not_before=dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC),
        not_after=dt.datetime(2099, 11, 22, tzinfo=dt.UTC),
        audience="all",
        book=model.BookCall(heading="The book", text="All chapters in one file.", button="Download the book"),
    )
