"""`heliograph oddities`: what senders write otherwise than the document has it, how often, and what is made of it.

Lenient accounts take nearly everything (RM-6) and keep notes with each event; this counts equal notes of equal
senders, so that a plug-in's habits are a few lines.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
import typer

from heliograph.app.storage import reading
from heliograph.cli.options import Data, existing, for_operators, out, table
from heliograph.events.event import Entry
from heliograph.settings import Settings

PAGE = 2000
MARK = b'"notes":['


class Habit(NamedTuple):
    """Something that one kind of sender does."""

    platform: str
    type: str
    note: str


class Tally:
    """The habits seen so far, and the latest event of each."""

    def __init__(self) -> None:
        self.times: Counter[Habit] = Counter()
        self.latest: dict[Habit, str] = {}

    def add(self, entries: Iterable[Entry]) -> None:
        """Count the notes of these."""
        for entry in entries:
            if MARK not in entry.data:
                continue
            try:
                noted = _decode(entry.data)
            except msgspec.MsgspecError:
                continue  # somebody's own event, with notes of another kind
            for note in noted.notes:
                habit = Habit(noted.said.platform, noted.said.type, note)
                self.times[habit] += 1
                self.latest[habit] = entry.id


class _Sender(msgspec.Struct):
    type: str = ""
    platform: str = ""


class _Noted(msgspec.Struct):
    notes: list[str] = []
    said: _Sender = msgspec.field(default_factory=_Sender)


_decode = msgspec.json.Decoder(_Noted).decode


@for_operators
def oddities(
    data: Data = None,
    last: Annotated[int, typer.Option(help="How many of the latest events to look at.")] = 100_000,
) -> None:
    """What senders do otherwise than the document has it, the most frequent first."""
    tally = asyncio.run(_tally(existing(data), last))
    rows = table("times", "platform", "type", "note", "latest event")
    for habit, times in tally.times.most_common():
        rows.add_row(str(times), *habit, tally.latest[habit])
    out.print(rows)


async def _tally(settings: Settings, last: int) -> Tally:
    tally = Tally()
    async with reading(settings) as journal:
        head = await journal.head()
        after = max(0, head - last)
        while after < head:
            entries = await journal.read(after, limit=PAGE)
            if not entries:
                break
            tally.add(entries)
            after = entries[-1].seq
    return tally
