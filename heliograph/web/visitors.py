"""What is kept of a visitor's request, and what every door that mails lead to answers with.

Pixels, pictures, clicks and votes come from mail clients: they get a picture or a redirect whatever happens, no cache
may keep it, and of what they say of themselves only so much is recorded as is text and not too long.
"""

from __future__ import annotations

import re
from urllib.parse import quote

from heliograph.web.http import Headers, Reply, Request
from heliograph.web.notices import HEADERS, notice

HEADER_LIMIT = 512
"""Characters kept of a User-Agent or Referer; real ones are under 400, hostile ones fill disks."""

ACCEPT_LIMIT = 128
"""Characters kept of an Accept; what tells a browser stands at its beginning."""
PURPOSE_LIMIT = 64

PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
"""A transparent 1x1 GIF: 43 bytes, the smallest that every client draws."""

NO_CACHE: Headers = (
    ("cache-control", "no-store, no-cache, must-revalidate, private"),
    ("pragma", "no-cache"),
    ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
)
"""LIT-6, PER-14: no cache may answer for us, or the second look is lost."""

NO_PICTURE = Reply(200, (("content-type", "image/gif"), *NO_CACHE), PIXEL)
"""What an image client gets where there is nothing to show: a picture, never an error's page (LIT-3)."""

UNKNOWN_LINK = Reply(
    404,
    HEADERS,
    notice(
        "This link is not known here",
        "It may have been cut off or changed on its way. Open it again from the message itself.",
    ),
)
USE_GET = Reply(
    405,
    (*HEADERS, ("allow", "GET, HEAD")),
    notice("Open this link in a browser", "It answers GET and HEAD alone."),
)

_NOT_IN_A_URI = re.compile(r"[^!-~]")


def redirect(url: str) -> Reply:
    """302 to a URL of ours or our operator's, as it is but for characters that no URI has (RFC 3986 section 2): a
    header with a line break or raw umlauts would be refused, and the reader left standing."""
    sound = url if _NOT_IN_A_URI.search(url) is None else _NOT_IN_A_URI.sub(lambda m: quote(m[0]), url)
    return Reply(302, (("location", sound), ("cache-control", "no-store")))


def kept(value: str) -> str:
    """A header's value as it is recorded."""
    if not value:
        return value
    value = value[:HEADER_LIMIT]
    # A header may hold any byte; what is no text would not be JSON.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def accept(request: Request) -> str:
    """What a request accepts, as it is recorded; empty where it does not say."""
    return kept(request.header("accept"))[:ACCEPT_LIMIT]


def purpose(request: Request) -> str:
    """What a request says of being made ahead of time; empty where it says nothing. Browsers send Sec-Purpose, older
    ones Purpose or X-Moz."""
    said = request.header("sec-purpose") or request.header("purpose") or request.header("x-moz")
    return kept(said)[:PURPOSE_LIMIT]
