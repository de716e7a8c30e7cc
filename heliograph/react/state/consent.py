"""Who may be written to: suppressions, opt-in, and the log that proves it.

An address can be suppressed for several reasons at once, and lifting one leaves the others (RM-12). What follows
from a wish, a bounce or a customer record is decided in `react.policies` and told by `suppression.*` and
`consent.*` events: these are decisions, and count in the order in which they were recorded. Orders and carts only
say what their shop believes (`accepts_marketing`): that lifts nothing and overrules nobody's own word (RM-11), but
where nobody said anything a no is a no. Every sender asks `standing` at the moment of sending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    String,
    Table,
    and_,
    bindparam,
    select,
)

from heliograph.accounts.erasure import erased_form
from heliograph.clock import iso
from heliograph.database import METADATA, Query
from heliograph.events.commerce import Basket, CartCreated, CartUpdated, OrderCreated, OrderUpdated
from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionRemoved,
    TrackingChosen,
    UnsubscriptionRequested,
)
from heliograph.events.event import AnyEvent, Data
from heliograph.events.preferences import MarketingPaused, SubscriptionTopicChosen
from heliograph.journal.consumer import Fold
from heliograph.react.state import portraits, reading
from heliograph.react.state.consent_log import CONSENT_LOG, LogRow
from heliograph.react.state.rows import Rows, append
from heliograph.react.state.spelling import Spelling
from heliograph.react.state.suppression_log import SUPPRESSION_LOG, Change

SUPPRESSIONS = Table(
    "suppressions",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String(5), primary_key=True),
    Column("address", String, primary_key=True),
    Column("type", String(32), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("ip", String, nullable=False),
    sqlite_with_rowid=False,
)

OPT_INS = Table(
    "opt_ins",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("channel", String(5), primary_key=True),
    Column("address", String, primary_key=True),
    Column("own", Boolean),
    Column("shop", Boolean),
    Column("shop_at", BigInteger),
    sqlite_with_rowid=False,
)
"""The newest answers: the person's own, as policies judged it, and what orders and carts say."""


