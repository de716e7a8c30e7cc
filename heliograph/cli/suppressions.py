"""`heliograph suppressions`: who is not written to and why; barring an address, and undoing it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, cast

import typer

from heliograph.app import suppress
from heliograph.cli.exports import export_suppressions
from heliograph.cli.imports import import_file
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.clock import iso
from heliograph.errors import OperatorError
from heliograph.events.consent import SUPPRESSION_TYPES, SuppressionType

suppressions = typer.Typer(
    no_args_is_help=True, help="Show, add and lift suppressions; list, import and export them all."
)

Address = Annotated[str, typer.Argument(help="An e-mail address, or a number such as +12025550137.")]
Because = Annotated[str, typer.Option(help="Why; kept with the event.")]


@suppressions.command("show")
@for_operators
def show(address: Address, data: Data = None, account: AccountOption = None) -> None:
    """Print why this address is not written to."""
    settings = existing(data)
    standing = suppress.standing(settings, suppress.place(settings, account, address))
    if not standing:
        out.print(f"Nothing is held against {address}.", highlight=False)
        return
    rows = table("type", "since", "reason")
    for one in standing:
        rows.add_row(one.type, iso(one.since), one.reason)
    out.print(rows)


@suppressions.command("add")
@for_operators
def add(address: Address, data: Data = None, account: AccountOption = None, because: Because = "") -> None:
    """Have nobody write to this address (manually_suppressed)."""
    settings = existing(data)
    asyncio.run(suppress.suppress(settings, suppress.place_to_bar(settings, account, address), because))
    out.print(f"{address} is not written to any more.")


@suppressions.command("lift")
@for_operators
def lift(
    address: Address,
    kind: Annotated[
        str, typer.Argument(metavar="TYPE", help="The reason that holds no more, e.g. soft_bounce.")
    ],
    data: Data = None,
    account: AccountOption = None,
    because: Because = "",
) -> None:
    """Lift one reason not to write to this address; what is counted towards it starts afresh."""
    if kind not in SUPPRESSION_TYPES:
        raise OperatorError(f"there is no type {kind}: {', '.join(SUPPRESSION_TYPES)}")
    settings = existing(data)
    where = suppress.place(settings, account, address)
    asyncio.run(suppress.lift(settings, where, cast(SuppressionType, kind), because))
    out.print(f"{kind} is lifted for {address}.")


@suppressions.command("list")
@for_operators
def list_all(
    kind: Annotated[str | None, typer.Option("--type", help="Only these, e.g. hard_bounce.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Print addresses that are not written to, and why; `export` writes all of them."""
    if kind is not None and kind not in SUPPRESSION_TYPES:
        raise OperatorError(f"there is no type {kind}: {', '.join(SUPPRESSION_TYPES)}")
    rows = table("channel", "address", "type", "since", "reason")
    for one in suppress.listed(existing(data), account, kind, limit):
        rows.add_row(one.channel, one.address, one.type, iso(one.since), one.reason)
    out.print(rows)


@suppressions.command("import")
@for_operators
def import_list(
    file: Annotated[
        Path, typer.Argument(help="CSV or NDJSON, or one address a line under a heading: email.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and check everything, record nothing.")
    ] = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Have nobody write to the addresses of a file, as `heliograph import FILE --what suppressions` does."""
    import_file(file, what="suppressions", dry_run=dry_run, data=data, account=account)


suppressions.command("export")(export_suppressions)
