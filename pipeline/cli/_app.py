"""What every command shares: the application, the screen, --config and --verbose, numbered progress lines."""

import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import rich.console
import rich.markup
import rich.progress
import typer

from pipeline import config

HELP = (
    "Navigating Your MS Care: one source of content becomes a digest and a book, sent once to everyone.\n\n"
    "New here? Run `mscare demo`, then `mscare preview`."
)
screen = rich.console.Console(stderr=True, soft_wrap=True, highlight=False)

ConfigFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings file; default: mscare.toml here or above.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say more while working, and show tracebacks of our faults.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else there.")]

Announce = Callable[[str], None]


def application() -> typer.Typer:
    """Return the application, with no command yet; with a single one, it is still to be named."""
    app = typer.Typer(
        name="mscare",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        add_completion=False,
    )
    app.callback(help=HELP)(lambda: None)
    return app


def settings(file: Path | None, *, verbose: bool) -> config.Config:
    """Load the settings named by --config, or the ones of this folder."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    return config.load(file or config.find(Path.cwd()))


def say(line: str) -> None:
    """Print a line for people, on stderr."""
    screen.print(plain(line))


def step(number: int, line: str) -> None:
    """Print a numbered step; the numbers are those of docs/how-it-works.md."""
    screen.print(f"[bold]{number}[/]  {plain(line)}")


def plain(text: str) -> str:
    """Keep square brackets from being read as colour marks."""
    return rich.markup.escape(text)


def show_json(value: Any) -> None:
    """Print a result for machines."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C, SIGTERM and a lost terminal set: work ends in good order, not in the middle."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:  # under nohup it goes on
            signal.signal(number, lambda *_: stop.set())
    return stop


def stop_as_by_ctrl_c() -> None:
    """Have SIGTERM end the command as Ctrl-C does: what it has started ends too, and what it has begun is cleared away.

    Does nothing where it cannot: signals are a matter for the main thread.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextlib.contextmanager
def working(what: str, total: int | None = None) -> Iterator[Callable[[], None]]:
    """Show on a terminal that something is going on, with a bar when `total` is known; yields what counts a step."""
    counted = () if total is None else (rich.progress.BarColumn(), rich.progress.MofNCompleteColumn())
    columns = (rich.progress.SpinnerColumn(), "{task.description}", *counted, rich.progress.TimeElapsedColumn())
    with rich.progress.Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


class Bar:
    """One bar over all subjects and the parts they are made of: its total grows when a subject says how many it has.

    Where the screen is no terminal, it is a plain line for each quarter of the way.
    """

    def __init__(self, bar: rich.progress.Progress, what: str, subjects: int) -> None:
        """Count `subjects`, each as one step."""
        self._bar = bar
        self._what = what
        self._task = bar.add_task(what, total=subjects)
        self._total = subjects
        self._ended = self._steps = self._before = self._quarter = 0

    def step(self, what: str, done: int, total: int) -> None:
        """Show that `done` of the `total` parts of the present subject are ready, the last of them `what`."""
        self._steps = done
        self._bar.update(
            self._task,
            description=f"{self._what} {plain(what)}",
            completed=self._ended + self._before + done,
            total=self._total + self._before + total,
        )
        if not screen.is_terminal and total and done * 4 // total > self._quarter:
            self._quarter = done * 4 // total
            say(f"   {done} of {total} parts")

    def done(self) -> None:
        """Count a subject as ready."""
        self._ended += 1
        self._before += self._steps
        self._steps = self._quarter = 0
        self._bar.update(
            self._task,
            description=self._what,
            completed=self._ended + self._before,
            total=self._total + self._before,
        )


@contextlib.contextmanager
def counting(what: str, subjects: int) -> Iterator[Bar]:
    """Show on a terminal how far several subjects are."""
    columns = (
        rich.progress.SpinnerColumn(),
        "{task.description}",
        rich.progress.BarColumn(),
        rich.progress.MofNCompleteColumn(),
        rich.progress.TimeElapsedColumn(),
    )
    with rich.progress.Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield Bar(bar, what, subjects)
