"""`/suppressions`: why an address is not written to; barring one, and lifting what was decided (MG-8, RM-12)."""

from __future__ import annotations

import msgspec

from heliograph.accounts.model import Account
from heliograph.api.call import Asked, Call, Instant, Means, Resource
from heliograph.clock import iso
from heliograph.errors import NotFound
from heliograph.events import subjects
from heliograph.events.consent import Channel, SuppressionType
from heliograph.privacy import orders
from heliograph.react.state import consent


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
