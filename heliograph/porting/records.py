"""A row as a context record: one column is its key, the others are what it says.

A row of CSV says texts; a line of NDJSON says whatever JSON it is. Ids are derived from the file's content and the
line, beginning with the file's time, so that a file that is read again records nothing twice. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from heliograph.errors import BadRequest
from heliograph.events import codec
from heliograph.events.event import natural_id
from heliograph.events.jobs import RecordPut
from heliograph.porting.people import Plan, Read
from heliograph.react.state.records import SIZE_LIMIT, Name, fault_of, subject


def record(plan: Plan, line: int, row: Mapping[str, Any]) -> Read:
    """The event of a row. Raises `BadRequest`."""
    key = row.get(plan.key)
    if key is None or key == "":
        raise BadRequest(f"{plan.key}: missing: it is the record's key")
    if not isinstance(key, str | int) or isinstance(key, bool):
        raise BadRequest(f"{plan.key}: must be a text or a whole number")
    name = Name(plan.prefix, str(key))
    fault = fault_of(name)
    if fault is not None:
        raise BadRequest(f"{plan.key}: {fault}")
    document = {column: value for column, value in row.items() if column != plan.key}
    size = len(msgspec.json.encode(document))
    if size > SIZE_LIMIT:
        raise BadRequest(f"the record has {size} bytes; at most {SIZE_LIMIT} are kept")
    if plan.erased and "@" in name.key and plan.erased("email", name.key):
        raise BadRequest("this address was erased on request")
    sender = plan.sender
    data = RecordPut(
        prefix=name.prefix, key=name.key, record=document, expires_at=plan.expires, by=sender.source
    )
    event = codec.make(
        data,
        account=sender.account,
        subject=subject(name, keep_case=sender.keep_case),
        now=plan.now,
        id=natural_id(sender.account, data.kind, plan.as_of, f"{sender.source}:{line}".encode()),
    )
    return (codec.encode(event),), ()
