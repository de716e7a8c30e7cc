"""Many events in one body: NDJSON or a JSON array, one answer per event, in order.

The body is split once into items whose `data` stay slices of it; each is read as a single event is. A bad item
never spoils the others. `Batch.read` takes a few items at a time, so that the event loop can answer others between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, CallerError, Fault, TooLarge, Unauthorized
from heliograph.events.event import Record, derived_id, is_derived
from heliograph.inbound.collect.answers import accepted
from heliograph.inbound.collect.bodies import UNDECODABLE, not_json
from heliograph.inbound.collect.reading import check_type, checked_client_id, read
from heliograph.inbound.collect.senders import Sender
from heliograph.web.http import plain_error

LIMIT = 1000
"""Events in one batch: some 15 ms of work, and an answer of 60 kB."""

SLICE_EVENTS = 64
SLICE_BYTES = 128 * 1024
"""How much is read before others get their turn: under a millisecond of orders, whatever their size."""

OLDEST = 400 * 24 * 3600
"""Seconds that something may have waited for being told."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """One event of a batch: `x-event-type` and the body, and if the sender wishes its own id and the time."""

    type: str
    data: Raw
    id: str | int | None = None
    time: str | int | float | None = None
    age: int | float | None = None
    """Seconds since it happened, from senders whose clock may be wrong: pages have their visitor's."""


# An array of at most LIMIT + 1 items: an array-like struct skips what comes after its last place instead of keeping
# it, so that a hostile body of a million tiny items costs no memory.
def _places(name: str, item: Any) -> msgspec.json.Decoder[Any]:
    places = [(f"item{number}", item | UnsetType, UNSET) for number in range(LIMIT + 1)]
    return msgspec.json.Decoder(msgspec.defstruct(name, places, array_like=True))


_items = _places("Items", Item)
_raws = _places("Raws", Raw)
_item = msgspec.json.Decoder(Item)


class Batch:
    """One batch on its way: what came, what shall be recorded, what is answered."""

    def __init__(
        self, sender: Sender, items: Sequence[Item | CallerError], now: int, body_limit: int
    ) -> None:
        self._sender, self._items, self._now, self._body_limit = sender, items, now, body_limit
        self._answers: list[CallerError | tuple[str, ...]] = []
        self.records: list[Record] = []
        self.once = False
        """Whether some of the events have ids that a repeat has too, so that repeats must be found (`append_once`)."""

    def read(self) -> Iterator[None]:
        """Read the items; yields after every slice."""
        events = size = 0
        for item in self._items:
            if isinstance(item, CallerError):
                self._answers.append(item)
            else:
                body = bytes(item.data)
                size += len(body)
                self._answers.append(self._take(item, body))
            events += 1
            if events >= SLICE_EVENTS or size >= SLICE_BYTES:
                events = size = 0
                yield
        if self.once:
            self.records = [_repeatable(record) for record in self.records]

    def _take(self, item: Item, body: bytes) -> CallerError | tuple[str, ...]:
        if len(body) > self._body_limit:
            return TooLarge(f"One event has at most {self._body_limit} bytes.", field="data")
        now = self._now + len(self._answers)  # a microsecond apart, so that times tell their order
        try:
            client_id = "" if item.id is None else checked_client_id(item.id, "id")
            time = item.time if item.age is None else _since(item.age, now)
        except BadRequest as error:
            return error
        try:
            check_type(item.type, keyless=self._sender.keyless)
            record, notes = read(
                self._sender,
                item.type,
                body,
                now,
                time=time,
                time_field="time",
                client_id=client_id,
            )
        except BadRequest as error:
            return _in_item(error)
        except Unauthorized as error:
            return error
        self.records.append(record)
        self.once = self.once or is_derived(record.id)
        return notes

    def answer(self, recorded: Sequence[bool] | None) -> bytes:
        """The body of the answer. `recorded`: which of `records` were new; None: all."""
        places = iter(zip(self.records, recorded or (True,) * len(self.records), strict=True))
        results = []
        for answer in self._answers:
            if isinstance(answer, CallerError):
                results.append(plain_error(answer).body)
            else:
                record, new = next(places)
                results.append(accepted(record.id, answer, new=new))
        return b'{"status":"ok","results":[' + b",".join(results) + b"]}"


def split(body: bytes, *, lines: bool) -> Sequence[Item | CallerError]:
    """The items of a batch, or what is wrong with each. `lines`: NDJSON. Raises `BadRequest` for a body that is
    neither, `TooLarge` for more than 1,000 events."""
    if lines:
        pieces = [line for line in body.split(b"\n", 2 * LIMIT) if line.strip()]
        _count(pieces)
        return [_one(piece) for piece in pieces]
    try:
        found: list[Item] = _present(_items.decode(body))
    except msgspec.ValidationError:
        return _each(body)
    except UNDECODABLE as error:
        raise not_json(error) from error
    _count(found)
    return found


def _each(body: bytes) -> Sequence[Item | CallerError]:
    """The slow way, when at least one item is no item."""
    try:
        pieces: list[Raw] = _present(_raws.decode(body))
    except msgspec.ValidationError as error:
        raise BadRequest(
            "A batch is a JSON array of events, or NDJSON with its content type.", field="body"
        ) from error
    except UNDECODABLE as error:
        raise not_json(error) from error
    _count(pieces)
    return [_one(piece) for piece in pieces]


def _present(places: msgspec.Struct) -> list[Any]:
    return [item for item in msgspec.structs.astuple(places) if item is not UNSET]


def _count(pieces: Sequence[object]) -> None:
    if len(pieces) > LIMIT:
        raise TooLarge(f"A batch holds at most {LIMIT} events; send the rest in another.", field="body")


def _one(piece: bytes | Raw) -> Item | CallerError:
    try:
        return _item.decode(piece)
    except msgspec.ValidationError as error:
        return BadRequest(
            "An event of a batch is an object with `type` and `data`, and perhaps `id` (text or a whole number),"
            f" `time` (unix seconds or RFC 3339) or `age` (seconds): {error}"
        )
    except UNDECODABLE as error:
        return not_json(error)


def _since(age: float, now: int) -> float:
    """When something of this age happened, in unix seconds. Raises `BadRequest`."""
    if not 0 <= age <= OLDEST:
        raise BadRequest(f"An age has 0 to {OLDEST} seconds.", field="age")
    return now / SECOND - age  # exact to a microsecond until the year 2255


def _in_item(error: BadRequest) -> BadRequest:
    """An error about a body, told about an item of a batch: the body is its `data` there."""
    return BadRequest(
        error.message,
        field=_renamed(error.field) if error.field else None,
        faults=tuple(Fault(_renamed(fault.field), fault.reason) for fault in error.faults),
    )


_ENVELOPE = {"x-event-type": "type", "body": "data", "time": "time"}


def _renamed(field: str) -> str:
    return _ENVELOPE.get(field) or f"data.{field}"


def _repeatable(record: Record) -> Record:
    """The record with an id that `append_once` takes, beside others that their sender numbered."""
    return record if is_derived(record.id) else record._replace(id=derived_id(record.id, "batch"))
