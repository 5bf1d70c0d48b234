"""Jinja2 as every format uses it: autoescape on, an unknown name is an error, tokens.toml at hand.

A template may be filled in with traces: marks that say from which line and column of which file each tag comes.
"""

import bisect
import datetime as dt
import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import jinja2.ext

from pipeline import errors

_SPRING = ("January", "February", "March", "April", "May", "June")
_AUTUMN = ("July", "August", "September", "October", "November", "December")
_MONTHS = _SPRING + _AUTUMN


@functools.cache
def environment(templates: Path, folder: str, *, autoescape: bool = True, traced: bool = False) -> jinja2.Environment:
    """Return the environment for `templates/<folder>`; only the plain-text format turns autoescape off.

    One for each folder, kept with its compiled templates; a file that changes on disk is compiled again. What a
    `traced` one fills in is for `untraced` alone.
    """
    made = jinja2.Environment(
        extensions=[_Tracing] if traced else [],
        loader=jinja2.FileSystemLoader([templates / folder, templates]),
        autoescape=autoescape,  # noqa: S701  on by default; off only for text/plain, which has no markup to inject
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=True,
    )
    made.filters["day"] = day
    return made


def day(date: dt.date) -> str:
    """Write a date as every format and the preview do: November 22, 2026, in any language of the machine."""
    return f"{_MONTHS[date.month - 1]} {date.day}, {date.year}"


def tokens(templates: Path) -> Mapping[str, Mapping[str, str]]:
    """Read templates/tokens.toml; refuse when it is missing or broken."""
    path = templates / "tokens.toml"
    try:
        return toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/tokens.toml") from error


@functools.lru_cache(maxsize=32)  # a build reads the same few small files for each of its formats
def toml(text: str) -> Mapping[str, Any]:
    """Return what a TOML text says, for reading only; raises tomllib.TOMLDecodeError."""
    return tomllib.loads(text)


def render(environment: jinja2.Environment, name: str, **values: object) -> str:
    """Fill template `name`; a fault in it is told with its file and line."""
    try:
        return environment.get_template(name).render(**values)
    except jinja2.TemplateSyntaxError as error:
        msg = f"{error.filename or name}:{error.lineno}: {error.message}"
        raise errors.RenderProblem(msg, hint="mend the template at that line") from error
    except jinja2.TemplateNotFound as error:
        msg = f"there is no template {error.name}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/ folder") from error
    except jinja2.UndefinedError as error:
        msg = f"{_place(error, name)}: {error.message}"
        raise errors.RenderProblem(msg, hint="mend the template at that line") from error


def _place(error: jinja2.UndefinedError, name: str) -> str:
    """Return file:line: Jinja2 rewrites tracebacks so that the last frame of a template is that template's own."""
    trace, place = error.__traceback__, name
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file.endswith((".j2", ".html", ".txt", ".css")):
            place = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


# --- traces ---------------------------------------------------------------------

_OPEN, _CLOSE = "\ue000", "\ue001"  # for private use: no text of ours has them
_TRACE = re.compile(f"{_OPEN}([^{_CLOSE}]*):(\\d+):(\\d+){_CLOSE}")
_JINJA = re.compile(r"\{%.*?%\}|\{#.*?#\}|\{\{.*?\}\}|</?[a-zA-Z]", re.DOTALL)


class _Tracing(jinja2.ext.Extension):
    """Marks each tag and each {{ }} of a template's text with the place where it stands."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002  Jinja2 asks
        """Return the source with the marks; nothing inside of Jinja2's own tags is touched."""

        def marked(match: re.Match[str]) -> str:
            if match[0].startswith(("{%", "{#", "{{-")):
                return match[0]
            line = source.count("\n", 0, match.start()) + 1
            column = match.start() - source.rfind("\n", 0, match.start())
            return f"{_OPEN}{name}:{line}:{column}{_CLOSE}{match[0]}"

        return _JINJA.sub(marked, source)


class Traces:
    """Where each part of a filled-in text comes from."""

    def __init__(self, places: list[tuple[int, str, int, int]]) -> None:
        self._starts = [start for start, *_ in places]
        self._places = places

    def of(self, offset: int) -> tuple[int, str, int, int] | None:
        """Return the last mark at or before `offset`: its own offset, file, line and column; None before the first."""
        index = bisect.bisect_right(self._starts, offset)
        return self._places[index - 1] if index else None


def untraced(text: str) -> tuple[str, Traces]:
    """Return a text that was filled in with traces without its marks, and what they said."""
    parts: list[str] = []
    places: list[tuple[int, str, int, int]] = []
    end = length = 0
    for match in _TRACE.finditer(text):
        parts.append(text[end : match.start()])
        length += match.start() - end
        places.append((length, match[1], int(match[2]), int(match[3])))
        end = match.end()
    return "".join([*parts, text[end:]]), Traces(places)
