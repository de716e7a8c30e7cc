"""Pixels of tracking codes: whose hit it is, what is recorded of it, and what is not."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Engine

from heliograph.clock import SECOND
from heliograph.database import METADATA, open_state
from heliograph.events import codec
from heliograph.events.definitions import (
    CampaignArchived,
    CampaignChanged,
    CampaignCreated,
    CampaignStarted,
    CampaignStopped,
)
from heliograph.events.engagement import (
    MessageForwarded,
    MessageOpened,
    MessagePrinted,
    MessageRead,
    MessageRendered,
)
from heliograph.inbound.tracking import codes as codes_module
from heliograph.inbound.tracking.codes import LOOKS, Codes
from heliograph.journal.memory import MemoryJournal
from heliograph.react.state import campaigns
from heliograph.refs import MessageRef
from heliograph.web.visitors import PIXEL

GUID = "89r4i3l4"
ACCOUNT = "000000000001"
AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36"


async def happen(journal, clock, data, account=ACCOUNT):
    event = codec.make(data, account=account, subject="campaign:x", now=clock.now())
    await journal.append([codec.encode(event)])
    return event


@pytest.fixture
async def hit(ask, journal, clock):
    """Asks the pixel of a campaign that was made just now; what the journal then has besides."""

    await happen(journal, clock, CampaignCreated(guid=GUID, custom_type="news", custom_data="blue"))

    async def load(query="", path=f"/v2/{GUID}", **request):
        before = await journal.head()
        reply = await ask(path, query=query, headers={"user-agent": AGENT}, **request)
        assert (reply.status, dict(reply.headers)["content-type"], reply.body) == (200, "image/gif", PIXEL)
        entries = await journal.read(before)
        return [event for event in map(codec.decode, entries) if not isinstance(event.data, MessageRead)]

    return load


def recorded(events):
    (event,) = events
    return event.data


@pytest.mark.parametrize("path", [f"/v2/{GUID}", f"/{GUID}", f"/v2/{GUID}/", f"/{GUID}/"])
async def test_a_load_is_an_open_of_its_campaign_at_both_paths(hit, path) -> None:
    """LIT-2, LIT-5"""
    (event,) = await hit("d=ann", path, client="198.51.100.7")
    assert (event.kind, event.account, event.subject) == ("message.opened", ACCOUNT, f"campaign:{GUID}")
    assert event.data == MessageOpened(
        campaign=GUID,
        custom_id="ann",
        custom_type="news",
        custom_data="blue",
        ip="198.51.100.7",
        user_agent=AGENT,
        method="GET",
    )


async def test_what_the_url_says_wins_over_what_the_campaign_says(hit) -> None:
    """LIT-5"""
    data = recorded(await hit("d=ann&t=sale&c=red"))
    assert (data.custom_type, data.custom_data) == ("sale", "red")


@pytest.mark.parametrize(
    ("query", "kind"),
    [("p&d=ann", MessagePrinted), ("f&d=ann", MessageForwarded), ("rd&d=ann", MessageRendered), ("rl&d=ann", MessageRendered)],
)  # fmt: skip
async def test_each_hook_is_an_event_of_its_own_kind_and_no_open(hit, query, kind) -> None:
    """LIT-4"""
    data = recorded(await hit(query))
    assert (type(data), data.campaign, data.custom_id) == (kind, GUID, "ann")
    if kind is MessageRendered:
        assert data.mode == {"rd": "dark", "rl": "light"}[query[:2]]


@pytest.mark.parametrize("query", ["", "p", "f", "rd", "rl"])
async def test_our_own_mails_have_the_same_hooks(hit, refs, query) -> None:
    """LIT-4: by signed reference instead of GUID, read by the same parser."""
    person = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
    ref = MessageRef(ACCOUNT, "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", person)
    (event,) = await hit(query, f"/o/{refs.open(ref)}.gif")
    kinds = {"": "opened", "p": "printed", "f": "forwarded", "rd": "rendered", "rl": "rendered"}
    assert (event.kind, event.subject) == (f"message.{kinds[query]}", f"person:{person}")
    assert (event.data.message, event.data.campaign, event.data.custom_id) == (ref.message, None, "")


async def test_every_load_is_an_open_of_its_own(hit) -> None:
    """LIT-13"""
    assert [len(await hit("d=ann")) for _ in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
async def test_only_get_records(hit, method) -> None:
    """LIT-6"""
    for query in ("d=ann", "p&d=ann"):
        assert await hit(query, method=method) == []


@pytest.mark.parametrize(
    "path", ["/v2/zzzzzzzz", "/zzzzzzz0", "/v2/", "/v2", "/v2/89R4I3L4", "/v2/89r4i3l4/x", "/v2/é"]
)
async def test_an_unknown_code_is_a_picture_and_no_hit(ask, journal, clock, path) -> None:
    """LIT-3"""
    await happen(journal, clock, CampaignCreated(guid=GUID))
    route = "v2" if path.startswith("/v2") else "{guid}"
    reply = await ask(path, route=route, query="d=1")
    assert (reply.status, reply.body) == (200, PIXEL)
    assert await journal.head() == 1


async def test_longer_paths_are_left_to_the_pages(ask) -> None:
    assert await ask(f"/{GUID}/more") is None


async def test_an_unfilled_merge_tag_is_kept_and_counted(hit, state, journal) -> None:
    """LIT-5: opens alone are counted, or each would be a warning twice."""
    assert recorded(await hit("d=[UNIQUE]")).custom_id == "[UNIQUE]"
    await hit("rd&d=[UNIQUE]")
    await hit("d=*|EMAIL|*")
    await hit("d=[UNIQUE]")
    await hit("d=ann")
    fold(state, [codec.decode(entry) for entry in await journal.read(0)])
    with state.connect() as connection:
        assert campaigns.unfilled_tags(connection, GUID) == {"[UNIQUE]": 2, "*|EMAIL|*": 1}


async def test_a_hit_of_somebodys_address_is_their_own_fact(hit) -> None:
    """STD-7: so that an erasure finds it."""
    (event,) = await hit("d=Ann@X.example")
    assert event.subject == "email:ann@x.example"


async def test_a_code_for_nobody_keeps_neither_id_nor_address(ask, journal, clock) -> None:
    """STD-7"""
    await happen(journal, clock, CampaignCreated(guid=GUID, individual=False))
    await ask(f"/v2/{GUID}", query="d=ann@x.example", client="198.51.100.7")
    event = codec.decode((await journal.read(1))[0])
    assert (event.subject, event.data.custom_id, event.data.ip) == (f"campaign:{GUID}", "", "")


async def test_the_account_says_what_is_kept_of_an_address(ask, journal, clock) -> None:
    """STD-7"""
    await happen(journal, clock, CampaignCreated(guid=GUID), account="000000000002")
    await ask(f"/v2/{GUID}", query="p", client="198.51.100.7")
    assert codec.decode((await journal.read(1))[0]).data.ip == "198.51.100.0"


def fold(state: Engine, events) -> None:
    with state.begin() as connection:
        campaigns.apply(connection, [event for event in events if event.kind in campaigns.FOLD.kinds])


async def test_an_expired_or_stopped_code_answers_and_records_nothing(
    doors_on, journal, clock, state
) -> None:
    doors = doors_on(journal)
    made = CampaignCreated(guid=GUID, expires_at=clock.now() + 60 * SECOND)
    codes = Codes(state, journal)
    fold(state, [await happen(journal, clock, made)])

    async def hits() -> int:
        before = await journal.head()
        reply = await doors.ask(f"/v2/{GUID}", query="p&d=1")
        assert (reply.status, reply.body) == (200, PIXEL)
        return await journal.head() - before

    assert await hits() == 1
    await clock.advance(60)
    assert await hits() == 0
    assert (await codes.find(GUID)).expires == made.expires_at


async def test_changes_reach_a_worker_with_the_next_reload(journal, clock, state) -> None:
    codes = Codes(state, journal)

    async def then(data) -> campaigns.Campaign:
        await clock.advance(1)
        fold(state, [await happen(journal, clock, data)])
        codes.reload()
        return codes.known(GUID)

    assert (await then(CampaignCreated(guid=GUID, name="a"))).records(clock.now())
    assert not (await then(CampaignStopped(guid=GUID))).records(clock.now())
    assert (await then(CampaignStarted(guid=GUID))).records(clock.now())
    assert (await then(CampaignChanged(guid=GUID, name="b", individual=False))).name == "b"
    assert (await then(CampaignArchived(guid=GUID))).records(clock.now())


async def test_a_code_works_on_every_worker_the_moment_it_is_made(journal, clock, state) -> None:
    workers = [Codes(state, journal) for _ in range(3)]
    await happen(journal, clock, CampaignCreated(guid=GUID, name="not in state yet"))
    assert [(await worker.find(GUID)).name for worker in workers] == ["not in state yet"] * 3
    fold(state, [await happen(journal, clock, CampaignCreated(guid="ekpz8q6s", name="in state"))])
    assert [(await worker.find("ekpz8q6s")).name for worker in workers] == ["in state"] * 3


async def test_invented_codes_cost_so_many_look_ups_and_no_more(journal, state, monkeypatch) -> None:
    looked = []
    find = campaigns.find
    monkeypatch.setattr(codes_module.campaigns, "find", lambda *at: looked.append(at) or find(*at))
    codes = Codes(state, journal)
    for number in range(3 * LOOKS):
        assert await codes.find(f"{number:08d}") is None
    assert len(looked) == LOOKS
    codes.reload()
    await codes.find("zzzzzzzz")
    assert len(looked) == LOOKS + 1


async def test_the_picture_comes_though_nothing_can_be_read_or_recorded(doors_on) -> None:
    """LIT-3"""

    class Broken(MemoryJournal):
        async def head(self) -> int:
            raise RuntimeError("broken")

    reply = await doors_on(Broken()).ask(f"/v2/{GUID}", query="d=1")
    assert (reply.status, reply.body) == (200, PIXEL)


async def test_loads_at_once_find_a_new_code_together(journal, clock, tmp_path) -> None:
    engine = open_state(tmp_path)
    METADATA.create_all(engine)
    codes = Codes(engine, journal)
    await happen(journal, clock, CampaignCreated(guid=GUID))
    found = await asyncio.gather(*(codes.find(GUID) for _ in range(10)))
    assert {one and one.guid for one in found} == {GUID}
    engine.dispose()
