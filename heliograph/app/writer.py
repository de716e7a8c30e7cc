"""The journal's own process, for several web workers: owns the file, takes events from everybody else."""

from __future__ import annotations

import uvloop

from heliograph.app import part
from heliograph.app.storage import owned
from heliograph.settings import Settings


def run(settings: Settings) -> None:
    """Own the journal until SIGTERM."""
    uvloop.run(_run(settings))


async def _run(settings: Settings) -> None:
    stopped = part.told_to_stop()
    async with owned(settings):
        part.calm_collector()
        await stopped.wait()


if __name__ == "__main__":
    part.run("journal", run)
