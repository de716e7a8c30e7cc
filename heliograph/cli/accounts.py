"""`heliograph accounts`: who is served here, and each account's policy."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Policy
from heliograph.app import accounts as policies
from heliograph.app import define
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out
from heliograph.database import open_state
from heliograph.errors import OperatorError

accounts = typer.Typer(no_args_is_help=True, help="Show accounts, add one, change its policy.")


@accounts.command("list")
@for_operators
def list_accounts(data: Data = None) -> None:
    """All accounts and their policies."""
    directory = load_directory(open_state(Path(existing(data).data), read_only=True))
    out.print_json(json.dumps([msgspec.to_builtins(account) for account in directory.accounts.values()]))


@accounts.command("add")
@for_operators
def add_account(
    name: Annotated[str, typer.Argument(help="What the account is called, for people.")],
    parent: Annotated[
        str | None, typer.Option(help="12-digit number of the account that it is below.")
    ] = None,
    data: Data = None,
) -> None:
    """A further account, without keys (`heliograph keys add --account ...`)."""
    account = asyncio.run(define.add_account(existing(data), name, parent))
    out.print_json(json.dumps({"account": account.number, "store_id": account.store_id}))


@accounts.command("set")
@for_operators
def set_policy(
    changes: Annotated[list[str], typer.Argument(help="NAME=VALUE, e.g. ip=truncate; lists as JSON")],
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Change an account's policy; takes effect within two seconds."""
    policy = policies.set_policy(existing(data), account, dict(_change(change) for change in changes))
    out.print_json(msgspec.json.encode(policy).decode())


def _change(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        names = ", ".join(field.name for field in msgspec.structs.fields(Policy))
        raise OperatorError(f"{text} is not NAME=VALUE; the names are {names}")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
