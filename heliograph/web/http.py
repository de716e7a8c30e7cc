"""What slices see of a request and give as an answer: small values, no framework.

Hot paths (pixels, clicks, events) are `Route`s: found by one look-up, called with a `Request`, answered with
a `Reply`. Pages and management calls are a Starlette application behind them (`heliograph.web.entry`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import msgspec

from heliograph.errors import CallerError, Fault, Unavailable

Headers = Sequence[tuple[str, str]]

JSON = ("content-type", "application/json; charset=utf-8")


class Reply(NamedTuple):
    """An answer: status, headers (names in lower case), body."""

    status: int
    headers: Headers
    body: bytes = b""


Send = Callable[[bytes], Awaitable[None]]


class Streamed(NamedTuple):
    """An answer whose body is written while time goes by: `body` is given what sends a part. It ends when `body`
    returns."""

    status: int
    headers: Headers
    body: Callable[[Send], Awaitable[None]]


class Request(Protocol):
    """One request, as a hot path sees it."""

    @property
    def method(self) -> str:
        """In capitals."""
        ...

    @property
    def path(self) -> str:
        """Percent-decoded, without the query."""
        ...

    @property
    def query(self) -> str:
        """The raw query string, without the question mark."""
        ...

    @property
    def client(self) -> str:
        """The caller's address; behind a trusted proxy the one that the proxy names."""
        ...

    def header(self, name: str) -> str:
        """A header's value by its lower-case name; empty when absent."""
        ...

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises `TooLarge` above `limit` bytes, without reading them all."""
        ...

    async def gone(self) -> None:
        """Returns when the caller has closed the connection."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, for what is too large for memory: whoever reads it counts. Raises `TooSlow` when
        nothing comes for a while."""
        ...


ACCOUNT_NUMBER = "{account}"
"""As a route's prefix: twelve digits."""

TRACKING_CODE = "{guid}"
"""As a route's prefix: eight characters of 0-9a-z, unless a page has that name (LIT-2)."""

Answer = Reply | Streamed
Handler = Callable[[Request], Awaitable[Answer | None]]
ErrorFormat = Callable[[CallerError | Unavailable], Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """A hot path: everything below one first path segment.

    `prefix` is compared with the path's first segment (`webhooks` for `/webhooks/store/7`, empty for `/`);
    `ACCOUNT_NUMBER` stands for any account's (`/123456789012/orders`), `TRACKING_CODE` for any tracking code's. The
    handler sees every method and answers what it does not know with `NotAllowed`; None, before it has read the body, leaves the
    request to the pages (several slices share `/api`). `error` puts what was raised into the caller's own format.
    """

    prefix: str
    handler: Handler
    error: ErrorFormat


def json_reply(status: int, value: Any, extra: Headers = ()) -> Reply:
    """A JSON answer."""
    return Reply(status, (JSON, *extra), msgspec.json.encode(value))


def plain_error(error: CallerError | Unavailable) -> Reply:
    """An error as plain JSON: `{"status": "error", "code", "message"[, "field"][, "errors"]}`.

    `errors` lists every fault found, each with its field and reason. 429 and 503 carry Retry-After.
    """
    status, code = (error.status, error.code) if isinstance(error, CallerError) else (503, "unavailable")
    body: dict[str, Any] = {"status": "error", "code": code, "message": error.message}
    if isinstance(error, CallerError):
        if error.field:
            body["field"] = error.field
        if error.faults:
            body["errors"] = [_fault(fault) for fault in error.faults]
    retry: Headers = (("retry-after", str(error.retry_after)),) if error.retry_after is not None else ()
    return json_reply(status, body, retry)


def _fault(fault: Fault) -> Mapping[str, str]:
    return {"field": fault.field, "reason": fault.reason}
