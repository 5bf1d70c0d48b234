"""new, check, build: what an editor runs."""

import contextlib
import datetime as dt
import functools
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline import edition, errors, flow, model, office
from pipeline.cli import _app, _checking, _reading, _skeletons
from pipeline.cli._app import AsJson, ConfigFile, Verbose
from pipeline.formats import book as format_book

REPORT = "report.html"  # beside the folders of out/: how hard each section is to read
_ALL = f"Build every edition, the book and the site, and {REPORT}: how hard each section is to read."


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(new)
    app.command()(_checking.check)
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


def build(
    editions: Annotated[list[str] | None, typer.Argument(help="Editions by slug; default: the newest.")] = None,
    book: Annotated[bool, typer.Option("--book", help="Build the book.")] = False,
    only: Annotated[
        list[str] | None,
        typer.Option("--edition", metavar="ID", help="With --book: this edition only; out/book then has no other."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=_ALL)] = False,
    date: Annotated[
        dt.datetime | None,
        typer.Option("--date", metavar="DAY", formats=["%Y-%m-%d"], help="The site on this day; default: today, UTC."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where to write; default: out/.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Render editions, the book and the site into out/. What has not changed is not rendered again.

    Example: `mscare build --all`
    """
    if only and not book:
        msg = "--edition chooses among the editions of the book"
        raise errors.UsageProblem(msg, hint=f"run `mscare build --book --edition {only[0]}`")
    _app.stop_as_by_ctrl_c()
    settings = _app.settings(config, verbose=verbose)
    where = (out or settings.out).resolve()
    day = (date or dt.datetime.now(dt.UTC)).date()
    built: list[model.Manifest] = []
    # Those who lay out the book get ready while content/ is read.
    with format_book.workers() if book else contextlib.nullcontext() as workers:
        desk = flow.read(settings)
        subjects = _subjects(desk, editions or [], book=book, everything=everything)
        with _app.counting("building", len(subjects)) as bar:
            for number, subject in enumerate(subjects, 1):
                told = functools.partial(_app.step, number)
                built += flow.build(
                    desk, [subject], where, told, step=bar.step, only=only or (), day=day, workers=workers
                )
                bar.done()
    if everything:
        _reading.write(flow.readability(desk, where), where / REPORT, settings.templates)
    rows = [_row(where, manifest, name) for manifest in built for name in manifest.outputs]
    if as_json:
        _app.show_json(rows)
    else:
        for row in rows:
            typer.echo(f"{row['bytes']:>9,} bytes  {row['path']}")
        if everything:
            typer.echo(f"{(where / REPORT).stat().st_size:>9,} bytes  {where / REPORT}")


def _subjects(desk: office.Desk, editions: list[str], *, book: bool, everything: bool) -> list[str]:
    if everything:
        return [*desk.library.editions, "book", "site"]
    if book:
        return [*editions, "book"]
    return editions or [edition.newest(desk.library), "site"]


def _row(out: Path, manifest: model.Manifest, name: str) -> dict[str, Any]:
    path = out / manifest.subject / name
    return {"name": name, "path": str(path), "sha256": manifest.outputs[name], "bytes": path.stat().st_size}
