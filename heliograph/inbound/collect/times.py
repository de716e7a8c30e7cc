"""When it happened, as senders say it (RM-7). Pure."""

from __future__ import annotations

import re

from heliograph.clock import SECOND
from heliograph.events.commerce import instant
from heliograph.events.people import Scalar
from heliograph.inbound.collect.findings import Findings

AHEAD = 5 * 60 * SECOND
"""Microseconds that a sender's clock may be ahead of ours."""

_UNIX = re.compile(r"\d{1,11}(?:\.\d{1,9})?", re.ASCII)


def happened(said: Scalar, field: str, now: int, findings: Findings, *, iso: bool = True) -> int:
    """The instant that `said` names: unix seconds, or with `iso` a date and time (RFC 3339; UTC without a zone).

    Nothing said, a time that is none, and one more than five minutes ahead are now; the last two are faults."""
    if said is None or said == "":
        return now
    at = _instant(said, iso=iso)
    if at is None or at < 0:
        form = "unix seconds (1573649331)" + (" or RFC 3339" if iso else "")
        findings.fault(field, f"is not a time: send {form}; the time of arrival was taken")
        return now
    if at > now + AHEAD:
        findings.fault(field, "is more than 5 minutes ahead; the time of arrival was taken")
        return now
    return at


def _instant(said: Scalar, *, iso: bool) -> int | None:
    if isinstance(said, str):
        said = said.strip()
        if _UNIX.fullmatch(said):
            return int(float(said) * SECOND) if "." in said else int(said) * SECOND
        return instant(said) if iso else None
    return instant(said)
