"""Reviewed by whom, and fresh until when.

A text that tells of treatment, criteria, law or crises counts for 12 months, any other for 24. Which ones those are,
content/recheck.toml says: it lists the facts that change, with the texts that use them and their sources. The sources
of a text expire with it: its `checked` says when all of them were looked at.
"""

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
EXPIRES_LATE = Check(
    "expires-late",
    BLOCK,
    "Every text is checked again in time: after 12 months where facts change, after 24 elsewhere.",
    "set an earlier `expires`",
)
REVIEW_EXPIRED = Check(
    "review-expired",
    BLOCK,
    "A review counts for as long as the text may: 12 months where facts change, 24 elsewhere.",
    "have the text read again and renew the review, or take the review out",
)
RECHECK = Check(
    "recheck-due",
    WARNING,
    "Facts that change are looked at again before they mislead somebody.",
    "look there, mend the texts that it names, and set `checked` to that day",
)
CHECKS = (MISSING, OUTDATED, REVIEW_EXPIRED, EXPIRED, TEXT_EXPIRED, EXPIRES_LATE, RECHECK)


def text(text: _texts.Text, facts: Sequence[model.Recheck], today: dt.date) -> Iterator[model.Finding]:
    """Yield what is wrong with a text's review and dates; a text that uses one of the `facts` counts for less long."""
    months = 12 if any(_uses(text, fact) for fact in facts) else 24
    yield from _reviewed(text, months, today)
    if text.writing.expires < today:
        yield TEXT_EXPIRED.at((text.name, text.line("expires")), f"this text expired on {text.writing.expires}")
    if text.writing.expires > _after(text.writing.checked, months):
        message = f"this text was checked on {text.writing.checked}, and counts for {months} months at most"
        yield EXPIRES_LATE.at((text.name, text.line("expires")), message)


def _reviewed(text: _texts.Text, months: int, today: dt.date) -> Iterator[model.Finding]:
    """Yield a finding when no clinician has read the text as it now stands, and not too long ago."""
    review = text.writing.review
    if review is None:
        yield MISSING.at((text.name, 0), "no clinician has reviewed this text")
    elif review.sha256 != fingerprint(text.writing.body):
        message = f"the body has changed since {review.reviewer} reviewed it on {review.reviewed}"
        yield OUTDATED.at((text.name, text.line("review")), message)
    elif _after(review.reviewed, months) < today:
        message = f"the review of {review.reviewed} is more than {months} months old"
        yield REVIEW_EXPIRED.at((text.name, text.line("review")), message)


def fingerprint(body: str) -> str:
    """Return what a review record holds in `sha256`: the digest of the body's UTF-8 bytes, in hex."""
    return hashlib.sha256(body.encode()).hexdigest()


def users(library: model.Library, today: dt.date) -> Iterator[model.Finding]:
    """Yield a finding for each edition still to be sent, and for the book, that uses a text past its date."""
    for spec in library.editions.values():
        if spec.not_after.date() >= today:
            used = [library.articles[slug] for slug in (spec.lead, *spec.read_next) if slug in library.articles]
            yield from _users(library, spec, used, today)
    if library.book:
        chapters = [library.chapters[slug] for slug in library.book.chapters if slug in library.chapters]
        yield from _users(library, library.book, chapters, today)


def rechecks(library: model.Library, texts: Sequence[_texts.Text], today: dt.date) -> Iterator[model.Finding]:
    """Yield a finding for each fact of content/recheck.toml whose day has passed."""
    for fact in library.rechecks.values():
        if fact.due < today:
            used = ", ".join(text.writing.slug for text in texts if _uses(text, fact)) or "no text"
            message = f"{fact.what}: looked at on {fact.checked}, due on {fact.due}; {fact.why}; used in {used}"
            place = (_texts.name(library.root / "recheck.toml", library.root), fact.line)
            yield RECHECK.at(place, message, f"look at {fact.look}, mend what has changed, and set `checked`")


def _uses(text: _texts.Text, fact: model.Recheck) -> bool:
    """Tell whether the fact names the text, or the text cites one of its sources or holds one of its words."""
    writing = text.writing
    slugs = fact.articles if isinstance(writing, model.Article) else fact.chapters
    if writing.slug in slugs or not set(fact.sources).isdisjoint(text.body.citations):
        return True
    return any(word in writing.body or word in writing.get_help for word in fact.words)


def _after(day: dt.date, months: int) -> dt.date:
    """Return the same day some whole years later; 29 February becomes the day after the 28th."""
    year = day.year + months // 12
    if year > dt.MAXYEAR:
        return dt.date.max
    try:
        return day.replace(year=year)
    except ValueError:
        return dt.date(year, 3, 1)


def _users(
    library: model.Library,
    user: model.EditionSpec | model.BookSpec,
    used: Sequence[model.Article | model.Chapter],
    today: dt.date,
) -> Iterator[model.Finding]:
    for writing in used:
        if writing.expires < today:
            raw = content.text(user.path, library)
            offset = raw.find(f'"{writing.slug}"')
            place = (_texts.name(user.path, library.root), _texts.offset_line(raw, max(offset, 0)))
            yield EXPIRED.at(place, f"{writing.slug!r} expired on {writing.expires}")
