"""All suppressions of an account, page by page in the order of their key, so that a page costs the same wherever it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select, tuple_

from heliograph.database import CHUNKS
from heliograph.errors import BadRequest
from heliograph.events.consent import Channel
from heliograph.react.state.consent import SUPPRESSIONS


class Held(NamedTuple):
    """A suppression; `since` in microseconds."""

    channel: Channel
    address: str
    type: str
    since: int
    reason: str

    @property
    def cursor(self) -> str:
        """What a page that begins after this is asked with."""
        return json.dumps([self.channel, self.address, self.type], separators=(",", ":"))


def page(
    connection: Connection,
    account: str,
    *,
    channel: Channel | None = None,
    type: str | None = None,
    after: str = "",
    limit: int,
) -> list[Held]:
    """Up to `limit` suppressions after this cursor. Raises `BadRequest` for another text."""
    table = SUPPRESSIONS.c
    key = (table.channel, table.address, table.type)
    where = [table.account == account]
    if channel is not None:
        where.append(table.channel == channel)
    if type is not None:
        where.append(table.type == type)
    if after:
        where.append(tuple_(*key) > tuple_(*_place(after)))
    found = connection.execute(
        select(*key, table.since, table.reason).where(*where).order_by(*key).limit(limit)
    )
    return [Held(*row) for row in found]


def holding(
    connection: Connection, account: str, channel: Channel, type: str, addresses: Sequence[str]
) -> set[str]:
    """Which of these addresses are suppressed so."""
    found: set[str] = set()
    for start in range(0, len(addresses), CHUNKS[-1]):
        some = addresses[start : start + CHUNKS[-1]]
        found.update(
            connection.scalars(
                _HOLDING,
                {"of_account": account, "of_channel": channel, "of_type": type, "of_addresses": some},
            )
        )
    return found


def _place(after: str) -> list[str]:
    try:
        place = json.loads(after)
    except (ValueError, RecursionError):
        place = None
    if not isinstance(place, list) or len(place) != 3 or not all(isinstance(part, str) for part in place):
        raise BadRequest("This is no cursor that a page gave.", field="after")
    return place


_HOLDING = select(SUPPRESSIONS.c.address).where(
    SUPPRESSIONS.c.account == bindparam("of_account"),
    SUPPRESSIONS.c.channel == bindparam("of_channel"),
    SUPPRESSIONS.c.type == bindparam("of_type"),
    SUPPRESSIONS.c.address.in_(bindparam("of_addresses", expanding=True)),
)
