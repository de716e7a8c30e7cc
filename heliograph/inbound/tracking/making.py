"""Tracking codes as operators make them: checked, given a GUID, changed and moved; and the HTML to paste. Pure, but for
the look whether a GUID is free.

The API and the command line (`app.codes`) record what is made here; workers learn of it by `codes`.
"""

from __future__ import annotations

import secrets
import string
from typing import Any, Literal
from urllib.parse import quote

import msgspec
from sqlalchemy import Connection

from heliograph import senders
from heliograph.accounts.model import Account
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.definitions import (
    CampaignArchived,
    CampaignChanged,
    CampaignCreated,
    CampaignMoved,
    CampaignStarted,
    CampaignStopped,
)
from heliograph.events.event import Data, Record
from heliograph.hooks import tracking_code
from heliograph.merge_tags import unfilled
from heliograph.react.state import campaigns
from heliograph.react.state.campaigns import Campaign

GUID_LENGTH = 8
NAME_LIMIT = 200
TEXT_LIMIT = 500
GUID = "{guid}"
"""In the setting `tracking_url`: where the code's GUID stands in the host."""

_ALPHABET = string.ascii_lowercase + string.digits

Move = Literal["stop", "start", "archive"]
MOVES: dict[Move, type[CampaignMoved]] = {
    "stop": CampaignStopped,
    "start": CampaignStarted,
    "archive": CampaignArchived,
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a tracking code is to be. `sender`: whose merge tag is used; `merge_tag`: another one than that sender's;
    `individual` None: as the account does with people who said nothing about tracking (STD-7)."""

    name: str
    sender: str = ""
    merge_tag: str = ""
    expires_at: int | None = None
    email_type: str = ""
    tags: tuple[str, ...] = ()
    custom_type: str = ""
    custom_data: str = ""
    individual: bool | None = None


def free_guid(connection: Connection) -> str:
    """Eight of `[0-9a-z]` (LIT-2), letters and digits among them: so it is no word that a path begins with, and no number
    that stands for a campaign of our own."""
    while True:
        guid = "".join(secrets.choice(_ALPHABET) for _ in range(GUID_LENGTH))
        if not guid.isdecimal() and not guid.isalpha() and campaigns.find(connection, guid) is None:
            return guid


def creation(wanted: Wanted, guid: str, account: Account, *, by: str, now: int) -> Record:
    """The event that makes it. Raises `BadRequest`."""
    individual = wanted.individual
    if individual is None:
        individual = account.policy.tracking == "unless_refused"
    data = CampaignCreated(guid=guid, **_checked(wanted), individual=individual, by=by)
    return _record(data, guid, account.number, now)


def change(known: Campaign, wanted: Wanted, *, by: str, now: int) -> Record:
    """The event that makes it what is wanted now. Raises `BadRequest`."""
    individual = known.individual if wanted.individual is None else wanted.individual
    data = CampaignChanged(guid=known.guid, **_checked(wanted), individual=bool(individual), by=by)
    return _record(data, known.guid, known.account, now)


def moving(known: Campaign, move: Move, *, by: str, now: int) -> Record:
    """The event that stops, starts or archives it."""
    return _record(MOVES[move](guid=known.guid, by=by), known.guid, known.account, now)


def as_wanted(known: Campaign) -> Wanted:
    """What a tracking code is now, to be changed."""
    return Wanted(
        name=known.name,
        sender=known.sender,
        merge_tag=known.merge_tag,
        expires_at=known.expires,
        email_type=known.email_type,
        tags=msgspec.json.decode(known.tags, type=tuple[str, ...]),
        custom_type=known.custom_type,
        custom_data=known.custom_data,
        individual=bool(known.individual),
    )


def snippet(campaign: Campaign, base: str, sender: str = "", merge_tag: str = "") -> str:
    """The HTML to paste at the end of a mail's body. `base`: the setting `tracking_url`, or what our URLs begin with;
    `sender`, `merge_tag`: others than the campaign's. Raises `BadRequest` for a sender that is not known."""
    tag = merge_tag or (person_tag(sender) if sender else campaign.merge_tag or person_tag(campaign.sender))
    if '"' in tag and "'" in tag:
        raise BadRequest("A merge tag with both sorts of quotes cannot stand in a mail.", field="merge_tag")
    said = [f"d={tag}"] if tag and campaign.individual else []
    said += [
        f"{key}={value if unfilled(value) else quote(value, safe='')}"
        for key, value in (("t", campaign.custom_type), ("c", campaign.custom_data))
        if value
    ]
    page = f"{base.replace(GUID, campaign.guid)}/v2/{campaign.guid}"

    def url(key: str) -> str:
        query = "&".join((key, *said) if key else said)
        return f"{page}?{query}" if query else page

    return tracking_code(url) + "\n"


def person_tag(sender: str) -> str:
    """How a mail system writes the recipient's id; nothing for none. Raises `BadRequest` for one that is not known."""
    if not sender:
        return ""
    known = senders.find(sender)
    if known is None:
        names = ", ".join(one.name for one in senders.senders())
        raise BadRequest(f"There is no sender {sender[:40]!a}: {names}.", field="sender")
    return known.person


def _checked(wanted: Wanted) -> dict[str, Any]:
    name = wanted.name.strip()
    if not name or len(name) > NAME_LIMIT:
        raise BadRequest(f"A name has 1 to {NAME_LIMIT} characters.", field="name")
    person_tag(wanted.sender)
    for field in ("merge_tag", "email_type", "custom_type", "custom_data"):
        if len(getattr(wanted, field)) > TEXT_LIMIT:
            raise BadRequest(f"At most {TEXT_LIMIT} characters.", field=field)
    if any(not tag or len(tag) > NAME_LIMIT for tag in wanted.tags):
        raise BadRequest(f"A tag has 1 to {NAME_LIMIT} characters.", field="tags")
    said = msgspec.structs.asdict(wanted)
    del said["individual"]
    return {**said, "name": name}


def _record(data: Data, guid: str, account: str, now: int) -> Record:
    return codec.encode(codec.make(data, account=account, subject=subjects.thing("campaign", guid), now=now))