class Standing(NamedTuple):
    """Whether an address may be written to: the types of suppression in force, and the opt-in.

    `opt_in` is the person's own word; without one it is no where orders and carts say no, else unknown (None):
    a tick in a cart is nobody's confirmed yes, and must not spare them the double opt-in. `shop` is what orders
    and carts say, for a sender to whom their yes is enough."""

    suppressions: frozenset[str]
    opt_in: bool | None
    shop: bool | None = None


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which an address is not written to; `since` in microseconds."""

    type: str
    since: int
    reason: str
    ip: str


def standing(connection: Connection, account: str, channel: str, address: str) -> Standing:
    """How it stands with an address now. Where two spellings of it are known, the stricter word counts."""
    places = [
        {
            "of_account": account,
            "of_channel": channel,
            "of_address": form,
            "of_erased": erased_form(connection, account, channel, form),
        }
        for form in _forms(connection, account, channel, address)
    ]
    types = frozenset(type_ for place in places for (type_,) in _TYPES.rows(connection, **place))
    answers = [answer for place in places for answer in _ANSWERS.rows(connection, **place)]
    own, shop = (_strictest(said) for said in zip(*answers, strict=True)) if answers else (None, None)
    opt_in = (False if shop is False else None) if own is None else own
    return Standing(types, opt_in, shop)


def _strictest(answers: Iterable[bool | None]) -> bool | None:
    said = [answer for answer in answers if answer is not None]
    return all(said) if said else None


def _at_place(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.account == bindparam("of_account"),
        table.c.channel == bindparam("of_channel"),
        table.c.address.in_((bindparam("of_address"), bindparam("of_erased"))),
    )


_TYPES = Query(select(SUPPRESSIONS.c.type).where(_at_place(SUPPRESSIONS)))
_ANSWERS = Query(select(OPT_INS.c.own, OPT_INS.c.shop).where(_at_place(OPT_INS)))


def suppressions(connection: Connection, account: str, channel: str, address: str) -> list[Suppression]:
    """The reasons for which an address is not written to, in full, the oldest first."""
    table = SUPPRESSIONS.c
    wanted = _forms(connection, account, channel, address)
    found = connection.execute(
        select(table.type, table.since, table.reason, table.ip)
        .where(table.account == account, table.channel == channel, table.address.in_(wanted))
        .order_by(table.since, table.type)
    )
    return [Suppression(**row._mapping) for row in found]


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    ledger = _Ledger(connection)
    told = [(event, _told(event, ledger.normal)) for event in events]
    ledger.opt_ins.read((event.account, "email", answer[0]) for event, answer in told if answer)
    for event, answer in told:
        if answer is not None:
            ledger.shop(event, *answer)
        elif (step := _STEPS.get(type(event.data))) is not None:
            step(ledger, event, event.data)
    ledger.write()


class _SuppressionRow(msgspec.Struct, gc=False):
    account: str
    channel: str
    address: str
    type: str
    since: int
    reason: str
    ip: str


class _OptInRow(msgspec.Struct, gc=False):
    account: str
    channel: str
    address: str
    own: bool | None = None
    shop: bool | None = None
    shop_at: int | None = None


class _Ledger:
    """The addresses that one batch is about, and what is to be put on record."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.opt_ins = Rows(connection, OPT_INS, _OptInRow)
        self.suppressions = Rows(connection, SUPPRESSIONS, _SuppressionRow)
        self.normal = Spelling(connection).normal
        self._log: list[LogRow] = []
        self._changes: list[Change] = []

    def address(self, event: AnyEvent, channel: str, address: str) -> str | None:
        """What an event names on a channel, in the form in which it is kept."""
        return self.normal(event.account, address) if channel == "email" else reading.key_of(address)

    def write(self) -> None:
        self.opt_ins.write()
        self.suppressions.write()
        append(self._connection, CONSENT_LOG, [msgspec.structs.astuple(row) for row in self._log])
        append(self._connection, SUPPRESSION_LOG, self._changes)

    def change(self, event: AnyEvent, data: SuppressionAdded | SuppressionRemoved, address: str) -> None:
        """Put on record that a suppression was added or lifted."""
        self._changes.append(
            Change(
                event=event.id,
                account=event.account,
                channel=data.channel,
                address=address,
                type=data.type,
                change="added" if isinstance(data, SuppressionAdded) else "removed",
                at=reading.happened(event),
                reason=data.reason,
                by=data.by,
                cause=event.cause,
            )
        )

    def enter(self, event: AnyEvent, channel: str, address: str | None, **what: Any) -> None:
        """Put it on record, unless it names no address."""
        if address:
            self._log.append(
                LogRow(
                    event=event.id,
                    channel=channel,
                    account=event.account,
                    address=address,
                    kind=event.kind,
                    at=event.at,
                    **what,
                )
            )

    def own(self, event: AnyEvent, channel: str, address: str, answer: bool) -> None:
        """A person's own answer."""
        row = self._row(event.account, channel, address)
        row.own = answer
        self.opt_ins.put(row)

    def shop(self, event: AnyEvent, address: str, answer: bool) -> None:
        """What an order or cart says. Carts repeat it with every change: a further yes is no news, a further no
        is kept with its time, so that no older yes comes after it. A page's yes overrules no no (RM-2)."""
        row, at = self._row(event.account, "email", address), reading.happened(event)
        if (answer and row.shop) or at < (row.shop_at or 0):
            return
        if answer and row.shop == 0 and getattr(event.data, "keyless", False):
            return
        if row.shop != answer:
            self.enter(event, "email", address, opted_in=answer, source="shop")
        row.shop, row.shop_at = answer, at
        self.opt_ins.put(row)

    def _row(self, account: str, channel: str, address: str) -> _OptInRow:
        return self.opt_ins.get((account, channel, address)) or _OptInRow(account, channel, address)


def _told(event: AnyEvent, normal: portraits.Normal) -> tuple[str, bool] | None:
    """The address of an order or cart and what it says of marketing; None where it says nothing."""
    of = _BASKETS.get(type(event.data))
    email, answer = portraits.buyer(of(event.data)) if of else (None, None)
    address = normal(event.account, email) if answer is not None else None
    return (address, answer) if address and answer is not None else None


def _forms(connection: Connection, account: str, channel: str, address: str) -> list[str]:
    return Spelling(connection).forms(account, address) if channel == "email" else [address]


def _granted(ledger: _Ledger, event: AnyEvent, data: ConsentGranted) -> None:
    if address := ledger.address(event, data.channel, data.address):
        ledger.own(event, data.channel, address, True)
        ledger.enter(
            event,
            data.channel,
            address,
            opted_in=True,
            source=data.source,
            ip=data.signup_ip,
            optin_ip=data.optin_ip,
            requested_at=data.requested_at,
            confirmed_at=data.confirmed_at,
            text_version=data.text_version,
        )


