"""Importing and exporting on a data directory: through a running engine's journal, or as its owner while nothing runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from sqlalchemy import Engine, select

from heliograph.accounts.directory import load_directory
from heliograph.accounts.erasure import eraser
from heliograph.app.accounts import account_number
from heliograph.app.part import calm_collector
from heliograph.app.storage import reachable, reading
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError, Unavailable
from heliograph.events import subjects
from heliograph.events.consent import IMPORT
from heliograph.inbound.collect.senders import Sender
from heliograph.porting import columns, importing, tables
from heliograph.porting.importing import Import, Seen, What
from heliograph.porting.people import Plan
from heliograph.porting.progress import Progress, ProgressFile
from heliograph.porting.refusals import Report
from heliograph.porting.tables import Chosen, StateTable
from heliograph.porting.writers import Writer
from heliograph.react.state.consent import SUPPRESSIONS
from heliograph.react.state.records import Name, fault_of
from heliograph.rowfiles.files import File, Lines
from heliograph.rowfiles.rows import Row, Shape, rows
from heliograph.settings import Settings

FIRST = 1_000
"""Rows looked at to learn which fields an NDJSON file has."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the operator asks of an import. `usual`: the consent of rows that name none (`wishes.answer`); `as_of` in
    microseconds; None: when the file was last written. `prefix`, `key` and `expires` are of context records."""

    what: What
    account: str | None = None
    maps: tuple[str, ...] = ()
    usual: str = ""
    tags: tuple[str, ...] = ()
    replace_tags: bool = False
    country: str | None = None
    as_of: int | None = None
    prefix: str = ""
    key: str = "key"
    expires: int | None = None
    report: Path
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An import as it will be done: shown to the operator before it is. `left_out`: columns that nothing is taken
    from; `first`: the first rows."""

    work: Import
    kept: ProgressFile | None
    left_out: tuple[str, ...]
    first: tuple[Row, ...] = field(repr=False)


@contextlib.contextmanager
def prepared(settings: Settings, file: File, shape: Shape, wanted: Wanted) -> Iterator[Prepared]:
    """Everything decided, nothing recorded. Raises `OperatorError`."""
    first = _first(file, shape)
    found = shape.columns or tuple(dict.fromkeys(name for row in first for name in row.cells))
    documents = wanted.what in ("orders", "products")
    whole = documents or wanted.what == "records"
    if wanted.what == "records":
        _check_records(wanted, found)
    if documents and shape.is_csv:
        raise OperatorError(
            f"{wanted.what} are imported from NDJSON: one object in the form of the events API a line"
        )
    chosen: Mapping[str, str] = (
        {} if whole else columns.chosen(found, wanted.maps, [row.cells for row in first])
    )
    with _plan(settings, wanted, file, chosen) as (plan, name), contextlib.ExitStack() as closing:
        kept = progress = None
        if not wanted.dry_run:
            kept = ProgressFile(Path(settings.data), name)
            closing.callback(kept.close)
            progress = kept.load()
        progress = progress or Progress()
        report = str(wanted.report.resolve())
        progress.report = progress.report if progress.file == report else 0
        progress.file = report
        work = Import(
            what=wanted.what,
            file=file,
            shape=shape,
            plan=plan,
            report=Report(wanted.report, progress.report),
            progress=progress,
            clock=SystemClock(),
        )
        yield Prepared(
            work=work,
            kept=kept,
            left_out=() if whole else tuple(columns.unused(found, chosen)),
            first=tuple(first[:3]),
        )


async def record(settings: Settings, prepared: Prepared, told: Callable[[Seen], object]) -> None:
    """Do it, or go on with it; without a place to keep its progress only read and check everything. Raises
    `OperatorError`."""
    if prepared.kept is None:
        importing.rehearse(prepared.work, told)
        return
    calm_collector()
    async with reachable(settings) as journal:
        try:
            await importing.run(prepared.work, journal, prepared.kept, told)
        except Unavailable as error:
            raise OperatorError(f"{error}. The same command goes on where it was") from error


@contextlib.contextmanager
def _plan(
    settings: Settings, wanted: Wanted, file: File, chosen: Mapping[str, str]
) -> Iterator[tuple[Plan, str]]:
    state = open_state(Path(settings.data), read_only=True)
    try:
        number = account_number(state, wanted.account)
        account = load_directory(state).accounts[number]
        name = importing.name(file, wanted.what, number, chosen, _options(wanted))
        sender = Sender(
            account=number,
            strict=account.policy.validation == "strict",
            keep_case=account.policy.keep_local_case,
            platform=IMPORT,
            source=f"{IMPORT}:{name}",
            keep_ip=account.policy.ip,
        )
        now = SystemClock().now()
        written = file.path.stat().st_mtime_ns // 1000
        plan = Plan(
            sender=sender,
            columns=chosen,
            as_of=min(now, written if wanted.as_of is None else wanted.as_of),
            now=now,
            usual=wanted.usual,
            tags=wanted.tags,
            replace_tags=wanted.replace_tags,
            country=wanted.country,
            erased=_erased(state, number, keep_case=account.policy.keep_local_case),
            prefix=wanted.prefix,
            key=wanted.key,
            expires=wanted.expires,
        )
        yield plan, name
    finally:
        state.dispose()


def _check_records(wanted: Wanted, found: Sequence[str]) -> None:
    fault = fault_of(Name(wanted.prefix, "x"))
    if fault is not None:
        raise OperatorError(f"--prefix names the data source: {fault}")
    if wanted.key not in found:
        raise OperatorError(f"--key names the column of the keys; the file has: {', '.join(found)}")


def _options(wanted: Wanted) -> tuple[object, ...]:
    """What tells two imports of one file apart."""
    usual = (wanted.usual, wanted.tags, wanted.replace_tags, wanted.country)
    return (*usual, wanted.prefix, wanted.key, wanted.expires) if wanted.what == "records" else usual


def _erased(state: Engine, account: str, *, keep_case: bool) -> Callable[[str, str], bool] | None:
    """Whether an address was erased on request, by the keyed hashes that remain; None: nobody was."""
    table = SUPPRESSIONS.c
    with state.connect() as connection:
        remaining = set(
            connection.scalars(select(table.address).where(table.account == account, table.type == "deleted"))
        )
        form = eraser(connection)

    def erased(channel: str, address: str) -> bool:
        normal = subjects.normal_email(address, keep_case=keep_case) if channel == "email" else address
        return form is not None and form(account, channel, normal) in remaining

    return erased if remaining else None


def _first(file: File, shape: Shape) -> list[Row]:
    lines = Lines(file)
    try:
        return list(islice((row for row in rows(lines, shape) if not row.fault), FIRST))
    finally:
        lines.close()


def export_state(
    settings: Settings, table: StateTable, chosen: Chosen, writer: Writer, told: Callable[[int, int], object]
) -> None:
    """Write a table of the state, as it is at this moment; `told` hears how many rows are done, and of how many."""
    state = open_state(Path(settings.data), read_only=True)
    try:
        with state.connect() as connection:
            total, done = table.count(connection, chosen), 0
            for page in table.pages(connection, chosen):
                writer.write(page)
                done += len(page)
                told(done, total)
    finally:
        state.dispose()


async def export_events(
    settings: Settings,
    chosen: Chosen,
    kinds: frozenset[str] | None,
    after: int,
    writer: Writer,
    told: Callable[[int, int], object],
) -> None:
    """Write the events that are recorded at this moment."""
    async with reading(settings) as journal:
        async for page in tables.events(journal, chosen, kinds, after, told):
            writer.write(page)
