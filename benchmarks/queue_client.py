"""One client of the scene `queues`: boto3 in a process of its own, so that several of them can keep a server busy.

Each line that comes in is a task, `QUEUE STEP SECONDS MOST`: it ends after so many seconds, or messages; each line that goes out is how
many were done. Steps: send, receive, delete (what was received before), and the cycle of all three.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

BATCH = 10
BODY = "<ActivityItems><OpenActivity>" + "x" * 600 + "</OpenActivity></ActivityItems>"


class Client:
    """A receiver that also sends. `handles`: what it has received and not deleted yet."""

    def __init__(self, server: str, key: str, secret: str) -> None:
        self.sqs: Any = boto3.client(
            "sqs",
            endpoint_url=server,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 0}),
        )
        self.queue = ""
        self.entries = [{"Id": str(n), "MessageBody": BODY} for n in range(BATCH)]
        self.handles: list[str] = []

    def turn_to(self, name: str) -> None:
        """Work on the queue of this name, made by whoever comes first."""
        made = self.sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "600"})
        if made["QueueUrl"] != self.queue:
            self.queue, self.handles = made["QueueUrl"], []

    def send(self) -> int:
        """Ten more; how many."""
        sent = self.sqs.send_message_batch(QueueUrl=self.queue, Entries=self.entries)
        return len(sent["Successful"])

    def receive(self) -> int:
        """Up to ten; how many, 0 when there are none left."""
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=BATCH).get("Messages", [])
        self.handles += [message["ReceiptHandle"] for message in found]
        return len(found)

    def delete(self) -> int:
        """Ten of what was received; how many, 0 when there are none left."""
        mine, self.handles = self.handles[:BATCH], self.handles[BATCH:]
        if not mine:
            return 0
        told = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(mine)]
        return len(self.sqs.delete_message_batch(QueueUrl=self.queue, Entries=told)["Successful"])

    def cycle(self) -> int:
        """Send ten, receive ten, delete ten; how many went all the way."""
        self.send()
        self.receive()
        return self.delete()


def main() -> None:
    """Work until there are no more tasks."""
    client = Client(*sys.argv[1:])
    steps: dict[str, Callable[[], int]] = {
        "send": client.send,
        "receive": client.receive,
        "delete": client.delete,
        "cycle": client.cycle,
    }
    print("ready", flush=True)
    for task in sys.stdin:
        queue, step, seconds, most = task.split()
        client.turn_to(queue)
        done, latest, end = 0, 1, time.monotonic() + float(seconds)
        while latest and done < int(most) and time.monotonic() < end:
            latest = steps[step]()
            done += latest
        print(done, flush=True)


if __name__ == "__main__":
    main()
