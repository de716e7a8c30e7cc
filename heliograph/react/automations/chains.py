"""Nothing feeds on itself: which automations led to an event, so that none takes part twice.

An automation may listen to what becomes of messages (a click, a bounce, even `message.sent`), and so to the
messages of other automations. The chain of causes is bounded by one rule: in one chain an automation comes in
once. Kinds from which no message can be told are no triggers at all (`kinds`).
"""

from __future__ import annotations

from sqlalchemy import Connection

from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested
from heliograph.react.automations import runs
from heliograph.react.state import messages


def chain(connection: Connection, event: AnyEvent) -> list[str]:
    """The automations that led to this event, by their messages or by what they changed, the latest last; empty for what a person or shop did."""
    if event.cause is not None and (steps := runs.chain_of(connection, event.cause)):
        return steps  # a run itself said it: it changed what is known of the person
    data = event.data
    if isinstance(data, MessageRequested):
        automation, run = data.automation, data.run
    else:
        name: str | None = getattr(data, "message", None)
        message = messages.find(connection, event.account, name) if name else None
        if message is None:
            return []
        automation, run = message.automation, message.run
    known = runs.chain_of(connection, run) if run else []
    return known or ([automation] if automation else [])
