"""What comes of a call: an answer, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

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


class Broken(Exception):
    """A call ended without an answer; `failed` says why."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.reason)
        self.failed = failed
