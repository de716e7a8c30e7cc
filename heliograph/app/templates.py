"""Templates for the command line: the same saving, checking, showing and trying as the API's, without a web worker."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine

from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Account
from heliograph.app.accounts import account_number
from heliograph.app.storage import recording
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.egress import Egress
from heliograph.errors import BadRequest, OperatorError
from heliograph.events import codec
from heliograph.events.consent import Channel
from heliograph.events.event import Data, Event
from heliograph.outbound.messages.authoring import saving
from heliograph.outbound.messages.authoring.lint import Finding, lint
from heliograph.outbound.messages.authoring.preview import SAMPLE, Preview, preview
from heliograph.outbound.messages.authoring.reach import unreachable
from heliograph.outbound.messages.facts import objects
from heliograph.outbound.messages.facts.look import find_records
from heliograph.outbound.messages.making.enclosing import with_files
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.react.state import definitions, people, template_versions
from heliograph.settings import Settings, public_url

BY = "command line"


class Draft(NamedTuple):
    """What is looked at: parts and settings, saved or not."""

    parts: Mapping[str, str]
    settings: Mapping[str, Any]


def listed(settings: Settings, account: str | None) -> list[tuple[Any, ...]]:
    """Name, version, channels and parts of every template."""
    with _state(settings).connect() as connection:
        rows = definitions.templates(connection, account_number(connection.engine, account))
    return [
        (row.name, row.version, ", ".join(parts_of.channels(row.parts)), ", ".join(row.parts)) for row in rows
    ]


def versions(settings: Settings, account: str | None, name: str) -> list[tuple[Any, ...]]:
    """Number, instant, parts and state of every version, the newest first."""
    with _state(settings).connect() as connection:
        number = account_number(connection.engine, account)
        found = template_versions.versions(connection, number, name)
    if not found:
        raise _unknown(name)
    return [
        (one.version, iso(one.saved), ", ".join(one.parts), "removed" if one.removed is not None else "")
        for one in found
    ]


def find(
    settings: Settings, account: str | None, name: str, version: int | None = None
) -> definitions.Template:
    """A version of a template; without a number the current one. Raises `OperatorError`."""
    with _state(settings).connect() as connection:
        number = account_number(connection.engine, account)
        found = definitions.template(connection, number, name, version)
    if found is None:
        raise _unknown(name, version)
    return found


async def save(
    settings: Settings, account: str | None, name: str, parts: Mapping[str, str], options: Mapping[str, Any]
) -> list[Finding]:
    """A template's new version; returns what is odd about it. Raises `OperatorError` with everything that is wrong."""
    number, now = account_number(_state(settings), account), SystemClock().now()
    egress = Egress(settings)
    try:
        whole = await with_files(options, egress)
        event, found = saving.save(number, name, parts, whole, BY, now)
    except BadRequest as error:
        raise OperatorError(_told(error)) from error
    except ValueError as error:
        raise OperatorError(f"attachments: {error}") from error
    finally:
        await egress.close()
    await _record(settings, event)
    return found


async def roll_back(settings: Settings, account: str | None, name: str, version: int) -> None:
    """An old version as the newest."""
    old = find(settings, account, name, version)
    number = account_number(_state(settings), account)
    await _record(settings, saving.go_back(number, old, BY, SystemClock().now()))


async def remove(settings: Settings, account: str | None, name: str) -> None:
    """A template is offered no more."""
    find(settings, account, name)
    number = account_number(_state(settings), account)
    await _record(settings, saving.remove(number, name, BY, SystemClock().now()))


async def check(settings: Settings, draft: Draft, *, fetch: bool) -> list[Finding]:
    """What is wrong with it; `fetch`: also whether its pictures come."""
    found = lint(draft.parts, draft.settings)
    if not fetch:
        return found
    egress = Egress(settings)
    try:
        return [*await unreachable(draft.parts, egress), *found]
    finally:
        await egress.close()


def look(
    settings: Settings, account: str | None, draft: Draft, person: str | None, context: dict[str, Any] | None
) -> Preview:
    """How it looks for a person (by id, address or customer number) or a sample."""
    engine = _state(settings)
    owner = _account(engine, account)
    who, things = SAMPLE, objects.NOTHING
    if person is not None:
        who = _person(engine, owner.number, person)
        with engine.connect() as connection:
            wanted = objects.mentioned(draft.parts)
            things = objects.look_up(connection, owner.number, who, wanted, context or {})
    base = public_url(settings)
    clock = SystemClock()
    return preview(
        clock,
        owner,
        draft.parts,
        draft.settings,
        who,
        base,
        context,
        things,
        find_records(engine, clock, owner.number),
    )


async def send_test(
    settings: Settings,
    account: str | None,
    name: str,
    channel: Channel,
    to: str,
    person: str | None,
    context: Mapping[str, Any],
) -> str:
    """Ask for a message that is marked as a test; returns its id."""
    engine = _state(settings)
    number = account_number(engine, account)
    template = find(settings, number, name)
    who = _person(engine, number, person) if person is not None else None
    try:
        event = saving.test_message(number, template, channel, to, who, context, SystemClock().now())
    except BadRequest as error:
        raise OperatorError(error.message) from error
    await _record(settings, event)
    return event.id


def _person(engine: Engine, account: str, known_as: str) -> people.Person:
    with engine.connect() as connection:
        for name in ("person", "email", "customer_id"):
            found = people.find(connection, account, **{name: known_as})
            if found is not None:
                return found
    raise OperatorError(f"there is nobody with the id, address or customer number {known_as}")


def _account(engine: Engine, account: str | None) -> Account:
    found = load_directory(engine).account(account_number(engine, account))
    if found is None:
        raise OperatorError(f"there is no account {account}")
    return found


def _state(settings: Settings) -> Engine:
    return open_state(Path(settings.data), read_only=True)


def _unknown(name: str, version: int | None = None) -> OperatorError:
    which = f" in version {version}" if version is not None else ""
    return OperatorError(f"there is no template {name}{which}: `heliograph templates list` shows all")


def _told(error: BadRequest) -> str:
    return "; ".join(f"{fault.field}: {fault.reason}" for fault in error.faults) or error.message


async def _record(settings: Settings, event: Event[Data]) -> None:
    async with recording(settings) as journal:
        await journal.append([codec.encode(event)])
