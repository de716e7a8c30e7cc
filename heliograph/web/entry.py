"""The entry that every request passes: hot paths by one look-up, everything else to the Starlette application.

Comes in: Granian's RSGI calls. Goes out: `Route` handlers (pixels, clicks, events) and, behind them, one ASGI
application for pages and management calls. Errors leave in the caller's own format; what nobody expected is
logged with its traceback and answered 500 without a word about our insides.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from heliograph.errors import CallerError, TooLarge, TooSlow, Unavailable
from heliograph.web.asgi import AsgiBridge, RsgiProtocol, RsgiScope
from heliograph.web.counts import Counts
from heliograph.web.http import (
    ACCOUNT_NUMBER,
    TRACKING_CODE,
    Answer,
    Reply,
    Route,
    Streamed,
    json_reply,
    plain_error,
)
from heliograph.web.patience import Patience
from heliograph.web.proxies import Resolve
from heliograph.web.stopping import TellingLoop

log = logging.getLogger("heliograph.web")

BODY_SECONDS = 30.0
"""How long a body may take to arrive before the client is dropped."""

DISCARDED = 8
"""A body of up to so many times the limit is read and thrown away before 413; a larger one is cut off."""

_GUID = re.compile("[0-9a-z]{8}")

_BROKEN = json_reply(
    500,
    {
        "status": "error",
        "code": "internal",
        "message": "This is a fault of ours; it was logged. Try again later.",
    },
)


class Entry:
    """The RSGI application of one web worker.

    `start` is awaited once on the worker's event loop before the first request and gives the routes and the
    ASGI application; `stopping` is called when the process is asked to end, before the last answers are waited for,
    and `stop` is awaited after them. Until the start is done requests wait for it.
    """

    def __init__(
        self,
        start: Callable[[], Awaitable[tuple[Sequence[Route], Any]]],
        stop: Callable[[], Awaitable[None]],
        *,
        stopping: Callable[[], None],
        resolve: Resolve,
        page_limit: int,
    ) -> None:
        self.counts = Counts()
        self._start, self._stop, self._stopping = start, stop, stopping
        self._resolve = resolve
        self._page_limit = page_limit
        self._patience = Patience(BODY_SECONDS)
        self._routes: dict[str, Route] = {}
        self._pages: AsgiBridge | None = None
        self._paged: frozenset[str] = frozenset()
        self._starting: asyncio.Task[None] | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if isinstance(loop, TellingLoop):
            loop.before_signal = self._stopping
        self._starting = loop.create_task(self._begin())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.run_until_complete(self._stop())

    async def _begin(self) -> None:
        routes, application = await self._start()
        self._routes = {route.prefix: route for route in routes}
        self._pages = AsgiBridge(application)
        self._paged = frozenset(page.path.split("/")[1] for page in application.routes)

    async def __rsgi__(self, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        path = scope.path
        end = path.find("/", 1)
        prefix = path[1:end] if end > 0 else path[1:]
        route = self._routes.get(prefix)
        if route is None:
            route = self._routes.get(self._pattern(prefix))
        if route is None:
            await self._other(prefix, scope, protocol)
            return
        reply: Answer | None
        try:
            reply = await route.handler(RsgiRequest(scope, protocol, self._resolve, self._patience))
        except (CallerError, Unavailable) as error:
            reply = route.error(error)
        except Exception:
            reply = self._broken(prefix)
        if reply is None:
            await self._other(prefix, scope, protocol)
            return
        self.counts.answered[prefix, reply.status] += 1
        if isinstance(reply, Streamed):
            await self._stream(prefix, reply, protocol)
            return
        protocol.response_bytes(reply.status, reply.headers, reply.body)

    def _pattern(self, prefix: str) -> str:
        """The prefix of the route for paths whose first segment is of this form; known names win over forms."""
        if len(prefix) == 12 and prefix.isdecimal():
            return ACCOUNT_NUMBER
        if len(prefix) == 8 and prefix not in self._paged and _GUID.fullmatch(prefix):
            return TRACKING_CODE
        return prefix

    async def _stream(self, prefix: str, reply: Streamed, protocol: RsgiProtocol) -> None:
        try:
            await reply.body(protocol.response_stream(reply.status, reply.headers).send_bytes)
        except Exception:
            self._broken(prefix)

    async def _other(self, prefix: str, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        if self._pages is None and self._starting is not None:
            await self._starting
            await self.__rsgi__(scope, protocol)
            return
        assert self._pages is not None  # noqa: S101 - the start has ended
        request = RsgiRequest(scope, protocol, self._resolve, self._patience)
        try:
            body = await request.body(self._page_limit)
            status = await self._pages(scope, protocol, request.client, body)
        except (CallerError, Unavailable) as error:
            reply = plain_error(error)
            status = reply.status
            protocol.response_bytes(status, reply.headers, reply.body)
        except Exception:
            reply = self._broken(prefix)
            status = reply.status
            protocol.response_bytes(status, reply.headers, reply.body)
        self.counts.answered["pages", status] += 1

    def _broken(self, prefix: str) -> Reply:
        log.exception("a request failed", extra={"route": prefix})
        self.counts.broken[prefix] += 1
        return _BROKEN


class RsgiRequest:
    """One request, as hot paths see it (`web.http.Request`)."""

    __slots__ = ("_headers", "_patience", "_protocol", "_resolve", "_scope", "method", "path")

    def __init__(
        self, scope: RsgiScope, protocol: RsgiProtocol, resolve: Resolve, patience: Patience
    ) -> None:
        self._scope, self._protocol = scope, protocol
        self._resolve, self._patience = resolve, patience
        self._headers = scope.headers
        self.method, self.path = scope.method, scope.path

    @property
    def query(self) -> str:
        return self._scope.query_string

    @property
    def client(self) -> str:
        peer = self._scope.client.rpartition(":")[0].strip("[]") or self._scope.client
        return self._resolve(peer, self.header("x-forwarded-for"))

    def header(self, name: str) -> str:
        value: str | None = self._headers.get(name)
        return value or ""

    async def body(self, limit: int) -> bytes:
        declared = self.header("content-length")
        if declared.isdigit():
            if int(declared) > limit:
                await self._discard(int(declared), limit)
                raise TooLarge(
                    f"The body has {declared} bytes; the limit is {limit}. Send fewer events at once."
                )
            if declared == "0":
                return b""
            return await self._in_time(self._protocol())
        if not self.header("transfer-encoding") and self._scope.http_version.startswith("1"):
            return b""
        return await self._in_time(self._gathered(limit))

    async def chunks(self) -> AsyncIterator[bytes]:
        incoming = aiter(self._protocol)
        while True:
            try:
                yield await self._in_time(anext(incoming))
            except StopAsyncIteration:
                return

    async def gone(self) -> None:
        await self._protocol.client_disconnect()

    async def _in_time(self, body: Awaitable[bytes]) -> bytes:
        try:
            return await self._patience.wait(body)
        except TimeoutError as error:
            raise TooSlow(f"The body did not arrive within {BODY_SECONDS:.0f} seconds.") from error

    async def _discard(self, declared: int, limit: int) -> None:
        """Let a body that is only somewhat too large arrive: who is still sending does not read our answer."""
        if declared <= limit * DISCARDED:
            with contextlib.suppress(TimeoutError):
                await self._patience.wait(self._drain())

    async def _drain(self) -> None:
        async for _ in self._protocol:
            pass

    async def _gathered(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for chunk in self._protocol:
            size += len(chunk)
            if size > limit:
                raise TooLarge(f"The body is over the limit of {limit} bytes. Send fewer events at once.")
            parts.append(chunk)
        return b"".join(parts)
