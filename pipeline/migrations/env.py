"""Alembic's entry point: runs the migrations in one transaction on the engine that `database` hands over."""

from alembic import context

from pipeline import database


def _run() -> None:
    engine = context.config.attributes["engine"]
    with database.writing(engine) as connection:
        context.configure(connection=connection, target_metadata=database.metadata, transactional_ddl=True)
        context.run_migrations()


_run()
