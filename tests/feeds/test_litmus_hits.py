"""The Litmus feed: the document's message from our events, told once, with its own rules about campaigns."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from feed_world import ACCOUNT, NOW, OTHER, event
from sqlalchemy import Engine

from heliograph.clock import SECOND, ManualClock
from heliograph.events import codec
from heliograph.events.definitions import (
    CampaignCreated,
    CampaignSubscribed,
    CampaignUnsubscribed,
    FeedSaved,
)
from heliograph.events.engagement import (
    MessageForwarded,
    MessageOpened,
    MessagePrinted,
    MessageRead,
    ReaderJudged,
)
from heliograph.events.event import AnyEvent, Event
from heliograph.events.messages import Campaign, MessageRequested
from heliograph.events.topics import TopicDeleted, TopicPublished
from heliograph.journal import parked
from heliograph.journal.loops import Loops
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_acts
from heliograph.privacy import sweeping
from heliograph.react.state import visits
from heliograph.react.state.folds import FOLDS

SEED = (
    r'{"activity_type":"Read","campaign_guid":"89r4i3l4","reliability_category":"Reliable",'
    r'"custom_id":"[CONTACT-ID]","custom_data":"","custom_type":"","city":"","region":"","country":"",'
    r'"referrer":"","user_agent":"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 '
    r'(KHTML, like Gecko)","created_at":"2022-01-10T19:13:35","mail_client":"Apple Mail",'
    r'"mail_client_specific":"Apple Mail 13 Light Mode","rendering_engine":"Webkit","platform":"desktop",'
    r'"read_category":"Read","read_seconds":12}'
)
"""S0:L52, the string in `Message`, its escapes undone."""

AT = 1_641_842_015 * SECOND  # 2022-01-10T19:13:35Z
GUID = "89r4i3l4"
AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1.15 (KHTML, like Gecko)"
OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; Microsoft Outlook 14.0.7113)"


class Told:
    """Feeds of one account on a clock turned by hand, and what they published."""

    def __init__(self, loops: Loops, journal: MemoryJournal, means: Means, state: Engine) -> None:
        self.loops, self.journal, self.means, self.state = loops, journal, means, state
        self.clock: ManualClock = means.clock  # type: ignore[assignment]

    async def happen(self, *events: AnyEvent) -> None:
        await self.journal.append([codec.encode(one) for one in events])
        async with asyncio.timeout(60):
            await self.loops.caught_up()

    async def feed(self, endpoint: str = "sns:ea", account: str = ACCOUNT, **options: Any) -> None:
        saved = FeedSaved(name="litmus", dialect="litmus", endpoint=endpoint, options=options)
        await self.happen(event(saved, account=account, at=AT - SECOND))
        self.loops.set_acts(feed_acts(self.means))

    async def published(self) -> list[Event[TopicPublished]]:
        entries = await self.journal.read(0, kinds=frozenset((TopicPublished.kind,)))
        return [codec.decode(entry) for entry in entries]  # type: ignore[misc]

    async def hits(self) -> list[dict[str, Any]]:
        return [json.loads(one.data.body) for one in await self.published()]


@pytest.fixture
async def told(state: Engine, clock: ManualClock, means: Means) -> AsyncIterator[Told]:
    journal = means.journal
    loops = Loops(journal=journal, engine=state, clock=clock, folds=FOLDS, reactions=())
    running = asyncio.create_task(loops.run())
    yield Told(loops, journal, means, state)
    await loops.stop(grace=0)
    await running


def opened(**fields: Any) -> Event[Any]:
    return event(
        MessageOpened(campaign=GUID, custom_id="[CONTACT-ID]", user_agent=AGENT, mode="light", **fields),
        at=AT,
    )


def judged(open_: AnyEvent, *, reliable: bool = True) -> Event[Any]:
    verdict = ReaderJudged(
        event=open_.id,
        reader="human",
        reason="r",
        reliable=reliable,
        mail_client="Apple Mail",
        mail_client_specific="Apple Mail 13 Light Mode",
        rendering_engine="Webkit",
        platform="desktop",
    )
    return event(verdict, at=AT)


def read(open_: AnyEvent, seconds: int = 12, category: Any = "Read", **fields: Any) -> Event[Any]:
    of = {"campaign": GUID} | fields
    return event(MessageRead(open=open_.id, seconds=seconds, category=category, **of), at=AT + 20 * SECOND)


async def test_the_documents_message_is_what_its_event_is_told_as(told: Told) -> None:
    """LIT-9, LIT-10: byte for byte the seed's, from an open that was judged and then measured."""
    await told.feed()
    open_ = opened()
    await told.happen(open_, judged(open_))
    assert await told.published() == []
    await told.happen(read(open_))
    (published,) = await told.published()
    assert published.data.body == SEED
    assert published.data.topic == "ea" and published.data.message_id == open_.id
    assert published.subject == open_.subject and published.account == ACCOUNT


async def test_an_open_is_told_once_however_often_its_event_is_seen(told: Told) -> None:
    """LIT-9: the engine was killed behind the publication and before its cursor was written."""
    await told.feed()
    open_ = opened()
    await told.happen(open_, read(open_))
    acts = feed_acts(told.means)
    entries = await told.journal.read(0, kinds=frozenset((MessageRead.kind,)))
    await acts[0].perform(codec.decode(entries[0]), 1)
    assert len(await told.published()) == 1


