"""doctor: what is installed, missing or misconfigured, with the mend for each."""

import dataclasses
import importlib
import importlib.metadata
import shutil
import socket
import sys
from collections.abc import Callable, Iterator

import typer

from pipeline import config as config_
from pipeline import database, errors, mjml, render, templating
from pipeline.cli import _app
from pipeline.cli._app import ConfigFile, Verbose

OLDEST_PYTHON = (3, 11)
PANGO = "sudo apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 (macOS: brew install pango)"


@dataclasses.dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at: `mend` is empty when it is well; `needed` is False when one can live without it."""

    what: str
    found: str
    mend: str = ""
    needed: bool = True


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(doctor)


def doctor(config: ConfigFile = None, verbose: Verbose = False) -> None:
    """Look at this installation and say what to mend. Exit code 11 when something needed is missing.

    Example: `mscare doctor`
    """
    signs = [_python(), *_libraries(), *_programs()]
    try:
        settings = _app.settings(config, verbose=verbose)
    except errors.ConfigProblem as problem:
        signs.append(Sign("settings", problem.message, problem.hint))
    else:
        signs += _installation(settings)
    for sign in signs:
        mark = "ok     " if not sign.mend else ("MISSING" if sign.needed else "note   ")
        typer.echo(f"{mark} {sign.what}: {sign.found}")
        if sign.mend:
            typer.echo(f"        {sign.mend}")
    if any(sign.mend and sign.needed for sign in signs):
        raise typer.Exit(errors.MissingPart.exit_code)


def _python() -> Sign:
    found = ".".join(map(str, sys.version_info[:3]))
    return Sign("Python", found, "" if sys.version_info >= OLDEST_PYTHON else "install Python 3.11 or later")


def _libraries() -> Iterator[Sign]:
    for name in render.LIBRARIES:
        try:
            yield Sign(name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Sign(name, "not installed", "run `make setup`")
    yield _tried("Pango, which sets the book's type", lambda: importlib.import_module("weasyprint"), PANGO)
    yield _tried("the MJML compiler", mjml.compiler, "run `make setup`")


def _tried(what: str, action: Callable[[], object], mend: str) -> Sign:
    try:
        action()
    except errors.Problem as problem:
        return Sign(what, problem.message, problem.hint or mend)
    except (ImportError, OSError) as error:
        return Sign(what, str(error).splitlines()[0], mend)
    return Sign(what, "works")


def _programs() -> Iterator[Sign]:
    path = shutil.which("chromium")
    yield Sign("Chromium, for the browser tests", path or "not installed",
               "" if path else "sudo apt-get install chromium", needed=False)  # fmt: skip


def _installation(settings: config_.Config) -> Iterator[Sign]:
    yield _tried(
        f"templates in {settings.templates}", lambda: templating.tokens(settings.templates), "restore the folder"
    )
    folder = settings.content
    yield Sign("content", str(folder), "" if folder.is_dir() else "restore the folder, or name another --config")
    yield _database(settings)
    examples = settings.is_example()
    mend = "set these under [publication] in mscare.toml before a real send" if examples else ""
    yield Sign("publisher", "still the example: " + ", ".join(examples) if examples else "set", mend, needed=False)
    yield _key(settings)
    for name, port in (("preview", settings.preview.port), ("serve", settings.site.port)):
        yield _port(name, port)


def _database(settings: config_.Config) -> Sign:
    url = settings.database.url
    try:
        database.open_engine(url, settings.root)
    except errors.Problem as problem:
        return Sign("database", problem.message, problem.hint)
    return Sign("database", url)


def _key(settings: config_.Config) -> Sign:
    service = settings.delivery.service
    try:
        _, account = config_.service_of(settings, service)
    except errors.ConfigProblem as problem:
        return Sign("sending service", problem.message, problem.hint)
    if account.key.get_secret_value():
        return Sign("sending service", f"{service}, with a key")
    return Sign("sending service", f"{service}, without a key", f"set MSCARE_SERVICES__{service.upper()}__KEY")


def _port(name: str, port: int) -> Sign:
    with socket.socket() as probe:
        taken = probe.connect_ex(("127.0.0.1", port)) == 0
    mend = f"stop what uses it, or run `mscare {name} --port N`" if taken else ""
    return Sign(f"port {port} for `mscare {name}`", "taken" if taken else "free", mend, needed=False)
