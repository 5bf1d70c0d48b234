"""new, check, build: what an editor runs."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import checks, edition, errors, flow, model, office
from pipeline.cli import _app, _skeletons
from pipeline.cli._app import AsJson, ConfigFile, Verbose


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(new)
    app.command()(check)
    app.command()(build)


def new(
    kind: Annotated[str, typer.Argument(help="article or edition")],
    slug: Annotated[str, typer.Argument(help="Name of the file, for example heat-and-ms")],
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Write a new article or edition with every key explained.

    Example: `mscare new article heat-and-ms`
    """
    settings = _app.settings(config, verbose=verbose)
    path = _skeletons.write(settings.content, kind, slug, dt.datetime.now(dt.UTC).date())
    _app.say(f"written: {path}")
    _app.say("fill in what stands in angle brackets, then run `mscare check`")


def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Only findings of these files or folders.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Check the content and every edition, in plain words. Exit code 3 when something blocks.

    Example: `mscare check content/articles/heat-and-ms.md`
    """
    settings = _app.settings(config, verbose=verbose)
    _refuse_missing(paths or [])
    findings = flow.check(flow.read(settings), dt.datetime.now(dt.UTC).date())
    if paths:
        findings = checks.only(findings, paths, settings.root)
    if as_json:
        _app.show_json([_as_json(finding) for finding in findings])
    else:
        _print(findings)
    if any(finding.blocks for finding in findings):
        raise typer.Exit(errors.ContentBlocked.exit_code)


def _refuse_missing(paths: Sequence[Path]) -> None:
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        msg = f"there is no such file or folder: {', '.join(missing)}"
        raise errors.UsageProblem(msg, hint="name files of content/, or none to check everything")


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


def build(
    editions: Annotated[list[str] | None, typer.Argument(help="Editions by slug; default: the newest.")] = None,
    book: Annotated[bool, typer.Option("--book", help="Build the book.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Build every edition, the book and the site.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to write; default: out/.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Render editions, the book and the site into out/. What has not changed is not rendered again.

    Example: `mscare build --all`
    """
    settings = _app.settings(config, verbose=verbose)
    desk = flow.read(settings)
    subjects = _subjects(desk, editions or [], book=book, everything=everything)
    where = (out or settings.out).resolve()
    built: list[model.Manifest] = []
    with _app.working("building", len(subjects)) as done:
        for number, subject in enumerate(subjects, 1):
            built += flow.build(desk, [subject], where, lambda line, n=number: _app.step(n, line))  # type: ignore[misc]
            done()
    rows = [_row(where, manifest, name) for manifest in built for name in manifest.outputs]
    if as_json:
        _app.show_json(rows)
    else:
        for row in rows:
            typer.echo(f"{row['bytes']:>9,} bytes  {row['path']}")


def _subjects(desk: office.Desk, editions: list[str], *, book: bool, everything: bool) -> list[str]:
    if everything:
        return [*desk.library.editions, "book", "site"]
    if book:
        return [*editions, "book"]
    return editions or [edition.newest(desk.library), "site"]


def _row(out: Path, manifest: model.Manifest, name: str) -> dict[str, Any]:
    path = out / manifest.subject / name
    return {"name": name, "path": str(path), "sha256": manifest.outputs[name], "bytes": path.stat().st_size}
