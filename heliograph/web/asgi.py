"""An ASGI application (pages, management calls) behind the RSGI entry: the scope, the messages, no more.

The server speaks RSGI because that costs a hot path half as much; frameworks speak ASGI. This is the adapter
between the two for everything that is not hot (ASGI 3.0, HTTP only).
"""

from __future__ import annotations

from typing import Any, Protocol


class RsgiScope(Protocol):
    """What Granian tells about a request (RSGI 1.x, HTTP)."""

    proto: str
    http_version: str
    server: str
    client: str
    scheme: str
    method: str
    path: str
    query_string: str
    headers: Any


class RsgiProtocol(Protocol):
    """What Granian lets us do with it."""

    async def __call__(self) -> bytes: ...
    def __aiter__(self) -> Any: ...
    async def client_disconnect(self) -> None: ...
    def response_bytes(self, status: int, headers: Any, body: bytes) -> None: ...
    def response_stream(self, status: int, headers: Any) -> Any: ...


class AsgiBridge:
    """Calls an ASGI application for RSGI requests."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: RsgiScope, protocol: RsgiProtocol, client: str, body: bytes) -> int:
        """Answer one request whose body is already read. Returns the status."""
        answer = _Answer(protocol)
        incoming = iter(({"type": "http.request", "body": body, "more_body": False},))

        async def receive() -> dict[str, Any]:
            for message in incoming:
                return message
            await protocol.client_disconnect()
            return {"type": "http.disconnect"}

        await self._application(_asgi_scope(scope, client), receive, answer.send)
        return answer.status


class _Answer:
    def __init__(self, protocol: RsgiProtocol) -> None:
        self.status = 500
        self._protocol = protocol
        self._headers: list[tuple[str, str]] = []
        self._stream: Any = None

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = [
                (name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]
            ]
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        if self._stream is None and not more:
            self._protocol.response_bytes(self.status, self._headers, body)
            return
        if self._stream is None:
            self._stream = self._protocol.response_stream(self.status, self._headers)
        if body:
            await self._stream.send_bytes(body)
        if not more:
            self._stream = None  # the answer ends when nobody holds it any more, which cycles would put off


def _asgi_scope(scope: RsgiScope, client: str) -> dict[str, Any]:
    host, _, port = scope.server.rpartition(":")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode(),
        "root_path": "",
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()
        ],
        "client": (client, 0),
        "server": (host, int(port) if port.isdigit() else None),
        "state": {},
    }
