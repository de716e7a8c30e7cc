"""Which published range an address is in: Apple's relay, Google's image proxy, a scanner's network.

`networks.toml` holds what was published when it was written; nothing is fetched at run time. An operator keeps
them fresh with files in a directory (setting `reader_networks`): `apple-relay.csv`, downloaded as Apple publishes
it, takes the place of the range of that name, and a new name can be used in the operator's own rules.
"""

from __future__ import annotations

import socket
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from heliograph.errors import OperatorError, reason_of

REMEMBERED = 16_384
"""Addresses whose network is kept: about 3 MB."""

_V6 = 1 << 128  # what is added to an IPv6 address, so that both families are numbers of one line
_MAPPED = 0xFFFF << 32


class Networks:
    """Named ranges. Where two overlap, the one that was named first is meant."""

    def __init__(self, ranges: Mapping[str, Iterable[str]]) -> None:
        self._ranges = [(name, *_merged(_span(cidr) for cidr in cidrs)) for name, cidrs in ranges.items()]
        self.names = frozenset(ranges)
        self.of = lru_cache(maxsize=REMEMBERED)(self._find)
        """The name of the range that an address is in; empty: in none, or no address."""

    def _find(self, address: str) -> str:
        number = _number(address)
        if number is None:
            return ""
        for name, starts, ends in self._ranges:
            place = bisect_right(starts, number) - 1
            if place >= 0 and number <= ends[place]:
                return name
        return ""


def builtin() -> dict[str, list[str]]:
    """The ranges of `networks.toml`."""
    text = files("heliograph.readers").joinpath("networks.toml").read_text(encoding="utf-8")
    return {name: entry["ranges"] for name, entry in tomllib.loads(text).items()}


def from_directory(directory: Path) -> dict[str, list[str]]:
    """The ranges of the files in a directory, by the files' names without their ending. The first column of each
    line is a range (CIDR) or an address; blank lines and lines that begin with # are passed over.

    Raises `OperatorError`, naming file and line."""
    if not directory.is_dir():
        raise OperatorError(f"reader_networks: there is no directory {directory}")
    return {file.stem: _from_file(file) for file in sorted(directory.glob("*.[ct][sx][vt]"))}


def _from_file(file: Path) -> list[str]:
    found: list[str] = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"reader_networks: {file} cannot be read: {reason_of(error)}") from error
    for place, line in enumerate(lines, 1):
        text = line.partition(",")[0].strip()
        if not text or text.startswith("#"):
            continue
        try:
            _span(text)
        except ValueError as error:
            raise OperatorError(f"reader_networks: {file}, line {place}: {error}") from error
        found.append(text)
    if not found:
        raise OperatorError(f"reader_networks: {file} names no range")
    return found


def _number(address: str) -> int | None:
    """An address on the one line of numbers; IPv4 in IPv6 clothes is IPv4. None for what is no address."""
    try:
        if ":" not in address:
            return int.from_bytes(socket.inet_pton(socket.AF_INET, address))
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, address.partition("%")[0]))
    except (OSError, ValueError):
        return None
    return number & 0xFFFFFFFF if number >> 32 << 32 == _MAPPED else number | _V6


def _span(cidr: str) -> tuple[int, int]:
    address, slash, length = cidr.partition("/")
    first = _number(address)
    width = 128 if ":" in address else 32
    if first is None or (slash and not (length.isascii() and length.isdigit() and int(length) <= width)):
        raise ValueError(f"{cidr!r} is no range of addresses")
    free = width - int(length) if slash else 0
    if free > 32 and first < _V6:  # wider than all mapped addresses: a range of IPv6, which holds no IPv4
        first |= _V6 | _MAPPED
    return first >> free << free, first | (1 << free) - 1


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Starts and ends in order, neighbours joined: Apple's list shrinks to a tenth."""
    starts: list[int] = []
    ends: list[int] = []
    for start, end in sorted(spans):
        if ends and start <= ends[-1] + 1:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return starts, ends
