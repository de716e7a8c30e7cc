"""Context records in templates: `records.PREFIX[KEY]`, looked up when a template names it, and once for each message.

    {% assign offer = records.OFFERS[person.customer_id] %}
    {% if offer %}Yours today: {{ offer.title }}{% endif %}

`records["PREFIX-KEY"]` is the same record by its whole id. What is not there is nil, so that a template can ask; a
field of nil is an error with its place, as any name that nobody defined. Each key that was looked up is one hit or
one miss, however many parts of a template name it (MG-7): `outbound.messages.told` has them as events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from liquid.exceptions import ResourceLimitError

from heliograph.events import codec
from heliograph.events.event import Event, derived_id
from heliograph.events.event import Record as Row
from heliograph.events.jobs import RecordLooked
from heliograph.events.messages import MessageRequested
from heliograph.react.state import records
from heliograph.react.state.records import Name, Record, fault_of, named

RECORDS = "records"
"""What templates call them."""

MOST_KEYS = 50
"""Keys that one message may look up."""

Find = Callable[[Name], Record | None]
"""Looks one record up."""

Looked = tuple[Row, ...]
"""What was looked up for a message, as the journal takes it."""


def nowhere(_: Name) -> Record | None:
    """The look-up of an account without records."""
    return None


class Lookups:
    """The records of one message. `found` is what was looked up so far, in order; None: it was not there."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self.found: dict[Name, Record | None] = {}

    def get(self, name: Name) -> Mapping[str, Any] | None:
        """The record's document, or None. Raises `ResourceLimitError` for one key too many."""
        if fault_of(name) is not None:
            return None  # nothing can be kept under such a name: there was nothing to look up
        if name not in self.found:
            if len(self.found) == MOST_KEYS:
                raise ResourceLimitError(f"more than {MOST_KEYS} records are looked up", token=None)
            self.found[name] = self._find(name)
        record = self.found[name]
        return None if record is None else record.document

    def told(self, request: Event[MessageRequested], now: int) -> Looked:
        """Each key that was looked up, as one hit or one miss: once for the message, however often it is tried, as it was
        found the first time."""
        return tuple(
            codec.encode(
                codec.make(
                    records.told(name, record, message=request.id),
                    account=request.account,
                    subject=request.subject,
                    now=now,
                    cause=request.id,
                    id=derived_id(request.id, RecordLooked.__name__, name.id),
                )
            )
            for name, record in self.found.items()
        )


class _Asked(Mapping[str, Any]):
    """Something that is only asked, never gone through."""

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, key: object) -> bool:
        return True


class Sources(_Asked):
    """`records`: data sources by prefix, or a record by its whole id."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    def __getitem__(self, key: object) -> Any:
        text = _text(key)
        name = named(text)
        return self._lookups.get(name) if name is not None else Source(text, self._lookups)


class Source(_Asked):
    """`records.PREFIX`: its records by key."""

    def __init__(self, prefix: str, lookups: Lookups) -> None:
        self._prefix, self._lookups = prefix, lookups

    def __getitem__(self, key: object) -> Mapping[str, Any] | None:
        return self._lookups.get(Name(self._prefix, _text(key)))


def _text(key: object) -> str:
    """A key as it is kept: a customer's number may be a number in a template."""
    return str(key).strip() if isinstance(key, str | int) and not isinstance(key, bool) else ""
