"""The template: it can be filled in, and what comes out is sound MJML, faults named at the line a designer edits."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import errors, model
from pipeline.checks._check import BLOCK, Check, Place
from pipeline.mjml import lint

LINT = Check(
    "mjml-lint",
    BLOCK,
    "The mail looks in every mail program as its template says: the compiler itself takes everything.",
    "mend the template at that place",
)
FAILED = Check(
    "render-failed",
    BLOCK,
    "What is approved and sent is what the content and the templates say now.",
    "mend what the message names",
)
CHECKS = (LINT, FAILED)

TEMPLATE = "templates/email/digest.mjml.j2"
_FILLED_IN = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}")


def check(source: str, templates: Mapping[str, str]) -> Iterator[model.Finding]:
    """Yield the lint's faults; line and column of the filled-in MJML stand in the message."""
    lines = source.split("\n")
    for fault in lint.lint(source):
        written = lines[fault.line - 1] if fault.line <= len(lines) else ""
        message = f"{fault.message} (line {fault.line}, column {fault.column} of the filled-in MJML)"
        yield LINT.at(_origin(written, templates), message, fault.hint)


def unrendered(place: Place, problem: errors.RenderProblem, project: Path) -> model.Finding:
    """Turn what stopped a format into a finding, so that it does not hide the others; paths are told from `project`."""
    return FAILED.at(place, problem.message.replace(f"{project}/", ""), problem.hint)


def _origin(written: str, templates: Mapping[str, str]) -> Place:
    """Return the template line that most probably became this line of MJML."""
    places = [
        (_likeness(line.strip(), written.strip()), -index, (name, number))
        for index, (name, text) in enumerate(templates.items())
        for number, line in enumerate(text.split("\n"), 1)
    ]
    likeness, _, place = max(places, default=(0, 0, (TEMPLATE, 0)), key=lambda found: found[:2])
    return place if likeness else (TEMPLATE, 0)


def _likeness(line: str, written: str) -> int:
    """Count the letters of a template's line that stand in `written`, with anything where Jinja2 fills something in.

    What is filled in may break the line, so the first parts alone may match. 0: no tag of it is there.
    """
    parts = _FILLED_IN.split(line)
    for count in range(len(parts), 0, -1):
        pattern = ".*".join(re.escape(part) for part in parts[:count]) + ("" if count == len(parts) else ".*")
        if re.fullmatch(pattern, written):
            literal = "".join(parts[:count])
            return len(literal) if "<" in literal else 0
    return 0
