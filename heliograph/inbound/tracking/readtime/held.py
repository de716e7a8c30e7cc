"""A picture that is written slowly: it lasts as long as somebody looks, and is whole whenever it ends.

The image's data come at once, so a client draws them at once. What follows are GIF comment extensions (GIF89a section
24), which nobody draws, and after `CAP` seconds the trailer. A client that goes closes the connection, and that is seen
when it happens. The comments are for what stands between: a proxy that sees its client go only by writing to it.
"""

from __future__ import annotations

from heliograph.events.readtimes import CAP, STEP, Opening
from heliograph.inbound.tracking.readtime.technique import Means, Technique
from heliograph.inbound.tracking.readtime.watch import Watch
from heliograph.web.http import Answer, Request, Route, Send, Streamed
from heliograph.web.visitors import NO_CACHE, PIXEL

COMMENT = b"\x21\xfe\x01.\x00"
"""A comment extension of one byte."""
TRAILER = PIXEL[-1:]
PICTURE = PIXEL[:-1]

COMMENTS_PER_SECOND = 1000
"""What one worker writes of them: with more than twice as many readers each gets his more rarely."""

HEADERS = (("content-type", "image/gif"), *NO_CACHE, ("x-accel-buffering", "no"))
"""nginx passes on at once what bears the last one, whatever its `proxy_buffering` says."""


async def answer(means: Means, request: Request, opening: Opening) -> Answer:
    """A response that ends with the reader."""
    watch = means.watch
    began = watch.began(opening)

    async def body(send: Send) -> None:
        with watch.holding():
            try:
                await _write(watch, request, send, began)
            finally:
                await watch.tell(opening, watch.clock.monotonic() - began, TECHNIQUE.name)

    return Streamed(200, HEADERS, body)


async def _write(watch: Watch, request: Request, send: Send, began: float) -> None:
    try:
        await send(PICTURE)
        while not watch.stopping and (left := began + CAP - watch.clock.monotonic()) > 0:
            pause = max(STEP, watch.held / COMMENTS_PER_SECOND)
            if not await watch.stays(request.gone(), min(left, pause)):
                return
            if left > pause:
                await send(COMMENT)
        await send(TRAILER)
    except RuntimeError:  # what the server raises for a connection that was closed meanwhile
        return


def routes(_: Means) -> tuple[Route, ...]:
    """None: the pixel's own connection is all."""
    return ()


TECHNIQUE = Technique(name="held", answer=answer, routes=routes)
