"""Replaying a fold: by the engine where one runs, else here. Folds only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from heliograph.app.storage import engine_runs, reading
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.journal import replaying
from heliograph.journal.consumer import Fold
from heliograph.journal.state_writer import StateWriter
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings


def ask(settings: Settings, name: str) -> bool:
    """Ask a running engine for the replay; False where none runs. Raises `OperatorError` for what is no fold."""
    fold = _fold(name)
    if not engine_runs(settings):
        return False
    with open_state(Path(settings.data)).begin() as connection:
        replaying.ask_replay(connection, fold)
    return True


async def replay(settings: Settings, name: str, progress: Callable[[int, int], object]) -> int:
    """Fold everything again, in this process; returns how many events were applied."""
    writer = StateWriter(open_state(Path(settings.data)))

    def told(at: int, head: int) -> None:
        progress(at, head)

    async with reading(settings) as journal:
        try:
            return await replaying.replay(
                _fold(name), journal=journal, writer=writer, clock=SystemClock(), progress=told
            )
        finally:
            await writer.close()


def _fold(name: str) -> Fold:
    for fold in FOLDS:
        if fold.name == name:
            return fold
    raise OperatorError(
        f"there is no fold {name}: {', '.join(fold.name for fold in FOLDS)}. Nothing else can be replayed"
    )
