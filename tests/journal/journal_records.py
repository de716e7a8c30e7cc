"""Records to put into journals, made by hand."""

from __future__ import annotations

import itertools

from heliograph.events.event import Record, derived_id, new_id

ACCOUNT = "000000000001"
START = 1_700_000_000_000_000

_count = itertools.count()


def record(
    data: bytes = b'{"n":1}',
    *,
    kind: str = "custom",
    subject: str = "email:somebody@example.com",
    id: str | None = None,
    cause: str | None = None,
) -> Record:
    """One that is like no other."""
    now = START + next(_count)
    return Record(id or new_id(now), ACCOUNT, kind, subject, now, now + 7, cause, data)


def numbered(number: int, *, run: str = "") -> Record:
    """The one of this number: always with the same id, which can be made again."""
    cause = "0189d5e2-7d00-7000-8000-000000000000"
    return record(b'{"number":%d}' % number, id=derived_id(cause, run, str(number)), cause=cause)
