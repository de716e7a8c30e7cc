"""Tracking codes (LIT-2): whose, when they were made, until when they record, and what came back unfilled (LIT-5).

The web workers keep them all in memory (`inbound.tracking.codes`), which is why each row says when it was last changed.
Of hits only those are looked at whose merge tag nobody replaced: that many copies of a mail are nobody's, and the
operator should know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    String,
    Table,
    bindparam,
    func,
    select,
    tuple_,
)
from sqlalchemy.dialects.sqlite import insert

from heliograph.database import METADATA
from heliograph.events.definitions import (
    CampaignArchived,
    CampaignChanged,
    CampaignCreated,
    CampaignMoved,
    CampaignStarted,
    CampaignStopped,
    CampaignSubscribed,
    CampaignUnsubscribed,
    TrackingCode,
)
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Fold
from heliograph.merge_tags import unfilled
from heliograph.react.state import reading
from heliograph.react.state.rows import Rows

UNFILLED_COUNTED = 10_000
"""Hits with an unfilled merge tag that are counted for one campaign: whoever has so many has seen the warning."""

TAG_LIMIT = 100
"""Characters of such a tag that are shown."""


class Campaign(msgspec.Struct):
    """A tracking code. Instants in microseconds; `expires` None: never. `subscribed`: partners' feeds tell of it;
    `tags` are a JSON list."""

    guid: str
    account: str
    name: str
    created: int
    subscribed: bool = False
    sender: str = ""
    merge_tag: str = ""
    email_type: str = ""
    tags: str = "[]"
    custom_type: str = ""
    custom_data: str = ""
    individual: bool = True
    expires: int | None = None
    stopped: int | None = None
    archived: int | None = None
    changed: int = 0

    def records(self, now: int) -> bool:
        """Whether hits are recorded at this instant."""
        return self.stopped is None and (self.expires is None or now < self.expires)


CAMPAIGNS = Table(
    "campaigns",
    METADATA,
    Column("guid", String(8), primary_key=True),
    Column("account", String(12), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("sender", String, nullable=False),
    Column("merge_tag", String, nullable=False),
    Column("email_type", String, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("custom_type", String, nullable=False),
    Column("custom_data", String, nullable=False),
    Column("individual", Boolean, nullable=False),
    Column("expires", BigInteger),
    Column("stopped", BigInteger),
    Column("archived", BigInteger),
    Column("changed", BigInteger, nullable=False, index=True),
)

UNFILLED = Table(
    "campaign_unfilled",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("guid", String(8), nullable=False, index=True),
    Column("tag", String, nullable=False),
)
"""Opens whose merge tag arrived as it was written, by their events, so that none is counted twice."""


def find(connection: Connection, guid: str) -> Campaign | None:
    """The tracking code of this GUID."""
    found = connection.execute(_FOUND, {"of_guid": guid}).one_or_none()
    return None if found is None else _campaign(found)


def page(
    connection: Connection, account: str, *, archived: bool = False, after: str = "", limit: int = 100
) -> list[Campaign]:
    """An account's tracking codes, the newest first; `after`: one that was listed before."""
    table = CAMPAIGNS.c
    query = select(CAMPAIGNS).where(table.account == account)
    query = query.where(table.archived.is_not(None) if archived else table.archived.is_(None))
    if (seen := find(connection, after)) is not None:
        query = query.where(tuple_(table.created, table.guid) < (seen.created, seen.guid))
    found = connection.execute(query.order_by(table.created.desc(), table.guid.desc()).limit(limit))
    return [_campaign(row) for row in found]


def changed(connection: Connection, since: int) -> list[Campaign]:
    """Every account's tracking codes that were changed at this instant or later."""
    return [_campaign(row) for row in connection.execute(_CHANGED, {"since": since})]


