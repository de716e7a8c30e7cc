"""Queues without a server, on a clock that only moves when told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from heliograph.aws.door import Call
from heliograph.clock import ManualClock
from heliograph.outbound.queues import sqs_service
from heliograph.queues.file import QueueFile
from heliograph.queues.moving import move_some

ACCOUNT = "111111111111"


class World:
    """Queues on a clock that only moves when told."""

    def __init__(self, data: Path) -> None:
        self.clock = ManualClock()
        self.file = QueueFile(data)
        self.operations = sqs_service(self.file, "http://here", self.clock).operations

    def close(self) -> None:
        self.file.close()

    async def ask(self, operation: str, **parameters: Any) -> Any:
        return await self.operations[operation](Call(operation, parameters, ACCOUNT, ""))

    async def queue(self, name: str, **attributes: str) -> str:
        if name.endswith(".fifo"):
            attributes["FifoQueue"] = "true"
        made = await self.ask("CreateQueue", QueueName=name, Attributes=attributes)
        return str(made["QueueUrl"])

    async def send(self, url: str, body: str, **more: Any) -> Any:
        return await self.ask("SendMessage", QueueUrl=url, MessageBody=body, **more)

    async def received(self, url: str, **more: Any) -> list[Any]:
        answer = await self.ask(
            "ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0, **more
        )
        return list(answer.get("Messages", []))

    async def bodies(self, url: str, **more: Any) -> list[str]:
        return [message["Body"] for message in await self.received(url, **more)]

    async def handles(self, url: str, **more: Any) -> dict[str, str]:
        """Those of the next ten messages, by their bodies."""
        return {message["Body"]: message["ReceiptHandle"] for message in await self.received(url, **more)}

    async def counts(self, url: str) -> tuple[int, ...]:
        names = ("", "NotVisible", "Delayed")
        told = await self.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
        return tuple(int(told["Attributes"][f"ApproximateNumberOfMessages{name}"]) for name in names)

    async def step(self) -> bool:
        now = self.clock.now() // 1000
        return await self.file.do(lambda connection: move_some(connection, now))
