"""Applications that speak ASGI, behind the entry."""

from __future__ import annotations

import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from heliograph.web.asgi import AsgiBridge

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Stream:
    """An answer that goes on, as the server gives it: it ends when nobody holds it any more."""

    def __init__(self, sent: list[bytes]) -> None:
        self._sent = sent

    async def send_bytes(self, body: bytes) -> None:
        self._sent.append(body)


class Protocol:
    """What the server lets us do with a request."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.stream: weakref.ref[Stream] | None = None

    def response_stream(self, status: int, headers: Any) -> Stream:
        stream = Stream(self.sent)
        self.stream = weakref.ref(stream)
        return stream


class Scope:
    """A request for `/`."""

    http_version, method, path, query_string, scheme, server = "1.1", "GET", "/", "", "http", "127.0.0.1:80"
    headers: dict[str, str] = {}


async def test_a_streamed_answer_ends_with_its_last_message_whoever_still_holds_the_application() -> None:
    """Frameworks leave cycles behind, which the collector finds when it comes to it: minutes later, in a quiet worker."""
    held: list[Send] = []

    async def application(_: Any, __: Any, send: Send) -> None:
        held.append(send)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        assert protocol.stream is not None and protocol.stream() is not None
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    protocol: Any = Protocol()
    scope: Any = Scope()
    assert await AsgiBridge(application)(scope, protocol, "192.0.2.1", b"") == 200
    assert protocol.sent == [b"a"] and held
    assert protocol.stream() is None
