"""`heliograph keys`: who may come in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer

from heliograph.accounts import keys as store
from heliograph.accounts.model import KeyKind
from heliograph.app.accounts import account_number
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.inbound.receipts.providers import PROVIDERS
from heliograph.outbound.messages.channels.providers import PROVIDERS as CHANNEL_PROVIDERS
from heliograph.outbound.messages.channels.providers.provider import options_of

PROVIDER_NAMES = tuple(provider.name for provider in PROVIDERS if provider.name != "ses")
"""Providers that an account shares a secret with; Amazon signs for everybody."""

keys = typer.Typer(no_args_is_help=True, help="List, add and revoke keys.")


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
    kind: Annotated[str, typer.Argument(help="store, api, oauth, aws, webhook, receipts or channel")],
    data: Data = None,
    account: AccountOption = None,
    label: Annotated[str, typer.Option(help="What it is for.")] = "",
    login: Annotated[str, typer.Option(help="The provider of a receipts or channel key.")] = "",
    secret_from: Annotated[
        Path | None,
        typer.Option(
            help="A file with the secret that a provider gave, or its options; - for standard input.",
            allow_dash=True,
        ),
    ] = None,
) -> None:
    """Make a key. Its secret is printed once; that of a provider is theirs, and is not printed."""
    if kind not in get_args(KeyKind):
        raise OperatorError(f"there is no kind of key called {kind}: {', '.join(get_args(KeyKind))}")
    given = _given(kind, login, secret_from)
    engine = open_state(Path(existing(data).data))
    number = account_number(engine, account)
    with engine.begin() as connection:
        key, secret = store.add_key(
            connection,
            number,
            msgspec.convert(kind, KeyKind),
            SystemClock().now(),
            label=label,
            public=login,
            given=given,
        )
    shown = {"id": key.id, "kind": kind, "public": key.public}
    out.print_json(json.dumps(shown if given else {**shown, "secret": secret}))


def _given(kind: str, login: str, file: Path | None) -> str:
    """The secret that a provider gave; empty for keys that we make. Never an argument: those are seen by everybody."""
    if kind not in store.GIVEN:
        if file is not None:
            raise OperatorError(
                "--secret-from is for keys `receipts` and `channel`; other secrets are made by us"
            )
        return ""
    names = PROVIDER_NAMES if kind == "receipts" else tuple(provider.name for provider in CHANNEL_PROVIDERS)
    if login not in names:
        raise OperatorError(f"--login names the provider of a {kind} key: {', '.join(names)}")
    if file is None:
        raise OperatorError("--secret-from names the file with the secret that the provider gave; - reads it")
    try:
        secret = (sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"--secret-from: {error}") from error
    if kind == "channel":
        options_of(next(provider for provider in CHANNEL_PROVIDERS if provider.name == login), secret)
    return secret


@keys.command("revoke")
@for_operators
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, as `heliograph keys list` shows it.")], data: Data = None
) -> None:
    """Make a key open nothing; takes effect within two seconds."""
    with open_state(Path(existing(data).data)).begin() as connection:
        store.revoke_key(connection, key, SystemClock().now())
    out.print(f"{key} is revoked.")
