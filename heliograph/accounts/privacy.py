"""What is kept of a visitor's address: decided at the door, by the account's policy (STD-7).

Every door that records who came calls `kept_ip` before it records. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

IpPolicy = Literal["full", "truncate", "drop"]


def kept_ip(address: str, policy: IpPolicy) -> str:
    """`full`: the address; `truncate`: its /24 (IPv4) or /48 (IPv6) network; `drop`: nothing.

    What is no IP address cannot be truncated and is dropped instead.
    """
    if policy == "full":
        return address
    return _network(address) if policy == "truncate" else ""


def kept_ips(body: bytes, policy: IpPolicy) -> bytes:
    """A JSON text in which the fields that hold a visitor's address (`client_ip`, `browser_ip`, `ip_address` ...)
    say as much of it as is kept: shops put them into orders and wishes. Everything else stays byte for byte."""
    if policy == "full" or b"ip" not in body.lower():
        return body
    return _IP_FIELD.sub(lambda found: found[1] + _kept_bytes(found[2], policy) + b'"', body)


_IP_FIELD = re.compile(rb'("[\w-]*ip(?:[_-]?addr(?:ess)?)?"\s*:\s*")([0-9A-Fa-f.:]+)"', re.IGNORECASE)


def _kept_bytes(said: bytes, policy: IpPolicy) -> bytes:
    address = said.decode("ascii")
    try:
        ip_address(address)
    except ValueError:  # a version number, a code: no address
        return said
    return kept_ip(address, policy).encode()


@lru_cache(maxsize=4096)
def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    kept = 24 if isinstance(parsed, IPv4Address) else 48
    shift = parsed.max_prefixlen - kept
    return str(type(parsed)(int(parsed) >> shift << shift))
