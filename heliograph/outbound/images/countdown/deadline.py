"""The `exp` of a timer's URL: read tolerantly, because mail systems write it; written in one way (PER-7).

Pure. What cannot be read (a merge tag that nobody replaced, say) is None: the published deadline then holds.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from heliograph.clock import SECOND

LONGEST = 80  # characters that are looked at
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_ISO = re.compile(
    r"""
    (?P<year>[0-9]{4}) (?P<dash>-?) (?P<month>[0-9]{2}) (?P=dash) (?P<day>[0-9]{2})
    (?:
        [Tt ]
        (?P<hour>[0-9]{2}) (?P<colon>:?) (?P<minute>[0-9]{2})
        (?: (?P=colon) (?P<second>[0-9]{2}) (?: [.,] (?P<fraction>[0-9]+) )? )?
        \s?
        (?: [Zz] | UTC | GMT
          | (?P<sign> [+\u2212-] | (?<=\s) ) (?P<off_hour>[0-9]{2}) (?: :? (?P<off_minute>[0-9]{2}) )?
        )?
    )?
    """,
    re.VERBOSE,
)
"""ISO 8601, extended or basic. A blank in place of the offset's sign was a `+` before somebody decoded it."""


def parse(exp: str | None) -> int | None:
    """The instant in microseconds since 1970 UTC, or None for what is not one.

    ISO 8601 with Z, an offset or neither (UTC, S2:L256), fractions of any length, a date alone (its first moment); percent
    signs that were coded once too often are undone.
    """
    if exp is None or len(exp) > LONGEST:
        return None
    found = _ISO.fullmatch((unquote(exp) if "%" in exp else exp).strip())
    if found is None:
        return None
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    off_hour, off_minute = int(found["off_hour"] or 0), int(found["off_minute"] or 0)
    if hour > 24 or (hour == 24 and (minute or second)) or minute > 59 or second > 60 or off_minute > 59:
        return None  # 24:00 is the day's end, :60 a leap second
    offset = timedelta(hours=off_hour, minutes=off_minute) * (
        -1 if (found["sign"] or "+") in "-\u2212" else 1
    )
    passed = timedelta(
        hours=hour,
        minutes=minute,
        seconds=second,
        microseconds=int((found["fraction"] or "0")[:6].ljust(6, "0")),
    )
    try:
        day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=UTC)
        return (day + passed - offset - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def canonical(deadline: int) -> str:
    """The form that S2:L245 publishes: `2024-02-09T00:00:00.0000000+00:00`."""
    return f"{_at(deadline).replace(tzinfo=None).isoformat(timespec='microseconds')}0+00:00"


def encoded(deadline: int) -> str:
    """The same, percent-encoded for a query."""
    return quote(canonical(deadline), safe="")


def remaining(deadline: int, now: int) -> int:
    """Whole seconds until then, rounded down once for the whole GIF; below zero when it is over."""
    return (deadline - now) // SECOND


def in_words(deadline: int) -> str:
    """For a picture that does not count (PER-8), in no language: `2024-02-09 00:00 UTC`."""
    return f"{_at(deadline).replace(tzinfo=None).isoformat(' ', 'minutes')} UTC"


def _at(deadline: int) -> datetime:
    return _EPOCH + timedelta(microseconds=deadline)
