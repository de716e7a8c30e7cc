"""Policies and automations in the engine's own loops, on a journal: nothing is fed by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated
from heliograph.events.consent import SubscriptionConfirmed, SubscriptionRequested, UnsubscriptionRequested
from heliograph.events.definitions import AutomationSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.journal.loops import Loops
from heliograph.journal.memory import MemoryJournal
from heliograph.react import automations, policies
from heliograph.react.state.folds import FOLDS
from heliograph.signing import Keyring

ACCOUNT = "000000000001"
ANN = "ann@example.com"


class World:
    """A journal, the loops on it, and a clock turned by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.state = memory_state()
        directory = Directory([Account(number=ACCOUNT, store_id="A")], [], Keyring({1: b"k" * 32}, 1))
        self.loops = Loops(
            journal=self.journal,
            engine=self.state,
            clock=self.clock,
            folds=FOLDS,
            reactions=(policies.reaction(directory), automations.reaction(directory)),
        )

    async def say(self, data: Data, subject: str = f"email:{ANN}") -> AnyEvent:
        event = codec.make(data, account=ACCOUNT, subject=subject, now=self.clock.now())
        await self.journal.append([codec.encode(event)])
        await self.rest()
        return event

    async def rest(self) -> None:
        await asyncio.wait_for(self.loops.caught_up(), 60)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.rest()

    async def kinds(self, *, after: int = 0) -> list[str]:
        return [entry.kind for entry in await self.journal.read(after)]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    await world.loops.prepare()
    running = asyncio.create_task(world.loops.run())
    yield world
    await world.loops.stop()
    await running
    await world.journal.close()
    world.state.dispose()


async def save_cart_automation(world: World) -> None:
    definition = {
        "name": "cart",
        "trigger": {"kind": "cart.updated"},
        "cancel_on": [{"kind": "order.created"}],
        "steps": [{"wait": "1h"}, {"send": {"template": "t"}}],
    }
    await world.say(AutomationSaved(name="cart", definition=definition), "automation:cart")


async def test_a_timer_in_the_database_fires_at_its_time(world: World) -> None:
    await save_cart_automation(world)
    await world.say(CartUpdated(cart=Cart(id="c1", email=ANN)))
    await world.advance(3599)
    assert (await world.kinds())[-1] == "run.waiting"
    await world.advance(2)
    assert (await world.kinds())[-2:] == ["message.requested", "run.finished"]


async def test_the_order_that_came_in_time_wins_over_the_timer(world: World) -> None:
    await save_cart_automation(world)
    await world.say(CartUpdated(cart=Cart(id="c1", email=ANN)))
    await world.advance(3599)
    await world.say(OrderCreated(order=Order(id="o1", email=ANN)))
    await world.advance(3600)
    assert (await world.kinds())[-1] == "run.cancelled"
    assert "message.requested" not in await world.kinds()


async def test_a_double_opt_in_goes_all_the_way(world: World) -> None:
    """RM-11"""
    await world.say(UnsubscriptionRequested(address=ANN))
    head = await world.journal.head()
    await world.say(SubscriptionRequested(email=ANN))
    asked = (await world.journal.read(head))[-1]
    await world.say(SubscriptionConfirmed(message=asked.id), f"message:{asked.id}")
    assert await world.kinds(after=head) == [
        "subscription.requested",
        "suppression.added",
        "message.requested",
        "subscription.confirmed",
        "consent.granted",
        "suppression.removed",
        "suppression.removed",
    ]
