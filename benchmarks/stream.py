"""A steady stream of events, appended to a running engine's journal by a process of its own.

    python -m benchmarks.stream DATA ACCOUNT RATE SECONDS

It records that mails were sent, prints `ready`, waits for a line, appends at this rate, and prints as JSON when each event
was answered, which is when it was on disk: `{kind: {id: seconds}}` by the machine's monotonic clock. Doors answer at
the same moment; appending leaves the cores to the engine that clients and a web worker would take.

Of ten events three say that a mail was sent, three that it was delivered, two that it was opened, one how long it was read
and one that a link was clicked.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import cycle

import uvloop

from heliograph.app.storage import remote
from heliograph.events import codec, subjects
from heliograph.events.engagement import LinkClicked, MessageOpened, MessageRead
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import Campaign, MessageDelivered, MessageRequested, MessageSent
from heliograph.journal.journal import Journal
from heliograph.settings import load as load_settings

AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAILS = 1_000
TICK = 0.005  # seconds between appends
CAMPAIGN = Campaign(id=13118, name="Abandoned cart")

Make = Callable[[str, str, str], Data]
"""From a mail's id, its address and the latest open's id."""


def _sent(mail: str, address: str, _: str) -> Data:
    return MessageSent(message=mail, address=address)


def _delivered(mail: str, address: str, _: str) -> Data:
    return MessageDelivered(message=mail, address=address)


def _opened(mail: str, _: str, __: str) -> Data:
    return MessageOpened(message=mail, user_agent=AGENT)


def _read(mail: str, _: str, opened: str) -> Data:
    return MessageRead(message=mail, open=opened, seconds=12, category="Read")


def _clicked(mail: str, _: str, __: str) -> Data:
    return LinkClicked(message=mail, user_agent=AGENT, url="https://shop.example/cloak", link=2)


LIFE: tuple[Make, ...] = (
    *(_sent, _delivered, _opened, _read),
    *(_sent, _delivered, _opened, _clicked),
    *(_sent, _delivered),
)


async def run(data: str, account: str, rate: float, seconds: float) -> None:
    """Prepare, wait for the word, append."""
    async with remote(load_settings({"data": data}, environ={})) as journal:
        mails = await _mails(journal, account)
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(await _told(journal, account, mails, rate, seconds)), flush=True)


async def _mails(journal: Journal, account: str) -> list[tuple[str, str]]:
    """Ids and addresses of mails that were sent."""
    now, made, events = time.time_ns() // 1000, [], []
    for number in range(MAILS):
        address = f"{number:08d}@stream.example"
        subject = subjects.email(address)
        wanted = codec.make(
            MessageRequested(address=address, template="bench", campaign=CAMPAIGN),
            account=account,
            subject=subject,
            now=now,
        )
        sent = codec.make(_sent(wanted.id, address, ""), account=account, subject=subject, now=now)
        events += [codec.encode(wanted), codec.encode(sent)]
        made.append((wanted.id, address))
    for first in range(0, len(events), 500):
        await journal.append(events[first : first + 500])
    return made


async def _told(
    journal: Journal, account: str, mails: Sequence[tuple[str, str]], rate: float, seconds: float
) -> dict[str, dict[str, float]]:
    """When each event was answered; a reading goes by the id of its open, as it is told."""
    answered: dict[str, dict[str, float]] = defaultdict(dict)

    async def append(events: Sequence[AnyEvent]) -> None:
        await journal.append([codec.encode(event) for event in events])
        now = time.monotonic()
        for event in events:
            answered[event.kind][event.data.open if isinstance(event.data, MessageRead) else event.id] = now

    turns, whose, opened = cycle(LIFE), cycle(mails), ""
    tasks, made, begun = [], 0, time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        events = []
        for make in (next(turns) for _ in range(int(passed * rate) - made)):
            mail, address = next(whose)
            event = codec.make(
                make(mail, address, opened),
                account=account,
                subject=subjects.email(address),
                now=time.time_ns() // 1000,
            )
            opened = event.id if make is _opened else opened
            events.append(event)
        made += len(events)
        if events:
            tasks.append(asyncio.create_task(append(events)))
        await asyncio.sleep(TICK)
    await asyncio.gather(*tasks)
    return answered


if __name__ == "__main__":
    uvloop.run(run(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
