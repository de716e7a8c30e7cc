"""What the owner of a journal and its clients say to each other: length-prefixed msgpack on a unix socket.

A frame is four bytes of length, big-endian, and one message. A client numbers what it asks; the answer has the
same number. Appends travel encoded one by one, so that the error of one that cannot be is its caller's alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from heliograph.errors import JournalFull, OperatorError, Unavailable
from heliograph.journal.committing import Append
from heliograph.journal.intake import Outcome
from heliograph.journal.journal import Rewrite

SOCKET = "journal.sock"
"""File name of the owner's socket, in the data directory."""

MOST = 256 << 20
"""Bytes of a frame; more is no frame of ours."""


class Hand(msgspec.Struct, tag=1, array_like=True, frozen=True):
    """Record these. `rows` and `size` are what they count for in the queue."""

    number: int
    rows: int
    size: int
    appends: list[Append]


class Sealed(msgspec.Struct, tag=1, array_like=True, frozen=True):
    """A `Hand` as its sender has it: appends encoded already."""

    number: int
    rows: int
    size: int
    appends: list[msgspec.Raw]


class Erase(msgspec.Struct, tag=2, array_like=True, frozen=True):
    """Redact these subjects of this account."""

    number: int
    account: str
    subjects: list[str]
    replacement: str


class Alter(msgspec.Struct, tag=4, array_like=True, frozen=True):
    """Rewrite these places of this account."""

    number: int
    account: str
    changes: list[Rewrite]


class Remove(msgspec.Struct, tag=5, array_like=True, frozen=True):
    """Remove these places of this account, as far as they were recorded before this instant."""

    number: int
    account: str
    places: list[int]
    before: int


class Follow(msgspec.Struct, tag=3, array_like=True, frozen=True):
    """Answer when the head is above `after`."""

    number: int
    after: int


class Fault(msgspec.Struct, frozen=True):
    """Why not: `full`, `unavailable` or `unfit`."""

    kind: str
    message: str


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """To the question of this number: where the head is; how each append went (None: all were recorded);
    how many entries were erased or removed; or why nothing was done."""

    number: int
    head: int
    outcomes: list[list[bool] | Fault | None] | None = None
    count: int = 0
    fault: Fault | None = None


class Framed(asyncio.Protocol):
    """One end of the socket: cuts what comes into frames and gives each to `received`; `lost` when it ends."""

    def __init__(
        self, received: Callable[[Framed, memoryview], None], lost: Callable[[Framed], None]
    ) -> None:
        self._received = received
        self._lost = lost
        self._rest = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The other end is there."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        rest = self._rest
        rest += data
        start = 0
        while len(rest) - start >= 4:
            size = int.from_bytes(rest[start : start + 4])
            end = start + 4 + size
            if size > MOST:
                self.close()
                return
            if len(rest) < end:
                break
            with memoryview(rest) as view, view[start + 4 : end] as frame:
                self._received(self, frame)
            start = end
        if start:
            del rest[:start]

    def connection_lost(self, error: Exception | None) -> None:
        """The other end is gone."""
        self._transport = None
        self._lost(self)

    def send(self, message: msgspec.Struct) -> None:
        """Send one message, if the other end is still there."""
        if self._transport is not None:
            body = _encode(message)
            self._transport.writelines([len(body).to_bytes(4), body])

    def close(self) -> None:
        """Send what was written, then hang up."""
        if self._transport is not None:
            self._transport.close()


def listener(path: Path) -> socket.socket:
    """A socket on which one process of ours serves the others; nobody can connect before its mode is set, which is before
    `listen`. Raises `OperatorError` when there can be none at this path."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        path.unlink(
            missing_ok=True
        )  # a leftover: who holds the lock of this part is the only one to listen here
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise OperatorError(
            f"data: no socket can be made at {path} ({error}): choose a directory on a local disk with a path of "
            "less than 90 bytes"
        ) from error
    listener.setblocking(False)
    return listener


def seal(records: object, once: bool) -> msgspec.Raw:
    """One append, encoded. Raises ValueError, TypeError or OverflowError for what cannot be."""
    return msgspec.Raw(_encode((records, once)))


def fault(error: Exception) -> Fault:
    """An error in words that travel."""
    if isinstance(error, JournalFull):
        return Fault("full", error.message)
    if isinstance(error, Unavailable):
        return Fault("unavailable", error.message)
    return Fault("unfit", f"{type(error).__name__}: {error}")


def error_of(told: Fault) -> Exception:
    """The error that was put in words."""
    if told.kind == "full":
        return JournalFull(told.message)
    if told.kind == "unavailable":
        return Unavailable(told.message)
    return ValueError(told.message)


def outcome_of(told: list[bool] | Fault | None) -> Outcome:
    """How an append went, as its caller hears it."""
    return error_of(told) if isinstance(told, Fault) else told


_encode = msgspec.msgpack.Encoder().encode
