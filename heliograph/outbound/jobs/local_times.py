"""When in a recipient's own day they may be written to. Pure; by whose clock says `heliograph.react.state.zones`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from heliograph.clock import from_datetime, to_datetime
from heliograph.outbound.jobs.options import Day, Window

DAYS: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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
