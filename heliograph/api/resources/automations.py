"""`/automations`: what operators define, who is under way, why somebody did or did not get it, and dry runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.api.resources.suppressions import Recorded
from heliograph.clock import iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec, subjects
from heliograph.events.commerce import instant
from heliograph.events.definitions import AutomationRemoved
from heliograph.events.event import AnyEvent, Data
from heliograph.react.automations import runs
from heliograph.react.automations.definition import saving
from heliograph.react.automations.durations import duration
from heliograph.react.automations.rehearsal import Rehearsal, Stage, rehearse
from heliograph.react.automations.text import below
from heliograph.react.automations.why import Explanation, explain
from heliograph.react.state import definitions, people

MOST_REHEARSED = 200_000
"""Entries of a journal that a dry run over the API reads; longer ones are the command line's."""

_AGO = re.compile(r"\d+(?:\.\d+)?[smhdw]", re.ASCII)


class Automation(msgspec.Struct, frozen=True, kw_only=True):
    """An automation: its current version as it was written, and how many runs are `open`, `finished`, `cancelled` and
    `reached` (their goal)."""

    name: str
    id: int
    version: int
    definition: dict[str, Any]
    runs: dict[str, int]


class Automations(msgspec.Struct, frozen=True, kw_only=True):
    """All automations that take people in, by their numbers."""

    automations: list[Automation]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """A definition as an object, or as the text of a YAML or JSON file: then errors name the line. `migrate`: those who are
    under way go on with it too."""

    definition: dict[str, Any] | str
    migrate: bool = False


class Who(msgspec.Struct, frozen=True, kw_only=True):
    """Whose runs: our id, an e-mail address, a phone number (+...), or a customer number."""

    person: str


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Which past is played: since an instant (RFC 3339) or so long ago (`30d`), with this definition or the saved one."""

    since: str = "30d"
    definition: dict[str, Any] | str | None = None


async def listed(means: Means, asked: Asked) -> Automations:
    """Every automation."""
    account = asked.account.number
    rows = await means.read(lambda connection: definitions.automations(connection, account))
    counts = await means.read(lambda connection: runs.counts(connection, account))
    return Automations(automations=[_shown(row, counts) for row in rows])


async def get(means: Means, asked: Asked) -> Automation:
    """One automation."""
    account = asked.account.number
    row = await _known(means, asked)
    return _shown(row, await means.read(lambda connection: runs.counts(connection, account)))


async def save(means: Means, asked: Asked) -> Recorded:
    """A new version, if the definition is right."""
    name, said = asked.path["name"], asked.body
    with _of_the_definition():
        saved = saving(said.definition, by=asked.by, migrate=said.migrate)
    if saved.name != name:
        raise BadRequest(
            f"The definition's name is {saved.name!r}, the path's {name!r}.", field="definition.name"
        )
    return await _recorded(means, asked, saved)


async def remove(means: Means, asked: Asked) -> Recorded:
    """Nobody is taken in any more, and who is under way ends when their wait is over."""
    row = await _known(means, asked)
    return await _recorded(means, asked, AutomationRemoved(name=row.name, by=asked.by))


async def why(means: Means, asked: Asked) -> Explanation:
    """The runs of a person with their traces, and what began none."""
    account, who = asked.account.number, asked.query.person
    known = {"email": who} if "@" in who else {"person": who, "customer_id": who, "phone": who}
    person = await means.read(lambda connection: people.find(connection, account, **known))
    if person is None:
        raise NotFound("There is no such person.", field="person")
    return await explain(means.journal, means.state, means.directory, account, asked.path["name"], person)


async def dry_run(means: Means, asked: Asked) -> Rehearsal:
    """Who would have got it."""
    account, said, now = asked.account.number, asked.body, means.clock.now()
    definition = said.definition or (await _known(means, asked)).definition
    since = now - duration(said.since, "since") if _AGO.fullmatch(said.since) else instant(said.since)
    if since is None:
        raise BadRequest("Write since as 30d or as an instant of RFC 3339.", field="since")
    if await means.journal.head() > MOST_REHEARSED:
        raise BadRequest(
            f"The journal holds more than {MOST_REHEARSED:,} events: use `heliograph automations dry-run`.",
            field="since",
        )
    with _of_the_definition():
        stage = Stage(means.directory, account, definition, since)
    return await rehearse(means.journal, stage, now)


@contextmanager
def _of_the_definition() -> Iterator[None]:
    """What is wrong stands in the body's `definition`, and the message says so too."""
    try:
        with below("definition"):
            yield
    except BadRequest as error:
        raise BadRequest(f"{error.field}: {error.message}", field=error.field) from error


async def _known(means: Means, asked: Asked) -> definitions.Automation:
    account, name = asked.account.number, asked.path["name"]
    rows = await means.read(lambda connection: definitions.automations(connection, account))
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        raise NotFound(f"There is no automation {name!r}.", field="name")
    return found


def _shown(row: definitions.Automation, counts: dict[str, dict[str, int]]) -> Automation:
    return Automation(
        name=row.name,
        id=row.id,
        version=row.version,
        definition=row.definition,
        runs=counts.get(row.name, {}),
    )


async def _recorded(means: Means, asked: Asked, data: Data) -> Recorded:
    subject = subjects.thing("automation", asked.path["name"])
    event: AnyEvent = codec.make(data, account=asked.account.number, subject=subject, now=means.clock.now())
    await means.journal.append([codec.encode(event)])
    return Recorded(event=event.id, at=iso(event.at))


RESOURCE = Resource(
    name="automations",
    description="What happens to people by what they do: definitions, versions, runs and their traces.",
    calls=(
        Call(
            method="GET",
            path="/automations",
            name="listAutomations",
            summary="All automations, with how many runs are in which state",
            handler=listed,
            answer=Automations,
        ),
        Call(
            method="GET",
            path="/automations/{name}",
            name="getAutomation",
            summary="One automation",
            handler=get,
            answer=Automation,
        ),
        Call(
            method="PUT",
            path="/automations/{name}",
            name="saveAutomation",
            summary="Save an automation's new version",
            handler=save,
            body=Definition,
            answer=Recorded,
            status=202,
        ),
        Call(
            method="DELETE",
            path="/automations/{name}",
            name="removeAutomation",
            summary="Let an automation take nobody in any more",
            handler=remove,
            answer=Recorded,
            status=202,
        ),
        Call(
            method="GET",
            path="/automations/{name}/runs",
            name="explainRuns",
            summary="Why a person did or did not get what an automation sends",
            handler=why,
            query=Who,
            answer=Explanation,
        ),
        Call(
            method="POST",
            path="/automations/{name}/dry-run",
            name="rehearseAutomation",
            summary="Who would have got it in the past; nothing is recorded",
            handler=dry_run,
            body=Past,
            answer=Rehearsal,
        ),
    ),
)
