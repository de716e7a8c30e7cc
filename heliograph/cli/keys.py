"""`heliograph keys`: who may come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer

from heliograph.accounts import keys as store
from heliograph.accounts.model import KeyKind
from heliograph.app.accounts import account_number
from heliograph.cli.options import Data, existing, for_operators, out, table
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.errors import OperatorError

keys = typer.Typer(no_args_is_help=True, help="List, add and revoke keys.")

AccountOption = Annotated[
    str | None, typer.Option("--account", help="12-digit number. Default: the only account.")
]


@keys.command("list")
@for_operators
def list_keys(data: Data = None, account: AccountOption = None) -> None:
    """All keys, with what may be shown of them."""
    rows = table("id", "account", "kind", "shown as", "label", "made", "revoked")
    with open_state(Path(existing(data).data), read_only=True).connect() as connection:
        for key in store.list_keys(connection, account):
            revoked = iso(key.revoked) if key.revoked else ""
            rows.add_row(key.id, key.account, key.kind, key.public, key.label, iso(key.created), revoked)
    out.print(rows)


@keys.command("add")
@for_operators
def add_key(
    kind: Annotated[str, typer.Argument(help="store, api, oauth, aws, webhook or console")],
    data: Data = None,
    account: AccountOption = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    login: Annotated[str, typer.Option(help="The login of a console key.")] = "",
) -> None:
    """Make a key. Its secret is printed once."""
    if kind not in get_args(KeyKind):
        raise OperatorError(f"there is no kind of key called {kind}: {', '.join(get_args(KeyKind))}")
    engine = open_state(Path(existing(data).data))
    number = account_number(engine, account)
    with engine.begin() as connection:
        key, secret = store.add_key(
            connection, number, msgspec.convert(kind, KeyKind), SystemClock().now(), label=label, public=login
        )
    out.print_json(json.dumps({"id": key.id, "kind": kind, "public": key.public, "secret": secret}))


@keys.command("revoke")
@for_operators
def revoke_key(key: str, data: Data = None) -> None:
    """Make a key open nothing; takes effect within two seconds."""
    with open_state(Path(existing(data).data)).begin() as connection:
        store.revoke_key(connection, key, SystemClock().now())
    out.print(f"{key} is revoked.")
