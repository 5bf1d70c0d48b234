"""plan, approve, send, status, report, settle, schedule, work: what a sender runs."""

import contextlib
import datetime as dt
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import rich.progress
import typer

from pipeline import agenda, database, errors, flow, ledger, model, office, render, report
from pipeline.cli import _app
from pipeline.cli._app import AsJson, ConfigFile, Verbose
from pipeline.engine import embedded
from pipeline.ledger import decisions

Slug = Annotated[str, typer.Argument(metavar="EDITION", help="The edition's slug, as in content/editions/.")]
Service = Annotated[str | None, typer.Option("--service", help="Sending service; default: delivery.service.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (plan, approve, send, status, settle, schedule, work):
        app.command()(command)
    app.command("report")(report_)


def _open(config: Path | None, *, verbose: bool) -> office.Office:
    return office.open_office(_app.settings(config, verbose=verbose))


def _build(here: office.Office, slug: str) -> None:
    """Bring the edition in out/ up to date: planning and approving are about what the content says now."""
    flow.build(here.desk, [slug], here.desk.settings.out, _app.say)


def plan(
    edition: Slug,
    service: Service = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Say who would get this edition, who would not and why. Writes nothing to the ledger.

    Example: `mscare plan 2026-11-spinal-cord`
    """
    here = _open(config, verbose=verbose)
    _build(here, edition)
    found = flow.plan(here, edition, service or here.desk.settings.delivery.service)
    if as_json:
        _app.show_json({"edition": found.edition, "digest": found.digest, "planned": found.planned,
                        "excluded": dict(found.excluded), "batches": found.batches})  # fmt: skip
        return
    typer.echo(f"edition   {found.edition}")
    typer.echo(f"digest    {found.digest}   (what an approval names)")
    typer.echo(f"planned   {found.planned:,} readers on the list")
    for reason, number in found.excluded.items():
        typer.echo(f"          {number:,} of them excluded: {reason}")
    typer.echo(f"batches   {found.batches:,}, at least {found.seconds:g} seconds at the service's rate")


def approve(
    edition: Slug,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who approves.")],
    waive: Annotated[list[str] | None, typer.Option("--waive", metavar="CODE", help="Let this finding pass.")] = None,
    reason: Annotated[list[str] | None, typer.Option("--reason", metavar="TEXT", help="Why; one a --waive.")] = None,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Approve exactly the bytes in out/. A single changed byte needs a new approval.

    Example: `mscare approve 2026-11-spinal-cord --by "Dana Editor"`
    """
    codes, reasons = waive or [], reason or []
    if len(codes) != len(reasons):
        msg = f"{len(codes)} --waive and {len(reasons)} --reason"
        raise errors.UsageProblem(msg, hint="give each --waive CODE its own --reason TEXT, in the same order")
    here = _open(config, verbose=verbose)
    waivers = [model.Waiver(code, "", why, by) for code, why in zip(codes, reasons, strict=True)]
    given = flow.grant(here, edition, by, waivers, dt.datetime.now(dt.UTC))
    typer.echo(f"approved  {given.edition}")
    typer.echo(f"digest    {given.digest}")
    typer.echo(f"by        {given.by}, {given.at:%Y-%m-%d %H:%M} UTC")


def send(
    edition: Slug,
    to: Annotated[str, typer.Option("--to", help="test: the team's addresses; all: every reader.")] = "all",
    service: Service = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Send an approved edition, or go on with a send that was cut off. Nobody is mailed twice.

    Example: `mscare send 2026-11-spinal-cord --to test`
    """
    if to not in {"test", "all"}:
        msg = f"--to {to!r} is neither test nor all"
        raise errors.UsageProblem(msg, hint="use --to test for the team, --to all for every reader")
    here = _open(config, verbose=verbose)
    order = flow.Order(edition, service or here.desk.settings.delivery.service, dt.datetime.now(dt.UTC), to == "test")
    with send_bar() as progress:
        ended = flow.send(here, order, _app.stop_on_signals(), progress)
    _finish(here, ended, as_json=as_json)


@contextlib.contextmanager
def send_bar() -> Iterator[embedded.Progress]:
    """Show how far a send is: a bar on a terminal, now and then a line elsewhere."""
    if not _app.screen.is_terminal:
        yield _Lines().tell
        return
    columns = ("{task.description}", rich.progress.BarColumn(), "{task.completed:,.0f} of {task.total:,.0f}",
               rich.progress.TimeRemainingColumn())  # fmt: skip
    with rich.progress.Progress(*columns, console=_app.screen) as bar:
        task = bar.add_task("sending", total=1)
        yield lambda tally: bar.update(task, total=tally.planned, completed=tally.planned - tally.untaken)


class _Lines:
    """Prints a line at each tenth of the way, for logs and pipes."""

    def __init__(self) -> None:
        self._told = 0

    def tell(self, tally: model.Tally) -> None:
        """Print when another tenth has a fate."""
        tenth = 10 * (tally.planned - tally.untaken) // max(1, tally.planned)
        if tenth > self._told:
            self._told = tenth
            _app.say(f"sending: {tally.planned - tally.untaken:,} of {tally.planned:,}")


def _finish(here: office.Office, ended: ledger.Send, *, as_json: bool) -> None:
    """Print the report, and leave with exit code 4 while anything is doubtful."""
    facts = flow.tell(here, ended.id)
    if as_json:
        _app.show_json(facts)
    else:
        print_report(facts)
    if facts["doubtful"]:
        with database.reading(here.engine) as connection:
            waiting = list(report.waiting(connection, ended))
        for line in waiting:
            _app.say(f"in doubt: {line}")
        _app.say(f"to decide for a batch: mscare settle {ended.edition} BATCH --taken (or --not-taken) --by NAME")
        raise typer.Exit(errors.DoubtRemains.exit_code)


def print_report(facts: dict[str, Any]) -> None:
    """Print the equation as people read it."""
    typer.echo(f"edition   {facts['edition']}   through {facts['service']}: {facts['state']}")
    typer.echo(f"planned   {facts['planned']:>9,}")
    for sign, name in zip("=++++", ("accepted", "refused", "untaken", "doubtful", "excluded"), strict=True):
        typer.echo(f"        {sign} {facts[name]:>9,}  {name}")
    typer.echo('("accepted" means the service took it; it is not the same as delivered)')


def status(
    edition: Annotated[str | None, typer.Argument(metavar="EDITION", help="One edition; default: all.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Say where each edition stands: built, approved, planned for, sent.

    Example: `mscare status`
    """
    here = _open(config, verbose=verbose)
    known = here.desk.library.editions
    if edition is not None and edition not in known:
        msg = f"there is no edition {edition!r} without a fault in its file"
        raise errors.UsageProblem(msg, hint=f"known editions: {', '.join(known) or 'none'}")
    rows = [_status(here, slug) for slug in ([edition] if edition else known)]
    if as_json:
        _app.show_json(rows)
        return
    for row in rows:
        typer.echo(f"{row['edition']}")
        typer.echo(f"  built     {row['built'] or 'no'}")
        typer.echo(f"  approved  {row['approved'] or 'no'}")
        typer.echo(f"  due       {row['due'] or 'not on the schedule'}")
        typer.echo(f"  send      {row['send'] or 'not begun'}")


def _status(here: office.Office, slug: str) -> dict[str, str]:
    try:
        digest = render.read(here.desk.settings.out, slug).digest
    except errors.UsageProblem:
        digest = ""
    with database.reading(here.engine) as connection:
        given = decisions.approval_of(connection, slug)
        begun = ledger.find(connection, slug)
        due = next((item for item in decisions.schedules(connection) if item.edition == slug), None)
    approved = "" if given is None or given.digest != digest else f"by {given.by}, {given.at:%Y-%m-%d %H:%M} UTC"
    if given and not approved:
        approved = "an earlier build was; this one is not"
    when = f"{due.due_at:%Y-%m-%d %H:%M} UTC ({due.zone}), {due.state.value} {due.note}".strip() if due else ""
    state = f"{begun.state.value} through {begun.service} {begun.note}".strip() if begun else ""
    return {"edition": slug, "built": digest, "approved": approved, "due": when, "send": state}


def report_(
    edition: Slug,
    as_json: AsJson = False,
    receipt: Annotated[Path | None, typer.Option("--receipt", metavar="FILE", help="Write the proof as JSON.")] = None,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Print the balance of a send. Exit code 4 while anything is doubtful.

    Example: `mscare report 2026-11-spinal-cord --receipt receipt.json`
    """
    here = _open(config, verbose=verbose)
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, edition)
        if begun is None:
            msg = f"{edition} was never sent"
            raise errors.UsageProblem(msg, hint=f"send it with `mscare send {edition}`; `mscare status` lists all")
        if receipt:
            _write(receipt, report.receipt(connection, begun, here.keys, dt.datetime.now(dt.UTC)))
            _app.say(f"receipt written: {receipt}")
    _finish(here, begun, as_json=as_json)


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file whole or not at all, readable by this user only."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(handle, "wb") as file, contextlib.ExitStack() as stack:
            stack.callback(Path(name).unlink, missing_ok=True)
            file.writelines(pieces)
            file.flush()
            os.fsync(handle)
            Path(name).replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise errors.StorageProblem(
            msg, hint="name a file in a folder that exists and that you may write to"
        ) from error


def settle(
    edition: Slug,
    batch: Annotated[int, typer.Argument(help="Number of the batch, as `mscare report` prints it.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")],
    taken: Annotated[bool, typer.Option("--taken/--not-taken", help="What the service's own log says.")],
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Decide about a batch in doubt, after looking into the service's own log.

    Example: `mscare settle 2026-11-spinal-cord 3 --taken --by "Dana Editor"`
    """
    here = _open(config, verbose=verbose)
    with database.reading(here.engine) as connection:
        begun = ledger.find(connection, edition)
    if begun is None:
        msg = f"{edition} was never sent"
        raise errors.UsageProblem(msg, hint="`mscare status` lists the editions")
    now = dt.datetime.now(dt.UTC).timestamp()
    with embedded.only_sender(here.engine):
        ledger.adopt(here.engine, begun.id, now)  # a batch in flight has no sender any more: it may be decided about
        readers = ledger.settle(here.engine, begun.id, batch, taken=taken, by=by, now=now)
    typer.echo(f"batch {batch}: {readers} readers settled as {'taken' if taken else 'not taken'}")
    if not taken:
        typer.echo(f"send to them with: mscare send {edition} --service {begun.service}")


def schedule(
    edition: Slug,
    at: Annotated[str, typer.Option("--at", metavar='"2026-12-01 09:00"', help="Local time.")] = "",
    tz: Annotated[str, typer.Option("--tz", metavar="ZONE", help="Time zone, such as Europe/London.")] = "",
    off: Annotated[bool, typer.Option("--off", help="Take it off the schedule instead.")] = False,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Plan when an approved edition goes out; `mscare work` takes it up. A second call moves it.

    Example: `mscare schedule 2026-11-spinal-cord --at "2026-12-01 09:00" --tz Europe/London`
    """
    if off == bool(at and tz) or (off and (at or tz)):
        msg = "schedule needs a time and its zone, or --off"
        raise errors.UsageProblem(msg, hint='give --at "2026-12-01 09:00" --tz Europe/London, or --off alone')
    here = _open(config, verbose=verbose)
    if off:
        agenda.take_off(here, edition)
        typer.echo(f"{edition} is off the schedule")
        return
    due_at = agenda.moment(at, tz)
    agenda.put(here, edition, due_at, tz, dt.datetime.now(dt.UTC))
    typer.echo(f"{edition} is due {at} {tz} ({due_at:%Y-%m-%d %H:%M} UTC)")
    with database.reading(here.engine) as connection:
        if decisions.approval_of(connection, edition) is None:
            _app.say("it is not approved yet: it will be refused unless it is by then")


def work(config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Run schedule and sends in one process until stopped. Start it again at any time: nothing goes out twice.

    Example: `mscare work`
    """
    settings = _app.settings(config, verbose=verbose)
    stop = _app.stop_on_signals()
    here = office.open_office(settings)
    _app.say("working: due sends are taken up; stop with Ctrl-C")
    agenda.work(here, stop, _app.say)
    _app.say("stopped; start `mscare work` again to go on")
