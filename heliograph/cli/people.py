"""`heliograph people`: what is done about one person."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.text import Text

from heliograph.app import person
from heliograph.app.erase import erase
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table

people = typer.Typer(no_args_is_help=True, help="Show, export, erase, merge people on request.")

Who = Annotated[str, typer.Argument(help="An e-mail address, phone (+...), customer number, or id of ours.")]
TELLING = (
    *("name", "template", "automation", "job", "subject", "url", "campaign", "seconds", "category", "reader"),
    *("bounce_class", "reason", "type", "how", "address", "message"),
)
"""Fields of events that are shown in a line."""

GIST_LIMIT = 160

Into = Annotated[Path | None, typer.Option("--output", "-o", help="A file; default: printed.")]


@people.command("export")
@for_operators
def export_person(who: Who, data: Data = None, account: AccountOption = None, output: Into = None) -> None:
    """Print everything that is known of this person, as JSON."""
    _show(asyncio.run(person.export(existing(data), account, who)), output)


@people.command("consent")
@for_operators
def show_consent(who: Who, data: Data = None, account: AccountOption = None, output: Into = None) -> None:
    """Print what this person said about marketing and tracking, when and from where: the proof of consent."""
    _show(person.consent(existing(data), account, who), output)


@people.command("erase")
@for_operators
def erase_person(who: Who, data: Data = None, account: AccountOption = None) -> None:
    """Remove everything recorded about this person; a keyed hash stays, so that they are not mailed."""
    done = asyncio.run(erase(existing(data), account, who))
    out.print(
        f"Erased: {done.events} events were redacted, {done.mentions} that mentioned them got a pseudonym. "
        "The addresses stay suppressed, as keyed hashes."
    )


@people.command("merge")
@for_operators
def merge_people(
    who: Who,
    other: Annotated[str, typer.Argument(help="Who is the same person; named as WHO is.")],
    data: Data = None,
    account: AccountOption = None,
    because: Annotated[str, typer.Option(help="Why; kept with the event.")] = "",
) -> None:
    """Make OTHER and WHO one person, under WHO's id. It cannot be taken back."""
    stays = asyncio.run(person.merge(existing(data), account, who, other, because))
    out.print(f"Merged into {stays.id}.")


@people.command("show")
@for_operators
def show_person(who: Who, data: Data = None, account: AccountOption = None, output: Into = None) -> None:
    """Print who this person is, with every identity that they have or had, as JSON."""
    _show(person.show(existing(data), account, who), output)


@people.command("timeline")
@for_operators
def show_timeline(
    who: Who,
    data: Data = None,
    account: AccountOption = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many at most.")] = 50,
    before: Annotated[
        int | None, typer.Option(help="Go on where a page ended: its last line says how.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print whole events as JSON.")] = False,
) -> None:
    """What this person did and got, the newest first."""
    page = asyncio.run(person.timeline(existing(data), account, who, before=before, limit=limit))
    if as_json:
        _show(page, None)
        return
    rows = table("at", "kind", "what")
    for event in page.events:
        rows.add_row(
            event.at[:19].replace("T", " "), event.kind, Text(_gist(msgspec.json.decode(event.data)))
        )
    out.print(rows)
    if page.next is not None:
        out.print(f"There is more: --before {page.next}", highlight=False)


def _gist(data: dict[str, Any]) -> str:
    """What tells an event from others of its kind, in a line."""
    said = (
        f"{name} {data[name]}"
        for name in TELLING
        if isinstance(data.get(name), str | int) and data[name] != ""
    )
    return ", ".join(said)[:GIST_LIMIT]


def _show(what: object, output: Path | None) -> None:
    text = msgspec.json.format(msgspec.json.encode(what), indent=2)
    if output is None:
        typer.echo(text)
    else:
        output.touch(mode=0o600)
        output.write_bytes(text + b"\n")


@people.callback()
def _group() -> None:
    """What is done about one person."""
