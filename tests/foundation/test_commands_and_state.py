"""A command that records something ends when state shows it, so that the next command finds what this one made."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

import pytest

from heliograph.app import define
from heliograph.app.serve import prepare
from heliograph.app.storage import ENGINE, engine_runs, only, owned
from heliograph.database import open_state
from heliograph.errors import InUse
from heliograph.events.definitions import AutomationRemoved
from heliograph.journal.positions import FOLD, Who, move
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings

REMOVED = AutomationRemoved(name="welcome", by="command line")


async def test_beside_an_engine_it_ends_after_the_last_fold_has_passed_it(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    await asyncio.to_thread(prepare, settings)
    state, order = open_state(Path(settings.data)), []
    async with owned(settings) as journal:
        before = await journal.head()
        with only(settings, ENGINE):
            recording = asyncio.create_task(define.record(settings, None, "automation", "welcome", REMOVED))
            recording.add_done_callback(lambda _: order.append("the command ended"))
            head = await journal.wait(before, 90)
            for fold in FOLDS:
                for _ in range(20):  # time enough to end too early
                    await journal.read(0, limit=1)
                order.append(fold.name)
                with state.begin() as connection:
                    assert move(connection, {Who(FOLD, fold.name): (0, head)})
            await recording
    state.dispose()
    assert order == [*(fold.name for fold in FOLDS), "the command ended"]


async def test_where_no_engine_runs_it_waits_for_none(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path / "data"))
    await asyncio.to_thread(prepare, settings)
    async with owned(settings) as journal:
        before = await journal.head()
        await define.record(settings, None, "automation", "welcome", REMOVED)
        assert await journal.head() == before + 1


def test_who_only_asks_whether_an_engine_runs_keeps_none_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To ask is to hold the lock for a moment; it is over when the engine has waited for it."""
    settings = Settings(data=str(tmp_path))
    with contextlib.ExitStack() as asking:
        asking.enter_context(only(settings, ENGINE))
        monkeypatch.setattr(time, "sleep", lambda _: asking.close())
        with only(settings, ENGINE):
            assert engine_runs(settings)


def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))
    with only(settings, ENGINE), pytest.raises(InUse, match="already running"), only(settings, ENGINE):
        pass
