"""The two doors that mails lead to: the open pixel and the click redirect.

A GET is recorded; HEAD and everything else is answered and records nothing (LIT-6, STD-6: link checkers).
Handlers wait for the disk, so an answer means recorded, unless the journal refuses: then they answer all the
same and count the loss.
"""

from __future__ import annotations

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotAllowed, Unavailable
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.inbound.tracking.readtime import ReadTimes
from heliograph.inbound.tracking.visits import clicked, opened, subject
from heliograph.journal.journal import Journal
from heliograph.readers import Readers
from heliograph.refs import ForgedRef, Refs
from heliograph.web.http import Answer, Handler, Reply, Request, Route
from heliograph.web.losses import lost
from heliograph.web.patience import Patience
from heliograph.web.visitors import NO_PICTURE, UNKNOWN_LINK, USE_GET, redirect

CLICK_PATIENCE = 2.0
"""Seconds that somebody who clicked waits for a slow disk before being sent on without a record."""


def routes(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, readers: Readers, read_times: ReadTimes
) -> tuple[Route, ...]:
    """`/o/{token}.gif`, `/c/{token}` and what techniques of measuring need. `readers` knows whose network an address
    is in."""
    return (
        Route("o", _open_door(directory, refs, readers, read_times), _image_anyway),
        Route("c", _click_door(directory, refs, journal, clock, readers), _click_error),
        *read_times.routes,
    )


def _open_door(directory: Directory, refs: Refs, readers: Readers, read_times: ReadTimes) -> Handler:
    read, opened_ = refs.read_open, read_times.opened

    async def handler(request: Request) -> Answer:
        path = request.path
        if request.method != "GET" or not path.endswith(".gif"):
            return NO_PICTURE
        try:
            ref = read(path[3:-4])
        except ForgedRef:
            return NO_PICTURE
        try:
            data = opened(ref, request, directory, readers)
            return await opened_(request, ref.account, subject(ref), data)
        except Exception as error:
            lost(MessageOpened.kind, error)
            return NO_PICTURE

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
