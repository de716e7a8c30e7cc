"""Which days are due, and what became of them: the job that the engine looks after (LIT-15).

A day is due `AFTER` its end in the account's zone, when the read time of its last open is known; every day since the first
one is, so that one that was missed is caught up, as a file of its own. Before a file is sent it is noted (`begun`), so that
one which was sent just before a crash is not taken for somebody else's. A name that is taken is an error: the
administrator gets a mail, and the day is done. What fails for another reason is tried again, and told of once when it is
`LATE`.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Engine, String, Table, select

from heliograph.accounts.model import Account
from heliograph.clock import SECOND, iso
from heliograph.database import METADATA
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent, scoped_id
from heliograph.events.messages import MessageRequested
from heliograph.journal.journal import Journal, JournalView
from heliograph.outbound.daily import files
from heliograph.outbound.daily.opens import opens
from heliograph.outbound.daily.target import Exists, Failed, Outcome
from heliograph.outbound.daily.targets import target_of
from heliograph.outbound.daily.templates import FAILURE_TEMPLATE
from heliograph.react.state.campaigns import CAMPAIGNS
from heliograph.react.state.reports.asking import zone_of
from heliograph.react.state.rows import Rows
from heliograph.settings import Settings

AFTER = 900 * SECOND
"""A quarter past midnight: a read time is final after 25 seconds, a verdict after some ten."""

LATE = 5 * 3_600 * SECOND
"""05:00, when receivers expect the files at the latest (wire-facts 2.5)."""

MOST = 31
"""Days that are caught up at most; who was away longer writes older ones by hand."""

SHOWN = 20
"""Files that a mail names at most."""

TAKEN = "a file of this name is there already; it was not overwritten"

DAILY = Table(
    "daily_files",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("name", String, primary_key=True),
    Column("state", String(9), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("why", String, nullable=False),
)
"""What became of each file: `begun`, `delivered`, `refused` (the name was taken). The row of a whole day has no name and is
`done` or `waiting` (something failed and is tried again)."""

WHOLE = ""

log = logging.getLogger(__name__)


class FileRow(msgspec.Struct):
    """A row of `daily_files`."""

    account: str
    day: str
    name: str
    state: str
    at: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Carries it out. `state` is only read; `write` runs a change where state is written."""

    journal: Journal
    state: Engine
    settings: Settings
    write: Callable[[Callable[[Connection], None]], Awaitable[None]]

    async def run(self, account: Account, now: int) -> None:
        """Deliver the files of every day that is due."""
        if account.policy.daily_reports:
            for day in await asyncio.to_thread(self._due, account, now):
                await self._deliver(account, day, now)

    def _due(self, account: Account, now: int) -> list[date]:
        with self.state.connect() as connection:
            return due(connection, account.number, zone_of(account.policy.time_zone), now)

    async def _deliver(self, account: Account, day: date, now: int) -> None:
        before = await asyncio.to_thread(self._noted, account.number, day)
        settled = frozenset(name for name, row in before.items() if row.state in ("delivered", "refused"))
        begun = {name for name, row in before.items() if row.state == "begun"}

        async def begin(names: Sequence[str]) -> None:
            await self._note(_rows(account.number, day, "begun", now, names))

        address = account.policy.daily_reports
        outcomes = await deliver(
            self.journal, self.state, account, day, address, self.settings, skip=settled, begin=begin
        )
        settle = settled_as(account, day, now, outcomes, begun)
        if settle.failures:
            log.error("daily reports of account %s, %s: %s", account.number, day, settle.failures)
        if settle.tell and account.policy.admin_email:
            mail = notice(account, day, settle.failures, now)
            await self.journal.append_once([codec.encode(mail)])
        await self._note(settle.rows, gone=settle.gone)

    def _noted(self, account: str, day: date) -> dict[str, FileRow]:
        of = (DAILY.c.account == account, DAILY.c.day == day.isoformat())
        with self.state.connect() as connection:
            return {row.name: FileRow(*row) for row in connection.execute(select(DAILY).where(*of))}

    async def _note(self, rows: Sequence[FileRow], gone: Sequence[FileRow] = ()) -> None:
        def change(connection: Connection) -> None:
            table: Rows[FileRow] = Rows(connection, DAILY, FileRow)
            for row in rows:
                table.put(row)
            for row in gone:
                table.remove((row.account, row.day, row.name))
            table.write()

        await self.write(change)


