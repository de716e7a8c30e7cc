"""`/campaigns`: tracking codes for mail that anybody sends, and the HTML to paste (LIT-1, LIT-2)."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import asdict, replace
from sqlalchemy import Connection

from heliograph import senders
from heliograph.api.call import Asked, Call, Handler, Means, PageSize, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec
from heliograph.events.commerce import instant
from heliograph.events.event import Record
from heliograph.inbound.tracking import making
from heliograph.inbound.tracking.making import Move, Wanted
from heliograph.react.state import campaigns as known

LOOKS, LOOK_SECONDS = 50, 0.02
"""How often an answer looks whether state shows what was recorded just now, and how long between."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Which campaigns: page by page, the newest first."""

    archived: bool = False
    after: str = ""
    limit: PageSize = 100


class Make(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign. `sender`: the mail system it is for, one of `/campaigns/senders`; `merge_tag`: that system's tag for the
    recipient's id, where another one than its usual is meant. `custom_type` and `custom_data` are said of hits that
    say none. Unless `individual`, hits are of nobody; the default is as the account does with people who said
    nothing about tracking."""

    name: str
    sender: str = ""
    merge_tag: str = ""
    expires_at: Instant | None = None
    email_type: str = ""
    tags: list[str] = []
    custom_type: str = ""
    custom_data: str = ""
    individual: bool | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to change, and nothing else. `expires_at` null: never."""

    name: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    merge_tag: str | UnsetType = UNSET
    expires_at: Instant | UnsetType | None = UNSET
    email_type: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    custom_type: str | UnsetType = UNSET
    custom_data: str | UnsetType = UNSET
    individual: bool | UnsetType = UNSET


class TrackingCode(msgspec.Struct, frozen=True, kw_only=True):
    """A tracking code. `records`: whether hits are recorded now. `unfilled`: merge tags that arrived as they were
    written, and in how many opens; the mail system did not replace them."""

    guid: str
    name: str
    created_at: Instant
    records: bool
    expires_at: Instant | None = None
    stopped_at: Instant | None = None
    archived_at: Instant | None = None
    sender: str = ""
    merge_tag: str = ""
    email_type: str = ""
    tags: list[str] = []
    custom_type: str = ""
    custom_data: str = ""
    individual: bool = True
    unfilled: dict[str, int] = {}


class Campaigns(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns, the newest first. `next` is the `after` of the next page, if there is one."""

    campaigns: list[TrackingCode]
    next: str | None = None


class Pasting(msgspec.Struct, frozen=True, kw_only=True):
    """Whose merge tag: the campaign's own unless another sender or tag is named."""

    sender: str = ""
    merge_tag: str = ""


class Snippet(msgspec.Struct, frozen=True, kw_only=True):
    """What is pasted at the end of a mail's body."""

    guid: str
    html: str


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """A mail system, and how it writes the recipient's id."""

    name: str
    title: str
    merge_tag: str


class Senders(msgspec.Struct, frozen=True, kw_only=True):
    """The common ones."""

    senders: list[Sender]


async def listed(means: Means, asked: Asked) -> Campaigns:
    """An account's campaigns."""
    query, now = asked.query, means.clock.now()

    def look(connection: Connection) -> Campaigns:
        page = known.page(
            connection,
            asked.account.number,
            archived=query.archived,
            after=query.after,
            limit=query.limit + 1,
        )
        shown = page[: query.limit]
        following = shown[-1].guid if len(page) > len(shown) else None
        return Campaigns(campaigns=[_shown(connection, one, now) for one in shown], next=following)

    return await means.read(look)


async def make(means: Means, asked: Asked) -> TrackingCode:
    """Make one. It works at once, on every worker."""
    guid, now = await means.read(making.free_guid), means.clock.now()
    record = making.creation(Wanted(**_said(asked.body)), guid, asked.account, by=asked.by, now=now)
    return await _recorded(means, guid, record)


async def get(means: Means, asked: Asked) -> TrackingCode:
    """One campaign."""
    found, now = await _find(means, asked), means.clock.now()
    return await means.read(lambda connection: _shown(connection, found, now))


async def change(means: Means, asked: Asked) -> TrackingCode:
    """Change what is said, and nothing else."""
    found = await _find(means, asked)
    wanted = replace(making.as_wanted(found), **_said(asked.body))
    record = making.change(found, wanted, by=asked.by, now=means.clock.now())
    return await _recorded(means, found.guid, record)


async def snippet(means: Means, asked: Asked) -> Snippet:
    """What is pasted."""
    found = await _find(means, asked)
    html = making.snippet(found, means.tracking_url, asked.query.sender, asked.query.merge_tag)
    return Snippet(guid=found.guid, html=html)


async def common_senders(_: Means, __: Asked) -> Senders:
    """The mail systems whose merge tags are known."""
    return Senders(
        senders=[Sender(name=one.name, title=one.title, merge_tag=one.person) for one in senders.senders()]
    )


def _mover(move: Move) -> Handler:
    async def handler(means: Means, asked: Asked) -> TrackingCode:
        found = await _find(means, asked)
        record = making.moving(found, move, by=asked.by, now=means.clock.now())
        return await _recorded(means, found.guid, record)

    return handler


async def _find(means: Means, asked: Asked) -> known.Campaign:
    found = await means.read(lambda connection: known.find(connection, asked.path["guid"]))
    if found is None or found.account != asked.account.number:
        raise NotFound("There is no such campaign; GET /api/v1/campaigns lists them.", field="guid")
    return found


async def _recorded(means: Means, guid: str, record: Record) -> TrackingCode:
    """The campaign after this was recorded. State follows within moments; where no engine runs the answer shows it as
    it was made."""
    await means.journal.append([record])
    found = None
    for _ in range(LOOKS):
        found = await means.read(lambda connection: known.find(connection, guid))
        if found is not None and found.changed >= record.recorded:
            break
        await means.clock.sleep(LOOK_SECONDS)
    shown, now = found or known.made(codec.decode(record)), means.clock.now()
    return await means.read(lambda connection: _shown(connection, shown, now))


def _said(body: Make | Change) -> dict[str, Any]:
    """What a body says, in the types of `Wanted`. Raises `BadRequest`."""
    said = {name: value for name, value in asdict(body).items() if value is not UNSET}
    if (expires := said.get("expires_at")) is not None:
        said["expires_at"] = instant(expires)
        if said["expires_at"] is None:
            raise BadRequest("Not a date or time such as 2026-01-31T12:00:00Z.", field="expires_at")
    if "tags" in said:
        said["tags"] = tuple(said["tags"])
    return said


def _shown(connection: Connection, one: known.Campaign, now: int) -> TrackingCode:
    return TrackingCode(
        guid=one.guid,
        name=one.name,
        created_at=iso(one.created),
        records=one.records(now),
        expires_at=_told(one.expires),
        stopped_at=_told(one.stopped),
        archived_at=_told(one.archived),
        sender=one.sender,
        merge_tag=one.merge_tag or making.person_tag(one.sender),
        email_type=one.email_type,
        tags=msgspec.json.decode(one.tags),
        custom_type=one.custom_type,
        custom_data=one.custom_data,
        individual=bool(one.individual),
        unfilled=known.unfilled_tags(connection, one.guid),
    )


def _told(at: int | None) -> str | None:
    return None if at is None else iso(at)


def _moving(move: Move, summary: str) -> Call:
    path, name = f"/campaigns/{{guid}}/{move}", f"{move}Campaign"
    return Call(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        handler=_mover(move),
        answer=TrackingCode,
        status=202,
    )


RESOURCE = Resource(
    name="campaigns",
    description="Tracking codes: for mail that any system sends.",
    calls=(
        Call(
            method="GET",
            path="/campaigns",
            name="listCampaigns",
            summary="Campaigns, the newest first",
            handler=listed,
            query=Listing,
            answer=Campaigns,
        ),
        Call(
            method="POST",
            path="/campaigns",
            name="makeCampaign",
            summary="Make a tracking code",
            handler=make,
            body=Make,
            answer=TrackingCode,
            status=201,
        ),
        Call(
            method="GET",
            path="/campaigns/senders",
            name="listSenders",
            summary="Mail systems whose merge tags are known",
            handler=common_senders,
            answer=Senders,
        ),
        Call(
            method="GET",
            path="/campaigns/{guid}",
            name="getCampaign",
            summary="One campaign, and merge tags that were not filled in",
            handler=get,
            answer=TrackingCode,
        ),
        Call(
            method="PATCH",
            path="/campaigns/{guid}",
            name="changeCampaign",
            summary="Change a campaign's name, expiry, sender and texts",
            handler=change,
            body=Change,
            answer=TrackingCode,
            status=202,
        ),
        Call(
            method="GET",
            path="/campaigns/{guid}/snippet",
            name="getSnippet",
            summary="The HTML to paste at the end of a mail's body",
            handler=snippet,
            query=Pasting,
            answer=Snippet,
        ),
        _moving("stop", "Record its hits no more"),
        _moving("start", "Record its hits again"),
        _moving("archive", "Leave it out of lists"),
    ),
)
