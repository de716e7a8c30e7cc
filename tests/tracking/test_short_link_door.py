"""`/s/CODE`: the short links of texts and push messages."""

from __future__ import annotations

import pytest
from door_calls import Doors
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.clock import ManualClock
from heliograph.events import codec
from heliograph.events.messages import LinksShortened, ShortLink
from heliograph.inbound.tracking import short_links
from heliograph.inbound.tracking.short_links import Links
from heliograph.journal.consumer import Erased
from heliograph.journal.memory import MemoryJournal
from heliograph.react.state import short_links as state_of
from heliograph.readers import Readers
from heliograph.settings import Settings

MESSAGE = "018bcfe5-6800-7000-8000-00000000000a"
PERSON = "018bcfe5-6800-7000-8000-00000000000b"
URL = "https://shop.example/tea?a=1"


@pytest.fixture
def shortened(state: Engine, clock: ManualClock) -> Engine:
    links = (
        ShortLink(code="AbCdEf0123", url=URL),
        ShortLink(code="AbCdEf0124", url="shop://tea", name="Tea"),
    )
    with state.begin() as connection:
        for account, person, channel, codes in (
            ("000000000001", PERSON, "sms", links[:1]),
            ("000000000003", None, "push", links[1:]),
        ):
            data = LinksShortened(
                message=MESSAGE, channel=channel, person=person, aggregate=not person, links=codes
            )
            event = codec.make(data, account=account, subject=f"person:{PERSON}", now=clock.now())
            state_of.apply(connection, [event, event])
    return state


@pytest.fixture
def door(shortened: Engine, directory: Directory, journal: MemoryJournal, clock: ManualClock) -> Doors:
    settings = Settings(address_rate=3)
    return Doors(short_links.routes(directory, journal, shortened, clock, Readers(), settings))


async def test_a_tap_is_recorded_and_led_on(door: Doors, journal: MemoryJournal) -> None:
    reply = await door.ask("/s/AbCdEf0123", headers={"user-agent": "Phone"})
    assert (reply.status, dict(reply.headers)["location"]) == (302, URL)
    (entry,) = await journal.read(0)
    event = codec.decode(entry)
    assert (event.kind, event.account, event.subject) == ("link.clicked", "000000000001", f"person:{PERSON}")
    data = event.data
    assert (data.message, data.channel, data.url, data.link) == (MESSAGE, "sms", URL, 0)  # type: ignore[attr-defined]
    assert data.user_agent == "Phone" and data.ip == "203.0.113.77"  # type: ignore[attr-defined]


async def test_a_push_may_lead_into_an_app_and_many_are_counted_together(
    door: Doors, journal: MemoryJournal
) -> None:
    """STD-7: what must not be tied to anybody has neither a person nor an address."""
    reply = await door.ask("/s/AbCdEf0124")
    assert dict(reply.headers)["location"] == "shop://tea"
    event = codec.decode((await journal.read(0))[0])
    assert event.subject == f"message:{MESSAGE}"
    assert (event.data.channel, event.data.name, event.data.ip) == ("push", "Tea", "")  # type: ignore[attr-defined]


async def test_a_checker_is_led_on_and_not_recorded(door: Doors, journal: MemoryJournal) -> None:
    assert (await door.ask("/s/AbCdEf0123", method="HEAD")).status == 302
    assert (await door.ask("/s/AbCdEf0123", method="POST")).status == 405
    assert await journal.read(0) == []


@pytest.mark.parametrize(
    "path", ["/s/", "/s/AbCdEf0125", "/s/AbCdEf0123x", "/s/abcdef0123", "/s/../s/x", "/s/\udc80"]
)
async def test_an_unknown_link_is_a_plain_page(door: Doors, journal: MemoryJournal, path: str) -> None:
    reply = await door.ask(path)
    assert reply.status == 404 and b"not known here" in reply.body
    assert dict(reply.headers)["content-type"].startswith("text/html") and await journal.read(0) == []


async def test_who_tries_codes_is_slowed_down_and_who_has_one_is_not(door: Doors) -> None:
    statuses = [(await door.ask(f"/s/AbCdEf01{n}x")).status for n in range(10, 16)]
    assert statuses == [404, 404, 404, 429, 429, 429]
    assert (await door.ask("/s/AbCdEf0123")).status == 302


async def test_a_link_leads_on_though_nothing_can_be_recorded(
    shortened: Engine, directory: Directory, clock: ManualClock
) -> None:
    door = Doors(short_links.routes(directory, _Full(), shortened, clock, Readers(), Settings()))
    assert (await door.ask("/s/AbCdEf0123")).status == 302


async def test_an_erased_persons_links_lead_nowhere_soon(shortened: Engine, clock: ManualClock) -> None:
    """STD-7: a worker forgets within a minute."""
    links = Links(shortened, clock)
    assert await links.find("AbCdEf0123") is not None
    with shortened.begin() as connection:
        state_of.forget(connection, Erased("000000000001", PERSON, (f"person:{PERSON}",)))
    await clock.advance(Links.seconds + 1)
    assert await links.find("AbCdEf0123") is None
    assert await links.find("AbCdEf0124") is not None, "another's stays"


class _Full(MemoryJournal):
    async def append(self, records: object) -> None:  # type: ignore[override]
        raise OSError("full")
