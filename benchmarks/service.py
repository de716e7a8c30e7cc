"""A day of 100,000 opens through `AccountActivity`, against the same items told one by one as a feed tells them."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import Engine

from benchmarks.report import Row
from heliograph import webservice
from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.clock import SECOND, SystemClock
from heliograph.database import METADATA, Reading, open_state
from heliograph.egress import Egress
from heliograph.events import codec
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested
from heliograph.journal.sqlite import SqliteJournal
from heliograph.outbound.feeds.dialects.messagegears import SCHEMA_DIALECT, SchemaOptions
from heliograph.outbound.feeds.surroundings import surroundings
from heliograph.react.state import messages
from heliograph.readers import Readers
from heliograph.settings import Settings
from heliograph.webservice.activities import account_activity
from heliograph.webservice.call import Asked

DAY = 1_767_225_600 * SECOND  # 2026-01-01
OPENS, MESSAGES, ONE_BY_ONE = 100_000, 20_000, 3_000
BATCH = 5_000
PROGRAM = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"


def a_day(scratch: Path) -> list[Row]:
    """Items a second of one core, and by how much the process grows."""
    data = scratch / "service"
    data.mkdir()
    return asyncio.run(_measured(data))


async def _measured(data: Path) -> list[Row]:
    state = open_state(data)
    METADATA.create_all(state)
    made = keys.first_start(state, data, "http://x.example", DAY)
    assert made is not None
    journal = await SqliteJournal.open(data)
    account = made["account"]
    opens = await _filled(journal, state, account)
    directory = load_directory(state)
    means = webservice.Means(
        journal=journal,
        state=state,
        directory=directory,
        clock=SystemClock(),
        egress=Egress(Settings()),
        base="http://x.example",
    )
    whose = directory.accounts[account]
    fields = {"ActivityType": "OPENS", "ActivityDate": "2026-01-01"}
    rows = []
    single = _one_by_one(state, opens[:ONE_BY_ONE])
    for name, more in (("streamed", {}), ("as a zip archive", {"UseCompression": "TRUE"})):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        answer = await account_activity(means, Asked(whose, fields | more, "t00126-x", "bench"))
        size = await _drained(answer.chunks)
        rate = OPENS / (time.process_time() - began)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        rows.append(
            Row(
                f"a day of {OPENS:,} opens, {name}",
                f"{rate:,.0f} items per CPU-s; {size / 1e6:.1f} MB, {grown:.0f} MB more memory",
                "one by one",
                rate / single,
            )
        )
    await journal.close()
    state.dispose()
    return rows


async def _filled(journal: SqliteJournal, state: Engine, account: str) -> list[AnyEvent]:
    wanted = [
        codec.make(
            MessageRequested(address=f"u{n}@x.example", template="t", correlation_id="job"),
            account=account,
            subject=f"email:u{n}@x.example",
            now=DAY + n,
        )
        for n in range(MESSAGES)
    ]
    opens: list[AnyEvent] = [
        codec.make(
            MessageOpened(message=wanted[n % MESSAGES].id, ip="192.0.2.1", user_agent=PROGRAM),
            account=account,
            subject=f"message:{wanted[n % MESSAGES].id}",
            now=DAY + MESSAGES + n,
        )
        for n in range(OPENS)
    ]
    for start in range(0, MESSAGES, BATCH):
        batch = wanted[start : start + BATCH]
        await journal.append([codec.encode(event) for event in batch])
        with state.begin() as connection:
            messages.apply(connection, batch)
    for start in range(0, OPENS, BATCH):
        await journal.append([codec.encode(event) for event in opens[start : start + BATCH]])
    return opens


def _one_by_one(state: Engine, opens: list[AnyEvent]) -> float:
    """As `feeds.push` does it for each delivery, without the delivery: items per CPU-second."""
    options, readers, reading = SchemaOptions(), Readers(), Reading(state)
    began = time.process_time()
    for event in opens:
        with reading.look() as connection:
            (context,) = surroundings(connection, [event], options, readers)
        assert SCHEMA_DIALECT.render(event, context)
    return len(opens) / (time.process_time() - began)


async def _drained(chunks: AsyncIterator[bytes]) -> int:
    return sum([len(chunk) async for chunk in chunks])
