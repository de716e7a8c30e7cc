"""The state database's schema, revision by revision (Alembic); whoever starts brings it up to date first.

The revisions are part of the package, so that an installed wheel has them. All that are missing run in one
transaction: another process that starts at the same time waits for it and then finds nothing to do, and a failure
leaves the file as it was. `tests/state/test_migrations.py` holds the result against the tables that the parts
declare and says what a next revision must do: write it by hand, in `versions`, in the form of the last one. The first
is long, so it has a module for each area in `first_schema`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def migrate(engine: Engine) -> None:
    """Bring state up to date. Raises `alembic.util.CommandError` for a file that a newer version has made."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
