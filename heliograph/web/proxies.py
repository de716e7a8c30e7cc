"""Who really called: the address of a request, behind proxies that an operator has listed.

`X-Forwarded-For` is believed only from a listed peer, and only from its right end: the last address that is
not itself a listed proxy is the caller. Anybody can write that header; nobody else is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from heliograph.errors import OperatorError

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, str], str]


def trusting(cidrs: Sequence[str]) -> Resolve:
    """A function from the peer's address and its X-Forwarded-For to the caller's address.

    Raises `OperatorError` for what is no network."""
    try:
        networks = tuple(ip_network(cidr, strict=False) for cidr in cidrs)
    except ValueError as error:
        raise OperatorError(f"trusted_proxies: {error}") from error

    @lru_cache(maxsize=4096)
    def trusted(address: str) -> bool:
        return _within(address, networks)

    def resolve(peer: str, forwarded: str) -> str:
        if not forwarded or not trusted(peer):
            return peer
        caller = peer
        for hop in reversed(forwarded.split(",")):
            hop = hop.strip()
            if not _is_address(hop):
                return caller
            caller = hop
            if not trusted(hop):
                return hop
        return caller

    return resolve


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed.version == network.version and parsed in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
