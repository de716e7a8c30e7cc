"""Published content by its id, for every worker, from the moment its publication is on disk (PER-15).

Looked for in memory, then in state, then in what the journal has that state does not know yet: a picture that another
worker published a millisecond ago is found there. Content never changes, so what was found stays right. Everything
that is kept is bounded: content by number, tallies by number and age.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import string
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec
from sqlalchemy import Connection, Engine

from heliograph.clock import Clock
from heliograph.events.event import AnyEvent
from heliograph.events.jobs import ImagePublished
from heliograph.journal.journal import JournalView
from heliograph.journal.tail import Tail, folded_to
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.kinds import BY_NAME
from heliograph.outbound.images.kinds.kind import Kind
from heliograph.react.state import images, records
from heliograph.react.state.images import Image, Tally
from heliograph.react.state.records import Name, Record

CONTENT_LIMIT = 20_000
"""Contents in memory: a few kilobytes each."""
TAIL_LIMIT = 10_000
"""Publications that state does not know yet; more are waiting only while no engine runs."""
TALLY_LIMIT = 1_000
TALLY_SECONDS = 1.0
"""How old the votes on a picture may be."""
LOOKS_AT_ONCE = 8
"""Look-ups in the database at once: a flood of invented ids waits in line and holds up nobody else's connection."""

ID_LENGTH = 25
_ALPHABET = string.digits + string.ascii_lowercase
_ID = re.compile(f"[{_ALPHABET}]{{{ID_LENGTH}}}")
_KINDS = frozenset({ImagePublished.kind})

T = TypeVar("T")


class Content(NamedTuple):
    """One published picture, ready to be shown. `published` in microseconds."""

    id: str
    account: str
    kind: Kind[Any]
    definition: Any
    published: int
    archived: int | None = None


def new_image_id() -> str:
    """25 characters `[0-9a-z]`, 129 bits (PER-14)."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def is_image_id(text: str) -> bool:
    """Whether this can be an id of ours."""
    return _ID.fullmatch(text) is not None


def content_of(image: Image) -> Content | None:
    """What state knows, ready to be shown; None for a kind that this version does not have."""
    kind = BY_NAME.get(image.content_type)
    if kind is None:
        return None
    definition = msgspec.convert(image.definition, kind.definition)
    return Content(image.id, image.account, kind, definition, image.published, image.archived)


class Shelf:
    """One worker's published content. `engine` only reads."""

    def __init__(self, engine: Engine, journal: JournalView, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._kept: Kept[str, Content] = Kept(CONTENT_LIMIT, lambda _: 1)
        self._tail = Tail(journal, _KINDS, _publication, TAIL_LIMIT)
        self._tallies: Kept[str, tuple[float, Mapping[int, Tally]]] = Kept(TALLY_LIMIT, lambda _: 1)
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)

    def known(self, image: str) -> Content | None:
        """What is in memory; costs nothing."""
        return self._kept.get(image)

    async def find(self, image: str) -> Content | None:
        """The content of this id, archived or not. Raises `Unavailable` when the journal cannot be read."""
        if not is_image_id(image):
            return None
        found = self._kept.get(image) or await self._look_up(image)
        return self._kept.put(image, found) if found is not None else None

    def put(self, content: Content) -> None:
        """Keep what was just published."""
        self._kept.put(content.id, content)

    async def tally(self, image: str) -> Mapping[int, Tally]:
        """The votes of a tracker by option, at most `TALLY_SECONDS` old."""
        now = self._clock.monotonic()
        kept = self._tallies.get(image)
        if kept is not None and now - kept[0] < TALLY_SECONDS:
            return kept[1]
        found = await self.ask(lambda connection: images.tally(connection, image))
        self._tallies.put(image, (now, found))
        return found

    async def record(self, account: str, name: Name, now: int) -> Record | None:
        """A context record of an account."""
        found = await self.ask(lambda connection: records.find(connection, account, (name,), now))
        return found.get(name)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """What state says, asked in a thread."""
        async with self._looks:
            return await asyncio.to_thread(self._asked, question)

    def _asked(self, question: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return question(connection)

    async def _look_up(self, image: str) -> Content | None:
        position, found = await self.ask(
            lambda connection: (folded_to(connection, images.FOLD.name), images.find(connection, image))
        )
        return await self._tail.find(image, position) if found is None else content_of(found)


def _publication(event: AnyEvent) -> tuple[str, Content] | None:
    data = event.data
    if not isinstance(data, ImagePublished):
        return None
    content = content_of(
        Image(
            id=data.image,
            account=event.account,
            content_type=data.content_type,
            definition=data.definition,
            published=event.at,
        )
    )
    return None if content is None else (data.image, content)
