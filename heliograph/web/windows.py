"""How much of an allowance is used up, known to every worker: fixed windows, counted in one small file.

Clients of the Personalize API are told how many requests they have left (`X-RateLimit-Remaining`), and that must be
true whichever worker answers. So the counters lie in a file that all workers of a machine share, under a lock that is
held for microseconds. The file has a fixed number of places: it cannot grow, and a flood of names only pushes out
those whose window is over, then the ones that would end first.
"""

from __future__ import annotations

import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from heliograph.clock import SECOND, Clock

PLACES = 4096
"""Names that have a window at once: 128 KiB of file."""
NEIGHBOURS = 8
"""Places in which a name may stand, from the one that its hash points at."""

_PLACE = struct.Struct(">16sQQ")  # name's hash, end of the window in seconds since 1970, requests in it


class Allowance(NamedTuple):
    """What is left after one request: `limit` in the window, `remaining` of them, `reset`: the second at which the
    window ends. `granted`: whether this request was within the limit."""

    limit: int
    remaining: int
    reset: int
    granted: bool


class Windows:
    """So many requests per name in `seconds`; `limit` 0: any number."""

    def __init__(self, path: Path, limit: int, seconds: int, clock: Clock) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.truncate(self._file, PLACES * _PLACE.size)
        self._limit, self._seconds, self._clock = limit, seconds, clock

    def take(self, name: str) -> Allowance:
        """Count one request of this name. The first one begins the window."""
        now = self._clock.now() // SECOND
        if not self._limit:
            return Allowance(0, 0, now, True)
        key = blake2b(name.encode(), digest_size=16).digest()
        with self._alone():
            place, ends, used = self._find(key, now)
            granted = used < self._limit
            used += granted
            os.pwrite(self._file, _PLACE.pack(key, ends, used), place * _PLACE.size)
        return Allowance(self._limit, self._limit - used, ends, granted)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _find(self, key: bytes, now: int) -> tuple[int, int, int]:
        """The place of this name, the end of its window and what is used of it; else the place to take."""
        first = int.from_bytes(key[:8]) % PLACES
        soonest = first, 1 << 62
        for place in ((first + step) % PLACES for step in range(NEIGHBOURS)):
            kept, ends, used = _PLACE.unpack(os.pread(self._file, _PLACE.size, place * _PLACE.size))
            if (
                kept == key and now < ends <= now + self._seconds
            ):  # not one from before the clock was set back
                return place, ends, used
            if ends < soonest[1]:
                soonest = place, ends
        return soonest[0], now + self._seconds, 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
