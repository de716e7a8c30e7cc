"""HTTP/2 for services that speak nothing else, behind the same guard as all that goes out (`egress`).

Many requests share one connection, each a stream of its own. The guard judges every address that is connected to,
whoever named the host.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import httpcore2
from httpcore2 import AsyncNetworkBackend, AsyncNetworkStream

from heliograph.egress import CONNECT_TIMEOUT, Answer, Failed, Guard, Resolve

BODY_CAP = 64 * 1024
IDLE_SECONDS = 600.0
"""Apple asks that connections be kept open, and hangs up on what looks like a denial of service."""
CONNECTIONS = 4


class Http2:
    """A client. `resolve` and `tls` stand in for the system's resolver and trusted authorities, `backend` for what
    connects."""

    def __init__(
        self,
        guard: Guard,
        *,
        resolve: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        backend: AsyncNetworkBackend | None = None,
    ) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls or ssl.create_default_context(),
            max_connections=CONNECTIONS,
            keepalive_expiry=IDLE_SECONDS,
            http1=False,
            http2=True,
            network_backend=_Guarded(guard, resolve or _system, backend or httpcore2.AnyIOBackend()),
        )

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout: float
    ) -> Answer | Failed:
        """POST these bytes. `timeout` in seconds covers everything."""
        limits = {"connect": CONNECT_TIMEOUT, "read": timeout, "write": timeout, "pool": timeout}
        try:
            async with (
                asyncio.timeout(timeout),
                self._pool.stream(
                    "POST", url, headers=list(headers.items()), content=body, extensions={"timeout": limits}
                ) as response,
            ):
                gathered = await _read(response)
                found = {name.decode().lower(): value.decode("latin-1") for name, value in response.headers}
                return Answer(response.status, found, gathered[:BODY_CAP], len(gathered) > BODY_CAP)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            return Failed("connect", str(error) or type(error).__name__)
        except TimeoutError:
            return Failed("timeout", f"no complete answer within {timeout:g} s", begun=True)
        except httpcore2.ConnectionNotAvailable as error:
            return Failed("connect", str(error) or "the connection was closed")
        except (
            httpcore2.NetworkError,
            httpcore2.TimeoutException,
            httpcore2.ProtocolError,
            OSError,
        ) as error:
            return Failed("connect", f"{type(error).__name__}: {error}", begun=True)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


async def _system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


async def _read(response: httpcore2.Response) -> bytes:
    gathered = bytearray()
    async for piece in response.aiter_stream():
        gathered += piece
        if len(gathered) > BODY_CAP:
            break
    return bytes(gathered)


class _Guarded(AsyncNetworkBackend):
    """Connects to addresses that the guard permits, one after the other."""

    def __init__(self, guard: Guard, resolve: Resolve, backend: AsyncNetworkBackend) -> None:
        self._guard, self._resolve, self._backend = guard, resolve, backend

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        try:
            addresses = await self._resolve(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(f"no address of {host}: {error}") from error
        refusals, last = [], None
        for address in addresses:
            if refusal := self._guard.refusal(address):
                refusals.append(refusal)
                continue
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last or httpcore2.ConnectError("; ".join(refusals) or f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)
