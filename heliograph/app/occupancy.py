"""Who serves a data directory: one `heliograph serve` of everything, or parts that each run alone, never both.

Without this a second one would start its processes again and again, since each is refused what its twin holds. The
kernel gives the lock back when its holder ends, however it ends; the file names the holder, for whom is refused. Commands
that work beside a running engine ask for nothing here.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from heliograph.app.storage import engine_runs
from heliograph.clock import Clock, iso
from heliograph.errors import InUse, OperatorError
from heliograph.settings import Settings
from heliograph.settings.listening import address_of

FILE = "serve.lock"


@contextlib.contextmanager
def whole(settings: Settings, clock: Clock) -> Iterator[None]:
    """Be the only one that serves these data, and find the address free. Raises `InUse`, naming who is in the way."""
    descriptor = _opened(settings)
    try:
        _take(settings, descriptor, fcntl.LOCK_EX)
        if not engine_runs(
            settings
        ):  # else what a killed supervisor left is ending: its children wait for that
            listenable(settings.listen)
        _name(descriptor, f"process {os.getpid()} since {iso(clock.now())} on {settings.listen}")
        yield
    finally:
        os.close(descriptor)


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


def _opened(settings: Settings) -> int:
    path = Path(settings.data) / FILE
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
