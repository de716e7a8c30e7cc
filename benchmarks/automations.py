"""Automations: events per second through the reaction, by what they are to nobody, one or twenty automations."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import samples
from benchmarks.report import Row
from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated, Order, OrderCreated, ProductViewed
from heliograph.events.definitions import AutomationSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.events.people import Customer, PersonCreated
from heliograph.react import automations
from heliograph.react.state.folds import FOLDS
from heliograph.signing import Keyring

ACCOUNT = "100000000001"
PEOPLE = 1_000
UNDER_WAY = 10_000
"""Open runs of others, ten of each person."""
BATCH = 512
EVENTS = 8 * BATCH


def by_interest(scratch: Path) -> list[Row]:
    """What nobody asks for, what a filter refuses, what is a goal of somebody, and what begins runs."""
    who = [number % PEOPLE for number in range(EVENTS)]
    refused = [_cart(f"d{n}", one, 5) for n, one in enumerate(who)]
    wanted = [_cart(f"n{n}", one, 60) for n, one in enumerate(who)]
    views = [_made(ProductViewed(product_id="p", email=_email(one)), one) for one in who]
    orders = [
        _made(OrderCreated(order=Order(id=f"o{n}", email=_email(one))), one) for n, one in enumerate(who)
    ]
    rows = []
    for number in (0, 1, 20):
        with_them = f"with {number} automations on carts"
        rows.append(Row(f"views, {with_them}", _rate(number, views)))
        rows.append(Row(f"carts that their filters refuse, {with_them}", _rate(number, refused)))
        rows.append(Row(f"orders, which are their goals, {with_them}", _rate(number, orders)))
    others = f"orders, with 1 automation and {UNDER_WAY:,} runs of others"
    rows.append(Row(others, _rate(1, orders, UNDER_WAY)))
    rows.append(Row("carts that begin a run each", _rate(1, wanted)))
    return rows


def _rate(number: int, events: Sequence[AnyEvent], under_way: int = 0) -> str:
    engine = memory_state()
    directory = Directory([Account(number=ACCOUNT, store_id="A")], [], Keyring({1: b"k" * 32}, 1))
    reaction = automations.reaction(directory)
    # Who is under way does nothing while it is measured.
    begin = [_cart(f"c{one}", PEOPLE + one % PEOPLE, 60) for one in range(under_way)]
    with engine.begin() as connection:
        for before in (_people(), [_saved(one) for one in range(number)], begin, events):
            for fold in FOLDS:
                if mine := [event for event in before if event.kind in fold.kinds]:
                    fold.apply(connection, mine)
        reaction.decide(connection, begin, samples.NOW)
        start = time.perf_counter()
        for first in range(0, len(events), BATCH):
            reaction.decide(connection, events[first : first + BATCH], samples.NOW)
        rate = len(events) / (time.perf_counter() - start)
    engine.dispose()
    return f"{rate:,.0f} events/s"


def _people() -> list[AnyEvent]:
    return [_made(PersonCreated(person=Customer(email=_email(one))), one) for one in range(2 * PEOPLE)]


def _saved(number: int) -> AnyEvent:
    definition: dict[str, Any] = {
        "name": f"a{number}",
        "trigger": {"kind": ["cart.created", "cart.updated"], "where": {"total_price": {"gte": 50}}},
        "goals": [{"kind": "order.created"}],
        "steps": [{"wait": "1h"}, {"send": {"template": "t"}}],
    }
    return _made(AutomationSaved(name=definition["name"], definition=definition), 0)


def _cart(id: str, person: int, total: float) -> AnyEvent:
    return _made(CartUpdated(cart=Cart(id=id, email=_email(person), total_price=total)), person)


def _email(person: int) -> str:
    return f"p{person}@x.example"


def _made(data: Data, person: int) -> AnyEvent:
    event = codec.make(data, account=ACCOUNT, subject=f"email:{_email(person)}", now=samples.NOW)
    return codec.decode(codec.encode(event))
