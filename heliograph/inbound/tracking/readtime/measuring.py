"""What becomes of an open: recorded, judged, answered.

Who cannot be measured is answered at once: what a cache, a program or nobody in particular fetched, and what an account does
not want measured. That its read time is not known the engine tells (`react.readtimes`). Everybody else is the technique's.
"""

from __future__ import annotations

import resource

import msgspec
from msgspec.structs import replace

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import Record, new_id
from heliograph.events.readtimes import Opening
from heliograph.inbound.tracking.readtime import held, redirects
from heliograph.inbound.tracking.readtime.technique import Means, Technique
from heliograph.inbound.tracking.readtime.watch import READS, UNMEASURED, Watch
from heliograph.journal.journal import Journal
from heliograph.readers import Readers, Visit
from heliograph.refs import Refs
from heliograph.settings import Settings
from heliograph.web.http import Answer, Request, Route
from heliograph.web.losses import lost
from heliograph.web.visitors import NO_PICTURE, accept

TECHNIQUES: tuple[Technique, ...] = (held.TECHNIQUE, redirects.TECHNIQUE)

OTHER_FILES = 1000
"""File descriptors that a worker needs for everything else."""

_BY_NAME = {technique.name: technique for technique in TECHNIQUES}
_encode = msgspec.json.Encoder().encode


class ReadTimes:
    """Opens of one worker. `routes`: the doors that techniques have of their own."""

    def __init__(
        self,
        directory: Directory,
        refs: Refs,
        journal: Journal,
        clock: Clock,
        readers: Readers,
        room: int,
    ) -> None:
        self._directory, self._journal, self._clock, self._readers = directory, journal, clock, readers
        self.watch = Watch(journal, clock, room)
        self._means = Means(self.watch, refs)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The doors that techniques have of their own."""
        return tuple(route for technique in TECHNIQUES for route in technique.routes(self._means))

    async def opened(self, request: Request, account: str, subject: str, data: MessageOpened) -> Answer:
        """Record an open, and answer it so that it is measured. The picture is owed whatever becomes of the record."""
        now = self._clock.now()
        technique = self._technique(request, account, data)
        opening = Opening(new_id(now), account, subject, now, data.message, data.campaign)
        try:
            await self._journal.append([_record(opening, data, technique)])
        except Exception as error:
            lost(MessageOpened.kind, error)
            return NO_PICTURE
        if technique is None:
            READS.labels("", "Not Supported").inc()
            return NO_PICTURE
        return await technique.answer(self._means, request, opening)

    def stop(self) -> None:
        """Hold nobody from now on: the worker is to end."""
        self.watch.stop()

    async def close(self) -> None:
        """Return when everybody who was held has been told of."""
        await self.watch.close()

    def _technique(self, request: Request, account: str, data: MessageOpened) -> Technique | None:
        known = self._directory.account(account)
        technique = _BY_NAME.get(known.policy.read_time) if known else None
        if technique is None:
            return None
        visit = Visit(
            "open",
            data.user_agent,
            data.method,
            "",
            data.network,
            data.referrer,
            accept(request),
            data.purpose,
        )
        if self._readers.who(visit).reader not in ("human", "unknown"):
            return None
        if self.watch.full:
            UNMEASURED.inc()
            return None
        return technique


def open_read_times(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, readers: Readers, settings: Settings
) -> ReadTimes:
    """As many opens at once as the setting says and this process may have connections."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = (
        settings.held_opens
        if hard == resource.RLIM_INFINITY
        else min(settings.held_opens, hard - OTHER_FILES)
    )
    return ReadTimes(directory, refs, journal, clock, readers, room)


def _record(opening: Opening, data: MessageOpened, technique: Technique | None) -> Record:
    if technique is not None:
        data = replace(data, measured=technique.name)
    event, account, subject, at, *_ = opening
    return Record(event, account, MessageOpened.kind, subject, at, at, None, _encode(data))
