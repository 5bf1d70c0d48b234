"""The template: it can be filled in, and what comes out is sound MJML, faults named at the line a designer edits."""

import re
from collections.abc import Iterator
from pathlib import Path

from pipeline import errors, model
from pipeline.checks import _mail
from pipeline.checks._check import BLOCK, Check, Place
from pipeline.formats import email
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

_PLACED = re.compile(r"((?:templates|content)/[^\s:]+)(?::(\d+))?(?::\d+)?: ")


def check(edition: model.Edition, material: model.Material) -> Iterator[model.Finding]:
    """Yield the lint's faults at the line of the template; the column stands in the message."""
    faults = lint.lint(email.mjml_source(edition, material))
    origins = email.origins(edition, material) if faults else None
    for fault in faults:
        found = origins.of(fault.line, fault.column) if origins else None
        name, line, column = found or (_mail.WHOLE, 0, 0)
        where = f" (column {column})" if column else ""
        yield LINT.at((name, line), f"{fault.message}{where}", fault.hint)


def unrendered(place: Place, problem: errors.RenderProblem, project: Path) -> model.Finding:
    """Turn what stopped a format into a finding, so that it does not hide the others.

    It stands where the message says, otherwise at `place`; paths are told from `project`.
    """
    message = problem.message.replace(f"{project}/", "")
    found = _PLACED.match(message)
    if found and (project / found[1]).is_file():
        return FAILED.at((found[1], int(found[2] or 0)), message, problem.hint)
    return FAILED.at(place, message, problem.hint)
