"""How long an open lasted: even seconds and a category (LIT-7, LIT-8). Pure.

Both who measures (`inbound.tracking.readtime`) and who makes up for a measurement that was lost (`react.readtimes`) tell
it by `message_read`, whose id derives from the open's: whoever comes first is recorded, everybody else is a repeat.
"""

from __future__ import annotations

from typing import NamedTuple

from heliograph.events import codec
from heliograph.events.engagement import MessageRead, ReadCategory
from heliograph.events.event import SECOND, Event, derived_id

STEP = 2
"""Seconds are told in steps of so many (LIT-7)."""
CAP = 20
"""What lasted longer is told as this."""
UNKNOWN = -1
"""Seconds of an open whose length cannot be known."""
SLACK = 5
"""Seconds after the cap within which the read time is final (LIT-9)."""

_READ, _SKIMMED = 8, 2


class Opening(NamedTuple):
    """An open as its read time is told of: its event's id, whose it is, when it began."""

    event: str
    account: str
    subject: str
    at: int
    message: str | None = None
    campaign: str | None = None


def seconds(elapsed: float | None) -> int:
    """What is told of so many seconds: floored to even ones, at most `CAP`; `UNKNOWN` for None."""
    return UNKNOWN if elapsed is None else min(CAP, int(max(0.0, elapsed) // STEP * STEP))


def category(told: int) -> ReadCategory:
    """The word for `seconds` (LIT-8): the document's thresholds, though one real export has 8 as skimmed."""
    if told < 0:
        return "Not Supported"
    return "Read" if told >= _READ else "Skimmed" if told >= _SKIMMED else "Glanced"


def message_read(
    opening: Opening, elapsed: float | None, *, now: int, technique: str = ""
) -> Event[MessageRead]:
    """The one `message.read` of an open that lasted `elapsed` seconds; None: nobody can know."""
    told = seconds(elapsed)
    data = MessageRead(
        open=opening.event,
        message=opening.message,
        campaign=opening.campaign,
        seconds=told,
        category=category(told),
        technique=technique,
    )
    return codec.make(
        data,
        account=opening.account,
        subject=opening.subject,
        now=now,
        at=opening.at + int((elapsed or 0) * SECOND),
        cause=opening.event,
        id=derived_id(opening.event, MessageRead.kind),
    )
