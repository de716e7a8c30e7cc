"""A receiver that reads a queue by long polling with boto3, in a process of its own.

    python -m benchmarks.poller URL QUEUE_URL KEY SECRET

It prints `ready`, reads until its standard input ends, and then prints when each activity came: `{id: seconds}` by the
machine's monotonic clock. What it has read it leaves in the queue, hidden: only receiving is measured.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time

import boto3
from botocore.config import Config

_ID = re.compile(r"<ActivityId>([^<]+)<")


def poll(url: str, queue: str, key: str, secret: str) -> None:
    """Read until there is no more to come."""
    sqs = boto3.client(
        "sqs",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}),
    )
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    came: dict[str, float] = {}
    print("ready", flush=True)
    while not over.is_set():
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        now = time.monotonic()
        for message in answer.get("Messages", ()):
            for activity in _ID.findall(message["Body"]):
                came.setdefault(activity, now)
    print(json.dumps(came), flush=True)


if __name__ == "__main__":
    poll(*sys.argv[1:5])
