"""Jinja2 as every format uses it: autoescape on, an unknown name is an error, tokens.toml at hand."""

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

import jinja2

from pipeline import errors


@functools.cache
def environment(templates: Path, folder: str, *, autoescape: bool = True) -> jinja2.Environment:
    """Return the environment for `templates/<folder>`; only the plain-text format turns autoescape off.

    One for each folder, kept with its compiled templates; a file that changes on disk is compiled again.
    """
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([templates / folder, templates]),
        autoescape=autoescape,  # noqa: S701  on by default; off only for text/plain, which has no markup to inject
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=True,
    )


def tokens(templates: Path) -> Mapping[str, Mapping[str, str]]:
    """Read templates/tokens.toml; refuse when it is missing or broken."""
    path = templates / "tokens.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read {path}: {error}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/tokens.toml") from error


def render(environment: jinja2.Environment, name: str, **values: object) -> str:
    """Fill template `name`; a fault in it is told with its file and line."""
    try:
        return environment.get_template(name).render(**values)
    except jinja2.TemplateSyntaxError as error:
        msg = f"{error.filename or name}:{error.lineno}: {error.message}"
        raise errors.RenderProblem(msg, hint="mend the template at that line") from error
    except jinja2.TemplateNotFound as error:
        msg = f"there is no template {error.name}"
        raise errors.RenderProblem(msg, hint="restore the shipped templates/ folder") from error
    except jinja2.UndefinedError as error:
        msg = f"{name}:{_line(error)}: {error.message}"
        raise errors.RenderProblem(msg, hint="mend the template at that line") from error


def _line(error: jinja2.UndefinedError) -> int:
    """Return the template's line: Jinja2 rewrites tracebacks so that the last frame is the template's own."""
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith((".j2", ".html", ".txt", ".css")):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
