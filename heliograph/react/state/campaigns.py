"""Tracking codes that were made (LIT-2): whose, when, and whether the partner form of the feed wants them (LIT-16)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import BigInteger, Boolean, Column, Connection, String, Table, bindparam, select, update

from heliograph.database import METADATA
from heliograph.events.definitions import CampaignCreated, CampaignSubscribed, CampaignUnsubscribed
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Fold
from heliograph.react.state import reading
from heliograph.react.state.rows import append

CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("guid", String, primary_key=True),
    Column("account", String(12), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("subscribed", Boolean, nullable=False),
)


class Tracked(NamedTuple):
    """A tracking code: whose, when it was made (microseconds), whether partners' feeds tell of it."""

    account: str
    created: int
    subscribed: bool


_FOUND = select(CAMPAIGNS.c.account, CAMPAIGNS.c.created, CAMPAIGNS.c.subscribed).where(
    CAMPAIGNS.c.guid == bindparam("of_guid")
)


def find(connection: Connection, guid: str) -> Tracked | None:
    """The tracking code of this GUID."""
    found = connection.execute(_FOUND, {"of_guid": guid}).one_or_none()
    return None if found is None else Tracked(*found)


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch; tracking codes are few."""
    for event in events:
        data = event.data
        if isinstance(data, CampaignCreated):
            row = (data.guid, event.account, data.name, reading.happened(event), False)
            append(connection, CAMPAIGNS, [row])
        elif isinstance(data, CampaignSubscribed | CampaignUnsubscribed):
            theirs = (CAMPAIGNS.c.guid == data.guid, CAMPAIGNS.c.account == event.account)
            wanted = isinstance(data, CampaignSubscribed)
            connection.execute(update(CAMPAIGNS).where(*theirs).values(subscribed=wanted))


FOLD = Fold(
    name="campaigns",
    kinds=frozenset((CampaignCreated.kind, CampaignSubscribed.kind, CampaignUnsubscribed.kind)),
    tables=(CAMPAIGNS,),
    apply=apply,
)
