"""What can be exported, as tables: columns with their types, and the rows of one consistent moment.

People, suppressions and orders are read in one transaction of the state, which sees the state of its beginning
however long it takes; events up to where the journal's head was. Columns have the names under which an import
understands them. Rows come a page at a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, func, select

from heliograph.events.event import Entry
from heliograph.journal.journal import JournalView
from heliograph.journal.places import SKEW, before
from heliograph.react.state.consent import OPT_INS, SUPPRESSIONS
from heliograph.react.state.consent_log import CONSENT_LOG
from heliograph.react.state.goods import ORDERS as ORDER_ROWS
from heliograph.react.state.persons import PERSONS

Type = Literal["text", "number", "flag", "instant", "list", "json"]
"""Of a column. Instants are microseconds, lists are of text, JSON is bytes."""

Page = Sequence[tuple[Any, ...]]

PAGE = 1_000


class Column(NamedTuple):
    """One column."""

    name: str
    type: Type = "text"


class Chosen(NamedTuple):
    """Which rows: of one account (None: of all), from an instant on and before another one, in microseconds."""

    account: str | None = None
    since: int | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class StateTable:
    """What is read from the state: how many rows there are, and the rows."""

    name: str
    columns: tuple[Column, ...]
    count: Callable[[Connection, Chosen], int]
    pages: Callable[[Connection, Chosen], Iterator[Page]]


EVENTS = (
    Column("id"),
    Column("account"),
    Column("kind"),
    Column("subject"),
    Column("at", "instant"),
    Column("recorded", "instant"),
    Column("cause"),
    Column("data", "json"),
)


def event(entry: Entry) -> tuple[Any, ...]:
    """An event's row; its data as they were recorded but for line breaks."""
    data = msgspec.json.format(entry.data, indent=-1) if b"\n" in entry.data else entry.data
    return (*entry[1:8], data or b"null")


async def events(
    journal: JournalView,
    chosen: Chosen,
    kinds: frozenset[str] | None,
    after: int,
    told: Callable[[int, int], object],
) -> AsyncIterator[Page]:
    """The events up to where the head is now; `told` hears where in the journal it is, and where the end is."""
    head = await journal.head()
    if chosen.since is not None:
        after = max(after, await before(journal, chosen.since - SKEW, head))
    while entries := await journal.read(after, kinds=kinds, limit=2 * PAGE):
        after = entries[-1].seq
        yield [event(entry) for entry in entries if entry.seq <= head and _is_chosen(entry, chosen)]
        told(min(after, head), head)
        if after >= head or (chosen.until is not None and entries[-1].recorded > chosen.until + SKEW):
            return


def _is_chosen(entry: Entry, chosen: Chosen) -> bool:
    account, since, until = chosen
    return (
        (account is None or entry.account == account)
        and (since is None or entry.recorded >= since)
        and (until is None or entry.recorded < until)
    )


def _count(table: Any, when: ColumnElement[int]) -> Callable[[Connection, Chosen], int]:
    def count(connection: Connection, chosen: Chosen) -> int:
        return connection.scalar(_narrowed(select(func.count()).select_from(table), table, when, chosen)) or 0

    return count


def _narrowed(statement: Select[Any], table: Any, when: ColumnElement[int], chosen: Chosen) -> Select[Any]:
    if chosen.account is not None:
        statement = statement.where(table.c.account == chosen.account)
    if chosen.since is not None:
        statement = statement.where(when >= chosen.since)
    return statement if chosen.until is None else statement.where(when < chosen.until)


def _pages(connection: Connection, statement: Select[Any]) -> Iterator[Sequence[Any]]:
    yield from connection.execute(statement, execution_options={"yield_per": PAGE}).partitions()


_PEOPLE = (
    Column("account"),
    Column("person"),
    Column("id"),
    Column("email"),
    Column("sms_phone_number_e164"),
    Column("first_name"),
    Column("last_name"),
    Column("gender"),
    Column("accepts_marketing", "flag"),
    Column("consent_at", "instant"),
    Column("consent_ip"),
    Column("confirmed_at", "instant"),
    Column("confirmed_ip"),
    Column("suppressions", "list"),
    Column("suppressed_at", "instant"),
    Column("tags", "list"),
    Column("created_at", "instant"),
    Column("updated_at", "instant"),
    Column("document", "json"),
)
"""`person` is our id, `id` the shop's number of the customer; `document` the customer in the wire form."""


