"""Who serves a data directory: one `heliograph serve` of everything, or parts that each run alone, never both.

Without this a second one would start its processes again and again, since each is refused what its twin holds. The
kernel gives the lock back when its holder ends, however it ends; the file names the holder, for whom is refused. Commands
that work beside a running engine ask for nothing here.

Where a supervisor was killed its processes are told so and end a moment later. Each of them holds a second lock while it
lives, and who comes next waits for that: else the old workers would still answer for the new ones, and then be gone.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from heliograph.clock import Clock, iso
from heliograph.errors import InUse, OperatorError
from heliograph.settings import Settings
from heliograph.settings.listening import address_of

log = logging.getLogger("heliograph.serve")

FILE, ALIVE = "serve.lock", "parts.lock"
LEISURE = 5.0
"""Seconds more than its grace that a process may take to end."""


@contextlib.contextmanager
def whole(settings: Settings, clock: Clock) -> Iterator[None]:
    """Be the only one that serves these data, and find the address free; what this process becomes still is. Raises
    `InUse`, naming who is in the way."""
    descriptor = _opened(settings)
    try:
        _take(settings, descriptor, fcntl.LOCK_EX)
        _outlive(settings)
        listenable(settings.listen)
        os.set_inheritable(descriptor, True)  # for what this process becomes
        _name(descriptor, f"process {os.getpid()} since {iso(clock.now())} on {settings.listen}")
        yield
    finally:
        os.close(descriptor)


def be_alive(settings: Settings) -> None:
    """Be one of the processes that serve these data, for as long as this process lives."""
    fcntl.flock(_opened(settings, ALIVE), fcntl.LOCK_SH)


def beside_parts(settings: Settings) -> None:
    """Be one of the parts that run alone, for as long as this process and what it becomes live. Raises `InUse`."""
    descriptor = _opened(settings)
    _take(settings, descriptor, fcntl.LOCK_SH)
    _name(descriptor, "")
    os.set_inheritable(descriptor, True)


def occupant(settings: Settings) -> str | None:
    """Who serves these data as a whole now, in words; None where nobody does."""
    if not (Path(settings.data) / FILE).exists():
        return None
    descriptor = _opened(settings)
    try:
        return None if _locked(descriptor, fcntl.LOCK_SH) else _holder(descriptor)
    finally:
        os.close(descriptor)


def listenable(listen: str) -> None:
    """Raises `InUse` where somebody listens on the address already, `OperatorError` where nobody can."""
    host, port = address_of(listen)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as error:
        reason = (
            os.strerror(error.errno) if error.errno and error.errno in errno.errorcode else error.strerror
        )
        message = f"listen: {listen}: {reason}"
        raise (InUse if error.errno == errno.EADDRINUSE else OperatorError)(message) from error


def _outlive(settings: Settings) -> None:
    """Wait until the processes of a killed supervisor have ended. Raises `InUse` where they do not."""
    descriptor = _opened(settings, ALIVE)
    end = time.monotonic() + settings.shutdown_grace + LEISURE
    try:
        if not _locked(descriptor, fcntl.LOCK_EX):
            log.warning("processes of a `serve` that was killed are ending; waiting for them")
        while not _locked(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                raise InUse(
                    f"{Path(settings.data).resolve()}: processes of a `serve` that was killed do not end"
                )
            time.sleep(0.02)
    finally:
        os.close(descriptor)


def _opened(settings: Settings, name: str = FILE) -> int:
    path = Path(settings.data) / name
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise OperatorError(f"data: {path} cannot be opened: {error.strerror}") from error


def _take(settings: Settings, descriptor: int, how: int) -> None:
    if not _locked(descriptor, how):
        raise InUse(
            f"{Path(settings.data).resolve()} is being served already: {_holder(descriptor)}. Stop that first, or name "
            "other data with --data"
        )


def _locked(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name(descriptor: int, holder: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, holder.encode(), 0)


def _holder(descriptor: int) -> str:
    return os.pread(descriptor, 500, 0).decode(errors="replace") or "parts that run alone (`serve --only`)"
