"""Reviewed by whom, and fresh until when."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

from pipeline import content, model
from pipeline.checks import _texts
from pipeline.checks._check import BLOCK, WARNING, Check

MISSING = Check(
    "review-missing",
    BLOCK,
    "No reader takes a text for medically reviewed that is not.",
    "have a clinician read the text and add the review to its head, or waive this in content/waivers.toml",
)
OUTDATED = Check(
    "review-outdated",
    BLOCK,
    "A review counts for the words that were read, and for no others.",
    "have the changed text read again and renew the review, or take the review out",
)
EXPIRED = Check(
    "expired",
    BLOCK,
    "No edition and no book goes out with a text that is past its date.",
    "check the text's sources again and renew its `checked` and `expires`, or leave it out",
)
TEXT_EXPIRED = Check(
    "text-expired",
    WARNING,
    "Texts that are past their date are seen before somebody uses them.",
    "check the sources again and renew `checked` and `expires`",
)
CHECKS = (MISSING, OUTDATED, EXPIRED, TEXT_EXPIRED)


def reviews(texts: Sequence[_texts.Text]) -> Iterator[model.Finding]:
    """Yield a finding for each text that no clinician has read as it now stands."""
    for text in texts:
        review = text.writing.review
        if review is None:
            yield MISSING.at((text.name, 0), "no clinician has reviewed this text")
        elif review.sha256 != fingerprint(text.writing.body):
            message = f"the body has changed since {review.reviewer} reviewed it on {review.reviewed}"
            yield OUTDATED.at((text.name, text.line("review")), message)


def fingerprint(body: str) -> str:
    """Return what a review record holds in `sha256`: the digest of the body's UTF-8 bytes, in hex."""
    return hashlib.sha256(body.encode()).hexdigest()


def dates(library: model.Library, texts: Sequence[_texts.Text], today: dt.date) -> Iterator[model.Finding]:
    """Yield a finding for each text past its date, and for each edition still to be sent and book that uses one."""
    for text in texts:
        if text.writing.expires < today:
            message = f"this text expired on {text.writing.expires}"
            yield TEXT_EXPIRED.at((text.name, text.line("expires")), message)
    for spec in library.editions.values():
        if spec.not_after.date() >= today:
            used = [library.articles[slug] for slug in (spec.lead, *spec.read_next) if slug in library.articles]
            yield from _users(library, spec, used, today)
    if library.book:
        chapters = [library.chapters[slug] for slug in library.book.chapters if slug in library.chapters]
        yield from _users(library, library.book, chapters, today)


def _users(
    library: model.Library,
    user: model.EditionSpec | model.BookSpec,
    used: Sequence[model.Article | model.Chapter],
    today: dt.date,
) -> Iterator[model.Finding]:
    raw = content.text(user.path)
    for writing in used:
        if writing.expires < today:
            offset = raw.find(f'"{writing.slug}"')
            place = (_texts.name(user.path, library.root), _texts.offset_line(raw, max(offset, 0)))
            yield EXPIRED.at(place, f"{writing.slug!r} expired on {writing.expires}")
