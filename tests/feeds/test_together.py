"""What is asked for in one turn of the event loop is done in one go, and answered to each alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from heliograph.errors import Unavailable
from heliograph.outbound.feeds.together import Together


class Work:
    """Doubles numbers; fails where a number is among `fails`."""

    def __init__(self, error: Exception | None = None, fails: Sequence[int] = ()) -> None:
        self.done: list[list[int]] = []
        self._error, self._fails = error, fails

    async def do(self, numbers: Sequence[int]) -> list[int]:
        self.done.append(list(numbers))
        await asyncio.sleep(0)
        if self._error is not None and any(number in self._fails for number in numbers):
            raise self._error
        return [2 * number for number in numbers]


async def test_what_is_asked_in_one_turn_is_done_at_once_in_its_order() -> None:
    together, work = Together(), Work()
    assert await asyncio.gather(*(together.ask("q", number, work.do) for number in (3, 1, 2))) == [6, 2, 4]
    assert await together.ask("q", 4, work.do) == 8
    assert work.done == [[3, 1, 2], [4]]


async def test_what_is_asked_of_another_is_done_by_itself() -> None:
    together, one, other = Together(), Work(), Work()
    asked = together.ask("a", 1, one.do), together.ask("b", 2, other.do), together.ask("a", 3, one.do)
    assert await asyncio.gather(*asked) == [2, 4, 6]
    assert (one.done, other.done) == ([[1, 3]], [[2]])


async def test_only_what_fails_by_itself_fails() -> None:
    together, work = Together(), Work(KeyError("two"), fails=[2])
    asked = (together.ask("q", number, work.do) for number in (1, 2, 3))
    first, second, third = await asyncio.gather(*asked, return_exceptions=True)
    assert (first, third) == (2, 6) and isinstance(second, KeyError)
    assert work.done == [[1, 2, 3], [1], [2], [3]]


async def test_what_the_machine_cannot_do_now_is_not_asked_again_for_each() -> None:
    together, work = Together(), Work(Unavailable("the disk is full"), fails=[2])
    answers = await asyncio.gather(
        *(together.ask("q", number, work.do) for number in (1, 2)), return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["the disk is full"] * 2 and work.done == [[1, 2]]


async def test_whoever_goes_away_takes_nobody_along() -> None:
    together, work = Together(), Work()
    tasks = [asyncio.create_task(together.ask("q", number, work.do)) for number in (1, 2)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert await tasks[1] == 4
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
