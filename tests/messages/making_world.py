"""A workshop that needs no state, the same in every process; and orders for it."""

from __future__ import annotations

from typing import Any

from dispatch_world import JOE, KEYS, POLICY, request, template
from mail_world import ACCOUNT, BASE

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import ManualClock
from heliograph.events import codec
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.look import Facts, Status
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.making.letters import Desk
from heliograph.outbound.messages.making.workshop import Order, Workshop
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.react.state.consent import Standing
from heliograph.refs import Refs

CLOCK = ManualClock()


class Known:
    """What state says: Joe, and one template."""

    def status(self, event: Event[MessageRequested]) -> Status:
        return Status("requested", Standing(frozenset(), True), 3)

    def facts(self, event: Event[MessageRequested], version: int | None = None) -> Facts:
        return Facts(JOE, template())


def workshop() -> Workshop:
    """Where mails of one account are made."""
    account = Account(number=ACCOUNT, store_id="7", name="Shop", policy=POLICY)
    desk = Desk(Composer(CLOCK), Refs(KEYS), BASE)
    return Workshop(Directory([account], [], KEYS), Known(), desk)


def order(number: int = 0, **fields: Any) -> Order:
    """An order for a mail; each number has its own."""
    event = request(
        CLOCK,
        id=f"018cc251-f400-7000-8000-{number:012d}",
        context={"event": {"id": f"c{number}"}},
        **fields,
    )
    return Order(codec.encode(event), 3, Mailbox("joe@x.example"), CLOCK.now())
