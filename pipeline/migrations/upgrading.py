"""Alembic at work: apart from `database`, because it costs a quarter of a second that most commands need not pay."""

import threading
from pathlib import Path

import alembic.command
import alembic.config
import sqlalchemy as sa
from alembic.util.exc import CommandError

from pipeline import errors

_one_upgrade = threading.Lock()  # Alembic keeps the running migration in a global of its own


def upgrade(engine: sa.Engine) -> None:
    """Bring the schema to the newest revision; refuses one that this program does not know."""
    settings = alembic.config.Config()
    settings.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    settings.attributes["engine"] = engine
    try:
        with _one_upgrade:
            alembic.command.upgrade(settings, "head")
    except CommandError as error:
        msg = f"the database {engine.url.database} was made by another version of this program: {error}"
        raise errors.StorageProblem(msg, hint="install the version that made it, or restore a backup") from error
