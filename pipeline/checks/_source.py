"""The content itself: each text is judged once, and again when it, or what it is judged by, has changed.

What is kept of a text is kept by the text as a whole, by its file, and by everything else that its findings rest on:
in this process, and in a store for the next one. What rests on the day is never put into a store.
"""

import dataclasses
import datetime as dt
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline import markup, model, reach, store
from pipeline.checks import _headings, _images, _kept, _links, _readability, _review, _sources, _sponsor, _texts, _words


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Measure:
    """What the texts are judged by. There is one for the same values: `_measure` keeps it."""

    names: frozenset[str]
    superseded: Mapping[str, model.Superseded]

    @property
    def made_of(self) -> str:
        """All of it in words."""
        return repr((sorted(self.names), self.superseded))


@dataclasses.dataclass(frozen=True, slots=True)
class Judged:
    """What was found in a text, and what the judgement of others needs: its names and cited words."""

    findings: tuple[model.Finding, ...]
    names: frozenset[str]
    cited: tuple[str, ...]


def check(library: model.Library, today: dt.date, material: model.Material | None) -> Iterator[model.Finding]:
    """Yield every finding of the files that people write, as of `today`."""
    raws = _texts.written(library)
    texts = _texts.of(library, raws)
    measure, rechecks = _measure_of(library), tuple(library.rechecks.values())
    judged = list(
        zip((text.writing for text in texts), _all_judged(texts, measure, library.root, material), strict=True)
    )
    for _, found in judged:
        yield from found.findings
    for text in texts:
        yield from _reviewed(text, rechecks, today)
    of_texts = {text.name for text in texts}
    for name, raw in raws.items():
        if name not in of_texts:
            yield from _words.written(name, raw)
    cited = {writing.slug: found.cited for writing, found in judged if isinstance(writing, model.Article)}
    for spec in library.editions.values():
        name = _texts.name(spec.path, library.root)
        yield from _introduction(name, spec.intro, _texts.key_line(raws[name], "intro"))
        yield from _sources.edition(spec, name, raws[name], cited)
        yield from _sponsor.check(spec, library, name, raws[name])
    yield from _review.users(library, today)
    yield from _review.rechecks(library, texts, today)
    yield from _words.titles(library)
    yield from _sources.incomplete(library)
    yield from _readability.unused(library, frozenset[str]().union(*(found.names for _, found in judged)))


def broken(library: model.Library) -> Iterator[model.Finding]:
    """Yield what is broken in the Markdown and the headings of the book's chapters."""
    for text in _texts.of(library):
        if library.book and text.writing.slug in library.book.chapters and isinstance(text.writing, model.Chapter):
            yield from (*_words.broken(text), *_headings.source(text))


def sections(library: model.Library, material: model.Material | None) -> list[_readability.Section]:
    """Return how hard each section of the articles and chapters is to read, file by file, from top to bottom.

    What the store of `material` has of a text that is the same is not measured again.
    """
    names = _readability.names(library)
    if material is None:
        return [section for text in _texts.of(library) for section in _readability.sections(text, names)[0]]
    known = hashlib.sha256(repr(sorted(names)).encode()).hexdigest()
    found: list[_readability.Section] = []
    for text in _texts.of(library):
        made = store.recall(
            material, "reading", f"{known}\n{_said(text, library.root)}", functools.partial(_measured, text, names)
        )
        found += [_readability.Section(*row) for row in json.loads(made)]
    return found


def _measured(text: _texts.Text, names: frozenset[str]) -> bytes:
    return json.dumps([dataclasses.astuple(section) for section in _readability.sections(text, names)[0]]).encode()


def _measure_of(library: model.Library) -> Measure:
    return _measure(_readability.names(library), tuple(library.superseded.values()))


@functools.lru_cache(maxsize=4)
def _measure(names: frozenset[str], superseded: tuple[model.Superseded, ...]) -> Measure:
    return Measure(names, {source.id: source for source in superseded})


def _all_judged(
    texts: Iterable[_texts.Text], measure: Measure, root: Path, material: model.Material | None
) -> Iterator[Judged]:
    """Yield what was found in each text; of those that the store of `material` knows, what was found then."""
    said = hashlib.sha256(measure.made_of.encode()).hexdigest()
    for text in texts:
        if material is None or material.store is None:
            yield _judged(text, measure)
        else:
            made_of = f"{said}\n{_said(text, root)}"
            found, names, cited = json.loads(
                store.recall(material, "text", made_of, functools.partial(_put_down, text, measure))
            )
            yield Judged(tuple(_kept.read(found)), frozenset(names), tuple(cited))


def _said(text: _texts.Text, root: Path) -> str:
    """Return all of a text, the same wherever the folder stands."""
    return f"{text.name}\n{reach.sum_of(text.writing, root)}\n{text.raw}"


def _put_down(text: _texts.Text, measure: Measure) -> bytes:
    judged = _judged(text, measure)
    return json.dumps([_kept.rows(judged.findings), sorted(judged.names), judged.cited]).encode()


@functools.lru_cache(maxsize=4096)
def _reviewed(text: _texts.Text, rechecks: tuple[model.Recheck, ...], today: dt.date) -> tuple[model.Finding, ...]:
    return tuple(_review.text(text, rechecks, today))


@functools.lru_cache(maxsize=4096)  # texts: a preview asks again after every key stroke, of all but one the same
def _judged(text: _texts.Text, measure: Measure) -> Judged:
    sections, names = _readability.sections(text, measure.names)
    of_sources, cited = _sources.text(text, measure.superseded)
    found = [
        *_words.written(text.name, text.raw),
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
