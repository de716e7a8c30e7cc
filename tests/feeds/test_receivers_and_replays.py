"""What goes out looks again and again who is to be told; while a fold starts over, state names too few of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from heliograph.app import define, rebuild
from heliograph.app.outbound import LOOK_SECONDS, OutboundRoom
from heliograph.app.serve import prepare
from heliograph.app.storage import owned
from heliograph.clock import SECOND, SystemClock
from heliograph.database import open_state
from heliograph.journal import parked
from heliograph.journal.parked import Case, Waiting
from heliograph.journal.positions import ACT, Who
from heliograph.journal.replaying import start_over
from heliograph.react.state import definitions
from heliograph.settings import Settings

LOOKS = 20


class Hurried(SystemClock):
    """Looks follow each other at once, and are counted."""

    def __init__(self) -> None:
        self.looks: asyncio.Queue[float] = asyncio.Queue()

    async def sleep(self, seconds: float) -> None:
        if seconds == LOOK_SECONDS:
            self.looks.put_nowait(seconds)
        await asyncio.sleep(min(seconds, 0.01))

    async def looked(self) -> None:
        """Return after so many more."""
        self.looks = asyncio.Queue()
        for _ in range(LOOKS):
            await self.looks.get()


async def test_what_waits_for_a_feed_outlives_a_replay_of_what_is_defined(tmp_path: Path) -> None:
    settings, clock = Settings(data=str(tmp_path / "data")), Hurried()
    made = await asyncio.to_thread(prepare, settings)
    assert made is not None
    await define.save_feed(settings, None, "crm", "heliograph", "https://crm.example/hooks", (), {})
    for fold in ("definitions", "topics"):
        await rebuild.replay(settings, fold, lambda *_: None)
    who, state = Who(ACT, f"feed:{made['account']}:crm"), open_state(Path(settings.data))
    later = Waiting(Case(who, 1, "an event", made["account"]), 1, 0, clock.now() + 3600 * SECOND, "503")

    async with owned(settings) as journal:
        room = OutboundRoom(settings, clock, journal)
        running = asyncio.create_task(room.run())

        await clock.looked()
        with state.begin() as connection:
            parked.put_off(connection, later)
            start_over(connection, definitions.FOLD)
        await clock.looked()
        with state.connect() as connection:
            assert definitions.feeds(connection) == [], "it has begun"
            assert parked.waiting(connection) == {who: 1}
        await rebuild.replay(settings, "definitions", lambda *_: None)
        await clock.looked()
        assert who in room.loops.standing()
        await room.stop()
        await running
        await room.close()
    with state.connect() as connection:
        assert parked.waiting(connection) == {who: 1}
    state.dispose()
