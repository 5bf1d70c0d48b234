"""Documentation is tested: every command, setting, exit code, check, service and format must be in the docs."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest
import typer

from pipeline import checks, cli, config, errors, render
from pipeline.esps import _registry

ROOT = Path(__file__).resolve().parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def reference() -> str:
    """Write the command reference from the commands themselves."""
    lines = [
        "# Commands",
        "",
        "Made from the commands' own help by `pytest tests/test_docs.py --update`; do not edit.",
        "",
    ]
    lines += [
        "Every command takes `--config FILE` and `--verbose`. Exit codes and JSON: [exit-codes.md](exit-codes.md).",
        "",
    ]
    for name, command in _commands(typer.main.get_command(cli.application()), "mscare"):
        lines += [f"## {name}", "", inspect.cleandoc(command.help or ""), ""]
        lines += [_option(parameter) for parameter in command.params if parameter.name not in {"config", "verbose"}]
        lines += [""] * (lines[-1] != "")
    return "\n".join(lines).rstrip() + "\n"


def _commands(group: Any, name: str) -> Iterator[tuple[str, Any]]:
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}", command


def _option(parameter: Any) -> str:
    word = parameter.metavar or parameter.name.upper()
    given = word if parameter.param_type_name == "argument" else ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.param_type_name == "option" and not parameter.is_flag:
        given += f" {word}"
    return f"- `{given}`: {parameter.help}"


def settings(kind: type[pydantic.BaseModel], prefix: str = "") -> Iterator[str]:
    """Name every setting as section.key."""
    for name, field in kind.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, pydantic.BaseModel):
            yield from settings(inner, f"{prefix}{name}.")
        elif name != "root":
            yield f"{prefix}{name}"


def problems(kind: type[errors.Problem] = errors.Problem) -> Iterator[type[errors.Problem]]:
    yield kind
    for below in kind.__subclasses__():
        yield from problems(below)


def test_the_command_reference_says_what_the_commands_say(request: pytest.FixtureRequest) -> None:
    page = ROOT / "docs" / "commands.md"
    if request.config.getoption("--update"):
        page.write_text(reference(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == reference(), (
        "run pytest tests/test_docs.py --update, then read the difference"
    )


def test_every_command_of_the_contract_exists() -> None:
    names = {name.removeprefix("mscare ") for name, _ in _commands(typer.main.get_command(cli.application()), "mscare")}
    contract = {"demo", "doctor", "new", "check", "build", "plan", "approve", "send", "status", "report"}
    contract |= {"schedule", "work", "preview", "serve", "sandbox"}
    people = {"subscribers import", "subscribers count", "subscribers export", "subscribers erase"}
    assert names >= contract | people


@pytest.mark.parametrize("name", sorted(settings(config.Config)))
def test_every_setting_is_documented_with_its_variable(name: str) -> None:
    page = text("docs/settings.md")
    assert f"`{name}`" in page
    assert f"`MSCARE_{name.upper().replace('.', '__')}`" in page


def test_no_setting_is_documented_that_does_not_exist() -> None:
    documented = set(re.findall(r"^\| `([a-z_.]+)`", text("docs/settings.md"), re.MULTILINE))
    assert documented == set(settings(config.Config))


@pytest.mark.parametrize("problem", list(problems()), ids=lambda kind: kind.__name__)
def test_every_exit_code_is_documented(problem: type[errors.Problem]) -> None:
    assert f"| {problem.exit_code} | {problem.__name__} |" in text("docs/exit-codes.md")


def test_every_class_of_problem_has_its_own_exit_code() -> None:
    codes = [kind.exit_code for kind in problems()]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("code", sorted(check.code for check in checks.catalogue()))
def test_every_check_is_documented(code: str) -> None:
    assert f"`{code}`" in text("docs/check-codes.md")


@pytest.mark.parametrize("name", _registry.names())
def test_every_service_is_documented(name: str) -> None:
    assert name in text("docs/adding-a-service.md")
    assert f"`services.{name}.base_url`" in text("docs/settings.md")


@pytest.mark.parametrize("name", render.format_names())
def test_every_format_is_documented(name: str) -> None:
    assert f"| `{name}` |" in text("docs/adding-a-format.md")


def test_every_link_between_the_documents_leads_somewhere() -> None:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []
