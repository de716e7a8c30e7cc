"""What operators defined: templates and automations with their versions, and feeds with their state.

Versions count from 1 in the order in which they were saved, and so do the numbers of automations: receivers of
feeds know an automation as a campaign with an integer id (RM-16), which must not change when everything is
folded again. What is removed keeps its versions, for messages and runs that are under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Integer,
    String,
    Table,
    UniqueConstraint,
    bindparam,
    func,
    insert,
    select,
    update,
)

from heliograph.database import METADATA
from heliograph.events.definitions import (
    AutomationRemoved,
    AutomationSaved,
    FeedConfirmed,
    FeedMoved,
    FeedPaused,
    FeedRemoved,
    FeedResumed,
    FeedSaved,
    FeedSecretRotated,
    TemplateRemoved,
    TemplateSaved,
)
from heliograph.events.event import AnyEvent, Data
from heliograph.journal.consumer import Fold
from heliograph.react.state import reading

TEMPLATES = Table(
    "templates",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("parts", JSON, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("removed", BigInteger),
    Column("event", String(36), nullable=False, unique=True),
)

AUTOMATIONS = Table(
    "automations",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("id", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("removed", BigInteger),
    UniqueConstraint("account", "id"),
)
"""One row for each name that ever was: its number and its current version."""

AUTOMATION_VERSIONS = Table(
    "automation_versions",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("definition", JSON, nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("event", String(36), nullable=False, unique=True),
)

FEEDS = Table(
    "feeds",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("name", String, primary_key=True),
    Column("dialect", String, nullable=False),
    Column("endpoint", String, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("options", JSON, nullable=False),
    Column("state", String(8), nullable=False),
    Column("generation", Integer, nullable=False),  # from 1; one more each time it is saved after a removal
    Column("secrets", JSON, nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column(
        "begun", BigInteger, nullable=False
    ),  # when what is told began: it was made, made again, or confirmed
)

FeedState = Literal["pending", "active", "paused", "removed"]

CONFIRM = "confirm"
"""The option by which a feed says that its receiver must confirm it before anything is told: it is pending until
then. Dialects whose wire has a confirmation set it; for the others saving is enough."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a template."""

    name: str
    version: int
    parts: dict[str, str]
    settings: dict[str, Any] = {}


