"""Tracking codes for the command line: made, changed and shown as the API does, through a running engine or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from heliograph.accounts.directory import load_directory
from heliograph.app.accounts import account_number
from heliograph.app.storage import recording
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.errors import BadRequest, OperatorError
from heliograph.events import codec
from heliograph.events.event import Record
from heliograph.inbound.tracking import making
from heliograph.inbound.tracking.making import Move, Wanted
from heliograph.react.state import campaigns
from heliograph.react.state.campaigns import Campaign
from heliograph.settings import Settings, tracking_url

LISTED = 10_000
"""Campaigns that are listed at most."""

BY = "command line"


async def add(settings: Settings, account: str | None, wanted: Wanted) -> tuple[str, str]:
    """Make a tracking code; its GUID and the HTML to paste. Raises `OperatorError`."""
    with _reading(settings) as connection:
        directory = load_directory(connection.engine)
        owner = directory.accounts[account_number(connection.engine, account)]
        guid = making.free_guid(connection)
    try:
        record = making.creation(wanted, guid, owner, by=BY, now=SystemClock().now())
        html = making.snippet(campaigns.made(codec.decode(record)), tracking_url(settings))
    except BadRequest as error:
        raise OperatorError(f"{error.field}: {error.message}") from error
    await _record(settings, record)
    return guid, html


async def change(settings: Settings, guid: str, said: dict[str, Any]) -> None:
    """Change what is said of a tracking code, and nothing else. Raises `OperatorError`."""
    known = find(settings, guid)
    try:
        wanted = replace(making.as_wanted(known), **said)
        record = making.change(known, wanted, by=BY, now=SystemClock().now())
    except BadRequest as error:
        raise OperatorError(f"{error.field}: {error.message}") from error
    await _record(settings, record)


async def move(settings: Settings, guid: str, where: Move) -> None:
    """Stop, start or archive a tracking code. Raises `OperatorError`."""
    await _record(settings, making.moving(find(settings, guid), where, by=BY, now=SystemClock().now()))


def snippet(settings: Settings, guid: str, sender: str, merge_tag: str) -> str:
    """The HTML to paste. Raises `OperatorError`."""
    try:
        return making.snippet(find(settings, guid), tracking_url(settings), sender, merge_tag)
    except BadRequest as error:
        raise OperatorError(f"{error.field}: {error.message}") from error


def listed(settings: Settings, account: str | None, *, archived: bool) -> list[tuple[str, ...]]:
    """GUID, name, sender, when it was made, and how it stands, of an account's tracking codes, the newest first."""
    now = SystemClock().now()
    with _reading(settings) as connection:
        number = account_number(connection.engine, account)
        found = campaigns.page(connection, number, archived=archived, limit=LISTED)
        return [
            (one.guid, one.name, one.sender, iso(one.created), _standing(connection, one, now))
            for one in found
        ]


def shown(settings: Settings, guid: str) -> dict[str, Any]:
    """All of a tracking code, as JSON values. Raises `OperatorError`."""
    known = find(settings, guid)
    with _reading(settings) as connection:
        unfilled = campaigns.unfilled_tags(connection, guid)
    told = msgspec.to_builtins(known)
    for field in ("created", "expires", "stopped", "archived", "changed"):
        told[field] = None if told[field] is None else iso(told[field])
    records = known.records(SystemClock().now())
    return {**told, "tags": msgspec.json.decode(known.tags), "records": records, "unfilled": unfilled}


def find(settings: Settings, guid: str) -> Campaign:
    """The tracking code of this GUID. Raises `OperatorError`."""
    with _reading(settings) as connection:
        found = campaigns.find(connection, guid)
    if found is None:
        raise OperatorError(f"there is no campaign {guid}; `heliograph campaigns list` shows them")
    return found


def _standing(connection: Connection, one: Campaign, now: int) -> str:
    if not one.records(now):
        return "stopped" if one.stopped is not None else "expired"
    hits = sum(campaigns.unfilled_tags(connection, one.guid).values())
    return f"records; {hits} with an unfilled merge tag" if hits else "records"


def _reading(settings: Settings) -> Connection:
    return open_state(Path(settings.data), read_only=True).connect()


async def _record(settings: Settings, record: Record) -> None:
    async with recording(settings) as journal:
        await journal.append([record])
