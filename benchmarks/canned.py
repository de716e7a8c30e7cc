"""A queue service that does nothing: it answers every call at once with the same well-formed bytes.

What a client can do with it, it can do with no server. Nothing is parsed but where a request ends and which operation it names;
nothing is checked or kept. Argument: the port.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from typing import cast

import uvloop

from benchmarks.queue_client import BATCH, BODY

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_OPERATION = re.compile(rb"x-amz-target: *AmazonSQS\.(\w+)", re.IGNORECASE)

DIGEST, ID, HANDLE = "0" * 32, "0" * 8 + "-0000-4000-8000-" + "0" * 12, "A" * 24
RESULTS = {
    "CreateQueue": {"QueueUrl": "http://127.0.0.1/000000000000/canned"},
    "SendMessageBatch": {
        "Successful": [{"Id": str(n), "MD5OfMessageBody": DIGEST, "MessageId": ID} for n in range(BATCH)]
    },
    "ReceiveMessage": {
        "Messages": [
            {"MessageId": ID, "ReceiptHandle": HANDLE, "MD5OfBody": DIGEST, "Body": BODY}
            for _ in range(BATCH)
        ]
    },
    "DeleteMessageBatch": {"Successful": [{"Id": str(n)} for n in range(BATCH)]},
}


def _answer(result: object) -> bytes:
    body = json.dumps(result, separators=(",", ":")).encode()
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


ANSWERS = {name.encode(): _answer(result) for name, result in RESULTS.items()}
READY = _answer({})


class Canned(asyncio.Protocol):
    """One connection; its client sends the next request when it has the answer."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport, self._came = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer as soon as the request is whole."""
        self._came += data
        end = self._came.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._came, 0, end)
        if len(self._came) < end + 4 + int(length[1] if length else 0):
            return
        operation = _OPERATION.search(self._came, 0, end)
        self._came = b""
        self._transport.write(ANSWERS[operation[1]] if operation else READY)


async def main() -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Canned, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
