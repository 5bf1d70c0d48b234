"""What is put together, rendered and approved."""

import concurrent.futures
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from pipeline.model import _content, _findings


@dataclasses.dataclass(frozen=True, slots=True)
class Edition:
    """One digest, chosen and ordered: the specification with its articles in place."""

    spec: _content.EditionSpec
    lead: _content.Article
    read_next: tuple[_content.Article, ...]

    @property
    def articles(self) -> tuple[_content.Article, ...]:
        """The lead first, then the read-next list."""
        return (self.lead, *self.read_next)


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """The book, chosen and ordered. `only` names the editions to make, by id; none means all that are declared."""

    spec: _content.BookSpec
    chapters: tuple[_content.Chapter, ...]
    only: tuple[str, ...] = ()

    @property
    def editions(self) -> tuple[_content.BookEdition, ...]:
        """The editions to make, in the order in which they are declared."""
        return tuple(edition for edition in self.spec.editions if edition.id in self.only or not self.only)


@dataclasses.dataclass(frozen=True, slots=True)
class Pack:
    """Two pages to take to an appointment: the questions that were chosen, and the visit planner.

    `title` is what the questions are about, or "". `paper` is "a4" or "letter"; `large` is large print.
    """

    spec: _content.BookSpec
    title: str
    questions: tuple[_content.Question, ...]
    planner: _content.Worksheet
    paper: str = "a4"
    large: bool = False


_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """Who publishes: what every output prints. `base_url` has no slash at its end."""

    title: str
    organisation: str
    postal_address: str
    base_url: str
    sender: str
    sender_name: str
    list_id: str
    language: str
    contact: str

    @property
    def direction(self) -> str:
        """How the publication's language is written: "rtl" for Arabic, Hebrew and their like, otherwise "ltr"."""
        return "rtl" if self.language.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


class Store(Protocol):
    """Keeps what was costly to make, by key: lower-case letters, digits and hyphens. It may forget at any time."""

    def get(self, key: str) -> bytes | None:
        """Return what was put under `key` last, whole; None when it is not there."""

    def put(self, key: str, content: bytes) -> None:
        """Keep `content`; refuses when it cannot be written."""


def unheard(what: str, done: int, total: int) -> None:
    """Take a step of the work without telling anybody; `total` may grow while the work goes on."""


@dataclasses.dataclass(frozen=True, slots=True)
class Material:
    """What a format works with besides its edition or book.

    `day` is the day for which the public site is made: what becomes public later is held back. The last day there is,
    unless the caller names one: then everything is shown. `book` is what was built of the book when the site is made,
    with its files in `made`: its page offers them. The four behind it change how fast a format is, never what
    it makes: a store of earlier work, warm workers (none: it starts and ends its own), who is told of each step, and
    a digest of code, templates, libraries and identity, without which no page and no finding is taken from the store.
    """

    library: _content.Library
    identity: Identity
    templates: Path
    made: Mapping[str, bytes] = dataclasses.field(default_factory=dict)  # files of the formats that ran before
    day: dt.date = dt.date.max
    book: "Manifest | None" = None
    store: Store | None = None
    workers: concurrent.futures.Executor | None = None
    step: Callable[[str, int, int], None] = unheard
    mark: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Output:
    """One file of out/: its path below out/<edition>/ with forward slashes, and its bytes."""

    name: str
    content: bytes


def main_pdf(names: Iterable[str]) -> str | None:
    """Name the book's PDF for screens: the names of all other editions are longer by what they are for."""
    return min((name for name in names if name.endswith(".pdf")), key=lambda name: (len(name), name), default=None)


@dataclasses.dataclass(frozen=True, slots=True)
class Manifest:
    """What was built from what. Digests are SHA-256 in hex; `outputs` and `inputs` map name to digest."""

    subject: str  # edition slug, or "book"
    key: str  # digest of everything that goes in: inputs, settings, code and library versions
    outputs: Mapping[str, str]
    inputs: Mapping[str, str]
    versions: Mapping[str, str]

    digest: str  # digest of this manifest's own file: what an approval names


@dataclasses.dataclass(frozen=True, slots=True)
class Approval:
    """A person let exactly these bytes go out, with these waivers."""

    edition: str
    digest: str
    by: str
    at: dt.datetime
    waivers: tuple[_findings.Waiver, ...]
