"""What others really said, kept as files: mails that came back, bodies of callbacks.

`DATA/evidence/ACCOUNT/DAY/ID.gz`, each a line of JSON (when, which events follow from it) and the bytes themselves, cut
at a bound. An id is the digest of the account and the bytes, so that the same thing kept twice is one file. A file is on disk before
the events that name it. Days that are over are removed; an erasure removes every file that speaks of the person, by
the events that name it and by its own words (STD-7).
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from heliograph.clock import to_datetime

DIRECTORY = "evidence"
LIMIT = 256 * 1024
"""Bytes of one mail that are kept: a notice with the headers of what it returns is 4 to 30 KiB."""
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_LEVEL = 6


class About(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line of a file. `kind`: mail, or the provider whose callback it is; `at`: when it came
    (microseconds); `events`: ids of what follows from it; `size`: bytes it had; `ip`, `sender`, `recipients`: from where."""

    kind: str
    at: int
    events: tuple[str, ...] = ()
    size: int = 0
    ip: str = ""
    sender: str | None = None
    recipients: tuple[str, ...] = ()


class Evidence(NamedTuple):
    """A thing that was kept."""

    id: str
    account: str
    about: About
    raw: bytes


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(About).decode


class EvidenceFiles:
    """The files of a data directory. Its methods do I/O: call them in a thread."""

    def __init__(self, data: Path) -> None:
        self._root = data / DIRECTORY

    @staticmethod
    def id_of(account: str, raw: bytes) -> str:
        """The id under which these bytes are kept."""
        return hashlib.blake2b(account.encode() + b"\0" + raw, digest_size=16).hexdigest()

    def keep(self, account: str, raw: bytes, about: About) -> str:
        """Put it on disk; returns its id. The bytes beyond `LIMIT` are left out, `about.size` tells."""
        evidence = self.id_of(account, raw)
        day = self._root / account / to_datetime(about.at).date().isoformat()
        day.mkdir(mode=0o700, parents=True, exist_ok=True)
        line = _encode(msgspec.structs.replace(about, size=len(raw)))
        path = day / f"{evidence}.gz"
        draft = path.with_suffix(f".{os.getpid()}.part")
        with draft.open("wb") as file:
            file.write(gzip.compress(line + b"\n" + raw[:LIMIT], _LEVEL, mtime=0))
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        _sync(day)
        return evidence

    def find(self, evidence: str, account: str | None = None) -> Evidence | None:
        """What is kept under this id, of this account (None: of any)."""
        if not _ID.fullmatch(evidence):
            return None
        found = next(self._root.glob(f"{account or '*'}/*/{evidence}.gz"), None)
        return _read(found) if found is not None else None

    def expire(self, account: str, days: int, now: int) -> int:
        """Remove what was kept before that many days; how many days went."""
        first = to_datetime(now).date() - timedelta(days=days)
        over = [path for path in self._days(account) if date.fromisoformat(path.name) < first]
        for path in over:
            shutil.rmtree(path, ignore_errors=True)
        return len(over)

    def forget(self, account: str, events: Sequence[str], speaks: Callable[[bytes], bool]) -> int:
        """Remove every file from which one of these events follows, or whose bytes `speaks` says to be of
        the person; how many went."""
        theirs, gone = frozenset(events), 0
        for path in [path for day in self._days(account) for path in day.glob("*.gz")]:
            kept = _read(path)
            if kept is not None and (not theirs.isdisjoint(kept.about.events) or speaks(_whole(kept))):
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _days(self, account: str) -> Iterator[Path]:
        folder = self._root / account
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if re.fullmatch(r"\d{4}-\d\d-\d\d", path.name):
                yield path


def _whole(kept: Evidence) -> bytes:
    return _encode(kept.about) + b"\n" + kept.raw


def _read(path: Path) -> Evidence | None:
    try:
        line, _, raw = gzip.decompress(path.read_bytes()).partition(b"\n")
        return Evidence(path.stem, path.parent.parent.name, _decode(line), raw)
    except (OSError, EOFError, zlib.error, msgspec.MsgspecError):
        return None  # removed meanwhile, or not one of ours


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
