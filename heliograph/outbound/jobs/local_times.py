"""When in a recipient's own day they may be written to, and how we know their zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from heliograph.clock import from_datetime, to_datetime
from heliograph.outbound.jobs.options import Day, Window

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PERSONS = ("time_zone", "timezone", "timeZone")
"""What shops call it in a customer's document."""


class Zone(NamedTuple):
    """A zone, and who said so: `list`, `person` or `account`."""

    zone: ZoneInfo
    source: str

    def __str__(self) -> str:
        return f"{self.zone.key} ({self.source})"


def zone_of(listed: str | None, document: Mapping[str, Any], account: str) -> Zone:
    """The first of these that is a zone: the list's, the person's, the account's."""
    persons = next((document[name] for name in PERSONS if isinstance(document.get(name), str)), None)
    for name, source in ((listed, "list"), (persons, "person"), (account, "account")):
        zone = named(name.strip()) if name else None
        if zone is not None:
            return Zone(zone, source)
    return Zone(ZoneInfo("UTC"), "nobody")


@lru_cache(maxsize=1024)
def named(name: str) -> ZoneInfo | None:
    """The zone of this IANA name, if there is one."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def opens(window: Window, zone: ZoneInfo, now: int) -> int | None:
    """The instant at which the window opens next; None while it is open. All in microseconds."""
    begins, ends = time.fromisoformat(window.begins), time.fromisoformat(window.ends)
    here = to_datetime(now).astimezone(zone)
    for ahead in range(-1, 9):
        day = here.date() + timedelta(days=ahead)
        if window.days and DAYS[day.weekday()] not in window.days:
            continue
        first = _instant(day, begins, zone)
        last = _instant(day if ends > begins else day + timedelta(days=1), ends, zone)
        if first <= now < last:
            return None
        if first > now:
            return first
    return None  # not reached: every window opens within a week


def _instant(day: date, at: time, zone: ZoneInfo) -> int:
    return from_datetime(datetime.combine(day, at, zone))
