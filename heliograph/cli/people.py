"""`heliograph people`: what is done about one person."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from heliograph.app.erase import erase
from heliograph.cli.options import Data, existing, for_operators, out

people = typer.Typer(no_args_is_help=True, help="Erase a person on request.")


@people.command("erase")
@for_operators
def erase_person(
    email: str,
    data: Data = None,
    account: Annotated[str | None, typer.Option("--account", help="12-digit number.")] = None,
) -> None:
    """Remove everything recorded about the person of this address; a keyed hash stays, so that they are not mailed."""
    changed = asyncio.run(erase(existing(data), account, email))
    out.print(f"Erased: {changed} events were redacted. The address stays suppressed, as a keyed hash.")


@people.callback()
def _group() -> None:
    """What is done about one person."""
