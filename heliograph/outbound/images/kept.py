"""What was drawn and may be asked for again: least recently used goes first, bounded by weight.

Every cache of the pictures is one of these, so that no caller's wishes can fill the memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key up to `limit` in all of what `weigh` says (bytes, mostly). For several threads."""

    def __init__(self, limit: int, weigh: Callable[[V], int]) -> None:
        self.limit = limit
        self.weight = 0
        self._weigh = weigh
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value, now the most recently used; None when it is not here."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: K, value: V) -> V:
        """Keep it, letting go of what was not used for longest; what is over the limit alone is not kept."""
        weight = self._weigh(value)
        with self._lock:
            replaced = self._values.pop(key, None)
            self.weight -= replaced[1] if replaced else 0
            if weight <= self.limit:
                self._values[key] = (value, weight)
                self.weight += weight
            while self.weight > self.limit:
                self.weight -= self._values.popitem(last=False)[1][1]
        return value

    def __len__(self) -> int:
        return len(self._values)
