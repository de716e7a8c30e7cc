"""`/suppressions`: why an address is not written to; barring one, lifting what was decided, and its history (MG-8, RM-12)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import Connection

from heliograph.accounts.model import Account
from heliograph.api.call import Asked, Call, Csv, Means, PageSize, Resource
from heliograph.api.files import PAGE, file_of
from heliograph.api.resources.places import normal, spelled
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec
from heliograph.events.consent import Channel, SuppressionAdded, SuppressionType
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
    """How many addresses were recorded, how many were suppressed so already, and the lines that are none."""

    recorded: int
    known: int
    refused: list[RefusedLine]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str
    at: Instant


async def find(means: Means, asked: Asked) -> Suppressions:
    """Why this address is not written to."""
    wanted, account = asked.query, asked.account
    address = spelled(account, wanted.channel, wanted.address)
    found = await means.read(
        lambda connection: consent.suppressions(connection, account.number, wanted.channel, address)
    )
    shown = [Suppression(type=one.type, since=iso(one.since), reason=one.reason) for one in found]
    return Suppressions(address=address, channel=wanted.channel, suppressions=shown)


async def list_all(means: Means, asked: Asked) -> SuppressionPage:
    """Suppressions of the account, page by page."""
    wanted = asked.query
    shown, following = await means.read(
        lambda connection: _held(connection, asked, wanted.after, wanted.limit)
    )
    return SuppressionPage(suppressions=shown, next=following)


async def list_file(means: Means, asked: Asked) -> Csv:
    """All suppressions of the account, as a file."""
    return file_of(
        means.state,
        "suppressions",
        HeldAddress,
        lambda connection, after: _held(connection, asked, after or "", PAGE),
    )


def _held(
    connection: Connection, asked: Asked, after: str, limit: int
) -> tuple[list[HeldAddress], str | None]:
    """Suppressions after this cursor, and the cursor of what follows."""
    wanted, account = asked.query, asked.account.number
    found = suppression_lists.page(
        connection, account, channel=wanted.channel, type=wanted.type, after=after, limit=limit + 1
    )
    shown = [
        HeldAddress(
            address=one.address,
            channel=one.channel,
            type=one.type,
            since=iso(one.since),
            reason=one.reason,
        )
        for one in found[:limit]
    ]
    return shown, found[limit - 1].cursor if len(found) > limit else None


async def import_lines(means: Means, asked: Asked) -> Imported:
    """Put a list of addresses on record, each once: what is suppressed so already stays as it is."""
    said, account = asked.body, asked.account
    wanted, refused = _lines(account, said)
    known = await means.read(
        lambda connection: suppression_lists.holding(
            connection, account.number, said.channel, said.type, list(wanted)
        )
    )
    events = [
        orders.about_address(
            SuppressionAdded(
                channel=said.channel,
                address=address,
                type=said.type,
                reason=reason or said.reason or f"Imported by {asked.by}",
                by=asked.by,
            ),
            account.number,
            means.clock.now(),
        )
        for address, reason in wanted.items()
        if address not in known
    ]
    for start in range(0, len(events), AT_ONCE):
        await means.journal.append([codec.encode(event) for event in events[start : start + AT_ONCE]])
    return Imported(recorded=len(events), known=len(known), refused=refused)


def _lines(account: Account, said: Import) -> tuple[dict[str, str], list[RefusedLine]]:
    """The addresses of a list with their own reasons, and the lines that are none."""
    found: dict[str, str] = {}
    refused = []
    for number, line in enumerate(said.lines.splitlines(), 1):
        address, _, reason = (part.strip().strip('"') for part in line.partition(","))
        if not address:
            continue
        try:
            found.setdefault(normal(account, said.channel, address), reason)
        except BadRequest as error:
            refused.append(RefusedLine(line=number, why=error.message))
    return found, refused


async def add(means: Means, asked: Asked) -> Recorded:
    """Nobody writes to this address any more."""
    said, account = asked.body, asked.account
    event = await orders.suppress(
        means.journal,
        means.clock,
        account.number,
        said.channel,
        normal(account, said.channel, said.address),
        reason=said.reason,
        by=asked.by,
    )
    return Recorded(event=event.id, at=iso(event.at))


async def lift(means: Means, asked: Asked) -> Recorded:
    """One reason holds no more."""
    said, account = asked.body, asked.account
    address = spelled(account, said.channel, said.address)
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
            file=list_file,
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
