"""Arguments in, text and exit code out. Results go to stdout, everything else to stderr."""

import sys
import traceback

import typer

from pipeline import errors
from pipeline.cli import _app, _content, _demo, _doctor, _packs, _people, _sending, _serving

for _room in (_demo, _doctor, _content, _packs, _people, _sending, _serving):
    _room.register(_app.app)

_STOPPED = errors.Interrupted("stopped", hint="nothing is half-written; run the same command again")


def main() -> None:
    """Run one command; every foreseen problem becomes a sentence and the exit code of its class."""
    try:
        code = _app.app(standalone_mode=False)
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
