"""SQS as a service behind the Amazon-shaped door: each operation reads what it is asked, does it in one transaction, and
says what came of it in Amazon's names (SQS-1, SQS-8, SQS-9).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import apsw
import msgspec

from heliograph.aws.door import Call, Operation, Service
from heliograph.aws.query import Flat
from heliograph.clock import Clock
from heliograph.outbound.queues import asked
from heliograph.outbound.queues.faults import sqs_fault
from heliograph.outbound.queues.permissions import allowed, granted, withdrawn
from heliograph.outbound.queues.traffic import Traffic
from heliograph.queues import keeping, moving
from heliograph.queues.file import QueueFile
from heliograph.queues.model import Queue, QueueFault, named_by

PAGE = 1000
"""Queues in one answer, at most."""

_URL = re.compile(r"(?:https?://[^/]+)?/(\d{12})/([A-Za-z0-9_.-]{1,80})/?")

FLAT = Flat(
    lists={
        "AttributeName": "AttributeNames",
        "MessageAttributeName": "MessageAttributeNames",
        "MessageSystemAttributeName": "MessageSystemAttributeNames",
        "TagKey": "TagKeys",
        "AWSAccountId": "AWSAccountIds",
        "ActionName": "Actions",
        "SendMessageBatchRequestEntry": "Entries",
        "DeleteMessageBatchRequestEntry": "Entries",
        "ChangeMessageVisibilityBatchRequestEntry": "Entries",
    },
    maps={
        "Attribute": ("Attributes", "Name", "Value"),
        "Tag": ("Tags", "Key", "Value"),
        "MessageAttribute": ("MessageAttributes", "Name", "Value"),
        "MessageSystemAttribute": ("MessageSystemAttributes", "Name", "Value"),
    },
    elements={
        "QueueUrls": "QueueUrl",
        "queueUrls": "QueueUrl",
        "Messages": "Message",
        "Results": "ListMessageMoveTasksResultEntry",
        "Successful": "*ResultEntry",
        "Failed": "BatchResultErrorEntry",
    },
    pairs={
        "Attributes": ("Attribute", "Name", "Value"),
        "MessageAttributes": ("MessageAttribute", "Name", "Value"),
        "Tags": ("Tag", "Key", "Value"),
    },
)

T = TypeVar("T")
P = TypeVar("P", bound=msgspec.Struct)
OnQueue = Callable[[apsw.Connection, Queue, Any, int], Mapping[str, Any]]


def sqs_service(file: QueueFile, base_url: str, clock: Clock) -> Service:
    """The service. `base_url` is where queue URLs begin: `base_url/ACCOUNT/NAME` (SQS-8)."""
    desk = _Desk(file, base_url.rstrip("/"), clock)
    traffic = Traffic(file, clock, desk.queue)
    return Service(
        name="sqs",
        version="2012-11-05",
        target="AmazonSQS",
        json_namespace="com.amazonaws.sqs",
        query_namespace="http://queue.amazonaws.com/doc/2012-11-05/",
        flat=FLAT,
        operations={**desk.operations(), **traffic.operations()},
        fault=sqs_fault,
    )


class _Desk:
    """The operations on queues themselves."""

    def __init__(self, file: QueueFile, base_url: str, clock: Clock) -> None:
        self._file, self._base_url, self._clock = file, base_url, clock

    def operations(self) -> dict[str, Operation]:
        """By Amazon's names."""
        on = self._on_queue
        return {
            "CreateQueue": self._create,
            "GetQueueUrl": self._url_of,
            "ListQueues": self._list,
            "ListDeadLetterSourceQueues": on(asked.ListSources, self._sources),
            "GetQueueAttributes": on(asked.GetAttributes, _attributes),
            "SetQueueAttributes": on(asked.SetAttributes, _set),
            "TagQueue": on(asked.Tag, _tag),
            "UntagQueue": on(asked.Untag, _untag),
            "ListQueueTags": on(asked.Asked, _tags),
            "AddPermission": on(asked.Permit, _permit),
            "RemovePermission": on(asked.Permit, _forbid),
            "PurgeQueue": on(asked.Asked, _purge),
            "DeleteQueue": on(asked.Asked, _delete),
            "StartMessageMoveTask": self._start_move,
            "CancelMessageMoveTask": self._cancel_move,
            "ListMessageMoveTasks": self._list_moves,
        }

    def queue(self, connection: apsw.Connection, call: Call, url: str) -> Queue:
        """The queue that a call is about, by its URL or by the path it came to. Raises `QueueFault`."""
        found = _URL.fullmatch(url or call.path)
        if found is None:
            if not url:
                raise QueueFault("MissingParameter", "The request must contain the parameter QueueUrl.")
            raise QueueFault("InvalidAddress", f"The address {url[:200]} is not valid for this endpoint.")
        queue = keeping.get(connection, *found.groups())
        if not allowed(queue, call.account, call.operation):
            raise QueueFault("AccessDenied", "Access to the resource is denied.")
        return queue

    def _on_queue(self, kind: type[asked.Asked], work: OnQueue) -> Operation:
        async def operation(call: Call) -> Mapping[str, Any]:
            wanted = asked.read(call.parameters, kind)
            now = self._now()

            def step(connection: apsw.Connection) -> Mapping[str, Any]:
                return work(connection, self.queue(connection, call, wanted.queue_url), wanted, now)

            return await self._file.do(step)

        return operation

    async def _create(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.CreateQueue)
        now, tags = self._now(), wanted.tags | wanted.more_tags
        queue = await self._file.do(
            lambda c: keeping.create(c, call.account, wanted.queue_name, wanted.attributes, tags, now)
        )
        return {"QueueUrl": self._url(queue.account, queue.name)}

    async def _url_of(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.GetQueueUrl)

        def step(connection: apsw.Connection) -> Queue:
            queue = keeping.get(connection, wanted.owner or call.account, wanted.queue_name)
            if not allowed(queue, call.account, call.operation):
                raise QueueFault("AccessDenied", "Access to the resource is denied.")
            return queue

        queue = await self._file.do(step)
        return {"QueueUrl": self._url(queue.account, queue.name)}

    async def _list(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.ListQueues)
        most = _page(wanted.max_results)
        names = await self._file.do(
            lambda c: keeping.listed(c, call.account, wanted.queue_name_prefix, wanted.next_token, most + 1)
        )
        return self._named("QueueUrls", call.account, names, most, paged=wanted.max_results is not None)

    def _sources(self, connection: apsw.Connection, queue: Queue, wanted: Any, _: int) -> Mapping[str, Any]:
        most = _page(wanted.max_results)
        names = [name for name in keeping.sources_of(connection, queue) if name > wanted.next_token]
        return self._named("queueUrls", queue.account, names, most, paged=wanted.max_results is not None)

    def _named(
        self, member: str, account: str, names: list[str], most: int, *, paged: bool
    ) -> Mapping[str, Any]:
        """Names as URLs; Amazon gives a token only to who asked for a page."""
        urls = [self._url(account, name) for name in names[:most]]
        more = {"NextToken": names[most - 1]} if paged and len(names) > most else {}
        if not urls and member == "QueueUrls":
            return more
        return {member: urls, **more}

    async def _start_move(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.StartMove)
        now = self._now()

        def step(connection: apsw.Connection) -> str:
            source = self._by_arn(connection, call, wanted.source_arn)
            destination = None
            if wanted.destination_arn:
                destination = self._by_arn(connection, call, wanted.destination_arn)
                if destination is None:
                    raise QueueFault("ResourceNotFoundException", "The destination queue does not exist.")
            rate = wanted.max_number_of_messages_per_second
            return moving.start(connection, source, destination, rate, now)

        return {"TaskHandle": await self._file.do(step)}

    async def _cancel_move(self, call: Call) -> Mapping[str, Any]:
        handle = asked.read(call.parameters, asked.CancelMove).task_handle
        named = moving.owner(handle)
        if named is None or named[0] != call.account:
            raise QueueFault("ResourceNotFoundException", "Task does not exist.")
        return {"ApproximateNumberOfMessagesMoved": await self._file.do(lambda c: moving.cancel(c, handle))}

    async def _list_moves(self, call: Call) -> Mapping[str, Any]:
        wanted = asked.read(call.parameters, asked.ListMoves)

        def step(connection: apsw.Connection) -> list[moving.Task]:
            source = self._by_arn(connection, call, wanted.source_arn)
            if source is None:
                raise QueueFault(
                    "ResourceNotFoundException",
                    "The resource that you specified for the SourceArn parameter doesn't exist.",
                )
            return moving.tasks(connection, source, wanted.max_results)

        return {"Results": [_task(task) for task in await self._file.do(step)]}

    def _by_arn(self, connection: apsw.Connection, call: Call, arn: str) -> Queue | None:
        named = named_by(arn)
        return keeping.find(connection, *named) if named and named[0] == call.account else None

    def _url(self, account: str, name: str) -> str:
        return f"{self._base_url}/{account}/{name}"

    def _now(self) -> int:
        return self._clock.now() // 1000


