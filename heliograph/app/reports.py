"""Reports by command: found, as CSV, and a day's files by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, Engine

from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Account
from heliograph.app.accounts import account_number
from heliograph.app.storage import reading
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.outbound.daily.days import TAKEN, deliver
from heliograph.outbound.daily.opens import opens as found_opens
from heliograph.outbound.daily.rows import COLUMNS, text
from heliograph.outbound.daily.target import Exists, Failed
from heliograph.react.state.reports import asking
from heliograph.react.state.reports.asking import Of, Point, Step, Subject, Title
from heliograph.react.state.reports.figures import Report
from heliograph.settings import Settings


class Asked(NamedTuple):
    """Which report is meant; a `campaign` may be a tracking code's GUID, too."""

    of: Of
    name: str
    account: str | None = None


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A report and its course, in the account's time zone."""

    of: Of
    name: str
    time_zone: str
    report: Report
    course: list[Point]


class Written(NamedTuple):
    """A day's files: those that are where they belong, and why others are not."""

    delivered: list[str]
    refused: dict[str, str]


def find(settings: Settings, asked: Asked, step: Step) -> Found:
    """The report. Raises `OperatorError` where nothing was counted."""
    state, account = _opened(settings, asked.account)
    with state.connect() as connection:
        subject, zone = _meant(connection, account.number, asked), account.policy.time_zone
        return Found(
            of=subject.of,
            name=subject.name,
            time_zone=zone,
            report=asking.whole(connection, subject),
            course=asking.course(connection, subject, step, asking.zone_of(zone)),
        )


def titles(settings: Settings, of: str, account: str | None) -> list[Title]:
    """What there are reports on. Raises `OperatorError`."""
    sorts: Any = of
    if of not in get_args(Of):
        raise OperatorError(f"--of: {', '.join(get_args(Of))}")
    state, meant = _opened(settings, account)
    with state.connect() as connection:
        return asking.titles(connection, meant.number, sorts)


async def opens(
    settings: Settings, asked: Asked, span: tuple[int | None, int | None], tell: Callable[[bytes], object]
) -> None:
    """The opens of a report as CSV, page by page. Raises `OperatorError`."""
    state, account = _opened(settings, asked.account)
    with state.connect() as connection:
        origins = asking.origins(connection, _meant(connection, account.number, asked))
    since, until = span
    tell(text([COLUMNS]))
    async with reading(settings) as journal:
        pages = found_opens(journal, state, account.number, since=since, until=until, origins=origins)
        async for page in pages:
            tell(text(hit.row for hit in page))


async def daily(settings: Settings, said: str, to: str | None, account: str | None) -> Written:
    """The files of one day, now. Raises `OperatorError`."""
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise OperatorError(f"--date: {said} is no day, such as 2026-01-31") from error
    state, meant = await asyncio.to_thread(_opened, settings, account)
    address = to or meant.policy.daily_reports
    if not address:
        raise OperatorError(
            f"say --to, or where account {meant.number} keeps them: heliograph accounts set daily_reports=..."
        )
    async with reading(settings) as journal:
        outcomes = await deliver(journal, state, meant, day, address, settings)
    refused = {
        name: outcome.why if isinstance(outcome, Failed) else TAKEN
        for name, outcome in outcomes.items()
        if isinstance(outcome, Failed | Exists)
    }
    return Written([name for name in outcomes if name not in refused], refused)


def _opened(settings: Settings, account: str | None) -> tuple[Engine, Account]:
    state = open_state(Path(settings.data), read_only=True)
    return state, load_directory(state).accounts[account_number(state, account)]


def _meant(connection: Connection, account: str, asked: Asked) -> Subject:
    found: Subject | None = Subject(account, asked.of, asked.name)
    if asked.of == "campaign":
        found = asking.find(connection, account, asked.name)
    elif not asking.known(connection, Subject(account, asked.of, asked.name)):
        found = None
    if found is None:
        raise OperatorError(
            f"nothing was counted of the {asked.of} {asked.name} in account {account}: `heliograph report list` shows"
            " what there is"
        )
    return found
