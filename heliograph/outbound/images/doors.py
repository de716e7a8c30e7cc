"""Where mails look: pictures, vote links and the links of conditional images.

A GET of a picture answers it and records `image.shown`; a GET of a link redirects to where it was published to lead,
and nowhere else, and records `vote.cast` or `link.clicked`. HEAD is answered and records nothing. The answer waits for
the disk, but not long: a picture is owed even when nothing can be recorded, and the loss is counted. An image client
never gets an error's page (LIT-3): where there is nothing to show it gets one transparent point, with 200 for what
does not exist, and with 503 where we cannot say now, so that no proxy keeps that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

from heliograph.clock import Clock
from heliograph.errors import CallerError, TooManyRequests, Unavailable, Undrawable
from heliograph.events.event import Record
from heliograph.journal.journal import Journal
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.kinds import KINDS
from heliograph.outbound.images.kinds.kind import Drawn, Kind, Look, Shown, Tools
from heliograph.outbound.images.published import Content, Shelf
from heliograph.outbound.images.visits import Scribe, Visitor, visitor
from heliograph.refs import Refs
from heliograph.web.http import Handler, Reply, Request, Route
from heliograph.web.limits import Limit
from heliograph.web.losses import lost
from heliograph.web.notices import HEADERS, notice
from heliograph.web.patience import Patience
from heliograph.web.visitors import NO_CACHE, NO_PICTURE, PIXEL, UNKNOWN_LINK, USE_GET, redirect

log = logging.getLogger("heliograph.images")

PATIENCE = 2.0
"""Seconds that a reader waits for a slow disk before getting the picture without a record."""
SETUP_PATIENCE = 4.0
"""Seconds that a reader waits for an account's turn to set up a style; image proxies give up after about ten."""
QUERY_LIMIT = 4096
"""Characters of a query that are read; merge tags that went wrong can be long, and say nothing."""
PARAMETERS = 50
WARM = 500
"""Pictures whose style is surely set up: fewer than the caches of the drawings hold."""

