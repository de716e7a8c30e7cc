"""How often mail to a place has bounced softly with no sign of an arrival between: when that is enough, it is suppressed.

One full mailbox is no reason to give somebody up; one that is full for weeks is. Counted are messages, not reports of
them; a delivery, an open or a click starts the count afresh, and so does the lifting of the suppression. Blocks and
refusals of our own are about us and count for nothing (wire-facts 4.2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from heliograph.accounts.model import Policy
from heliograph.clock import SECOND
from heliograph.database import Query, QueryOfMany
from heliograph.react.policies.rules import Place
from heliograph.react.policies.tables import SOFT_BOUNCES
from heliograph.react.state.messages import MESSAGES

COUNTED = frozenset(("soft", "undetermined"))
"""Classes that count. What nobody could read is not known to be the address's fault, nor to be ours."""

DAY = 86_400 * SECOND


class SoftBounces:
    """The counts of one transaction of state. `write` at its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, Place], dict[str, int]] = {}
        self._changed: set[tuple[str, Place]] = set()

    def bounced(self, account: str, place: Place, message: str, at: int, policy: Policy) -> int:
        """Count this message; how many have bounced by now within the policy's days."""
        counted = {**self._of(account, place), message: at}
        newest = max(counted.values())
        recent = {one: when for one, when in counted.items() if newest - when < policy.soft_bounce_days * DAY}
        self._put(account, place, recent)
        return len(recent)

    def arrived(self, account: str, place: Place) -> None:
        """Something arrived there, or the suppression was lifted: nothing counts any more."""
        if self._of(account, place):
            self._put(account, place, {})

    def reached(self, messages: Iterable[str]) -> Mapping[str, Place]:
        """Where these messages went, of those that went to a place which has a count."""
        if not (self._changed or _ANY.row(self._connection)):
            return {}
        found = _PLACES.rows(self._connection, messages)
        return {message: Place(channel, address) for message, channel, address in found}

    def write(self) -> None:
        """Remember what has changed."""
        for account, place in sorted(self._changed):
            key = _key(account, place)
            self._connection.execute(_FORGET, key)
            if counted := self._known[account, place]:
                row = {"account": account, **place._asdict(), "messages": counted}
                self._connection.execute(insert(SOFT_BOUNCES), row)
        self._changed.clear()

    def _of(self, account: str, place: Place) -> dict[str, int]:
        if (account, place) not in self._known:
            row = self._connection.execute(_COUNT, _key(account, place)).first()
            self._known[account, place] = dict(row.messages) if row else {}
        return self._known[account, place]

    def _put(self, account: str, place: Place, counted: dict[str, int]) -> None:
        self._known[account, place] = counted
        self._changed.add((account, place))


def _key(account: str, place: Place) -> dict[str, str]:
    return {"of_account": account, "of_channel": place.channel, "of_address": place.address}


_IS = and_(
    SOFT_BOUNCES.c.account == bindparam("of_account"),
    SOFT_BOUNCES.c.channel == bindparam("of_channel"),
    SOFT_BOUNCES.c.address == bindparam("of_address"),
)
_COUNT = select(SOFT_BOUNCES.c.messages).where(_IS)
_FORGET = delete(SOFT_BOUNCES).where(_IS)
_ANY = Query(select(SOFT_BOUNCES.c.account).limit(1))
_PLACES = QueryOfMany(
    select(MESSAGES.c.id, MESSAGES.c.channel, MESSAGES.c.address).where(
        MESSAGES.c.id.in_(bindparam("wanted", expanding=True))
    )
)
