"""Engines for tests: started on demand, stopped at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_engine import Engine
from webhook_receiver import Hooks


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Start engines; all are stopped at the end."""
    started: list[Engine] = []

    def launched(*, workers: int = 1, **environ: str) -> Engine:
        engine = Engine(tmp_path / f"data{len(started)}", workers, environ)
        started.append(engine)
        engine.start()
        return engine

    yield launched
    for engine in started:
        if engine.process is not None and engine.process.poll() is None:
            engine.stop()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    """A receiver of webhooks."""
    server = Hooks()
    yield server
    server.shutdown()
    server.server_close()
