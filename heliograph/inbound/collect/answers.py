"""What callers are told: 200 with the event's id (RM-3), or an error that says what to do (RM-4).

Plug-ins take 200 for success and nothing else, so a repeat is a success too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from heliograph.errors import CallerError, NotAcceptable, NotAllowed, Unauthorized, Unavailable
from heliograph.web.http import JSON, Reply, plain_error

METHODS = "POST, OPTIONS"


def accepted(event_id: str, notes: Sequence[str] = (), *, new: bool = True) -> bytes:
    """`{"status":"ok","id":...}`, with `duplicate` for what was recorded before, and `notes` on what was odd."""
    if new and not notes:
        return b'{"status":"ok","id":"' + event_id.encode() + b'"}'
    answer: dict[str, object] = {"status": "ok", "id": event_id}
    if not new:
        answer["duplicate"] = True
    if notes:
        answer["notes"] = notes
    return msgspec.json.encode(answer)


def ok(body: bytes) -> Reply:
    """200 with JSON."""
    return Reply(200, _HEADERS, body)


def refused(error: CallerError | Unavailable) -> Reply:
    """An error as plain JSON, with the headers that its status asks for (RFC 9110 sections 15.5.2 and 15.5.6)."""
    reply = plain_error(error)
    if isinstance(error, Unauthorized):
        return reply._replace(headers=(*reply.headers, ("www-authenticate", 'Token realm="events"')))
    if isinstance(error, NotAllowed):
        return reply._replace(headers=(*reply.headers, ("allow", METHODS)))
    return reply


def check_accept(accept: str) -> None:
    """Raises `NotAcceptable` if the caller excludes JSON, the one format that we answer in."""
    if accept and not _takes_json(accept):
        raise NotAcceptable("Answers are JSON: send Accept: application/json, */*, or none.", field="accept")


_HEADERS = (JSON,)


@lru_cache(maxsize=256)
def _takes_json(accept: str) -> bool:
    """Whether the most specific range that covers application/json has a weight above 0 (RFC 9110 12.5.1)."""
    weights: dict[str, bool] = {}
    for part in accept.lower().split(","):
        media, *parameters = (piece.strip() for piece in part.split(";"))
        weights[media] = not any(_is_zero(parameter) for parameter in parameters)
    for media in ("application/json", "application/*", "*/*", "*"):
        if media in weights:
            return weights[media]
    return False


def _is_zero(parameter: str) -> bool:
    name, _, value = parameter.partition("=")
    return name.strip() == "q" and value.strip().strip("0") in ("", ".")
