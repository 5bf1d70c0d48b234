"""Arguments in, text and exit code out. Results go to stdout, everything else to stderr."""

import importlib
import sys
import traceback

import typer

from pipeline import errors
from pipeline.cli import _app

ROOMS = {
    "_demo": ("demo",),
    "_doctor": ("doctor",),
    "_content": ("new", "check", "build"),
    "_packs": ("pack",),
    "_people": ("subscribers",),
    "_sending": ("plan", "approve", "send", "status", "settle", "schedule", "work", "report"),
    "_serving": ("preview", "serve", "sandbox"),
}
"""The commands of each room. A build need not read in what a send works with: that takes as long as an edition."""

_STOPPED = errors.Interrupted("stopped", hint="nothing is half-written; run the same command again")


def application(command: str = "") -> typer.Typer:
    """Return the application with the room of that command, or with all rooms when there is no such command."""
    app = _app.application()
    rooms = [name for name, commands in ROOMS.items() if command in commands] or list(ROOMS)
    for name in rooms:
        importlib.import_module(f"{__name__}.{name}").register(app)
    return app


def main() -> None:
    """Run one command; every foreseen problem becomes a sentence and the exit code of its class."""
    try:
        code = application(*sys.argv[1:2])(standalone_mode=False)
        if code == errors.Interrupted.exit_code:  # what typer makes of Ctrl-C, without a word
            code = _tell(_STOPPED)
    except errors.Problem as problem:
        code = _tell(problem)
    except typer.exceptions.TyperException as fault:
        hint = "`mscare --help` lists the commands, `mscare COMMAND --help` explains one with an example"
        code = _tell(errors.UsageProblem(fault.format_message(), hint=hint))
    except (KeyboardInterrupt, typer.Abort):
        code = _tell(_STOPPED)
    except BrokenPipeError:
        code = 0  # the reader of our output, such as `head`, has seen enough
    except Exception as fault:  # noqa: BLE001  the last net: a traceback never reaches a user
        code = _tell_unforeseen(fault)
    sys.exit(code if isinstance(code, int) else 0)


def _tell(problem: errors.Problem) -> int:
    _app.screen.print(f"[bold red]mscare:[/] {_app.plain(problem.message)}")
    if problem.hint:
        _app.screen.print(f"[bold]What to do:[/] {_app.plain(problem.hint)}")
    return problem.exit_code


def _tell_unforeseen(fault: Exception) -> int:
    """Say that the fault is ours; the traceback only with --verbose, since it may be long and frightening."""
    if "--verbose" in sys.argv:
        traceback.print_exception(fault)
    hint = "run it again with --verbose and send us what it prints; your data is as it was before"
    return _tell(errors.Problem(f"a fault of this program, not of yours: {type(fault).__name__}: {fault}", hint=hint))
