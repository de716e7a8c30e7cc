"""Quiet hours: spans of a person's week in which nothing is sent, and when the next one is over. Pure.

22:00-08:00             every night, into the next morning
sat,sun                 the whole of these days
sun 00:00-12:00         a part of them
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from heliograph.accounts.model import QUIET
from heliograph.clock import to_datetime
from heliograph.errors import BadRequest
from heliograph.react.automations.durations import instant

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FULL_DAY = 24 * 60

_WRITTEN = re.compile(QUIET, re.ASCII)


class Span(NamedTuple):
    """The days on which it begins (Monday is 0), and its minutes from midnight; `until` may lie in the next day."""

    days: frozenset[int]
    begins: int
    until: int


QuietHours = tuple[Span, ...]


def quiet_hours(written: tuple[str, ...], at: str) -> QuietHours:
    """Spans as they were written. Raises `BadRequest` with the path of what is wrong."""
    spans = []
    for index, text in enumerate(written):
        if not _WRITTEN.fullmatch(text):
            raise BadRequest(
                "Write quiet hours as 22:00-08:00, as days (mon, tue, wed, thu, fri, sat, sun) with commas, or "
                "as days and hours: sat,sun 00:00-12:00.",
                field=f"{at}[{index}]",
            )
        spans.append(_span(text))
    whole = {day for span in spans for day in span.days if (span.begins, span.until) == (0, FULL_DAY)}
    if len(whole) == 7:
        raise BadRequest("Some hour of the week must not be quiet.", field=at)
    return tuple(spans)


@lru_cache(maxsize=1024)
def of_policy(written: tuple[str, ...]) -> QuietHours:
    """The account's, as its policy has them; what would be quiet for ever is no rule."""
    try:
        return quiet_hours(written, "quiet_hours")
    except BadRequest:
        return ()


def quiet_until(spans: QuietHours, now: int, zone: ZoneInfo) -> int | None:
    """When the quiet that reigns now is over, in microseconds; None where none does. Spans that meet are one."""
    end = _ends(spans, now, zone)
    if end is None:
        return None
    for _ in range(21):  # a week of spans that meet
        further = _ends(spans, end, zone)
        if further is None:
            return end
        end = further
    return end


def _ends(spans: QuietHours, now: int, zone: ZoneInfo) -> int | None:
    here = to_datetime(now).astimezone(zone)
    ends = []
    for span in spans:
        for back in (0, 1):
            day = here.date() - timedelta(days=back)
            if day.weekday() in span.days:
                midnight = datetime.combine(day, time(), zone)
                begins = instant(_wall(midnight, span.begins))
                until = instant(_wall(midnight, span.until))
                if begins <= now < until:
                    ends.append(until)
    return max(ends, default=None)


def _wall(midnight: datetime, minutes: int) -> datetime:
    """By the clock on the wall: arithmetic of one zone leaves the offset to the end."""
    return midnight + timedelta(minutes=minutes)


def _span(text: str) -> Span:
    first, _, second = text.partition(" ")
    days, hours = (first, second) if first[0].isalpha() else (",".join(DAYS), first)
    begins, until = (_minutes(clock) for clock in (hours or "00:00-24:00").split("-"))
    return Span(
        frozenset(DAYS.index(day) for day in days.split(",")),
        begins,
        until if until > begins else until + FULL_DAY,
    )


def _minutes(clock: str) -> int:
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)
