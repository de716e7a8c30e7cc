"""Which addresses may be connected to: none of our own network, unless an operator allows it. Pure.

What is judged is the very address that a socket will use, so a name that resolves to something else a second later (DNS
rebinding), a number in disguise, or a mapped, translated or tunnelled address does not get past it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from heliograph.errors import OperatorError

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
