"""One event as a sender put it, turned into a record for the journal. Pure: no clock, no journal, no request.

Comes in: who says it, the type, the body's bytes, when. Goes out: a record, and the notes to tell the sender; or
`BadRequest` with everything that is wrong. What is recorded can be decoded by every later reader.
"""

from __future__ import annotations

from heliograph.accounts.privacy import kept_ips
from heliograph.errors import BadRequest, Unauthorized
from heliograph.events.custom import Custom
from heliograph.events.event import Record, new_id, scoped_id
from heliograph.events.people import Scalar
from heliograph.inbound.collect.event_types import event_type
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.identities import CONTROL, LONGEST
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.times import happened
from heliograph.inbound.collect.told import compose, repeatable

DEFAULT_SOURCE = "api"
"""Whose numbering a client's event id belongs to when `x-source` is not sent."""


def read(
    sender: Sender,
    type: str,
    body: bytes,
    now: int,
    *,
    time: Scalar = None,
    time_field: str = "x-event-time",
    client_id: str = "",
) -> tuple[Record, tuple[str, ...]]:
    """The event as a record, and notes on what could not be taken as it was said. The record has more: what was
    taken, though the document has it otherwise.

    `time` is when it happened as the envelope says (RM-7: it wins over the body's `timestamp`), `time_field` what
    the envelope calls it; `client_id` is the sender's own id of the event. A record whose id is derived may be there
    already (`append_once`). Raises `BadRequest`."""
    findings = Findings(sender.strict)
    body = kept_ips(body, sender.keep_ip)
    told = event_type(type).read(sender, body, findings)
    if time is not None and time != "":
        at = happened(time, time_field, now, findings, iso=time_field != "x-event-time")
    elif told.timestamp is None:
        at = now
    else:  # a custom event's properties are the sender's own: a `timestamp` that is no time is no fault there
        heard = Findings(strict=False) if told.kind == Custom.kind else findings
        at = happened(told.timestamp, "timestamp", now, heard)
    notes = findings.settle()
    account = sender.account
    if client_id:
        event_id = scoped_id(account, sender.source or DEFAULT_SOURCE, client_id)
    else:
        fresh = told.changed is None or sender.keyless  # a page could tell a thing before the server does
        event_id = new_id(now) if fresh else repeatable(account, told, body)
    data = compose(told, type, sender, client_id, (*notes, *findings.odd_notes()))
    return Record(event_id, account, told.kind, told.subject, at, now, None, data), notes


def check_type(type: str, *, keyless: bool) -> None:
    """What can be told before the body is read. Raises `BadRequest`; `Unauthorized` for a type that needs a key."""
    if not event_type(type).browsers and keyless:
        raise Unauthorized(f"{type} is taken from servers only: send it with x-token or x-api-key.")


def checked_client_id(said: str | int | None, field: str) -> str:
    """A sender's own id of an event; empty if there is none. Raises `BadRequest`."""
    if said is None or said == "":
        return ""
    text = str(said)
    if len(text) > LONGEST or CONTROL.search(text):
        raise BadRequest(f"An event's id has up to {LONGEST} characters, none of them control.", field=field)
    return text
