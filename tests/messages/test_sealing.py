"""Signatures that a process of their own makes, and what happens when it does not."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from mail_world import ACCOUNT

from heliograph.accounts.dkim import activate, add_dkim_keys
from heliograph.database import memory_state
from heliograph.outbound.messages.dkim import DkimSigner, Signers, Unsealed, signed_here
from heliograph.outbound.messages.sealing import COMMAND, PER_FRAME, Sealing

SILENT = (
    sys.executable,
    "-c",
    "import socket, sys, time\n"
    "link = socket.socket(fileno=sys.stdin.fileno())\n"
    "link.sendall(bytes((0, 0, 0, 3, 0x92, 0, 0x90)))\n"  # ready
    "time.sleep(60)",
)


@pytest.fixture(scope="module")
def signers() -> Sequence[DkimSigner]:
    """An RSA key and an Ed25519 key."""
    state = memory_state()
    with state.begin() as connection:
        for key in add_dkim_keys(connection, ACCOUNT, "shop.example", "one", 1):
            activate(connection, key, 1)
    return Signers(state).of(ACCOUNT, "shop.example")


def wanted(signers: Sequence[DkimSigner], number: int = 0) -> list[Unsealed]:
    return [Unsealed(signer, "", sha256(f"mail {number}".encode()).digest()) for signer in signers]


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on any machine on which a process of its own is of use."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - the end of another process, which tells nobody
            await asyncio.sleep(0.01)


async def begun(sealing: Sealing, signers: Sequence[DkimSigner]) -> int:
    """Have the process started, and wait until it is ready; its number."""
    async with asyncio.timeout(60):
        while sealing.pid is None:
            assert await sealing.sign(wanted(signers)) == await signed_here(wanted(signers))
            await asyncio.sleep(0.01)
    return sealing.pid


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_process_makes_the_signatures_that_are_made_here(signers: Sequence[DkimSigner]) -> None:
    """STD-2: each mail gets its own, however many ask at once; `test_dkim` holds those made here against the RFCs"""
    sealing = Sealing()
    await begun(sealing, signers)
    mails = [wanted(signers, number) for number in range(3 * PER_FRAME + 1)]
    made = await asyncio.gather(*map(sealing.sign, mails))
    assert made == [await signed_here(mail) for mail in mails]
    assert len({sign for mail in made for sign in mail}) == 2 * len(mails)
    await sealing.close()


async def test_signatures_are_made_in_the_process_and_not_here(signers: Sequence[DkimSigner]) -> None:
    sealing = Sealing()
    pid = await begun(sealing, signers)
    os.kill(pid, signal.SIGSTOP)
    signing = asyncio.gather(*(sealing.sign(wanted(signers, number)) for number in range(3)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not signing.done()
    os.kill(pid, signal.SIGCONT)
    assert await signing == [await signed_here(wanted(signers, number)) for number in range(3)]
    await sealing.close()


async def test_it_ends_when_it_is_not_needed_any_more(signers: Sequence[DkimSigner]) -> None:
    sealing = Sealing()
    pid = await begun(sealing, signers)
    await sealing.close()
    assert not runs(pid)
    assert await sealing.sign(wanted(signers)) == await signed_here(wanted(signers))
    assert sealing.pid is None


async def test_what_a_process_that_is_killed_was_to_sign_is_signed_here(
    signers: Sequence[DkimSigner],
) -> None:
    sealing = Sealing(pause=0.0)
    pid = await begun(sealing, signers)
    os.kill(pid, signal.SIGSTOP)
    signing = asyncio.gather(*(sealing.sign(wanted(signers, number)) for number in range(20)))
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        assert await signing == [await signed_here(wanted(signers, number)) for number in range(20)]
    await until(lambda: not runs(pid))
    other = await begun(sealing, signers)  # which is told the keys again
    assert await sealing.sign(wanted(signers, 7)) == await signed_here(wanted(signers, 7))
    assert sealing.pid == other != pid
    await sealing.close()


async def test_a_process_that_says_nothing_is_ended_and_nobody_waits_for_it(
    signers: Sequence[DkimSigner],
) -> None:
    sealing = Sealing(SILENT, patience=0.05)
    pid = await begun(sealing, signers)
    async with asyncio.timeout(60):
        assert await sealing.sign(wanted(signers, 1)) == await signed_here(wanted(signers, 1))
    await until(lambda: not runs(pid))
    await sealing.close()


async def test_mail_is_signed_where_no_process_can_be_started(signers: Sequence[DkimSigner]) -> None:
    sealing = Sealing(("/nowhere/python",))
    for number in range(3):
        assert await sealing.sign(wanted(signers, number)) == await signed_here(wanted(signers, number))
        await asyncio.sleep(0)
    await sealing.close()
    assert sealing.pid is None


async def test_one_who_goes_away_takes_no_others_along(signers: Sequence[DkimSigner]) -> None:
    sealing = Sealing()
    await begun(sealing, signers)
    asked = [asyncio.ensure_future(sealing.sign(wanted(signers, number))) for number in range(5)]
    await asyncio.sleep(0)
    asked[1].cancel()
    others = [one for place, one in enumerate(asked) if place != 1]
    assert await asyncio.gather(*others) == [await signed_here(wanted(signers, n)) for n in (0, 2, 3, 4)]
    await sealing.close()


async def test_where_there_is_one_processor_no_process_is_started(
    signers: Sequence[DkimSigner], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    sealing = Sealing(COMMAND)
    assert await sealing.sign(wanted(signers)) == await signed_here(wanted(signers))
    assert asyncio.all_tasks() == {asyncio.current_task()}