async def deliver(
    journal: JournalView,
    state: Engine,
    account: Account,
    day: date,
    address: str,
    settings: Settings,
    *,
    skip: Collection[str] = (),
    begin: Callable[[Sequence[str]], Awaitable[None]] | None = None,
) -> dict[str, Outcome]:
    """Make a day's files and put them where the address says, but for those to `skip`; what became of each, by name.
    `begin` is told their names before."""
    begins, ends = files.span_of(day, zone_of(account.policy.time_zone))
    codes = await asyncio.to_thread(_codes, state, account.number, ends)
    with tempfile.TemporaryDirectory(prefix="heliograph-daily-") as made:
        pages = opens(journal, state, account.number, since=begins, until=ends)
        every = await files.make(Path(made), day, codes, pages)
        wanted = [file for file in every if file.name not in skip]
        names = [file.name for file in wanted]
        if begin is not None:
            await begin(names)
        outcomes = await target_of(address).put(address, wanted, settings) if wanted else []
    return dict(zip(names, outcomes, strict=True))


class Settled(NamedTuple):
    """What a delivery comes to: rows to note and to let go of, what failed and why, and whether to tell of it."""

    rows: list[FileRow]
    gone: list[FileRow]
    failures: dict[str, str]
    tell: bool


def settled_as(
    account: Account,
    day: date,
    now: int,
    outcomes: Mapping[str, Outcome],
    begun: Collection[str],
) -> Settled:
    """What follows from the outcomes. A name that is taken is our own file where it was `begun` before: a crash came
    between. Pure."""
    rows, gone, failures = [], [], {}
    for name, outcome in outcomes.items():
        row = FileRow(account.number, day.isoformat(), name, "delivered", now)
        if isinstance(outcome, Failed):
            gone.append(row)
            failures[name] = outcome.why
            continue
        if isinstance(outcome, Exists) and name not in begun:
            row.state, row.why = "refused", TAKEN
            failures[name] = TAKEN
        rows.append(row)
    waits = bool(gone)
    taken = any(row.state == "refused" for row in rows)
    _, ends = files.span_of(day, zone_of(account.policy.time_zone))
    late = waits and now >= ends + LATE
    whole = FileRow(account.number, day.isoformat(), WHOLE, "waiting" if waits else "done", now)
    return Settled([*rows, whole], gone, failures, taken or late)


def due(connection: Connection, account: str, zone: tzinfo, now: int) -> list[date]:
    """The days of which files are to be delivered, oldest first: from the first one that is noted on, else yesterday."""
    yesterday = files.day_of(now - AFTER, zone) - timedelta(days=1)
    noted = select(DAILY.c.day, DAILY.c.state).where(DAILY.c.account == account, DAILY.c.name == WHOLE)
    states = {row.day: row.state for row in connection.execute(noted)}
    first = min(map(date.fromisoformat, states), default=yesterday)
    span = range(min((yesterday - first).days, MOST - 1), -1, -1)
    days = (yesterday - timedelta(days=back) for back in span)
    return [day for day in days if states.get(day.isoformat()) != "done"]


def notice(account: Account, day: date, failures: Mapping[str, str], now: int) -> AnyEvent:
    """The mail to the administrator. Its id is that of the day and the sort of failure, so a second one is not recorded."""
    address = account.policy.admin_email
    sort = "taken" if TAKEN in failures.values() else "late"
    shown = [{"name": name, "reason": why} for name, why in sorted(failures.items())][:SHOWN]
    context = {"day": day.isoformat(), "number": len(failures), "files": shown, "at": iso(now)}
    return codec.make(
        MessageRequested(
            address=address, template=FAILURE_TEMPLATE, transactional=True, context={"report": context}
        ),
        account=account.number,
        subject=subjects.email(address, keep_case=account.policy.keep_local_case),
        now=now,
        id=scoped_id(account.number, FAILURE_TEMPLATE, f"{day.isoformat()}/{sort}"),
    )


def _codes(state: Engine, account: str, before: int) -> list[str]:
    """The tracking codes that were there by then."""
    of = (CAMPAIGNS.c.account == account, CAMPAIGNS.c.created < before)
    with state.connect() as connection:
        return list(connection.scalars(select(CAMPAIGNS.c.guid).where(*of)))


def _rows(account: str, day: date, state: str, now: int, names: Sequence[str]) -> list[FileRow]:
    return [FileRow(account, day.isoformat(), name, state, now) for name in names]
