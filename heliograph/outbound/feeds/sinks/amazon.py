"""Queues and topics at Amazon itself: `arn:aws:sqs:REGION:ACCOUNT:NAME` and `arn:aws:sns:REGION:ACCOUNT:NAME`.

boto3 does the work, with credentials found by its own chain (environment, profile, role of the machine). Events that
wait at the same time go in one call, up to ten. A feed's endpoint is somebody's word while the credentials are the
operator's, so only the targets that the setting `aws_targets` lists may be named.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import re
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, NamedTuple

from heliograph.errors import OperatorError
from heliograph.journal.consumer import Delivered, Outcome, Refused, Retry
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.dialect import EVENT_HEADER
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.queues.model import ILLEGAL
from heliograph.settings import Settings

KIND_ATTRIBUTE = "X-Heliograph-Kind"
"""Message attribute beside that of the event's id, so that Amazon's own filter policies can choose."""

AT_ONCE = 10
"""Entries of one call (SQS and SNS: the same)."""

CALL_BYTES = 250_000
"""Of all entries of one call; SNS takes 262,144 bytes with attributes."""

CALLS = 4
"""Under way at once, for each target; one where order matters (`.fifo`)."""

_ARN = re.compile(
    r"arn:(?P<partition>aws[a-z-]*):(?P<service>sqs|sns):(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>[A-Za-z0-9_-]{1,256}(\.fifo)?)"
)

Send = Callable[[list[dict[str, Any]]], dict[str, Any]]
"""One call of boto3's with these entries."""


class _Entry(NamedTuple):
    """One event that waits for its call."""

    body: str
    told: Told
    outcome: asyncio.Future[Outcome]


@dataclass(slots=True)
class _Courier:
    """Brings what waits to one target; entries that arrive while calls are under way share the next one."""

    send: Send
    fifo: bool
    body_field: str
    threads: ThreadPoolExecutor
    waiting: deque[_Entry] = field(default_factory=deque)
    calls: set[asyncio.Task[None]] = field(default_factory=set)

    async def deliver(self, told: Told) -> Outcome:
        """Put one event there."""
        body = ILLEGAL.sub("", told.rendered.body.decode())
        if len(body.encode()) > CALL_BYTES:
            return Refused(f"{len(body.encode())} bytes are more than Amazon takes")
        entry = _Entry(body, told, asyncio.get_running_loop().create_future())
        self.waiting.append(entry)
        if len(self.calls) < (1 if self.fifo else CALLS):
            task = asyncio.get_running_loop().create_task(self._work())
            self.calls.add(task)
            task.add_done_callback(self.calls.discard)
        return await entry.outcome

    async def _work(self) -> None:
        while self.waiting:
            chosen = self._next()
            entries = [self._put(place, entry) for place, entry in enumerate(chosen)]
            try:
                answer = await asyncio.get_running_loop().run_in_executor(self.threads, self.send, entries)
            except Exception as error:
                _settle(chosen, [Retry(f"{type(error).__name__}: {error}"[:500])] * len(chosen))
            else:
                _settle(chosen, _outcomes(answer, len(chosen)))

    def _next(self) -> list[_Entry]:
        chosen: list[_Entry] = []
        size = 0
        while self.waiting and len(chosen) < AT_ONCE:
            size += len(self.waiting[0].body.encode()) + 512
            if chosen and size > CALL_BYTES:
                break
            chosen.append(self.waiting.popleft())
        return chosen

    def _put(self, place: int, entry: _Entry) -> dict[str, Any]:
        event = entry.told.event
        put: dict[str, Any] = {
            "Id": str(place),
            self.body_field: entry.body,
            "MessageAttributes": {
                EVENT_HEADER: {"DataType": "String", "StringValue": event.id},
                KIND_ATTRIBUTE: {"DataType": "String", "StringValue": event.kind},
            },
        }
        if self.fifo:
            put["MessageGroupId"] = re.sub(r"[^!-~]", "_", event.subject)[:128]
            put["MessageDeduplicationId"] = event.id
        return put

    async def close(self) -> None:
        """Wait for the calls under way."""
        await asyncio.gather(*self.calls, return_exceptions=True)
        self.threads.shutdown(wait=False)


def _settle(chosen: Sequence[_Entry], outcomes: Sequence[Outcome]) -> None:
    for entry, outcome in zip(chosen, outcomes, strict=True):
        if not entry.outcome.done():
            entry.outcome.set_result(outcome)


def _outcomes(answer: dict[str, Any], count: int) -> list[Outcome]:
    """What became of each entry: a fault of the sender's own is for good, any other passes."""
    outcomes: list[Outcome] = [Retry("Amazon's answer does not name it")] * count
    for done in answer.get("Successful", ()):
        outcomes[int(done["Id"])] = Delivered(done["MessageId"])
    for failed in answer.get("Failed", ()):
        why = f"{failed['Code']}: {failed.get('Message', '')}"
        outcomes[int(failed["Id"])] = Refused(why) if failed.get("SenderFault") else Retry(why)
    return outcomes


async def deliver(told: Told, means: Means) -> Exchange:
    """Bring one event to its queue or topic; there when this returns."""
    return Exchange(outcome=await _brought(told, means))


async def _brought(told: Told, means: Means) -> Outcome:
    why = fault(told.endpoint, means.settings)
    if why is not None:
        return Refused(why)
    try:
        courier = await means.links.get(told.endpoint, partial(asyncio.to_thread, _courier, told.endpoint))
    except Exception as error:
        return Retry(f"{type(error).__name__}: {error}"[:500])
    return await courier.deliver(told)


def _courier(arn: str) -> _Courier:
    """A client of its own and the way to send with it. Blocks: the URL of a queue is asked for."""
    named = _ARN.fullmatch(arn)
    if named is None:
        raise OperatorError(f"{arn} names no queue or topic")
    client = (
        importlib.import_module("boto3")
        .session.Session()
        .client(named["service"], region_name=named["region"])
    )
    threads = ThreadPoolExecutor(CALLS, thread_name_prefix="amazon")
    fifo = named["name"].endswith(".fifo")
    if named["service"] == "sns":

        def publish(entries: list[dict[str, Any]]) -> dict[str, Any]:
            return dict(client.publish_batch(TopicArn=arn, PublishBatchRequestEntries=entries))

        return _Courier(publish, fifo, "Message", threads)
    url = client.get_queue_url(QueueName=named["name"], QueueOwnerAWSAccountId=named["account"])["QueueUrl"]

    def send(entries: list[dict[str, Any]]) -> dict[str, Any]:
        return dict(client.send_message_batch(QueueUrl=url, Entries=entries))

    return _Courier(send, fifo, "MessageBody", threads)


def fault(endpoint: str, settings: Settings) -> str | None:
    """Why nothing is brought to this ARN."""
    if _ARN.fullmatch(endpoint) is None:
        return "an Amazon target is arn:aws:sqs:REGION:ACCOUNT:QUEUE or arn:aws:sns:REGION:ACCOUNT:TOPIC"
    if not any(fnmatchcase(endpoint, pattern) for pattern in settings.aws_targets):
        return "the setting aws_targets does not list this ARN; it says what our credentials may be used for"
    if importlib.util.find_spec("boto3") is None:
        return "Amazon's services need boto3: pip install 'heliograph[aws]'"
    return None


SINK = Sink("amazon", ("arn",), fault, deliver)
