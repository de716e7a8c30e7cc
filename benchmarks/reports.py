"""Reports: events per second through their fold into a state database on disk, how long a report takes to read, and a
page of one person's history."""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks import samples
from benchmarks.report import Row
from heliograph.app.part import calm_collector
from heliograph.database import METADATA, open_state
from heliograph.events import codec, subjects
from heliograph.events.engagement import LinkClicked, MessageOpened, MessageRead, ReaderJudged
from heliograph.events.event import Data, Record, new_id
from heliograph.events.messages import Campaign, MessageRequested, MessageSent
from heliograph.journal.sqlite import SqliteJournal
from heliograph.react.state.reports import asking
from heliograph.react.state.reports.asking import Subject
from heliograph.react.state.reports.counting import FOLD

ACCOUNT = "100000000001"
MESSAGES = 12_000
BATCH = 2_048
WAVE = 500
"""Messages that are sent before the first of them is opened."""
EVENTS, PORTION = 400_000, 5_000
REFERENCES = ("person:somebody", "email:somebody@mail.example", "customer:7")
CAMPAIGN = Campaign(id=1, name="Spring")
CLIENTS = (
    ("Apple Mail", "Via Apple's Image Cache Light Mode", "privacy_proxy", False),
    ("Gmail", "Gmail", "image_proxy", True),
    ("Outlook", "Outlook 2019", "human", True),
    ("Apple iPhone", "Apple iPhone", "human", True),
)
CATEGORIES: dict[int, Any] = {-1: "Not Supported", 2: "Skimmed", 8: "Read", 20: "Read"}


def through_reports(scratch: Path) -> list[Row]:
    """A campaign as the journal has it: each message wanted and sent, two in three opened, judged and read, one in six
    clicked and judged; decoding included."""
    records = _story(MESSAGES)
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        engine = open_state(Path(place))
        METADATA.create_all(engine)
        calm_collector()  # as the engine does
        start, cpu = time.perf_counter(), time.process_time()
        for first in range(0, len(records), BATCH):
            events = [codec.decode(record) for record in records[first : first + BATCH]]
            with engine.begin() as connection:
                FOLD.apply(connection, events)
        rate = len(records) / (time.perf_counter() - start)
        per_cpu = len(records) / (time.process_time() - cpu)
        row = _read(engine)
        engine.dispose()
    figure = f"{rate:,.0f} events/s, {per_cpu:,.0f} per CPU-s"
    return [
        Row(f"events through the fold of reports, batches of {BATCH:,}", figure, goal=20_000, value=per_cpu),
        row,
    ]


def _read(engine: Engine) -> Row:
    took = []
    with engine.connect() as connection:
        for _ in range(5):
            start = time.perf_counter()
            found = asking.whole(connection, Subject(ACCOUNT, "campaign", "1"))
            took.append(time.perf_counter() - start)
    figure = f"{min(took) * 1000:.1f} ms ({found.opens.total:,} opens)"
    return Row("one campaign's whole report", figure)


def _story(number: int) -> Sequence[Record]:
    story = _Story()
    for first in range(0, number, WAVE):
        wave = [story.send(place) for place in range(first, first + WAVE)]
        story.dice.shuffle(wave)
        for message, subject in wave:
            story.visit(message, subject)
    return story.records


class _Story:
    """Events as they come, a millisecond apart."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.dice = random.Random(7)  # noqa: S311 - a sample
        self._now = samples.NOW

    def send(self, place: int) -> tuple[str, str]:
        """A message that is wanted and sent: its id, and whose fact it is."""
        address, person = f"somebody{place}@mail.example", f"{place:036d}"
        subject = subjects.person(person)
        wanted = MessageRequested(address=address, template="spring", person=person, campaign=CAMPAIGN)
        message = self._tell(wanted, subject)
        self._tell(MessageSent(message=message, address=address), subject)
        return message, subject

    def visit(self, message: str, subject: str) -> None:
        """Two in three open it, one in four of them click."""
        draw = self.dice.random()
        client, version, reader, reliable = self.dice.choice(CLIENTS)
        verdict: dict[str, Any] = {
            "reader": reader,
            "reason": "user agent",
            "reliable": reliable,
            "mail_client": client,
        }
        if draw < 2 / 3:
            opened = self._tell(MessageOpened(message=message, user_agent=samples.AGENT), subject)
            self._tell(ReaderJudged(event=opened, mail_client_specific=version, **verdict), subject)
            seconds = self.dice.choice((2, 8, 20)) if reliable else -1
            category = CATEGORIES[seconds]
            self._tell(MessageRead(open=opened, message=message, seconds=seconds, category=category), subject)
        if draw < 1 / 6:
            link = self.dice.randrange(8)
            url = f"https://shop.example/products/{link}?utm_source=mail"
            clicked = self._tell(LinkClicked(message=message, url=url, link=link), subject)
            self._tell(ReaderJudged(event=clicked, **verdict), subject)

    def _tell(self, data: Data, subject: str) -> str:
        self._now += 1_000
        event = codec.make(data, account=ACCOUNT, subject=subject, now=self._now)
        self.records.append(codec.encode(event))
        return event.id


def timeline(scratch: Path) -> list[Row]:
    """A page of somebody with 100,000 events, in a journal of 400,000: the newest, and one from the middle."""
    return asyncio.run(_timeline(scratch))


async def _timeline(scratch: Path) -> list[Row]:
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        journal = await SqliteJournal.open(Path(place))
        for first in range(1, EVENTS, PORTION):
            await journal.append([_happened(number) for number in range(first, first + PORTION)])
        await journal.latest(REFERENCES, account=ACCOUNT)  # makes the index
        rows = []
        for name, before in (("newest", None), ("from the middle", EVENTS // 2)):
            took = []
            for _ in range(20):
                start = time.perf_counter()
                page = await journal.latest(REFERENCES, account=ACCOUNT, before=before, limit=100)
                took.append((time.perf_counter() - start) * 1000)
            what = f"100 of somebody's {EVENTS // 4:,} events, {name}"
            figure = f"{statistics.median(took):.1f} ms ({len(page)} events)"
            rows.append(Row(what, figure, goal=5, goal_is_most=True, value=statistics.median(took)))
        await journal.close()
    return rows


def _happened(number: int) -> Record:
    at = samples.NOW + number * 1_000
    subject = REFERENCES[0] if number % 4 == 0 else subjects.person(f"{number % 99_991:036d}")
    opened = b'{"message":"019a0000-0000-7000-8000-000000000000","user_agent":"Mozilla/5.0 (Macintosh)"}'
    return Record(new_id(at), ACCOUNT, MessageOpened.kind, subject, at, at, None, opened)
