"""How long, and until when: durations, times of day and weekdays as operators write them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from heliograph.clock import SECOND, to_datetime
from heliograph.errors import BadRequest

MAX_WAIT = 400 * 24 * 3600.0
"""Seconds: a bit over a year, so that a birthday can be waited for."""

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,3})?[smhdw])+", re.ASCII)
_PART = re.compile(r"([\d.]+)([smhdw])", re.ASCII)
_MOMENT = re.compile(rf"(?:({'|'.join(DAYS)})(?: |$))?((?:[01]\d|2[0-3]):[0-5]\d)?", re.ASCII)


class Moment(NamedTuple):
    """A time of day, on a weekday (Monday is 0) or any day."""

    day: int | None
    hour: int
    minute: int


def duration(value: str | float, at: str) -> int:
    """Microseconds of `90`, `"90s"`, `"1h30m"`, `"2d"`, `"1w"`; numbers are seconds. Raises `BadRequest`."""
    if isinstance(value, str):
        if not _DURATION.fullmatch(value.strip()):
            raise BadRequest("Write a duration as 90s, 30m, 1h, 2d or 1h30m; numbers are seconds.", field=at)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    else:
        seconds = float(value)
    if not 0 <= seconds <= MAX_WAIT:
        raise BadRequest(f"A duration lies between 0 and {MAX_WAIT / 86400:.0f} days.", field=at)
    return round(seconds * SECOND)


def moment(text: str, at: str) -> Moment:
    """`09:00`, `monday`, `monday 09:00`; a day alone begins at midnight. Raises `BadRequest`."""
    found = _MOMENT.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        raise BadRequest(
            f'Write a time of day "09:00", a day ({", ".join(DAYS)}), or both: "monday 09:00".', field=at
        )
    day, clock = found.groups()
    hour, minute = (int(part) for part in (clock or "00:00").split(":"))
    return Moment(None if day is None else DAYS.index(day), hour, minute)


def coming(wanted: Moment, since: int, zone: ZoneInfo) -> int:
    """The first such moment at or after an instant, by the clock of the zone, in microseconds. A time that the clock
    leaves out in spring is as long after midnight as it would be; one that it has twice in autumn is the first."""
    here = to_datetime(since).astimezone(zone)
    for ahead in range(9):
        day = here.date() + timedelta(days=ahead)
        if wanted.day is not None and day.weekday() != wanted.day:
            continue
        found = instant(datetime.combine(day, time(wanted.hour, wanted.minute), zone))
        if found >= since:
            return found
    raise AssertionError("a week has every day")


def instant(local: datetime) -> int:
    """A local time in microseconds."""
    return round(local.astimezone(UTC).timestamp()) * SECOND
