"""Pictures on disk, for all workers: found by their source's address, stored by what they contain.

    DATA/pictures/bodies/HASH     a picture, named by the SHA-256 of its bytes
    DATA/pictures/sources/HASH    what is known of a source (`Copy`), named by the SHA-256 of its URL

Names are hashes, so nothing that anybody says becomes a path; a file is written under another name and then renamed,
so nobody reads half of one; and a body that is not what its name says is as good as none. It is a cache: whatever is
deleted is fetched again. Functions block; call them in a thread.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import msgspec

from heliograph.outbound.images.sources.fetching import Validators
from heliograph.outbound.images.sources.picture import Picture, PictureType

MOST_SOURCES = 20_000  # what is known of so many is kept; about 10 MB
SWEEP_TO = 0.8  # of the bound, so that not every new picture sweeps
LEFT_BEHIND = 3600  # seconds after which a half-written file is nobody's any more


class Copy(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a source. Instants in microseconds.

    `body`: name of the last good picture; empty while there is none. `raw`: SHA-256 of what was fetched, which may
    have been a drawing. `good`: when it was last seen to be right. `due`: when the source is to be asked again.
    `failures`: how often in a row that went wrong since, and `reason`: how, the last time.
    """

    url: str
    due: int
    body: str = ""
    type: PictureType = "image/png"
    width: int = 0
    height: int = 0
    raw: str = ""
    validators: Validators = Validators()
    good: int = 0
    failures: int = 0
    reason: str = ""


class Shelf:
    """The directory. `limit`: bytes of pictures, counted when one is added; what was not used for longest goes."""

    def __init__(self, directory: Path, limit: int) -> None:
        self._bodies = directory / "bodies"
        self._sources = directory / "sources"
        self._limit = limit

    def find(self, url: str) -> Copy | None:
        """What is known of a source; None when nothing is, or it cannot be read."""
        try:
            copy = msgspec.json.decode((self._sources / _name(url.encode())).read_bytes(), type=Copy)
        except (OSError, msgspec.MsgspecError):
            return None
        return copy if copy.url == url else None

    def read(self, copy: Copy) -> Picture | None:
        """The last good picture; None when there is none, or it was removed or damaged."""
        path = self._bodies / copy.body
        try:
            body = path.read_bytes() if copy.body else b""
            if not body or _name(body) != copy.body:
                return None
            os.utime(path)  # it is in use
        except OSError:
            return None
        return Picture(copy.type, copy.width, copy.height, body)

    def note(self, copy: Copy) -> None:
        """Write down what is known of a source. Raises OSError when the disk does not take it."""
        _write(self._sources, _name(copy.url.encode()), msgspec.json.encode(copy))

    def add(self, body: bytes) -> str:
        """Store a picture; its name. Raises OSError when the disk does not take it."""
        name = _name(body)
        _write(self._bodies, name, body)
        self._sweep()
        return name

    def _sweep(self) -> None:
        """Remove what was not used for longest, once there is too much."""
        bodies = _listed(self._bodies)
        if sum(file.size for file in bodies) > self._limit:
            _remove_oldest(
                bodies, sum(file.size for file in bodies) - int(self._limit * SWEEP_TO), by_size=True
            )
        sources = _listed(self._sources)
        if len(sources) > MOST_SOURCES:
            _remove_oldest(sources, len(sources) - int(MOST_SOURCES * SWEEP_TO), by_size=False)


class _File(NamedTuple):
    used: float
    size: int
    path: str


def _name(content: bytes) -> str:
    return sha256(content).hexdigest()


def _write(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(dir=folder, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(path).replace(folder / name)
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise


def _listed(folder: Path) -> list[_File]:
    """The files of a folder; another worker may be removing some."""
    found = []
    newest = 0.0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                try:
                    about = entry.stat()
                except OSError:
                    continue
                newest = max(newest, about.st_mtime)
                found.append(_File(about.st_mtime, about.st_size, entry.path))
    except OSError:
        return []
    _remove(file for file in found if _is_left_behind(file, newest))
    return [file for file in found if not Path(file.path).name.startswith(".")]


def _is_left_behind(file: _File, newest: float) -> bool:
    """A worker died while it wrote this. (Age is told by the other files: nobody here asks what time it is.)"""
    return Path(file.path).name.startswith(".") and newest - file.used > LEFT_BEHIND


def _remove_oldest(files: list[_File], excess: int, *, by_size: bool) -> None:
    """Remove so many bytes, or so many files, least recently used first."""
    for file in sorted(files):
        if excess <= 0:
            return
        _remove((file,))
        excess -= file.size if by_size else 1


def _remove(files: Iterable[_File]) -> None:
    for file in files:
        Path(file.path).unlink(missing_ok=True)
