"""Liquid's filters, with a bound on what each may take and make; and `date`, which knows the account's time zone.

One call of one filter on one long value could otherwise take the machine's memory (`replace` of every letter by the
whole text, a number multiplied with itself again and again) or its time (`uniq` compares each with each), and no
limit on loops would notice.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from liquid import Markup, RenderContext
from liquid.exceptions import FilterArgumentError, ResourceLimitError
from liquid.filter import with_context

OUTPUT_LIMIT = 1024 * 1024
"""Characters of one part's output, of any text that a filter takes or makes, and bytes of its variables."""
UNIQ_LIMIT = 1000
"""Elements that `uniq` compares, each with each."""
NUMBER_BITS = 1024
"""Size of a whole number: multiplied with itself in a loop it would fill the memory."""

_WIDE_FORMAT = re.compile(r"%[-_0^#:]*\d{3,}")


def guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter of that name, refusing what is too large before it begins and after it has ended."""
    before = _BEFORE.get(name)

    @functools.wraps(function)
    def guarded(value: object, *arguments: object, **options: object) -> object:
        _check(value)
        for argument in arguments:
            _check(argument)
        if before is not None:
            before(value, *arguments)
        result = function(value, *arguments, **options)
        _check(result)
        return result

    return guarded


@with_context
def date(value: object, form: object = None, *, context: RenderContext) -> object:
    """`date`: an instant in the account's time zone, in the form of strftime. `now` and `today` are the clock's;
    numbers are seconds since 1970; a text is read as ISO 8601 or RFC 5322; what is no date stays as it is."""
    now = context.resolve("now")
    found = instant(value, now)
    if found is None or not form:
        return value
    if len(str(form)) > 200 or _WIDE_FORMAT.search(str(form)):
        raise FilterArgumentError("date: the format is too long", token=None)
    text = found.strftime(str(form))
    return Markup(text) if context.autoescape and isinstance(form, Markup) else text


def _check(value: object) -> None:
    if isinstance(value, str):
        if len(value) > OUTPUT_LIMIT:
            raise ResourceLimitError(f"a text has more than {OUTPUT_LIMIT:,} characters", token=None)
    elif isinstance(value, (list, tuple)):
        if len(value) > OUTPUT_LIMIT // 8:
            raise ResourceLimitError("a list is too long for a filter", token=None)
    elif isinstance(value, int) and value.bit_length() > NUMBER_BITS:
        raise ResourceLimitError("a number is too large", token=None)


def _before_replace(value: object, old: object = "", new: object = "") -> None:
    if str(value).count(str(old)) * len(str(new)) > OUTPUT_LIMIT:
        raise ResourceLimitError(f"replace makes more than {OUTPUT_LIMIT:,} characters", token=None)


def _before_join(value: object, separator: object = " ") -> None:
    if isinstance(value, (list, tuple)) and len(value) * len(str(separator)) > OUTPUT_LIMIT:
        raise ResourceLimitError(f"join makes more than {OUTPUT_LIMIT:,} characters", token=None)


def _before_uniq(value: object, *_: object) -> None:
    if isinstance(value, (list, tuple)) and len(value) > UNIQ_LIMIT:
        raise ResourceLimitError(f"uniq takes up to {UNIQ_LIMIT:,} elements", token=None)


def instant(value: object, now: datetime) -> datetime | None:
    """The instant that a template's value is, in the zone of `now`; None for what is no date."""
    if value in ("now", "today"):
        return now
    try:
        if isinstance(value, datetime):
            found = value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            found = datetime.fromtimestamp(value, now.tzinfo)
        elif isinstance(value, str) and len(value) <= 64:
            found = _read(value.strip(), now)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return found.astimezone(now.tzinfo) if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _read(text: str, now: datetime) -> datetime:
    if text.isdigit() and len(text) > 8:
        return datetime.fromtimestamp(int(text), now.tzinfo)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parsedate_to_datetime(text)


_BEFORE: dict[str, Callable[..., None]] = {
    "replace": _before_replace,
    "join": _before_join,
    "uniq": _before_uniq,
}
