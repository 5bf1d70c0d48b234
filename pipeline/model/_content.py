"""What an editor wrote, validated."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.model import _findings


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """One cited source; `csl` is its CSL JSON record, unchanged."""

    id: str
    csl: Mapping[str, Any]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Question:
    """One question for the doctor's room; the same id in mail, web, PDF and EPUB."""

    id: str
    group: str
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class QuestionGroup:
    """A named list of questions."""

    id: str
    title: str
    questions: tuple[Question, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """A glossary entry; `also` are other words with the same meaning."""

    id: str
    name: str
    definition: str
    also: tuple[str, ...]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Name:
    """A hard name that a plain text may still use, such as a medicine's; `explained` says what it is."""

    name: str
    explained: str
    also: tuple[str, ...]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Recheck:
    """A fact that may change: looked at on `checked`, to be looked at again by `due`, and where it is used.

    A text uses it that is named, that cites one of the sources, or that holds one of the `words`.
    """

    id: str
    what: str
    why: str
    look: str
    checked: dt.date
    due: dt.date
    chapters: tuple[str, ...]
    articles: tuple[str, ...]
    sources: tuple[str, ...]
    words: tuple[str, ...]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Superseded:
    """A source that counts no more: `kind` is retracted or superseded; `replacement` is another source's id, or ""."""

    id: str
    kind: str
    reason: str
    replacement: str
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Correction:
    """A mistake that readers may have seen. `kind` is article, chapter, edition or book; `slug` is "" for the book."""

    date: dt.date
    kind: str
    slug: str
    wrong: str
    changed: str
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class WorksheetField:
    """One thing to fill in: kind is line, area, date or tick."""

    id: str
    label: str
    kind: str


@dataclasses.dataclass(frozen=True, slots=True)
class Worksheet:
    """A form of the book: single fields, or a table of empty rows, or both."""

    id: str
    title: str
    intro: str
    fields: tuple[WorksheetField, ...]
    columns: tuple[str, ...]
    rows: int


@dataclasses.dataclass(frozen=True, slots=True)
class Review:
    """A named clinician has read the text whose SHA-256 this is."""

    reviewer: str
    reviewed: dt.date
    sha256: str


@dataclasses.dataclass(frozen=True, slots=True)
class Article:
    """One article as the editor wrote it; `body` is Markdown and starts on line `body_line` of `path`."""

    slug: str
    path: Path
    title: str
    summary: str
    topic: str
    published: dt.date
    checked: dt.date
    expires: dt.date
    image: str
    image_alt: str
    questions: tuple[str, ...]
    get_help: str
    related: tuple[str, ...]
    review: Review | None
    body: str
    body_line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter of the book as the editor wrote it."""

    slug: str
    path: Path
    number: int
    title: str
    promise: str
    in_short: tuple[str, ...]
    checked: dt.date
    expires: dt.date
    question_groups: tuple[str, ...]
    worksheet: str
    get_help: str
    review: Review | None
    body: str
    body_line: int


@dataclasses.dataclass(frozen=True, slots=True)
class BookCall:
    """The call to download the book at the foot of a digest."""

    heading: str
    text: str
    button: str


@dataclasses.dataclass(frozen=True, slots=True)
class Sponsor:
    """Who pays towards an edition, in the publisher's plain words: no picture, and one address for every reader."""

    name: str
    text: str
    url: str


@dataclasses.dataclass(frozen=True, slots=True)
class EditionSpec:
    """An edition as the editor wrote it: which articles, in what order, with which words."""

    slug: str
    path: Path
    number: int
    date: dt.date
    title: str
    subject: str
    preheader: str
    intro: str
    lead: str
    read_next: tuple[str, ...]
    not_before: dt.datetime
    not_after: dt.datetime
    audience: str
    book: BookCall
    sponsor: Sponsor | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What changed in one version of the book."""

    version: str
    date: dt.date
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class IndexEntry:
    """A heading of the book's index, with places that are about it and words to look for.

    `find` are the words, `only_in` places to which the search keeps, `at` places that are about it as a whole;
    `see` and `see_also` are other headings.
    """

    heading: str
    find: tuple[str, ...]
    only_in: tuple[str, ...]
    at: tuple[str, ...]
    see: tuple[str, ...]
    see_also: tuple[str, ...]
    subs: tuple["IndexEntry", ...]
    line: int


@dataclasses.dataclass(frozen=True, slots=True)
class Signpost:
    """A line above the contents that leads to a place at once: warning signs, support lines."""

    text: str
    place: str


@dataclasses.dataclass(frozen=True, slots=True)
class BookEdition:
    """One PDF of the book. `style` is a file of templates/book; `size_budget_kb` counts thousands of bytes."""

    id: str = "screen"
    title: str = "For screens"
    file: str = "navigating-your-ms-care.pdf"
    style: str = "screen.css"
    page: str = "A5"  # told to readers; the style sheet sets the size
    fill_in: bool = True  # form fields; else lines to write on
    archive: bool = False  # PDF/A-3a beside PDF/UA-1; never with form fields
    size_budget_kb: int = 3000


@dataclasses.dataclass(frozen=True, slots=True)
class BookSpec:
    """The book as the editor wrote it."""

    path: Path
    title: str
    subtitle: str
    version: str
    date: dt.date
    notice: str
    how_made: str
    chapters: tuple[str, ...]
    changes: tuple[Change, ...]
    editions: tuple[BookEdition, ...] = (BookEdition(),)  # the first one's page numbers are those of pages.json
    sheets: tuple[str, ...] = ()  # worksheets that stand behind the chapters
    signposts: tuple[Signpost, ...] = ()
    support: str = ""  # where to turn in distress: printed with the notice where no chapter is at hand


@dataclasses.dataclass(frozen=True, slots=True)
class Library:
    """All of content/, validated. Every mapping is keyed by id or slug, in the files' order."""

    root: Path
    articles: Mapping[str, Article]
    chapters: Mapping[str, Chapter]
    editions: Mapping[str, EditionSpec]
    book: BookSpec | None
    sources: Mapping[str, Source]
    questions: Mapping[str, Question]
    groups: Mapping[str, QuestionGroup]
    terms: Mapping[str, Term]
    worksheets: Mapping[str, Worksheet]
    waivers: tuple[_findings.Waiver, ...]
    images: Mapping[str, bytes] = dataclasses.field(repr=False)  # content/images by file name
    names: Mapping[str, Name] = dataclasses.field(default_factory=dict)
    rechecks: Mapping[str, Recheck] = dataclasses.field(default_factory=dict)
    superseded: Mapping[str, Superseded] = dataclasses.field(default_factory=dict)
    index: tuple[IndexEntry, ...] = ()
    corrections: tuple[Correction, ...] = ()
    # The bytes of each file that was read, by its name as findings print it: what the values above are made of.
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False, compare=False)
