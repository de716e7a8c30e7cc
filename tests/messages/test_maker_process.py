"""The process that makes mails, as far as it sees by itself what changes: accounts, templates, keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from mail_world import MESSAGE

from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.accounts.dkim import activate, add_dkim_keys, dkim_keys, remove
from heliograph.app.maker import LOOK_SECONDS, MakerRoom
from heliograph.clock import ManualClock
from heliograph.database import METADATA, open_state
from heliograph.events import codec
from heliograph.events.definitions import TemplateSaved
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.making.letters import Draft, Made, Undeliverable
from heliograph.outbound.messages.making.workshop import Order
from heliograph.react.state import definitions
from heliograph.settings import Settings


class World:
    """A state with an account that has a template and signs; and the room over it."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock()
        self.state = open_state(data)
        METADATA.create_all(self.state)
        now = self.clock.now()
        made = keys.first_start(self.state, data, "http://x.example", now)
        assert made is not None
        self.account: str = made["account"]
        saved = TemplateSaved(name="cart", parts={"subject": "Hello", "text": "Hi {{ person.email }}"})
        with self.state.begin() as connection:
            keys.set_policy(connection, self.account, {"from_address": "news@shop.example"})
            for key in add_dkim_keys(connection, self.account, "shop.example", "one", now):
                activate(connection, key, now)
            event = codec.make(saved, account=self.account, subject="account:x", now=now)
            definitions.FOLD.apply(connection, [event])
        self.room = MakerRoom(Settings(data=str(data)), self.clock)

    def make(self, accounts: int = 0) -> Made:
        """A mail of now, ordered by who goes by this change of accounts."""
        now = self.clock.now()
        wanted = MessageRequested(address="joe@x.example", template="cart")
        event = codec.make(wanted, account=self.account, subject="email:joe@x.example", now=now, id=MESSAGE)
        return self.room.make(Order(codec.encode(event), 1, Mailbox("joe@x.example"), now, accounts))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.state.dispose()


async def test_a_key_that_was_removed_signs_nothing_half_a_second_later(world: World) -> None:
    """STD-2: nobody tells the process, and nothing of the key stays with it."""
    first = world.make()
    assert isinstance(first, Draft) and first.parcel.content.count(b"DKIM-Signature:") == 2
    with world.state.begin() as connection:
        for key in dkim_keys(connection, world.account):
            remove(connection, key)
    await world.clock.advance(LOOK_SECONDS + 0.1)
    second = world.make()
    assert isinstance(second, Draft) and b"DKIM-Signature:" not in second.parcel.content
    assert b"Hi joe@x.example" in second.parcel.content


async def test_what_an_account_says_anew_holds_half_a_second_later(world: World) -> None:
    assert isinstance(world.make(), Draft)
    with world.state.begin() as connection:
        keys.set_policy(connection, world.account, {"from_address": ""})
    await world.clock.advance(LOOK_SECONDS + 0.1)
    assert isinstance(world.make(), Undeliverable)


async def test_what_who_orders_has_seen_holds_at_once(world: World) -> None:
    assert isinstance(world.make(), Draft)
    with world.state.begin() as connection:
        keys.set_policy(connection, world.account, {"from_address": ""})
    assert isinstance(world.make(), Draft), "it has looked just now"
    assert isinstance(world.make(load_directory(world.state).revision), Undeliverable)
