"""The shared banks: sources, questions, glossary, worksheets, waivers and drawings."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

import pydantic

from pipeline import model
from pipeline.content import _files

Id = Annotated[str, pydantic.Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Text = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=1)]


class Strict(pydantic.BaseModel):
    """A schema: an unknown key is a fault."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _Question(Strict):
    id: Id
    text: Text


class _Group(Strict):
    id: Id
    title: Text
    question: Annotated[tuple[_Question, ...], pydantic.Field(min_length=1)]


class _Term(Strict):
    id: Id
    name: Text
    definition: Text
    also: tuple[Text, ...] = ()


class _Field(Strict):
    id: Id
    label: Text
    kind: Literal["line", "area", "date", "tick"]


class _Table(Strict):
    columns: Annotated[tuple[Text, ...], pydantic.Field(min_length=1)]
    rows: Annotated[int, pydantic.Field(ge=1, le=40)]


class _Worksheet(Strict):
    id: Id
    title: Text
    intro: Text
    field: tuple[_Field, ...] = ()
    table: _Table | None = None


class _Waiver(Strict):
    code: Id
    reason: Annotated[str, pydantic.StringConstraints(strip_whitespace=True, min_length=10)]
    by: Text
    file: str = ""


class _Source(pydantic.BaseModel):
    """The few keys of a CSL record that must be there; the rest is CSL's own business."""

    model_config = pydantic.ConfigDict(extra="allow", frozen=True)

    id: Id
    type: Text
    title: Text


class _Named(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_Named)


def unique(desk: _files.Desk, path: Path, items: Iterable[tuple[Item, int]]) -> dict[str, Item]:
    """Key the items by id; a second one of the same id is a finding."""
    found: dict[str, Item] = {}
    first_line: dict[str, int] = {}
    for item, line in items:
        if item.id in found:
            message = f"the id {item.id!r} is already used on line {first_line[item.id]}"
            desk.block("content-duplicate", path, line, message, "give one of the two another id")
        else:
            found[item.id], first_line[item.id] = item, line
    return found


def tables(desk: _files.Desk, path: Path, key: str, kind: type[_files.Head]) -> list[tuple[_files.Head, int]]:
    """Read every [[key]] table of a bank with its line."""
    read = desk.toml(path)
    if read is None:
        return []
    values, lines = read
    for other in values.keys() - {key}:
        line = _files.line_of(lines, (other, 0))
        desk.block("content-schema", path, line, f"unknown key {other!r}", f"this file holds [[{key}]] tables")
    items = values.get(key, [])
    if not isinstance(items, list):
        desk.block("content-schema", path, 0, f"{key} is not a list of tables", f"write [[{key}]] before each")
        return []
    checked = [(desk.validate(kind, item, path, lines, (key, i)), (key, i)) for i, item in enumerate(items)]
    return [(item, _files.line_of(lines, place)) for item, place in checked if item is not None]


def groups(desk: _files.Desk) -> dict[str, model.QuestionGroup]:
    """Read questions.toml."""
    return desk.kept(_groups, desk.root / "questions.toml")


def _groups(desk: _files.Desk, path: Path) -> dict[str, model.QuestionGroup]:
    found = unique(desk, path, tables(desk, path, "group", _Group))
    seen: dict[str, str] = {}
    for group in found.values():
        for question in group.question:
            if question.id in seen:
                message = f"the question id {question.id!r} is used in {seen[question.id]!r} and {group.id!r}"
                line = _line_of_id(desk, path, question.id)
                desk.block("content-duplicate", path, line, message, "give one of the two another id")
            seen.setdefault(question.id, group.id)
    return {
        group.id: model.QuestionGroup(
            group.id, group.title, tuple(model.Question(q.id, group.id, q.text) for q in group.question)
        )
        for group in found.values()
    }


def _line_of_id(desk: _files.Desk, path: Path, id_: str) -> int:
    """Return the last line that gives this id: the one to change."""
    lines = (desk.text(path) or "").split("\n")
    pattern = re.compile(rf'"?\bid"?\s*[=:]\s*"{re.escape(id_)}"')
    return max((number for number, line in enumerate(lines, 1) if pattern.search(line)), default=0)


