"""Articles, chapters, editions and the book: heads checked against a schema, bodies kept as they are."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, Protocol, Self, TypeVar

import pydantic

from pipeline import model
from pipeline.content import _files
from pipeline.content._banks import Id, Strict, Text

_SLUG: pydantic.TypeAdapter[str] = pydantic.TypeAdapter(Id)
Line = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]*$")]
Moment = Annotated[dt.datetime, pydantic.AfterValidator(_files.moment)]


class _Review(Strict):
    reviewer: Line
    reviewed: dt.date
    sha256: Annotated[str, pydantic.Field(pattern=r"^[0-9a-f]{64}$")]


class _Dated(Strict):
    """What every text that goes out of date has."""

    checked: dt.date
    expires: dt.date

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.expires <= self.checked:
            msg = f"expires {self.expires} is not after checked {self.checked}"
            raise ValueError(msg)
        return self


class _Article(_Dated):
    title: Line
    summary: Line
    topic: Line
    published: dt.date
    image: Line
    image_alt: Line
    questions: Annotated[tuple[Id, ...], pydantic.Field(min_length=3, max_length=3)]
    get_help: Text
    related: tuple[Id, ...] = ()
    review: _Review | None = None


class _Chapter(_Dated):
    number: Annotated[int, pydantic.Field(ge=1, le=99)]
    title: Annotated[Line, pydantic.Field(max_length=60)]  # three lines of the opening, two of the running head
    promise: Text
    in_short: Annotated[tuple[Text, ...], pydantic.Field(min_length=3, max_length=5)]
    question_groups: Annotated[tuple[Id, ...], pydantic.Field(min_length=1)]
    worksheet: Id
    get_help: Text
    review: _Review | None = None


class _BookCall(Strict):
    heading: Line
    text: Line
    button: Line


class _Sponsor(Strict):
    name: Line
    text: Line
    url: Line


class _Edition(Strict):
    number: Annotated[int, pydantic.Field(ge=1)]
    date: dt.date
    title: Line
    subject: Line
    preheader: Line
    intro: Text
    lead: Id
    read_next: Annotated[tuple[Id, ...], pydantic.Field(max_length=6)]
    not_before: Moment
    not_after: Moment
    audience: Literal["all"]
    book: _BookCall
    sponsor: _Sponsor | None = None

    @pydantic.model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.not_after <= self.not_before:
            msg = "not_after is not later than not_before"
            raise ValueError(msg)
        if len({self.lead, *self.read_next}) != 1 + len(self.read_next):
            msg = "an article stands twice in lead and read_next"
            raise ValueError(msg)
        return self


class _Change(Strict):
    version: Line
    date: dt.date
    text: Text


class _BookEdition(Strict):
    id: Id
    title: Line
    file: Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\.pdf$")]
    style: Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\.css$")]
    page: Line
    fill_in: pydantic.StrictBool
    archive: pydantic.StrictBool
    size_budget_kb: Annotated[pydantic.StrictInt, pydantic.Field(ge=1)]

    @pydantic.model_validator(mode="after")
    def _archive_is_not_filled_in(self) -> Self:
        if self.fill_in and self.archive:
            msg = "fill_in and archive are both true, and PDF/A knows no form fields"
            raise ValueError(msg)
        return self


class _Signpost(Strict):
    text: Line
    place: Line


class _Book(Strict):
    title: Line
    subtitle: Line
    version: Line
    date: dt.date
    notice: Text
    how_made: Text
    chapters: Annotated[tuple[Id, ...], pydantic.Field(min_length=1)]
    changes: tuple[_Change, ...] = ()
    sheets: tuple[Id, ...] = ()
    signposts: tuple[_Signpost, ...] = ()
    support: Text = ""
    edition: tuple[_BookEdition, ...] = ()


class _Slugged(Protocol):
    @property
    def slug(self) -> str: ...


Item = TypeVar("Item", bound=_Slugged)


def _slug(desk: _files.Desk, path: Path, slug: str) -> str | None:
    try:
        return _SLUG.validate_python(slug)
    except pydantic.ValidationError:
        message = f"the file name gives the slug {slug!r}"
        hint = "rename the file: lower-case letters, digits and single hyphens"
        desk.block("content-slug", path, 0, message, hint)
        return None


def _review(head: _Article | _Chapter) -> model.Review | None:
    return model.Review(**head.review.model_dump()) if head.review else None


def _unique(desk: _files.Desk, items: Iterable[tuple[Item, Path]]) -> dict[str, Item]:
    found: dict[str, Item] = {}
    for item, path in items:
        if item.slug in found:
            message = f"the slug {item.slug!r} is used by another file"
            desk.block("content-duplicate", path, 0, message, "rename one of the two files")
        else:
            found[item.slug] = item
    return found


def articles(desk: _files.Desk) -> dict[str, model.Article]:
    """Read content/articles/."""
    found = [(article, path) for path in desk.paths("articles", ".md") if (article := desk.kept(_article, path))]
    return _unique(desk, found)


def _article(desk: _files.Desk, path: Path) -> model.Article | None:
    read = desk.front_matter(path)
    slug = _slug(desk, path, path.stem)
    if read is None or slug is None:
        return None
    values, lines, body, body_line = read
    head = desk.validate(_Article, values, path, lines)
    if head is None:
        return None
    fields = {name: getattr(head, name) for name in _Article.model_fields if name != "review"}
    return model.Article(slug=slug, path=path, review=_review(head), body=body, body_line=body_line, **fields)


def chapters(desk: _files.Desk) -> dict[str, model.Chapter]:
    """Read content/book/NN-slug.md."""
    found = [(chapter, path) for path in desk.paths("book", ".md") if (chapter := desk.kept(_chapter, path))]
    return _unique(desk, found)


def _chapter(desk: _files.Desk, path: Path) -> model.Chapter | None:
    number, dash, rest = path.stem.partition("-")
    if not (dash and number.isdigit()):
        message = "the file name does not begin with the chapter's number"
        desk.block("content-slug", path, 0, message, "name it like 05-reading-your-mri.md")
        return None
    read = desk.front_matter(path)
    slug = _slug(desk, path, rest)
    if read is None or slug is None:
        return None
    values, lines, body, body_line = read
    head = desk.validate(_Chapter, values, path, lines)
    if head is None:
        return None
    if head.number != int(number):
        message = f"number is {head.number}, the file name says {int(number)}"
        desk.block("content-schema", path, _files.line_of(lines, ("number",)), message, "make the two agree")
    fields = {name: getattr(head, name) for name in _Chapter.model_fields if name != "review"}
    return model.Chapter(slug=slug, path=path, review=_review(head), body=body, body_line=body_line, **fields)


def editions(desk: _files.Desk) -> dict[str, model.EditionSpec]:
    """Read content/editions/."""
    found = [(edition, path) for path in desk.paths("editions", ".toml") if (edition := desk.kept(_edition, path))]
    numbers: dict[int, str] = {}
    for edition, path in found:
        if edition.number in numbers:
            message = f"issue number {edition.number} is already used by {numbers[edition.number]}"
            desk.block("content-duplicate", path, 0, message, "give this edition the next free number")
        numbers.setdefault(edition.number, edition.slug)
    return _unique(desk, found)


def _edition(desk: _files.Desk, path: Path) -> model.EditionSpec | None:
    read = desk.toml(path)
    slug = _slug(desk, path, path.stem)
    if read is None or slug is None:
        return None
    if slug in {"book", "site"}:
        desk.block(
            "content-slug", path, 0, f"an edition cannot be called {slug!r}", "rename the file: out/ uses that name"
        )
        return None
    values, lines = read
    head = desk.validate(_Edition, values, path, lines)
    if head is None:
        return None
    fields = {name: getattr(head, name) for name in _Edition.model_fields if name not in {"book", "sponsor"}}
    book = model.BookCall(**head.book.model_dump())
    sponsor = model.Sponsor(**head.sponsor.model_dump()) if head.sponsor else None
    return model.EditionSpec(slug=slug, path=path, book=book, sponsor=sponsor, **fields)


def book(desk: _files.Desk) -> model.BookSpec | None:
    """Read content/book/book.toml; None when there is no book."""
    path = desk.root / "book" / "book.toml"
    return desk.kept(_book, path) if path.exists() else None


def _book(desk: _files.Desk, path: Path) -> model.BookSpec | None:
    read = desk.toml(path)
    if read is None:
        return None
    head = desk.validate(_Book, read[0], path, read[1])
    if head is None:
        return None
    fields = {name: getattr(head, name) for name in _Book.model_fields if name not in {"changes", "edition"}}
    changes = tuple(model.Change(**change.model_dump()) for change in head.changes)
    editions = _book_editions(desk, path, read[1], head)
    return model.BookSpec(path=path, changes=changes, editions=editions, **fields)


def _book_editions(desk: _files.Desk, path: Path, lines: _files.Lines, head: _Book) -> tuple[model.BookEdition, ...]:
    """Return the declared editions, or the one for screens; no two may share an id or a file."""
    for key in ("id", "file"):
        seen: set[str] = set()
        for number, edition in enumerate(head.edition):
            value = getattr(edition, key)
            if value in seen:
                line = _files.line_of(lines, ("edition", number, key))
                hint = "give each edition of the book an id and a file of its own"
                desk.block("content-duplicate", path, line, f"the {key} {value!r} is used by two editions", hint)
            seen.add(value)
    return tuple(model.BookEdition(**edition.model_dump()) for edition in head.edition) or (model.BookEdition(),)
