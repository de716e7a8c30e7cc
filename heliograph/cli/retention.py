"""`heliograph retention`: archive and remove old events now, and see how that stands."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from heliograph.app import retain
from heliograph.cli.options import Data, at_option, existing, for_operators, out, table
from heliograph.clock import SystemClock

retention = typer.Typer(no_args_is_help=True, help="Archive and remove events whose days are over.")


@retention.command("run")
@for_operators
def run(
    data: Data = None,
    account: Annotated[str | None, typer.Option(help="12-digit number. Default: all.")] = None,
    now: Annotated[
        str | None, typer.Option(help="As if it were this date or time (UTC without a zone).")
    ] = None,
) -> None:
    """Do it now; a running engine does it every hour. Accounts say how long: `accounts set retention_days=400`."""
    instant = at_option(now, "--now")
    done = asyncio.run(
        retain.run(existing(data), account, SystemClock().now() if instant is None else instant)
    )
    rows = table("account", "removed", "files", "waiting", "for")
    for one, made in done:
        rows.add_row(one.number, str(made.removed), " ".join(made.files), str(made.waiting), made.by)
    out.print(rows)


@retention.command("status")
@for_operators
def status(data: Data = None) -> None:
    """How long each account keeps events, what is archived, and who has not read how much of the journal."""
    standing = asyncio.run(retain.status(existing(data)))
    rows = table("account", "keeps days", "archive", "files", "bytes", "from", "to")
    for account, size in standing.accounts:
        days = str(account.policy.retention_days) if account.policy.retention_days else "for ever"
        rows.add_row(
            account.number,
            days,
            "yes" if account.policy.archive else "no",
            str(size.files),
            str(size.bytes),
            size.first,
            size.last,
        )
    out.print(rows)
    place, by = standing.limit
    out.print(f"Everything up to place {place} of {standing.head} is handled; last is {by}.", highlight=False)
    out.print(f"{standing.free} bytes of journal.db are free for what comes.", highlight=False)