def _withdrawn(ledger: _Ledger, event: AnyEvent, data: ConsentWithdrawn) -> None:
    if address := ledger.address(event, data.channel, data.address):
        ledger.own(event, data.channel, address, False)
        ledger.enter(
            event,
            data.channel,
            address,
            opted_in=False,
            source=data.how,
            ip=data.ip,
            message=data.message,
            reason=data.reason,
        )


def _subscribing(ledger: _Ledger, event: AnyEvent, data: SubscriptionRequested) -> None:
    ledger.enter(event, "email", ledger.normal(event.account, data.email), source=data.source, ip=data.ip)
    ledger.enter(event, "sms", reading.key_of(data.phone), source=data.source, ip=data.ip)


def _confirmed(ledger: _Ledger, event: AnyEvent, data: SubscriptionConfirmed) -> None:
    address = ledger.address(event, data.channel, data.address)
    ledger.enter(event, data.channel, address, optin_ip=data.ip, message=data.message)


def _unsubscribing(ledger: _Ledger, event: AnyEvent, data: UnsubscriptionRequested) -> None:
    address = ledger.address(event, data.channel, data.address)
    ledger.enter(
        event, data.channel, address, source=data.how, ip=data.ip, message=data.message, reason=data.reason
    )


def _chosen(ledger: _Ledger, event: AnyEvent, data: TrackingChosen) -> None:
    what = {"opted_in": data.allowed, "source": data.source or data.how, "ip": data.ip}
    ledger.enter(
        event, "email", ledger.normal(event.account, data.email), text_version=data.text_version, **what
    )
    ledger.enter(event, "sms", reading.key_of(data.phone), text_version=data.text_version, **what)


def _preferring(ledger: _Ledger, event: AnyEvent, data: SubscriptionTopicChosen | MarketingPaused) -> None:
    if isinstance(data, SubscriptionTopicChosen):
        reason = f"topic {data.topic}: {'wanted' if data.wanted else 'left'}"
    else:
        reason = f"paused until {iso(data.until)}"
    address = ledger.address(event, data.channel, data.address)
    ledger.enter(
        event, data.channel, address, source=data.how, ip=data.ip, message=data.message, reason=reason
    )


def _added(ledger: _Ledger, event: AnyEvent, data: SuppressionAdded) -> None:
    """A repeat changes neither when nor why it began."""
    address = ledger.address(event, data.channel, data.address)
    if not address:
        return
    ledger.change(event, data, address)
    if ledger.suppressions.get((event.account, data.channel, address, data.type)) is None:
        since = reading.happened(event)
        ledger.suppressions.put(
            _SuppressionRow(event.account, data.channel, address, data.type, since, data.reason, data.ip)
        )


def _removed(ledger: _Ledger, event: AnyEvent, data: SuppressionRemoved) -> None:
    """RM-12: this type alone."""
    address = ledger.address(event, data.channel, data.address)
    if address:
        ledger.change(event, data, address)
        ledger.suppressions.remove((event.account, data.channel, address, data.type))


_STEPS: dict[type[Data], Callable[[_Ledger, AnyEvent, Any], None]] = {
    ConsentGranted: _granted,
    ConsentWithdrawn: _withdrawn,
    SubscriptionRequested: _subscribing,
    SubscriptionConfirmed: _confirmed,
    UnsubscriptionRequested: _unsubscribing,
    TrackingChosen: _chosen,
    SubscriptionTopicChosen: _preferring,
    MarketingPaused: _preferring,
    SuppressionAdded: _added,
    SuppressionRemoved: _removed,
}

_BASKETS: dict[type[Data], Callable[[Any], Basket]] = {
    OrderCreated: lambda data: data.order,
    OrderUpdated: lambda data: data.order,
    CartCreated: lambda data: data.cart,
    CartUpdated: lambda data: data.cart,
}

FOLD = Fold(
    name="consent",
    kinds=frozenset(kind.kind for kind in _STEPS) | frozenset(kind.kind for kind in _BASKETS),
    tables=(SUPPRESSIONS, OPT_INS, CONSENT_LOG, SUPPRESSION_LOG),
    apply=apply,
)
