"""A chain of delayed redirects: who still looks follows each of them, `STEP` seconds apart.

Nothing is kept between two looks but the URL, which says everything (sealed, `Refs.look`), so that any worker can go on
with a chain. Browsers follow at least 20 redirects (Fetch standard, 4.4); this one ends after ten with the picture.

Who goes while a look is held closes the connection, which is final and told at once. Who does not come back for the
next look, or goes behind a proxy that does not tell, is told of later by the worker that saw them last: each worker
that held a look waits the less the later the look was, so that the last contact is recorded first, and what others know
of an earlier one is a repeat of the same id. So a chain costs one record however many workers it went through.
"""

from __future__ import annotations

from heliograph.errors import CallerError, Unavailable
from heliograph.events.readtimes import CAP, SLACK, STEP, Opening
from heliograph.inbound.tracking.readtime.technique import Means, Technique
from heliograph.refs import ForgedRef, LookRef
from heliograph.web.http import Answer, Handler, Reply, Request, Route
from heliograph.web.visitors import NO_CACHE, NO_PICTURE

LOOKS = CAP // STEP
"""Requests of a whole chain, the pixel's own among them."""
DOOR = "r"

SETTLED = CAP + 2.0
"""Seconds after an open at which its last look is told of, if nobody comes back from it."""
EARLIER = 0.25
"""Seconds by which each earlier look is told of later, so that a worker with a later one comes first. All of it within
`SLACK`, after which the engine tells what it knows."""


async def answer(means: Means, request: Request, opening: Opening) -> Answer:
    """The first look: the pixel's own request."""
    return await _look(means, request, opening, 0)


async def _look(means: Means, request: Request, opening: Opening, look: int) -> Reply:
    """Hold one look until its time is up; then on to the next one, or the picture."""
    watch = means.watch
    began = watch.began(opening)
    contact = watch.clock.monotonic() - began
    with watch.holding():
        stays = await watch.stays(request.gone(), max(0.0, (look + 1) * STEP - contact))
        elapsed = watch.clock.monotonic() - began
        if not stays or watch.stopping or look + 1 >= LOOKS:
            await watch.tell(opening, elapsed, TECHNIQUE.name)
            return NO_PICTURE
    settled = began + SETTLED + (LOOKS - look) * EARLIER
    watch.part(opening, contact, settled, TECHNIQUE.name)
    token = means.refs.look(LookRef(look + 1, *opening))
    up = "../" * (request.path.count("/") - 1)  # works below whatever prefix a proxy takes away
    return Reply(302, (("location", f"{up}{DOOR}/{token}.gif"), *NO_CACHE))


def routes(means: Means) -> tuple[Route, ...]:
    """The door of the looks after the first."""
    return (Route(DOOR, _door(means), _image_anyway),)


def _door(means: Means) -> Handler:
    watch = means.watch

    async def handler(request: Request) -> Reply:
        if request.method != "GET" or not request.path.endswith(".gif"):
            return NO_PICTURE
        try:
            ref = means.refs.read_look(request.path[len(DOOR) + 2 : -4])
        except ForgedRef:
            return NO_PICTURE
        opening = Opening(*ref[1:])
        elapsed = watch.clock.monotonic() - watch.began(opening)
        if elapsed > CAP + SLACK:  # told of long ago: somebody kept the URL
            return NO_PICTURE
        watch.meet(opening)
        if watch.full:
            await watch.tell(opening, elapsed, TECHNIQUE.name)
            return NO_PICTURE
        return await _look(means, request, opening, ref.look)

    return handler


def _image_anyway(_: CallerError | Unavailable) -> Reply:
    return NO_PICTURE


TECHNIQUE = Technique(name="redirects", answer=answer, routes=routes)
