"""The two doors that mails lead to: the open pixel and the click redirect.

A GET is recorded; HEAD and everything else is answered and records nothing (LIT-6, STD-6: link checkers).
Handlers wait for the disk, so an answer means recorded, unless the journal refuses: then they answer all the
same and count the loss.
"""

from __future__ import annotations

import logging
import re
from urllib.parse import quote

from prometheus_client import Counter

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotAllowed, Unavailable
from heliograph.inbound.tracking.losses import CLICKS, OPENS
from heliograph.inbound.tracking.visits import clicked, opened
from heliograph.journal.journal import Journal
from heliograph.readers import Readers
from heliograph.refs import ForgedRef, Refs
from heliograph.web.http import Handler, Reply, Request, Route
from heliograph.web.patience import Patience

log = logging.getLogger("heliograph.tracking")

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent 1x1 GIF: 43 bytes, the smallest that every client draws."""

NO_CACHE = (
    ("cache-control", "no-store, no-cache, must-revalidate, private"),
    ("pragma", "no-cache"),
    ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
)
"""LIT-6: no cache may answer for us, or the second open is lost."""

IMAGE = Reply(200, (("content-type", "image/gif"), *NO_CACHE), PIXEL)

CLICK_PATIENCE = 2.0
"""Seconds that somebody who clicked waits for a slow disk before being sent on without a record."""

_HTML = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
)
_NOT_A_LINK = (
    b'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    b"<title>This link is not known here</title><h1>This link is not known here</h1>"
    b"<p>It may have been cut off or changed on its way. Open it again from the message itself.</p></html>"
)
UNKNOWN_LINK = Reply(404, _HTML, _NOT_A_LINK)

_NOT_IN_A_URI = re.compile(r"[^!-~]")


def routes(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, readers: Readers
) -> tuple[Route, ...]:
    """`/o/{token}.gif` and `/c/{token}`. `readers` knows whose network an address is in."""
    return (
        Route("o", _open_door(directory, refs, journal, clock, readers), _image_anyway),
        Route("c", _click_door(directory, refs, journal, clock, readers), _click_error),
    )


def _open_door(directory: Directory, refs: Refs, journal: Journal, clock: Clock, readers: Readers) -> Handler:
    read, append, now = refs.read_open, journal.append, clock.now

    async def handler(request: Request) -> Reply:
        path = request.path
        if request.method != "GET" or not path.endswith(".gif"):
            return IMAGE
        try:
            ref = read(path[3:-4])
        except ForgedRef:
            return IMAGE
        try:
            await append((opened(ref, request, directory, readers, now()),))
        except Exception as error:
            _lost(OPENS, error)
        return IMAGE

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
                _lost(CLICKS, error)
        return Reply(302, (("location", _uri(ref.url)), ("cache-control", "no-store")))

    return handler


def _lost(counter: Counter, error: Exception) -> None:
    counter.inc()
    if not isinstance(error, Unavailable | TimeoutError):
        log.error("a visit could not be recorded", exc_info=error)


def _uri(url: str) -> str:
    """The signed URL as it is, but for characters that no URI has (RFC 3986 section 2): a header with a line
    break or raw umlauts would be refused, and the reader left standing."""
    return url if _NOT_IN_A_URI.search(url) is None else _NOT_IN_A_URI.sub(lambda m: quote(m[0]), url)


def _image_anyway(_: CallerError | Unavailable) -> Reply:
    return IMAGE


def _click_error(error: CallerError | Unavailable) -> Reply:
    if isinstance(error, NotAllowed):
        return Reply(405, (*_HTML, ("allow", "GET, HEAD")), b"<!doctype html><title>Use GET</title>")
    return UNKNOWN_LINK