def _people(connection: Connection, chosen: Chosen) -> Iterator[Page]:
    p = PERSONS.c
    names = (p.account, p.id, p.customer_id, p.email, p.phone, p.first_name, p.last_name, p.gender)
    statement = select(*names, p.tags, p.created, p.updated, cast(p.document, Text)).where(
        p.deleted.is_(None)
    )
    for rows in _pages(connection, _narrowed(statement, PERSONS, p.updated, chosen)):
        known = _Permission(
            connection, {row.account for row in rows}, [row.email for row in rows if row.email]
        )
        yield [(*row[:8], *known.of(row.account, row.email), *row[8:11], row[11].encode()) for row in rows]


class _Permission:
    """Consent and suppressions of a page of addresses."""

    def __init__(self, connection: Connection, accounts: set[str], addresses: list[str]) -> None:
        def found(
            table: Any, *columns: ColumnElement[Any], more: ColumnElement[bool] | None = None
        ) -> Sequence[Any]:
            place = and_(
                table.c.account.in_(accounts), table.c.channel == "email", table.c.address.in_(addresses)
            )
            where = place if more is None else and_(place, more)
            return connection.execute(select(table.c.account, table.c.address, *columns).where(where)).all()

        o, s, log = OPT_INS.c, SUPPRESSIONS.c, CONSENT_LOG.c
        self._answers = {(row[0], row[1]): (row.own, row.shop) for row in found(OPT_INS, o.own, o.shop)}
        self._types: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for row in found(SUPPRESSIONS, s.since, s.type):
            self._types.setdefault((row[0], row[1]), []).append((row.since, row.type))
        proofs = found(
            CONSENT_LOG,
            log.at,
            log.requested_at,
            log.ip,
            log.confirmed_at,
            log.optin_ip,
            more=log.kind == "consent.granted",
        )
        self._proofs = {(row[0], row[1]): row for row in sorted(proofs, key=lambda row: row.at)}

    def of(self, account: str, address: str | None) -> tuple[Any, ...]:
        """The columns from `accepts_marketing` to `suppressed_at`."""
        key = (account, address or "")
        own, shop = self._answers.get(key, (None, None))
        yes = (False if shop is False else None) if own is None else own
        proof = self._proofs.get(key) if yes else None
        given = (proof.requested_at, proof.ip, proof.confirmed_at, proof.optin_ip) if proof else (None,) * 4
        types = sorted(self._types.get(key, ()))
        return (yes, *given, [kind for _, kind in types], types[0][0] if types else None)


_SUPPRESSED = (
    Column("account"),
    Column("email"),
    Column("sms_phone_number_e164"),
    Column("suppressions"),
    Column("suppressed_at", "instant"),
    Column("reason"),
)


def _suppressed(connection: Connection, chosen: Chosen) -> Iterator[Page]:
    s = SUPPRESSIONS.c
    statement = select(s.account, s.channel, s.address, s.type, s.since, s.reason)
    for rows in _pages(connection, _narrowed(statement, SUPPRESSIONS, s.since, chosen)):
        yield [
            (account, *((address, None) if channel == "email" else (None, address)), *rest)
            for account, channel, address, *rest in rows
        ]


_ORDERS = (
    Column("account"),
    Column("id"),
    Column("email"),
    Column("customer_id"),
    Column("cart"),
    Column("status"),
    Column("currency"),
    Column("subtotal", "number"),
    Column("discounts", "number"),
    Column("total", "number"),
    Column("created_at", "instant"),
    Column("updated_at", "instant"),
    Column("deleted_at", "instant"),
    Column("document", "json"),
)


def _orders(connection: Connection, chosen: Chosen) -> Iterator[Page]:
    o = ORDER_ROWS.c
    names = (o.account, o.id, o.email, o.customer_id, o.cart, o.status, o.currency)
    money = (o.subtotal, o.discounts, o.total, o.created, o.updated, o.deleted)
    statement = select(*names, *money, cast(o.document, Text))
    for rows in _pages(connection, _narrowed(statement, ORDER_ROWS, _ORDERED, chosen)):
        yield [(*row[:-1], row[-1].encode()) for row in rows]


_ORDERED: ColumnElement[int] = func.coalesce(ORDER_ROWS.c.created, ORDER_ROWS.c.began)
"""When an order was made, as far as is known."""

PEOPLE = StateTable("people", _PEOPLE, _count(PERSONS, PERSONS.c.updated), _people)
SUPPRESSED = StateTable("suppressions", _SUPPRESSED, _count(SUPPRESSIONS, SUPPRESSIONS.c.since), _suppressed)
ORDERS = StateTable("orders", _ORDERS, _count(ORDER_ROWS, _ORDERED), _orders)
