"""What a journal promises.

Everything that happened is appended once, durably, in order. A returned `append` is on disk: it survives
`kill -9` and power loss. Stages never call each other; they append here and read from here. Every
implementation passes the same conformance suite (`tests/journal/conformance.py`).

Reading is at least once, in order of `seq`; order of meaning is promised per subject only. Two things change what
stands there: erasure, `redact` and `rewrite` in place; and retention, which removes entries whose time is up. Places
stay what they were, so there may be gaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from heliograph.events.event import Entry, Record


class Rewrite(NamedTuple):
    """What an entry is to say from now on, for the sake of an erasure."""

    seq: int
    subject: str
    data: bytes


class JournalView(Protocol):
    """A journal as its readers see it."""

    async def read(
        self,
        after: int,
        *,
        kinds: frozenset[str] | None = None,
        limit: int = 1000,
        upto: int | None = None,
    ) -> Sequence[Entry]:
        """Up to `limit` entries with `seq` above `after` and up to `upto` (None: to the end), in order, of these
        kinds (None: all)."""
        ...

    async def of(self, subjects: Sequence[str], *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """Up to `limit` entries of any of these subjects with `seq` above `after`, in order."""
        ...

    async def latest(
        self, subjects: Sequence[str], *, account: str, before: int | None = None, limit: int = 100
    ) -> Sequence[Entry]:
        """Up to `limit` entries of any of these subjects of this account with `seq` below `before` (None: all),
        the newest first."""
        ...

    async def find(self, event_id: str, subjects: Sequence[str], *, account: str) -> Entry | None:
        """The entry of this id among those of these subjects of this account. Costs a look at the ids of theirs, newest
        first, and none at what else they have."""
        ...

    async def mentions(self, words: Sequence[str], *, account: str) -> Sequence[int]:
        """The places of an account's entries in whose data one of these words stands, without regard to the case
        of ASCII letters. Looks through the whole journal: for erasures."""
        ...

    async def head(self) -> int:
        """The `seq` of the last entry; 0 when empty."""
        ...

    async def wait(self, after: int, timeout: float) -> int:
        """Return the head as soon as it is above `after`, or whatever it is after `timeout` seconds."""
        ...

    async def close(self) -> None:
        """Finish what was accepted, then let go of everything."""
        ...


class Journal(JournalView, Protocol):
    """The durable, ordered list of everything that happened."""

    async def append(self, records: Sequence[Record]) -> None:
        """Record these, all or none, in this order; returns when they are on disk.

        Commits are shared with whatever else waits; no time is added to wait for more.
        Raises `JournalFull` when too much waits already, `Unavailable` when the disk cannot take it (full,
        broken): nothing was recorded then.
        """
        ...

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        """As `append`, leaving out those whose id is already recorded (or comes twice): for ids that can be
        made again (`is_derived`; others raise ValueError). True where it was recorded now."""
        ...

    async def redact(self, subjects: Sequence[str], *, account: str, replacement: str) -> int:
        """Erase: in every entry of these subjects of this account, in place, data become `codec.REDACTED` and the
        subject `replacement`. Returns how many were changed; the old bytes are gone from the files."""
        ...

    async def rewrite(self, changes: Sequence[Rewrite], *, account: str) -> int:
        """Erase what stands in entries of others: each of these places, as far as it is this account's, gets
        another subject and other data. Returns how many were changed; the old bytes are gone from the files."""
        ...

    async def remove(self, places: Sequence[int], *, account: str, before: int) -> int:
        """Remove these places, as far as they are this account's and were recorded before this instant
        (microseconds). The last entry of the journal always stays. The ids of what was removed stay known to
        `append_once`. Returns how many were removed; asking again after `Unavailable` finishes it."""
        ...
