"""On which day what was written becomes public. Pure: a day comes in, and nothing here knows a clock."""

import dataclasses
import datetime as dt
from collections.abc import Mapping

from pipeline.model import _content


def opening(spec: _content.EditionSpec) -> dt.date:
    """Return the first day on which an edition may be read: its date, and not before the mail may go out."""
    return max(spec.date, spec.not_before.date())


def openings(library: _content.Library) -> Mapping[str, dt.date]:
    """Return by slug from which day on each article is public: its own, or that of the first edition that carries it.

    A mail's "Read more" must arrive, so an edition brings its articles with it.
    """
    days = {slug: article.published for slug, article in library.articles.items()}
    for spec in library.editions.values():
        for slug in (spec.lead, *spec.read_next):
            if slug in days:
                days[slug] = min(days[slug], opening(spec))
    return days


def public(library: _content.Library, day: dt.date) -> _content.Library:
    """Return the library as a reader may see it on `day`: without articles, editions and corrections of later days."""
    days = openings(library)
    return dataclasses.replace(
        library,
        articles={slug: article for slug, article in library.articles.items() if days[slug] <= day},
        editions={slug: spec for slug, spec in library.editions.items() if opening(spec) <= day},
        corrections=tuple(entry for entry in library.corrections if entry.date <= day),
    )


def turns(library: _content.Library) -> tuple[dt.date, ...]:
    """Return, in order, the days on which something new becomes public."""
    days = {*openings(library).values(), *(opening(spec) for spec in library.editions.values())}
    return tuple(sorted(days | {entry.date for entry in library.corrections}))


def last_turn(library: _content.Library, day: dt.date) -> dt.date:
    """Return the last of these days up to `day`; the first day there is when nothing is public yet."""
    return max((turn for turn in turns(library) if turn <= day), default=dt.date.min)