def terms(desk: _files.Desk) -> dict[str, model.Term]:
    """Read glossary.toml."""
    return desk.kept(_terms, desk.root / "glossary.toml")


def _terms(desk: _files.Desk, path: Path) -> dict[str, model.Term]:
    rows = tables(desk, path, "term", _Term)
    return unique(desk, path, [(model.Term(t.id, t.name, t.definition, t.also, line), line) for t, line in rows])


def worksheets(desk: _files.Desk) -> dict[str, model.Worksheet]:
    """Read worksheets.toml. A field's id is its name in the PDF, so it stands once in the whole file."""
    return desk.kept(_worksheets, desk.root / "worksheets.toml")


def _worksheets(desk: _files.Desk, path: Path) -> dict[str, model.Worksheet]:
    rows = tables(desk, path, "worksheet", _Worksheet)
    seen: dict[str, str] = {}
    for sheet, sheet_line in rows:
        if not sheet.field and not sheet.table:
            message = f"the worksheet {sheet.id!r} has nothing to fill in"
            hint = "give it a [[worksheet.field]] or a [worksheet.table], or take it out"
            desk.block("content-schema", path, sheet_line, message, hint)
        for field in sheet.field:
            if field.id in seen:
                message = f"the field id {field.id!r} is used in {seen[field.id]!r} and {sheet.id!r}"
                line = _line_of_id(desk, path, field.id)
                desk.block("content-duplicate", path, line, message, "give one of the two another id")
            seen.setdefault(field.id, sheet.id)
    return unique(desk, path, [(_worksheet(sheet), line) for sheet, line in rows])


def _worksheet(sheet: _Worksheet) -> model.Worksheet:
    return model.Worksheet(
        id=sheet.id,
        title=sheet.title,
        intro=sheet.intro,
        fields=tuple(model.WorksheetField(f.id, f.label, f.kind) for f in sheet.field),
        columns=sheet.table.columns if sheet.table else (),
        rows=sheet.table.rows if sheet.table else 0,
    )


def waivers(desk: _files.Desk) -> tuple[model.Waiver, ...]:
    """Read waivers.toml, when there is one: the findings that are let pass in the open."""
    path = desk.root / "waivers.toml"
    return desk.kept(_waivers, path) if path.exists() else ()


def _waivers(desk: _files.Desk, path: Path) -> tuple[model.Waiver, ...]:
    rows = tables(desk, path, "waiver", _Waiver)
    return tuple(model.Waiver(w.code, w.file, w.reason, w.by, line) for w, line in rows)


def sources(desk: _files.Desk) -> dict[str, model.Source]:
    """Read sources.json, a list of CSL JSON records."""
    return desk.kept(_sources, desk.root / "sources.json")


def _sources(desk: _files.Desk, path: Path) -> dict[str, model.Source]:
    read = desk.json(path)
    if read is None:
        return {}
    records, text = read
    if not isinstance(records, list):
        desk.block("content-schema", path, 1, "is not a list of CSL JSON records", "begin it with [ and end it with ]")
        return {}
    places = _id_lines(text)
    return unique(
        desk, path, [found for i, record in enumerate(records) if (found := _source(desk, i, record, places))]
    )


def _source(desk: _files.Desk, index: int, record: Any, places: Mapping[int, int]) -> tuple[model.Source, int] | None:
    line = places.get(index, 0)
    path = desk.root / "sources.json"
    checked = desk.validate(_Source, record, path, {("source",): line}, ("source",))
    return (model.Source(checked.id, record, line), line) if checked else None


def _id_lines(text: str) -> dict[int, int]:
    """Map the n-th record to the line of its id: an id stands in no other place of CSL JSON."""
    found = (number for number, line in enumerate(text.split("\n"), 1) if re.match(r'\s*\{?\s*"id"\s*:', line))
    return dict(enumerate(found))
