"""The only door out for HTTP: what may be called, for how long, and how much may come back.

Everything that we call on somebody's word (a webhook's receiver, a picture's source) is called through `Egress`. The
address is judged at the moment of connecting, on the very address that the socket will use: a name that resolves
to something else a second later (DNS rebinding), a number in disguise, or a mapped, translated or tunnelled
address does not get past it. Redirects are answers, not orders. Bodies and times are capped, nothing is
unpacked, no cookie is kept, and no proxy is taken from the environment.

What the remote does wrong is a value: `post` and `get` return an `Answer` or a `Failed`, and raise only for bugs of
ours.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import BinaryIO, Literal, NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import LineTooLong
from yarl import URL

from heliograph.errors import OperatorError
from heliograph.settings import Settings

BODY_CAP = 64 * 1024  # bytes of an answer's body that are read, unless `get` is told more
CONNECT_TIMEOUT = 3.0  # seconds for TCP and TLS with one address, so that another gets its turn within 5
KEEP_ALIVE = 4.0  # seconds an idle connection is kept: below the 5 s after which common servers close theirs
CONNECTIONS = 1000  # open at once, in all
CONNECTIONS_PER_HOST = 128  # open at once to one host and port
DNS_THREADS = 32  # getaddrinfo blocks; lookups that hang must not hold up the others
DNS_TTL = 10  # seconds that an answer is used again; every connection is judged anyway

FailureKind = Literal["refused", "dns", "connect", "tls", "timeout", "too_large", "protocol"]
"""refused: by us, before a byte went out (address, scheme, URL, header). dns: no address. connect: no connection,
or it was lost before the answer was complete. tls: no trust. timeout: not complete in time. too_large: the
answer's head is over 8 KiB a line. protocol: what came is not HTTP."""


class Answer(NamedTuple):
    """What came back, whatever its status. `body` is at most the cap's bytes, as sent; `truncated`: there was more."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False


class Failed(NamedTuple):
    """Nothing usable came back, and why. `begun`: the request may have reached them."""

    kind: FailureKind
    reason: str
    begun: bool = False


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host name and port -> addresses as text. Raises OSError when there are none."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

NEVER: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(cidr), why)
    for cidr, why in (
        ("169.254.0.0/16", "link-local, where clouds keep their metadata"),
        ("100.100.100.200/32", "a cloud's metadata service"),
        ("168.63.129.16/32", "a cloud's metadata service"),
        ("192.0.0.192/32", "a cloud's metadata service"),
        ("fe80::/10", "link-local"),
        ("fd00:ec2::/32", "a cloud's metadata service"),
        ("fd20:ce::254/128", "a cloud's metadata service"),
    )
)
"""Refused whatever is allowed: who can read a machine's metadata owns the machine."""

SPECIAL: tuple[tuple[IPNetwork, str], ...] = tuple(
    (ipaddress.ip_network(cidr), why)
    for cidr, why in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "a carrier's private network"),
        ("127.0.0.0/8", "loopback"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "this host"),
        ("::1/128", "loopback"),
        ("64:ff9b::/96", "a translated IPv4 address (NAT64)"),
        ("64:ff9b:1::/48", "a translated IPv4 address (NAT64)"),
        ("2001::/32", "a Teredo tunnel"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "a 6to4 tunnel"),
        ("3fff::/20", "documentation"),
        ("fc00::/7", "private"),
        ("ff00::/8", "multicast"),
    )
)
"""Refused unless allowed by CIDR: the IANA special-purpose registries (RFC 6890 and what followed)."""

GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")  # the only IPv6 space that IANA gives out
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110 section 5.1
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Guard:
    """Which addresses may be connected to. `allow`: CIDRs of private receivers that are meant to be called."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        try:
            self._allow = tuple(ipaddress.ip_network(cidr) for cidr in allow)
        except ValueError as error:
            raise OperatorError(
                f"egress_allow: {error}; write CIDRs such as 10.1.0.0/16 or ::1/128"
            ) from error

    def refusal(self, address: str) -> str | None:
        """Why this address may not be connected to; None when it may."""
        try:
            faces = _faces(ipaddress.ip_address(address.partition("%")[0]))
        except ValueError:
            return f"{address} is not an address"
        for face in faces:
            why = _listed(face, NEVER)
            if why:
                return f"{address} is {why}: never called"
        for face in faces:
            why = _listed(face, SPECIAL) or _unassigned(face)
            if why and not any(face in network for network in self._allow):
                return f"{address} is {why}: not called unless egress_allow has its CIDR"
        return None


class Egress:
    """Calls others. One per process; made inside or outside the event loop, closed inside.

    `resolve` stands in for the system's resolver and `tls` for the system's trusted authorities.
    """

    def __init__(
        self, settings: Settings, *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._guard = Guard(settings.egress_allow)
        self._resolve = resolve
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

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
        where = target(url)
        if isinstance(where, Failed):
            return where
        fault = _header_fault(headers)
        if fault:
            return Failed("refused", fault)
        session = self._session or self._open()
        try:
            async with (
                asyncio.timeout(timeout),
                session.request(method, where, data=body, headers=headers, allow_redirects=False) as response,
            ):
                if file is not None and response.status == 200:
                    return Answer(200, response.headers, b"", await _save(response, cap, file))
                payload, truncated = await _read(response, min(cap, BODY_CAP) if file else cap)
                return Answer(response.status, response.headers, payload, truncated)
        except aiohttp.ConnectionTimeoutError:
            return Failed("timeout", f"no connection within {CONNECT_TIMEOUT:g} s")
        except TimeoutError:
            return Failed("timeout", f"no complete answer within {timeout:g} s", begun=True)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failed(error)

    async def close(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            ssl=self._tls or True,
            resolver=_GuardedResolver(self._guard, self._resolve),
            socket_factory=self._socket,
            keepalive_timeout=KEEP_ALIVE,
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_PER_HOST,
            ttl_dns_cache=DNS_TTL,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            auto_decompress=False,
            trust_env=False,
        )
        return self._session

    def _socket(self, address: aiohttp.AddrInfoType) -> socket.socket:
        """The last word: aiohttp asks here for the socket of each address, and connects it to that address."""
        family, kind, protocol, _, sockaddr = address
        refusal = self._guard.refusal(str(sockaddr[0]))
        if refusal:
            raise _RefusedAddress(refusal)
        return socket.socket(family, kind, protocol)


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


class _RefusedAddress(OSError):
    """The guard said no. An OSError, because that is what aiohttp lets through from a socket's making."""


class _GuardedResolver(AbstractResolver):
    """Names to addresses, without those that the guard refuses; so the next address may serve."""

    def __init__(self, guard: Guard, resolve: Resolve | None) -> None:
        self._guard = guard
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="dns")
        self._lookup = resolve or self._system

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError(f"{host} has no address")
        refusals = {address: self._guard.refusal(address) for address in addresses}
        permitted = [address for address, refusal in refusals.items() if refusal is None]
        if not permitted:
            raise _RefusedAddress(f"{host}: {'; '.join(filter(None, refusals.values()))}")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in permitted
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _system(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _getaddrinfo, host, port)


def _getaddrinfo(host: str, port: int) -> Sequence[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is not a host name") from error
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


def _faces(address: IPAddress) -> tuple[IPAddress, ...]:
    """The address, and every IPv4 address that a packet to it may end at."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped:
        return (address.ipv4_mapped,)  # the kernel speaks IPv4 to it
    if address in NAT64:
        return (address, ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour:
        return (address, address.sixtofour)
    if address.teredo:
        return (address, *address.teredo)
    return (address,)


def _listed(address: IPAddress, table: Sequence[tuple[IPNetwork, str]]) -> str | None:
    return next((why for network, why in table if address in network), None)


def _unassigned(address: IPAddress) -> str | None:
    return "not a public address" if address.version == 6 and address not in GLOBAL_V6 else None


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


async def _read(response: aiohttp.ClientResponse, cap: int) -> tuple[bytes, bool]:
    """The body up to the cap, and whether there was more; then the connection is closed, not drained."""
    gathered = bytearray()
    while piece := await response.content.readany():
        gathered += piece
        if len(gathered) > cap:
            response.close()
            return bytes(gathered[:cap]), True
    return bytes(gathered), False


async def _save(response: aiohttp.ClientResponse, cap: int, file: BinaryIO) -> bool:
    """Write the body up to the cap; whether there was more."""
    size = 0
    while piece := await response.content.readany():
        size += len(piece)
        if size > cap:
            response.close()
            return True
        await asyncio.to_thread(file.write, piece)
    return False


def _failed(error: Exception) -> Failed:
    """What aiohttp raised, by whose fault it is."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error.__cause__
    if isinstance(cause, _RefusedAddress):
        return Failed("refused", str(cause))
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Failed("dns", f"no address: {cause}")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return Failed("tls", str(error))
    if isinstance(error, ValueError):
        return Failed("refused", f"the URL cannot be called: {error}")
    if isinstance(error, aiohttp.ClientConnectionError | OSError):
        begun = not isinstance(error, aiohttp.ClientConnectorError)
        return Failed("connect", str(error) or type(error).__name__, begun)
    if isinstance(cause.__cause__ if cause else None, LineTooLong):
        return Failed("too_large", "the answer's head is too large", begun=True)
    return Failed("protocol", f"the answer is not HTTP: {error}", begun=True)
