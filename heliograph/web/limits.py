"""How often somebody may ask: token buckets, one number each.

A bucket of `rate` tokens a second, holding at most one second's worth, is kept as the instant at which it will be
full again (the generic cell rate algorithm, ITU-T I.371): taking a token moves that instant on. The number of
names is bounded, so that a flood of addresses cannot fill the memory: those whose bucket is full are forgotten
first, then the ones longest known.
"""

from __future__ import annotations

import math
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import islice

from heliograph.clock import Clock
from heliograph.errors import TooManyRequests

NAMES = 10_000
"""How many buckets one limit holds at once: about a megabyte."""

IPV6_SITE = 64
"""Bits of an IPv6 address that name a site; the rest its owner can choose at will (RFC 4291 2.5.4)."""


class Limit:
    """So many per second and name; `rate` 0: no limit."""

    def __init__(self, rate: float, clock: Clock, *, names: int = NAMES) -> None:
        self._step = 1 / rate if rate else 0.0
        self._names = names
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def spend(self, name: str, tokens: int = 1) -> None:
        """Take tokens from the bucket of this name. Raises `TooManyRequests` with the seconds until there are so many.

        More tokens than a bucket holds are given when it is full, and are missing for as long as they are worth."""
        cost = self._step * tokens
        if not cost:
            return
        now = self._clock.monotonic()
        full_at = max(self._full_at.get(name, now), now) + cost
        wait = full_at - now - max(1.0, cost)
        if wait > 1e-9:
            raise TooManyRequests(
                f"Too many requests: at most {1 / self._step:g} per second. Send several events at once, or wait.",
                retry_after=max(1, math.ceil(wait)),
            )
        if name not in self._full_at and len(self._full_at) >= self._names:
            self._forget(now)
        self._full_at[name] = full_at

    def _forget(self, now: float) -> None:
        busy = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        excess = max(0, len(busy) - self._names // 2)
        self._full_at = dict(islice(busy.items(), excess, None))


def site(address: str) -> str:
    """What an address is limited by: itself, for IPv6 its /64. What is no address is limited as it stands."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((int(parsed), IPV6_SITE), strict=False))
    return address
