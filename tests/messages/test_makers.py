"""Mails that processes of their own make, and what happens when they do not."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from making_world import order, workshop

from heliograph.outbound.messages.making.letters import Draft, Failed, Made
from heliograph.outbound.messages.making.makers import BUSY, Makers, Unmade, by_machine
from heliograph.outbound.messages.making.workshop import Order

CHILD = Path(__file__).parent / "making_child.py"
HERE = workshop()


class Here:
    """Makes mails in this process, and remembers which."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def make(self, order: Order) -> Made:
        self.made.append(order.request.id)
        return HERE.make(order)


@asynccontextmanager
async def running(lives: Path, command: Sequence[str] | None = None, **options: Any) -> AsyncIterator[Crew]:
    here = Here()
    options = {"patience": 600.0, **options}
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(CHILD.parent), *sys.path))}
    makers = Makers(here.make, command or (sys.executable, str(CHILD), str(lives)), environ, **options)
    try:
        yield Crew(makers, here, lives)
    finally:
        await makers.close()


class Crew:
    """Makers, what was made here, and which processes lived."""

    def __init__(self, makers: Makers, here: Here, lives: Path) -> None:
        self.makers, self.here, self._lives = makers, here, lives

    async def begun(self, count: int = 1) -> list[int]:
        """Have processes started, and wait until so many are ready; their numbers."""
        async with asyncio.timeout(60):
            while len(self.makers.pids) < count:
                await self.makers.make(order())
                await asyncio.sleep(0.01)
        self.here.made.clear()
        return self.makers.pids

    @property
    def lives(self) -> list[int]:
        return [int(line) for line in self._lives.read_text().split()]


@pytest.fixture
def lives(tmp_path: Path) -> Path:
    return tmp_path / "lives"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - the end of another process, which tells nobody
            await asyncio.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_process_makes_the_mails_that_are_made_here(lives: Path) -> None:
    """However many ask at once, each gets its own, byte for byte."""
    async with running(lives) as crew:
        await crew.begun()
        orders = [order(number) for number in range(30)]
        made = await asyncio.gather(*map(crew.makers.make, orders))
        assert crew.here.made == []
        assert made == [HERE.make(one) for one in orders]
        assert len({draft.parcel.content for draft in made if isinstance(draft, Draft)}) == 30


async def test_what_cannot_be_made_is_told_as_it_is_here(lives: Path) -> None:
    async with running(lives) as crew:
        await crew.begun()
        ours = order(1)
        unknown = Order(ours.request._replace(account="999999999999"), 3, ours.recipient, ours.now)
        assert await crew.makers.make(unknown) == HERE.make(unknown)
        assert crew.here.made == []


async def test_an_error_of_our_own_is_raised_and_ends_nothing(lives: Path) -> None:
    async with running(lives) as crew:
        (pid,) = await crew.begun()
        with pytest.raises(Unmade, match="ZeroDivisionError: by us"):
            await crew.makers.make(order(1, template="break"))
        assert isinstance(await crew.makers.make(order(2)), Draft)
        assert crew.makers.pids == [pid] and crew.here.made == []


async def test_a_process_ends_when_it_is_not_needed_any_more(lives: Path) -> None:
    async with running(lives) as crew:
        (pid,) = await crew.begun()
        await crew.makers.close()
        assert not runs(pid)
        assert isinstance(await crew.makers.make(order(1)), Draft)
        assert crew.makers.pids == [] and len(crew.here.made) == 1


async def test_what_a_process_that_is_killed_was_to_make_is_made_elsewhere(lives: Path) -> None:
    """The one under its hands by the next process, before all others; those behind it here."""
    async with running(lives, pause=0.0) as crew:
        (pid,) = await crew.begun()
        os.kill(pid, signal.SIGSTOP)
        orders = [order(number) for number in range(20)]
        making = asyncio.gather(*map(crew.makers.make, orders))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        assert await making == [HERE.make(one) for one in orders]
        assert crew.here.made == [one.request.id for one in orders[1:]]
        assert crew.lives[0] == pid and len(crew.lives) == 2


async def test_a_mail_that_ends_its_process_fails_alone(lives: Path) -> None:
    async with running(lives, pause=0.0) as crew:
        await crew.begun()
        orders = [order(number, template="kill" if number == 3 else "cart") for number in range(8)]
        made = await asyncio.gather(*map(crew.makers.make, orders))
        (failed,) = (one for one in made if not isinstance(one, Draft))
        assert isinstance(failed, Failed) and made.index(failed) == 3
        assert failed.errors[0].code == "Template limit exceeded"
        assert orders[3].request.id not in crew.here.made, "it would have ended the sender"
        assert len(crew.lives) == 2, "it had two processes to itself"
        (other,) = await crew.begun()
        assert crew.lives[-1] == other


