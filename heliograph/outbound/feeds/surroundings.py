"""What is known about an event that is to be told: its message, for texts the person behind the number, for what is
read, printed or forwarded the tracking code, the open and its reader.

This is asked for every event, so it is one statement of the few columns that dialects use, not the whole message with its
counts (`react.state.messages.find`), and it is asked for all events that are read together: a look for each costs ten times as
much. Feeds tell an event within moments of each other, so what one of them found is kept for these (`Recent`), and let go of at
once when somebody is erased.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, select

from heliograph.database import QueryOfMany
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
_IDS: BindParameter[list[str]] = bindparam("wanted", expanding=True)
_OF_THESE = QueryOfMany(_ABOUT.where(MESSAGES.c.id.in_(_IDS)))


class Recent:
    """What was found of the events that are being told just now; one per process."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[float, Context[Any]]] = {}

    def context(self, event: AnyEvent, options: Options, now: float) -> Context[Any] | None:
        """The context in which another feed told this event a moment ago, with these options. `now` in seconds of a
        monotonic clock."""
        until, found = self._found.get(event.id, (now, None))
        return None if found is None or until <= now else found._replace(options=options)

    def has(self, event: AnyEvent, now: float) -> bool:
        """Whether it is known in which context to tell this event."""
        return event.id in self._found and self._found[event.id][0] > now

    def keep(self, event: AnyEvent, found: Context[Any], now: float) -> None:
        """This is what is known of an event as state is now."""
        self._found.pop(event.id, None)  # so that it is the latest now
        if len(self._found) >= MOST:
            del self._found[next(iter(self._found))]
        self._found[event.id] = (now + KEPT, found)

    def clear(self) -> None:
        """Let go of everything: somebody was erased (STD-7)."""
        self._found.clear()


def surroundings(
    connection: Connection, events: Sequence[AnyEvent], options: Options, readers: Readers
) -> list[Context[Any]]:
    """The contexts in which these events are rendered, in their order."""
    known: dict[str, dict[str, About]] = {}
    for account in {event.account for event in events}:
        named = (message_of(event) for event in events if event.account == account)
        known[account] = abouts(connection, account, {message for message in named if message})
    return [
        _of(connection, event, known[event.account].get(message_of(event) or ""), options, readers)
        for event in events
    ]


def message_of(event: AnyEvent) -> str | None:
    """The id of the message that an event is about: whatever kind names one calls it so."""
    found: str | None = getattr(event.data, "message", None)
    return found


def _of(
    connection: Connection, event: AnyEvent, about: About | None, options: Options, readers: Readers
) -> Context[Any]:
    data = event.data
    if isinstance(data, MessageRead | MessagePrinted | MessageForwarded):
        return _of_visit(connection, event, data, about, options, readers)
    declined = data.address if isinstance(data, ConsentWithdrawn) and data.channel == "sms" else None
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
    about: About | None,
    options: Options,
    readers: Readers,
) -> Context[Any]:
    """Who it was is known of an open as it was judged; of a print or a forward it is judged here."""
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


def abouts(connection: Connection, account: str, messages: Collection[str]) -> dict[str, About]:
    """What is known of these messages of an account."""
    found = map(_read, _OF_THESE.rows(connection, messages, of_account=account))
    return {about.id: about for about in found}


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
