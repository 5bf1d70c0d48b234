"""Reading one file of content/ into plain values, and knowing on which line each value stands."""

import contextlib
import datetime as dt
import functools
import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pydantic
import yaml

from pipeline import model, notes

Place = tuple[str | int, ...]  # where a value stands in its file: ("group", 2, "question", 0, "text")
Lines = Mapping[Place, int]  # place -> 1-based line
Head = TypeVar("Head", bound=pydantic.BaseModel)
Made = TypeVar("Made")

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]\]?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")  # XML and PDF have no place for them
_ODD = re.compile(r"[\t\ufeff]|\?\s")  # libyaml takes a few of these where PyYAML does not
_MOST_OPENED = 500  # signs that may begin something deeper: libyaml ends the process at some ten thousand
_TOO_DEEP = "holds too many brackets inside each other", "close each bracket, or take out what was pasted there"
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


class _Loader(yaml.SafeLoader):
    """Leaves dates as they are written: the schema judges them and so can name their line."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


_LIBYAML: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where PyYAML was built with it


class _Quick(_LIBYAML):  # type: ignore[misc]  # as above: its base may be one or the other
    """The same, by libyaml."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


def _loaded(text: str) -> tuple[Any, yaml.Node | None]:
    """Return the values of a YAML text and their nodes; what libyaml refuses, or would not, PyYAML judges and tells."""
    if not _ODD.search(text) and sum(map(text.count, "[{-:?")) <= _MOST_OPENED:
        with contextlib.suppress(yaml.YAMLError):
            return _composed(_Quick(text))
    return _composed(_Loader(text))


def _composed(loader: _Loader | _Quick) -> tuple[Any, yaml.Node | None]:
    node = loader.get_single_node()
    return loader.construct_document(node) if node else None, node