async def test_a_mail_that_hangs_is_ended_and_fails_alone(lives: Path) -> None:
    """Its process is ended for its silence; those behind it are made, and so are later ones."""
    async with running(lives, pause=0.0, patience=0.3) as crew:
        (pid,) = await crew.begun()
        orders = [order(number, template="hang" if number == 0 else "cart") for number in range(4)]
        failed, *made = await asyncio.gather(*map(crew.makers.make, orders))
        assert isinstance(failed, Failed) and all(isinstance(one, Draft) for one in made)
        assert crew.here.made == [one.request.id for one in orders[1:]]
        assert crew.lives[0] == pid and len(crew.lives) == 2 and not runs(pid)


async def test_a_mail_that_ended_a_process_is_made_here_where_there_is_no_other(
    lives: Path, tmp_path: Path
) -> None:
    """It waits for a process, but not in vain."""
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    async with running(lives, (str(python), str(CHILD), str(lives)), pause=0.0) as crew:
        (pid,) = await crew.begun()
        os.kill(pid, signal.SIGSTOP)
        making = asyncio.ensure_future(crew.makers.make(order(1)))
        await asyncio.sleep(0)
        python.unlink()
        os.kill(pid, signal.SIGKILL)
        assert await making == HERE.make(order(1))
        assert crew.here.made == [order(1).request.id]


async def test_a_mail_that_waits_for_a_process_is_made_here_when_there_will_be_none(lives: Path) -> None:
    async with running(lives, pause=600.0) as crew:
        (pid,) = await crew.begun()
        os.kill(pid, signal.SIGSTOP)
        making = asyncio.ensure_future(crew.makers.make(order(1)))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not runs(pid))
        await crew.makers.close()
        assert await making == HERE.make(order(1))


async def test_mails_are_made_where_no_process_can_be_started(lives: Path) -> None:
    async with running(lives, ("/nowhere/python",)) as crew:
        for number in range(3):
            assert isinstance(await crew.makers.make(order(number)), Draft)
            await asyncio.sleep(0)
        assert len(crew.here.made) == 3 and crew.makers.pids == []


async def test_one_who_goes_away_takes_no_others_along(lives: Path) -> None:
    async with running(lives) as crew:
        await crew.begun()
        asked = [asyncio.ensure_future(crew.makers.make(order(number))) for number in range(5)]
        await asyncio.sleep(0)
        asked[1].cancel()
        others = [one for place, one in enumerate(asked) if place != 1]
        assert await asyncio.gather(*others) == [HERE.make(order(number)) for number in (0, 2, 3, 4)]


async def test_more_processes_come_when_one_has_too_much_to_do(lives: Path) -> None:
    async with running(lives, most=2) as crew:
        (first,) = await crew.begun()
        os.kill(first, signal.SIGSTOP)
        waiting = [asyncio.ensure_future(crew.makers.make(order(number))) for number in range(BUSY + 1)]
        await until(lambda: len(crew.makers.pids) == 2)
        assert isinstance(await crew.makers.make(order(50)), Draft), "by the second, which has less to do"
        assert crew.here.made == []
        os.kill(first, signal.SIGCONT)
        assert all(isinstance(one, Draft) for one in await asyncio.gather(*waiting))
        assert len(crew.lives) == 2, "and no more than were asked for"


async def test_what_a_process_remembers_goes_with_it(lives: Path) -> None:
    """STD-7: after an erasure there is another, and what was ordered before is made."""
    async with running(lives) as crew:
        (pid,) = await crew.begun()
        os.kill(pid, signal.SIGSTOP)
        waiting = asyncio.ensure_future(crew.makers.make(order(1)))
        await asyncio.sleep(0)
        crew.makers.forget()
        os.kill(pid, signal.SIGCONT)
        assert await waiting == HERE.make(order(1)) and crew.here.made == []
        await until(lambda: not runs(pid))
        (other,) = await crew.begun()
        assert other != pid


async def test_where_none_are_wanted_none_is_started(lives: Path) -> None:
    async with running(lives, most=0) as crew:
        assert isinstance(await crew.makers.make(order(1)), Draft)
        assert asyncio.all_tasks() == {asyncio.current_task()}


def test_a_machine_with_one_processor_makes_mails_in_the_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert by_machine() == 0
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert by_machine() == 2
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert by_machine() == 4
