"""What a text can reach of the library, and no more: itself, what it cites, explains, asks, shows and leads to.

What is rendered from such a part depends on nothing outside of it, so that a digest of the part tells whether it must
be rendered again. What is missing in it cannot be rendered: no page can come from something that was not counted.
"""

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pipeline import markup, model

T = TypeVar("T")


def article(library: model.Library, article: model.Article) -> model.Library:
    """Return the article, with what its body, its help lines and its head name."""
    return _part(library, (article,), article.related, ())


def edition(library: model.Library, edition: model.Edition) -> model.Library:
    """Return the edition and its articles, with what they and its introduction name."""
    part = _part(library, edition.articles, (), (markup.parse(edition.spec.intro),))
    return dataclasses.replace(part, editions={edition.spec.slug: edition.spec})


def head(article: model.Article) -> model.Article:
    """Return an article without its text: what a list, or a page that leads to it, may say of it."""
    return dataclasses.replace(article, body="", body_line=0, get_help="", questions=(), related=(), review=None)


def digest(library: model.Library) -> str:
    """Return a digest of all values of a library that an output can show, drawings included.

    The lines of sources and terms are left out: only an error names them, and an error is never kept.
    """
    images = [(name, hashlib.sha256(content).hexdigest()) for name, content in library.images.items()]
    library = dataclasses.replace(
        library,
        sources={name: dataclasses.replace(source, line=0) for name, source in library.sources.items()},
        terms={name: dataclasses.replace(term, line=0) for name, term in library.terms.items()},
        waivers=(), names={}, rechecks={}, superseded={},
    )  # fmt: skip
    return hashlib.sha256(f"{told(library, library.root)}\n{images!r}".encode()).hexdigest()


def told(value: object, root: Path) -> str:
    """Return a value in words, the same wherever the folder stands that `root`, its content/, is in."""
    start = repr(f"{root.parent.as_posix()}/")[:-1]
    return repr(value).replace(start, start[0])


def _part(
    library: model.Library,
    articles: Iterable[model.Article],
    related: Iterable[str],
    documents: Iterable[markup.Document],
) -> model.Library:
    whole = {item.slug: item for item in articles}
    texts = [markup.parse(item.body, item.body_line) for item in whole.values()]
    texts += [markup.parse(item.get_help) for item in whole.values()]
    named: dict[str, set[str]] = {kind: set() for kind in ("citation", "term", "image", "article")}
    for document in (*texts, *documents):
        for reference in document.references:
            named.setdefault(reference.kind, set()).add(reference.target)
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


def _chosen(bank: Mapping[str, T], names: Iterable[str]) -> dict[str, T]:
    """Return the entries of these names, in the order of the names; what is not there is not there."""
    return {name: bank[name] for name in sorted(names) if name in bank}
