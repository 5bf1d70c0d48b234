"""check: what is wrong, in plain words, and how hard the texts are to read."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import checks, errors, flow, model, office
from pipeline.cli import _app, _junit, _reading
from pipeline.cli._app import AsJson, ConfigFile, Verbose


class Format(enum.StrEnum):
    """How findings are printed."""

    TEXT = "text"  # for people
    JSON = "json"  # docs/exit-codes.md says what it holds
    JUNIT = "junit"  # XML for a CI server


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Only findings of these files or folders.")] = None,
    style: Annotated[
        Format, typer.Option("--format", metavar="FORMAT", help="text, json or junit (XML for a CI server).")
    ] = Format.TEXT,
    as_json: AsJson = False,
    readability: Annotated[
        bool, typer.Option("--readability", help="Print how hard each section is to read, instead of findings.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE.html", help="Also write a page with every section's grade.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also ask axe in Chromium, SpamAssassin, and every link to another site.")
    ] = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Check the content and every edition, in plain words. Exit code 3 when something blocks.

    Example: `mscare check content/articles/heat-and-ms.md`
    """
    settings = _app.settings(config, verbose=verbose)
    style = Format.JSON if as_json else style
    _refuse(paths or [], style, readability=readability)
    desk = flow.read(settings)
    if readability or report:
        sections = _within(checks.readability(desk.library), paths or [], settings.root)
        if report:
            _reading.write(sections, report, settings.templates)
        if readability:
            _reading.show(sections, as_json=style is Format.JSON)
            return
    findings = _full(desk) if full else flow.check(desk, dt.datetime.now(dt.UTC).date())
    if paths:
        findings = checks.only(findings, paths, settings.root)
    _show(findings, style)
    if any(finding.blocks for finding in findings):
        raise typer.Exit(errors.ContentBlocked.exit_code)


def _full(desk: office.Desk) -> list[model.Finding]:
    """Return the findings of everything that is installed; what is not is told on standard error."""
    findings, unasked = flow.check_full(desk, dt.datetime.now(dt.UTC))
    for problem in unasked:
        typer.echo(f"{problem.message}\n        {problem.hint}", err=True)
    return findings


def _refuse(paths: Sequence[Path], style: Format, *, readability: bool) -> None:
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        msg = f"there is no such file or folder: {', '.join(missing)}"
        raise errors.UsageProblem(msg, hint="name files of content/, or none to check everything")
    if readability and style is Format.JUNIT:
        msg = "--readability prints text or JSON; JUnit XML holds findings only"
        raise errors.UsageProblem(msg, hint="leave --readability out: sections that are too hard are findings too")


def _within(sections: Sequence[checks.Section], paths: Sequence[Path], root: Path) -> list[checks.Section]:
    wanted = [path.resolve() for path in paths] or [root.resolve()]
    return [s for s in sections if any((root.resolve() / s.path).is_relative_to(path) for path in wanted)]


def _show(findings: Sequence[model.Finding], style: Format) -> None:
    if style is Format.JSON:
        _app.show_json([_as_json(finding) for finding in findings])
    elif style is Format.JUNIT:
        typer.echo(_junit.xml(findings), nl=False)
    else:
        _print(findings)


def _as_json(finding: model.Finding) -> dict[str, Any]:
    return {**dataclasses.asdict(finding), "severity": finding.severity.value}


def _print(findings: Sequence[model.Finding]) -> None:
    words = {model.Severity.BLOCK: "BLOCKS ", model.Severity.WARNING: "warning", model.Severity.INFO: "info   "}
    for finding in findings:
        word = "waived " if finding.waived else words[finding.severity]
        typer.echo(f"{word} {finding.file}:{finding.line}  {finding.message}  [{finding.code}]")
        typer.echo(f"        {finding.hint}")
    blocking = sum(finding.blocks for finding in findings)
    waived = sum(finding.waived for finding in findings)
    other = len(findings) - blocking - waived
    typer.echo(f"{blocking} blocking, {waived} waived, {other} worth a look")
