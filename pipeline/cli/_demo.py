"""demo: the whole story on this machine, from Markdown to an inbox, in one command."""

import csv
import datetime as dt
import shutil
from pathlib import Path

import typer

from pipeline import audience, edition, errors, flow, model, office, render
from pipeline import config as config_
from pipeline.cli import _app, _sending
from pipeline.cli._app import ConfigFile, Verbose

READERS = 1_000
DOMAINS = ("example.com", "example.net", "example.org")  # RFC 2606: nobody can ever live there
STEPS = 8
BOOK = ("screen",)  # the edition most people read; all four take four times as long


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Check, build, import 1,000 made-up readers, approve and send through the local sandbox, then report.

    Example: `mscare demo`
    """
    from pipeline.sandbox import faults, server  # noqa: PLC0415  its web framework is for this command alone

    settings = _app.settings(config, verbose=verbose)
    folder = _fresh(settings.var / "demo")
    store = settings.var / "sandbox.db"
    with server.running(store, 0, faults.parse(""), settings.templates) as address:
        here = _demo_settings(settings, folder, address)
        slug = _prepare(here)
        facts = _deliver(here, slug)
    _where_to_look(here, slug, store)
    if facts["accepted"] + facts["excluded"] != facts["planned"]:
        raise typer.Exit(errors.DoubtRemains.exit_code)


def _fresh(folder: Path) -> Path:
    """Start from nothing: the demo never touches the installation's own database."""
    shutil.rmtree(folder, ignore_errors=True)
    for leftover in folder.parent.glob("sandbox.db*"):
        leftover.unlink()
    folder.mkdir(parents=True)
    return folder


def _demo_settings(settings: config_.Config, folder: Path, address: str) -> config_.Config:
    sandbox = settings.services.sandbox.model_copy(update={"base_url": address})
    return settings.model_copy(
        update={
            "database": config_.Database(url=f"sqlite:///{(folder / 'mscare.db').relative_to(settings.root)}"),
            "delivery": settings.delivery.model_copy(update={"service": "sandbox"}),
            "services": settings.services.model_copy(update={"sandbox": sandbox}),
        }
    )


def _prepare(settings: config_.Config) -> str:
    """Steps 1 to 3: check the content, build the newest edition, the book and the site."""
    desk = flow.read(settings)
    slug = edition.newest(desk.library)
    now = _on_a_day_of(desk.library.editions[slug])
    with _app.working("checking the content"):
        findings = flow.check(desk, now.date())
    blocking = [finding for finding in findings if finding.blocks]
    waived = sum(finding.waived for finding in findings)
    _step(1, f"content checked: {len(blocking)} blocking, {waived} waived in the open, {len(findings)} findings in all")
    if blocking:
        first = blocking[0]
        msg = f"{first.file}:{first.line}: {first.message}"
        raise errors.ContentBlocked(msg, hint="`mscare check` lists all; mend them and run the demo again")
    with _app.working(f"building {slug}"):
        flow.build(desk, [slug, "site"], settings.out, _silent, day=now.date())
    _step(2, f"edition built: {settings.out / slug}")
    with _app.counting("building the book", 1) as bar:
        flow.build(desk, ["book"], settings.out, _silent, step=bar.step, only=BOOK)
    _step(3, f"book built: {_book(settings)}")
    return slug


def _deliver(settings: config_.Config, slug: str) -> dict[str, int]:
    """Steps 4 to 8: import, plan, approve, send, report."""
    here = office.open_office(settings)
    now = _on_a_day_of(here.desk.library.editions[slug])
    readers = settings.root / settings.database.url.removeprefix("sqlite:///")
    file = _made_up_readers(readers.with_name("readers.csv"))
    added = audience.import_csv(
        here.engine, here.keys, file, source="demo", now=dt.datetime.now(dt.UTC), rejects=file.with_name("rejects.csv")
    )
    _step(4, f"{added.added:,} made-up readers imported, all at reserved example domains")
    plan = flow.plan(here, slug, "sandbox")
    _step(5, f"planned: {plan.planned:,} readers, {sum(plan.excluded.values())} excluded, {plan.batches} batches")
    given = flow.grant(here, slug, "Demo", [], now)
    _step(6, f"approved: exactly the bytes with the digest {given.digest[:16]}")
    with _sending.send_bar() as progress:
        ended = flow.send(here, flow.Order(slug, "sandbox", now), _app.stop_on_signals(), progress)
    _step(7, "sent over HTTP to the sandbox, as it would be to a real service")
    facts = flow.tell(here, ended.id)
    _step(8, "report")
    _sending.print_report(facts)
    return facts


def _on_a_day_of(spec: model.EditionSpec) -> dt.datetime:
    """Return now, or the first moment at which this edition may go out: the demo must work on any day."""
    now = dt.datetime.now(dt.UTC)
    return now if spec.not_before <= now < spec.not_after else spec.not_before


def _made_up_readers(path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["email"])
        writer.writerows([f"reader{n:04d}@{DOMAINS[n % len(DOMAINS)]}"] for n in range(READERS))
    return path


def _book(settings: config_.Config) -> Path:
    manifest = render.read(settings.out, "book")
    return settings.out / "book" / (model.main_pdf(manifest.outputs) or "")


def _where_to_look(settings: config_.Config, slug: str, store: Path) -> None:
    typer.echo("")
    typer.echo("Where to look")
    typer.echo(f"  the digest     {settings.out / slug / 'email.html'}")
    typer.echo(f"  as text        {settings.out / slug / 'email.txt'}")
    typer.echo(f"  the book       {_book(settings)}")
    typer.echo("                 for large print, for paper, to archive: mscare build --book")
    typer.echo(f"  the website    {settings.out / 'site' / 'index.html'}")
    typer.echo(f"  the inbox      {settings.services.sandbox.base_url} is closed again; `mscare sandbox` shows {store}")
    typer.echo("  live preview   mscare preview")


def _step(number: int, line: str) -> None:
    _app.say(f"[{number}/{STEPS}] {line}")


def _silent(_line: str) -> None:
    """Swallow the building's own lines: the steps say enough."""
