"""What a bar shows: numbers read from a URL that a sender's system filled in, and written for people (PER-9).

Whatever comes there is a picture: what is no number counts as absent, and what is out of range is at its end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from heliograph.outbound.images.bars.style import BarStyle

MOST = 10**15  # beyond, a float no longer knows every whole number

_PLAIN = re.compile(r"[+-]?\d{1,15}")
_GROUPED = re.compile(r"[+-]?(?:\d{1,3}(?P<mark>[,.'\u2019 ])\d{3}(?:(?P=mark)\d{3})*|\d+)")
_BLANKS = re.compile("[\u00a0\u2009\u202f]")  # the blanks that are written between thousands


class Progress(NamedTuple):
    """Where a bar stands: minimum < maximum, and current between them, both included."""

    minimum: float
    maximum: float
    current: float

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return (self.current - self.minimum) / (self.maximum - self.minimum)


def values(query: Mapping[str, str], style: BarStyle) -> Progress:
    """What `min`, `max` and `cur` say, and the style's own range where they say nothing that can be used."""
    minimum = _or(number(query.get("min", "")), style.minimum)
    maximum = _or(number(query.get("max", "")), style.maximum)
    if minimum >= maximum:
        minimum, maximum = style.minimum, style.maximum
    current = _or(number(query.get("cur", "")), minimum)
    return Progress(minimum, maximum, min(max(current, minimum), maximum))


def number(text: str) -> float | None:
    """The number that is written here; None when it is none. Whole ones are `int`.

    Thousands may be set apart (1,234,567 or 1.234.567 or 1 234 567 or 1'234'567), decimals may follow a point or a
    comma, a percent sign may follow. One comma before three digits sets thousands apart; a point there is a decimal
    point, as this API's language has it: 1,234 is 1234, and 1.234 is a little more than one.
    """
    text = _BLANKS.sub(" ", text).strip().removesuffix("%").rstrip()
    if _PLAIN.fullmatch(text):
        return int(text)
    mark = max(text.rfind("."), text.rfind(","))
    whole, decimals = text, ""
    if mark >= 0 and not _sets_apart(text, mark):
        whole, decimals = text[:mark], text[mark + 1 :]
    if not (whole or decimals) or not _GROUPED.fullmatch(whole or "0") or not (decimals or "0").isdecimal():
        return None
    digits = re.sub(r"[^\d+-]", "", whole)
    found = float(f"{digits or '0'}.{decimals or '0'}")
    if abs(found) > MOST:
        return None
    return int(found) if found.is_integer() else found


def written(progress: Progress, style: BarStyle) -> tuple[str, str]:
    """The figures that stand for a value, and what follows them, `after` included."""
    if style.value == "percent":
        return str(_percent(progress)), "%" + style.after
    if style.value == "of":
        return figure(progress.current, style), f" / {figure(progress.maximum, style)}{style.after}"
    return figure(progress.current, style), style.after


def figure(value: float, style: BarStyle) -> str:
    """A number with at most two decimals, and its thousands set apart as the style says."""
    text = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    if style.thousands == ",":
        return text
    decimal = "." if style.thousands == "" else ","
    return text.translate({ord(","): style.thousands, ord("."): decimal})


def _percent(progress: Progress) -> int:
    """Rounded, but nothing is done before it is."""
    share = int(progress.share * 100 + 0.5)
    return min(share, 99) if progress.current < progress.maximum else 100


def _sets_apart(text: str, mark: int) -> bool:
    """Whether the last point or comma is one of those between thousands."""
    sign = text[mark]
    if len(text) - mark - 1 != 3:
        return False
    return text.count(sign) > 1 or (sign == "," and "." not in text)


def _or(found: float | None, otherwise: float) -> float:
    return otherwise if found is None else found
