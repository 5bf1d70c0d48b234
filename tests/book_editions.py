"""The sample book in all four editions, made once a run with a store in memory, and the means to make it again."""

import dataclasses
import functools
from collections.abc import Callable

import samples
import samples_book

from pipeline import content, model
from pipeline.formats import book as format_book
from pipeline.formats.book import crew


class Memory:
    """A store that keeps all it is given, and remembers what it was asked for."""

    def __init__(self, kept: dict[str, bytes] | None = None) -> None:
        self.kept = dict(kept or {})

    def get(self, key: str) -> bytes | None:
        return self.kept.get(key)

    def put(self, key: str, content: bytes) -> None:
        self.kept[key] = content


class Told:
    """Hears of the steps of a build."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.counts: list[tuple[int, int]] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        self.steps.append(what)
        self.counts.append((done, total))

    @property
    def laid_out(self) -> list[str]:
        """The parts that were laid out, as edition and part."""
        return [step for step in self.steps if not step.endswith((": joined", ": judged"))]


@functools.cache
def declared() -> tuple[model.BookEdition, ...]:
    """Return the editions that content/book/book.toml declares."""
    library, _ = content.load(samples.ROOT / "content")
    assert library.book is not None
    return library.book.editions


def sample(*ids: str) -> model.Book:
    """Return the sample book in these editions, or in all that are declared."""
    book = samples_book.book()
    return dataclasses.replace(book, spec=dataclasses.replace(book.spec, editions=declared()), only=ids)


def edited(book: model.Book, change: Callable[[str], str], number: int = 1) -> model.Book:
    """Return the book with the text of its last chapter changed."""
    chapters = list(book.chapters)
    chapters[number] = dataclasses.replace(chapters[number], body=change(chapters[number].body))
    return dataclasses.replace(book, chapters=tuple(chapters))


def render(
    book: model.Book, store: model.Store | None = None, told: Told | None = None, size: int = 2
) -> dict[str, bytes]:
    """Render with fresh workers; return the files by name."""
    with crew.Crew(size) as workers:
        material = dataclasses.replace(
            samples_book.material(), store=store, workers=workers, step=told or model.unheard
        )
        return {output.name: output.content for output in format_book.render(book, material)}


@functools.cache
def whole() -> tuple[dict[str, bytes], Memory]:
    """Return the files of all editions, and the store that was filled while they were made."""
    store = Memory()
    return render(sample(), store), store
