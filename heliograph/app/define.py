"""Saving and listing what operators define: templates, automations, feeds. For the command line and the demo.

Definitions are events: they are appended through the running engine's journal, and state shows them when the command ends; or
to the file itself while nothing runs, and state shows them when the folds have read them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Account
from heliograph.app.accounts import account_number
from heliograph.app.storage import recording
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import BadRequest, OperatorError
from heliograph.events import codec, subjects
from heliograph.events.definitions import (
    AutomationRemoved,
    FeedSaved,
    TemplateSaved,
)
from heliograph.events.event import AnyEvent, Data, Record
from heliograph.outbound.daily import templates as daily_templates
from heliograph.outbound.feeds import operating
from heliograph.outbound.feeds import templates as feed_templates
from heliograph.outbound.feeds.operating import MOVES, Move, Rotated
from heliograph.outbound.feeds.subscription import subscribe
from heliograph.react.policies import templates as policy_templates
from heliograph.react.state import definitions
from heliograph.settings import Settings

BUILTIN_TEMPLATES = {
    **policy_templates.BUILTIN_TEMPLATES,
    **feed_templates.BUILTIN_TEMPLATES,
    **daily_templates.BUILTIN_TEMPLATES,
}
"""What the engine itself sends; saved with each account, the operator's to change from then on."""


async def add_account(settings: Settings, name: str, parent: str | None = None) -> Account:
    """A further account with the built-in templates, without keys; a sub-account where it has a parent."""
    engine = open_state(Path(settings.data))
    if parent is not None:
        parent = account_number(engine, parent)
    with engine.begin() as connection:
        account = keys.add_account(connection, name, SystemClock().now(), parent=parent)
    engine.dispose()
    async with recording(settings) as journal:
        await journal.append(builtin_templates(account.number, SystemClock().now()))
    return account


def builtin_templates(account: str, now: int) -> list[Record]:
    """The events that save them for an account."""
    return [
        codec.encode(
            codec.make(
                TemplateSaved(name=name, parts=parts, by="first start"),
                account=account,
                subject=subjects.thing("template", name),
                now=now,
            )
        )
        for name, parts in BUILTIN_TEMPLATES.items()
    ]


async def remove_automation(settings: Settings, account: str | None, name: str) -> None:
    """An automation takes nobody in any more."""
    known = {row[1] for row in automations(settings, account)}
    if name not in known:
        raise OperatorError(
            f"there is no automation {name}: {', '.join(sorted(known)) or 'there is none at all'}"
        )
    await record(settings, account, "automation", name, AutomationRemoved(name=name, by="command line"))


async def save_feed(
    settings: Settings,
    account: str | None,
    name: str,
    dialect: str,
    endpoint: str,
    kinds: tuple[str, ...],
    options: dict[str, Any],
) -> Rotated | None:
    """A subscription, new or changed. Returns the secret that it was given for Standard Webhooks, if it was."""
    state = open_state(Path(settings.data), read_only=True)
    number, now = account_number(state, account), SystemClock().now()
    try:
        checked = subscribe(
            settings,
            account=number,
            name=name,
            dialect=dialect,
            endpoint=endpoint,
            kinds=kinds,
            options=options,
        )
    except BadRequest as error:
        raise OperatorError(f"{error.field}: {error.message}") from error
    saved = FeedSaved(
        name=name, dialect=dialect, endpoint=endpoint, kinds=kinds, options=options, by="command line"
    )
    with state.connect() as connection:
        known = definitions.feed(connection, number, name)
    events: list[AnyEvent] = [operating.told(saved, account=number, name=name, now=now)]
    made = None
    if checked.options.standard_webhooks and not (known and known.secrets):
        directory, hours = load_directory(state), operating.OVERLAP_HOURS
        made = operating.rotated(directory, number, name, now, overlap=hours, turns=0, by=saved.by)
        events.append(made.event)
    async with recording(settings) as journal:
        await journal.append([codec.encode(event) for event in events])
    return made


async def move_feed(settings: Settings, account: str | None, name: str, move: Move) -> None:
    """Pause, resume or remove a feed."""
    known = {row[0] for row in feeds(settings, account)}
    if name not in known:
        raise OperatorError(f"there is no feed {name}: {', '.join(sorted(known)) or 'there is none at all'}")
    await record(settings, account, "feed", name, MOVES[move](name=name, by="command line"))


def automations(settings: Settings, account: str | None) -> list[tuple[Any, ...]]:
    """Id, name, version and trigger of every automation."""
    with _reading(settings) as connection:
        rows: Sequence[definitions.Automation] = definitions.automations(
            connection, account_number(connection.engine, account)
        )
        return [(row.id, row.name, row.version, row.definition["trigger"]["kind"]) for row in rows]


def feeds(settings: Settings, account: str | None) -> list[tuple[Any, ...]]:
    """Name, dialect, endpoint, kinds and state of every feed."""
    with _reading(settings) as connection:
        number = account_number(connection.engine, account)
        return [
            (row.name, row.dialect, row.endpoint, " ".join(row.kinds) or "all", row.state)
            for row in definitions.feeds(connection)
            if row.account == number
        ]


def _reading(settings: Settings) -> Connection:
    return open_state(Path(settings.data), read_only=True).connect()


async def record(settings: Settings, account: str | None, scheme: str, name: str, data: Data) -> None:
    """Append the event by which something is defined."""
    number = account_number(open_state(Path(settings.data), read_only=True), account)
    event = codec.make(data, account=number, subject=subjects.thing(scheme, name), now=SystemClock().now())
    async with recording(settings) as journal:
        await journal.append([codec.encode(event)])
