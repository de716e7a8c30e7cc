"""`heliograph export`: people, suppressions, orders and events, to wherever you like."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from heliograph.app import transfer
from heliograph.app.accounts import account_number
from heliograph.cli.options import Data, Kind, at_option, bar, existing, for_operators, kinds_of
from heliograph.database import open_state
from heliograph.porting.output import format_of, written
from heliograph.porting.tables import EVENTS, ORDERS, PEOPLE, SUPPRESSED, Chosen, StateTable
from heliograph.settings import Settings

export = typer.Typer(no_args_is_help=True, help="Write out people, suppressions, orders or events.")


OneAccount = Annotated[str | None, typer.Option("--account", help="Only of this account. Default: all.")]
Output = Annotated[
    Path | None, typer.Argument(help="File; .gz is compressed. Default: standard output.", show_default=False)
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="ndjson, csv or parquet. Default: as the file's name says.")
]
Since = Annotated[str | None, typer.Option(help="From this date or time on (UTC without a zone).")]
Until = Annotated[str | None, typer.Option(help="Before this date or time.")]
RawCells = Annotated[
    bool, typer.Option("--raw-cells", help="CSV: do not disarm cells that begin with = + - @.")
]


@export.command("people")
@for_operators
def export_people(
    file: Output = None,
    format: FormatOption = None,
    since: Since = None,
    until: Until = None,
    raw_cells: RawCells = False,
    data: Data = None,
    account: OneAccount = None,
) -> None:
    """Everybody, with consent and suppressions; those who changed in a span of time."""
    _export_state(PEOPLE, file, format, (since, until), raw_cells, data, account)


@export.command("suppressions")
@for_operators
def export_suppressions(
    file: Output = None,
    format: FormatOption = None,
    since: Since = None,
    until: Until = None,
    raw_cells: RawCells = False,
    data: Data = None,
    account: OneAccount = None,
) -> None:
    """Addresses that are not written to, and why; those added in a span of time."""
    _export_state(SUPPRESSED, file, format, (since, until), raw_cells, data, account)


@export.command("orders")
@for_operators
def export_orders(
    file: Output = None,
    format: FormatOption = None,
    since: Since = None,
    until: Until = None,
    raw_cells: RawCells = False,
    data: Data = None,
    account: OneAccount = None,
) -> None:
    """Orders, each with its document; those made in a span of time."""
    _export_state(ORDERS, file, format, (since, until), raw_cells, data, account)


@export.command("events")
@for_operators
def export_events(
    file: Output = None,
    format: FormatOption = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    after: Annotated[int, typer.Option(help="Only entries behind this place of the journal.")] = 0,
    raw_cells: RawCells = False,
    data: Data = None,
    account: OneAccount = None,
) -> None:
    """One event per line: id, account, kind, subject, at, recorded, cause, data; those recorded in a span of time."""
    settings = existing(data)
    chosen = _chosen(settings, account, since, until)
    with written(file, format_of(format, file), EVENTS, raw=raw_cells) as writer, _bar(file) as told:
        asyncio.run(transfer.export_events(settings, chosen, kinds_of(kind), after, writer, told))


def _export_state(
    found: StateTable,
    file: Path | None,
    format: str | None,
    span: tuple[str | None, str | None],
    raw: bool,
    data: str | None,
    account: str | None,
) -> None:
    settings = existing(data)
    chosen = _chosen(settings, account, *span)
    with written(file, format_of(format, file), found.columns, raw=raw) as writer, _bar(file) as told:
        transfer.export_state(settings, found, chosen, writer, told)


def _chosen(settings: Settings, account: str | None, since: str | None, until: str | None) -> Chosen:
    number = account and account_number(open_state(Path(settings.data), read_only=True), account)
    return Chosen(number or None, at_option(since, "--since"), at_option(until, "--until"))


@contextmanager
def _bar(file: Path | None) -> Iterator[Callable[[int, int], object]]:
    """A bar beside the export, unless its lines go to the same screen."""
    if file is None and sys.stdout.isatty():
        yield lambda done, total: None
        return
    with bar(transient=True) as progress:
        task = progress.add_task("exporting", total=None, rate="")

        def told(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, rate=f"{done:,} of {total:,}")

        yield told