async def test_prints_and_forwards_are_told_at_once_with_the_reader_judged_then(told: Told) -> None:
    """LIT-9, and no read time."""
    await told.feed()
    visit: dict[str, Any] = {"campaign": GUID, "custom_id": "7", "custom_type": "t", "user_agent": OUTLOOK}
    await told.happen(event(MessagePrinted(**visit), at=AT), event(MessageForwarded(**visit), at=AT))
    printed, forwarded = await told.hits()
    assert (printed["activity_type"], forwarded["activity_type"]) == ("Print", "Forward")
    assert printed["mail_client"] == "Outlook" and printed["platform"] == "desktop"
    assert (printed["read_category"], printed["read_seconds"]) == ("", 0)
    assert printed | {"activity_type": ""} == forwarded | {"activity_type": ""}
    assert list(printed) == list(json.loads(SEED))
    first, second = await told.published()
    assert first.data.message_id == first.cause and second.data.message_id == second.cause


async def test_an_unreliable_open_says_so_and_one_that_was_not_judged_is_judged_now(told: Told) -> None:
    await told.feed()
    unreliable, late = opened(), opened()
    await told.happen(unreliable, judged(unreliable, reliable=False), late)
    await told.happen(read(unreliable, -1, "Not Supported"), read(late))
    first, second = await told.hits()
    assert first["reliability_category"] == "Unreliable" and first["read_seconds"] == -1
    assert second["mail_client"].startswith("Apple") and second["user_agent"] == AGENT


async def test_no_address_of_any_kind_is_told(told: Told) -> None:
    """LIT-10: neither the visitor's nor the recipient's, from a mail of our own; its campaign's number is the GUID."""
    await told.feed()
    wish = event(
        MessageRequested(
            address="john@doe.com",
            template="t",
            person="p1",
            campaign=Campaign(id=12, name="Cart", group="g"),
        )
    )
    open_ = event(MessageOpened(message=wish.id, ip="203.0.113.9", user_agent=AGENT), at=AT)
    await told.happen(wish, open_, read(open_, message=wish.id, campaign=None))
    (published,) = await told.published()
    assert "john" not in published.data.body and "203.0.113.9" not in published.data.body
    (hit,) = await told.hits()
    assert (hit["campaign_guid"], hit["custom_id"]) == ("00000012", "p1")
    assert (hit["city"], hit["region"], hit["country"]) == ("", "", "")
    assert published.data.born is None


async def test_mails_of_our_own_can_be_left_out(told: Told) -> None:
    await told.feed(own=False)
    open_ = event(MessageOpened(message="m"), at=AT)
    await told.happen(open_, read(open_, message="m", campaign=None))
    assert await told.published() == []


async def test_a_hit_says_when_its_campaign_was_made(told: Told) -> None:
    """LIT-16: whoever confirmed later is left out by the topic; `all` leaves nobody out."""
    await told.feed()
    created = event(CampaignCreated(guid=GUID), at=NOW - SECOND)
    open_ = opened()
    await told.happen(created, open_, read(open_))
    await told.feed(campaigns="all")
    other = opened()
    await told.happen(other, read(other))
    first, second = await told.published()
    assert (first.data.born, second.data.born) == (NOW - SECOND, None)


async def test_a_partners_feed_tells_of_what_was_subscribed(told: Told) -> None:
    """LIT-16: and of nothing else, an unknown campaign and another account's among it."""
    await told.feed(campaigns="subscribed")
    await told.happen(
        event(CampaignCreated(guid=GUID)), event(CampaignCreated(guid="ekpz8q6s"), account=OTHER)
    )
    wanted = []

    async def hit(guid: str) -> None:
        open_ = opened()
        await told.happen(open_, read(open_, campaign=guid))
        wanted.append(len(await told.published()))

    await hit(GUID)
    await told.happen(
        event(CampaignSubscribed(guid=GUID)),
        event(CampaignSubscribed(guid="ekpz8q6s")),
        event(CampaignSubscribed(guid="ekpz8q6s"), account=OTHER),
    )
    await hit(GUID)
    await hit("ekpz8q6s")
    await hit("00000000")
    await told.happen(event(CampaignUnsubscribed(guid=GUID)))
    await hit(GUID)
    assert wanted == [0, 1, 1, 1, 1]


async def test_accounts_feed_topics_of_their_own(told: Told) -> None:
    """LIT-17"""
    await told.feed()
    await told.feed(account=OTHER)
    open_ = event(MessageOpened(campaign=GUID), at=AT, account=OTHER)
    await told.happen(open_, event(MessageRead(open=open_.id, seconds=2, category="Skimmed"), account=OTHER))
    (published,) = await told.published()
    assert published.account == OTHER


async def test_an_open_that_state_knows_no_more_is_told_without_its_reader(told: Told) -> None:
    """It was erased with its person, or is a week old; how long it lasted says nothing of anybody."""
    await told.feed()
    await told.happen(read(opened()))
    (hit,) = await told.hits()
    assert hit["custom_id"] == hit["user_agent"] == "" and hit["read_seconds"] == 12


def known_of(told: Told, event: str) -> visits.Opened | None:
    """What state knows of an open."""
    with told.means.reading.look() as connection:
        return visits.opened(connection, ACCOUNT, event)


async def test_an_erased_open_is_gone_from_state(told: Told) -> None:
    """As erasures find it: by the event's id."""
    open_ = opened()
    await told.happen(open_)
    assert known_of(told, open_.id) is not None
    with told.state.begin() as connection:
        sweeping.drop_events(connection, sweeping.tables(connection), [open_.id])
    assert known_of(told, open_.id) is None


async def test_a_feed_whose_topic_was_deleted_says_so(told: Told) -> None:
    await told.feed()
    open_ = opened()
    await told.happen(event(TopicDeleted(topic="ea"), at=told.clock.now()), open_, read(open_))
    assert await told.published() == []
    with told.means.reading.look() as connection:
        assert "deleted" in parked.find(connection)[0].why
