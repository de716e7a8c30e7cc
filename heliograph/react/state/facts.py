"""What conditions may ask of a person: who they are, what they bought, what they agreed to, how they read.

    person.country: DE                   person.tags: {contains: vip}
    orders.count: {gte: 2}               orders.last_days: {gt: 90}
    consent.email: "yes"                 engagement.active_days: {lte: 30}
    segments: vip

Each group is looked up when it is first asked for. Days are counted up to now; what never was is not there, so
that no comparison holds and `exists: false` does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, func, or_, select

from heliograph.clock import SECOND
from heliograph.react.state import consent, engagement, segments
from heliograph.react.state.conditions import matches
from heliograph.react.state.goods import ORDERS
from heliograph.react.state.people import Person
from heliograph.react.state.zones import country_in, phone_country

DAY = 86_400 * SECOND


class Facts(Mapping[str, Any]):
    """The facts of one person at one moment; `more` are those that only the asker knows (`event`, `cart`)."""

    def __init__(
        self,
        connection: Connection,
        account: str,
        person: Person,
        now: int,
        more: Mapping[str, Callable[[], Any]] | None = None,
    ) -> None:
        self.connection, self.account, self.person, self.now = connection, account, person, now
        self._more = dict(more or {})
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = self._more[name]() if name in self._more else GROUPS[name](self)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        yield from (*GROUPS, *self._more)

    def __len__(self) -> int:
        return len(GROUPS) + len(self._more)

    def __contains__(self, name: object) -> bool:
        return name in GROUPS or name in self._more

    def days(self, at: int | None) -> float | None:
        """How many days ago an instant was."""
        return None if at is None else round((self.now - at) / DAY, 3)


def _person(facts: Facts) -> dict[str, Any]:
    who = facts.person
    told = {
        name: getattr(who, name)
        for name in ("id", "email", "phone", "customer_id", "first_name", "last_name", "gender")
    }
    return {
        **who.document,
        **{name: value for name, value in told.items() if value is not None},
        "tags": list(who.tags),
        "country": country_in(who.document) or phone_country(who.phone),
        "known_days": facts.days(who.created),
    }


def _orders(facts: Facts) -> dict[str, Any]:
    who, table = facts.person, ORDERS.c
    mine = [table.email == who.email] if who.email else []
    mine += [table.customer_id == who.customer_id] if who.customer_id else []
    if not mine:
        return {"count": 0, "total": 0}
    placed = func.coalesce(table.created, table.began)
    found = facts.connection.execute(
        select(func.count(), func.sum(table.total), func.min(placed), func.max(placed)).where(
            table.account == facts.account, table.deleted.is_(None), or_(*mine)
        )
    ).one()
    count, total, first, last = found
    return {
        "count": count,
        "total": total or 0,
        "average": total / count if total and count else 0,
        "first_days": facts.days(first),
        "last_days": facts.days(last),
    }


def _consent(facts: Facts) -> dict[str, Any]:
    places = (("email", facts.person.email), ("sms", facts.person.phone))
    answers: dict[str, Any] = {"suppressed": []}
    for channel, address in places:
        if address:
            stands = consent.standing(facts.connection, facts.account, channel, address)
            answers[channel] = "unknown" if stands.opt_in is None else "yes" if stands.opt_in else "no"
            answers["suppressed"] += [f"{channel}:{one}" for one in sorted(stands.suppressions)]
    return answers


def _engagement(facts: Facts) -> dict[str, Any]:
    found = engagement.find(facts.connection, facts.account, facts.person.id)
    if found is None:
        return {"sent": 0}
    return {
        "sent": found.sent,
        "sent_days": facts.days(found.sent_at),
        "active_days": facts.days(found.active_at),
    }


def _segments(facts: Facts) -> list[str]:
    return [
        one.name
        for one in segments.all_of(facts.connection, facts.account)
        if matches(segments.conditions(one), facts)
    ]


GROUPS: dict[str, Callable[[Facts], Any]] = {
    "person": _person,
    "orders": _orders,
    "consent": _consent,
    "engagement": _engagement,
    "segments": _segments,
}


def members(
    connection: Connection, account: str, name: str, now: int, people: Iterator[Person]
) -> Iterator[Person]:
    """Those of these people who are in a segment now; nobody where there is no such segment."""
    segment = segments.find(connection, account, name)
    if segment is None:
        return
    wanted = segments.conditions(segment)
    for person in people:
        if not person.deleted and matches(wanted, Facts(connection, account, person, now)):
            yield person
