"""Erasure reaches the archive: what the journal says no more, its files say no more either (STD-7).

Rows of the person are blanked, what others say of them gets the pseudonym, as in the journal. A file in which
something changes is written anew, a few thousand rows at a time, and takes the old one's place whole. Every file
of the account is read: to learn which messages were theirs, and to change what is about them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from heliograph.events import codec, subjects
from heliograph.events.event import Record
from heliograph.journal.consumer import Erased
from heliograph.porting.tables import Page
from heliograph.privacy.erasing import OPERATORS, Forget
from heliograph.privacy.whose import is_theirs, things_of
from heliograph.privacy.words import Mask
from heliograph.retention import archive as files
from heliograph.retention.archive import Archive

ROUNDS = 5
"""How often the files are read at most to learn what is theirs: a message leads to nothing further."""


def archive_forgets(archive: Archive) -> Forget:
    """What has this archive forget somebody."""

    async def forget_in_archive(whom: Erased, events: Sequence[str], mask: Mask) -> None:
        await asyncio.to_thread(_forget, archive, whom, mask)

    return forget_in_archive


def _forget(archive: Archive, whom: Erased, mask: Mask) -> None:
    with archive.locked():
        found = archive.files(whom.account)
        whom = _widened(found, whom)
        theirs = frozenset(whom.references)
        for file in found:
            if any(
                _without(record, whom, theirs, mask) != record for page in files.read(file) for record in page
            ):
                files.write(file, _pages(file, whom, theirs, mask))


def _widened(found: Sequence[Path], whom: Erased) -> Erased:
    """Whom it is about, with the references of what the archive alone knows to be theirs."""
    for _ in range(ROUNDS):
        theirs = set(whom.references)
        more = {
            thing
            for file in found
            for page in files.read(file)
            for record in page
            if record.subject in theirs
            for thing in things_of(codec.decode(record))
        }
        if more <= theirs:
            break
        whom = whom._replace(references=(*whom.references, *sorted(more - theirs)))
    return whom


def _pages(file: Path, whom: Erased, theirs: frozenset[str], mask: Mask) -> Iterator[Page]:
    for page in files.read(file):
        yield [tuple(_without(record, whom, theirs, mask)) for record in page]


def _without(record: Record, whom: Erased, theirs: frozenset[str], mask: Mask) -> Record:
    """An event as it stands there without them."""
    place = subjects.thing("erased", whom.person)
    if record.kind in OPERATORS or record.subject == place:
        return record
    if record.subject in theirs:
        return record._replace(subject=place, data=codec.REDACTED)
    masked = mask.data(record.data)
    if masked == record.data:
        return record
    if is_theirs(codec.decode(record), whom):
        return record._replace(subject=place, data=codec.REDACTED)
    return record._replace(data=masked)
