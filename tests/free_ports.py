"""Ports for servers that have to be told theirs before they start."""

from __future__ import annotations

import itertools
import random
import socket
from pathlib import Path

_LOWEST = 10_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def _below_ephemeral() -> range:
    """Ports that the system gives to nobody by itself."""
    first = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else 32_768
    return range(_LOWEST, max(first, _LOWEST + 1_000))


_PORTS = _below_ephemeral()
_numbers = itertools.count(random.randrange(len(_PORTS)))  # noqa: S311 - several runs side by side begin elsewhere
_taken: list[socket.socket] = []
"""The UDP ports of the same numbers, held to the end: so the processes of several runs take no port that another took."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on. It is handed out once, and the system gives it to no connection and to
    nobody who asks for any port: so it is still free when the server for which it is meant has started, and once more
    after that has ended."""
    for number in itertools.islice(_numbers, len(_PORTS)):
        port = _PORTS[number % len(_PORTS)]
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            mark = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                mark.bind(("127.0.0.1", port))
                probe.bind(("127.0.0.1", port))
            except OSError:
                mark.close()
                continue
        _taken.append(mark)
        return port
    raise OSError("every port is taken")
