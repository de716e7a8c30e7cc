"""The calls: a URL and what is sent to it, in; an `Answer` or a `Failed`, out."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from multidict import CIMultiDict
from yarl import URL

from heliograph.egress.connections import Connections, Origin, Resolve, origin_of
from heliograph.egress.guard import Guard
from heliograph.egress.http1 import Connection
from heliograph.egress.outcomes import Answer, Broken, Failed
from heliograph.settings import Settings

BODY_CAP = 64 * 1024  # bytes of an answer's body that are read, unless `get` is told more
PIECE = 256 * 1024  # bytes of a body that are written to a file at once

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class _Place(NamedTuple):
    """Where requests to a URL go, and how they begin."""

    origin: Origin
    path: str
    host: str


class Egress:
    """Calls others. One per process; made inside or outside the event loop, closed inside.

    `resolve` stands in for the system's resolver and `tls` for the system's trusted authorities.
    """

    def __init__(
        self, settings: Settings, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._connections = Connections(Guard(settings.egress_allow), resolve, tls)

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> Answer | Failed:
        """POST these bytes. `timeout` in seconds covers everything from the name to the answer's last byte."""
        return await self._ask("POST", url, body, headers, timeout, BODY_CAP)

    async def get(
        self, url: str, headers: Mapping[str, str], timeout: float, *, cap: int = BODY_CAP
    ) -> Answer | Failed:
        """GET; at most `cap` bytes of the body are read. `timeout` as for `post`. A redirect is an answer here
        too: whoever follows it calls again, and is judged again."""
        return await self._ask("GET", url, None, headers, timeout, cap)

    async def fetch(self, url: str, file: BinaryIO, timeout: float, *, cap: int) -> Answer | Failed:
        """GET, and write the body of a 200 to `file`, at most `cap` bytes; the answer's own is empty then. For what
        is too large for memory."""
        return await self._ask("GET", url, None, {}, timeout, cap, file)

    async def close(self) -> None:
        """Close every connection."""
        await self._connections.close()

    async def _ask(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
        cap: int,
        file: BinaryIO | None = None,
    ) -> Answer | Failed:
        place = _place(url)
        if isinstance(place, Failed):
            return place
        fault = _header_fault(headers)
        if fault:
            return Failed("refused", fault)
        request = _request(method, place, headers, body)
        try:
            async with asyncio.timeout(timeout):
                return await self._told(place.origin, request, cap, file, again=method == "GET")
        except Broken as broken:
            return broken.failed
        except TimeoutError:
            return Failed("timeout", f"no complete answer within {timeout:g} s", begun=True)

    async def _told(
        self, origin: Origin, request: bytes, cap: int, file: BinaryIO | None, *, again: bool
    ) -> Answer:
        connection = await self._connections.take(origin)
        try:
            return await _exchange(connection, request, cap, file)
        except Broken:
            # A kept connection that ended before it answered (RFC 9112 section 9.3.1); what may be done twice is.
            if not (again and connection.kept and not connection.answered):
                raise
        finally:
            self._connections.give_back(origin, connection)
        return await self._told(origin, request, cap, file, again=again)


async def _exchange(connection: Connection, request: bytes, cap: int, file: BinaryIO | None) -> Answer:
    """One request and its answer. What is larger than the cap is not read on, nor its connection used again."""
    await connection.ask(request, PIECE if file else cap)
    headers = CIMultiDict(connection.headers)
    if file is not None and connection.status == 200:
        return Answer(200, headers, b"", await _save(connection, cap, file))
    cap = min(cap, BODY_CAP) if file else cap
    body = bytes(connection.body)
    truncated = len(body) > cap
    connection.reusable = connection.reusable and not truncated
    return Answer(connection.status, headers, body[:cap] if truncated else body, truncated)


async def _save(connection: Connection, cap: int, file: BinaryIO) -> bool:
    """Write the body up to the cap; whether there was more."""
    size = 0
    while True:
        size += len(connection.body)
        if size > cap:
            connection.reusable = False
            return True
        await asyncio.to_thread(file.write, connection.body)
        if connection.complete:
            return False
        await connection.more(PIECE)


@lru_cache(maxsize=4096)
def target(url: str) -> URL | Failed:
    """The URL that is called for this one, or why none is: what can be told without a look-up."""
    if _CONTROL.search(url) or " " in url:
        return Failed("refused", "the URL has a blank or a control character")
    try:
        found = URL(url)
    except ValueError as error:
        return Failed("refused", f"the URL cannot be read: {error}")
    if found.scheme not in ("http", "https"):
        return Failed("refused", "only http and https URLs are called")
    if found.raw_user is not None or found.raw_password is not None:
        return Failed("refused", "a URL with a user or password in it is not called")
    if not found.raw_host or not found.port:
        return Failed("refused", "the URL has no host or port")
    return found.with_fragment(None)


@lru_cache(maxsize=4096)
def _place(url: str) -> _Place | Failed:
    where = target(url)
    if isinstance(where, Failed):
        return where
    return _Place(origin_of(where), where.raw_path_qs, where.host_port_subcomponent or "")


def _request(method: str, place: _Place, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """What goes out, and nothing more (RFC 9112 section 3)."""
    head = [f"{method} {place.path} HTTP/1.1\r\nHost: {place.host}\r\n"]
    head += [f"{name}: {value}\r\n" for name, value in headers.items()]
    if body is None:
        return "".join((*head, "\r\n")).encode()
    return "".join((*head, f"Content-Length: {len(body)}\r\n\r\n")).encode() + body


def _header_fault(headers: Mapping[str, str]) -> str | None:
    if all(map(_is_header_name, headers)) and not _CONTROL.search("".join(headers.values())):
        return None
    for name, value in headers.items():
        if not _is_header_name(name):
            return f"{name!r} is not a header name"
        if _CONTROL.search(value):
            return f"the header {name} has a control character"
    return None


@lru_cache(maxsize=1024)
def _is_header_name(name: str) -> bool:
    return _HEADER_NAME.fullmatch(name) is not None
