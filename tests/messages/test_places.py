"""A relay that hangs delays what needs it, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from dispatch_world import Office, request
from mail_world import World
from scripted_server import HANG, Scripted, scripted

from heliograph.clock import SystemClock
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Delivered, Retry
from heliograph.journal.loops import Loops
from heliograph.outbound.messages.channels.channel import Parcel
from heliograph.outbound.messages.channels.places import PER_CONNECTION, Places
from heliograph.outbound.messages.channels.relay import Relay
from heliograph.outbound.messages.channels.routes import Routes
from heliograph.outbound.messages.channels.smtp import SmtpLine
from heliograph.outbound.messages.facts.look import Facts
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.react.state.folds import FOLDS
from heliograph.settings.relays import RelaySettings


class TwoShops(Office):
    """An account that sends from two domains, each of which has a relay of its own with two connections."""

    def __init__(self, one: Scripted | World, other: Scripted | World, **settings: Any) -> None:
        relays = tuple(
            RelaySettings(
                name=name,
                url=f"smtp://127.0.0.1:{server.port}",
                domains=(f"{name}.example",),
                connections=2,
                timeout=600,
            )
            for name, server in (("one", one), ("other", other))
        )
        super().__init__("", clock=SystemClock(), relays=relays, **settings)

    def facts(self, event: Event[MessageRequested], version: int | None = None) -> Facts:
        assert self.known.template is not None
        settings = {"from_address": f"news@{event.data.template}.example"}
        return self.known._replace(template=msgspec.structs.replace(self.known.template, settings=settings))


def wanted(office: Office, number: int, template: str) -> Event[MessageRequested]:
    return request(office.clock, id=f"018cc251-f400-7000-8000-{number:012d}", template=template)


async def until(true: Callable[[], bool], seconds: float = 240.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a server in this process, which tells nobody
            await asyncio.sleep(0.01)


async def test_mail_for_another_relay_flows_past_one_that_hangs_in_data(world: World) -> None:
    """300 that cannot go stand in front of 20 that can."""
    async with scripted({"DATA": HANG}) as hangs:
        office = TwoShops(hangs, world)
        loops = Loops(
            journal=office.journal,
            engine=memory_state(),
            clock=office.clock,
            folds=FOLDS,
            reactions=(),
            acts=(office.act,),
        )
        await loops.prepare()
        running = asyncio.create_task(loops.run())
        templates = ["one"] * 300 + ["other"] * 20
        events = [wanted(office, number, template) for number, template in enumerate(templates)]
        await office.journal.append([codec.encode(event) for event in events])
        await until(lambda: len(world.mails) == 20)
        assert hangs.connections == 2 and hangs.mails == []
        attempted = [event for event in await office.told() if event.kind == "message.attempted"]
        places = 2 * PER_CONNECTION
        assert len(attempted) <= 20 + places, "what finds no place is not tried"
        await loops.stop(0.1)
        await running
        await office.close()


async def test_what_finds_no_place_comes_again_soon_and_is_not_counted_as_tried() -> None:
    async with scripted({"DATA": HANG}) as hangs, scripted() as works:
        office = TwoShops(hangs, works)
        places = 2 * PER_CONNECTION
        stuck = [
            asyncio.create_task(office.perform(wanted(office, number, "one"))) for number in range(places)
        ]
        await until(lambda: hangs.commands.count("DATA") == 2)
        late = wanted(office, 99, "one")
        first = await office.perform(late)
        again = await office.perform(late, 2)
        assert isinstance(first, Retry) and isinstance(again, Retry)
        assert (first.after, first.counts, again.after, again.counts) == (1.0, False, 2.0, False)
        assert first.why == f"smtp:one has {places} messages under way and is slow"
        assert isinstance(await office.perform(wanted(office, 100, "other")), Delivered)
        for task in stuck:
            task.cancel()
        await asyncio.gather(*stuck, return_exceptions=True)
        hangs.answers["DATA"] = b"354 go on"
        assert isinstance(await office.perform(late, 3), Delivered), "its places are free again"
        await office.close()


async def test_whoever_waits_gets_the_next_place() -> None:
    places = Places(2, patience=60.0)
    assert [await places.take(), await places.take()] == [True, True]
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    assert places.wanted == 3 and not waiting.done()
    places.give_back()
    assert await waiting and places.wanted == 2


async def test_after_one_went_without_nobody_waits_before_half_of_the_places_are_free() -> None:
    places = Places(4, patience=0.3)
    for _ in range(4):
        assert await places.take()
    assert not await places.take()
    with pytest.raises(StopIteration) as answered:
        places.take().send(None)
    assert answered.value.value is False, "at once"
    places.give_back()
    assert await places.take(), "a free place is taken all the same"
    places.give_back()
    places.give_back()
    assert await places.take() and await places.take()
    places._patience = 60.0  # what waits now shall get its place, however busy the machine is
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    assert not waiting.done()
    places.give_back()
    assert await waiting


async def test_a_message_that_is_called_off_leaves_its_place_to_others() -> None:
    places = Places(1, patience=60.0)
    assert await places.take()
    waiting = asyncio.create_task(places.take())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert places.wanted == 1
    places.give_back()
    assert await places.take()


@pytest.mark.parametrize(("order", "taken"), [(0, True), (1, False)])
async def test_a_relay_of_a_higher_order_is_none_for_what_a_slow_one_has_no_place_for(
    order: int, taken: bool
) -> None:
    clock = SystemClock()
    async with scripted() as slow, scripted() as other:
        lines = [
            SmtpLine(Relay("127.0.0.1", server.port, "plain", "", "", "me", order=place), clock, alone=False)
            for server, place in ((slow, 0), (other, order))
        ]
        lines[0].places = Places(1, patience=0.01)
        parcel = Parcel(Mailbox("a@x.example"), Mailbox("b@x.example"), b"")
        routes = Routes(lines, clock)
        assert await routes.ready(parcel) is lines[0]
        lines[1].places.wanted += 100  # the slow one is still the first choice
        assert (await routes.ready(parcel) is lines[1]) is taken
        await routes.close()
