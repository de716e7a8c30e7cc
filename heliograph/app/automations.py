"""Automations and segments for the command line: explaining, dry runs, what is ready to use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from heliograph.accounts.directory import load_directory
from heliograph.app import define, templates
from heliograph.app.accounts import account_number
from heliograph.app.person import meant
from heliograph.app.storage import reading
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import BadRequest, NotFound, OperatorError
from heliograph.events.commerce import instant
from heliograph.events.definitions import (
    AutomationSaved,
    SegmentRemoved,
    SegmentSaved,
    TemplateSaved,
)
from heliograph.react.automations import runs, text
from heliograph.react.automations.definition import in_file, parse, read_file
from heliograph.react.automations.durations import duration
from heliograph.react.automations.ready_made import ReadyMade, all_ready, file_of, load
from heliograph.react.automations.rehearsal import Rehearsal, Stage, rehearse
from heliograph.react.automations.steps import Send
from heliograph.react.automations.why import Explanation, explain
from heliograph.react.automations.written import WrittenSegment, convert
from heliograph.react.state import definitions, people
from heliograph.react.state import segments as known
from heliograph.react.state.facts import members as members_of
from heliograph.react.state.people import Person
from heliograph.settings import Settings

PAGE = 500


class Applied(NamedTuple):
    """An automation that was saved, the templates that were saved with it, and those that it sends and nobody has saved."""

    name: str
    templates: list[str]
    missing: list[str]


_AGO = re.compile(r"\d+(?:\.\d+)?[smhdw]", re.ASCII)


def automations(settings: Settings, account: str | None) -> list[tuple[Any, ...]]:
    """Id, name, version, trigger and runs of every automation."""
    state = open_state(Path(settings.data), read_only=True)
    number = account_number(state, account)
    with state.connect() as connection:
        counts = runs.counts(connection, number)
        return [
            (
                row.id,
                row.name,
                row.version,
                _words(row.definition["trigger"]["kind"]),
                ", ".join(f"{count} {name}" for name, count in sorted(counts.get(row.name, {}).items())),
            )
            for row in definitions.automations(connection, number)
        ]


def definition(settings: Settings, account: str | None, name: str) -> dict[str, Any]:
    """An automation as it was saved last. Raises `OperatorError`."""
    state = open_state(Path(settings.data), read_only=True)
    number = account_number(state, account)
    with state.connect() as connection:
        saved = {row.name: row.definition for row in definitions.automations(connection, number)}
    if name not in saved:
        raise OperatorError(
            f"there is no automation {name}: {', '.join(sorted(saved)) or 'there is none at all'}"
        )
    return saved[name]


async def why(settings: Settings, account: str | None, name: str, who: str) -> Explanation:
    """Why a person did or did not get it. Raises `OperatorError`."""
    state = open_state(Path(settings.data), read_only=True)
    number, person = meant(state, account, who)
    async with reading(settings) as journal:
        try:
            return await explain(journal, state, load_directory(state), number, name, person)
        except NotFound as error:
            raise OperatorError(error.message) from error


async def dry_run(settings: Settings, account: str | None, file: Path, since: str) -> Rehearsal:
    """Who would have got it since then. Raises `OperatorError`."""
    state, now = open_state(Path(settings.data), read_only=True), SystemClock().now()
    number = account_number(state, account)
    try:
        begins = now - duration(since, "--since") if _AGO.fullmatch(since) else instant(since)
        if begins is None:
            raise OperatorError(f"--since: {since} is neither 30d nor a date such as 2026-01-31")
        stage = Stage(load_directory(state), number, read_file(file), begins)
    except BadRequest as error:
        raise in_file(file, error) from error
    async with reading(settings) as journal:
        return await rehearse(journal, stage, now)


def ready_made() -> list[ReadyMade]:
    """What comes with Heliograph."""
    return all_ready()


def text_of(name: str) -> str:
    """The file of one of them."""
    return file_of(name).read_text(encoding="utf-8")


async def apply(settings: Settings, account: str | None, file: Path, *, migrate: bool = False) -> Applied:
    """Check a YAML or JSON file and save its automation, and the templates that it brings. Raises `OperatorError` with path
    and line. `migrate`: those who are under way go on with the new version."""
    saved, brought = load(file, migrate=migrate)
    return await _save(settings, account, saved, brought)


async def use(settings: Settings, account: str | None, name: str) -> Applied:
    """Save one of those that are ready, and those of its templates that are not there yet."""
    saved, brought = load(file_of(name))
    there = {row[0] for row in templates.listed(settings, account)}
    missing = {template: parts for template, parts in brought.items() if template not in there}
    return await _save(settings, account, saved, missing)


async def _save(
    settings: Settings, account: str | None, saved: AutomationSaved, brought: dict[str, dict[str, str]]
) -> Applied:
    there = {row[0] for row in templates.listed(settings, account)}
    for template, parts in brought.items():
        made = TemplateSaved(name=template, parts=parts, by=saved.by)
        await define.record(settings, account, "template", template, made)
    await define.record(settings, account, "automation", saved.name, saved)
    sends = {step.do.template for step in parse(saved.definition).steps if isinstance(step.do, Send)}
    return Applied(saved.name, list(brought), sorted(sends - there - brought.keys()))


async def apply_segment(settings: Settings, account: str | None, file: Path) -> str:
    """Check a segment's file and save it; returns its name. Raises `OperatorError` by path."""
    written = read_file(file)
    try:
        said = text.read(written)
        with text.placed(written):
            segment = convert(said, WrittenSegment)
            known.check(segment.name, segment.who)
    except BadRequest as error:
        raise in_file(file, error) from error
    saved = SegmentSaved(name=segment.name, who=segment.who, by="command line")
    await define.record(settings, account, "segment", segment.name, saved)
    return segment.name


async def remove_segment(settings: Settings, account: str | None, name: str) -> None:
    """A segment is not there any more."""
    if name not in {one.name for one in segments(settings, account)}:
        raise OperatorError(f"there is no segment {name}")
    await define.record(settings, account, "segment", name, SegmentRemoved(name=name, by="command line"))


def segments(settings: Settings, account: str | None) -> list[known.Segment]:
    """Every segment."""
    state = open_state(Path(settings.data), read_only=True)
    with state.connect() as connection:
        return known.all_of(connection, account_number(state, account))


def members(settings: Settings, account: str | None, name: str) -> Iterator[Person]:
    """Who is in a segment now. Raises `OperatorError`."""
    state, now = open_state(Path(settings.data), read_only=True), SystemClock().now()
    number = account_number(state, account)
    with state.connect() as connection:
        if known.find(connection, number, name) is None:
            raise OperatorError(f"there is no segment {name}")
        after = ""
        while page := people.page(connection, number, after=after, limit=PAGE):
            yield from members_of(connection, number, name, now, iter(page))
            after = page[-1].id


def _words(kinds: str | list[str]) -> str:
    return kinds if isinstance(kinds, str) else " ".join(kinds)
