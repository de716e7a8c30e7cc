"""`heliograph automations` and `segments`: what happens to people by what they do, and why it did or did not."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated

import msgspec
import typer

from heliograph.app import automations as flows
from heliograph.app import define
from heliograph.cli.options import AccountOption, Data, DefinitionFile, existing, for_operators, out, table
from heliograph.react.automations.rehearsal import Rehearsal
from heliograph.react.automations.why import Explanation

automations = typer.Typer(
    no_args_is_help=True,
    help="Apply, show and rehearse automations, and say why somebody got one or did not.",
)
ready = typer.Typer(no_args_is_help=True, help="Automations that are ready to use, with their templates.")
segments = typer.Typer(no_args_is_help=True, help="Apply, list and look into segments of people.")
automations.add_typer(ready, name="ready")

Name = Annotated[str, typer.Argument(help="What the automation is called.")]
ReadyName = Annotated[str, typer.Argument(help="As `heliograph automations ready list` shows it.")]
SegmentName = Annotated[str, typer.Argument(help="What the segment is called.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@automations.command("apply")
@for_operators
def apply(
    file: DefinitionFile,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Those who are under way go on with this version too.")
    ] = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Check an automation's YAML or JSON and save it as its new version, with the templates that the file brings."""
    _applied(asyncio.run(flows.apply(existing(data), account, file, migrate=migrate)))


@automations.command("list")
@for_operators
def list_all(data: Data = None, account: AccountOption = None) -> None:
    """All automations, with their version and trigger, and how many runs are in which state."""
    rows = table("id", "name", "version", "trigger", "runs")
    for row in flows.automations(existing(data), account):
        rows.add_row(*(str(cell) for cell in row))
    out.print(rows)


@automations.command("show")
@for_operators
def show(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """An automation's definition as JSON; `apply` and `dry-run` take it again."""
    typer.echo(json.dumps(flows.definition(existing(data), account, name), ensure_ascii=False, indent=2))


@automations.command("remove")
@for_operators
def remove(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Let an automation take nobody in any more."""
    asyncio.run(define.remove_automation(existing(data), account, name))
    out.print(f"The automation {name} is removed.")


@automations.command("why")
@for_operators
def why(
    name: Name,
    person: Annotated[str, typer.Argument(help="An e-mail address, phone (+...), customer number, or id.")],
    data: Data = None,
    account: AccountOption = None,
    as_json: Json = False,
) -> None:
    """Why did or didn't this person get it? Their runs, step by step, and what began none."""
    _explain(asyncio.run(flows.why(existing(data), account, name, person)), as_json=as_json)


@automations.command("dry-run")
@for_operators
def dry_run(
    file: DefinitionFile,
    since: Annotated[str, typer.Option(help="So long ago (30d) or since a date.")] = "30d",
    data: Data = None,
    account: AccountOption = None,
    as_json: Json = False,
) -> None:
    """Play the past again: who would have got it. Nothing is recorded and nobody is written to."""
    _rehearsed(asyncio.run(flows.dry_run(existing(data), account, file, since)), as_json=as_json)


@ready.command("list")
@for_operators
def list_ready() -> None:
    """The automations that come with Heliograph."""
    rows = table("name", "what it does", "templates")
    for one in flows.ready_made():
        rows.add_row(one.name, one.about, ", ".join(one.templates))
    out.print(rows)


@ready.command("use")
@for_operators
def use_ready(name: ReadyName, data: Data = None, account: AccountOption = None) -> None:
    """Save one of them, with those of its templates that are not there yet."""
    _applied(asyncio.run(flows.use(existing(data), account, name)))


@ready.command("show")
@for_operators
def show_ready(name: ReadyName) -> None:
    """Print its file, to change it before it is used."""
    typer.echo(flows.text_of(name))


@segments.command("apply")
@for_operators
def apply_segment(file: DefinitionFile, data: Data = None, account: AccountOption = None) -> None:
    """Check a segment's YAML or JSON (name, who) and save it."""
    name = asyncio.run(flows.apply_segment(existing(data), account, file))
    out.print(f"The segment {name} is saved.")


@segments.command("list")
@for_operators
def list_segments(data: Data = None, account: AccountOption = None) -> None:
    """All segments, with their conditions."""
    rows = table("name", "who")
    for one in flows.segments(existing(data), account):
        rows.add_row(one.name, msgspec.json.encode(one.who).decode())
    out.print(rows)


@segments.command("people")
@for_operators
def people_of(name: SegmentName, data: Data = None, account: AccountOption = None) -> None:
    """Print who is in a segment now, a line each: id and address."""
    for person in flows.members(existing(data), account, name):
        typer.echo(f"{person.id}\t{person.email or person.phone or ''}")


@segments.command("remove")
@for_operators
def remove_segment(name: SegmentName, data: Data = None, account: AccountOption = None) -> None:
    """Have a segment be there no more."""
    asyncio.run(flows.remove_segment(existing(data), account, name))
    out.print(f"The segment {name} is removed.")


def _applied(done: flows.Applied) -> None:
    out.print(f"The automation {done.name} is saved.")
    for template in done.templates:
        out.print(f"The template {template} is saved: make it yours.")
    for template in done.missing:
        out.print(
            f"Its template {template} is not there yet: save it with `heliograph templates save {template}`."
        )


def _explain(told: Explanation, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
        return
    out.print(told.answer)
    for run in told.runs:
        about = f" about {run.object}" if run.object else ""
        waits = f", waits in {run.waits_in} until {run.waits_until}" if run.waits_until else ""
        out.print(f"\nRun {run.id} of version {run.version}{about}: {run.state}{waits}")
        rows = table("at", "event", "says")
        for line in run.trace:
            rows.add_row(line.at, line.kind, line.says)
        out.print(rows)
    if told.not_entered:
        rows = table("at", "event", "began no run, because")
        for one in told.not_entered:
            rows.add_row(one.at, one.kind, one.why)
        out.print(rows)


def _rehearsed(told: Rehearsal, *, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(told), indent=2))
        return
    out.print(
        f"Since {told.since}: {told.events} events, {told.started} runs of {told.people} people, "
        f"{sum(told.messages.values())} messages."
    )
    rows = table("what", "which", "how many")
    for what in ("messages", "not_entered", "cancelled", "skipped"):
        for which, number in sorted(getattr(told, what).items(), key=lambda one: -one[1]):
            rows.add_row(what.replace("_", " "), which, str(number))
    out.print(rows)
    rows = table("began", "who", "about", "messages", "ended")
    for run in told.runs:
        got = ", ".join(f"{one.template} {one.at}" for one in run.messages)
        rows.add_row(run.began, run.email or run.person, run.object, got, run.ended)
    out.print(rows)
