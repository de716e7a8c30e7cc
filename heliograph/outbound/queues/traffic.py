"""The operations on messages: send, receive, delete, change visibility; one by one and in batches (SQS-1, SQS-5, SQS-6).

A receive that finds nothing waits without holding a transaction: it looks every few milliseconds whether its queue has
something to hand out, which any process may have put there, or which is hidden no longer; then it asks again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import apsw

from heliograph.aws.door import Call, Operation
from heliograph.clock import Clock
from heliograph.errors import CallerError
from heliograph.outbound.queues import asked
from heliograph.outbound.queues.faults import query_code, sqs_fault
from heliograph.outbound.queues.handed import check_names, told
from heliograph.outbound.queues.outgoing import check_batch, outgoing
from heliograph.queues import messages
from heliograph.queues.file import QueueFile, Work
from heliograph.queues.keeping import dead_letters_of
from heliograph.queues.model import Queue, QueueFault

LOOK_SECONDS = 0.02
"""How often a waiting receive looks whether there is something."""

MOST_ENTRIES = 10

_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")

Find = Callable[[apsw.Connection, Call, str], Queue]
T = TypeVar("T")
E = TypeVar("E", bound="asked.Entry | asked.SendEntry")


class Traffic:
    """The operations, by Amazon's names. `find` gives the queue that a call is about."""

    def __init__(self, file: QueueFile, clock: Clock, find: Find) -> None:
        self._file, self._clock, self._find = file, clock, find
        self._in_flight = messages.InFlight()

    def operations(self) -> dict[str, Operation]:
        """By Amazon's names."""
        return {
            "SendMessage": self._send,
            "SendMessageBatch": self._send_batch,
            "ReceiveMessage": self._receive,
            "DeleteMessage": self._delete,
            "DeleteMessageBatch": self._delete_batch,
            "ChangeMessageVisibility": self._hide,
            "ChangeMessageVisibilityBatch": self._hide_batch,
        }

    async def _send(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.SendMessage)
        now = self._now()

        def step(connection: apsw.Connection) -> dict[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            out = outgoing(queue, wanted, call.account)
            return _sent(out, messages.put(connection, queue, out, now))

        return await self._do(call, wanted.queue_url, step)

    async def _send_batch(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.SendBatch)
        now = self._now()

        def step(connection: apsw.Connection) -> Mapping[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            _check_entries(wanted.entries)
            check_batch(wanted.entries)
            good, bad = _tried(wanted.entries, lambda entry: outgoing(queue, entry, call.account))
            put = messages.put_all(connection, queue, [out for _, out in good], now)
            sent = [{"Id": id_, **_sent(out, new)} for (id_, out), new in zip(good, put, strict=True)]
            return _outcome(sent, bad)

        return await self._do(call, wanted.queue_url, step)

    async def _receive(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.Receive)
        _check_receive(wanted)
        system = {*wanted.attribute_names, *wanted.message_system_attribute_names}
        check_names(system)
        end: float | None = None
        while True:
            queue, found = await self._do(
                call, wanted.queue_url, lambda c: self._handed(c, call, wanted), durable=False
            )
            if found:
                names = wanted.message_attribute_names
                return {"Messages": [told(message, system, names, fifo=queue.fifo) for message in found]}
            if end is None:
                wait = wanted.wait_time_seconds
                end = self._clock.monotonic() + (
                    queue.number("ReceiveMessageWaitTimeSeconds") if wait is None else wait
                )
            if not await self._something_waits(queue, end):
                return {}

    def _handed(
        self, connection: apsw.Connection, call: Call, wanted: asked.Receive
    ) -> tuple[Queue, list[messages.Received]]:
        queue = self._find(connection, call, wanted.queue_url)
        hidden = wanted.visibility_timeout
        visibility = queue.number("VisibilityTimeout") if hidden is None else hidden
        now = self._now()
        if queue.fifo and wanted.receive_request_attempt_id:
            messages.undo_attempt(connection, queue, wanted.receive_request_attempt_id, now)
        found = messages.receive(
            connection,
            queue,
            wanted.max_number_of_messages,
            visibility,
            now,
            in_flight=self._in_flight,
            dead_letters=dead_letters_of(connection, queue),
        )
        if queue.fifo and wanted.receive_request_attempt_id and found:
            messages.keep_attempt(connection, queue, wanted.receive_request_attempt_id, found, now)
        return queue, found

    async def _something_waits(self, queue: Queue, end: float) -> bool:
        """Wait until there is something to hand out; False when the time is over."""
        while (left := end - self._clock.monotonic()) > 0:
            if self._file.look(lambda connection: messages.ready(connection, queue, self._now())):
                return True
            await self._clock.sleep(min(LOOK_SECONDS, max(left, 0.001)))
        return False

    async def _delete(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.Delete)

        def step(connection: apsw.Connection) -> Mapping[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            messages.delete(connection, queue, (messages.read_handle(wanted.receipt_handle),))
            return {}

        return await self._do(call, wanted.queue_url, step, durable=False)

    async def _delete_batch(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.DeleteBatch)

        def step(connection: apsw.Connection) -> Mapping[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            _check_entries(wanted.entries)

            good, bad = _tried(wanted.entries, lambda entry: messages.read_handle(entry.receipt_handle))
            messages.delete(connection, queue, [handle for _, handle in good])
            return _outcome([{"Id": id_} for id_, _ in good], bad)

        return await self._do(call, wanted.queue_url, step, durable=False)

    async def _hide(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.Hide)

        def step(connection: apsw.Connection) -> Mapping[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            messages.hide(connection, queue, wanted.receipt_handle, wanted.visibility_timeout, self._now())
            return {}

        return await self._do(call, wanted.queue_url, step, durable=False)

    async def _hide_batch(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.HideBatch)

        def step(connection: apsw.Connection) -> Mapping[str, Any]:
            queue = self._find(connection, call, wanted.queue_url)
            _check_entries(wanted.entries)
            now = self._now()

            def one(entry: asked.HideEntry) -> None:
                messages.hide(connection, queue, entry.receipt_handle, entry.visibility_timeout, now)

            good, bad = _tried(wanted.entries, one)
            return _outcome([{"Id": id_} for id_, _ in good], bad)

        return await self._do(call, wanted.queue_url, step, durable=False)

    async def _do(self, call: Call, url: str, step: Work[T], *, durable: bool = True) -> T:
        """Do this with the queue that a call names. With a standard one it is brief, and `durable` only where it need be:
        such a queue may give a message again. FIFO queues may look long for a group that nobody works on, and what they
        hand out or delete is as durable as what is sent to them, since they promise that nobody gets a message while another
        has it, or after it was deleted (SQS-DG, "exactly-once processing")."""
        if (url or call.path).rstrip("/").endswith(".fifo"):
            return await self._file.do(step)
        return await self._file.briefly(step, durable=durable)

    def _now(self) -> int:
        return self._clock.now() // 1000


def _sent(out: messages.Outgoing, put: messages.Put) -> dict[str, Any]:
    answer = {
        "MD5OfMessageBody": put.md5,
        "MD5OfMessageAttributes": out.md5_attributes,
        "MD5OfMessageSystemAttributes": out.md5_trace,
        "MessageId": put.id,
        "SequenceNumber": put.sequence,
    }
    return {name: value for name, value in answer.items() if value is not None}


def _tried(entries: Sequence[E], one: Callable[[E], T]) -> tuple[list[tuple[str, T]], list[dict[str, Any]]]:
    """Entries' ids with what came of them, and what was wrong with the others: a batch succeeds in part."""
    good: list[tuple[str, T]] = []
    bad: list[dict[str, Any]] = []
    for entry in entries:
        try:
            good.append((entry.id, one(entry)))
        except CallerError as error:
            fault = sqs_fault(error)
            code = query_code(fault.shape)
            bad.append({"Id": entry.id, "SenderFault": True, "Code": code, "Message": fault.message})
    return good, bad


def _outcome(good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> Mapping[str, Any]:
    return {name: value for name, value in (("Successful", good), ("Failed", bad)) if value}


def _check_entries(entries: Sequence[asked.Entry] | Sequence[asked.SendEntry]) -> None:
    if not entries:
        raise QueueFault("EmptyBatchRequest", "There should be at least one entry in the request.")
    if len(entries) > MOST_ENTRIES:
        raise QueueFault(
            "TooManyEntriesInBatchRequest",
            f"Maximum number of entries per request are {MOST_ENTRIES}. You have sent {len(entries)}.",
        )
    ids = [entry.id for entry in entries]
    for entry_id in ids:
        if not _ENTRY_ID.fullmatch(entry_id):
            raise QueueFault(
                "InvalidBatchEntryId",
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most"
                " 80 letters long.",
            )
    if len(set(ids)) < len(ids):
        twice = next(entry_id for entry_id in ids if ids.count(entry_id) > 1)
        raise QueueFault("BatchEntryIdsNotDistinct", f"Id {twice} repeated.")


def _check_receive(wanted: asked.Receive) -> None:
    for name, value, least, most in (
        ("MaxNumberOfMessages", wanted.max_number_of_messages, 1, 10),
        ("VisibilityTimeout", wanted.visibility_timeout, 0, 43_200),
        ("WaitTimeSeconds", wanted.wait_time_seconds, 0, 20),
    ):
        if value is not None and not least <= value <= most:
            raise QueueFault(
                "InvalidParameterValue",
                f"Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided.",
            )
