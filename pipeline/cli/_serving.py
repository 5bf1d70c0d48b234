"""preview, serve, sandbox: three servers, each on this machine only."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from pipeline.cli import _app
from pipeline.cli._app import ConfigFile, Verbose

# The servers are imported where they are started: their web framework costs a quarter of a second that no other
# command should pay.

Port = Annotated[int | None, typer.Option("--port", metavar="N", help="Port on 127.0.0.1; 0 picks a free one.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (preview, serve, sandbox):
        app.command()(command)


def preview(port: Port = None, config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Show every edition and the book in a browser, live: saving a file reloads what changed.

    Example: `mscare preview`
    """
    from pipeline import studio  # noqa: PLC0415  see the top of this file

    settings = _app.settings(config, verbose=verbose)
    studio.serve(settings, settings.preview.port if port is None else port, _announce("preview"))


def serve(port: Port = None, config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Serve the public site: articles, the book to download, unsubscribe, the services' webhooks.

    Example: `mscare build --all && mscare serve`
    """
    from pipeline import site  # noqa: PLC0415  see the top of this file

    settings = _app.settings(config, verbose=verbose)
    site.serve(settings, settings.site.port if port is None else port, _announce("the public site"))


def sandbox(
    port: Port = None,
    fault: Annotated[str, typer.Option("--fault", metavar="SPEC", help="Faults to play; see docs/sandbox.md.")] = "",
    store: Annotated[Path | None, typer.Option("--store", metavar="FILE", help="Default: var/sandbox.db")] = None,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Run the local sending service, with an inbox page that shows what was sent.

    Example: `mscare sandbox --fault 429@2,cut-after@5`
    """
    from pipeline.sandbox import faults, server  # noqa: PLC0415  see the top of this file

    settings = _app.settings(config, verbose=verbose)
    plan = faults.parse(fault)
    usual = urlsplit(settings.services.sandbox.base_url).port or 8025
    where = store or settings.var / "sandbox.db"
    server.serve(
        where, usual if port is None else port, plan, settings.templates, ready=_announce("the sandbox's inbox")
    )


def _announce(what: str) -> _app.Announce:
    return lambda url: _app.say(f"{what}: {url}   (stop with Ctrl-C)")
