"""Schema migrations, run by `database.open_engine`."""
