"""What is known about an event that is to be told: its message, for texts the person behind the number, for what is
read, printed or forwarded the tracking code, the open and its reader.

This is asked for every delivery, and of many messages at once for a day's activities (`abouts`), so it is one
statement of the few columns that dialects use, not the whole message with its counts
(`react.state.messages.find`). Feeds tell an event within moments of each other, so what one of them found is kept for
these (`Recent`), and let go of at once when somebody is erased.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from heliograph.database import Query
from heliograph.events.consent import ConsentWithdrawn
from heliograph.events.engagement import MessageForwarded, MessagePrinted, MessageRead
from heliograph.events.event import AnyEvent
from heliograph.events.messages import Campaign
from heliograph.outbound.feeds.dialect import About, Context, Options
from heliograph.react.state import campaigns, people, visits
from heliograph.react.state.messages import MESSAGES
from heliograph.react.state.visits import Opened
from heliograph.readers import Reader, Readers, Visit

KEPT = 1.0
"""Seconds for which other feeds may have what was found."""

MOST = 2_048
"""Events of which it is kept: what the busiest moment of a process has under way, some 2 MB."""

_ABOUT = select(
    MESSAGES.c.id,
    MESSAGES.c.channel,
    MESSAGES.c.address,
    MESSAGES.c.person,
    MESSAGES.c.template,
    MESSAGES.c.sender,
    MESSAGES.c.is_test,
    MESSAGES.c.campaign_id,
    MESSAGES.c.campaign_name,
    MESSAGES.c.campaign_group,
    MESSAGES.c.requested_at,
    MESSAGES.c.size,
    MESSAGES.c.job,
    MESSAGES.c.request_id,
    MESSAGES.c.correlation_id,
    MESSAGES.c.recipient_id,
    MESSAGES.c.job_category,
).where(MESSAGES.c.account == bindparam("of_account"))
_ABOUT_ONE = Query(_ABOUT.where(MESSAGES.c.id == bindparam("message")))
_IDS: BindParameter[list[str]] = bindparam("messages", expanding=True)
_ABOUT_MANY = _ABOUT.where(MESSAGES.c.id.in_(_IDS))


class Recent:
    """What was found of the events that are being told just now; one per process."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Context[Any]]] = {}

    def context(self, event: AnyEvent, options: Options, now: float) -> Context[Any] | None:
        """The context in which another feed told this event a moment ago, with these options. `now` in seconds of a
        monotonic clock."""
        until, found = self._found.get(event.id, (now, None))
        return None if found is None or until <= now else found._replace(options=options)

    def keep(self, event: AnyEvent, found: Context[Any], now: float) -> None:
        """This is what is known of an event as state is now."""
        if len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[event.id] = (now + KEPT, found)

    def clear(self) -> None:
        """Let go of everything: somebody was erased (STD-7)."""
        self._found.clear()


def surroundings(connection: Connection, event: AnyEvent, options: Options, readers: Readers) -> Context[Any]:
    """The context in which an event is rendered."""
    data = event.data
    if isinstance(data, MessageRead | MessagePrinted | MessageForwarded):
        return _of_visit(connection, event, data, options, readers)
    named = getattr(data, "message", None)  # whatever kind names a message calls it so
    declined = data.address if isinstance(data, ConsentWithdrawn) and data.channel == "sms" else None
    if named is None and declined is None:
        return Context(options)
    about = _about(connection, event.account, named) if named else None
    number = about.address if about and about.channel == "sms" else declined
    if number is None:
        return Context(options, about)
    known = about.person if about else None
    person = people.find(connection, event.account, person=known, phone=number)
    return Context(options, about, (person.email if person else None) or "")


def _of_visit(
    connection: Connection,
    event: AnyEvent,
    data: MessageRead | MessagePrinted | MessageForwarded,
    options: Options,
    readers: Readers,
) -> Context[Any]:
    """Who it was is known of an open as it was judged; of a print or a forward it is judged here."""
    about = _about(connection, event.account, data.message) if data.message else None
    campaign = None
    if data.campaign:
        campaign = campaigns.find(connection, data.campaign)
        if campaign is not None and campaign.account != event.account:
            campaign = None
    opened = visits.opened(connection, event.account, data.open) if isinstance(data, MessageRead) else None
    return Context(options, about, open=opened, reader=_judged(data, opened, readers), campaign=campaign)


def _judged(
    data: MessageRead | MessagePrinted | MessageForwarded, opened: Opened | None, readers: Readers
) -> Reader | None:
    """None where the open was judged, or nothing is known of it any more."""
    visit = opened if isinstance(data, MessageRead) else data
    if visit is None or (isinstance(visit, Opened) and visit.reliable is not None):
        return None
    mode = visit.mode if isinstance(visit, Opened) else ""
    return readers.judge(
        Visit(
            kind="open",
            user_agent=visit.user_agent,
            network=visit.network,
            referrer=visit.referrer,
            mode=mode,
        )
    )


def _about(connection: Connection, account: str, message: str) -> About | None:
    found = _ABOUT_ONE.row(connection, of_account=account, message=message)
    return None if found is None else _read(found)


def abouts(connection: Connection, account: str, messages: Collection[str]) -> dict[str, About]:
    """What is known of these messages of an account, at most some thousands."""
    if not messages:
        return {}
    rows = connection.execute(_ABOUT_MANY, {"messages": list(messages), "of_account": account})
    return {row.id: _read(row) for row in rows}


def _read(found: Any) -> About:
    (
        message,
        channel,
        address,
        person,
        template,
        sender,
        is_test,
        number,
        name,
        group,
        requested_at,
        size,
        job,
        *given,
    ) = found
    campaign = None if number is None else Campaign(id=number, name=name, group=group)
    return About(
        message,
        channel,
        address,
        person,
        template,
        sender or "",
        bool(is_test),
        campaign,
        requested_at,
        size,
        job,
        *(value or "" for value in given),
    )
