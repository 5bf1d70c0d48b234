"""A CSV file of subscribers becomes rows and rejects, one line at a time.

A row is one line: an unclosed quotation mark spoils its own line and never swallows the readers
after it, a line that is not UTF-8 is a reject and not the end, and memory stays flat.
"""

import csv
import dataclasses
import datetime as dt
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TextIO

from pipeline import errors, model
from pipeline.audience import _addresses

ADDRESS_NAMES = ("email", "address", "e-mail")
OPTIONAL_NAMES = ("consent_at", "consent_source", "state")
LONGEST_LINE = 10_000  # characters
LONGEST_SOURCE = 200  # characters
SLACK = dt.timedelta(days=1)  # a date without a zone may be tomorrow's in UTC


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """One usable line: `line` is 1-based, `text` the line as it stands in the file."""

    line: int
    text: str = dataclasses.field(repr=False)
    address: str = dataclasses.field(repr=False)
    state: model.State
    consent_at: dt.datetime | None
    consent_source: str


@dataclasses.dataclass(frozen=True, slots=True)
class Reject:
    """One line that cannot be used, and why; `text` may hold an address and belongs in the rejects file only."""

    line: int
    reason: str
    text: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True)
class _Header:
    """What the first line says: the delimiter, and for each column its one accepted name."""

    delimiter: str
    columns: tuple[str, ...]


def read(path: Path, now: dt.datetime) -> Generator[Row | Reject, None, None]:
    """Yield every line below the header that is not blank, in order; refuse a file without a usable header."""
    try:
        # surrogateescape keeps the bytes of a bad line, so that it can be told apart and given back
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            lines = _lines(file)
            header = _header(path, next(lines, (1, ""))[1])
            for number, text in lines:
                if text.strip():
                    yield _row(number, text, header, now)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise errors.AudienceProblem(msg, hint="check the name of the file and the right to read it") from error


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Number the lines from 1; of one that is too long give one character more than the limit and skip the rest."""
    number = 0
    while text := file.readline(LONGEST_LINE + 1):
        number += 1
        rest = text
        while not rest.endswith("\n") and rest:
            rest = file.readline(LONGEST_LINE)
        yield number, text.removesuffix("\n")


def _header(path: Path, text: str) -> _Header:
    """Find out what each column is; refuse any that is not stored, for what is not needed must not be kept."""
    if not text.strip():
        msg = f"{path} is empty: its first line must name the columns"
        raise errors.AudienceProblem(msg, hint="write a first line with the column `email`")
    if "@" in text or not text.isprintable():  # never repeat it: it may be somebody's address
        msg = f"the first line of {path} does not name the columns"
        raise errors.AudienceProblem(msg, hint="save the table as CSV in UTF-8 with a first line such as: email,state")
    delimiter = next((sign for sign in ",;" if sign in text), ",")
    try:
        names = [cell.strip().casefold() for cell in _cells(text, delimiter)]
    except errors.AudienceProblem as problem:
        msg = f"{path} line 1: {problem.message}"
        raise errors.AudienceProblem(msg, hint="write a first line such as: email,state") from None
    unknown = [name for name in names if name not in (*ADDRESS_NAMES, *OPTIONAL_NAMES)]
    if unknown:
        msg = f"{path} has columns that are never stored: {', '.join(repr(name) for name in unknown)}"
        raise errors.AudienceProblem(msg, hint=f"take them out; allowed are email, {', '.join(OPTIONAL_NAMES)}")
    columns = tuple("email" if name in ADDRESS_NAMES else name for name in names)
    for name in ("email", *OPTIONAL_NAMES):
        if columns.count(name) > 1 or (name == "email" and name not in columns):
            msg = f"{path} has {columns.count(name)} columns for {name}"
            raise errors.AudienceProblem(msg, hint="each column must be there once at most, and `email` once")
    return _Header(delimiter, columns)


def _row(number: int, text: str, header: _Header, now: dt.datetime) -> Row | Reject:
    try:
        return _usable(number, text, header, now)
    except errors.AudienceProblem as problem:
        shown = text[:LONGEST_LINE]
        return Reject(number, problem.message, shown)


def _usable(number: int, text: str, header: _Header, now: dt.datetime) -> Row:
    """Read one line, or refuse it with a reason that names no address."""
    if len(text) > LONGEST_LINE:
        msg = f"the line is longer than {LONGEST_LINE:,} characters"
        raise errors.AudienceProblem(msg)
    if not _is_unicode(text):
        msg = "the line is not UTF-8 text"
        raise errors.AudienceProblem(msg)
    cells = _cells(text, header.delimiter)
    if len(cells) != len(header.columns):
        msg = f"the line has {len(cells)} columns, the header has {len(header.columns)}"
        raise errors.AudienceProblem(msg)
    values = {name: cell.strip() for name, cell in zip(header.columns, cells, strict=True)}
    return Row(
        line=number,
        text=text,
        address=_addresses.normalise(values["email"]),
        state=_state(values.get("state", "")),
        consent_at=_instant(values.get("consent_at", ""), now),
        consent_source=_source(values.get("consent_source", "")),
    )


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _cells(text: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error:
        msg = "the quotation marks do not match"
        raise errors.AudienceProblem(msg) from None


def _state(text: str) -> model.State:
    try:
        return model.State(text.casefold() or model.State.ACTIVE)
    except ValueError:
        msg = f"the state is not one of {', '.join(model.State)}"
        raise errors.AudienceProblem(msg) from None


def _instant(text: str, now: dt.datetime) -> dt.datetime | None:
    """Read an ISO date or time; UTC when it names no zone."""
    if not text:
        return None
    try:
        value = dt.datetime.fromisoformat(text)
        value = value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        msg = "consent_at is not an ISO date or time such as 2026-03-31 or 2026-03-31T10:00:00Z"
        raise errors.AudienceProblem(msg) from None
    if value > now + SLACK:
        msg = "consent_at lies in the future"
        raise errors.AudienceProblem(msg)
    return value


def _source(text: str) -> str:
    if len(text) > LONGEST_SOURCE or not text.isprintable():
        msg = f"consent_source is longer than {LONGEST_SOURCE} characters or has control characters"
        raise errors.AudienceProblem(msg)
    return text
