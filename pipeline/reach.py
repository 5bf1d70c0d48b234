"""What a text can reach of the library, and no more: itself, what it cites, explains, asks, shows and leads to.

What is rendered from such a part depends on nothing outside of it, so that a digest of the part tells whether it must
be rendered again. What is missing in it cannot be rendered: no page can come from something that was not counted.
"""

import dataclasses
import functools
import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pipeline import markup, model

T = TypeVar("T")
_KINDS = ("citation", "term", "image", "article")
_BANKS = ("articles", "chapters", "editions", "sources", "questions", "groups", "terms", "worksheets", "images")
_MOST_SUMS = 20_000
_SUMS: dict[int, tuple[object, Path, str]] = {}  # by its id: a value stays as long as that stands here


def article(library: model.Library, article: model.Article) -> model.Library:
    """Return the article, with what its body, its help lines and its head name."""
    return _part(library, (article,), article.related, ())


def edition(library: model.Library, edition: model.Edition) -> model.Library:
    """Return the edition and its articles, with what they and its introduction name."""
    part = _part(library, edition.articles, (), (edition.spec.intro,))
    return dataclasses.replace(part, editions={edition.spec.slug: edition.spec})


@functools.lru_cache(maxsize=16_384)  # one for each article, so that its digest is taken once
def head(article: model.Article) -> model.Article:
    """Return an article without its text: what a list, or a page that leads to it, may say of it."""
    return dataclasses.replace(article, body="", body_line=0, get_help="", questions=(), related=(), review=None)


def digest(library: model.Library) -> str:
    """Return a digest of all values of a library that an output can show, drawings included.

    The lines of sources and terms are left out: only an error names them, and an error is never kept.
    """
    root, said = library.root, []
    for bank in _BANKS:
        said += [f"{bank} {name} {sum_of(value, root)}" for name, value in getattr(library, bank).items()]
    said += [sum_of(value, root) for value in (library.book, library.index, *library.corrections)]
    return hashlib.sha256("\n".join([root.name, *said]).encode("utf-8", "surrogatepass")).hexdigest()


def sum_of(value: object, root: Path) -> str:
    """Return a digest of a value, the same wherever the folder stands; it is taken once while the value is in use.

    What was read is never changed: the same object has the same digest.
    """
    if isinstance(value, bytes):
        return _sum_of_bytes(value)
    known = _SUMS.get(id(value))
    if known and known[0] is value and known[1] == root:
        return known[2]
    if len(_SUMS) >= _MOST_SUMS:
        _SUMS.clear()
    shown = dataclasses.replace(value, line=0) if isinstance(value, model.Source | model.Term) else value
    made = hashlib.sha256(told(shown, root).encode("utf-8", "surrogatepass")).hexdigest()
    _SUMS[id(value)] = value, root, made
    return made


@functools.lru_cache(maxsize=4096)  # files of content/, which are read again for each build
def _sum_of_bytes(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def told(value: object, root: Path) -> str:
    """Return a value in words, the same wherever the folder stands that `root`, its content/, is in."""
    start = repr(f"{root.parent.as_posix()}/")[:-1]
    return repr(value).replace(start, start[0])


def _part(
    library: model.Library,
    articles: Iterable[model.Article],
    related: Iterable[str],
    texts: Iterable[str],
) -> model.Library:
    whole = {item.slug: item for item in articles}
    own = (text for item in whole.values() for text in (item.body, item.get_help))
    found = [_named(text) for text in (*own, *texts)]
    named = {kind: set().union(*(names[kind] for names in found)) for kind in _KINDS}
    led_to = _chosen(library.articles, named["article"].union(related) - whole.keys())
    return model.Library(
        root=library.root,
        articles=whole | {slug: head(item) for slug, item in led_to.items()},
        chapters={},
        editions={},
        book=library.book,
        sources=_chosen(library.sources, named["citation"]),
        questions=_chosen(library.questions, {name for item in whole.values() for name in item.questions}),
        groups={},
        terms=_chosen(library.terms, named["term"]),
        worksheets={},
        waivers=(),
        images=_chosen(library.images, named["image"] | {item.image for item in whole.values()}),
        corrections=tuple(note for note in library.corrections if note.kind == "article" and note.slug in whole),
    )


@functools.lru_cache(maxsize=16_384)
def _named(text: str) -> Mapping[str, frozenset[str]]:
    """Return the names of each kind that a text uses."""
    references = markup.outline(text).references
    return {kind: frozenset(ref.target for ref in references if ref.kind == kind) for kind in _KINDS}


def _chosen(bank: Mapping[str, T], names: Collection[str]) -> dict[str, T]:
    """Return the entries of these names, in the order of the names; what is not there is not there."""
    return {name: bank[name] for name in sorted(bank.keys() & names)}
