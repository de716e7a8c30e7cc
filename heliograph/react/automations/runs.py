"""Runs and their timers, in state: what automations must not forget.

A run is keyed by automation, person and what it is about, so that a person gets one about one cart. Ended runs
stay as that key and for the chain of causes; the properties of their trigger do not. A timer is a row with a
due time. Erasing a person removes both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)

from heliograph.database import METADATA, Query

RUNS = Table(
    "automation_runs",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("automation", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("person", String(36), nullable=False),
    Column("object", String, nullable=False),
    Column("key", String, nullable=False),
    Column("state", String(9), nullable=False),
    Column("sent", Integer, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("chain", JSON, nullable=False),
    Column("properties", JSON, nullable=False),
    Column("trigger", String(36), nullable=False),
    Index("ix_automation_runs_key", "person", "automation", "key"),
    Index("ix_automation_runs_state", "account", "automation", "state", "version"),
    Index("ix_automation_runs_person", "person", "account", sqlite_where=text("state = 'open'")),
    Index("ix_automation_runs_object", "object", "account", sqlite_where=text("state = 'open'")),
    Index("ix_automation_runs_trigger", "trigger", sqlite_where=text("state = 'open'")),
)
"""`state`: open, finished, cancelled, reached. `sent`: how many messages the run has wanted. `began`: when the trigger
happened. `chain`: the automations that led here, this one last. `trigger`: the event that began it."""

TIMERS = Table(
    "automation_timers",
    METADATA,
    Column("run", String(36), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("due", BigInteger, nullable=False, index=True),
    Column("failures", Integer, nullable=False),
)
"""The step that an open run waits in, until when (microseconds), and how often it could not go on by a fault of
ours."""


class Run(NamedTuple):
    """One person's way through one automation."""

    id: str
    account: str
    automation: str
    version: int
    person: str
    object: str
    key: str
    state: str
    sent: int
    began: int
    chain: list[str]
    properties: dict[str, Any]
    trigger: str


class Timer(NamedTuple):
    """When a run goes on, and from which step."""

    run: str
    step: int
    due: int
    failures: int = 0


_LATEST = (
    select(RUNS)
    .where(
        RUNS.c.account == bindparam("account"),
        RUNS.c.automation == bindparam("automation"),
        RUNS.c.person == bindparam("person"),
        RUNS.c.key == bindparam("key"),
    )
    .order_by(RUNS.c.state != "open", RUNS.c.sent == 0, RUNS.c.began.desc())
    .limit(1)
)
_STILL_OPEN = RUNS.c.state == literal_column(
    "'open'"
)  # as the partial indexes have it: they are used for nothing else
_OF_PERSON = (
    select(RUNS)
    .where(_STILL_OPEN, RUNS.c.account == bindparam("account"), RUNS.c.person == bindparam("person"))
    .order_by(RUNS.c.id)
)
_ABOUT = (
    select(RUNS)
    .where(_STILL_OPEN, RUNS.c.account == bindparam("account"), RUNS.c.object == bindparam("object"))
    .order_by(RUNS.c.id)
)
_OF_ID = select(RUNS).where(RUNS.c.id == bindparam("run"), _STILL_OPEN)
_OLDER = Query(
    select(func.max(RUNS.c.version)).where(
        RUNS.c.account == bindparam("account"),
        RUNS.c.automation == bindparam("automation"),
        RUNS.c.state == "open",
        RUNS.c.version < bindparam("version"),
    )
)
_COUNTS = (
    select(RUNS.c.automation, RUNS.c.state, func.count())
    .where(RUNS.c.account == bindparam("account"))
    .group_by(RUNS.c.automation, RUNS.c.state)
)
_NEXT = Query(select(func.min(TIMERS.c.due)))
_BEGUN = select(RUNS).where(_STILL_OPEN, RUNS.c.trigger == bindparam("event")).order_by(RUNS.c.id)
# Built once: building costs more than running them.


def latest(connection: Connection, account: str, automation: str, person: str, key: str) -> Run | None:
    """The run of this key that says whether there may be another: the open one, else the newest."""
    key_of = {"account": account, "automation": automation, "person": person, "key": key}
    row = connection.execute(_LATEST, key_of).first()
    return Run._make(row) if row else None


def open_of_person(connection: Connection, account: str, person: str) -> Sequence[Run]:
    """The open runs of a person."""
    return _runs(connection, account, _OF_PERSON, {"account": account, "person": person})


def open_about(connection: Connection, account: str, object: str) -> Sequence[Run]:
    """The open runs about an object, whoever they are of."""
    return _runs(connection, account, _ABOUT, {"account": account, "object": object})


def open_of_id(connection: Connection, account: str, run: str) -> Sequence[Run]:
    """The run of this id, if it is open."""
    return _runs(connection, account, _OF_ID, {"run": run})


def begun_by(connection: Connection, account: str, event: str) -> Sequence[Run]:
    """The open runs that this event began."""
    return _runs(connection, account, _BEGUN, {"event": event})


def older_versions(connection: Connection, account: str, automation: str, version: int) -> list[int]:
    """Versions before this one that somebody is still under way in, the latest first."""
    found: list[int] = []
    while True:
        place = {"account": account, "automation": automation, "version": found[-1] if found else version}
        older = _OLDER.value(connection, **place)
        if older is None:
            return found
        found.append(older)


