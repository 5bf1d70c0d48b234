"""subscribers: import, count, export, erase."""

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import rich.progress
import typer

from pipeline import audience, office
from pipeline.cli import _app
from pipeline.cli._app import ConfigFile, Verbose

people = typer.Typer(no_args_is_help=True, help="The readers: import, count, export, erase.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(people, name="subscribers")


def _open(config: Path | None, *, verbose: bool) -> office.Office:
    return office.open_office(_app.settings(config, verbose=verbose))


@people.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with a header row and a column `email`.")],
    source: Annotated[str, typer.Option("--source", help="Where these readers gave their consent.")] = "import",
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Import readers from a CSV file. Running it again adds nobody twice; bad rows go to a rejects file.

    Example: `mscare subscribers import readers.csv --source "sign-up desk, May 2026"`
    """
    here = _open(config, verbose=verbose)
    with rich.progress.Progress(console=_app.screen, disable=not _app.screen.is_terminal) as bar:
        task = bar.add_task("importing", total=None)
        report = audience.import_csv(
            here.engine,
            here.keys,
            file,
            source=source,
            now=dt.datetime.now(dt.UTC),
            rejects=here.desk.settings.var / f"rejects-{file.stem}.csv",
            progress=lambda rows: bar.update(task, completed=rows),
        )
    typer.echo(f"{report.read} rows read: {report.added} added, {report.already} already there,")
    typer.echo(
        f"{report.stopped} stopped because the file says so, {report.suppressed} suppressed, {report.rejected} rejected"
    )
    if report.rejects_path:
        typer.echo(f"why each row was rejected: {report.rejects_path}")


@people.command()
def count(config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Count the readers by state.

    Example: `mscare subscribers count`
    """
    for state, number in audience.count(_open(config, verbose=verbose).engine).items():
        typer.echo(f"{number:>9,}  {state}")


@people.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write; must not exist yet.")],
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Write all readers to a CSV file that only you can read. Every export is logged.

    Example: `mscare subscribers export readers-2026-11.csv`
    """
    here = _open(config, verbose=verbose)
    rows = audience.export(here.engine, here.keys, file, dt.datetime.now(dt.UTC))
    typer.echo(f"{rows} readers written to {file}; keep it safe: it names people with MS")


@people.command()
def erase(
    address: Annotated[str, typer.Argument(help="The person's address; - reads it from standard input.")],
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Erase one person. Only a keyed hash stays, so that an import cannot mail the person again.

    Example: `mscare subscribers erase reader@example.org`
    """
    here = _open(config, verbose=verbose)
    if address == "-":  # keeps the address out of the shell's history
        address = sys.stdin.readline().strip()
    found = audience.erase(here.engine, here.keys, address, dt.datetime.now(dt.UTC))
    typer.echo("erased" if found else "nobody had this address; it will stay away from the list all the same")
