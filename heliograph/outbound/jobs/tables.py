"""A job's recipients and the broken rows of its list as CSV (RFC 4180), a page at a time, for the API and the command.

A recipient's line is what we know of them, then the columns of the list. It begins with the address, so it is a list
again: whom a job did not reach can be handed in as the next one. What a spreadsheet would compute is made text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine

from heliograph.clock import iso
from heliograph.outbound.jobs import views
from heliograph.outbound.jobs.ledger import FOR_WINNER, STATES, State, looking_into
from heliograph.outbound.jobs.views import Shown
from heliograph.react.state.jobs import Job
from heliograph.spreadsheets import safe

PAGE = 1_000
"""Rows in memory at once."""

OWN = (
    "address",
    "recipient_id",
    "state",
    "message_state",
    "reason",
    "line",
    "template",
    "requested_at",
    "due_at",
    "zone",
    "zone_source",
    "message",
)


def recipients_csv(state: Engine, data: Path, job: Job, only: State | None) -> Iterator[bytes]:
    """Everybody on a job's list, or those in one state. Blocks."""
    with looking_into(data, job.id) as ledger:
        number = None if only is None else STATES.index(only)
        columns = [] if ledger is None else [name for name in ledger.columns(number) if name not in OWN]
    yield _csv([(*OWN, *columns)])
    after = 0
    while True:
        with state.connect() as connection:
            page = views.recipients(connection, data, job, state=only, after=after, limit=PAGE)
        yield _csv([*_own(one), *(one.data.get(name) for name in columns)] for one in page)
        if len(page) < PAGE:
            return
        after = page[-1].row


def broken_csv(data: Path, job: str) -> Iterator[bytes]:
    """The rows of a list that are no recipients, with their lines and why. Blocks."""
    yield _csv([("line", "reason")])
    after = 0
    while page := views.broken(data, job, after=after, limit=PAGE):
        yield _csv((one.line, one.reason) for one in page)
        after = page[-1].place


def _own(one: Shown) -> Iterator[Any]:
    instants = {"requested_at": one.requested, "due_at": None if one.due == FOR_WINNER else one.due}
    for name in OWN:
        if name in instants:
            at = instants[name]
            yield None if at is None else iso(at)
        else:
            yield getattr(one, name)


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe(value if isinstance(value, str) else msgspec.json.encode(value).decode())
