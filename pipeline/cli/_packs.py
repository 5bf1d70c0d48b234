"""pack: two pages to take to an appointment."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline import edition, errors, model, office, render
from pipeline.cli import _app
from pipeline.cli._app import AsJson, ConfigFile, Verbose

FOLDER = "pack"


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(pack)


def pack(
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="[QUESTION-ID]...", help="Questions by their ids; three are enough.")
    ] = None,
    topic: Annotated[
        str, typer.Option("--topic", metavar="NAME", help="All questions of a group, an article or a chapter instead.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to write; default: a new file in out/pack/.")
    ] = None,
    paper: Annotated[str, typer.Option("--paper", metavar="SIZE", help="a4 or letter.")] = "a4",
    large: Annotated[
        bool, typer.Option("--large", help="Large print: four questions at most instead of eight.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="Print all questions with their ids, and make nothing.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Make a PDF of two pages to take to an appointment: chosen questions and the visit planner, to fill in.

    Example: `mscare pack mri-where mri-copy fatigue-causes --paper letter`
    """
    settings = _app.settings(config, verbose=verbose)
    desk = office.sit_down(settings)
    if show:
        _show(desk.library, as_json=as_json)
        return
    from pipeline import packing  # noqa: PLC0415  the libraries that write PDF are slow to read in

    wanted = edition.pack(desk.library, questions or [], topic=topic, paper=paper, large=large)
    with _app.working("making the pack"):
        content = packing.make(desk, wanted)
    path = (out or settings.out / FOLDER / packing.file_name(content)).resolve()
    if path.suffix != ".pdf":
        msg = f"an appointment pack is a PDF, and {path.name} does not end in .pdf"
        raise errors.UsageProblem(msg, hint=f"write it to {path.name}.pdf, for example")
    render.put_by(path, content)
    if as_json:
        _app.show_json({"path": str(path), "bytes": len(content), "questions": [q.id for q in wanted.questions]})
    else:
        typer.echo(path)


def _show(library: model.Library, *, as_json: bool) -> None:
    """Print the questions by group."""
    groups = library.groups.values()
    if as_json:
        _app.show_json(
            [
                {"id": g.id, "title": g.title, "questions": [{"id": q.id, "text": q.text} for q in g.questions]}
                for g in groups
            ]
        )
        return
    for group in groups:
        typer.echo(f"{group.title}  (--topic {group.id})")
        for question in group.questions:
            typer.echo(f"  {question.id}\n      {question.text}")
        typer.echo()
