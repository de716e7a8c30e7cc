"""For how long an open lasts: what every technique promises."""

from __future__ import annotations

import asyncio

import pytest
from mail_readers import MESSAGE, PERSON, MailReader, look, pixel, told

from heliograph.clock import SECOND
from heliograph.errors import JournalFull
from heliograph.events.event import derived_id
from heliograph.inbound.tracking.readtime.measuring import TECHNIQUES
from heliograph.inbound.tracking.readtime.watch import UNMEASURED
from heliograph.journal.memory import MemoryJournal
from heliograph.web.losses import LOST
from heliograph.web.visitors import PIXEL

every_technique = pytest.mark.parametrize("technique", [technique.name for technique in TECHNIQUES])


@every_technique
@pytest.mark.parametrize(
    ("stayed", "seconds", "category"),
    [
        (0.0, 0, "Glanced"),
        (1.999, 0, "Glanced"),
        (2.0, 2, "Skimmed"),
        (7.999, 6, "Skimmed"),
        (8.0, 8, "Read"),
        (13.5, 12, "Read"),
        (19.999, 18, "Read"),
    ],
)
async def test_an_open_lasts_until_the_reader_leaves(
    make_worker, journal, clock, technique, stayed, seconds, category
) -> None:
    """LIT-7, LIT-8: last contact - first contact, floored to even seconds."""
    reader = MailReader([make_worker().doors], pixel(technique))
    await look(reader, clock, stayed)
    (opened,) = await told(journal, "message.opened")
    (read,) = await told(journal)
    assert (read.data.seconds, read.data.category, read.data.technique) == (seconds, category, technique)
    assert (read.data.open, read.data.message, read.cause) == (opened.id, MESSAGE, opened.id)
    assert (read.account, read.subject) == (opened.account, f"person:{PERSON}")
    assert read.at - opened.at == pytest.approx(stayed * SECOND, abs=2)
    assert read.id == derived_id(opened.id, "message.read")
    assert opened.data.measured == technique


@every_technique
async def test_what_lasts_longer_is_told_as_twenty_seconds_and_the_picture_comes(
    make_worker, journal, clock, technique
) -> None:
    """LIT-7, LIT-9: final after 20 s and at most 5 s more, whoever goes on looking."""
    reader = MailReader([make_worker().doors], pixel(technique))
    await clock.settle()
    await clock.advance(19.9)
    assert not reader.has_all and await told(journal) == []
    await clock.advance(0.2)
    assert reader.has_all
    assert reader.picture.startswith(PIXEL[:-1]) and reader.picture.endswith(b";")
    (read,) = await told(journal)
    assert (read.data.seconds, read.data.category) == (20, "Read")
    await look(reader, clock, 30)
    assert len(await told(journal)) == 1


@every_technique
async def test_no_cache_may_keep_any_answer(make_worker, clock, technique) -> None:
    """LIT-6"""
    reader = MailReader([make_worker().doors], pixel(technique))
    await look(reader, clock, 2.5)
    assert reader.headers["cache-control"] == "no-store, no-cache, must-revalidate, private"
    assert reader.headers["pragma"] == "no-cache" and "1970" in reader.headers["expires"]


@every_technique
async def test_each_open_of_one_message_lasts_by_itself(make_worker, journal, clock, technique) -> None:
    """LIT-13"""
    doors = [make_worker().doors]
    first = MailReader(doors, pixel(technique))
    await look(first, clock, 4)
    second = MailReader(doors, pixel(technique))
    third = MailReader(doors, pixel(technique))
    await look(second, clock, 2)
    await look(third, clock, 7)
    reads = await told(journal)
    assert [read.data.seconds for read in reads] == [4, 2, 8]
    assert len({read.data.open for read in reads}) == 3


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "curl/8.5.0",
    ],
)
@every_technique
async def test_what_a_cache_or_a_program_fetched_is_answered_at_once_and_not_measured(
    make_worker, journal, clock, technique, agent
) -> None:
    """LIT-7: Apple's, Gmail's and Yahoo's caches; and what is nobody who reads."""
    reader = MailReader([make_worker().doors], pixel(technique), agent)
    await clock.settle()
    assert reader.has_all and reader.picture == PIXEL
    (opened,) = await told(journal, "message.opened")
    assert opened.data.measured == "" and await told(journal) == []


async def test_an_account_that_measures_nothing_has_opens_that_are_not_measured(
    make_worker, journal, clock
) -> None:
    reader = MailReader([make_worker().doors], pixel("off"))
    await clock.settle()
    (opened,) = await told(journal, "message.opened")
    assert reader.has_all and opened.data.measured == "" and await told(journal) == []


@every_technique
async def test_who_comes_when_too_many_are_held_is_answered_at_once_and_counted(
    make_worker, journal, clock, technique
) -> None:
    worker, before = make_worker(room=1), UNMEASURED._value.get()
    held = MailReader([worker.doors], pixel(technique))
    await clock.settle()
    await clock.advance(2.01)
    late = MailReader([worker.doors], pixel(technique))
    await clock.settle()
    assert late.has_all and late.picture == PIXEL and not held.has_all
    assert await told(journal) == []
    assert UNMEASURED._value.get() == before + 1
    await look(held, clock, 3)
    await look(MailReader([worker.doors], pixel(technique)), clock, 6)
    assert [read.data.seconds for read in await told(journal)] == [4, 6], "there is room again"


@every_technique
async def test_a_worker_that_stops_lets_everybody_go_and_tells_of_each(
    make_worker, journal, clock, technique
) -> None:
    worker = make_worker()
    early = MailReader([worker.doors], pixel(technique))
    await clock.settle()
    await clock.advance(5)
    late = MailReader([worker.doors], pixel(technique))
    await clock.settle()
    await clock.advance(3)
    worker.read_times.stop()
    await asyncio.wait_for(worker.read_times.close(), 60)
    assert sorted(read.data.seconds for read in await told(journal)) == [2, 8]
    assert all(reader.has_all and reader.picture.endswith(b";") for reader in (early, late))


@every_technique
async def test_the_picture_comes_though_its_read_time_cannot_be_recorded(
    make_worker, clock, technique
) -> None:
    class Forgetful(MemoryJournal):
        async def append_once(self, records):
            raise JournalFull("full")

    before = LOST.labels("message.read")._value.get()
    reader = MailReader([make_worker(journal=Forgetful()).doors], pixel(technique))
    await clock.settle()
    await clock.advance(21)
    assert reader.has_all and reader.picture.endswith(b";")
    assert LOST.labels("message.read")._value.get() == before + 1


@every_technique
async def test_an_open_that_cannot_be_recorded_is_not_held(make_worker, clock, technique) -> None:
    class Full(MemoryJournal):
        async def append(self, records):
            raise JournalFull("full")

    reader = MailReader([make_worker(journal=Full()).doors], pixel(technique))
    await clock.settle()
    assert reader.has_all and reader.picture == PIXEL


@every_technique
async def test_many_read_at_once_and_each_lasts_by_itself(make_worker, journal, clock, technique) -> None:
    worker = make_worker()
    readers = [MailReader([worker.doors], pixel(technique)) for _ in range(75)]
    for reader in readers:
        await look(reader, clock, 0.25)
    reads = await told(journal)
    assert [read.data.seconds for read in reads] == [place // 8 * 2 for place in range(1, 76)]