def unfilled_tags(connection: Connection, guid: str) -> dict[str, int]:
    """Merge tags that arrived as they were written, and in how many opens, the most frequent first."""
    return {row.tag: row.hits for row in connection.execute(_TAGS, {"of_guid": guid})}


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    rows = Rows(connection, CAMPAIGNS, Campaign)
    hits: dict[str, list[dict[str, str]]] = defaultdict(list)
    for event in events:
        data = event.data
        if isinstance(data, MessageOpened):
            if data.campaign and unfilled(data.custom_id):
                hit = {"event": event.id, "guid": data.campaign, "tag": data.custom_id[:TAG_LIMIT]}
                hits[data.campaign].append(hit)
        elif isinstance(data, TrackingCode):
            _define(rows, event, data)
        elif isinstance(data, CampaignMoved | CampaignSubscribed | CampaignUnsubscribed):
            _move(rows, event, data)
    rows.write()
    for guid, found in hits.items():
        counted = connection.scalar(_COUNTED, {"of_guid": guid}) or 0
        if counted < UNFILLED_COUNTED:
            connection.execute(_COUNT, found[: UNFILLED_COUNTED - counted])


def made(event: AnyEvent) -> Campaign:
    """The tracking code that an event of its creation, or of a change, tells of."""
    data = event.data
    assert isinstance(data, TrackingCode)  # noqa: S101 - the kinds that callers have
    born = Campaign(guid=data.guid, account=event.account, name="", created=reading.happened(event))
    return _filled(born, event, data)


def _define(rows: Rows[Campaign], event: AnyEvent, data: TrackingCode) -> None:
    row = rows.get((data.guid,))
    if row is None and isinstance(data, CampaignCreated):
        rows.put(made(event))
    elif row is not None and row.account == event.account and isinstance(data, CampaignChanged):
        rows.put(_filled(row, event, data))


def _filled(row: Campaign, event: AnyEvent, data: TrackingCode) -> Campaign:
    for field in ("name", "sender", "merge_tag", "email_type", "custom_type", "custom_data", "individual"):
        setattr(row, field, getattr(data, field))
    row.tags = msgspec.json.encode(data.tags).decode()
    row.expires, row.changed = data.expires_at, event.recorded
    return row


def _move(
    rows: Rows[Campaign], event: AnyEvent, data: CampaignMoved | CampaignSubscribed | CampaignUnsubscribed
) -> None:
    row = rows.get((data.guid,))
    if row is None or row.account != event.account:
        return
    at = reading.happened(event)
    match data:
        case CampaignSubscribed() | CampaignUnsubscribed():
            row.subscribed = isinstance(data, CampaignSubscribed)
        case CampaignStopped():
            row.stopped = at
        case CampaignStarted():
            row.stopped = None
        case CampaignArchived():
            row.archived = at
    row.changed = event.recorded
    rows.put(row)


def _campaign(row: Any) -> Campaign:
    values = dict(zip(Campaign.__struct_fields__, row, strict=True))
    return Campaign(**{**values, "tags": msgspec.json.encode(values["tags"]).decode()})


_FOUND = select(CAMPAIGNS).where(CAMPAIGNS.c.guid == bindparam("of_guid"))
_CHANGED = select(CAMPAIGNS).where(CAMPAIGNS.c.changed >= bindparam("since"))
_COUNTED = select(func.count()).select_from(UNFILLED).where(UNFILLED.c.guid == bindparam("of_guid"))
_COUNT = insert(UNFILLED).on_conflict_do_nothing()
_TAGS = (
    select(UNFILLED.c.tag, func.count().label("hits"))
    .where(UNFILLED.c.guid == bindparam("of_guid"))
    .group_by(UNFILLED.c.tag)
    .order_by(func.count().desc(), UNFILLED.c.tag)
)

FOLD = Fold(
    name="campaigns",
    kinds=frozenset(
        (
            CampaignCreated.kind,
            CampaignChanged.kind,
            CampaignStopped.kind,
            CampaignStarted.kind,
            CampaignArchived.kind,
            CampaignSubscribed.kind,
            CampaignUnsubscribed.kind,
            MessageOpened.kind,
        )
    ),
    tables=(CAMPAIGNS, UNFILLED),
    apply=apply,
)
