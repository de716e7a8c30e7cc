"""`POST /uploads`: a file for a job, of any size, straight to the disk.

Not a call of a resource: those are read into memory whole. The answer's `source` is what `POST /api/v1/jobs` takes.
"""

from __future__ import annotations

from heliograph.api.access import Access
from heliograph.api.call import Means
from heliograph.errors import NotAllowed, NotFound
from heliograph.outbound.jobs.uploads import keep
from heliograph.settings import Settings
from heliograph.web.http import Reply, Request, Route, json_reply, plain_error
from heliograph.web.limits import Limit

PREFIX = "uploads"


def uploads(means: Means, settings: Settings) -> Route:
    """The route."""
    access = Access(
        means.directory, Limit(settings.key_rate, means.clock), Limit(settings.address_rate, means.clock)
    )

    async def take(request: Request) -> Reply:
        if request.path.rstrip("/") != f"/{PREFIX}":
            raise NotFound("Hand files in at /uploads.")
        if request.method not in ("POST", "PUT"):
            raise NotAllowed("A file is handed in by POST or PUT, as the body.")
        account, _ = access.admit(request.header, request.client, "manage")
        upload = await keep(means.data, account.number, request.chunks(), settings.jobs_list_limit)
        return json_reply(201, {"upload": upload, "source": f"upload:{upload}"})

    return Route(PREFIX, take, plain_error)
