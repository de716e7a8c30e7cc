"""What became of messages that jobs asked for, as state and the parked cases know it.

A message that dispatch gave up without an outcome (no relay for
days) is parked, and is the job's failure; it can be retried from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, select

from heliograph.journal.parked import PARKED
from heliograph.journal.positions import ACT
from heliograph.outbound.jobs import ledger
from heliograph.react.state.messages import MESSAGES

DISPATCH = "dispatch"
"""The act that sends messages (`heliograph.outbound.messages.dispatch`)."""

ENDS: dict[str, ledger.State] = {
    "deferred": "deferred",
    "sent": "sent",
    "delivered": "delivered",
    "bounced": "bounced",
    "suppressed": "refused",
    "render_failed": "failed",
    "in_doubt": "in_doubt",
    "cancelled": "cancelled",
}
"""A message's state -> its row's. Requested and attempted say nothing yet."""


class Outcome(NamedTuple):
    """What became of a message: the state of its row, and why."""

    state: int
    reason: str | None


def outcomes(connection: Connection, messages: Sequence[str]) -> dict[str, Outcome]:
    """Of each of these messages that has come somewhere."""
    return {
        message: Outcome(ledger.STATES.index(ENDS[state]), details or reason)
        for message, state, reason, details in _asked(connection, _STATES, messages)
        if state in ENDS
    }


def given_up(connection: Connection, messages: Sequence[str]) -> dict[str, str]:
    """Those of these messages that dispatch has parked, and why."""
    return dict(_asked(connection, _PARKED, messages))


def _asked(connection: Connection, question: Select[Any], messages: Sequence[str]) -> list[list[Any]]:
    """The rows of these messages, as one JSON text: a step for each row would give the interpreter lock away."""
    found: str | None = connection.scalar(question, {"ids": msgspec.json.encode(messages).decode()})
    rows: list[list[Any]] = msgspec.json.decode(found or "[]")
    return rows


_IDS = select(func.json_each(bindparam("ids")).table_valued("value").c.value)
_STATES = select(
    func.json_group_array(
        func.json_array(MESSAGES.c.id, MESSAGES.c.state, MESSAGES.c.reason, MESSAGES.c.bounce_details)
    )
).where(MESSAGES.c.id.in_(_IDS))
_PARKED = select(func.json_group_array(func.json_array(PARKED.c.event, PARKED.c.why))).where(
    PARKED.c.consumer == ACT, PARKED.c.name == DISPATCH, PARKED.c.event.in_(_IDS)
)
