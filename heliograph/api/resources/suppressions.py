"""`/suppressions`: why an address is not written to; barring one, and lifting what was decided (MG-8, RM-12)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from heliograph.accounts.model import Account
from heliograph.api.call import Asked, Call, Instant, Means, PageSize, Resource
from heliograph.clock import iso
from heliograph.errors import NotFound
from heliograph.events import codec, subjects
from heliograph.events.consent import Channel, SuppressionAdded, SuppressionType
from heliograph.outbound.messages.addresses import mailbox
from heliograph.privacy import orders
from heliograph.react.state import consent, suppression_lists

MOST_CHARACTERS = 900_000
"""Characters of a list that is imported by one call: some 30,000 addresses. `heliograph suppressions import` takes any."""

AT_ONCE = 1_000
"""Events that are put on disk together."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An e-mail address, or a number on its channel."""

    address: str
    channel: Channel = "email"


class Suppression(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which an address is not written to."""

    type: str
    since: Instant
    reason: str


class Suppressions(msgspec.Struct, frozen=True, kw_only=True):
    """All reasons, the oldest first; none: it may be written to, as far as that goes."""

    address: str
    channel: Channel
    suppressions: list[Suppression]


class Barred(msgspec.Struct, frozen=True, kw_only=True):
    """An address that an operator wants nobody to write to, and why."""

    address: str
    channel: Channel = "email"
    reason: str = ""


class Lifted(msgspec.Struct, frozen=True, kw_only=True):
    """A reason that holds no more, and why. What is counted towards it starts afresh."""

    address: str
    type: SuppressionType
    channel: Channel = "email"
    reason: str = ""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Which suppressions, by address. `after` is the `next` of a page."""

    type: SuppressionType | None = None
    channel: Channel | None = None
    after: str = ""
    limit: PageSize = 100


class HeldAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A suppression of an address; of an erased person the address is a keyed hash."""

    address: str
    channel: Channel
    type: str
    since: Instant
    reason: str


class SuppressionPage(msgspec.Struct, frozen=True, kw_only=True):
    """Suppressions. `next` is the `after` of the next page, if there is one."""

    suppressions: list[HeldAddress]
    next: str | None = None


class Import(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses that nobody writes to any more, one a line; a line may go on with a comma and the reason. `type`:
    manually_suppressed, or unsubscribed where they said so elsewhere. The reason of all others is `reason`."""

    lines: Annotated[str, msgspec.Meta(max_length=MOST_CHARACTERS)]
    channel: Channel = "email"
    type: Literal["manually_suppressed", "unsubscribed"] = "manually_suppressed"
    reason: str = ""


class RefusedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that is no address, from 1, and why."""

    line: int
    why: str


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines were recorded, and those that were not. The same list again records nothing twice."""

    recorded: int
    refused: list[RefusedLine]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str
    at: Instant


async def find(means: Means, asked: Asked) -> Suppressions:
    """Why this address is not written to."""
    wanted, account = asked.query, asked.account
    address = _normal(account, wanted)
    found = await means.read(
        lambda connection: consent.suppressions(connection, account.number, wanted.channel, address)
    )
    shown = [Suppression(type=one.type, since=iso(one.since), reason=one.reason) for one in found]
    return Suppressions(address=address, channel=wanted.channel, suppressions=shown)


async def list_all(means: Means, asked: Asked) -> SuppressionPage:
    """Suppressions of the account, page by page."""
    wanted, account = asked.query, asked.account.number
    found = await means.read(
        lambda connection: suppression_lists.page(
            connection,
            account,
            channel=wanted.channel,
            type=wanted.type,
            after=wanted.after,
            limit=wanted.limit + 1,
        )
    )
    shown = found[: wanted.limit]
    return SuppressionPage(
        suppressions=[
            HeldAddress(
                address=one.address,
                channel=one.channel,
                type=one.type,
                since=iso(one.since),
                reason=one.reason,
            )
            for one in shown
        ],
        next=shown[-1].cursor if len(found) > len(shown) else None,
    )


async def import_lines(means: Means, asked: Asked) -> Imported:
    """Put a list of addresses on record."""
    said, account = asked.body, asked.account
    events, refused = [], []
    for number, line in enumerate(said.lines.splitlines(), 1):
        address, _, reason = line.strip().partition(",")
        address, reason = address.strip().strip('"'), reason.strip().strip('"')
        if not address:
            continue
        if said.channel == "email" and mailbox(address) is None:
            refused.append(RefusedLine(line=number, why="this is no e-mail address"))
            continue
        place = Place(address=address, channel=said.channel)
        reason = reason or said.reason or f"Imported by {asked.by}"
        added = SuppressionAdded(
            channel=said.channel, address=_normal(account, place), type=said.type, reason=reason
        )
        events.append(orders.about_address(added, account.number, means.clock.now()))
    for start in range(0, len(events), AT_ONCE):
        await means.journal.append([codec.encode(event) for event in events[start : start + AT_ONCE]])
    return Imported(recorded=len(events), refused=refused)


async def add(means: Means, asked: Asked) -> Recorded:
    """Nobody writes to this address any more."""
    said, account = asked.body, asked.account
    event = await orders.suppress(
        means.journal,
        means.clock,
        account.number,
        said.channel,
        _normal(account, said),
        reason=said.reason,
        by=asked.by,
    )
    return Recorded(event=event.id, at=iso(event.at))


async def lift(means: Means, asked: Asked) -> Recorded:
    """One reason holds no more."""
    said, account = asked.body, asked.account
    address = _normal(account, said)
    found = await means.read(
        lambda connection: consent.suppressions(connection, account.number, said.channel, address)
    )
    if said.type not in {one.type for one in found}:
        raise NotFound(f"The address is not suppressed as {said.type}.", field="type")
    event = await orders.lift(
        means.journal,
        means.clock,
        account.number,
        said.channel,
        address,
        said.type,
        reason=said.reason,
        by=asked.by,
    )
    return Recorded(event=event.id, at=iso(event.at))


def _normal(account: Account, place: Place | Barred | Lifted) -> str:
    if place.channel != "email":
        return place.address.strip()
    return subjects.normal_email(place.address, keep_case=account.policy.keep_local_case)


RESOURCE = Resource(
    name="suppressions",
    description="Reasons not to write to an address; several can hold at once.",
    calls=(
        Call(
            method="GET",
            path="/suppressions",
            name="findSuppressions",
            summary="Why an address is not written to",
            handler=find,
            query=Place,
            answer=Suppressions,
        ),
        Call(
            method="GET",
            path="/suppressions/list",
            name="listSuppressions",
            summary="Every address that is not written to, and why",
            handler=list_all,
            query=Listing,
            answer=SuppressionPage,
        ),
        Call(
            method="POST",
            path="/suppressions/import",
            name="importSuppressions",
            summary="Have nobody write to a list of addresses",
            handler=import_lines,
            body=Import,
            answer=Imported,
            status=202,
        ),
        Call(
            method="POST",
            path="/suppressions",
            name="addSuppression",
            summary="Have nobody write to an address",
            handler=add,
            body=Barred,
            answer=Recorded,
            status=202,
        ),
        Call(
            method="POST",
            path="/suppressions/lift",
            name="liftSuppression",
            summary="Lift one reason; the person alone can lift `unsubscribed`",
            missing=True,
            handler=lift,
            body=Lifted,
            answer=Recorded,
            status=202,
        ),
    ),
)