MISSING = Shown(Drawn("image/gif", PIXEL), "missing")
"""A look at a picture whose source has none to show."""
LINK_NOT_NOW = Reply(
    503,
    (*HEADERS, ("retry-after", "1")),
    notice("This link cannot be followed right now", "Please try again in a moment."),
)
NOT_NOW = Reply(503, (("content-type", "image/gif"), ("retry-after", "1"), *NO_CACHE), PIXEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the handlers need. `drawings` and `setups` are the budgets of each account."""

    shelf: Shelf
    tools: Tools
    scribe: Scribe
    refs: Refs
    journal: Journal
    clock: Clock
    drawings: Limit
    setups: Limit
    patience: Patience = field(default_factory=lambda: Patience(PATIENCE))
    warm: Kept[str, bool] = field(default_factory=lambda: Kept(WARM, lambda _: 1))

    def routes(self) -> tuple[Route, ...]:
        """One for each kind, by the first segment of its URLs."""
        return tuple(Route(kind.door.prefix, self._door(kind), _picture_anyway) for kind in KINDS)

    def _door(self, kind: Kind[Any]) -> Handler:
        ending, start = "." + kind.door.suffix, len(kind.door.prefix) + 2

        async def handler(request: Request) -> Reply:
            name = request.path[start:]
            is_picture = name.endswith(ending)
            try:
                if is_picture:
                    return await self._picture(kind, name[: -len(ending)], request)
                return await self._link(kind, name, request)
            except Undrawable:
                return NO_PICTURE
            except (TooManyRequests, Unavailable):
                return NOT_NOW if is_picture else LINK_NOT_NOW
            except Exception:
                log.exception("a live picture could not be answered", extra={"path": request.path[:80]})
                return NOT_NOW if is_picture else LINK_NOT_NOW

        return handler

    async def _picture(self, kind: Kind[Any], name: str, request: Request) -> Reply:
        content, option = await self._content(kind, name)
        if content is None:
            return NO_PICTURE
        parameters, now = said(request.query), self.clock.now()
        who = visitor(parameters, content, self.refs)
        reader = self.scribe.who("image", request)
        meant, looked = await self._meant(content, who, request, parameters, now)
        look = Look(content.id, meant, option, reader.prefetched, now)
        shown = await self._drawn(content, look) or MISSING
        if request.method == "GET":
            record = self.scribe.shown(
                content, who, request, reader.reader, shown.variant, shown.parameter, now
            )
            await self._recorded(record, *looked)
        return Reply(200, (("content-type", shown.picture.media_type), *NO_CACHE), shown.picture.body)

    async def _drawn(self, content: Content, look: Look) -> Shown | None:
        """The picture, within the account's budgets. Raises `TooManyRequests`, `Undrawable`."""
        self.drawings.spend(content.account)
        if self.warm.get(content.id) is None:
            await self._turn(content.account)
            self.warm.put(content.id, True)
        return await content.kind.show(content.definition, look, self.tools)

    async def _turn(self, account: str) -> None:
        """Wait until this account may set up another style: after a start all of them are new, and their readers
        are owed a picture. Raises `TooManyRequests` when that takes too long."""
        until = self.clock.monotonic() + SETUP_PATIENCE
        while True:
            try:
                return self.setups.spend(account)
            except TooManyRequests:
                if self.clock.monotonic() >= until:
                    raise
            await self.clock.sleep(SETUP_PATIENCE / 16)

    async def _link(self, kind: Kind[Any], name: str, request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            return USE_GET
        content, option = await self._content(kind, name)
        if content is None:
            return UNKNOWN_LINK
        parameters, now = said(request.query), self.clock.now()
        who = visitor(parameters, content, self.refs)
        meant, looked = await self._meant(content, who, request, parameters, now)
        url = kind.land(content.definition, Look(content.id, meant, option, False, now))
        if url is None:
            return UNKNOWN_LINK
        if request.method == "GET":
            await self._recorded(self._followed(content, who, request, url, option, now), *looked)
        return redirect(url)

    async def _meant(
        self, content: Content, who: Visitor, request: Request, parameters: Mapping[str, str], now: int
    ) -> tuple[Mapping[str, str], Sequence[Record]]:
        """What the URL's parameters stand for, and the look-up that says so where a record was asked for it."""
        consulted = content.kind.consults(content.definition)
        if consulted is None:
            return parameters, ()
        parameter, source = consulted
        others = {name: value for name, value in parameters.items() if name != parameter}
        name = source.name(parameters.get(parameter))
        if name is None:
            return others, ()
        found = await self.shelf.record(content.account, name, now)
        looked = self.scribe.looked_up(content, who, request, name, found, now)
        value = source.value(found.document if found else None)
        return others if value is None else {**others, parameter: value}, (looked,)

    def _followed(
        self, content: Content, who: Visitor, request: Request, url: str, option: int | None, now: int
    ) -> Record:
        if option is None:
            return self.scribe.clicked(content, who, request, url, now)
        reader = self.scribe.who("vote", request)
        return self.scribe.voted(content, who, request, reader.reader, option, now)

    async def _content(self, kind: Kind[Any], name: str) -> tuple[Content | None, int | None]:
        """What `ID` or `ID/OPTION` names, if it is of this kind."""
        image, slash, number = name.partition("/")
        content = self.shelf.known(image) or await self.shelf.find(image)
        if content is None or content.kind is not kind:
            return None, None
        options = kind.options(content.definition)
        if bool(options) != bool(slash):
            return None, None
        if not slash:
            return content, None
        if not (number.isascii() and number.isdigit() and len(number) < 4 and 1 <= int(number) <= options):
            return None, None
        return content, int(number)

    async def _recorded(self, *records: Record) -> None:
        try:
            await self.patience.wait(self.journal.append(records))
        except Exception as error:
            for record in records:
                lost(record.kind, error)


def said(query: str) -> Mapping[str, str]:
    """The parameters of a query; of one that comes twice the first. `&amp;` for `&` and valueless names are mail
    clients' ways (LIT-3)."""
    if not query or len(query) > QUERY_LIMIT:
        return {}
    if "&amp;" in query:
        query = unescape(query)
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS)
    except ValueError:
        return {}
    return dict(reversed(pairs))


def _picture_anyway(_: CallerError | Unavailable) -> Reply:
    return NOT_NOW
