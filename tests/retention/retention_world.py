"""What tests of retention are made of: a journal and a state in real files, and some days of a shop in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select

from heliograph.accounts.keys import add_account
from heliograph.accounts.model import Account, Policy
from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, open_state
from heliograph.events import codec, subjects
from heliograph.events.commerce import Cart, CartCreated, Order, OrderCreated, ProductViewed
from heliograph.events.consent import ConsentGranted, SuppressionAdded
from heliograph.events.custom import Custom
from heliograph.events.definitions import FeedSaved, TemplateSaved
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import Data, Record, derived_id, new_id
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.events.people import Customer, PersonCreated
from heliograph.journal import positions
from heliograph.journal.journal import Journal
from heliograph.journal.replaying import replay
from heliograph.journal.state_writer import StateWriter
from heliograph.react.state.folds import FOLDS
from heliograph.retention import archive as files
from heliograph.retention.archive import Archive
from heliograph.retention.removing import Retention

DAY = 86_400 * SECOND
START = 1_700_006_400 * SECOND  # 2023-11-15, midnight
ANN, BEN, EVA = "ann@x.example", "ben@x.example", "eva@x.example"


def happened(
    data: Data, subject: str, *, day: int, account: str, second: int = 0, id: str | None = None
) -> Record:
    """An event that was recorded on this day, counted from the first."""
    now = START + day * DAY + 3600 * SECOND + second * SECOND
    return codec.encode(codec.make(data, account=account, subject=subject, now=now, at=now - 9 * DAY, id=id))


def message(number: int, address: str, *, day: int, account: str) -> list[Record]:
    """A mail and what became of it."""
    own = derived_id(new_id(START), str(number))
    mail = subjects.thing("message", own)
    said: list[tuple[Data, str]] = [
        (MessageRequested(address=address, template="hello"), subjects.email(address)),
        (MessageSent(message=own, channel="email", address=address, size=9), subjects.email(address)),
        (MessageOpened(message=own), mail),
    ]
    return [
        happened(data, subject, day=day, account=account, second=number + 60, id=None if place else own)
        for place, (data, subject) in enumerate(said)
    ]


def some_days(account: str, days: int = 4) -> list[Record]:
    """Every kind that decides who people are, what they allowed, and what is defined; and what happened to them."""

    def on(day: int, data: Data, subject: str) -> Record:
        return happened(data, subject, day=day, account=account)

    ann, ben, eva = subjects.email(ANN), subjects.email(BEN), subjects.email(EVA)
    records = [
        on(0, TemplateSaved(name="hello", parts={"html": "hi"}), "template:hello"),
        on(0, PersonCreated(person=Customer(id="7", email=ANN, first_name="Ann")), ann),
        on(0, ConsentGranted(address=ANN, requested_at=START), ann),
        on(0, SuppressionAdded(address=BEN, type="unsubscribed"), ben),
        on(0, Custom(name="greeted", email=BEN), ben),
        on(0, Custom(name="greeted", email=BEN), ben),
        on(0, CartCreated(cart=Cart(id="c1", email=EVA)), eva),
        on(0, CartCreated(cart=Cart(id="c2")), "cart:c2"),
        on(0, CartCreated(cart=Cart(id="c3", email=EVA, accepts_marketing=False)), eva),
        on(
            0, CartCreated(cart=Cart(id="c4", email=EVA, customer=Customer(email=EVA, first_name="Eva"))), eva
        ),
        on(0, OrderCreated(order=Order(id="o1", email=BEN, customer=Customer(id="8", email=BEN))), ben),
    ]
    for day in range(days):
        records += [on(day, ProductViewed(product_id=f"p{day}", email=ANN), ann) for _ in range(5)]
        records += message(day, BEN, day=day, account=account)
    return records


class World:
    """One account, whose events are folded when `fold` is called."""

    def __init__(self, data: Path, journal: Journal) -> None:
        self.data, self.journal = data, journal
        self.state: Engine = open_state(data)
        METADATA.create_all(self.state)
        self.archive = Archive(data)
        with self.state.begin() as connection:
            self.account = add_account(connection, "shop", START).number
        self.retention = Retention(journal=journal, state=self.state, archive=self.archive)

    def keeps(self, days: int = 1, *, archive: bool = True) -> Account:
        policy = Policy(retention_days=days, archive=archive)
        return Account(number=self.account, store_id="s", policy=policy)

    async def fold(self) -> None:
        writer = StateWriter(self.state)
        for fold in FOLDS:
            await replay(fold, journal=self.journal, writer=writer, clock=ManualClock())
        await writer.close()

    def stand(self, consumer: str, name: str, place: int) -> None:
        """Have somebody stand at a place."""
        with self.state.begin() as connection:
            connection.execute(insert(positions.POSITIONS).values(consumer=consumer, name=name, seq=place))

    async def records(self) -> list[Record]:
        return [Record(*entry[1:]) for entry in await self.journal.read(0, limit=100_000)]

    def archived(self) -> dict[str, list[Record]]:
        found = self.archive.files(self.account)
        return {file.name: [record for page in files.read(file) for record in page] for file in found}

    def remembered(self, *names: str) -> dict[str, list[tuple[Any, ...]]]:
        """The tables of these folds."""
        with self.state.connect() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
                for fold in FOLDS
                if fold.name in names
                for table in fold.tables
            }


def kinds(records: Iterable[Record]) -> set[str]:
    return {record.kind for record in records}


def feed(account: str, name: str) -> Record:
    saved = FeedSaved(name=name, dialect="remarkety", endpoint="https://x.example/")
    return happened(saved, f"feed:{name}", day=0, account=account)


def ids(records: Sequence[Record]) -> list[str]:
    return [record.id for record in records]