def counts(connection: Connection, account: str) -> dict[str, dict[str, int]]:
    """How many runs of each automation are in each state."""
    found: dict[str, dict[str, int]] = {}
    for automation, state, number in connection.execute(_COUNTS, {"account": account}):
        found.setdefault(automation, {})[state] = number
    return found


def chain_of(connection: Connection, run: str) -> list[str]:
    """The automations whose messages led to this run, its own last; empty when it is not known."""
    chain: list[str] | None = connection.scalar(select(RUNS.c.chain).where(RUNS.c.id == run))
    return chain or []


def of_person(connection: Connection, account: str, person: str) -> Sequence[Run]:
    """Every run of a person, open and ended, in the order in which they began."""
    theirs = select(RUNS).where(RUNS.c.account == account, RUNS.c.person == person)
    return [Run._make(row) for row in connection.execute(theirs.order_by(RUNS.c.began, RUNS.c.id))]


def begin(connection: Connection, run: Run) -> None:
    """Remember a new run."""
    connection.execute(insert(RUNS), run._asdict())


def count_sent(connection: Connection, run: str, messages: int) -> None:
    """The run wanted so many messages more."""
    if messages:
        connection.execute(update(RUNS).where(RUNS.c.id == run).values(sent=RUNS.c.sent + messages))


def retell(connection: Connection, run: str, properties: dict[str, Any]) -> None:
    """The trigger happened again: from now on the run is about what was said last."""
    connection.execute(update(RUNS).where(RUNS.c.id == run).values(properties=properties))


def end(connection: Connection, run: str, state: str) -> None:
    """The run is `finished` or `cancelled`: its timer goes, and what its trigger said."""
    connection.execute(delete(TIMERS).where(TIMERS.c.run == run))
    connection.execute(update(RUNS).where(RUNS.c.id == run).values(state=state, properties={}))


def wait(connection: Connection, timer: Timer, *, first: bool = False) -> None:
    """Set the run's timer, in place of the one it has unless this is its first."""
    if not first:
        connection.execute(delete(TIMERS).where(TIMERS.c.run == timer.run))
    connection.execute(insert(TIMERS), timer._asdict())


def timer(connection: Connection, run: str) -> Timer | None:
    """What the run waits for."""
    row = connection.execute(select(TIMERS).where(TIMERS.c.run == run)).first()
    return Timer._make(row) if row else None


def due(connection: Connection, now: int, limit: int) -> Sequence[tuple[Run, Timer]]:
    """Up to `limit` runs whose wait is over, the longest overdue first."""
    rows = connection.execute(
        select(*RUNS.c, *TIMERS.c)
        .select_from(TIMERS.join(RUNS, RUNS.c.id == TIMERS.c.run))
        .where(TIMERS.c.due <= now)
        .order_by(TIMERS.c.due, TIMERS.c.run)
        .limit(limit)
    )
    width = len(Run._fields)
    return [(Run._make(row[:width]), Timer._make(row[width:])) for row in rows]


def next_due(connection: Connection) -> int | None:
    """When the next wait is over."""
    earliest: int | None = _NEXT.value(connection)
    return earliest


def move(
    connection: Connection, account: str, automation: str, old: int, new: int, places: dict[int, int]
) -> Sequence[Run]:
    """Open runs of one version go on in another: each step to its place there. Returns those that have none."""
    theirs = (
        RUNS.c.account == account,
        RUNS.c.automation == automation,
        RUNS.c.version == old,
        RUNS.c.state == "open",
    )
    ids = select(RUNS.c.id).where(*theirs)
    standing = select(RUNS).join(TIMERS, TIMERS.c.run == RUNS.c.id).where(*theirs)
    gone = connection.execute(standing.where(TIMERS.c.step.not_in(list(places)))).all()
    # Negative on the way, so that no step is moved twice.
    for step, place in places.items():
        at_step = (TIMERS.c.step == step, TIMERS.c.run.in_(ids))
        connection.execute(update(TIMERS).where(*at_step).values(step=-1 - place))
    moved = (TIMERS.c.step < 0, TIMERS.c.run.in_(ids))
    connection.execute(update(TIMERS).where(*moved).values(step=-1 - TIMERS.c.step))
    connection.execute(update(RUNS).where(*theirs).values(version=new))
    return [Run._make(row) for row in gone]


def merge(connection: Connection, account: str, person: str, other: str) -> None:
    """`other` is now `person`."""
    connection.execute(
        update(RUNS).where(RUNS.c.account == account, RUNS.c.person == other).values(person=person)
    )


def erase(connection: Connection, account: str, person: str) -> None:
    """Nothing of this person's runs remains (STD-7)."""
    theirs = select(RUNS.c.id).where(RUNS.c.account == account, RUNS.c.person == person)
    connection.execute(delete(TIMERS).where(TIMERS.c.run.in_(theirs)))
    connection.execute(delete(RUNS).where(RUNS.c.account == account, RUNS.c.person == person))


def _runs(connection: Connection, account: str, wanted: Select[Any], values: dict[str, str]) -> Sequence[Run]:
    found = (Run._make(row) for row in connection.execute(wanted, values))
    return [run for run in found if run.account == account]
