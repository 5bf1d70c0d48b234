"""A command reads in what it works with, and no more."""

import subprocess
import sys

import pytest
import typer

from pipeline import cli

OF_A_SEND = {"sqlalchemy", "requests", "weasyprint", "uvicorn", "pypdfium2", "fontTools.subset"}


def names(app: typer.Typer) -> set[str]:
    return set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", cli.ROOMS)
def test_a_room_has_just_the_commands_it_is_named_for(room: str) -> None:
    commands = cli.ROOMS[room]
    assert names(cli.application(commands[0])) == set(commands)


def test_a_word_that_is_no_command_is_looked_for_in_all_rooms() -> None:
    everything = {command for commands in cli.ROOMS.values() for command in commands}
    assert names(cli.application()) == names(cli.application("--help")) == names(cli.application("buidl")) == everything


@pytest.mark.parametrize("command", ["build", "check", "preview"])
def test_an_editor_does_not_wait_for_what_a_sender_works_with(command: str) -> None:
    code = f"import sys; from pipeline import cli; cli.application({command!r}); print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not OF_A_SEND & set(said.split())
