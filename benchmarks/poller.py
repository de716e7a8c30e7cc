"""A receiver that reads a queue by long polling, in a process of its own, as cheaply as one can: it shares the cores of what is
measured, where boto3 would take more than a fifth of one.

    python -m benchmarks.poller URL QUEUE_URL KEY SECRET

It prints `ready`, reads until its standard input ends, and then prints when each activity came: `{id: seconds}` by the
machine's monotonic clock. What it has read it leaves in the queue, hidden: only receiving is measured. Each request is the
same, so it is signed (by botocore) once a minute and sent as it is.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

SIGNED_FOR = 60.0  # seconds for which a signed request is used: SQS takes one for 15 minutes

_ID = re.compile(rb"<ActivityId>([^<]+)<")
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)


def poll(url: str, queue: str, key: str, secret: str) -> None:
    """Read until there is no more to come."""
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    came: dict[str, float] = {}
    where = urlsplit(url)
    request, signed = b"", -SIGNED_FOR
    with socket.create_connection((where.hostname, where.port or 80)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print("ready", flush=True)
        while not over.is_set():
            if time.monotonic() - signed >= SIGNED_FOR:
                request, signed = _signed(url, queue, Credentials(key, secret)), time.monotonic()
            connection.sendall(request)
            answer, now = _answer(connection), time.monotonic()
            for activity in _ID.findall(answer):
                came.setdefault(activity.decode(), now)
    print(json.dumps(came), flush=True)


def _signed(url: str, queue: str, credentials: Credentials) -> bytes:
    """A ReceiveMessage of ten that waits for a second, ready to be sent."""
    body = json.dumps({"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1})
    headers = {
        "Host": urlsplit(url).netloc,
        "Content-Type": "application/x-amz-json-1.0",
        "X-Amz-Target": "AmazonSQS.ReceiveMessage",
    }
    asked = AWSRequest(method="POST", url=f"{url}/", data=body, headers=headers)
    SigV4Auth(credentials, "sqs", "us-east-1").add_auth(asked)
    lines = [f"{name}: {value}" for name, value in asked.headers.items()]
    head = "\r\n".join(("POST / HTTP/1.1", *lines, f"Content-Length: {len(body)}", "", ""))
    return head.encode() + body.encode()


def _answer(connection: socket.socket) -> bytes:
    """The next answer. Raises RuntimeError unless it is a 200 that says how long it is."""
    came = b""
    while (end := came.find(b"\r\n\r\n")) < 0:
        came += _more(connection)
    length = _LENGTH.search(came, 0, end)
    if not came.startswith(b"HTTP/1.1 200") or length is None:
        raise RuntimeError(f"the queue answered {came[:1000]!r}")
    while len(came) < end + 4 + int(length[1]):
        came += _more(connection)
    return came


def _more(connection: socket.socket) -> bytes:
    """What comes next. Raises RuntimeError at the end."""
    came = connection.recv(1 << 16)
    if not came:
        raise RuntimeError("the server hung up")
    return came


if __name__ == "__main__":
    poll(*sys.argv[1:5])