class Automation(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an automation; `id` is its number in the account, from 1."""

    name: str
    version: int
    definition: dict[str, Any]
    id: int


class FeedSecret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that a feed shares with its receiver: what it is derived from, and when it signs (microseconds).
    `event` empty: the account's own secrets, which signed before the feed had one. `until` None: for good."""

    event: str
    kid: int = 0
    turns: int = 0
    until: int | None = None


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription to the stream. `begun`: what was recorded before this instant (microseconds) is not told."""

    account: str
    name: str
    dialect: str
    endpoint: str
    kinds: tuple[str, ...]
    options: dict[str, Any]
    state: FeedState
    begun: int = 0
    generation: int = 1
    secrets: tuple[FeedSecret, ...] = ()


def template(connection: Connection, account: str, name: str, version: int | None = None) -> Template | None:
    """A version of a template; without a number the current one, None if the template was removed."""
    wanted = {"of_account": account, "of_name": name}
    if version is None:
        found = connection.execute(_CURRENT, wanted).one_or_none()
    else:
        found = connection.execute(_NUMBERED, {**wanted, "of_version": version}).one_or_none()
    return None if found is None else Template(**found._mapping)


_VERSIONS = (
    select(TEMPLATES.c.name, TEMPLATES.c.version, TEMPLATES.c.parts, TEMPLATES.c.settings)
    .where(TEMPLATES.c.account == bindparam("of_account"), TEMPLATES.c.name == bindparam("of_name"))
    .order_by(TEMPLATES.c.version.desc())
    .limit(1)
)
_CURRENT = _VERSIONS.where(TEMPLATES.c.removed.is_(None))
_NUMBERED = _VERSIONS.where(TEMPLATES.c.version == bindparam("of_version"))


def templates(connection: Connection, account: str) -> list[Template]:
    """The current versions of all templates, by name."""
    table = TEMPLATES.c
    current = (
        select(table.name, func.max(table.version).label("version"))
        .where(table.account == account, table.removed.is_(None))
        .group_by(table.name)
        .subquery()
    )
    found = connection.execute(
        select(table.name, table.version, table.parts, table.settings)
        .join(current, (current.c.name == table.name) & (current.c.version == table.version))
        .where(table.account == account)
        .order_by(table.name)
    )
    return [Template(**row._mapping) for row in found]


def automations(connection: Connection, account: str) -> list[Automation]:
    """The current versions of all automations that take people in, by their numbers."""
    found = connection.execute(
        _AUTOMATION.where(
            AUTOMATIONS.c.account == account,
            AUTOMATIONS.c.removed.is_(None),
            AUTOMATION_VERSIONS.c.version == AUTOMATIONS.c.version,
        ).order_by(AUTOMATIONS.c.id)
    )
    return [Automation(**row._mapping) for row in found]


def automation(connection: Connection, account: str, name: str, version: int) -> Automation | None:
    """A version of an automation, even of one that was removed: runs end as they began."""
    found = connection.execute(
        _AUTOMATION.where(
            AUTOMATIONS.c.account == account,
            AUTOMATIONS.c.name == name,
            AUTOMATION_VERSIONS.c.version == version,
        )
    ).one_or_none()
    return None if found is None else Automation(**found._mapping)


def feeds(connection: Connection) -> list[Feed]:
    """All feeds of all accounts that were not removed."""
    found = connection.execute(
        select(FEEDS).where(FEEDS.c.state != "removed").order_by(FEEDS.c.account, FEEDS.c.name)
    )
    return [
        msgspec.convert({str(k): v for k, v in row._mapping.items() if k != "saved"}, Feed) for row in found
    ]


def feed(connection: Connection, account: str, name: str) -> Feed | None:
    """One feed; None if there is none of this name, or it was removed."""
    return next((one for one in feeds(connection) if (one.account, one.name) == (account, name)), None)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. Definitions are few: one by one."""
    for event in events:
        step = _STEPS.get(type(event.data))
        if step is not None:
            step(connection, event, event.data)


def _save_template(connection: Connection, event: AnyEvent, data: TemplateSaved) -> None:
    version = _next_version(connection, TEMPLATES, event, data.name)
    if version is not None:
        connection.execute(
            insert(TEMPLATES).values(
                account=event.account,
                name=data.name,
                version=version,
                parts=data.parts,
                settings=data.settings,
                saved=reading.happened(event),
                event=event.id,
            )
        )


def _remove_template(connection: Connection, event: AnyEvent, data: TemplateRemoved) -> None:
    connection.execute(
        update(TEMPLATES)
        .where(
            TEMPLATES.c.account == event.account,
            TEMPLATES.c.name == data.name,
            TEMPLATES.c.removed.is_(None),
        )
        .values(removed=reading.happened(event))
    )


def _save_automation(connection: Connection, event: AnyEvent, data: AutomationSaved) -> None:
    version = _next_version(connection, AUTOMATION_VERSIONS, event, data.name)
    if version is None:
        return
    connection.execute(
        insert(AUTOMATION_VERSIONS).values(
            account=event.account,
            name=data.name,
            version=version,
            definition=data.definition,
            saved=reading.happened(event),
            event=event.id,
        )
    )
    if version > 1:
        _set_automation(connection, event.account, data.name, version=version, removed=None)
        return
    last = connection.scalar(select(func.max(AUTOMATIONS.c.id)).where(AUTOMATIONS.c.account == event.account))
    connection.execute(
        insert(AUTOMATIONS).values(account=event.account, name=data.name, id=(last or 0) + 1, version=1)
    )


def _remove_automation(connection: Connection, event: AnyEvent, data: AutomationRemoved) -> None:
    _set_automation(connection, event.account, data.name, removed=reading.happened(event))


def _set_automation(connection: Connection, account: str, name: str, **values: Any) -> None:
    connection.execute(
        update(AUTOMATIONS)
        .where(AUTOMATIONS.c.account == account, AUTOMATIONS.c.name == name)
        .values(**values)
    )


def _next_version(connection: Connection, table: Table, event: AnyEvent, name: str) -> int | None:
    """The version that an event saves; None if it has saved it already."""
    if connection.scalar(select(table.c.version).where(table.c.event == event.id)) is not None:
        return None
    last = connection.scalar(
        select(func.max(table.c.version)).where(table.c.account == event.account, table.c.name == name)
    )
    return (last or 0) + 1


def _save_feed(connection: Connection, event: AnyEvent, data: FeedSaved) -> None:
    """A changed feed stays paused or active; a new receiver that must confirm has yet to do so."""
    key = (FEEDS.c.account == event.account, FEEDS.c.name == data.name)
    known = connection.execute(
        select(FEEDS.c.state, FEEDS.c.endpoint, FEEDS.c.generation).where(*key)
    ).one_or_none()
    state: str = "pending" if data.options.get(CONFIRM) is True else "active"
    if known is not None and known.state != "removed" and known.endpoint == data.endpoint:
        state = known.state
    elif known is not None and known.state == "paused" and state == "active":
        state = "paused"
    fresh = known is None or known.state == "removed"
    generation = 1 if known is None else known.generation + fresh
    values = {
        "dialect": data.dialect,
        "endpoint": data.endpoint,
        "kinds": list(data.kinds),
        "options": data.options,
        "state": state,
        "generation": generation,
        "saved": reading.happened(event),
    }
    if fresh:
        values |= {"secrets": [], "begun": event.recorded}
    if known is None:
        connection.execute(insert(FEEDS).values(account=event.account, name=data.name, **values))
    else:
        connection.execute(update(FEEDS).where(*key).values(**values))


def _rotate_secret(connection: Connection, event: AnyEvent, data: FeedSecretRotated) -> None:
    """The newest secret stays; the one before it until its time is over. Older ones go at once."""
    key = (FEEDS.c.account == event.account, FEEDS.c.name == data.name)
    stored = connection.scalar(select(FEEDS.c.secrets).where(*key))
    if stored is None:
        return
    known = msgspec.convert(stored, list[FeedSecret])
    if any(secret.event == event.id for secret in known):
        return
    before = known[-1] if known else FeedSecret(event="")
    kept = (
        msgspec.structs.replace(before, until=data.until),
        FeedSecret(event=event.id, kid=data.kid, turns=data.turns),
    )
    connection.execute(update(FEEDS).where(*key).values(secrets=msgspec.to_builtins(kept)))


def _move_feed(connection: Connection, event: AnyEvent, data: FeedMoved) -> None:
    before, after = _MOVES[type(data)]
    values = {"begun": event.recorded} if isinstance(data, FeedConfirmed) else {}
    connection.execute(
        update(FEEDS)
        .where(FEEDS.c.account == event.account, FEEDS.c.name == data.name, FEEDS.c.state.in_(before))
        .values(state=after, **values)
    )


_AUTOMATION = select(
    AUTOMATIONS.c.name, AUTOMATION_VERSIONS.c.version, AUTOMATION_VERSIONS.c.definition, AUTOMATIONS.c.id
).join_from(
    AUTOMATIONS,
    AUTOMATION_VERSIONS,
    (AUTOMATION_VERSIONS.c.account == AUTOMATIONS.c.account)
    & (AUTOMATION_VERSIONS.c.name == AUTOMATIONS.c.name),
)

_MOVES: dict[type[Data], tuple[tuple[FeedState, ...], FeedState]] = {
    FeedConfirmed: (("pending",), "active"),
    FeedPaused: (("active",), "paused"),
    FeedResumed: (("paused",), "active"),
    FeedRemoved: (("pending", "active", "paused"), "removed"),
}
"""From which states, to which."""

_STEPS: dict[type[Data], Callable[[Connection, AnyEvent, Any], None]] = {
    TemplateSaved: _save_template,
    TemplateRemoved: _remove_template,
    AutomationSaved: _save_automation,
    AutomationRemoved: _remove_automation,
    FeedSaved: _save_feed,
    FeedSecretRotated: _rotate_secret,
    **dict.fromkeys(_MOVES, _move_feed),
}

FOLD = Fold(
    name="definitions",
    kinds=frozenset(kind.kind for kind in _STEPS),
    tables=(TEMPLATES, AUTOMATIONS, AUTOMATION_VERSIONS, FEEDS),
    apply=apply,
)
