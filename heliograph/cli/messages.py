"""`heliograph messages`: what became of a message."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from heliograph.app import message as looking
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.clock import iso

messages = typer.Typer(no_args_is_help=True, help="Show what became of a message.")


@messages.command("show")
@for_operators
def show(
    message: Annotated[str, typer.Argument(metavar="ID", help="The message's id.")],
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Print how a message stands and what happened to it: attempts, refusals, opens, bounces and what followed."""
    found, history = asyncio.run(looking.show(existing(data), account, message))
    facts = table("", "")
    for name, value in msgspec.to_builtins(found).items():
        if value not in (None, "", 0, False):
            moment = name.endswith("_at") and isinstance(value, int)
            facts.add_row(name, iso(value) if moment else str(value))
    out.print(facts)
    rows = table("at", "kind", "id", "cause", "what")
    for entry in history:
        rows.add_row(iso(entry.at), entry.kind, entry.id, entry.cause or "", entry.data.decode())
    out.print(rows)


@messages.callback()
def _group() -> None:
    """Show what became of a message."""
