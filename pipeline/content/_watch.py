"""What must be watched: facts that change, sources that count no more, and hard names that texts may use."""

import calendar
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

import pydantic

from pipeline import model
from pipeline.content import _banks, _files
from pipeline.content._banks import Id, Strict, Text


class _Recheck(Strict):
    id: Id
    what: Text
    why: Text
    look: Text
    checked: dt.date
    limit: Annotated[str, pydantic.Field(pattern=r"^[1-9]\d{0,2} (days?|months?)$")]
    chapters: tuple[Id, ...] = ()
    articles: tuple[Id, ...] = ()
    sources: tuple[Id, ...] = ()
    words: tuple[Text, ...] = ()

    @pydantic.model_validator(mode="after")
    def _used(self) -> Self:
        if not (self.chapters or self.articles or self.sources or self.words):
            msg = "names no chapters, articles, sources or words: say where the fact is used"
            raise ValueError(msg)
        return self


class _Superseded(Strict):
    id: Id
    kind: Literal["retracted", "superseded"]
    reason: Text
    replacement: Id | Literal[""] = ""

    @pydantic.model_validator(mode="after")
    def _replaced(self) -> Self:
        if self.kind == "superseded" and not self.replacement:
            msg = "a superseded source needs its replacement"
            raise ValueError(msg)
        return self


class _Name(Strict):
    name: Text
    explained: Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=10)]
    also: tuple[Text, ...] = ()

    @property
    def id(self) -> str:
        return self.name.casefold()


def rechecks(desk: _files.Desk) -> dict[str, model.Recheck]:
    """Read recheck.toml, when there is one: facts that may change, each with the day by which to look again."""
    return _kept(desk, _rechecks, "recheck.toml")


def _rechecks(desk: _files.Desk, path: Path) -> dict[str, model.Recheck]:
    rows = _banks.tables(desk, path, "fact", _Recheck)
    return _banks.unique(desk, path, [(_recheck(fact, line), line) for fact, line in rows])


def _recheck(fact: _Recheck, line: int) -> model.Recheck:
    fields = {name: getattr(fact, name) for name in _Recheck.model_fields if name != "limit"}
    return model.Recheck(due=_later(fact.checked, fact.limit), line=line, **fields)


def _later(day: dt.date, limit: str) -> dt.date:
    """Return the last day of the limit; 31 January and a month is the last day of February."""
    number, unit = limit.split()
    try:
        if unit.startswith("day"):
            return day + dt.timedelta(days=int(number))
        years, month = divmod(day.month - 1 + int(number), 12)
        year = day.year + years
        return day.replace(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    except (OverflowError, ValueError):  # beyond the last year there is
        return dt.date.max


def superseded(desk: _files.Desk) -> dict[str, model.Superseded]:
    """Read superseded.toml, when there is one: sources that were retracted or replaced."""
    return _kept(desk, _sources, "superseded.toml")


def _sources(desk: _files.Desk, path: Path) -> dict[str, model.Superseded]:
    rows = _banks.tables(desk, path, "source", _Superseded)
    items = [(model.Superseded(s.id, s.kind, s.reason, s.replacement, line), line) for s, line in rows]
    return _banks.unique(desk, path, items)


def names(desk: _files.Desk) -> dict[str, model.Name]:
    """Read names.toml, when there is one: medicines, tests and the like that no plainer word can replace."""
    return _kept(desk, _names, "names.toml")


def _names(desk: _files.Desk, path: Path) -> dict[str, model.Name]:
    rows = _banks.tables(desk, path, "name", _Name)
    found = _banks.unique(desk, path, rows)
    lines = {id(name): line for name, line in rows}
    return {key: model.Name(n.name, n.explained, n.also, lines[id(n)]) for key, n in found.items()}


def _kept(
    desk: _files.Desk, read: Callable[[_files.Desk, Path], dict[str, _files.Made]], name: str
) -> dict[str, _files.Made]:
    path = desk.root / name
    return desk.kept(read, path) if path.exists() else {}
