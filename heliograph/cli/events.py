"""`heliograph tail`, `replay` and `parked`: looking at what happened, and at what could not be done."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from heliograph.app import rebuild
from heliograph.app.storage import reading
from heliograph.cli.options import Data, Kind, err, existing, for_operators, kinds_of, out, table
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.events.event import Entry
from heliograph.journal import parked as cases
from heliograph.journal.positions import Who
from heliograph.porting.tables import EVENTS, event
from heliograph.porting.writers import line
from heliograph.settings import Settings

parked = typer.Typer(no_args_is_help=True, help="What an act, a reaction or a fold could not handle.")

ConsumerKind = Annotated[str, typer.Argument(metavar="KIND", help="Of the consumer: act, reaction or fold.")]
Consumer = Annotated[str, typer.Argument(help="Its name, as `heliograph parked list` shows it.")]

PAGE = 2000


@for_operators
def tail(
    data: Data = None,
    kind: Kind = None,
    number: Annotated[
        int, typer.Option("--lines", "-n", help="How many recorded events to begin with.")
    ] = 10,
    follow: Annotated[bool, typer.Option(help="Go on with new ones until Ctrl-C.")] = True,
) -> None:
    """The latest events, then each new one as it is recorded."""
    try:
        asyncio.run(_tail(existing(data), kinds_of(kind), number, follow=follow))
    except KeyboardInterrupt:
        sys.exit(0)


@for_operators
def replay(
    fold: Annotated[str, typer.Argument(help="people, consent, commerce ...")], data: Data = None
) -> None:
    """Empty what a fold remembers and fold everything again. Folds only: nothing is sent or decided anew."""
    settings = existing(data)
    if rebuild.ask(settings, fold):
        out.print(
            f"The engine is running and was asked to replay {fold}; its lag at /metrics tells how far it is."
        )
        return
    with Progress(console=err, transient=True) as progress:
        bar = progress.add_task(f"replaying {fold}", total=None)
        applied = asyncio.run(
            rebuild.replay(settings, fold, lambda at, head: progress.update(bar, completed=at, total=head))
        )
    out.print(f"{fold} was folded again from {applied} events.")


@parked.command("list")
@for_operators
def list_parked(
    data: Data = None, consumer: Annotated[str | None, typer.Option(help="Only of this name.")] = None
) -> None:
    """The latest cases, and why they were given up."""
    rows = table("kind", "consumer", "place", "event", "attempts", "since", "why")
    with open_state(Path(existing(data).data), read_only=True).connect() as connection:
        for row in cases.find(connection, name=consumer):
            who, seq, event, _ = row.case
            since, why = iso(row.parked_at), _last_line(row.why)
            rows.add_row(who.consumer, who.name, str(seq), event, str(row.attempts), since, why)
    out.print(rows)


@parked.command("waiting")
@for_operators
def list_waiting(
    data: Data = None, consumer: Annotated[str | None, typer.Option(help="Only of this name.")] = None
) -> None:
    """What is to be tried again, when, and why it did not work."""
    rows = table("kind", "consumer", "place", "event", "attempts", "due", "why")
    with open_state(Path(existing(data).data), read_only=True).connect() as connection:
        for row in cases.put_off_cases(connection, name=consumer):
            who, seq, event, _ = row.case
            rows.add_row(
                who.consumer, who.name, str(seq), event, str(row.attempt), iso(row.due), _last_line(row.why)
            )
    out.print(rows)


@parked.command("show")
@for_operators
def show_parked(
    kind: ConsumerKind,
    consumer: Consumer,
    place: Annotated[int, typer.Argument(help="Of the journal.")],
    data: Data = None,
) -> None:
    """One case whole: the reason and the event."""
    settings = existing(data)
    with open_state(Path(settings.data), read_only=True).connect() as connection:
        found = cases.look(connection, Who(kind, consumer), place)
    if found is None:
        raise OperatorError(_none(kind, consumer, place))
    out.print(found.why, highlight=False)
    asyncio.run(_show(settings, place))


@parked.command("retry")
@for_operators
def retry_parked(
    kind: ConsumerKind,
    consumer: Consumer,
    place: Annotated[int | None, typer.Argument(help="Default: all.")] = None,
    data: Data = None,
) -> None:
    """Put a case back, or all of a consumer, with its whole schedule before it."""
    with open_state(Path(existing(data).data)).begin() as connection:
        number = cases.retry(connection, Who(kind, consumer), place, now=SystemClock().now())
    if number:
        out.print(f"{number} put back; the engine takes them up within seconds.")
    else:
        out.print(_none(kind, consumer, place))


@parked.command("drop")
@for_operators
def drop_parked(
    kind: ConsumerKind,
    consumer: Consumer,
    place: Annotated[int | None, typer.Argument(help="Default: all.")] = None,
    data: Data = None,
) -> None:
    """Forget a case, or all of a consumer."""
    with open_state(Path(existing(data).data)).begin() as connection:
        number = cases.drop(connection, Who(kind, consumer), place)
    out.print(f"{number} dropped." if number else _none(kind, consumer, place))


def _none(kind: str, consumer: str, place: int | None) -> str:
    where = "" if place is None else f" at {place}"
    return f"Nothing of {kind} {consumer} is parked{where}; `heliograph parked list` shows what is."


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


async def _entries(
    settings: Settings, kinds: frozenset[str] | None, after: int, *, follow: bool
) -> AsyncIterator[Entry]:
    async with reading(settings) as journal:
        while True:
            head = await journal.head()
            entries = await journal.read(after, kinds=kinds, limit=PAGE)
            for entry in entries:
                yield entry
            after = entries[-1].seq if len(entries) == PAGE else max(after, head)
            if len(entries) < PAGE and not follow:
                return
            if len(entries) < PAGE:
                await journal.wait(after, 1.0)


async def _write(settings: Settings, kinds: frozenset[str] | None, after: int, *, follow: bool) -> None:
    async for entry in _entries(settings, kinds, after, follow=follow):
        sys.stdout.buffer.write(line(EVENTS, event(entry)))
        if follow:
            sys.stdout.buffer.flush()
    sys.stdout.buffer.flush()


async def _tail(settings: Settings, kinds: frozenset[str] | None, number: int, *, follow: bool) -> None:
    async with reading(settings) as journal:
        head = await journal.head()
    await _write(settings, kinds, max(0, head - number), follow=follow)


async def _show(settings: Settings, place: int) -> None:
    async with reading(settings) as journal:
        for entry in await journal.read(place - 1, limit=1):
            out.print_json(line(EVENTS, event(entry)).decode())
