"""Files that were put back from backups of different times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from heliograph.app.serve import prepare
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.journal.file_reader import FileReader
from heliograph.journal.positions import FOLD, Who, move
from heliograph.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data directory after its first start, nobody running."""
    settings = Settings(data=str(tmp_path / "data"))
    assert prepare(settings) is not None
    return settings


@pytest.fixture
def head(settings: Settings) -> int:
    """Where the journal ends after a first start."""
    reader = FileReader(Path(settings.data))
    head = reader.head()
    reader.close()
    assert head > 0
    return head


def handled(settings: Settings, place: int) -> None:
    """The fold of people has come so far."""
    state = open_state(Path(settings.data))
    with state.begin() as connection:
        assert move(connection, {Who(FOLD, "people"): (0, place)})
    state.dispose()


def test_a_journal_that_is_as_new_as_the_state_is_served(settings: Settings, head: int) -> None:
    handled(settings, head)
    assert prepare(settings) is None


def test_a_journal_that_is_older_than_the_state_is_refused(settings: Settings, head: int) -> None:
    handled(settings, head + 1)
    with pytest.raises(OperatorError, match=f"ends at place {head}, and state.db has handled {head + 1}"):
        prepare(settings)


def test_a_state_without_its_journal_is_refused(settings: Settings, head: int) -> None:
    handled(settings, head)
    (Path(settings.data) / "journal.db").unlink()
    with pytest.raises(OperatorError, match="ends at place 0"):
        prepare(settings)


def test_copies_of_the_two_databases_alone_are_enough(settings: Settings, head: int, tmp_path: Path) -> None:
    handled(settings, head)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("state.db", "journal.db"):
        shutil.copy(Path(settings.data) / name, copy)
    assert prepare(Settings(data=str(copy))) is None
