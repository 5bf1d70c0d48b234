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


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """What changed in one version of the book."""

    version: str
    date: dt.date
    text: str


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