def _page(most: int | None) -> int:
    if most is not None and not 1 <= most <= PAGE:
        raise QueueFault("InvalidParameterValue", f"MaxResults must be between 1 and {PAGE}.")
    return most or PAGE


def _attributes(connection: apsw.Connection, queue: Queue, wanted: Any, now: int) -> Mapping[str, Any]:
    found = keeping.attributes(connection, queue, wanted.attribute_names, now)
    return {"Attributes": found} if found else {}


def _set(connection: apsw.Connection, queue: Queue, wanted: Any, now: int) -> Mapping[str, Any]:
    keeping.change(connection, queue, wanted.attributes, now)
    return {}


def _tag(connection: apsw.Connection, queue: Queue, wanted: Any, _: int) -> Mapping[str, Any]:
    keeping.tag(connection, queue, wanted.tags)
    return {}


def _untag(connection: apsw.Connection, queue: Queue, wanted: Any, _: int) -> Mapping[str, Any]:
    keeping.tag(connection, queue, {}, wanted.tag_keys)
    return {}


def _tags(_: apsw.Connection, queue: Queue, __: Any, ___: int) -> Mapping[str, Any]:
    return {"Tags": queue.tags} if queue.tags else {}


def _permit(connection: apsw.Connection, queue: Queue, wanted: Any, now: int) -> Mapping[str, Any]:
    policy = granted(queue, wanted.label, wanted.accounts, wanted.actions)
    keeping.change(connection, queue, {"Policy": policy}, now)
    return {}


def _forbid(connection: apsw.Connection, queue: Queue, wanted: Any, now: int) -> Mapping[str, Any]:
    keeping.change(connection, queue, {"Policy": withdrawn(queue, wanted.label)}, now)
    return {}


def _purge(connection: apsw.Connection, queue: Queue, _: Any, now: int) -> Mapping[str, Any]:
    keeping.purge(connection, queue, now)
    return {}


def _delete(connection: apsw.Connection, queue: Queue, _: Any, now: int) -> Mapping[str, Any]:
    keeping.remove(connection, queue, now)
    return {}


def _task(task: moving.Task) -> dict[str, Any]:
    """A move by Amazon's names; the handle only while it can be cancelled."""
    entry = {
        "TaskHandle": task.handle if task.status == "RUNNING" else None,
        "Status": task.status,
        "SourceArn": task.source,
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.wanted,
        "FailureReason": task.failure,
        "StartedTimestamp": task.started,
    }
    return {name: value for name, value in entry.items() if value is not None}
