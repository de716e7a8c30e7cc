"""The doors that mails lead to: the pixels of our own mails and of tracking codes, and the click redirect.

A GET is recorded; HEAD and everything else is answered and records nothing (LIT-6, STD-6: link checkers). Whatever is
asked of a pixel's door, a picture comes back: image clients are no use for errors (LIT-3). Handlers wait for the disk,
so an answer means recorded, unless the journal refuses: then they answer all the same and count the loss.
"""

from __future__ import annotations

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotAllowed, Unavailable
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.hooks import Hook
from heliograph.inbound.tracking import hits
from heliograph.inbound.tracking.codes import Codes, is_guid
from heliograph.inbound.tracking.readtime import ReadTimes
from heliograph.inbound.tracking.visits import KINDS, Copy, clicked, copy_of, loaded, own_copy, record
from heliograph.journal.journal import Journal
from heliograph.readers import Readers
from heliograph.refs import ForgedRef, Refs
from heliograph.web.http import TRACKING_CODE, Answer, Handler, Reply, Request, Route
from heliograph.web.losses import lost
from heliograph.web.patience import Patience
from heliograph.web.visitors import NO_PICTURE, UNKNOWN_LINK, USE_GET, redirect

CLICK_PATIENCE = 2.0
"""Seconds that somebody who clicked waits for a slow disk before being sent on without a record."""


def routes(
    directory: Directory,
    refs: Refs,
    journal: Journal,
    clock: Clock,
    readers: Readers,
    read_times: ReadTimes,
    codes: Codes,
) -> tuple[Route, ...]:
    """`/o/{token}.gif`, `/v2/{guid}` and `/{guid}`, `/c/{token}`, and what techniques of measuring need. `readers` knows
    whose network an address is in."""
    pixel = Pixel(directory, journal, clock, readers, read_times)
    coded = _coded_door(pixel, codes, clock)
    return (
        Route("o", _own_door(pixel, refs), _image_anyway),
        Route("v2", coded, _image_anyway),
        Route(TRACKING_CODE, coded, _image_anyway),
        Route("c", _click_door(directory, refs, journal, clock, readers), _click_error),
        *read_times.routes,
    )


class Pixel:
    """What every pixel's door does once it knows whose copy of a mail it is in."""

    def __init__(
        self,
        directory: Directory,
        journal: Journal,
        clock: Clock,
        readers: Readers,
        read_times: ReadTimes,
    ) -> None:
        self._directory, self._journal, self._clock = directory, journal, clock
        self._readers, self._read_times = readers, read_times

    async def answer(self, request: Request, copy: Copy, hook: Hook) -> Answer:
        """Record a load, and answer it: an open so that it is measured, the other hooks at once (LIT-9)."""
        try:
            data = loaded(copy, hook, request, self._directory, self._readers)
            if isinstance(data, MessageOpened):
                return await self._read_times.opened(request, copy.account, copy.subject, data)
            await self._journal.append((record(data, copy.account, copy.subject, self._clock.now()),))
        except Exception as error:
            lost(KINDS[hook].kind, error)
        return NO_PICTURE


def _own_door(pixel: Pixel, refs: Refs) -> Handler:
    read = refs.read_open

    async def handler(request: Request) -> Answer:
        path = request.path
        if request.method != "GET" or not path.endswith(".gif"):
            return NO_PICTURE
        try:
            ref = read(path[3:-4])
        except ForgedRef:
            return NO_PICTURE
        return await pixel.answer(request, own_copy(ref), hits.read(request.query).hook)

    return handler


def _coded_door(pixel: Pixel, codes: Codes, clock: Clock) -> Handler:
    async def handler(request: Request) -> Answer | None:
        first, _, rest = request.path[1:].partition("/")
        guid = rest.removesuffix("/") if first == "v2" else first
        if first != "v2" and rest:
            return None  # no pixel's path: the pages know whether it is anything
        if request.method != "GET" or not is_guid(guid):
            return NO_PICTURE
        try:
            campaign = codes.known(guid) or await codes.find(guid)
        except Exception as error:
            lost(MessageOpened.kind, error)
            return NO_PICTURE
        if campaign is None or not campaign.records(clock.now()):
            return NO_PICTURE
        hit = hits.read(request.query)
        return await pixel.answer(request, copy_of(campaign, hit), hit.hook)

    return handler


def _click_door(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, readers: Readers
) -> Handler:
    patience = Patience(CLICK_PATIENCE)

    async def handler(request: Request) -> Reply:
        if request.method not in ("GET", "HEAD"):
            raise NotAllowed("A link is followed with GET.")
        try:
            ref = refs.read_click(request.path[3:])
        except ForgedRef:
            return UNKNOWN_LINK
        if request.method == "GET":
            try:
                record = clicked(ref, request, directory, readers, clock.now())
                await patience.wait(journal.append((record,)))
            except Exception as error:
                lost(LinkClicked.kind, error)
        return redirect(ref.url)

    return handler


def _image_anyway(_: CallerError | Unavailable) -> Reply:
    return NO_PICTURE


def _click_error(error: CallerError | Unavailable) -> Reply:
    return USE_GET if isinstance(error, NotAllowed) else UNKNOWN_LINK
