"""How hard the sections are to read, as a table on the terminal, as JSON and as a page with a chart."""

import statistics
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import typer

from pipeline import checks, errors, templating
from pipeline.cli import _app


def show(sections: Sequence[checks.Section], *, as_json: bool) -> None:
    """Print every section, the hardest last, where a terminal leaves the eye."""
    if as_json:
        _app.show_json([_row(section) for section in sections])
        return
    typer.echo(f"{'grade':>5} {'with names':>10} {'words':>5}  section")
    for section in sorted(sections, key=lambda section: section.grade):
        note = "" if section.is_judged else "  (too short to judge)"
        typer.echo(
            f"{section.grade:>5.1f} {section.unaided:>10.1f} {section.words:>5}  "
            f"{section.path}:{section.line}  {section.heading}{note}"
        )
    above = sum(section.is_judged and section.grade > checks.HARDEST for section in sections)
    typer.echo(f"{len(sections)} sections, {above} above grade {checks.HARDEST:g}")


def _row(section: checks.Section) -> dict[str, Any]:
    return {
        "file": section.path,
        "line": section.line,
        "heading": section.heading,
        "words": section.words,
        "grade": section.grade,
        "grade_with_names": section.unaided,
        "judged": section.is_judged,
    }


def write(sections: Sequence[checks.Section], file: Path, templates: Path) -> None:
    """Write the page with chart and table to `file`; refuses with StorageProblem when it cannot be written."""
    judged = [section for section in sections if section.is_judged]
    texts: dict[str, list[float]] = {}
    for section in judged:
        texts.setdefault(PurePosixPath(section.path).stem, []).append(section.grade)
    html = templating.render(
        templating.environment(templates, "report"),
        "readability.html",
        **templating.tokens(templates),
        sections=sections,
        judged=judged,
        texts=list(texts.items()),
        median=round(statistics.median(section.grade for section in judged), 1) if judged else 0,
        hardest=checks.HARDEST,
        wanted=checks.WANTED,
        fewest=checks.FEWEST,
    )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {file}: {error.strerror}"
        raise errors.StorageProblem(msg, hint="name a file in a folder that you may write to") from error
