"""The real folds, over random events: folded live in small batches, then replayed in large ones."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from loops_world import ACCOUNT, World, settled
from sqlalchemy import select

from heliograph.events import subjects
from heliograph.events.codec import encode, make
from heliograph.events.commerce import (
    Cart,
    CartUpdated,
    LineItem,
    Order,
    OrderCreated,
    Product,
    ProductUpdated,
)
from heliograph.events.consent import ConsentGranted, ConsentWithdrawn, SuppressionAdded, SuppressionRemoved
from heliograph.events.event import Data, Record
from heliograph.events.people import Customer, PersonDeleted, PersonUpdated
from heliograph.journal import parked
from heliograph.journal.consumer import Fold
from heliograph.journal.replaying import replay
from heliograph.journal.state_writer import StateWriter
from heliograph.react.state import commerce, consent, people

FOLDS = (people.FOLD, consent.FOLD, commerce.FOLD)


def happening(dice: random.Random, number: int) -> tuple[Data, str]:
    """Something a shop may say, about one of twenty customers, and whose fact it is."""
    who = dice.randrange(20)
    address = f"user{who}@example.com"
    customer = Customer(id=str(who), email=address, first_name=dice.choice("ABC"), tags=[dice.choice("xyz")])
    lines = [LineItem(product_id=str(dice.randrange(9)), quantity=dice.randrange(1, 5), price="2.50")]
    basket: dict[str, Any] = {
        "id": str(number % 50),
        "email": address,
        "customer": customer,
        "line_items": lines,
    }
    said: Data = dice.choice(
        (
            PersonUpdated(person=customer),
            PersonDeleted(person=Customer(id=str(who))),
            OrderCreated(order=Order(**basket, cart_id=str(number % 7))),
            CartUpdated(cart=Cart(**basket)),
            ProductUpdated(product=Product(id=str(number % 9), title=dice.choice("ABC"))),
            ConsentGranted(address=address, requested_at=number),
            ConsentWithdrawn(address=address),
            SuppressionAdded(address=address, type="unsubscribed"),
            SuppressionRemoved(address=address, type="unsubscribed"),
        )
    )
    return said, subjects.email(address)


def random_records(number: int, now: int) -> list[Record]:
    dice = random.Random(11)  # noqa: S311 - the same throws each time
    made = [happening(dice, place) for place in range(number)]
    return [
        encode(make(data, account=ACCOUNT, subject=subject, now=now + place))
        for place, (data, subject) in enumerate(made)
    ]


def remembered(world: World, fold: Fold) -> dict[str, list[tuple[object, ...]]]:
    """Every row of the fold's tables."""
    return {
        table.name: sorted(
            (tuple(row) for row in world.ask(lambda c, table=table: c.execute(select(table)).all())), key=repr
        )
        for table in fold.tables
    }


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: str(fold.name))
async def test_a_replay_of_a_real_fold_ends_in_the_state_that_it_had_live(tmp_path: Path, fold: Fold) -> None:
    world = World(tmp_path)
    records = random_records(600, world.clock.now())
    async with world.running(FOLDS) as loops:
        for first in range(0, len(records), 50):
            await world.journal.append(records[first : first + 50])
            await settled(loops)
    assert world.ask(parked.count) == {}
    live = {other.name: remembered(world, other) for other in FOLDS}
    assert all(any(tables.values()) for tables in live.values())
    writer = StateWriter(world.engine)
    await replay(fold, journal=world.journal, writer=writer, clock=world.clock)
    await writer.close()
    assert {other.name: remembered(world, other) for other in FOLDS} == live