class Desk:
    """The folder being read and the findings so far. Each file is read once, and is the same to whoever asks."""

    def __init__(self, root: Path) -> None:
        """Start with no findings."""
        self.root = root
        self.findings: list[model.Finding] = []
        self.read: dict[Path, bytes] = {}  # all that was read

    def kept(self, read: Callable[["Desk", Path], Made], path: Path) -> Made:
        """Return what `read` makes of one file; of bytes that were read before, what it made then, findings and all.

        `read` may look at this one file and at nothing else, and nobody may change what it made.
        """
        try:
            data = self.bytes(path)
        except OSError:
            return read(self, path)  # which says so
        made: Made
        made, findings = _made(read, self.root, path, data)
        self.findings.extend(findings)
        return made

    def bytes(self, path: Path) -> bytes:
        """Read a file; raises OSError when it is missing or unreadable."""
        if path not in self.read:
            self.read[path] = path.read_bytes()
        return self.read[path]

    def name(self, path: Path) -> str:
        """Return the path as a person would say it: content/articles/x.md."""
        return path.relative_to(self.root.parent).as_posix()

    def block(self, code: str, path: Path, line: int, message: str, hint: str) -> None:
        """Note a blocking finding."""
        self.findings.append(model.Finding(code, model.Severity.BLOCK, self.name(path), line, message, hint))

    def paths(self, folder: str, suffix: str) -> list[Path]:
        """List the files of one kind, by name."""
        return sorted(p for p in (self.root / folder).glob(f"*{suffix}") if not p.name.startswith("."))

    def text(self, path: Path) -> str | None:
        """Read a UTF-8 file; None with a finding when it is missing, unreadable or not UTF-8."""
        try:
            data = self.bytes(path)
        except OSError as error:
            self.block("content-unreadable", path, 0, f"cannot be read: {error.strerror}", "put the file in its place")
            return None
        try:
            text = data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = data[: error.start].count(b"\n") + 1
            message = f"is not UTF-8 text (byte {error.start})"
            self.block("content-encoding", path, line, message, "save the file again as UTF-8")
            return None
        if match := _CONTROL.search(text):
            line = text.count("\n", 0, match.start()) + 1
            message = f"holds the control character U+{ord(match[0]):04X}, which is no letter"
            self.block(
                "content-encoding", path, line, message, "delete it: an editor may show it as a box or not at all"
            )
            return None
        return text

    def toml(self, path: Path) -> tuple[dict[str, Any], Lines] | None:
        """Read a TOML file with the line of each key."""
        text = self.text(path)
        if text is None:
            return None
        try:
            return tomllib.loads(text), toml_lines(text)
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"line (\d+)", str(error))
            line = int(found[1]) if found else text.count("\n") + 1
            self.block("content-syntax", path, line, f"is not valid TOML: {error}", "mend that line")
            return None
        except RecursionError:
            self.block("content-syntax", path, 0, *_TOO_DEEP)
            return None

    def json(self, path: Path) -> tuple[Any, str] | None:
        """Read a JSON file with its text, in which ids can be found again."""
        text = self.text(path)
        if text is None:
            return None
        try:
            return json.loads(text), text
        except json.JSONDecodeError as error:
            message = f"is not valid JSON: {error.msg} (column {error.colno})"
            self.block("content-syntax", path, error.lineno, message, "mend that line")
            return None
        except RecursionError:
            self.block("content-syntax", path, 0, *_TOO_DEEP)
            return None

    def front_matter(self, path: Path) -> tuple[dict[str, Any], Lines, str, int] | None:
        """Split a Markdown file into its head, the head's lines, its body and the body's first line."""
        text = self.text(path)
        if text is None:
            return None
        lines = text.split("\n")
        if lines[0].strip() != "---":
            self.block("content-front-matter", path, 1, "has no front matter", "begin the file with --- and its keys")
            return None
        end = next((i for i, line in enumerate(lines[1:], 1) if line.strip() == "---"), None)
        if end is None:
            message = "the front matter is opened with --- and never closed"
            self.block("content-front-matter", path, 1, message, "put a line --- after the last key")
            return None
        head = "\n".join(lines[1:end])
        kept = notes.taken("head", head, lambda: self._plain(path, head))
        read = (kept[0], {(key,): line for key, line in kept[1]}) if kept else self._yaml(path, head)
        return None if read is None else (*read, "\n".join(lines[end + 1 :]), end + 2)

    def _plain(self, path: Path, text: str) -> list[Any] | None:
        """Return values and lines of a head; None when it has a fault, or a value that JSON would alter."""
        lone = Desk(self.root)
        read = lone._yaml(path, text)
        if read is None or lone.findings:
            return None
        told = [read[0], [[key, line] for (key,), line in read[1].items()]]
        with contextlib.suppress(TypeError, ValueError, RecursionError):
            return told if repr(json.loads(json.dumps(told))) == repr(told) else None
        return None

    def _yaml(self, path: Path, text: str) -> tuple[dict[str, Any], Lines] | None:
        try:
            values, node = _loaded(text)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 2 if mark else 1
            message = f"the front matter is not valid YAML: {getattr(error, 'problem', None) or error}"
            self.block("content-front-matter", path, line, message, 'quote a text that holds a colon: title: "A: b"')
            return None
        except ValueError as error:  # a few malformed numbers, such as 0b_, escape PyYAML's own errors
            self.block("content-front-matter", path, 1, f"the front matter has a bad value: {error}", "mend it")
            return None
        except RecursionError:
            self.block("content-front-matter", path, 1, *_TOO_DEEP)
            return None
        if not isinstance(values, dict) or not isinstance(node, yaml.MappingNode):
            self.block("content-front-matter", path, 1, "the front matter holds no keys", "write key: value lines")
            return None
        places: dict[Place, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 2  # line 1 is the opening ---
            if (str(key.value),) in places:
                self.block("content-schema", path, line, f"the key {key.value!r} is given twice", "keep one of them")
            places[(str(key.value),)] = line
        return values, places

    def validate(self, kind: type[Head], values: Any, path: Path, lines: Lines, place: Place = ()) -> Head | None:
        """Check values against a schema; None with a finding for each fault."""
        try:
            return kind.model_validate(values)
        except pydantic.ValidationError as error:
            for fault in error.errors(include_url=False):
                where = (*place, *(fault["loc"] or _named(fault["msg"], lines)))
                self.block("content-schema", path, line_of(lines, where) or 1, *_explain(kind, fault))
            return None


class _Lone(Desk):
    """One file and its bytes: whoever looks at another one is refused."""

    def __init__(self, root: Path, path: Path, data: bytes) -> None:
        super().__init__(root)
        self.read = {path: data}

    def bytes(self, path: Path) -> bytes:
        return self.read[path]


@functools.lru_cache(maxsize=4096)  # files: the preview reads all of content/ again after every key stroke
def _made(read: Callable[[Desk, Path], Any], root: Path, path: Path, data: bytes) -> tuple[Any, list[model.Finding]]:
    desk = _Lone(root, path, data)
    return read(desk, path), desk.findings


def _named(message: str, lines: Lines) -> Place:
    """Return the first key that a fault between several keys names, such as expires and checked."""
    return next(((word,) for word in re.findall(r"\w+", message) if (word,) in lines), ())


def _explain(kind: type[pydantic.BaseModel], fault: Any) -> tuple[str, str]:
    """Say a schema fault in a sentence, with what to do."""
    name = ".".join(str(part) for part in fault["loc"]) or "the file"
    known = ", ".join(kind.model_fields)
    if fault["type"] == "extra_forbidden":
        return f"unknown key {name!r}", f"known keys are: {known}"
    if fault["type"] == "missing":
        return f"the key {name!r} is missing", "add it; `mscare new` writes a file with every key explained"
    if not fault["loc"]:
        return fault["msg"].removeprefix("Value error, "), "mend one of the two"
    shown = str(fault["input"]) if isinstance(fault["input"], dt.date) else repr(fault["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."  # noqa: PLR2004  enough to recognise the value
    return f"{name}: {fault['msg'].removeprefix('Value error, ')} (found {shown})", "mend the value"


def line_of(lines: Lines, place: Sequence[str | int]) -> int:
    """Return the line of a place, or of the nearest thing around it; 0 when nothing is known."""
    for length in range(len(place), 0, -1):
        if tuple(place[:length]) in lines:
            return lines[tuple(place[:length])]
    return 0


def toml_lines(text: str) -> Lines:
    """Map each key and table of a TOML text to its line: tomllib itself keeps none."""
    lines: dict[Place, int] = {}
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if header := _HEADER.match(line):
            table = _table_place(header[2].split("."), counts, repeated=header[1] == "[[")
            lines[table] = number
        elif key := _KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def _table_place(names: list[str], counts: dict[Place, int], *, repeated: bool) -> Place:
    """Turn a header like group.question into ("group", 2, "question", 0), counting arrays of tables."""
    place: Place = ()
    for depth, name in enumerate(names, 1):
        place = (*place, name)
        if depth == len(names) and repeated:
            counts[place] = counts.get(place, -1) + 1
        if place in counts:
            place = (*place, counts[place])
    return place


def moment(value: dt.datetime) -> dt.datetime:
    """Refuse a time without its zone: a send at an unknown hour is a late or early one."""
    if value.tzinfo is None:
        msg = "needs a time zone, for example 2026-11-24T08:00:00Z"
        raise ValueError(msg)
    return value.astimezone(dt.UTC)
