"""Waiting with an end, by one timer for all who wait."""

from __future__ import annotations

import asyncio

import pytest

from heliograph.web.patience import Patience


async def test_what_is_done_in_time_is_waited_for() -> None:
    patience, done = Patience(5), []

    async def work() -> None:
        await asyncio.sleep(0.001)
        done.append(True)

    await patience.wait(work())
    assert done == [True]


async def test_what_takes_too_long_is_left_and_cancelled() -> None:
    patience, cancelled = Patience(0.02), []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    waiting = [asyncio.create_task(patience.wait(work())) for _ in range(50)]
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(answer, TimeoutError) for answer in answers) and len(cancelled) == 50


async def test_an_error_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await Patience(5).wait(work())


async def test_who_is_cancelled_from_outside_is_cancelled() -> None:
    waiting = asyncio.create_task(Patience(5).wait(asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_the_timer_stops_when_nobody_waits() -> None:
    patience = Patience(0.2)
    await patience.wait(asyncio.sleep(0))
    async with asyncio.timeout(60):
        while patience._timer is not None:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.01)
