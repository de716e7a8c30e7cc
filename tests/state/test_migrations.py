"""What the revisions make is what the parts declare, and migrating is safe to do at every start."""

from __future__ import annotations

import importlib
import pkgutil
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Engine, text

import heliograph
from heliograph import migrations
from heliograph.database import FILE, METADATA, memory_state, open_state
from heliograph.migrations import migrate

SCHEMA = text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name != 'alembic_version'")

# Every module, so that every table is on METADATA, whoever runs this test alone.
for module in pkgutil.walk_packages(heliograph.__path__, "heliograph."):
    if not module.name.endswith("__main__") and not module.name.startswith("heliograph.migrations."):
        importlib.import_module(module.name)


def schema(engine: Engine) -> dict[str, list[str]]:
    """The statements that made each table and index, comparably: columns and constraints as a sorted list."""
    with engine.connect() as connection:
        return {
            name: sorted(line.strip().rstrip(",") for line in sql.replace('"', "").splitlines())
            for name, sql in connection.execute(SCHEMA)
        }


def test_the_revisions_make_what_the_parts_declare(tmp_path: Path) -> None:
    """What this shows is what the next revision must do."""
    engine = open_state(tmp_path)
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_the_revisions_make_it_to_the_letter(tmp_path: Path) -> None:
    """What Alembic does not compare, too: tables without row ids, names of constraints, kinds of columns."""
    migrated, declared = open_state(tmp_path), memory_state()
    migrate(migrated)
    assert schema(migrated) == schema(declared)
    migrated.dispose()
    declared.dispose()


def test_migrating_again_changes_nothing(tmp_path: Path) -> None:
    engine = open_state(tmp_path)
    migrate(engine)
    before = schema(engine)
    migrate(engine)
    assert schema(engine) == before
    engine.dispose()


def test_processes_that_start_at_once_do_not_meet(tmp_path: Path) -> None:
    engines = [open_state(tmp_path) for _ in range(4)]
    failures: list[BaseException] = []

    def run(engine: Engine) -> None:
        try:
            migrate(engine)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    for engine in engines:
        engine.dispose()


def test_a_failing_revision_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    engine = open_state(tmp_path)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE feeds (name TEXT)")
    with pytest.raises(Exception, match="table feeds already exists"):
        migrate(engine)
    assert schema(engine).keys() == {"feeds"}
    engine.dispose()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    engine = open_state(tmp_path)
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(CommandError, match="9999"):
        migrate(engine)
    engine.dispose()


def test_there_is_one_line_of_revisions() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert len(ScriptDirectory.from_config(config).get_heads()) == 1


def test_the_file_is_in_its_directory_whatever_that_is_called(tmp_path: Path) -> None:
    data = tmp_path / "a b%20c#?d=1"
    data.mkdir()
    engine = open_state(data)
    migrate(engine)
    assert (data / FILE).is_file()
    engine.dispose()
