"""The content itself: each text is judged once, and again when it, or what it is judged by, has changed.

What is kept of a text is kept by the text as a whole, by its file, and by everything else that its findings rest on.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Iterator, Mapping

from pipeline import markup, model
from pipeline.checks import _headings, _images, _links, _readability, _review, _sources, _texts, _words


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """What the texts are judged by. There is one for the same values: `_measure` keeps it."""

    names: frozenset[str]
    superseded: Mapping[str, model.Superseded]
    rechecks: tuple[model.Recheck, ...]
    today: dt.date


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a text, and what the judgement of others needs: its names and cited words."""

    findings: tuple[model.Finding, ...]
    names: frozenset[str]
    cited: tuple[str, ...]


def check(library: model.Library, today: dt.date) -> Iterator[model.Finding]:
    """Yield every finding of the files that people write, as of `today`."""
    raws = _texts.written(library)
    texts = _texts.of(library, raws)
    measure = _measure_of(library, today)
    judged = [(text.writing, _judged(text, measure)) for text in texts]
    for _, found in judged:
        yield from found.findings
    for name, raw in raws.items():
        yield from _words.written(name, raw)
    cited = {writing.slug: found.cited for writing, found in judged if isinstance(writing, model.Article)}
    for spec in library.editions.values():
        name = _texts.name(spec.path, library.root)
        yield from _introduction(name, spec.intro, _texts.key_line(raws[name], "intro"))
        yield from _sources.edition(spec, name, raws[name], cited)
    yield from _review.users(library, today)
    yield from _review.rechecks(library, texts, today)
    yield from _words.titles(library)
    yield from _sources.incomplete(library)
    yield from _readability.unused(library, frozenset[str]().union(*(found.names for _, found in judged)))


def sections(library: model.Library) -> list[_readability.Section]:
    """Return how hard each section of the articles and chapters is to read, file by file, from top to bottom."""
    names = _readability.names(library)
    return [section for text in _texts.of(library) for section in _readability.sections(text, names)[0]]


def _measure_of(library: model.Library, today: dt.date) -> Measure:
    superseded = tuple(library.superseded.values())
    return _measure(_readability.names(library), superseded, tuple(library.rechecks.values()), today)


@functools.lru_cache(maxsize=4)
def _measure(
    names: frozenset[str], superseded: tuple[model.Superseded, ...], rechecks: tuple[model.Recheck, ...], today: dt.date
) -> Measure:
    return Measure(names, {source.id: source for source in superseded}, rechecks, today)


@functools.lru_cache(maxsize=4096)  # texts: a preview asks again after every key stroke, of all but one the same
def _judged(text: _texts.Text, measure: Measure) -> Judged:
    sections, names = _readability.sections(text, measure.names)
    of_sources, cited = _sources.text(text, measure.superseded)
    found = [
        *_review.text(text, measure.rechecks, measure.today),
        *_words.broken(text),
        *_words.long(text),
        *_readability.check(sections),
        *of_sources,
        *_headings.source(text),
        *_links.source(text.name, text.body),
        *_links.source(text.name, text.get_help),
        *_images.source(text),
    ]
    return Judged(tuple(found), names, cited)


@functools.lru_cache(maxsize=512)
def _introduction(name: str, intro: str, line: int) -> tuple[model.Finding, ...]:
    document = markup.parse(intro, line)
    return (*_words.code(name, document), *_links.source(name, document))
