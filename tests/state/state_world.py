"""What tests of state are made of: a state in memory, and events that happen in it as the journal would give them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, select

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.commerce import Cart, Order, Product
from heliograph.events.event import AnyEvent, Data
from heliograph.events.people import Customer
from heliograph.journal.consumer import Fold
from heliograph.react.state.folds import FOLDS

ACCOUNT = "000000000001"
OTHER = "000000000002"
NOW = 1_700_000_000 * SECOND
VECTORS = Path(__file__).parent / "vectors"

D = TypeVar("D", bound=Data)


def example(name: str) -> dict[str, Any]:
    """A body of S3, as the document has it (trailing commas removed)."""
    body: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return body


def said(kind: type[D], body: dict[str, Any]) -> D:
    """An event's data as a door makes them of a body: inside the kind's field, unknown fields and all."""
    return msgspec.json.decode(json.dumps({kind.inner: body}), type=kind)


def customer(**fields: Any) -> Customer:
    return msgspec.convert(fields, Customer)


def cart(**fields: Any) -> Cart:
    return msgspec.convert(fields, Cart)


def order(**fields: Any) -> Order:
    return msgspec.convert(fields, Order)


def product(**fields: Any) -> Product:
    return msgspec.convert(fields, Product)


def recorded(
    data: Data,
    *,
    now: int,
    at: int | None = None,
    subject: str = "account:1",
    account: str = ACCOUNT,
    raw: bytes | None = None,
    id: str | None = None,
) -> AnyEvent:
    """An event as it comes back from a journal; `raw` where the sender said more than the vocabulary knows."""
    event = codec.make(data, account=account, subject=subject, now=now, at=at, id=id)
    record = codec.encode(event)
    return codec.decode(record._replace(data=raw) if raw is not None else record)


def fold(connection: Connection, events: Sequence[AnyEvent], folds: Iterable[Fold] = FOLDS) -> None:
    """What the loop does: each fold gets its kinds, in order."""
    for one in folds:
        mine = [event for event in events if event.kind in one.kinds]
        if mine:
            one.apply(connection, mine)


def dump(connection: Connection, tables: Iterable[Table]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that is remembered, comparably."""
    return {
        table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
        for table in tables
    }


class World:
    """A connection in which events happen one second after another and are folded at once."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.now = NOW

    def happen(self, data: Data, **how: Any) -> AnyEvent:
        """Record and fold."""
        self.now += SECOND
        event = recorded(data, now=self.now, **how)
        fold(self.connection, [event])
        return event

    def hear(self, kind: type[Data], body: dict[str, Any], **how: Any) -> AnyEvent:
        """As `happen`, of a body as it was sent."""
        raw = json.dumps({kind.inner: body}).encode()
        return self.happen(said(kind, body), raw=raw, **how)
