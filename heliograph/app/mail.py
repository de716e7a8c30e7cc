"""The process for mail that comes back: receivers, maildir and IMAP, as they are configured.

A process of its own, so that whatever a stranger's mail does to it, sending and tracking go on. It hands events to the
journal's owner and reads state; it writes nothing else but evidence.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import Engine

from heliograph.accounts.directory import RELOAD_SECONDS, Directory, load_directory
from heliograph.app import part, seeing
from heliograph.app.storage import remote
from heliograph.bounces.rules import load_rules
from heliograph.clock import Clock, SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.mail.imap import Imap, mailbox_of
from heliograph.inbound.receipts.mail.intake import Intake
from heliograph.inbound.receipts.mail.maildir import Maildir
from heliograph.inbound.receipts.mail.receiver import Receiver, endpoints, tls_of
from heliograph.journal.journal import Journal
from heliograph.refs import Refs
from heliograph.settings import Settings

log = logging.getLogger("heliograph.mail")


def configured(settings: Settings) -> bool:
    """Whether mail comes back to us in any way. Raises `OperatorError` when what is configured cannot be."""
    endpoints(settings)
    tls_of(settings)
    if settings.imap_url:
        mailbox_of(settings)
    return bool(settings.mail_listen or settings.maildir or settings.imap_url)


def run(settings: Settings) -> None:
    """Take mail until SIGTERM."""
    if not configured(settings):
        raise OperatorError("no mail comes back: set mail_listen, maildir or imap_url")
    uvloop.run(_run(settings, SystemClock()))


def intake_on(
    settings: Settings, journal: Journal, state: Engine, directory: Directory, refs: Refs, clock: Clock
) -> Intake:
    """The intake as it is configured. Raises `OperatorError`."""
    if settings.mail_account and directory.account(settings.mail_account) is None:
        raise OperatorError(f"mail_account: there is no account {settings.mail_account}")
    return Intake(
        journal=journal,
        state=state,
        directory=directory,
        refs=refs,
        files=EvidenceFiles(Path(settings.data)),
        clock=clock,
        mailboxes=settings.mail_mailboxes,
        account=settings.mail_account,
        believe_addresses=settings.mail_believe_addresses,
        rules=load_rules(settings),
    )


async def _run(settings: Settings, clock: Clock) -> None:
    stopped, loop = part.told_to_stop(), asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as closing:
        journal = await closing.enter_async_context(remote(settings))
        state = open_state(Path(settings.data), read_only=True)
        closing.callback(state.dispose)
        directory = load_directory(state)
        refs = Refs(directory.master)
        intake = intake_on(settings, journal, state, directory, refs, clock)
        receiver = Receiver(intake, settings, clock)
        closing.push_async_callback(receiver.close)
        for host, port in await receiver.start():
            log.info("mail is taken on %s:%d", host, port)
        part.calm_collector()
        works: list[Coroutine[Any, Any, None]] = [
            _refresh(directory, refs, state, clock),
            *_pickups(settings, intake, clock),
        ]
        tasks = [loop.create_task(work) for work in works]
        waiting = loop.create_task(_until(stopped))
        done, _ = await asyncio.wait({waiting, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for task in done - {waiting}:
            task.result()  # raises what ended it: the supervisor starts this part again


async def _until(stopped: asyncio.Event) -> None:
    await stopped.wait()


def _pickups(settings: Settings, intake: Intake, clock: Clock) -> list[Coroutine[Any, Any, None]]:
    works = []
    if settings.maildir:
        works.append(Maildir(Path(settings.maildir), intake, clock, remove=settings.maildir_remove).run())
    if settings.imap_url:
        works.append(Imap(mailbox_of(settings), intake, clock, settings.imap_seconds).run())
    return works


async def _refresh(directory: Directory, refs: Refs, state: Engine, clock: Clock) -> None:
    """See new accounts and keys."""
    while True:
        await clock.sleep(RELOAD_SECONDS / 2)
        try:
            await asyncio.to_thread(directory.reload, state)
            refs.rekey(directory.master)
        except Exception:
            log.exception("the directory of keys could not be loaded again")
        seeing.say("mail", directory)


if __name__ == "__main__":
    part.run("mail", run)
