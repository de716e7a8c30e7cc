"""`heliograph feeds`: who is told what of the stream, how it fares, and what is done about it."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import msgspec
import typer

from heliograph.app import define, feeding
from heliograph.cli.options import AccountOption, Data, at_option, existing, for_operators, out, table
from heliograph.errors import OperatorError

feeds = typer.Typer(no_args_is_help=True, help="Add, watch, test, replay and end feeds.")

Name = Annotated[str, typer.Argument(help="What the feed is called.")]


@feeds.command("add")
@for_operators
def add_feed(
    name: Name,
    endpoint: Annotated[
        str, typer.Argument(help="https URL of the receiver, queue:NAME, sns:TOPIC, an ARN, or nats:SUBJECT")
    ],
    dialect: Annotated[
        str, typer.Option(help="How it is told: remarkety, litmus, messagegears, heliograph.")
    ] = "remarkety",
    kind: Annotated[list[str] | None, typer.Option(help="Only these kinds; may be repeated.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the dialect.")] = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Subscribe a receiver to the stream, from now on; or change how it is told."""
    options = dict(_option(text) for text in option or ())
    made = asyncio.run(
        define.save_feed(existing(data), account, name, dialect, endpoint, tuple(kind or ()), options)
    )
    out.print(f"The feed {name} is saved.")
    if made is not None:
        _show({"secret": made.secret, "public_key": made.public_key})


@feeds.command("list")
@for_operators
def list_feeds(data: Data = None, account: AccountOption = None) -> None:
    """All feeds and their state."""
    rows = table("name", "dialect", "endpoint", "kinds", "state")
    for row in define.feeds(existing(data), account):
        rows.add_row(*map(str, row))
    out.print(rows)


@feeds.command("show")
@for_operators
def show_feed(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """One feed: what it is told, how far it is behind, what waits, its breaker, the last delivery and the last failure."""
    _show(asyncio.run(feeding.show(existing(data), account, name)))


@feeds.command("pause")
@for_operators
def pause_feed(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Hold a feed; its events are kept."""
    asyncio.run(define.move_feed(existing(data), account, name, "paused"))
    out.print(f"The feed {name} is paused.")


@feeds.command("resume")
@for_operators
def resume_feed(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Go on where a feed was."""
    asyncio.run(define.move_feed(existing(data), account, name, "resumed"))
    out.print(f"The feed {name} goes on.")


@feeds.command("remove")
@for_operators
def remove_feed(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """End a feed."""
    asyncio.run(define.move_feed(existing(data), account, name, "removed"))
    out.print(f"The feed {name} is removed.")


@feeds.command("test")
@for_operators
def try_feed(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Tell the receiver one made-up event now, and show what was sent and what came back."""
    report = asyncio.run(feeding.test(existing(data), account, name))
    _show(report)
    if report.outcome != "delivered":
        raise typer.Exit(1)


@feeds.command("replay")
@for_operators
def replay_feed(
    name: Name,
    event: Annotated[list[str] | None, typer.Option(help="The id of an event; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="What was recorded from then on.")] = None,
    until: Annotated[str | None, typer.Option(help="And before then. Default: now.")] = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Tell a feed again what it was told before, under the same ids."""
    order = asyncio.run(
        feeding.replay(
            existing(data),
            account,
            name,
            events=tuple(event or ()),
            since=at_option(since, "--since"),
            until=at_option(until, "--until"),
        )
    )
    out.print(f"The feed {name} is told again: order {order}.")


@feeds.command("deliveries")
@for_operators
def list_deliveries(
    name: Name,
    failed: Annotated[bool, typer.Option("--failed", help="Failures alone.")] = False,
    event: Annotated[str | None, typer.Option(help="Of this event alone, whole.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """What the log has: every failure and a sample of successes, the latest first."""
    noted = feeding.deliveries(existing(data), account, name, failed=failed, event=event, limit=limit)
    if event is not None:
        _show(noted)
        return
    rows = table("at", "event", "attempt", "outcome", "ms", "why")
    for one in noted:
        made = one.report
        rows.add_row(one.at, one.event, str(made.attempt), made.outcome, f"{made.milliseconds:g}", made.why)
    out.print(rows)


@feeds.command("rotate")
@for_operators
def rotate_secret(
    name: Name,
    overlap: Annotated[float, typer.Option(help="Hours for which the old secret still signs.")] = 24.0,
    turn_after: Annotated[
        float, typer.Option(help="Hours after which single signatures turn to the new one.")
    ] = 0.0,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Give a feed a new secret of its own, beside the one it had."""
    made = asyncio.run(feeding.rotate(existing(data), account, name, overlap, turn_after))
    _show({"secret": made.secret, "public_key": made.public_key})


@feeds.command("secret")
@for_operators
def show_secret(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """What a feed's receiver verifies with now."""
    _show(feeding.secrets(existing(data), account, name))


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise OperatorError(f"{text} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _show(what: object) -> None:
    out.print_json(msgspec.json.encode(what).decode())
