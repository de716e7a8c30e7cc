"""`/s/CODE`: the short links of texts and push messages. A look-up and a redirect.

Unlike the links of mails these carry nothing themselves, for there is no room: state is asked. It is read only, and
what was found once is kept, so that a link which thousands tap costs one look. Whoever tries codes that are none is
slowed down. A link that is known leads on, whatever becomes of the record.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict

from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotAllowed, TooManyRequests, Unavailable
from heliograph.events.engagement import LinkClicked
from heliograph.inbound.tracking.visits import clicked
from heliograph.journal.journal import Journal
from heliograph.react.state import short_links
from heliograph.react.state.short_links import ShortLink
from heliograph.readers import Readers
from heliograph.refs import SHORT_CHARACTERS, ClickRef, MessageRef
from heliograph.settings import Settings
from heliograph.web.http import Reply, Request, Route, plain_error
from heliograph.web.limits import Limit, site
from heliograph.web.losses import lost
from heliograph.web.patience import Patience
from heliograph.web.visitors import UNKNOWN_LINK, USE_GET, redirect

PATIENCE = 2.0
"""Seconds that somebody who tapped waits for a slow disk before being sent on without a record."""
KEPT = 4096
"""Links that one worker remembers: about 2 MB."""

_CODE = re.compile(rf"[0-9A-Za-z]{{{SHORT_CHARACTERS}}}", re.ASCII)


class Links:
    """Short links by their codes, the ones asked for last kept in memory for as long as `seconds`: what is erased leads
    nowhere soon after."""

    seconds = 60.0

    def __init__(self, state: Engine, clock: Clock) -> None:
        self._state, self._clock = state, clock
        self._kept: OrderedDict[str, tuple[float, ShortLink]] = OrderedDict()

    async def find(self, code: str) -> ShortLink | None:
        """The link of this code; None where there is none."""
        until, link = self._kept.get(code, (0.0, None))
        if link is not None and self._clock.monotonic() < until:
            return link
        link = await asyncio.to_thread(self._look, code)
        if link is not None:
            self._kept[code] = (self._clock.monotonic() + self.seconds, link)
            self._kept.move_to_end(code)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return link

    def _look(self, code: str) -> ShortLink | None:
        with self._state.connect() as connection:
            return short_links.find(connection, code)


def routes(
    directory: Directory, journal: Journal, state: Engine, clock: Clock, readers: Readers, settings: Settings
) -> tuple[Route, ...]:
    """The route of `/s/CODE`. `state` is read only."""
    links, patience = Links(state, clock), Patience(PATIENCE)
    unknown = Limit(settings.address_rate, clock)

    async def handler(request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            raise NotAllowed("A link is followed with GET.")
        code = request.path[3:]
        link = await links.find(code) if _CODE.fullmatch(code) else None
        if link is None:
            unknown.spend(site(request.client))
            return UNKNOWN_LINK
        if request.method == "GET":
            try:
                message = MessageRef(link.account, link.message, link.person, aggregate=link.aggregate)
                ref = ClickRef(message, link.link, link.name, link.url)
                record = clicked(ref, request, directory, readers, clock.now(), link.channel)
                await patience.wait(journal.append((record,)))
            except Exception as error:
                lost(LinkClicked.kind, error)
        return redirect(link.url)

    return (Route("s", handler, _error),)


def _error(error: CallerError | Unavailable) -> Reply:
    if isinstance(error, NotAllowed):
        return USE_GET
    return plain_error(error) if isinstance(error, TooManyRequests) else UNKNOWN_LINK
