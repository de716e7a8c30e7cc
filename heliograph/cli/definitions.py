"""`heliograph automations` and `feeds`: what operators define, saved as events."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from heliograph.app import define
from heliograph.cli.options import Data, existing, for_operators, out, table
from heliograph.errors import OperatorError

automations = typer.Typer(no_args_is_help=True, help="Apply and list automations.")
feeds = typer.Typer(no_args_is_help=True, help="Add, list, pause, resume and remove feeds.")

AccountOption = Annotated[
    str | None, typer.Option("--account", help="12-digit number. Default: the only account.")
]


@automations.command("apply")
@for_operators
def apply_automation(file: Path, data: Data = None, account: AccountOption = None) -> None:
    """Check an automation's YAML or JSON and save it as its new version."""
    name = asyncio.run(define.apply_automation(existing(data), account, file))
    out.print(f"The automation {name} is saved.")


@automations.command("list")
@for_operators
def list_automations(data: Data = None, account: AccountOption = None) -> None:
    """All automations, with their version and trigger."""
    _table(("id", "name", "version", "trigger"), define.automations(existing(data), account))


@automations.command("remove")
@for_operators
def remove_automation(name: str, data: Data = None, account: AccountOption = None) -> None:
    """Let an automation take nobody in any more."""
    asyncio.run(define.remove_automation(existing(data), account, name))
    out.print(f"The automation {name} is removed.")


@feeds.command("add")
@for_operators
def add_feed(
    name: str,
    endpoint: Annotated[
        str, typer.Argument(help="https URL of the receiver, queue:NAME, sns:TOPIC, an ARN, or nats:SUBJECT")
    ],
    dialect: Annotated[
        str, typer.Option(help="How it is told: remarkety, litmus, messagegears.")
    ] = "remarkety",
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds; may be repeated.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the dialect.")] = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Subscribe a receiver to the stream, from now on."""
    options = dict(_option(text) for text in option or ())
    asyncio.run(
        define.save_feed(existing(data), account, name, dialect, endpoint, tuple(kind or ()), options)
    )
    out.print(f"The feed {name} is saved.")


@feeds.command("list")
@for_operators
def list_feeds(data: Data = None, account: AccountOption = None) -> None:
    """All feeds and their state."""
    _table(("name", "dialect", "endpoint", "kinds", "state"), define.feeds(existing(data), account))


@feeds.command("pause")
@for_operators
def pause_feed(name: str, data: Data = None, account: AccountOption = None) -> None:
    """Hold a feed; its events are kept."""
    asyncio.run(define.move_feed(existing(data), account, name, "paused"))
    out.print(f"The feed {name} is paused.")


@feeds.command("resume")
@for_operators
def resume_feed(name: str, data: Data = None, account: AccountOption = None) -> None:
    """Go on where a feed was."""
    asyncio.run(define.move_feed(existing(data), account, name, "resumed"))
    out.print(f"The feed {name} goes on.")


@feeds.command("remove")
@for_operators
def remove_feed(name: str, data: Data = None, account: AccountOption = None) -> None:
    """End a feed."""
    asyncio.run(define.move_feed(existing(data), account, name, "removed"))
    out.print(f"The feed {name} is removed.")


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise OperatorError(f"{text} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _table(columns: tuple[str, ...], found: list[tuple[Any, ...]]) -> None:
    rows = table(*columns)
    for row in found:
        rows.add_row(*(str(cell) for cell in row))
    out.print(rows)
