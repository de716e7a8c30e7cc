"""Connections to others: names looked up, addresses judged, dialled, kept for a few seconds.

Addresses are judged (`guard`) each time when one is dialled, and what is judged is what is dialled: numbers, no names. How
many connections there are is bounded, in all and for each host.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from aiohappyeyeballs import AddrInfoType, start_connection
from yarl import URL

from heliograph.egress.guard import Guard
from heliograph.egress.http1 import Connection
from heliograph.egress.outcomes import Broken, Failed
from heliograph.errors import reason_of

CONNECT_TIMEOUT = 3.0  # seconds for TCP and TLS, so that a webhook's 5 leave some for the answer
KEEP_ALIVE = 4.0  # seconds an idle connection is kept: below the 5 s after which common servers close theirs
CONNECTIONS = 1000  # in use at once, in all
CONNECTIONS_PER_HOST = 128  # in use at once to one host and port
DNS_THREADS = 32  # getaddrinfo blocks; lookups that hang must not hold up the others
DNS_TTL = 10.0  # seconds that an answer is used again; every connection is judged anyway
NEXT_ADDRESS = 0.25  # seconds before the next address is tried beside one that does not answer (RFC 8305)

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port -> addresses as text. Raises OSError when there are none."""


class Origin(NamedTuple):
    """Whom a connection leads to."""

    scheme: str
    host: str
    port: int


class _Known(NamedTuple):
    """What a name resolved to, or is resolved to just now, and until when that is used (seconds of the loop)."""

    until: float
    addresses: asyncio.Task[Sequence[str]]


class _Host:
    """What there is of one origin: places for connections in use, and idle ones with the instant when each is let go of."""

    def __init__(self) -> None:
        self.places = asyncio.Semaphore(CONNECTIONS_PER_HOST)
        self.users = 0
        self.idle: list[tuple[float, Connection]] = []

    def kept(self, now: float) -> Connection | None:
        """The one that was used last, if it still may be."""
        while self.idle:
            until, connection = self.idle.pop()
            if connection.reusable and now < until:
                return connection
            connection.close()
        return None

    def sweep(self, now: float) -> bool:
        """Hang up what was idle for long; whether there is anything left."""
        for _, connection in (one for one in self.idle if one[0] <= now):
            connection.close()
        self.idle = [one for one in self.idle if one[0] > now and one[1].reusable]
        return bool(self.idle or self.users)


class Connections:
    """All of one process. Made anywhere; used and closed inside one event loop."""

    def __init__(self, guard: Guard, resolve: Resolve | None, tls: ssl.SSLContext | None) -> None:
        self._guard, self._tls = guard, tls
        self._lookup = resolve or self._system
        self._threads: ThreadPoolExecutor | None = None
        self._known: dict[Origin, _Known] = {}
        self._hosts: dict[Origin, _Host] = {}
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._sweeping: asyncio.TimerHandle | None = None

    async def take(self, origin: Origin) -> Connection:
        """One to use, kept or new; it is to be given back. Raises `Broken`."""
        host = self._hosts.get(origin) or self._hosts.setdefault(origin, _Host())
        host.users += 1
        held: list[asyncio.Semaphore] = []
        try:
            for places in (host.places, self._places):
                await places.acquire()
                held.append(places)
            return host.kept(asyncio.get_running_loop().time()) or await self._dial(origin)
        except BaseException:
            for places in held:
                places.release()
            host.users -= 1
            raise

    def give_back(self, origin: Origin, connection: Connection) -> None:
        """It is not used any more: kept if it may be used again."""
        loop, host = asyncio.get_running_loop(), self._hosts[origin]
        self._places.release()
        host.places.release()
        host.users -= 1
        if connection.reusable:
            connection.kept = True
            host.idle.append((loop.time() + KEEP_ALIVE, connection))
        else:
            connection.close()
        if self._sweeping is None:
            self._sweeping = loop.call_later(KEEP_ALIVE, self._sweep)

    async def _dial(self, origin: Origin) -> Connection:
        """A new one. Raises `Broken`."""
        loop = asyncio.get_running_loop()
        infos = await self._addresses(origin)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                dialled = await start_connection(
                    infos, happy_eyeballs_delay=NEXT_ADDRESS, interleave=1, loop=loop
                )
                secure = origin.scheme == "https"
                _, connection = await loop.create_connection(
                    Connection,
                    sock=dialled,
                    ssl=self._trusting() if secure else None,
                    server_hostname=origin.host.rstrip(".") if secure else None,
                )
        except TimeoutError as error:
            raise Broken(Failed("timeout", f"no connection within {CONNECT_TIMEOUT:g} s")) from error
        except ssl.SSLError as error:
            raise Broken(Failed("tls", str(error))) from error
        except (OSError, ValueError) as error:
            raise Broken(Failed("connect", str(error) or type(error).__name__)) from error
        return connection

    async def close(self) -> None:
        """Hang up whatever is idle; what is in use ends by itself."""
        for host in self._hosts.values():
            host.sweep(math.inf)
        for known in self._known.values():
            known.addresses.cancel()
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        self._hosts = {origin: host for origin, host in self._hosts.items() if host.sweep(loop.time())}
        self._sweeping = loop.call_later(KEEP_ALIVE / 2, self._sweep) if self._hosts else None

    async def _addresses(self, origin: Origin) -> list[AddrInfoType]:
        """Where it may be, of all that its name leads to."""
        loop = asyncio.get_running_loop()
        self._known = {of: one for of, one in self._known.items() if one.until > loop.time()}
        if origin not in self._known:
            task = loop.create_task(self._look_up(origin.host, origin.port))
            task.add_done_callback(partial(self._looked_up, origin))
            self._known[origin] = _Known(loop.time() + DNS_TTL, task)
        try:
            addresses = await asyncio.shield(self._known[origin].addresses)
        except OSError as error:
            raise Broken(Failed("dns", f"no address: {reason_of(error)}")) from error
        refusals = {address: self._guard.refusal(address) for address in addresses}
        permitted = [address for address, refusal in refusals.items() if refusal is None]
        if not permitted:
            raise Broken(Failed("refused", f"{origin.host}: {'; '.join(filter(None, refusals.values()))}"))
        return [_info(address, origin.port) for address in permitted]

    def _looked_up(self, origin: Origin, task: asyncio.Task[Sequence[str]]) -> None:
        """A look-up that failed is none."""
        if task.cancelled() or task.exception() is not None:
            self._known.pop(origin, None)

    async def _look_up(self, host: str, port: int) -> Sequence[str]:
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        return addresses

    async def _system(self, host: str, port: int) -> Sequence[str]:
        self._threads = self._threads or ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")
        return await asyncio.get_running_loop().run_in_executor(self._threads, _getaddrinfo, host, port)

    def _trusting(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _info(address: str, port: int) -> AddrInfoType:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    where = (address, port, 0, 0) if family is socket.AF_INET6 else (address, port)
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where


def _getaddrinfo(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is not a host name") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def origin_of(url: URL) -> Origin:
    """Whom a URL leads to; it has a host and a port."""
    return Origin(url.scheme, url.raw_host or "", url.port or 0)
