"""What is wrong with an event, collected while it is read, so that a sender hears everything at once.

A **fault** is something we cannot use: a lenient account records the event without it and notes it, a strict one
refuses the event (RM-6). A **refusal** is something no account takes: nothing identifies the event, or an identity
holds control characters. A **remark** is what we do otherwise than was said, without anything being wrong. An
**oddity** is taken as it is, though the document has it otherwise: it is kept with the event for the operator to see,
and not answered, for plug-ins send the same ones all day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice

import msgspec

from heliograph.errors import BadRequest, Fault

MOST = 100
"""Faults of one event. A body with more is no event: it is refused instead of being mended for seconds."""

MOST_ODDITIES = 30
"""Oddities of one event that are kept."""

_NUMBERED = re.compile(r"\[\d+\]")


class Findings(msgspec.Struct):
    """What reading one event has found."""

    strict: bool
    faults: list[Fault] = []
    refusals: list[Fault] = []
    remarks: list[Fault] = []
    oddities: list[Fault] = []

    def fault(self, field: str, reason: str) -> None:
        """Note what cannot be used. Raises `BadRequest` when there are too many."""
        self.faults.append(Fault(field, reason))
        if len(self.faults) >= MOST:
            raise refused(self.faults)

    def refuse(self, field: str, reason: str) -> None:
        """Note what no account takes."""
        self.refusals.append(Fault(field, reason))

    def remark(self, field: str, reason: str) -> None:
        """Note what the sender should know, and what a strict account takes too."""
        self.remarks.append(Fault(field, reason))

    def odd(self, found: Iterable[Fault]) -> None:
        """Note what the operator may want to know, of fields that have no fault."""
        faulty = {_NUMBERED.sub("[]", fault.field) for fault in self.faults}
        self.oddities.extend(islice((one for one in found if one.field not in faulty), MOST_ODDITIES))

    def settle(self) -> tuple[str, ...]:
        """The notes to answer, and to keep with the event before `odd_notes`. Raises `BadRequest` if it is not to be
        recorded."""
        if not self.faults and not self.refusals and not self.remarks:
            return ()
        if self.refusals or (self.strict and self.faults):
            raise refused(self.refusals + (self.faults if self.strict else []))
        return _told((*self.faults, *self.remarks))

    def odd_notes(self) -> tuple[str, ...]:
        """The oddities as notes to keep with the event."""
        return _told(self.oddities) if self.oddities else ()


def _told(faults: Iterable[Fault]) -> tuple[str, ...]:
    return tuple(f"{fault.field}: {fault.reason}" for fault in faults)


def refused(faults: list[Fault]) -> BadRequest:
    """The error that names the first fault and lists them all."""
    first = faults[0]
    more = f" ({len(faults) - 1} more in `errors`)" if len(faults) > 1 else ""
    return BadRequest(f"{first.field}: {first.reason}{more}", field=first.field, faults=tuple(faults))
